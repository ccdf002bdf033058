"""`mains report`: the turnover statement, the ageing of debts, and the completeness of billing."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mains.config.cli.days import command_time
from mains.config.cli.tables import Column, amount_text, print_table
from mains.config.start import start_django
from mains.kernel.errors import MainsError

if TYPE_CHECKING:
    from mains.reporting.queries.turnover import TurnoverLevel

app = typer.Typer(no_args_is_help=True)


class UnableToReadPeriod(MainsError):
    """A month, day or instant is not written as asked."""


@app.command()
def turnover(
    month: Annotated[str, typer.Option(help="First month, as 2021-05.")],
    to: Annotated[str, typer.Option(help="Last month; the same month when left out.")] = "",
    organisation: Annotated[str, typer.Option(help="Code of a unit; the whole utility when left out.")] = "",
    own_accounts: Annotated[
        bool, typer.Option(help="The unit's own accounts instead of its sub-units.")
    ] = False,
    as_of: Annotated[
        str, typer.Option(help="Only what was recorded by this instant, as 2021-06-07T09:00Z.")
    ] = "",
    csv: Annotated[Path | None, typer.Option(help="Write CSV to this file.")] = None,
    xlsx: Annotated[Path | None, typer.Option(help="Write a spreadsheet to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Opening, accrued, recalculated, paid, closing: of the units below one, or of the accounts of the
    lowest.
    """
    start_django()
    from mains.reporting.queries import turnover as statement
    from mains.reporting.queries import turnover_files as files
    from mains.staff.values import EVERYTHING

    level = statement.turnover(
        scope=EVERYTHING,
        month_from=parse_month(month),
        month_to=month_after(parse_month(to or month)),
        organisation_id=_unit_id(organisation) if organisation else None,
        own_accounts=own_accounts,
        as_of=parse_instant(as_of) if as_of else None,
    )
    for path, make in ((csv, files.turnover_csv), (xlsx, files.turnover_xlsx)):
        if path:
            path.write_bytes(make(level))
            typer.echo(f"Written: {path}", err=as_json)
    if as_json:
        typer.echo(files.turnover_json(level))
    elif not (csv or xlsx):
        _print_level(level)


@app.command()
def slices(
    by: Annotated[
        str, typer.Argument(help="unit, node, service, provider, class, tariff, person, month or account.")
    ],
    month: Annotated[str, typer.Option(help="First month, as 2021-05.")],
    to: Annotated[str, typer.Option(help="Last month; the same month when left out.")] = "",
    only: Annotated[
        list[str] | None,
        typer.Option(help="Narrow to a part, as node=F-12 or class=household; may be repeated."),
    ] = None,
    as_of: Annotated[
        str, typer.Option(help="Only what was recorded by this instant, as 2021-06-07T09:00Z.")
    ] = "",
    csv: Annotated[Path | None, typer.Option(help="Write CSV to this file.")] = None,
    xlsx: Annotated[Path | None, typer.Option(help="Write a spreadsheet to this file.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write a PDF to this file.")] = None,
) -> None:
    """The turnover by any dimension within any slice of the others, down to accounts."""
    start_django()
    from mains.config.cli.slices import asked_slice, print_slice

    asked = asked_slice(
        month_from=parse_month(month),
        month_to=month_after(parse_month(to or month)),
        as_of=parse_instant(as_of) if as_of else None,
        only=only or (),
    )
    print_slice(by=by, asked=asked, files={"csv": csv, "xlsx": xlsx, "pdf": pdf})


@app.command()
def collection(
    month: Annotated[str, typer.Option(help="First month, as 2021-05.")],
    to: Annotated[str, typer.Option(help="Last month; the same month when left out.")] = "",
    by: Annotated[str, typer.Option(help="unit or person.")] = "unit",
    organisation: Annotated[str, typer.Option(help="Code of a unit; the whole utility when left out.")] = "",
    as_of: Annotated[
        str, typer.Option(help="Only what was recorded by this instant, as 2021-06-07T09:00Z.")
    ] = "",
    csv: Annotated[Path | None, typer.Option(help="Write CSV to this file.")] = None,
    xlsx: Annotated[Path | None, typer.Option(help="Write a spreadsheet to this file.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write a PDF to this file.")] = None,
) -> None:
    """Billed and collected by unit or by the person who answers for the accounts, against the targets."""
    start_django()
    from mains.config.cli.slices import asked_slice, print_collection

    print_collection(
        by=by,
        asked=asked_slice(
            month_from=parse_month(month),
            month_to=month_after(parse_month(to or month)),
            as_of=parse_instant(as_of) if as_of else None,
            only=[f"unit={organisation}"] if organisation else (),
        ),
        files={"csv": csv, "xlsx": xlsx, "pdf": pdf},
    )


@app.command()
def targets(
    stated: Annotated[
        Path | None,
        typer.Option("--import", help="A CSV file with the columns unit, person, percent, from, to, proof."),
    ] = None,
    by: Annotated[str, typer.Option(help="User name of who states them.")] = "",
) -> None:
    """State collection targets of units and persons from a file, whole or not at all."""
    start_django()
    import csv as reader

    from mains.config.cli.actors import find_actor
    from mains.reporting.actions.targets import import_targets

    if stated is None:
        raise typer.BadParameter("Name the file by --import.")
    with stated.open(encoding="utf-8-sig", newline="") as file:
        rows = list(reader.DictReader(file))
    count = import_targets(rows=rows, actor=find_actor(by), now=command_time(), file_name=stated.name)
    typer.echo(f"{count} targets are stated.")


