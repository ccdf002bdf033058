"""`mains invoice`: many accounts or months on one invoice, one account on several, and invoices in advance."""

from pathlib import Path
from typing import Annotated

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time, read_day
from mains.config.cli.invoice_words import (
    UnableToReadInvoice,
    group_of,
    instalments_of,
    invoice_of,
    month_of,
    scaled,
    share_of,
)
from mains.config.cli.orders import account_named
from mains.config.cli.tables import Column, amount_text, print_table
from mains.config.start import start_database, start_django

app = typer.Typer(no_args_is_help=True)
By = Annotated[str, typer.Option("--by", help="User name of who states it.")]
Proof = Annotated[str, typer.Option("--proof", help="The contract or letter.")]


@app.callback()
def invoice() -> None:
    """Many accounts on one invoice, one account on several, and invoices in advance."""
    start_database()
    start_django()


@app.command()
def group(
    code: Annotated[str, typer.Argument(help="Code of the group.")],
    name: Annotated[str, typer.Option("--name", help="What it is called.")],
    payer: Annotated[str, typer.Option("--payer", help="An account of the customer who pays.")],
    by: By = "",
) -> None:
    """Begin a group of accounts that one customer pays together."""
    from mains.invoicing.actions.groups import create_group

    now = command_time()
    made = create_group(
        code=code,
        name=name,
        payer=account_named(payer, place="--payer", now=now),
        actor=find_actor(by),
        now=now,
    )
    typer.echo(f"Group {made.code} is paid by {made.customer_name}.")


@app.command()
def member(
    code: Annotated[str, typer.Argument(help="Code of the group.")],
    accounts: Annotated[list[str], typer.Argument(help="Numbers of accounts.")],
    day_from: Annotated[str, typer.Option("--from", help="First day; today when left out.")] = "",
    leaves: Annotated[bool, typer.Option("--leaves", help="The accounts leave instead.")] = False,
    proof: Proof = "",
    by: By = "",
) -> None:
    """Put accounts on the invoices of a group from a day on, or take them off."""
    from mains.invoicing.actions.groups import add_member, remove_member

    found, now, day = group_of(code), command_time(), read_day(day_from, option="--from")
    for number in accounts:
        account = account_named(number, place="ACCOUNTS", now=now)
        if leaves:
            remove_member(account=account, valid_from=day, now=now)
        else:
            add_member(
                group=found, account=account, valid_from=day, actor=find_actor(by), now=now, proof=proof
            )
    typer.echo(f"{len(accounts)} accounts {'leave' if leaves else 'join'} {code} on {day}.")


@app.command()
def issue(
    code: Annotated[str, typer.Argument(help="Code of the group.")],
    month: Annotated[str, typer.Option("--month", help="The latest month of the bills, as 2024-05.")],
    due: Annotated[str, typer.Option("--due", help="Two weeks after today when left out.")] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what it would have; issue nothing.")
    ] = False,
    by: By = "",
) -> None:
    """Put all bills of a group up to a month that are on no invoice yet on one."""
    from mains.invoicing.actions.collective import issue_collective, preview_collective
    from mains.invoicing.queries.invoices import get_invoice

    found, now = group_of(code), command_time()
    if preview:
        bills = preview_collective(group=found, month=month_of(month))
        typer.echo(
            f"{bills['bill_id'].n_unique()} bills of {bills['account_id'].n_unique()} accounts: "
            f"{amount_text(sum(bills['amount_minor']))}. Nothing was issued."
        )
        return
    made = issue_collective(
        group=found,
        month=month_of(month),
        issued_on=read_day(""),
        due_on=read_day(due, option="--due") if due else None,
        actor=find_actor(by),
        now=now,
    )
    issued = get_invoice(invoice_id=made)
    typer.echo(f"{issued.number}: {amount_text(issued.amount_minor)}, due {issued.due_on}.")


@app.command()
def share(
    account: Annotated[str, typer.Argument(help="Number of the account whose bills are shared.")],
    to: Annotated[
        list[str] | None,
        typer.Option("--to", help="PAYER=30% or PAYER=50.00; PAYER:service/component=30% of these charges."),
    ] = None,
    day_from: Annotated[str, typer.Option("--from", help="First day; today when left out.")] = "",
    proof: Proof = "",
    by: By = "",
) -> None:
    """Say who pays which part of an account's bills from a day on; without --to the account pays all again."""
    from mains.invoicing.actions.sharing import state_shares

    now = command_time()
    shares = [share_of(text) for text in to or []]
    state_shares(
        account=account_named(account, place="ACCOUNT", now=now),
        shares=shares,
        valid_from=read_day(day_from, option="--from"),
        actor=find_actor(by),
        now=now,
        proof=proof,
    )
    typer.echo(f"{len(shares)} shares of account {account} are stated.")


