"""`mains online`: wallets and cards by redirect – channels, orders, and what waits for a person."""

import json
from typing import Annotated

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time
from mains.config.cli.tables import Column, amount_text, print_table
from mains.config.start import start_django

app = typer.Typer(no_args_is_help=True)


@app.command()
def channel(
    code: Annotated[str, typer.Argument(help="Short code, small letters, digits and hyphens.")],
    title: Annotated[str, typer.Option(help="Name, as people call it.")],
    kind: Annotated[str, typer.Option(help="wallet or card.")],
    currency: Annotated[str, typer.Option(help="Currency, three letters.")],
    adapter: Annotated[
        str, typer.Option(help="wechat, alipay or redirect; none of an acquirer of desks' terminals alone.")
    ] = "",
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="name=value, a number or JSON where it is one.")
    ] = None,
    payer: Annotated[
        list[str] | None, typer.Option(help="Bank account it pays from; may be repeated.")
    ] = None,
) -> None:
    """Add a wallet or an acquirer, or state it anew. Its secrets are read from the environment."""
    start_django()
    from mains.payments.actions.channels import state_channel

    pairs = dict(pair.partition("=")[::2] for pair in setting or [])
    state_channel(
        code=code,
        title=title,
        kind=kind,
        adapter=adapter,
        currency=currency,
        settings={name: _value(text) for name, text in pairs.items()},
        payer_accounts=payer or [],
        now=command_time(),
    )
    calls = f" Call-backs arrive at /callbacks/{code}/" if adapter else ""
    typer.echo(f"Channel {code} is stated.{calls}")


@app.command(name="list")
def list_all() -> None:
    """Channels with what they collected today and owe."""
    start_django()
    from mains.base.business_day import today
    from mains.payments.queries.online import list_channels
    from mains.staff.values import EVERYTHING

    print_table(
        [
            *map(Column, ("code", "name", "kind", "adapter")),
            *(Column(name, is_number=True) for name in ("today", "sum", "owes", "waits")),
        ],
        [
            (
                one.code,
                one.title,
                one.kind,
                one.adapter or "-",
                one.today_count,
                amount_text(one.today_minor),
                amount_text(one.owed_minor),
                one.open_letters,
            )
            for one in list_channels(scope=EVERYTHING, today=today())
        ],
        empty="No channel is known. Add one with `mains agents add` or `mains online channel`.",
    )


@app.command()
def order(
    code: Annotated[str, typer.Argument(help="Code of the channel.")],
    account: Annotated[str, typer.Argument(help="Account number.")],
    amount: Annotated[int, typer.Argument(help="Minor units.")],
    base: Annotated[str, typer.Option(help="Our own address, for call-backs: https://pay.example")],
    instalments: Annotated[int, typer.Option(help="Number of instalments, of cards.")] = 1,
    payer: Annotated[str, typer.Option(help="The customer at the provider, as JSAPI needs.")] = "",
) -> None:
    """Ask a provider to collect, and print where the customer pays."""
    start_django()
    from mains.payments.actions.orders import create_order

    made = create_order(
        channel_code=code,
        account_number=account,
        amount_minor=amount,
        notify_base=base,
        instalments=instalments,
        payer_id=payer,
        now=command_time(),
    )
    typer.echo(f"Order {made.number}: {made.state}")
    typer.echo(made.pay_url)


@app.command()
def ask() -> None:
    """Ask providers about orders whose time has come, as the worker does every minute."""
    start_django()
    from mains.payments.actions.orders import tend_orders

    typer.echo(f"Asked about {tend_orders(now=command_time()):,} orders.")


@app.command()
def letters() -> None:
    """Calls that came to nothing and wait for a person."""
    start_django()
    from mains.payments.queries.online import list_letters
    from mains.staff.values import EVERYTHING

    print_table(
        [Column("letter", is_number=True), *map(Column, ("channel", "call", "of", "times", "why"))],
        [
            (one.pk, one.channel.code, one.operation, one.subject or "-", one.times, one.message)
            for one in list_letters(scope=EVERYTHING)
        ],
        empty="Nothing waits.",
    )


@app.command()
def resend(
    letter_id: Annotated[int, typer.Argument(help="Number, from `mains online letters`.")],
    by: Annotated[str, typer.Option(help="User name of who does it.")] = "",
) -> None:
    """Do a call again that came to nothing."""
    start_django()
    from mains.payments.actions.resending import resend_letter

    actor = find_actor(by)
    letter = resend_letter(letter_id=letter_id, now=command_time(), actor_id=actor.pk if actor else None)
    typer.echo(f"Letter {letter_id}: {letter.state}.")


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
