"""`mains whatif`: what a draft tariff would bring over the whole utility; nothing is posted."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mains.config.cli.report import parse_month
from mains.config.cli.tables import Column, amount_text, print_table

if TYPE_CHECKING:
    from mains.billing.models import WhatIf

_SHOWN = 10


def whatif(
    month_from: Annotated[str, typer.Option("--from", help="First month, as 2021-03.")],
    drafts: Annotated[
        list[Path] | None, typer.Argument(help="Tariff documents (YAML) to try.", show_default=False)
    ] = None,
    draft: Annotated[
        list[int] | None,
        typer.Option(
            help="Number of a draft of the tariff editor to try, as last saved.", show_default=False
        ),
    ] = None,
    month_to: Annotated[
        str, typer.Option("--to", help="Last month, as 2021-05; the same month when left out.")
    ] = "",
    replaces: Annotated[
        str, typer.Option(help="Code of the tariff that a single draft replaces; else that of the draft.")
    ] = "",
    processes: Annotated[int, typer.Option(min=0, help="Worker processes; 0 for one per core.")] = 0,
    cluster: Annotated[str, typer.Option(help="Let a Dask cluster compute, as tcp://host:8786.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Rate the whole utility by drafts and by the tariffs in force, and compare. Nothing is posted.

    Months that are not billed yet are rated on forecast use.
    """
    from mains.config.start import start_django

    start_django()
    from mains.base.progress import progress_report
    from mains.billing.actions.whatif import compute_whatif, plan_whatif
    from mains.config.cli.days import command_time
    from mains.config.cli.files import read_content
    from mains.staff.values import EVERYTHING
    from mains.tariffs.queries.drafts import get_draft

    now = command_time()
    first = parse_month(month_from)
    planned = plan_whatif(
        documents=[
            (path.name, read_content(path).decode("utf-8", errors="replace")) for path in drafts or ()
        ],
        drafts=[get_draft(draft_id=each, scope=EVERYTHING) for each in draft or ()],
        month_from=first,
        month_to=parse_month(month_to) if month_to else first,
        scope=EVERYTHING,
        replaces=replaces,
        now=now,
    )
    with progress_report(quiet=as_json) as report, report.step("Rate by both", total=None) as step:

        def on_part(_done: int, _total: int) -> None:
            step.advance()

        done = compute_whatif(
            whatif_id=planned.pk, now=now, on_part=on_part, processes=processes or None, cluster=cluster
        )
    result = done.result
    assert result is not None, "A what-if that was computed has a result."
    if as_json:
        typer.echo(json.dumps({"id": done.pk} | result, indent=2, ensure_ascii=False))
    else:
        _print(done, result)


def _print(done: "WhatIf", result: dict[str, Any]) -> None:
    typer.echo(
        f"{done.month_from:%Y-%m} to {done.month_to:%Y-%m}: {result['bills']:,} bills of"
        f" {result['accounts']:,} accounts"
    )
    change = result["after_minor"] - result["before_minor"]
    typer.echo(
        f"Revenue {amount_text(result['before_minor'])} -> {amount_text(result['after_minor'])},"
        f" change {amount_text(change)}{_share(change, result['before_minor'])}"
    )
    for name, words in (("more", "pay more"), ("same", "pay the same"), ("less", "pay less")):
        part = result["directions"][name]
        typer.echo(f"  {part['bills']:,} {words}: {amount_text(part['change_minor'])}")
    typer.echo(
        "Change of a bill: "
        + ", ".join(f"p{p} {amount_text(minor)}" for p, minor in result["percentiles"].items())
    )
    for key, title in (("months", "month"), ("classes", "category"), ("units", "organisation_id")):
        _print_sums(result[key], title)
    _print_sums(result["components"], "component")
    _print_accounts("Pay most more", result["worst"])
    _print_accounts("Pay most less", result["best"])
    if result["refused_bills"]:
        typer.echo(f"Left out, because one side cannot price them: {result['refused_bills']:,}")
        for row in result["refused"]:
            typer.echo(
                f"  {row['side']}: {row['bills']:,} x {row['message']} (account id {row['account_id']})"
            )
    for row in result["months"]:
        if row.get("as_year_before"):
            typer.echo(
                f"{row['month'][:7]}: intervals of {row['as_year_before']:,} bills are taken for those of the same"
                " weeks a year before."
            )
    typer.echo(f"Nothing was posted. Kept as what-if {done.pk}.")


def _share(change: int, before: int) -> str:
    if before <= 0:
        return ""
    tenths = abs(change) * 1000 // before
    return f" ({'-' if change < 0 else '+'}{tenths // 10}.{tenths % 10} %)"


def _print_sums(rows: list[dict[str, Any]], key: str) -> None:
    columns = [Column(key), *(Column(title, is_number=True) for title in ("before", "after", "change"))]
    typer.echo("")
    print_table(
        columns,
        [
            (
                row[key],
                amount_text(row["before_minor"]),
                amount_text(row["after_minor"]),
                amount_text(row["after_minor"] - row["before_minor"]),
            )
            for row in rows
        ],
    )


def _print_accounts(title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    typer.echo("")
    columns = [Column(title), *(Column(name, is_number=True) for name in ("before", "after", "change"))]
    print_table(
        columns,
        [
            (
                f"account id {row['account_id']}",
                amount_text(row["before_minor"]),
                amount_text(row["after_minor"]),
                amount_text(row["change_minor"]),
            )
            for row in rows[:_SHOWN]
        ],
    )
