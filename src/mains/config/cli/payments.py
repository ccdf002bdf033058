"""`mains payments`: registers of banks and agents, and money in suspense."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mains.config.cli.days import command_time
from mains.config.cli.tables import Column, amount_text, print_table
from mains.config.start import start_django
from mains.kernel.errors import MainsError

if TYPE_CHECKING:
    from mains.payments.actions.acceptance import AcceptedRegister
    from mains.payments.models import PaymentRegister

app = typer.Typer(no_args_is_help=True)


class UnableToReadFile(MainsError):
    """The file cannot be read."""


@app.command(name="import")
def import_register(
    file: Annotated[Path, typer.Argument(help="The register as the sender sent it.")],
    mapping: str = typer.Option("bank_csv", help="Name of a mapping, or path of your own; see docs."),
    accept: bool = typer.Option(False, "--accept", help="Accept without asking."),
) -> None:
    """Check a register whole, show its totals, and accept it. A fault refuses the whole file: exit code 1."""
    start_django()
    from mains.payments.actions.mapping import load_mapping
    from mains.payments.actions.staging import stage_register

    try:
        content = file.read_bytes()
    except OSError as error:
        raise UnableToReadFile(
            code="file-unreadable",
            message=f"The file cannot be read: {error.strerror}.",
            place=str(file),
            remedy="Check the path and the rights.",
        ) from error
    register = stage_register(
        content=content, file_name=file.name, mapping=load_mapping(mapping), now=command_time()
    )
    if register.faults:
        _print_faults(register)
        raise typer.Exit(1)
    total = amount_text(register.total_minor)
    typer.echo(f"Register {register.pk}: {register.row_count:,} payments, {total} in all.")
    if register.unknown_count:
        typer.echo(
            f"{register.unknown_count:,} of them, {amount_text(register.unknown_minor)}, name accounts"
            " that nobody has: they will wait in suspense."
        )
    if accept or typer.confirm("Accept?"):
        _accept(register.pk)
    else:
        typer.echo(f"Nothing is booked. Accept it later: mains payments accept {register.pk}")


@app.command()
def accept(register_id: int = typer.Argument(help="Number of a register that waits.")) -> None:
    """Book a register that was checked before."""
    start_django()
    _accept(register_id)


@app.command(name="list")
def list_registers() -> None:
    """The latest registers and their states."""
    start_django()
    from mains.payments.queries.registers import list_registers as registers_of
    from mains.staff.values import EVERYTHING

    columns = [
        Column("register", is_number=True),
        Column("file"),
        Column("state"),
        Column("payments", is_number=True),
        Column("total", is_number=True),
        Column("unknown", is_number=True),
        Column("faults", is_number=True),
    ]
    print_table(
        columns,
        [
            (
                register.id,
                register.file_name,
                register.status,
                f"{register.row_count:,}",
                amount_text(register.total_minor),
                amount_text(register.unknown_minor),
                len(register.faults),
            )
            for register in registers_of(scope=EVERYTHING)
        ],
        empty="No register has been imported.",
    )


@app.command()
def suspense(limit: int = typer.Option(50, min=1, help="How many to list.")) -> None:
    """Money that waits for its account."""
    start_django()
    from mains.payments.queries.receipts import list_suspense, sum_suspense
    from mains.staff.values import EVERYTHING

    columns = [
        Column("receipt", is_number=True),
        Column("paid on"),
        Column("amount", is_number=True),
        Column("account as written"),
        Column("payer"),
        Column("reference"),
        Column("file"),
    ]
    print_table(
        columns,
        [
            (
                receipt.id,
                receipt.paid_on.isoformat(),
                amount_text(receipt.amount_minor),
                receipt.account_number,
                receipt.payer,
                receipt.reference,
                receipt.file_name,
            )
            for receipt in list_suspense(scope=EVERYTHING, limit=limit)
        ],
        empty="Suspense is empty.",
    )
    total = sum_suspense()
    if total.count:
        typer.echo(f"{total.count:,} receipts, {amount_text(total.amount_minor)} in suspense.")


@app.command()
def identify(
    receipt_id: int = typer.Argument(help="Number of the receipt, from `mains payments suspense`."),
    account_number: str = typer.Argument(help="Number of the account that it was meant for."),
) -> None:
    """Move money from suspense to its account."""
    start_django()
    from django.utils import timezone

    from mains.payments.actions.suspense import identify_receipt

    now = command_time()
    booked = identify_receipt(
        receipt_id=receipt_id,
        account_number=account_number,
        business_date=timezone.localdate(now),
        now=now,
    )
    paid, left = amount_text(booked.allocated_minor), amount_text(booked.advance_minor)
    typer.echo(f"Receipt {receipt_id} is booked on {account_number}: {paid} paid debts, {left} is in credit.")


@app.command()
def allocate() -> None:
    """Let all open credits cover open bills, oldest first."""
    start_django()
    from mains.ledger.actions.allocation import allocate_credits

    made = allocate_credits(now=command_time())
    typer.echo(
        f"{made.count:,} allocations over {made.accounts:,} accounts, {amount_text(made.amount_minor)}."
    )


def _accept(register_id: int) -> None:
    from django.utils import timezone

    from mains.payments.actions.acceptance import accept_register
    from mains.reporting.actions.ageing import rebuild_ageing

    now = command_time()
    done: AcceptedRegister = accept_register(register_id=register_id, now=now)
    rebuild_ageing(on_date=timezone.localdate(now), now=now)
    typer.echo(
        f"Accepted {done.receipt_count:,} payments, {amount_text(done.received_minor)}:"
        f" {amount_text(done.allocated_minor)} paid debts, {amount_text(done.advance_minor)} is in credit,"
        f" {amount_text(done.suspense_minor)} ({done.suspense_count:,}) is in suspense."
    )


def _print_faults(register: "PaymentRegister") -> None:
    from mains.payments.values import Fault, place_of

    typer.echo(f"{register.file_name} is refused; nothing of it is kept.", err=True)
    for item in register.faults:
        fault = Fault(**item)
        typer.echo(
            f"{place_of(fault, file_name=register.file_name)}: {fault.message} {fault.remedy}", err=True
        )
