"""`mains desk`: cash desks, their shifts, and what lies in safes."""

from typing import Annotated

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time
from mains.config.cli.tables import Column, amount_text, print_table
from mains.config.start import start_django

app = typer.Typer(no_args_is_help=True)


@app.command()
def add(
    code: Annotated[str, typer.Argument(help="As people call it, and as receipts are numbered: NORTH-1.")],
    unit: Annotated[str, typer.Option(help="Code of the unit that it belongs to.")],
    name: Annotated[str, typer.Option(help="Its name; the code without it.")] = "",
    void_limit: Annotated[
        str, typer.Option(help="Up to this amount a cashier takes a payment back without a supervisor.")
    ] = "0",
    bank_account: Annotated[
        str, typer.Option(help="Number of the bank account to which its cash goes; any without it.")
    ] = "",
) -> None:
    """Add a cash desk to a unit."""
    start_django()
    from mains.cashdesk.actions.desks import add_desk

    added = add_desk(
        code=code,
        name=name,
        organisation_id=_unit(unit),
        void_limit_minor=_minor(void_limit, "--void-limit"),
        bank_account_id=_bank_account(bank_account),
    )
    typer.echo(f"Cash desk {added.code} is added.")


@app.command()
def acquirer(
    code: Annotated[str, typer.Argument(help="Code of the desk.")],
    channel: Annotated[str, typer.Argument(help="Code of the acquirer's channel; empty for none.")],
) -> None:
    """Say whose card terminal stands at a desk, so that its transfers are waited for."""
    start_django()
    from mains.cashdesk.actions.desks import state_acquirer

    state_acquirer(desk_code=code, channel_code=channel)
    typer.echo(f"Cards at {code} are paid by {channel or 'nobody known'}.")


@app.command(name="list")
def list_all() -> None:
    """The cash desks, who works there, and what should be in their tills."""
    start_django()
    from mains.cashdesk.queries.records import list_desks
    from mains.staff.values import EVERYTHING

    print_table(
        [
            Column("desk"),
            Column("name"),
            Column("unit"),
            Column("limit", is_number=True),
            Column("open shift of"),
            Column("in the till", is_number=True),
        ],
        [
            (
                one.code,
                one.name,
                one.unit,
                amount_text(one.void_limit_minor),
                one.cashier,
                amount_text(one.till_minor),
            )
            for one in list_desks(scope=EVERYTHING)
        ],
        empty="There is no cash desk. Add one with `mains desk add`.",
    )


@app.command()
def shifts(limit: Annotated[int, typer.Option(min=1, help="How many closed shifts to list.")] = 20) -> None:
    """Open shifts and the latest closed ones, with what they took."""
    start_django()
    from mains.cashdesk.queries.records import list_shifts
    from mains.cashdesk.queries.reports import sum_shifts
    from mains.staff.values import EVERYTHING

    found = [
        *list_shifts(scope=EVERYTHING, is_open=True),
        *list_shifts(scope=EVERYTHING, is_open=False, limit=limit),
    ]
    sums = sum_shifts(shift_ids=[one.id for one in found])
    print_table(
        [
            Column("shift"),
            Column("cashier"),
            Column("opened"),
            Column("closed"),
            Column("cash", is_number=True),
            Column("card", is_number=True),
            Column("over or short", is_number=True),
        ],
        [
            (
                f"{one.code} / {one.number}",
                one.cashier,
                f"{one.opened_at:%Y-%m-%d %H:%M}",
                f"{one.closed_at:%Y-%m-%d %H:%M}" if one.closed_at else "open",
                amount_text(sums[one.id].cash_minor),
                amount_text(sums[one.id].card_minor),
                amount_text(sums[one.id].difference_minor),
            )
            for one in found
        ],
        empty="No shift was opened yet.",
    )


@app.command()
def safe(
    unit: Annotated[str, typer.Argument(help="Code of the unit whose safe it is.")] = "",
    put: Annotated[
        str, typer.Option(help="Record that this much lies there besides what Mains knows of.")
    ] = "",
    reason: Annotated[str, typer.Option(help="The document that says so.")] = "",
    by: Annotated[str, typer.Option(help="User name of who records it.")] = "",
) -> None:
    """What lies in safes; with --put record what one holds when Mains begins to keep its books."""
    start_django()
    from uuid import uuid4

    from mains.cashdesk.actions.movements import fill_safe
    from mains.cashdesk.queries.records import list_safes
    from mains.staff.values import EVERYTHING

    if put:
        actor = find_actor(by)
        fill_safe(
            organisation_id=_unit(unit),
            amount_minor=_minor(put, "--put"),
            key=uuid4().hex,
            now=command_time(),
            reason=reason,
            actor_id=actor.pk if actor else None,
        )
    print_table(
        [Column("unit"), Column("in the safe", is_number=True)],
        [(one.unit, amount_text(one.amount_minor)) for one in list_safes(scope=EVERYTHING)],
        empty="No safe holds cash.",
    )


def _unit(code: str) -> int:
    from mains.staff.queries.names import find_unit_id

    found = find_unit_id(code=code)
    if found is None:
        raise typer.BadParameter(f"There is no unit {code}; `mains registry tree` shows them.")
    return found


def _bank_account(number: str) -> int | None:
    from mains.payments.queries.bank_files import list_bank_accounts
    from mains.staff.values import EVERYTHING

    if not number:
        return None
    known = {one.number: one.id for one in list_bank_accounts(scope=EVERYTHING)}
    if number not in known:
        raise typer.BadParameter(f"There is no bank account {number}; `mains bank accounts` lists them.")
    return known[number]


def _minor(text: str, option: str) -> int:
    from mains.kernel.money import Currency, Money, UnableToReadMoney

    try:
        return Money.parse(text, Currency("XXX")).minor
    except UnableToReadMoney as error:
        raise typer.BadParameter(f"{option} {text} is not an amount: write 1250.00.") from error
