"""`mains agents`: who collects for the utility online, with which tokens, and whether both sides have the same."""

from pathlib import Path
from typing import Annotated

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time, read_day
from mains.config.cli.files import read_content
from mains.config.cli.tables import Column, amount_text, print_table
from mains.config.start import start_django

app = typer.Typer(no_args_is_help=True)
By = Annotated[str, typer.Option("--by", help="User name of who does it.")]


@app.command()
def add(
    code: Annotated[str, typer.Argument(help="Short code, small letters, digits and hyphens.")],
    title: Annotated[str, typer.Option(help="Name, as people call it.")],
    currency: Annotated[str, typer.Option(help="Currency of its payments, three letters.")],
    least: Annotated[int, typer.Option(help="Least payment, minor units.")] = 1,
    most: Annotated[int, typer.Option(help="Greatest payment, minor units; 0 for any.")] = 0,
    credit: Annotated[
        int, typer.Option(help="How much it may owe, minor units; 0 pays in advance, -1 any.")
    ] = -1,
    per_minute: Annotated[int, typer.Option(help="Calls a minute of each token.")] = 600,
    address: Annotated[list[str] | None, typer.Option(help="Network it calls from; may be repeated.")] = None,
    payer: Annotated[
        list[str] | None, typer.Option(help="Bank account it pays from; may be repeated.")
    ] = None,
) -> None:
    """Add an agent, or state it anew."""
    start_django()
    from mains.payments.actions.channels import state_channel

    channel = state_channel(
        code=code,
        title=title,
        kind="agent",
        currency=currency,
        now=command_time(),
        least_minor=least,
        most_minor=most or None,
        credit_minor=None if credit < 0 else credit,
        per_minute=per_minute,
        allowed_addresses=address or [],
        payer_accounts=payer or [],
    )
    typer.echo(f"Agent {channel.code} is stated. Give it a token: mains agents token {channel.code} --name …")


