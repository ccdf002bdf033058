"""`mains settle`: an account moves out on a day; final readings, change of payer and final bill in one step."""

import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer

from mains.config.cli.orders import UnableToReadOrder, account_named, reading_said

if TYPE_CHECKING:
    from mains.billing.actions.settlements import MoveOrder, Settlement
    from mains.customers.actions.moves import NextTerms

app = typer.Typer()

_MONTHLY = ["service_month", "component", "kind"]


@app.command()
def settle(
    account: Annotated[str, typer.Argument(help="Number of the account that moves out.")],
    *,
    on: Annotated[str, typer.Option("--on", help="Its last day, as 2024-02-29; today if left out.")] = "",
    reading: Annotated[
        list[str] | None,
        typer.Option(
            "--reading",
            help="What a register showed at the end of that day: SERIAL=VALUE, or SERIAL/day=VALUE for a zone.",
        ),
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Settle registers without a reading by forecast.")
    ] = False,
    point: Annotated[
        list[str] | None,
        typer.Option("--point", help="Only the supply of this service point; may be given several times."),
    ] = None,
    next_account: Annotated[
        str, typer.Option("--next", help="Number of the account that takes over the day after.")
    ] = "",
    next_name: Annotated[
        str, typer.Option("--next-name", help="Name of a new customer who takes over; an account is opened.")
    ] = "",
    next_phone: Annotated[str, typer.Option("--next-phone", help="Phone of the new customer.")] = "",
    next_tariff: Annotated[
        list[str] | None,
        typer.Option(
            "--next-tariff",
            help="Code of the tariff of whoever takes over, one for each service; the same if left out.",
        ),
    ] = None,
    next_category: Annotated[
        str, typer.Option("--next-category", help="Category of whoever takes over, such as commercial.")
    ] = "",
    proof: Annotated[str, typer.Option("--proof", help="Act or contract that proves the move.")] = "",
    preview: Annotated[bool, typer.Option("--preview", help="Show the final bill and keep nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    by: Annotated[str, typer.Option("--by", help="User name of the person who answers for it.")] = "",
) -> None:
    """Record that an account moves out, and post its final bill: its days of the open month and all corrections.

    All of it is kept, or nothing. The same command again changes nothing; with another day it corrects what was
    recorded.
    """
    from mains.config.cli.actors import find_actor
    from mains.config.cli.bill import start
    from mains.config.cli.days import command_time, read_day

    start()
    from mains.billing.actions.settlements import MoveOrder, preview_settlement
    from mains.billing.actions.settlements import settle as settle_account
    from mains.customers.actions.moves import NewPayer

    now, last_date = command_time(), read_day(on)
    order = MoveOrder(
        account=account_named(account, place="ACCOUNT", now=now),
        last_date=last_date,
        service_point_ids=_points(point or []),
        readings=tuple(reading_said(text, last_date) for text in reading or []),
        is_estimate=estimate,
        proof=proof,
        next_account_id=_next_account(next_account, name=next_name, now=now),
        next_payer=NewPayer(name=next_name, phone=next_phone) if next_name else None,
        next_terms=_terms(next_tariff or [], next_category),
    )
    found = (
        preview_settlement(order=order, now=now)
        if preview
        else settle_account(order=order, now=now, actor=find_actor(by))
    )
    if as_json:
        typer.echo(json.dumps(_data(order, found), ensure_ascii=False, indent=2))
    else:
        _print(order, found, preview=preview)


def _points(codes: list[str]) -> tuple[int, ...]:
    from mains.network.queries.points import find_point_id

    found = []
    for code in codes:
        point_id = find_point_id(code=code)
        if point_id is None:
            raise UnableToReadOrder(
                code="point-unknown",
                message=f"There is no service point {code}.",
                place="--point",
                remedy="Compare the code with the subscriber book.",
            )
        found.append(point_id)
    return tuple(found)


def _next_account(number: str, *, name: str, now: datetime) -> int | None:
    if number and name:
        raise UnableToReadOrder(
            code="next-twice",
            message="The one who takes over is named twice.",
            place="--next, --next-name",
            remedy="Give the number of an account, or the name of a new customer.",
        )
    return account_named(number, place="--next", now=now).id if number else None


def _terms(tariffs: list[str], category: str) -> "NextTerms | None":
    from mains.customers.actions.moves import NextTerms
    from mains.customers.values import Category
    from mains.tariffs.queries.names import find_tariff_id

    if category and category not in Category.values:
        raise UnableToReadOrder(
            code="category-unknown",
            message=f"There is no category {category}.",
            place="--next-category",
            remedy="Write one of " + ", ".join(Category.values) + ".",
        )
    found = []
    for code in tariffs:
        tariff_id = find_tariff_id(code=code)
        if tariff_id is None:
            raise UnableToReadOrder(
                code="tariff-unknown",
                message=f"There is no tariff {code}.",
                place="--next-tariff",
                remedy="See `mains tariff list` for the tariffs that exist.",
            )
        found.append(tariff_id)
    return NextTerms(tariff_ids=tuple(found), category=category) if found or category else None


def _by_month(lines: pl.DataFrame) -> pl.DataFrame:
    return (
        lines.group_by(_MONTHLY, maintain_order=True)
        .agg(pl.col("quantity_micro", "amount_minor").sum())
        .sort("service_month", descending=True, maintain_order=True)
    )


def _data(order: "MoveOrder", found: "Settlement") -> dict[str, object]:
    from mains.billing.values import bill_number

    return {
        "account": order.account.number,
        "last_day": found.last_date.isoformat(),
        "next_account": found.next_number,
        "next_terms": [
            {"service_point": point, "tariff": tariff, "category": category}
            for point, tariff, category in found.following.terms
        ],
        "run": found.run_id,
        "bill": bill_number(found.month, found.bill_id) if found.bill_id else None,
        "month": f"{found.month:%Y-%m}",
        "amount_minor": found.amount_minor,
        "balance_before_minor": found.balance_before_minor,
        "balance_after_minor": found.balance_after_minor,
        "estimated_days": found.estimated_days,
        "waits_for_shares": found.waits_for_shares,
        "lines": [
            row | {"service_month": f"{row['service_month']:%Y-%m}"}
            for row in _by_month(found.lines).iter_rows(named=True)
        ],
    }


def _print(order: "MoveOrder", found: "Settlement", *, preview: bool) -> None:
    from rich.table import Table

    from mains.billing.values import bill_number
    from mains.config.cli.bill import print_table, tell_money

    table = Table("Month", "Component", "Kind", "Quantity", "Amount", title=f"Account {order.account.number}")
    for row in _by_month(found.lines).iter_rows(named=True):
        table.add_row(
            f"{row['service_month']:%Y-%m}",
            row["component"],
            row["kind"],
            f"{Decimal(row['quantity_micro']).scaleb(-6):,.3f}",
            tell_money(row["amount_minor"]),
        )
    if table.row_count:
        print_table(table)
    follower = order.next_payer.name if preview and order.next_payer else found.next_number
    after = f"{follower} begins the day after" if follower else "nobody comes next"
    typer.echo(f"Last day {found.last_date}; {after}.")
    for point, tariff, category in found.following.terms:
        typer.echo(f"{point} from the day after: tariff {tariff}, category {category}.")
    for each in found.unpriced:
        typer.echo(f"The next bill for {each.point_code} cannot be computed: {each.message} {each.remedy}")
    if found.estimated_days:
        typer.echo(f"{found.estimated_days} days are estimated; a reading that comes later corrects them.")
    if found.waits_for_shares:
        typer.echo(f"Shares of common-house use of {found.month:%Y-%m} follow with the month's run.")
    balance = found.balance_after_minor
    credit = f"We owe the customer {tell_money(-balance)}." if balance < 0 else f"Owed {tell_money(balance)}."
    if preview:
        typer.echo(f"The final bill comes to {tell_money(found.amount_minor)}. {credit} Nothing was kept.")
    elif found.bill_id is None:
        typer.echo(f"There was nothing to post. {credit}")
    else:
        number = bill_number(found.month, found.bill_id)
        typer.echo(f"Final bill {number} (run {found.run_id}): {tell_money(found.amount_minor)}. {credit}")