@app.command()
def advance(
    account: Annotated[str, typer.Argument(help="Number of the account.")],
    service: Annotated[str, typer.Option("--service", help="Whose bills use it, as electricity.")],
    amount: Annotated[str, typer.Option("--amount", help="What is asked for, as 500.00.")] = "",
    use: Annotated[str, typer.Option("--use", help="Or the use expected in a month, as 150.")] = "",
    months: Annotated[int, typer.Option("--months", min=1, help="For so many months.")] = 1,
    due: Annotated[str, typer.Option("--due", help="Two weeks after today when left out.")] = "",
    note: Annotated[str, typer.Option("--note", help="A sentence on the invoice.")] = "",
    by: By = "",
) -> None:
    """Ask an account for an advance, by amount or by expected use at the prices in force."""
    from mains.invoicing.actions.advances import issue_advance
    from mains.invoicing.queries.advances import Expected, expect_use
    from mains.invoicing.queries.invoices import get_invoice

    now, found = command_time(), account_named(account, place="ACCOUNT", now=command_time())
    if bool(amount) == bool(use):
        raise UnableToReadInvoice(
            code="advance-unclear",
            message="An advance is asked for by an amount or by a use.",
            place="--amount, --use",
            remedy="Give one of the two.",
        )
    expected = (
        Expected(amount_minor=scaled(amount, 2, option="--amount"))
        if amount
        else expect_use(
            account_id=found.id,
            service=service,
            quantity_micro=scaled(use, 6, option="--use"),
            months=months,
            on_date=read_day(""),
            now=now,
        )
    )
    made = issue_advance(
        account=found,
        service=service,
        expected=expected,
        issued_on=read_day(""),
        due_on=read_day(due, option="--due") if due else None,
        note=note,
        actor=find_actor(by),
        now=now,
    )
    issued = get_invoice(invoice_id=made)
    typer.echo(f"{issued.number}: {amount_text(issued.amount_minor)}, due {issued.due_on}.")


@app.command()
def every(
    months: Annotated[int, typer.Argument(min=1, max=12, help="Months on one invoice; 1: each by itself.")],
    account: Annotated[str, typer.Option("--account", help="Number of the account that chooses it.")] = "",
    category: Annotated[
        str, typer.Option("--class", help="Or the class of all accounts that choose nothing, as household.")
    ] = "",
    day_from: Annotated[
        str, typer.Option("--from", help="First day, of a month that is not billed; today when left out.")
    ] = "",
    closes: Annotated[
        str,
        typer.Option("--closes", help="The month of the first invoice, as 2024-03; the first span's last."),
    ] = "",
    instalment: Annotated[
        list[str] | None,
        typer.Option("--instalment", help="Asked for each month in between, as electricity=50.00."),
    ] = None,
    proof: Proof = "",
    by: By = "",
) -> None:
    """Say how many months one invoice covers, of an account or of a class."""
    from mains.invoicing.actions.intervals import state_account_interval, state_class_interval

    if bool(account) == bool(category) or (category and instalment):
        raise UnableToReadInvoice(
            code="interval-unclear",
            message="An interval is of an account or of a class; only an account has instalments.",
            place="--account, --class",
            remedy="Give one of the two.",
        )
    now, day = command_time(), read_day(day_from, option="--from")
    closes_in = month_of(closes) if closes else None
    if category:
        state_class_interval(
            category=category,
            months=months,
            valid_from=day,
            closes_in=closes_in,
            actor=find_actor(by),
            now=now,
            proof=proof,
        )
    else:
        state_account_interval(
            account=account_named(account, place="--account", now=now),
            months=months,
            valid_from=day,
            closes_in=closes_in,
            instalments=instalments_of(instalment or []),
            actor=find_actor(by),
            now=now,
            proof=proof,
        )
    typer.echo(f"From {day} on one invoice covers {months} months.")


@app.command()
def vat(
    service: Annotated[str, typer.Argument(help="Whose advances, as electricity.")],
    percent: Annotated[str, typer.Argument(help="The rate, as 19; 0: no VAT falls due with advances.")],
    provider: Annotated[str, typer.Option("--provider", help="Code of the supplier.")],
    day_from: Annotated[str, typer.Option("--from", help="First day; today when left out.")] = "",
    proof: Proof = "",
    by: By = "",
) -> None:
    """State the VAT that falls due with advances for a supplier's service."""
    from mains.customers.queries.records import find_party_id
    from mains.invoicing.actions.advance_vat import state_advance_vat

    provider_id = find_party_id(code=provider)
    if provider_id is None:
        raise UnableToReadInvoice(
            code="no-provider",
            message=f"There is no supplier {provider}.",
            place="--provider",
            remedy="Name the code of a party of the registry.",
        )
    day = read_day(day_from, option="--from")
    state_advance_vat(
        provider_id=provider_id,
        service=service,
        rate_ppm=scaled(percent, 4, option="PERCENT"),
        valid_from=day,
        actor=find_actor(by),
        now=command_time(),
        proof=proof,
    )
    typer.echo(f"Advances for {service} of {provider} bear {percent} % of VAT from {day} on.")


