"""`mains bill`: preview, run and check a month's bills."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mains.config.cli.on_site import on_site
from mains.kernel.errors import MainsError

if TYPE_CHECKING:
    from mains.billing.actions.runs import OnSlice
    from mains.billing.models import BillRun
    from mains.billing.queries.previews import RunPreview

app = typer.Typer(help="Run bills and look at them.", no_args_is_help=True)
app.command("on-site")(on_site)

Month = Annotated[str, typer.Option("--month", help="The month to bill, as 2021-03.")]
AnyMonth = Annotated[str | None, typer.Option("--month", help="Only this month, as 2021-03.")]
Cycle = Annotated[str, typer.Option("--cycle", help="The billing cycle.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", help="Count facts recorded up to this instant (2021-04-04T06:00), by default up to now."
    ),
]


class UnableToReadOption(MainsError):
    """An option of the command line is not what it should be."""


@app.command()
def run(
    month: Month,
    cycle: Cycle = "monthly",
    as_of: AsOf = None,
    cluster: Annotated[str, typer.Option(help="Let a Dask cluster do the slices, as tcp://host:8786.")] = "",
) -> None:
    """Compute and post a month's bills; begun again after an interruption, it goes on where it stopped."""
    start()
    from mains.billing.actions.runs import plan_run, post_run
    from mains.reporting.actions.figures import refresh_figures

    now = read_instant(as_of)
    planned = plan_run(month=_month(month), cycle=cycle, now=now)
    with _progress() as on_slice:
        summary = post_run(run_id=planned.pk, now=now, on_slice=on_slice, cluster=cluster)
    if summary.was_posted:
        typer.echo(f"{month}, cycle {cycle}, is billed already (run {planned.pk}). Nothing was changed.")
        return
    refresh_figures(on_date=now.date(), now=now)
    typer.echo(
        f"Run {planned.pk}: {summary.bills:,} bills posted, {tell_money(summary.amount_minor)} in all."
    )
    typer.echo(
        f"{summary.rows_written:,} rows written, {summary.exceptions:,} exceptions (mains bill exceptions)."
    )


@app.command()
def preview(month: Month, cycle: Cycle = "monthly", as_of: AsOf = None) -> None:
    """Compute a month's bills in full and post nothing."""
    start()
    from mains.billing.actions.runs import preview_run

    with _progress() as on_slice:
        result = preview_run(month=_month(month), cycle=cycle, now=read_instant(as_of), on_slice=on_slice)
    _print_preview(result)


@app.command()
def status(
    month: AnyMonth = None,
    cycle: Cycle = "monthly",
    hashes: Annotated[bool, typer.Option("--hash/--no-hash", help="Compute each run's hash.")] = True,
) -> None:
    """The runs: how far they are, what they billed, and a hash over everything they wrote."""
    start()
    from rich.table import Table

    from mains.billing.queries.hashes import run_hash
    from mains.billing.queries.plans import get_progress, get_run, list_runs

    runs = [get_run(month=_month(month), cycle=cycle)] if month else list_runs()
    table = Table(
        "Run", "Month", "Cycle", "Status", "Use", "Bills", "Billed", "Exceptions", "Unbilled", "Hash"
    )
    for found in runs:
        progress = get_progress(run=found)
        table.add_row(
            str(found.pk),
            f"{found.month:%Y-%m}{'' if found.kind == 'monthly' else ' *'}",
            found.cycle,
            found.get_status_display(),
            f"{progress.usage_buckets}",
            f"{progress.bill_buckets}",
            tell_money(progress.amount_minor),
            f"{progress.exceptions:,}",
            f"{progress.blocked:,}",
            run_hash(found.pk)[:12] if hashes else "",
        )
    print_table(table)
    typer.echo(
        "* a recalculation posted in the month. Use and Bills: buckets done, of 1,024, or its slices."
        " Unbilled: accounts left out by an exception."
    )


