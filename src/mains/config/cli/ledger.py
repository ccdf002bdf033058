"""`mains ledger`: whether the books are sound, the chart of accounts, and the journal for other programs."""

import csv
from contextlib import nullcontext
from pathlib import Path
from sys import stdout
from typing import Annotated

import typer

from mains.config.cli import debts, interest
from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time, read_day
from mains.config.cli.tables import Column, amount_text, print_table
from mains.config.start import start_django

app = typer.Typer(no_args_is_help=True)
app.add_typer(interest.app, name="interest")
app.add_typer(debts.app, name="debts")


@app.callback()
def ledger() -> None:
    """Whether the books are sound, the chart of accounts, and the journal for other programs."""


@app.command()
def check() -> None:
    """Ask the database for every breach of the ledger's invariants; exit code 1 when there is one."""
    start_django()
    from mains.cashdesk.queries import invariants as desk_invariants
    from mains.debt.queries import invariants as debt_invariants
    from mains.directdebit.queries import invariants as debit_invariants
    from mains.invoicing.queries import invariants as invoice_invariants
    from mains.ledger.queries import invariants as ledger_invariants
    from mains.ledger.queries import seals as ledger_seals
    from mains.payments.queries import invariants as payment_invariants
    from mains.settlement.queries import invariants as settlement_invariants

    found = [
        *ledger_invariants.find_breaches(),
        *payment_invariants.find_breaches(),
        *settlement_invariants.find_breaches(),
        *desk_invariants.find_breaches(),
        *debt_invariants.find_breaches(),
        *invoice_invariants.find_breaches(),
        *debit_invariants.find_breaches(),
        *ledger_seals.check_seals(),
    ]
    checks = (
        *ledger_invariants.CHECKS,
        *payment_invariants.CHECKS,
        *desk_invariants.CHECKS,
        *debt_invariants.CHECKS,
        *settlement_invariants.CHECKS,
        *invoice_invariants.CHECKS,
        *debit_invariants.CHECKS,
        *ledger_seals.SEAL_CHECKS,
    )
    broken = {breach.check for breach in found}
    for name in checks:
        typer.echo(f"{'BROKEN' if name in broken else 'ok    '}  {name}")
    for breach in found:
        typer.echo(f"{breach.check}: {breach.place}, off by {amount_text(breach.off_by_minor)}", err=True)
    raise typer.Exit(1 if found else 0)


@app.command()
def policy(
    rule: Annotated[
        str, typer.Option(help="oldest_first, by_service or proportional; shows all when left out.")
    ] = "",
    services: Annotated[str, typer.Option(help="Of by_service: services in order, divided by commas.")] = "",
    penalty: Annotated[
        str, typer.Option(help="Late interest: by_date, principal_first or penalty_first.")
    ] = "by_date",
    day_from: Annotated[str, typer.Option("--from", help="First day of payments that follow it.")] = "",
    proof: Annotated[str, typer.Option(help="The document that decides it.")] = "",
    by: Annotated[str, typer.Option(help="User name of who states it.")] = "",
) -> None:
    """Show, or state, which debts payments cover first."""
    start_django()
    from mains.ledger.actions.policies import state_policy
    from mains.ledger.queries.policies import list_policies

    if rule:
        state_policy(
            rule=rule,
            services=services.split(","),
            penalty=penalty,
            valid_from=read_day(day_from, option="--from"),
            proof=proof,
            actor=find_actor(by),
            now=command_time(),
        )
    print_table(
        [Column(title) for title in ("from", "to", "rule", "services", "interest", "document")],
        [
            (
                one.valid_from,
                one.valid_to or "-",
                one.rule.label,
                ", ".join(one.services),
                one.penalty,
                one.proof,
            )
            for one in list_policies()
        ],
        empty="The oldest debt first.",
    )


@app.command()
def reallocate(
    account: Annotated[str, typer.Option(help="Number of the account.")],
) -> None:
    """Let the credits of an account cover its debts anew, in the order of their dates; nothing where that holds."""
    start_django()
    from mains.customers.queries.records import find_account_id
    from mains.ledger.actions.reallocation import reallocate as anew

    account_id = find_account_id(number=account)
    if account_id is None:
        raise typer.BadParameter(f"There is no account {account}.")
    made = anew(account_ids=[account_id], now=command_time())
    typer.echo(f"{made.count} allocations changed.")


