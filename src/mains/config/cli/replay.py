"""`mains replay`: bills computed again by interpreters that share no code with the bill run, and compared."""

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
    bills, lines = 0, 0
    differences: list[Difference] = []
    processes = 1 if len(batches) == 1 else None
    with progress_report() as progress, progress.step("Replay bills", total=len(batches)) as step:
        for _batch, result in run_in_processes(replay_batch, batches, processes=processes):
            bills, lines = bills + result.bills, lines + result.lines
            differences += result.differences
            step.advance()
    for each in differences[:_SHOWN_MAX]:
        typer.echo(f"bill {each.bill}, {each.what}: posted {each.posted_minor}, exact {each.exact_minor}")
    if len(differences) > _SHOWN_MAX:
        typer.echo(f"… and {len(differences) - _SHOWN_MAX} more")
    typer.echo(f"{bills:,} bills, {lines:,} amounts replayed; {len(differences):,} differences.")
    if differences:
        raise typer.Exit(1)


def _first_day(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise UnableToReplay(
            code="replay-month", message=f"{text!r} is not a month.", remedy="Write it as 2024-05."
        ) from None