@app.command()
def token(
    code: Annotated[str, typer.Argument(help="Code of the agent.")],
    name: Annotated[str, typer.Option(help="What the token is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="inquire, pay, cancel or reconcile; may be repeated; all if none."),
    ] = None,
    by: By = "",
) -> None:
    """Issue a token. It is shown once and kept nowhere."""
    start_django()
    from mains.base.clock import read_clock
    from mains.payments.actions.tokens import issue_token
    from mains.payments.values.online import TokenScope

    actor = find_actor(by)
    issued = issue_token(
        channel_code=code,
        name=name,
        scopes=scope or list(TokenScope.values),
        now=read_clock(),
        actor_id=actor.pk if actor else None,
    )
    typer.echo(f"Token {issued.token_id}, shown only now:")
    typer.echo(issued.token)


@app.command()
def revoke(
    token_id: Annotated[int, typer.Argument(help="Number of the token, from `mains agents tokens`.")],
    by: By = "",
) -> None:
    """Revoke a token at once and for good."""
    start_django()
    from mains.base.clock import read_clock
    from mains.payments.actions.tokens import revoke_token

    actor = find_actor(by)
    revoke_token(token_id=token_id, now=read_clock(), actor_id=actor.pk if actor else None)
    typer.echo(f"Token {token_id} opens nothing any more.")


@app.command()
def tokens(code: Annotated[str, typer.Argument(help="Code of the agent.")]) -> None:
    """Tokens of an agent."""
    start_django()
    from mains.payments.queries.online import list_tokens

    print_table(
        [
            Column("token", is_number=True),
            *map(Column, ("name", "begins with", "scopes", "issued", "revoked")),
        ],
        [
            (
                one.pk,
                one.name,
                one.shown,
                " ".join(one.scopes),
                f"{one.issued_at:%Y-%m-%d}",
                f"{one.revoked_at:%Y-%m-%d}" if one.revoked_at else "-",
            )
            for one in list_tokens(code=code)
        ],
        empty="No token.",
    )


@app.command()
def reconcile(
    code: Annotated[str, typer.Argument(help="Code of the agent or channel.")],
    file: Annotated[Path, typer.Argument(help="Its list: CSV with payment_id, account, amount, cancelled.")],
    on: Annotated[str, typer.Option(help="The day; today when left out.")] = "",
    by: By = "",
) -> None:
    """Compare a day with the agent's list. Exit code 1 when they differ."""
    start_django()
    from mains.payments.actions.channel_days import read_agent_list, reconcile_day

    actor = find_actor(by)
    found = reconcile_day(
        channel_code=code,
        day=read_day(on),
        lines=read_agent_list(read_content(file), place=file.name),
        now=command_time(),
        actor_id=actor.pk if actor else None,
    )
    typer.echo(
        f"{found.day}: ours {found.our_count:,} payments, {amount_text(found.our_minor)};"
        f" theirs {found.their_count:,}, {amount_text(found.their_minor)}."
    )
    print_table(
        [
            Column("payment"),
            Column("difference"),
            Column("ours", is_number=True),
            Column("theirs", is_number=True),
        ],
        [
            (
                one["payment_id"],
                one["kind"],
                "-" if one["our_minor"] is None else f"{one['our_account']} {amount_text(one['our_minor'])}",
                "-"
                if one["their_minor"] is None
                else f"{one['their_account']} {amount_text(one['their_minor'])}",
            )
            for one in found.differences
        ],
        empty="Both sides have the same.",
    )
    raise typer.Exit(1 if found.differences else 0)


@app.command()
def payout(
    code: Annotated[str, typer.Argument(help="Code of the agent, wallet or acquirer.")],
    reference: Annotated[str, typer.Option(help="Its own number of the payout.")],
    amount: Annotated[int, typer.Option(help="What arrived, minor units.")],
    fee: Annotated[int, typer.Option(help="What it kept, minor units.")] = 0,
    line: Annotated[int, typer.Option(help="The bank's waiting line that brought it; 0 for none.")] = 0,
    on: Annotated[str, typer.Option(help="The day; today when left out.")] = "",
    by: By = "",
) -> None:
    """Book money that was passed on to us."""
    start_django()
    from mains.payments.actions.payouts import record_payout

    actor = find_actor(by)
    made = record_payout(
        channel_code=code,
        reference=reference,
        paid_on=read_day(on),
        amount_minor=amount,
        fee_minor=fee,
        bank_line_id=line or None,
        now=command_time(),
        actor_id=actor.pk if actor else None,
    )
    typer.echo(
        f"Payout {made.reference}: {amount_text(made.amount_minor)}, fee {amount_text(made.fee_minor)}."
    )


@app.command()
def transfers(
    code: Annotated[str, typer.Argument(help="Code of the acquirer's channel.")],
) -> None:
    """What an acquirer passed on: gross, commission, net, and what of it fits no card payment; then its lines that
    wait for a person."""
    start_django()
    from mains.payments.queries.acquirer_dues import list_transfers, list_waiting_lines

    numbers = [Column(title, is_number=True) for title in ("gross", "commission", "net", "difference")]
    print_table(
        [Column("day"), Column("reference"), *numbers],
        [
            (
                one.paid_on,
                one.reference,
                *(
                    amount_text(minor)
                    for minor in (one.gross_minor, one.fee_minor, one.net_minor, one.difference_minor)
                ),
            )
            for one in list_transfers(code=code)
        ],
        empty="Nothing was passed on yet.",
    )
    for line in list_waiting_lines(code=code):
        typer.echo(
            f"Line {line.id} of {line.booked_on}: {amount_text(line.net_minor)}, expected "
            f"{amount_text(line.expected_gross_minor - line.expected_fee_minor)}, "
            f"difference {amount_text(line.difference_minor)}."
        )


@app.command()
def dues(
    code: Annotated[str, typer.Argument(help="Code of the acquirer's channel.")],
    on: Annotated[str, typer.Option(help="At the end of this day; today when left out.")] = "",
) -> None:
    """Parts of card payments that the acquirer still has to pay, those due first first."""
    start_django()
    from mains.payments.queries.acquirer_dues import list_due_parts

    day = read_day(on)
    print_table(
        [
            Column("receipt", is_number=True),
            Column("part", is_number=True),
            Column("due"),
            Column("left", is_number=True),
            Column(""),
        ],
        [
            (
                one.receipt_id,
                one.part,
                one.due_on,
                amount_text(one.left_minor),
                "late" if one.due_on < day else "",
            )
            for one in list_due_parts(code=code, on_date=day)
        ],
        empty="Nothing is due.",
    )
