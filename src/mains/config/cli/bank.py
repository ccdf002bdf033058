"""`mains bank`: accounts at banks, their statements, and the balance with each of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mains.config.cli.days import command_time, read_day
from mains.config.cli.files import read_content
from mains.config.cli.tables import Column, amount_text, print_table
from mains.config.start import start_django

if TYPE_CHECKING:
    from mains.payments.queries.bank_files import BankFileRecord

app = typer.Typer(no_args_is_help=True)


@app.command()
def account(
    number: str = typer.Argument(help="IBAN or account number."),
    currency: str = typer.Option(..., help="Its currency, three letters."),
    title: str = typer.Option("", help="Name of the bank, as people call it."),
    sender: Annotated[
        list[str] | None, typer.Option(help="Sender of registers whose sum arrives here; may be repeated.")
    ] = None,
) -> None:
    """Add an account of the utility at a bank."""
    start_django()
    from mains.payments.actions.bank_accounts import add_bank_account

    added = add_bank_account(number=number, title=title, currency=currency, register_senders=sender or [])
    typer.echo(f"Bank account {added.number}, {added.currency}, is added.")


@app.command()
def accounts() -> None:
    """The utility's accounts at banks."""
    start_django()
    from mains.payments.queries.bank_files import list_bank_accounts
    from mains.staff.values import EVERYTHING

    print_table(
        [Column("number"), Column("bank"), Column("currency"), Column("registers of")],
        [
            (one.number, one.title, one.currency, ", ".join(one.register_senders))
            for one in list_bank_accounts(scope=EVERYTHING)
        ],
        empty="No bank account is known. Add one with `mains bank account`.",
    )


@app.command()
def answers(
    file: Annotated[Path, typer.Argument(help="Status report (pain.002) as the bank sent it.")],
) -> None:
    """Take in what a bank answered to our transfers and direct debits. Refused ones: exit code 1."""
    start_django()
    from mains.integrations.payment_orders.status_reports import take_status_report

    taken = take_status_report(content=read_content(file), file_name=file.name, now=command_time())
    known = " It was taken in before; nothing was changed." if taken.was_known else ""
    typer.echo(
        f"Accepted {taken.accepted}, refused {taken.rejected}, undecided {taken.pending}, "
        f"not ours {len(taken.unknown)}.{known}"
    )
    raise typer.Exit(1 if taken.rejected or taken.unknown else 0)


@app.command(name="import")
def import_file(
    file: Annotated[Path, typer.Argument(help="The file as the bank sent it; its format is recognised.")],
    account: str = typer.Option("", help="Whose statement it is, where the file writes it otherwise."),
    accept: bool = typer.Option(False, "--accept", help="Accept without asking."),
) -> None:
    """Check a bank's file whole, show what becomes of it, and accept it. A fault refuses all of it: exit code 1."""
    start_django()
    from mains.integrations.bank_files.intake import take_bank_file
    from mains.payments.queries.bank_files import find_bank_file, sum_states
    from mains.staff.values import EVERYTHING

    file_id = take_bank_file(
        content=read_content(file), file_name=file.name, now=command_time(), account_number=account
    )
    staged = find_bank_file(file_id=file_id, scope=EVERYTHING)
    assert staged is not None
    if staged.faults:
        _print_faults(staged)
        raise typer.Exit(1)
    typer.echo(f"Bank file {staged.id}, {staged.form}: {staged.line_count:,} lines.")
    for state, count, minor in sum_states(file_id=file_id):
        typer.echo(f"  {state.replace('_', ' ')}: {count:,}, {amount_text(minor)}")
    if accept or typer.confirm("Accept?"):
        _accept(file_id)
    else:
        typer.echo(f"Nothing is booked. Accept it later: mains bank accept {file_id}")


@app.command()
def accept(file_id: int = typer.Argument(help="Number of a bank file that waits.")) -> None:
    """Book a bank file that was checked before."""
    start_django()
    _accept(file_id)


@app.command(name="list")
def list_files() -> None:
    """The latest bank files and their states."""
    start_django()
    from mains.payments.queries.bank_files import list_bank_files
    from mains.staff.values import EVERYTHING

    columns = [
        Column("bank file", is_number=True),
        Column("file"),
        Column("format"),
        Column("state"),
        Column("lines", is_number=True),
        Column("in", is_number=True),
        Column("out", is_number=True),
        Column("faults", is_number=True),
    ]
    print_table(
        columns,
        [
            (
                file.id,
                file.file_name,
                file.form,
                file.status,
                f"{file.line_count:,}",
                amount_text(file.in_minor),
                amount_text(file.out_minor),
                len(file.faults),
            )
            for file in list_bank_files(scope=EVERYTHING)
        ],
        empty="No bank file has been imported.",
    )


@app.command()
def balance(
    on: str = typer.Option("", help="Day as YYYY-MM-DD; today without it."),
    limit: int = typer.Option(20, min=1, help="How many differences of an account to list."),
) -> None:
    """Opening + entries = closing at the bank = ledger, for each account. Exit code 1: something is unexplained."""
    start_django()
    from mains.payments.queries.bank_balance import list_bank_balances
    from mains.staff.values import EVERYTHING

    found = list_bank_balances(scope=EVERYTHING, on_date=read_day(on))
    columns = [
        Column("account"),
        Column("opening", is_number=True),
        Column("entries", is_number=True),
        Column("bank", is_number=True),
        Column("ledger", is_number=True),
        Column("difference", is_number=True),
        Column("unexplained", is_number=True),
    ]
    print_table(
        columns,
        [
            (
                one.number,
                _amount(one.opening_minor),
                amount_text(one.moved_minor),
                _amount(one.bank_minor),
                amount_text(one.ledger_minor),
                _amount(one.difference_minor),
                _amount(one.unexplained_minor),
            )
            for one in found
        ],
        empty="No bank account is known. Add one with `mains bank account`.",
    )
    for one in found:
        for difference in one.differences[:limit]:
            typer.echo(
                f"{one.number} {difference.day} {difference.kind} {difference.id}"
                f" {amount_text(difference.amount_minor)} {difference.text[:80]}"
            )
    if any(one.unexplained_minor or one.missing_minor for one in found):
        raise typer.Exit(1)


def _amount(minor: int | None) -> str:
    return "—" if minor is None else amount_text(minor)


def _accept(file_id: int) -> None:
    from django.utils import timezone

    from mains.payments.actions.bank_acceptance import accept_bank_file
    from mains.reporting.actions.ageing import rebuild_ageing

    now = command_time()
    done = accept_bank_file(file_id=file_id, now=now)
    rebuild_ageing(on_date=timezone.localdate(now), now=now)
    typer.echo(
        f"Accepted {done.receipt_count:,} payments, {amount_text(done.received_minor)}:"
        f" {amount_text(done.allocated_minor)} paid debts, {amount_text(done.advance_minor)} is in credit,"
        f" {amount_text(done.suspense_minor)} ({done.suspense_count:,}) is in suspense."
    )


def _print_faults(file: "BankFileRecord") -> None:
    from mains.payments.values import place_of

    typer.echo(f"{file.file_name} is refused; nothing of it is kept.", err=True)
    for fault in file.faults:
        typer.echo(f"{place_of(fault, file_name=file.file_name)}: {fault.message} {fault.remedy}", err=True)
