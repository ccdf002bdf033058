"""`mains settlement`: money collected for others, split by contract, settled and passed on."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time, read_day
from mains.config.cli.tables import Column, amount_text, print_table
from mains.config.start import start_django

app = typer.Typer(no_args_is_help=True)
_BY = Annotated[str, typer.Option(help="User name of who does it.")]


@app.command()
def contracts(
    stated: Annotated[
        Path | None, typer.Option("--import", help="A CSV file of contracts; see docs/settlement.md.")
    ] = None,
    by: _BY = "",
) -> None:
    """Show how collected money is shared, or state it from a file, whole or not at all."""
    start_django()
    from mains.settlement.actions.contracts import import_contracts
    from mains.settlement.queries.parties import list_contracts

    if stated:
        import_contracts(rows=_rows(stated), actor=find_actor(by), now=command_time(), file_name=stated.name)
    print_table(
        [
            Column(title)
            for title in ("number", "from", "to", "provider", "service", "houses of", "fee", "shares")
        ],
        [
            (
                one.number,
                one.valid_from,
                one.valid_to or "-",
                one.provider,
                one.service or "all",
                f"{one.manager or 'all'}{' (paid for all)' if one.passes_through else ''}",
                f"{_percent(one.fee_ppm)} {one.rounding}",
                "; ".join(f"{party} {_percent(weight)}" for party, weight in one.shares),
            )
            for one in list_contracts()
        ],
        empty="No contract is stated.",
    )


@app.command()
def payees(
    stated: Annotated[
        Path | None, typer.Option("--import", help="A CSV file of payees; see docs/settlement.md.")
    ] = None,
    by: _BY = "",
) -> None:
    """Show when and where parties are paid, or state it from a file, whole or not at all."""
    start_django()
    from mains.settlement.actions.contracts import import_payees
    from mains.settlement.queries.parties import list_payees

    if stated:
        import_payees(rows=_rows(stated), actor=find_actor(by), now=command_time(), file_name=stated.name)
    print_table(
        [Column(title) for title in ("party", "from", "to", "cycle", "minimum", "holder", "account", "bank")],
        [
            (
                one.name,
                one.valid_from,
                one.valid_to or "-",
                one.cycle,
                amount_text(one.minimum_minor),
                one.holder,
                one.account,
                one.bank_code,
            )
            for one in list_payees()
        ],
        empty="No payee is stated.",
    )


@app.command()
def split(
    everything: Annotated[bool, typer.Option("--all", help="All payments from the beginning.")] = False,
) -> None:
    """Split what was paid since the last time; only differences are posted, so doing it again changes nothing."""
    start_django()
    from mains.settlement.actions.splitting import split_payments

    made = split_payments(now=command_time(), is_everything=everything)
    typer.echo(
        f"{made.rows:,} parts of payments changed: {amount_text(made.received_minor)} collected for others."
    )


@app.command()
def show(
    day_from: Annotated[
        str, typer.Option("--from", help="First business day; the month of --to when left out.")
    ] = "",
    day_to: Annotated[str, typer.Option("--to", help="Last business day; today when left out.")] = "",
    as_of: Annotated[
        str, typer.Option(help="Only what was recorded by this instant, as 2021-06-07T09:00Z.")
    ] = "",
) -> None:
    """Show who owes whom, and where money waits."""
    start_django()
    from mains.config.cli.report import parse_instant
    from mains.settlement.queries.flows import Span, list_flows, list_payee_figures
    from mains.staff.values import EVERYTHING

    through = read_day(day_to, option="--to")
    since = read_day(day_from, option="--from") if day_from else through.replace(day=1)
    span = Span(since=since, through=through, as_of=parse_instant(as_of) if as_of else None)
    flows = list_flows(scope=EVERYTHING, span=span)
    titles = ("collected", "taken back", "fee", "due", "ordered", "at the bank", "waiting")
    print_table(
        [Column("payee"), *(Column(title, is_number=True) for title in titles)],
        [
            (
                row.name,
                *map(
                    amount_text,
                    (
                        row.collected_minor,
                        row.taken_back_minor,
                        row.fee_minor,
                        row.due_minor,
                        row.ordered_minor,
                        row.at_bank_minor,
                        row.waiting_minor,
                    ),
                ),
            )
            for row in list_payee_figures(scope=EVERYTHING, span=span, flows=flows)
        ],
        empty="Nothing was collected for others.",
    )
    for flow in flows:
        if flow.payee_id != flow.party_id:
            typer.echo(f"{flow.payee} owes {flow.party}: {amount_text(flow.due_minor)}")


@app.command()
def settle(
    through: Annotated[str, typer.Option(help="The last day to settle, as 2021-05-31.")],
    party: Annotated[
        list[str] | None, typer.Option(help="Code of a party, whatever its cycle; may be repeated.")
    ] = None,
    by: _BY = "",
) -> None:
    """Settle with the parties whose cycle ends on the day, and prepare payment orders."""
    start_django()
    from mains.customers.queries.records import find_party_id
    from mains.settlement.actions.settling import settle as draw_up
    from mains.settlement.queries.parties import names_of_parties

    ids = [find_party_id(code=code) for code in party or ()]
    if None in ids:
        raise typer.BadParameter("There is no such party. See `mains settlement payees`.")
    actor = find_actor(by)
    made = draw_up(
        through=read_day(through, option="--through"),
        now=command_time(),
        party_ids=tuple(one for one in ids if one is not None),
        actor_id=actor.pk if actor else None,
    )
    names = names_of_parties()
    print_table(
        [Column("settlement", is_number=True), Column("party"), Column("due", is_number=True),
         Column("ordered", is_number=True)],
        [
            (one.settlement_id, names[one.party_id][1], amount_text(one.due_minor), amount_text(one.ordered_minor))
            for one in made
        ],
        empty="No party's cycle ends on this day with anything to settle.",
    )  # fmt: skip


@app.command(name="list")
def list_all() -> None:
    """The latest settlements with their payment orders."""
    start_django()
    from mains.settlement.queries.statements import list_settlements

    print_table(
        [Column("settlement", is_number=True), Column("party"), Column("through"), Column("due", is_number=True),
         Column("order", is_number=True), Column("ordered", is_number=True), Column("state"), Column("by")],
        [
            (
                one.settlement_id,
                one.party,
                one.through,
                amount_text(one.due_minor),
                one.order_id or "-",
                amount_text(one.ordered_minor),
                one.state or "carried",
                " / ".join(filter(None, (one.prepared_by, one.decided_by))),
            )
            for one in list_settlements()
        ],
        empty="Nobody is settled with yet.",
    )  # fmt: skip


@app.command()
def approve(
    order_id: Annotated[int, typer.Argument(help="Number of a payment order.")],
    by: _BY,
    on: Annotated[str, typer.Option(help="Day on which the bank executes it; today when left out.")] = "",
) -> None:
    """Approve a payment order that somebody else prepared."""
    start_django()
    from mains.settlement.actions.orders import approve_order

    actor = find_actor(by)
    order = approve_order(
        order_id=order_id, execute_on=read_day(on), now=command_time(), actor_id=actor.pk if actor else None
    )
    typer.echo(
        f"Payment order {order.pk} of {amount_text(order.amount_minor)} to {order.holder} is approved."
    )


@app.command()
def refuse(
    order_id: Annotated[int, typer.Argument(help="Number of a payment order.")],
    reason: Annotated[str, typer.Option(help="What is wrong with it.")],
    by: _BY = "",
) -> None:
    """Refuse a payment order: its money stays payable."""
    start_django()
    from mains.settlement.actions.orders import refuse_order

    actor = find_actor(by)
    refuse_order(order_id=order_id, reason=reason, now=command_time(), actor_id=actor.pk if actor else None)
    typer.echo(f"Payment order {order_id} is refused.")


@app.command()
def orders(
    out: Annotated[Path, typer.Option(help="Write the orders to this file.")],
    order: Annotated[
        list[int] | None, typer.Option(help="Number of an order; all approved ones when left out.")
    ] = None,
    payer: Annotated[str, typer.Option(help="Code of the party that pays; the utility when left out.")] = "",
    form: Annotated[str, typer.Option(help="pain.001, or 1c for 1CClientBankExchange.")] = "pain.001",
) -> None:
    """Write the approved payment orders that no bank statement has shown yet for the bank, as pain.001 or for 1C."""
    start_django()
    from mains.integrations.payment_orders.settlement_orders import (
        write_russian_orders,
        write_settlement_orders,
    )
    from mains.tariffs.queries.records import currency_of_utility

    if form not in ("pain.001", "1c"):
        raise typer.BadParameter(f"There is no form {form}. One of: pain.001, 1c.")
    if form == "1c":
        content = write_russian_orders(order_ids=order or (), payer_code=payer)
    else:
        content = write_settlement_orders(
            order_ids=order or (), payer_code=payer, currency=currency_of_utility()
        )
    out.write_bytes(content)
    typer.echo(f"Written: {out}")


@app.command()
def statement(
    settlement_id: Annotated[int, typer.Argument(help="Number of a settlement.")],
    pdf: Annotated[Path | None, typer.Option(help="Write a PDF to this file.")] = None,
    xlsx: Annotated[Path | None, typer.Option(help="Write a spreadsheet to this file.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write CSV to this file.")] = None,
) -> None:
    """Print a settlement as it was drawn up: the same bytes each time."""
    start_django()
    from mains.reporting.queries import settlement_files as files
    from mains.settlement.queries.statements import find_settlement
    from mains.tariffs.queries.records import currency_of_utility

    found = find_settlement(settlement_id=settlement_id)
    if found is None:
        raise typer.BadParameter(f"There is no settlement {settlement_id}. See `mains settlement list`.")
    made: list[tuple[Path, bytes]] = []
    if pdf:
        made.append((pdf, files.settlement_pdf(found, currency=currency_of_utility())))
    if xlsx:
        made.append((xlsx, files.settlement_xlsx(found)))
    if csv_file:
        made.append((csv_file, files.settlement_csv(found)))
    for path, content in made:
        path.write_bytes(content)
        typer.echo(f"Written: {path}")
    if not (pdf or xlsx or csv_file):
        typer.echo(files.settlement_csv(found).decode("utf-8-sig"))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _percent(ppm: int) -> str:
    return f"{ppm // 10_000}.{ppm % 10_000:04d}".rstrip("0").rstrip(".") + " %"