@app.command()
def exceptions(
    month: Month,
    cycle: Cycle = "monthly",
    code: Annotated[str | None, typer.Option("--code", help="Only exceptions of this code.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many.")] = 50,
) -> None:
    """What a person should look at: accounts left unbilled first, then odd use and open questions."""
    start()
    from rich.table import Table

    from mains.billing.queries.plans import get_run

    found = get_run(month=_month(month), cycle=cycle).exceptions.order_by("-blocking", "code", "account_id")
    if code:
        found = found.filter(code=code)
    table = Table("Account", "Service point", "Code", "Unbilled", "What")
    for row in found[:limit]:
        table.add_row(
            str(row.account_id or ""),
            str(row.service_point_id or ""),
            row.code,
            "yes" if row.blocking else "",
            row.message,
        )
    print_table(table)
    typer.echo(f"{min(limit, found.count()):,} of {found.count():,} shown.")


@app.command()
def check(month: AnyMonth = None, cycle: Cycle = "monthly") -> None:
    """Check that posted runs add up, from daily use to ledger; exit code 1 when anything does not."""
    start()
    from mains.billing.queries.checks import check_run
    from mains.billing.queries.plans import get_run, list_runs
    from mains.billing.values import RunStatus

    runs = [get_run(month=_month(month), cycle=cycle)] if month else list_runs()
    broken = 0
    for found in runs:
        if found.status != RunStatus.POSTED:
            typer.echo(f"{_name(found)}: not posted yet, not checked")
            continue
        for result in check_run(found.pk):
            broken += result.broken
            state = f"BROKEN {result.broken:,} times, for one {result.example}" if result.broken else "holds"
            typer.echo(f"{_name(found)}: {result.name}: {state}")
    if broken:
        raise typer.Exit(1)


@app.command()
def pdf(
    bill: Annotated[str, typer.Argument(help="The bill's number, such as 2405-101.")],
    out: Annotated[Path | None, typer.Option("--out", help="The file to write.")] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Instead of the customer's: en, ru, tr, zh-hans, de, fr.")
    ] = None,
) -> None:
    """Write a bill as PDF, in the customer's language."""
    start()
    from mains.billing.values import bill_number, parse_bill_number
    from mains.config.cli.files import write_content
    from mains.reporting.queries.bill_paper import bill_pdf

    month, bill_id = parse_bill_number(bill)
    path = out or Path(f"bill-{bill_number(month, bill_id)}.pdf")
    write_content(path, bill_pdf(month=month, bill_id=bill_id, language=language))
    typer.echo(f"Written: {path}")


@app.command("print")
def print_month(
    month: Month,
    out: Annotated[Path, typer.Option("--out", help="The folder to write to.")],
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first so many bills.")] = None,
) -> None:
    """Write a month's bills for the printer: PDF files of 200 bills, in the order in which they are delivered."""
    start()
    from mains.base.processes import run_in_processes
    from mains.base.progress import progress_report
    from mains.config.cli.files import write_content
    from mains.reporting.queries.bill_paper.delivery import list_batches, print_batch

    batches = list_batches(month=_month(month), limit=limit)
    out.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    with progress_report() as report:
        total = sum(len(batch.bill_ids) for batch in batches)
        with report.step("Bills", total=total) as step:
            for batch, made in run_in_processes(print_batch, batches):
                if made.pdf:
                    write_content(out / batch.file_name, made.pdf)
                faults += made.faults
                step.advance(len(batch.bill_ids))
    typer.echo(f"{total - len(faults):,} bills in {len(batches):,} files in {out}")
    for fault in faults:
        typer.echo(f"Not printed: {fault}", err=True)
    if faults:
        raise typer.Exit(1)


