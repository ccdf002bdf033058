"""The completeness check as `mains report completeness` prints it."""

import json
from dataclasses import asdict

import typer

from mains.config.cli.tables import Column, print_table
from mains.invoicing.queries.intervals import list_waiting_spans
from mains.reporting.queries.completeness.records import (
    CheckRecord,
    HoleRecord,
    find_last_check,
    list_causes,
    list_holes,
)
from mains.reporting.values import DayState, HoleCause
from mains.staff.values import EVERYTHING


def print_check(*, limit: int, as_json: bool) -> None:
    """The last check: days by state, holes by cause and unit, and the largest holes."""
    check = find_last_check(scope=EVERYTHING)
    assert check is not None, "A check was just made."
    causes = list_causes(scope=EVERYTHING, check_id=check.id)
    holes = list_holes(scope=EVERYTHING, check_id=check.id, limit=limit)
    if as_json:
        _print_json(check, [asdict(cause) for cause in causes], holes)
        return
    typer.echo(f"{check.month_from:%Y-%m} to {check.month_to:%Y-%m}, days before {check.until}")
    for state in DayState:
        typer.echo(f"  {state.label}: {check.days.get(state.value, 0):,} days")
    for span in list_waiting_spans(scope=EVERYTHING):
        typer.echo(
            f"  of which asked for with the invoices for {span.closing:%Y-%m}: {span.accounts:,} accounts"
        )
    if not causes:
        typer.echo("No holes.")
        return
    numbers = [Column(title, is_number=True) for title in ("points", "days", "use")]
    print_table(
        [Column("cause"), Column("unit"), *numbers],
        [
            (
                HoleCause(one.cause).label,
                one.organisation_name or "-",
                f"{one.points:,}",
                f"{one.days:,}",
                f"{one.use_micro // 1_000_000:,}",
            )
            for one in causes
        ],
    )
    typer.echo("")
    print_table(
        [
            Column("point"),
            Column("account"),
            Column("month"),
            Column("days"),
            Column("use", is_number=True),
            Column("cause"),
            Column("address"),
        ],
        [
            (
                hole.service_point_code,
                hole.account_number or "-",
                f"{hole.month:%Y-%m}",
                _days(hole),
                f"{hole.use_micro // 1_000_000:,}",
                HoleCause(hole.cause).label,
                hole.address,
            )
            for hole in holes
        ],
    )


def _days(hole: HoleRecord) -> str:
    return ", ".join(
        f"{first.day}" if first == last else f"{first.day}-{last.day}" for first, last in hole.stretches
    )


def _print_json(check: CheckRecord, causes: list[dict[str, object]], holes: list[HoleRecord]) -> None:
    shown = [
        {
            "service_point": hole.service_point_code,
            "account": hole.account_number,
            "cause": hole.cause,
            "days": [[first.isoformat(), last.isoformat()] for first, last in hole.stretches],
            "use_micro": hole.use_micro,
        }
        for hole in holes
    ]
    document = {
        "month_from": check.month_from.isoformat(),
        "month_to": check.month_to.isoformat(),
        "until": check.until.isoformat(),
        "days": dict(check.days),
        "causes": causes,
        "holes": shown,
    }
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