@app.command()
def seal() -> None:
    """Seal every transaction that is not sealed yet, and print the head of the chain, to be kept outside."""
    start_django()
    from mains.ledger.actions.seals import seal_transactions

    sealed = seal_transactions(now=command_time())
    typer.echo(f"{sealed.count:,} transactions sealed. Head: {sealed.head}")


@app.command()
def close(
    through: Annotated[str, typer.Option(help="The last day to close, as 2021-05-31.")],
    book: Annotated[str, typer.Option(help="money: receipts and payments; everything: bills too.")] = "money",
    by: Annotated[str, typer.Option(help="User name of who closes.")] = "",
) -> None:
    """Close the books through a day: it takes no transactions any more. Reopening takes two people, in the office."""
    start_django()
    from mains.ledger.values import Book
    from mains.reporting.actions.closing import close_books

    if book not in Book.values:
        raise typer.BadParameter(f"There is no book {book}. One of: {', '.join(Book.values)}.")
    actor = find_actor(by)
    found = close_books(
        book=Book(book),
        day=read_day(through, option="--through"),
        now=command_time(),
        actor_id=actor.pk if actor else None,
    )
    typer.echo(f"{Book(book).label}: closed through {through}.")
    if found.month_unbilled:
        typer.echo(f"{found.month_unbilled:%Y-%m} was not billed: its bills need the month reopened.")
    if found.registers_waiting:
        typer.echo(
            f"{found.registers_waiting} payment registers wait; they will be posted on the first open day."
        )
    if found.suspense_count:
        typer.echo(f"{found.suspense_count} payments are in suspense: {amount_text(found.suspense_minor)}")


@app.command()
def books() -> None:
    """Show through which day the books are closed, and what happened to them."""
    start_django()
    from mains.ledger.queries.periods import closed_books, list_period_events

    for one, day in closed_books().items():
        typer.echo(f"{one.label}: {f'closed through {day}' if day else 'no day is closed'}")
    print_table(
        [Column(title) for title in ("when", "what", "book", "closed through", "by", "reason")],
        [
            (
                f"{e.recorded_at:%Y-%m-%d %H:%M}",
                e.kind.label,
                e.book.label,
                e.through or "-",
                e.person,
                e.reason,
            )
            for e in list_period_events()
        ],
    )


@app.command()
def export(
    out: Annotated[
        Path | None, typer.Option(help="Write to this file; to the terminal when left out.")
    ] = None,
    notation: Annotated[str, typer.Option("--format", help="hledger or beancount.")] = "hledger",
    customers: Annotated[
        bool, typer.Option("--customers", help="Receivables down to each customer's account.")
    ] = False,
    day_from: Annotated[str, typer.Option("--from", help="First business date, as 2021-05-01.")] = "",
    day_to: Annotated[str, typer.Option("--to", help="Last business date.")] = "",
) -> None:
    """Write the ledger as a plain-text journal, which an independent program can add up."""
    start_django()
    from mains.integrations.plain_accounting import NOTATIONS, JournalDetail, write_journal

    if notation not in NOTATIONS:
        raise typer.BadParameter(f"There is no format {notation}. One of: {', '.join(NOTATIONS)}.")
    first = read_day(day_from, option="--from") if day_from else None
    last = read_day(day_to, option="--to") if day_to else None
    with out.open("w", encoding="utf-8", newline="\n") if out else nullcontext(stdout) as file:
        written = write_journal(
            out=file,
            notation=NOTATIONS[notation],
            detail=JournalDetail.CUSTOMERS if customers else JournalDetail.CONTROL,
            first=first,
            last=last,
            as_of=command_time(),
        )
    typer.echo(
        f"{written.transactions:,} transactions, {written.postings:,} postings on {written.accounts:,} accounts"
        + (f" written to {out}" if out else ""),
        err=True,
    )


@app.command()
def chart(
    stated: Annotated[
        Path | None,
        typer.Option("--import", help="A CSV file with the columns control, service, code, name."),
    ] = None,
) -> None:
    """Show how the control accounts are numbered, or state it from a file, whole or not at all."""
    start_django()
    from mains.ledger.actions.chart import state_accounts
    from mains.ledger.queries.chart import read_chart

    if stated:
        with stated.open(encoding="utf-8-sig", newline="") as file:
            state_accounts(rows=list(csv.DictReader(file)), place=stated.name)
    print_table(
        [Column(title) for title in ("number", "name", "type", "control", "service")],
        [
            (row.code, row.name, row.type.label, row.control, row.service or "all")
            for row in read_chart().rows.values()
        ],
    )