@app.command("payment-code")
def payment_code(
    supplier: Annotated[str, typer.Argument(help="Code of the supplier in the registry.")],
    standards: Annotated[
        list[str] | None, typer.Argument(help="gost, epc, emv or named, in the order of printing.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="A setting: NAME=VALUE, or STANDARD.NAME=VALUE where there are two codes."
        ),
    ] = None,
    usual: Annotated[
        bool, typer.Option("--usual", help="State none: the usual code of the currency.")
    ] = False,
) -> None:
    """Show or state which QR codes the supplier's bills carry; see docs/bill-explained.md."""
    start()
    from mains.customers.queries.records import find_party_id
    from mains.kernel.errors import MainsError
    from mains.reporting.actions.payment_codes import store_payment_codes
    from mains.reporting.queries.bill_paper.payment_codes import codes_of

    party_id = find_party_id(code=supplier)
    if party_id is None:
        raise MainsError(
            code="party-unknown",
            message=f"There is no supplier {supplier}.",
            place="command line",
            remedy="Take the code from the registry.",
        )
    if standards or usual:
        store_payment_codes(
            party_id=party_id, codes=[(name, _settings_of(name, settings or [])) for name in standards or []]
        )
    for name, stated in codes_of(party_id=party_id):
        typer.echo(" ".join([name, *(f"{key}={value}" for key, value in stated.items())]))


def _settings_of(standard: str, settings: list[str]) -> dict[str, str]:
    found = {}
    for setting in settings:
        name, _equals, value = setting.partition("=")
        of, _dot, plain = name.rpartition(".")
        if of in ("", standard):
            found[plain] = value
    return found


def _name(run: "BillRun") -> str:
    name = f"{run.month:%Y-%m} {run.cycle}"
    return name if run.kind == "monthly" else f"{name}, recalculation {run.pk}"


def start() -> None:
    """Set Django up for a command."""
    from mains.config.start import start_django

    start_django()


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise UnableToReadOption(
            code="month", message=f"{text!r} is not a month.", place="--month", remedy="Write it as 2021-03."
        ) from error


def read_instant(text: str | None) -> datetime:
    """The instant named as 2021-04-04T06:00; the command's own for no text. Raises UnableToReadOption."""
    from mains.config.cli.days import command_time

    if text is None:
        return command_time()
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnableToReadOption(
            code="instant",
            message=f"{text!r} is not an instant.",
            place="--as-of",
            remedy="Write it as 2021-04-04T06:00.",
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@contextmanager
def _progress() -> "Iterator[OnSlice]":
    """A bar over all stages, on a terminal."""
    from mains.base.progress import progress_report
    from mains.billing.values import Stage

    with progress_report() as report, report.step("Daily use and bills", total=None) as step:

        def on_slice(_stage: Stage, _done: int, _total: int) -> None:
            step.advance()

        yield on_slice


def _print_preview(result: "RunPreview") -> None:
    from rich.table import Table

    typer.echo(
        f"{result.month:%Y-%m}: {result.bills:,} bills, {tell_money(result.amount_minor)} in all, of which"
    )
    typer.echo(
        f"  corrections of earlier months {tell_money(result.correction_minor)}, tax {tell_money(result.tax_minor)}"
    )
    typer.echo(f"  use in the month {result.quantity_micro / 1_000_000:,.0f}")
    components = Table("Component", "Kind", "Correction", "Lines", "Quantity", "Amount", title="By component")
    for row in result.components.iter_rows(named=True):
        components.add_row(
            row["component"],
            row["kind"],
            "yes" if row["is_correction"] else "",
            f"{row['lines']:,}",
            f"{row['quantity_micro'] // 1_000_000:,}",
            tell_money(row["amount_minor"]),
        )
    faults = Table("Code", "Unbilled", "Count", "For one", title="Exceptions")
    for row in result.exceptions.iter_rows(named=True):
        faults.add_row(row["code"], "yes" if row["blocking"] else "", f"{row['count']:,}", row["example"])
    changes = Table("Account", "Last month", "This month", "Change", title="Largest changes")
    for row in result.changes.iter_rows(named=True):
        changes.add_row(
            str(row["account_id"]),
            *(tell_money(row[name]) for name in ("last_minor", "amount_minor", "change_minor")),
        )
    for table in (components, faults, changes):
        if table.row_count:
            print_table(table)
    typer.echo("Nothing was posted.")


def print_table(table: object) -> None:
    """Print a table as wide as the terminal."""
    from rich.console import Console

    Console(highlight=False).print(table)


def tell_money(minor: int) -> str:
    """Minor units as 1,234.56."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100:,}.{abs(minor) % 100:02d}"