@app.command()
def ageing(
    on_date: Annotated[str, typer.Option("--date", help="At the end of this day; today when left out.")] = "",
    as_of: Annotated[
        str,
        typer.Option(help="Only what was recorded by this instant, as 2021-06-07T09:00Z; shown, not kept."),
    ] = "",
) -> None:
    """Compute and keep what is owed by how long it is overdue."""
    start_django()
    if as_of:
        from mains.config.cli.slices import print_ageing

        print_ageing(on_date=_parse_day(on_date) if on_date else None, as_of=parse_instant(as_of))
        return
    from django.utils import timezone

    from mains.reporting.actions.ageing import rebuild_ageing
    from mains.reporting.queries.collection import find_ageing
    from mains.staff.values import EVERYTHING

    now = command_time()
    day = _parse_day(on_date) if on_date else timezone.localdate(now)
    rebuild_ageing(on_date=day, now=now)
    found = find_ageing(scope=EVERYTHING, on_date=day)
    shares = found.shares if found and found.on_date == day else ()
    print_table(
        [Column("age"), Column("amount", is_number=True), Column("accounts", is_number=True)],
        [(share.age.label, amount_text(share.amount_minor), f"{share.accounts:,}") for share in shares],
        empty="Nothing is owed.",
    )


@app.command()
def losses(
    month: Annotated[str, typer.Option(help="Month, as 2021-05.")],
    node: Annotated[str, typer.Option(help="Code of a node; the sources when left out.")] = "",
    csv: Annotated[Path | None, typer.Option(help="Write CSV to this file.")] = None,
    xlsx: Annotated[Path | None, typer.Option(help="Write a spreadsheet to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Energy in, used and lost by node of the network, one level at a time."""
    start_django()
    from mains.balance.queries import loss_files as files
    from mains.balance.queries.losses import list_losses
    from mains.balance.queries.seen_nodes import get_node_path
    from mains.staff.values import EVERYTHING

    first = parse_month(month)
    node_id = _node_id(node) if node else None
    path = get_node_path(scope=EVERYTHING, month=first, node_id=node_id) if node_id else []
    rows = list_losses(scope=EVERYTHING, month=first, node_id=node_id)
    for file, make in ((csv, files.losses_csv), (xlsx, files.losses_xlsx)):
        if file:
            file.write_bytes(make(rows))
            typer.echo(f"Written: {file}", err=as_json)
    if as_json:
        typer.echo(files.losses_json(rows, month=first, path=[name for _id, name in path]))
    elif not (csv or xlsx):
        typer.echo(" / ".join(name for _id, name in path) or "All sources")
        print_table(
            [Column(title, is_number=position > 2) for position, title in enumerate(files.headings())],
            files.shown_rows(rows),
            empty=f"No node below has a balance of {month}.",
        )


@app.command()
def completeness(
    month: Annotated[
        str, typer.Option(help="Only this month, as 2021-05; all billed ones when left out.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many holes.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Check that every service-point-day is billed, waits for its run, or is explained; exit code 1 when any is not."""
    start_django()
    from django.utils import timezone

    from mains.base.progress import progress_report
    from mains.config.cli.completeness import print_check
    from mains.reporting.actions.completeness import check_completeness

    now = command_time()
    with progress_report(quiet=as_json) as report, report.step("Check days", total=None) as step:

        def on_part(_done: int, _total: int) -> None:
            step.advance()

        check = check_completeness(
            on_date=timezone.localdate(now),
            now=now,
            month=parse_month(month) if month else None,
            on_part=on_part,
        )
    print_check(limit=limit, as_json=as_json)
    if check.hole_count:
        raise typer.Exit(1)


def parse_month(text: str) -> date:
    """First day of a month written as 2021-05. Raises UnableToReadPeriod."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise _unreadable(text, "2021-05") from error


def month_after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _unreadable(text, "2021-05-31") from error


def parse_instant(text: str) -> datetime:
    """An instant written as 2021-06-07T09:00Z. Raises UnableToReadPeriod."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise _unreadable(text, "2021-06-07T09:00Z") from error
    if instant.tzinfo is None:
        raise _unreadable(text, "2021-06-07T09:00Z")
    return instant


def _unreadable(text: str, example: str) -> UnableToReadPeriod:
    return UnableToReadPeriod(
        code="period-unreadable", message=f"{text} cannot be read.", remedy=f"Write it as {example}."
    )


def _node_id(code: str) -> int:
    from mains.network.queries.records import find_node_id

    found = find_node_id(code=code)
    if found is None:
        raise UnableToReadPeriod(
            code="node-unknown",
            message="There is no such node.",
            place=f"node {code}",
            remedy="See `mains registry tree network` for the codes.",
        )
    return found


def _unit_id(code: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM staff_organisation WHERE code = %s", [code])
        found = cursor.fetchone()
    if found is None:
        raise UnableToReadPeriod(
            code="organisation-unknown",
            message="There is no such unit.",
            place=f"unit {code}",
            remedy="The statement of the whole utility lists the codes.",
        )
    return int(found[0])


def _print_level(level: "TurnoverLevel") -> None:
    from mains.reporting.queries.turnover import all_rows
    from mains.reporting.queries.turnover_files import headings

    columns = [Column(title, is_number=position > 1) for position, title in enumerate(headings())]
    rows = [(row.code, row.name, row.figures) for row in all_rows(level)]
    rows.append(("", "Total", level.total))
    typer.echo(" / ".join(unit.name for unit in level.path) or "All units")
    print_table(
        columns,
        [
            (
                code,
                name,
                *(
                    amount_text(minor)
                    for minor in (
                        figures.opening_minor,
                        figures.accrued_minor,
                        figures.recalculated_minor,
                        figures.paid_minor,
                        figures.closing_minor,
                    )
                ),
            )
            for code, name, figures in rows
        ],
    )
