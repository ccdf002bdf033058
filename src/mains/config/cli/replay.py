"""`mains replay`: bills computed again by interpreters that share no code with the bill run, and compared."""

import time
from datetime import date
from typing import Annotated

import typer

from mains.config.start import start_database, start_django
from mains.kernel.errors import MainsError

app = typer.Typer()

_SHOWN_MAX = 20


class UnableToReplay(MainsError):
    """It is not said what to replay, or there is no such bill."""


@app.command()
def replay(
    bill: Annotated[str | None, typer.Argument(help="The bill's number, such as 2405-101.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All posted bills.")] = False,
    month: Annotated[
        str | None, typer.Option(help="With --all: only this month's bills, as 2024-05.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; as many as cores when left out.")
    ] = None,
) -> None:
    """Compute bills again from raw readings with the exact interpreters. Exit code 1 when an amount differs."""
    if (bill is None) == (not every):
        raise UnableToReplay(
            code="replay-what",
            message="Say which bill to replay, or --all.",
            remedy="For instance: mains replay --all --month 2024-05",
        )
    start_database()
    start_django()
    from mains.base.processes import run_in_processes
    from mains.base.progress import progress_report
    from mains.billing.models import Bill
    from mains.billing.queries.replay import Difference, batch_of, list_batches, replay_batch
    from mains.billing.values import parse_bill_number

    if bill is not None:
        bill_month, bill_id = parse_bill_number(bill)
        try:
            batches = [batch_of(month=bill_month, bill_id=bill_id)]
        except Bill.DoesNotExist:
            raise UnableToReplay(
                code="no-bill",
                message=f"There is no bill {bill}.",
                remedy="Compare the number with the bill.",
            ) from None
    else:
        batches = list_batches(month=_first_day(month) if month else None)
    bills, lines, spent = 0, 0, 0.0
    differences: list[Difference] = []
    began = time.perf_counter()
    accounts = sum(len(batch.account_ids) for batch in batches)
    workers = 1 if len(batches) == 1 else processes
    with progress_report() as progress, progress.step("Replay accounts", total=accounts) as step:
        for batch, result in run_in_processes(replay_batch, batches, processes=workers):
            bills, lines, spent = bills + result.bills, lines + result.lines, spent + result.cpu_seconds
            differences += result.differences
            step.advance(len(batch.account_ids))
    took = time.perf_counter() - began
    for each in differences[:_SHOWN_MAX]:
        typer.echo(f"bill {each.bill}, {each.what}: posted {each.posted_minor}, exact {each.exact_minor}")
    if len(differences) > _SHOWN_MAX:
        typer.echo(f"… and {len(differences) - _SHOWN_MAX} more")
    typer.echo(f"{bills:,} bills, {lines:,} amounts replayed; {len(differences):,} differences.")
    if every and bills:
        typer.echo(
            f"{bills / took:,.0f} bills/s; {bills / max(spent, 1e-9):,.0f} a second of each core used."
        )
    if differences:
        raise typer.Exit(1)


def _first_day(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise UnableToReplay(
            code="replay-month", message=f"{text!r} is not a month.", remedy="Write it as 2024-05."
        ) from None
