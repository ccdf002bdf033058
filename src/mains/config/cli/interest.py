"""`mains ledger interest`: rules of late interest, what they give, and posting it."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time, read_day
from mains.config.cli.tables import Column, amount_text, print_table
from mains.config.start import start_django

app = typer.Typer(no_args_is_help=True)

PROOF = Annotated[str, typer.Option(help="The document that decides it.")]
BY = Annotated[str, typer.Option(help="User name of who does it.")]


@app.callback()
def interest() -> None:
    """Late interest: its rules, what they give, and posting it."""


@app.command()
def rate(
    code: Annotated[str, typer.Argument(help="Name of the rate, such as cbr.")],
    percent: Annotated[str, typer.Argument(help="Percent a year, such as 7.5.")],
    day_from: Annotated[str, typer.Option("--from", help="First day on which it holds.")],
    proof: PROOF = "",
    by: BY = "",
) -> None:
    """State a published rate from a day on."""
    start_django()
    from mains.debt.actions.terms import state_key_rate

    try:
        number = Decimal(percent)
    except InvalidOperation as error:
        raise typer.BadParameter(f"{percent} is not a number. Write it as 7.5.") from error
    state_key_rate(
        code=code,
        percent=number,
        valid_from=read_day(day_from, option="--from"),
        proof=proof,
        actor=find_actor(by),
        now=command_time(),
    )
    typer.echo(f"{code}: {percent} % from {day_from}.")


@app.command()
def terms(
    stated: Annotated[
        Path | None, typer.Option("--import", help="The rule as YAML; shows all when left out.")
    ] = None,
    key_rate: Annotated[str, typer.Option(help="Take the rates from the figures of this name.")] = "",
    service: Annotated[str, typer.Option(help="For debts of this service only.")] = "",
    category: Annotated[str, typer.Option(help="For customers of this category only.")] = "",
    day_from: Annotated[str, typer.Option("--from", help="For debts due from this day on.")] = "",
    proof: PROOF = "",
    by: BY = "",
) -> None:
    """Show, or state, the rules of late interest."""
    start_django()
    from mains.debt.actions.terms import state_interest
    from mains.debt.queries.terms import list_key_rates, list_terms

    if stated:
        state_interest(
            document=stated.read_text(encoding="utf-8"),
            key_rate=key_rate,
            service=service,
            category=category,
            valid_from=read_day(day_from, option="--from"),
            proof=proof,
            actor=find_actor(by),
            now=command_time(),
        )
    print_table(
        [Column(title) for title in ("due from", "to", "service", "category", "rule", "rates", "document")],
        [
            (
                one.valid_from,
                one.valid_to or "-",
                one.service or "all",
                one.category or "all",
                one.rule.code,
                one.key_rate or "its own",
                one.proof,
            )
            for one in list_terms()
        ],
        empty="No late interest.",
    )
    print_table(
        [Column("rate"), Column("percent", is_number=True), Column("from"), Column("to"), Column("document")],
        [
            (one.code, f"{one.percent.normalize():f}", one.valid_from, one.valid_to or "-", one.proof)
            for one in list_key_rates()
        ],
    )


@app.command()
def run(
    until: Annotated[str, typer.Option(help="The last day counted; yesterday when left out.")] = "",
    account: Annotated[str, typer.Option(help="Of this account only.")] = "",
    by: BY = "",
) -> None:
    """Post late interest until a day: what the facts give now, less what was posted before."""
    start_django()
    from datetime import timedelta

    from mains.debt.actions.interest import post_interest

    actor = find_actor(by)
    last = read_day(until, option="--until") if until else read_day("") - timedelta(days=1)
    posted = post_interest(
        until=last,
        now=command_time(),
        account_ids=[_account(account)] if account else None,
        actor_id=actor.pk if actor else None,
    )
    typer.echo(
        f"Until {last}: {amount_text(posted.amount_minor)} on {posted.accounts:,} accounts,"
        f" {posted.lines:,} debts; {amount_text(posted.correction_minor)} of it corrects earlier days."
    )
    if posted.refused:
        typer.echo(f"{posted.refused:,} debts have no rate on a day; state it and run again.", err=True)


@app.command()
def show(
    account: Annotated[str, typer.Argument(help="Number of the account.")],
    until: Annotated[str, typer.Option(help="The last day counted; today when left out.")] = "",
) -> None:
    """Explain an account's late interest down to debt, days, rate and clause, posted or not."""
    start_django()
    from mains.config.cli.trees import step_tree, tree_console
    from mains.debt.queries.interest import accrued_by_item, explain_items, list_posted

    account_id, last = _account(account), read_day(until, option="--until")
    console = tree_console()
    for protocol in explain_items(account_id=account_id, until=last).values():
        for line in protocol.lines:
            console.print(step_tree(line.explanation))
    open_minor = sum(accrued_by_item(account_id=account_id, until=last).values())
    typer.echo(f"Accrued until {last} and not posted: {amount_text(open_minor)}")
    print_table(
        [
            Column("until"),
            Column("debt due"),
            Column("service"),
            Column("posted", is_number=True),
            Column("of which corrects", is_number=True),
            Column("cause"),
        ],
        [
            (
                one.until,
                one.due_date,
                one.service,
                amount_text(one.amount_minor),
                amount_text(one.correction_minor),
                one.cause,
            )
            for one in list_posted(account_id=account_id)
        ],
        empty="Nothing is posted.",
    )


@app.command()
def check(
    account: Annotated[str, typer.Option(help="Of this account only; all others in a sample.")] = "",
    sample: Annotated[int, typer.Option(help="How many accounts to look at.")] = 200,
) -> None:
    """Compute posted interest again day by day, on what was known then; exit code 1 when it differs."""
    start_django()
    from mains.debt.queries.replay import list_accounts_with_interest, replay_interest

    accounts = [_account(account)] if account else list_accounts_with_interest(limit=sample)
    found = replay_interest(account_ids=accounts)
    for one in found:
        typer.echo(
            f"account {one.account_id}, item {one.item_id}: posted {amount_text(one.posted_minor)},"
            f" exactly {amount_text(one.exact_minor)}",
            err=True,
        )
    typer.echo(f"{len(accounts):,} accounts, {len(found):,} deviations.")
    raise typer.Exit(1 if found else 0)


def _account(number: str) -> int:
    from mains.customers.queries.records import find_account_id

    found = find_account_id(number=number)
    if found is None:
        raise typer.BadParameter(f"There is no account {number}.")
    return found
