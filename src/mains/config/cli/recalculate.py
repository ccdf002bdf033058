"""`mains recalculate`: correct billed months, between two monthly runs, by what became known since."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer

from mains.kernel.errors import MainsError

if TYPE_CHECKING:
    from mains.billing.actions.recalculations import Recalculation
    from mains.billing.actions.runs import OnSlice

app = typer.Typer()

_MONTHLY = ["service_month", "component", "kind"]


class UnableToRecalculate(MainsError):
    """There is no such account."""


@app.command()
def recalculate(
    account: Annotated[
        str | None, typer.Option("--account", help="Only this account, by its number.")
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would be posted and post nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Count facts recorded up to this instant, by default up to now."),
    ] = None,
) -> None:
    """Post, in the open month, what late facts change in billed months; nothing that was posted changes.

    Looks at every account touched since the last run. Begun again after an interruption, it goes on where it stopped.
    """
    from mains.config.cli.bill import read_instant, start

    start()
    now = read_instant(as_of)
    results = (
        _one(account, preview=preview, now=now) if account else _all(preview=preview, now=now, quiet=as_json)
    )
    if as_json:
        typer.echo(json.dumps([_data(name, found) for name, found in results], ensure_ascii=False, indent=2))
        return
    if not results:
        typer.echo("Nobody is touched by what became known since the last run. Nothing was posted.")
    for name, found in results:
        _print(name, found, preview=preview)


def _one(number: str, *, preview: bool, now: datetime) -> "list[tuple[str, Recalculation]]":
    from mains.billing.actions.recalculations import preview_account, recalculate_account
    from mains.customers.queries.records import find_account
    from mains.staff.values import EVERYTHING

    found = find_account(number=number, scope=EVERYTHING, on_date=now.date())
    if found is None:
        raise UnableToRecalculate(
            code="no-account",
            message=f"There is no account {number}.",
            place="--account",
            remedy="Compare the number with the subscriber book.",
        )
    work = preview_account if preview else recalculate_account
    return [(f"account {number}", work(account_id=found.id, now=now))]


def _all(*, preview: bool, now: datetime, quiet: bool) -> "list[tuple[str, Recalculation]]":
    from mains.billing.actions.recalculations import (
        list_cycles,
        posted_by,
        preview_recalculation,
        recalculate,
    )
    from mains.reporting.actions.figures import refresh_figures

    results = []
    with _progress(quiet=quiet) as on_slice:
        for cycle in list_cycles():
            if preview:
                found = preview_recalculation(cycle=cycle, now=now, on_slice=on_slice)
                if not (found.lines.is_empty() and found.exceptions.is_empty()):
                    results.append((f"cycle {cycle}", found))
                continue
            summary = recalculate(cycle=cycle, now=now, on_slice=on_slice)
            if summary is not None:
                results.append((f"cycle {cycle}", posted_by(run_id=summary.run_id)))
    if results and not preview:
        refresh_figures(on_date=now.date(), now=now)
    return results


def _data(name: str, found: "Recalculation") -> dict[str, object]:
    return {
        "of": name,
        "run": found.run_id,
        "month": f"{found.month:%Y-%m}",
        "facts_as_of": found.facts_as_of.isoformat(),
        "accounts": found.lines["account_id"].n_unique(),
        "amount_minor": found.amount_minor,
        "exceptions": found.exceptions.height,
        "differences": [
            row | {"service_month": f"{row['service_month']:%Y-%m}"}
            for row in _by_month(found.lines).iter_rows(named=True)
        ],
        "causes": [
            {
                "service_month": f"{month:%Y-%m}",
                "service_point_id": point,
                "facts": [one.to_data() for one in causes],
            }
            for (month, point), causes in sorted(found.causes.items())
        ],
    }


def _by_month(lines: pl.DataFrame) -> pl.DataFrame:
    return (
        lines.group_by(_MONTHLY)
        .agg(
            pl.col("account_id").n_unique().alias("accounts"),
            pl.col("quantity_micro").sum(),
            pl.col("amount_minor").sum(),
        )
        .sort(_MONTHLY, descending=[True, False, False])
    )


def _print(name: str, found: "Recalculation", *, preview: bool) -> None:
    from rich.table import Table

    from mains.config.cli.bill import print_table, tell_money
    from mains.reporting.queries.bill_paper.cause_wording import tell_causes

    table = Table("Month", "Component", "Kind", "Accounts", "Quantity", "Difference", title=name.capitalize())
    for row in _by_month(found.lines).iter_rows(named=True):
        table.add_row(
            f"{row['service_month']:%Y-%m}",
            row["component"],
            row["kind"],
            f"{row['accounts']:,}",
            f"{Decimal(row['quantity_micro']).scaleb(-6):,.3f}",
            tell_money(row["amount_minor"]),
        )
    if table.row_count:
        print_table(table)
    for (month, point), causes in sorted(found.causes.items()):
        typer.echo(f"{month:%Y-%m}, service point {point}:")
        for sentence in tell_causes(causes, language="en"):
            typer.echo(f"  {sentence}")
    accounts = found.lines["account_id"].n_unique()
    if preview:
        typer.echo(
            f"{name}: accounts to correct: {accounts:,}, {tell_money(found.amount_minor)} in all. Nothing was posted."
        )
    elif found.run_id is None:
        typer.echo(f"{name}: there is nothing to correct. Nothing was posted.")
    else:
        typer.echo(
            f"{name}: run {found.run_id} in {found.month:%Y-%m}, accounts corrected: {accounts:,},"
            f" {tell_money(found.amount_minor)} in all."
        )
    blocked = found.exceptions.filter("blocking")["account_id"].n_unique()
    if blocked:
        typer.echo(
            f"{blocked:,} accounts could not be computed and are left as they were (mains bill status)."
        )


@contextmanager
def _progress(*, quiet: bool) -> "Iterator[OnSlice]":
    from mains.base.progress import progress_report
    from mains.billing.values import Stage

    with progress_report(quiet=quiet) as report, report.step("Recalculate", total=None) as step:

        def on_slice(_stage: Stage, _done: int, _total: int) -> None:
            step.advance()

        yield on_slice