@app.command()
def waiting() -> None:
    """List what was charged and is asked for with later invoices."""
    from mains.invoicing.queries.intervals import list_waiting_spans
    from mains.staff.values import EVERYTHING

    print_table(
        [
            Column("invoices for"),
            *(Column(title, is_number=True) for title in ("accounts", "bills", "amount")),
        ],
        [
            (f"{span.closing:%Y-%m}", f"{span.accounts:,}", f"{span.bills:,}", amount_text(span.amount_minor))
            for span in list_waiting_spans(scope=EVERYTHING)
        ],
        empty="Nothing waits: every month is asked for by itself.",
    )


@app.command()
def cancel(
    number: Annotated[str, typer.Argument(help="Number of an advance invoice.")],
    reason: Annotated[str, typer.Option("--reason", help="Why nothing is asked for any more.")],
    by: By = "",
) -> None:
    """Ask no more for an advance that nobody has paid."""
    from mains.invoicing.actions.advances import cancel_advance

    found = invoice_of(number)
    cancel_advance(invoice_id=found.id, reason=reason, actor=find_actor(by), now=command_time())
    typer.echo(f"{found.number} is cancelled.")


@app.command()
def follow() -> None:
    """Let bills wait or invoice them, share new ones, take in money that names an invoice, let advances pay."""
    from mains.invoicing.actions.following import follow_up

    done = follow_up(now=command_time())
    typer.echo(
        f"{done.deferred.bills} bills wait for an invoice; {done.deferred.invoices} invoices for several months, "
        f"{amount_text(done.deferred.amount_minor)}. "
        f"{done.shared.bills} bills shared, {amount_text(done.shared.shared_minor)} to other payers. "
        f"{done.taken.count} payments taken in, {amount_text(done.taken.amount_minor)}. "
        f"{done.drawn.count} debts used advances, {amount_text(done.drawn.amount_minor)}."
    )


@app.command("list")
def list_all(
    kind: Annotated[
        str, typer.Option("--kind", help="collective, shared, advance or period; all when left out.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="So many, the latest.")] = 50,
) -> None:
    """List invoices, latest first, with what was paid by their numbers."""
    from mains.invoicing.queries.invoices import list_invoices
    from mains.staff.values import EVERYTHING

    print_table(
        [
            *(Column(title) for title in ("number", "kind", "month", "who", "issued", "due")),
            Column("amount", is_number=True),
            Column("paid", is_number=True),
        ],
        [
            (
                one.number,
                one.kind,
                f"{one.month:%Y-%m}",
                one.group_code or one.account_number,
                one.issued_on,
                one.due_on,
                amount_text(one.amount_minor),
                amount_text(one.paid_minor),
            )
            for one in list_invoices(scope=EVERYTHING, kind=kind, limit=limit)
        ],
        empty="No invoices.",
    )


@app.command("print")
def print_all(
    month: Annotated[
        str, typer.Option("--month", help="Of invoices for several months up to it, as 2024-06.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder to write to.")],
) -> None:
    """Write the invoices for several months that were drawn up for a month: a PDF each, and one of its bills."""
    from mains.config.cli.files import write_content
    from mains.invoicing.queries.invoices import list_invoices
    from mains.reporting.queries.invoice_paper import bills_of_invoice_pdf, invoice_pdf
    from mains.staff.values import EVERYTHING

    wanted = month_of(month)
    found = [
        one for one in list_invoices(scope=EVERYTHING, kind="period", limit=1_000_000) if one.month == wanted
    ]
    out.mkdir(parents=True, exist_ok=True)
    for one in found:
        write_content(out / f"{one.number}.pdf", invoice_pdf(invoice=one))
        write_content(out / f"{one.number}-bills.pdf", bills_of_invoice_pdf(invoice=one))
    typer.echo(f"{len(found):,} invoices in {out}")


@app.command()
def write(
    number: Annotated[str, typer.Argument(help="Number of the invoice, such as CI-1000179.")],
    out: Annotated[Path, typer.Option("--out", help="File ending in .pdf, .csv, .xlsx or .xml (e-invoice).")],
    profile: Annotated[str, typer.Option("--profile", help="Of .xml: peppol, en16931 or cii.")] = "peppol",
    bills: Annotated[
        bool, typer.Option("--bills", help="Of .pdf: the bills that it names, in full.")
    ] = False,
) -> None:
    """Write an invoice as PDF, table, or electronic invoice with lines by account."""
    from mains.config.cli.files import write_content
    from mains.integrations.einvoice.queries.invoice_documents import make_invoice_document
    from mains.integrations.einvoice.queries.profiles import get_profile, write_document
    from mains.reporting.queries.invoice_paper import (
        bills_of_invoice_pdf,
        invoice_csv,
        invoice_pdf,
        invoice_xlsx,
    )

    found = invoice_of(number)
    writers = {
        ".pdf": lambda: (bills_of_invoice_pdf if bills else invoice_pdf)(invoice=found),
        ".csv": lambda: invoice_csv(invoice=found),
        ".xlsx": lambda: invoice_xlsx(invoice=found),
        ".xml": lambda: write_document(make_invoice_document(invoice=found), profile=get_profile(profile)),
    }
    if out.suffix not in writers:
        raise typer.BadParameter(f"Name a file that ends in {', '.join(writers)}.")
    write_content(out, writers[out.suffix]())
