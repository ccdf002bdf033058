"""`mains ledger debts`: what happens to debts and credits besides payments, by two people."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time, read_day
from mains.config.cli.tables import Column, amount_text, print_table
from mains.config.start import start_django

app = typer.Typer(no_args_is_help=True)

ACCOUNT = Annotated[str, typer.Option(help="Number of the account.")]
AMOUNT = Annotated[str, typer.Option(help="Such as 120.50.")]
SERVICE = Annotated[str, typer.Option(help="Service of the debt or credit, such as electricity.")]
PROVIDER = Annotated[str, typer.Option(help="Code of the provider.")]
REASON = Annotated[str, typer.Option(help="Why.")]
DOCUMENT = Annotated[str, typer.Option(help="The act, application or decision.")]
BY = Annotated[str, typer.Option(help="User name of who does it.")]


@app.callback()
def debts() -> None:
    """Write-offs, refunds, transfers, limitation and provisions: proposed by one person, decided by another."""


@app.command()
def open_debts(account: Annotated[str, typer.Argument(help="Number of the account.")]) -> None:
    """List an account's open debts with accrued interest and limitation."""
    start_django()
    from mains.debt.queries.open_debts import list_open_debts

    found = list_open_debts(account_id=account_of(account), today=read_day(""))
    print_table(
        [
            Column("debt"),
            Column("due"),
            Column("kind"),
            Column("service"),
            Column("open", is_number=True),
            Column("interest until today", is_number=True),
            Column("time-barred after"),
        ],
        [
            (
                one.item_id,
                one.due_date,
                one.kind,
                one.service,
                amount_text(one.outstanding_minor),
                amount_text(one.accrued_minor),
                one.barred_after or "-",
            )
            for one in found
        ],
        empty="Nothing is open.",
    )


@app.command()
def barred(
    by_day: Annotated[str, typer.Option("--by", help="Limitation ends by this day; today.")] = "",
    service: Annotated[str, typer.Option(help="Of this service only.")] = "",
) -> None:
    """List open debts whose limitation ends by a day."""
    start_django()
    from mains.debt.queries.open_debts import list_barred
    from mains.staff.values import EVERYTHING

    found = list_barred(scope=EVERYTHING, by=read_day(by_day, option="--by"), service=service)
    print_table(
        [Column("account"), Column("debt"), Column("due"), Column("open", is_number=True), Column("after")],
        [
            (one.number, one.item_id, one.due_date, amount_text(one.outstanding_minor), one.barred_after)
            for one in found
        ],
        empty="None.",
    )


@app.command()
def limitation(
    years: Annotated[int, typer.Option(help="Years from the due date; shows all when left out.")] = 0,
    interruption: Annotated[str, typer.Option(help="never or part_payment.")] = "never",
    service: Annotated[str, typer.Option(help="Of this service only.")] = "",
    day_from: Annotated[str, typer.Option("--from", help="For debts due from this day on.")] = "",
    proof: DOCUMENT = "",
    by: BY = "",
) -> None:
    """Show, or state, after how many years debts are time-barred."""
    start_django()
    from mains.debt.actions.terms import state_limitation
    from mains.debt.queries.terms import list_limitation_terms
    from mains.debt.values import Interruption

    if interruption not in Interruption.values:
        raise typer.BadParameter(f"One of: {', '.join(Interruption.values)}.")
    if years:
        state_limitation(
            years=years,
            interruption=Interruption(interruption),
            service=service,
            valid_from=read_day(day_from, option="--from"),
            proof=proof,
            actor=find_actor(by),
            now=command_time(),
        )
    print_table(
        [Column(title) for title in ("due from", "to", "service", "years", "interrupted by", "document")],
        [
            (
                one.valid_from,
                one.valid_to or "-",
                one.service or "all",
                one.years,
                one.interruption,
                one.proof,
            )
            for one in list_limitation_terms()
        ],
        empty="No limitation is stated.",
    )


@app.command()
def acknowledge(
    account: ACCOUNT,
    on: Annotated[str, typer.Option(help="Day of the acknowledgement.")],
    document: DOCUMENT,
    debt: Annotated[int, typer.Option(help="Number of the one debt; all that were due when left out.")] = 0,
    service: Annotated[str, typer.Option(help="All debts of this service.")] = "",
    by: BY = "",
) -> None:
    """Record that a customer acknowledged debts in writing: their limitation starts anew."""
    start_django()
    from mains.config.cli.orders import account_named
    from mains.debt.actions.acknowledgements import record_acknowledgement

    now = command_time()
    made = record_acknowledgement(
        account=account_named(account, place="--account", now=now),
        acknowledged_on=read_day(on, option="--on"),
        document=document,
        item_id=debt or None,
        service=service,
        today=read_day(""),
        actor=find_actor(by),
        now=now,
    )
    typer.echo(f"Account {account} acknowledged on {made.acknowledged_on}: {made.document}.")


@app.command()
def write_off(
    account: ACCOUNT,
    debt: Annotated[int, typer.Option(help="The debt, as `open-debts` numbers it.")],
    amount: AMOUNT,
    reason: REASON,
    document: DOCUMENT,
    by: BY,
) -> None:
    """Propose to give up a debt, or part of it."""
    start_django()
    from mains.debt.actions.movements import propose_write_off

    movement = propose_write_off(
        item_id=debt,
        account_id=account_of(account),
        amount_minor=minor_of(amount),
        reason=reason,
        document=document,
        now=command_time(),
        actor_id=actor_of(by),
    )
    typer.echo(f"Write-off {movement.pk} waits for approval.")


@app.command()
def refund(
    account: ACCOUNT,
    amount: AMOUNT,
    service: SERVICE,
    provider: PROVIDER,
    reason: REASON,
    document: DOCUMENT,
    by: BY,
    iban: Annotated[str, typer.Option(help="Account of the payee; in cash when left out.")] = "",
    payee: Annotated[str, typer.Option(help="Name of the payee.")] = "",
) -> None:
    """Propose to pay a credit out, by bank or in cash."""
    start_django()
    from mains.debt.actions.movements import Payee, Place, propose_refund
    from mains.debt.values import RefundWay

    movement = propose_refund(
        place=Place(account_id=account_of(account), provider_id=_party(provider), service=service),
        amount_minor=minor_of(amount),
        payee=Payee(way=RefundWay.BANK if iban else RefundWay.CASH, name=payee, account=iban),
        reason=reason,
        document=document,
        now=command_time(),
        actor_id=actor_of(by),
    )
    typer.echo(f"Refund {movement.pk} waits for approval.")


@app.command()
def transfer(
    account: ACCOUNT,
    service: SERVICE,
    provider: PROVIDER,
    amount: AMOUNT,
    reason: REASON,
    document: DOCUMENT,
    by: BY,
    to_account: Annotated[str, typer.Option(help="Where it goes; the same account when left out.")] = "",
    to_service: Annotated[str, typer.Option(help="The same service when left out.")] = "",
    to_provider: Annotated[str, typer.Option(help="The same provider when left out.")] = "",
    debt: Annotated[int, typer.Option(help="Move this debt; a credit when left out.")] = 0,
) -> None:
    """Propose to move a credit or a debt to another account, service or provider."""
    start_django()
    from mains.debt.actions.movements import Place, propose_transfer

    here = Place(account_id=account_of(account), provider_id=_party(provider), service=service)
    movement = propose_transfer(
        place=here,
        to=Place(
            account_id=account_of(to_account) if to_account else here.account_id,
            provider_id=_party(to_provider) if to_provider else here.provider_id,
            service=to_service or service,
        ),
        amount_minor=minor_of(amount),
        item_id=debt or None,
        reason=reason,
        document=document,
        now=command_time(),
        actor_id=actor_of(by),
    )
    typer.echo(f"{movement.get_kind_display()} {movement.pk} waits for approval.")


@app.command()
def proposals() -> None:
    """List what waits for a decision."""
    start_django()
    from mains.staff.queries.approvals import list_proposals
    from mains.staff.values import EVERYTHING

    print_table(
        [
            Column("number"),
            Column("what"),
            Column("unit"),
            Column("amount", is_number=True),
            Column("by"),
            Column("reason"),
            Column("document"),
        ],
        [
            (
                one.proposal_id,
                one.kind.label,
                one.organisation_name or "-",
                amount_text(one.amount_minor),
                one.asked_by,
                one.reason,
                one.document,
            )
            for one in list_proposals(scope=EVERYTHING, is_waiting=True)
        ],
        empty="Nothing waits.",
    )


@app.command()
def decide(
    proposal: Annotated[int, typer.Argument(help="Number of the proposal.")],
    by: BY,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse it instead of approving.")] = False,
    note: Annotated[str, typer.Option(help="What to tell the one who proposed.")] = "",
) -> None:
    """Approve what somebody else proposed, which posts it, or refuse it."""
    start_django()
    from mains.debt.actions.decisions import decide_proposal

    decide_proposal(
        proposal_id=proposal, agrees=not refuse, note=note, now=command_time(), actor_id=actor_of(by)
    )
    typer.echo("Refused." if refuse else "Approved and posted.")


@app.command()
def undo(
    movement: Annotated[int, typer.Argument(help="Number of the write-off, refund or transfer.")],
    reason: REASON,
    by: BY,
) -> None:
    """Post a movement back, whole and once."""
    start_django()
    from mains.debt.actions.movements import undo_movement

    undo_movement(movement_id=movement, reason=reason, now=command_time(), actor_id=actor_of(by))
    typer.echo("Posted back.")


@app.command()
def limit(
    role: Annotated[str, typer.Argument(help="Code of the role.")],
    kind: Annotated[str, typer.Argument(help="write_off, refund, transfer, offset or provision.")],
    amount: Annotated[str, typer.Argument(help="The highest amount that it approves.")],
    day_from: Annotated[str, typer.Option("--from", help="First day.")] = "",
    proof: DOCUMENT = "",
    by: BY = "",
) -> None:
    """State up to which amount a role approves a kind of proposal."""
    start_django()
    from mains.staff.actions.approvals import state_limit
    from mains.staff.values import ProposalKind

    if kind not in ProposalKind.values:
        raise typer.BadParameter(f"One of: {', '.join(ProposalKind.values)}.")
    state_limit(
        role=role,
        kind=ProposalKind(kind),
        amount_minor=minor_of(amount),
        valid_from=read_day(day_from, option="--from"),
        proof=proof,
        actor=find_actor(by),
        now=command_time(),
    )
    typer.echo(f"{role} approves {kind} up to {amount}.")


@app.command()
def order_refunds(
    name: Annotated[str, typer.Option(help="Name of the utility at the bank.")],
    iban: Annotated[str, typer.Option(help="Account that pays.")],
    out: Annotated[Path, typer.Option(help="The file to write (pain.001).")],
    bic: Annotated[str, typer.Option(help="Bank of the account.")] = "",
    on: Annotated[str, typer.Option("--on", help="Day of execution; tomorrow when left out.")] = "",
    by: BY = "",
) -> None:
    """Order every approved refund that waits at the bank."""
    start_django()
    from datetime import timedelta

    from mains.integrations.payment_orders.refunds import order_refunds as order
    from mains.integrations.payment_orders.values import BankParty

    file = order(
        debtor=BankParty(name=name, iban=iban, bic=bic),
        execute_on=read_day(on, option="--on") if on else read_day("") + timedelta(days=1),
        now=command_time(),
        actor_id=actor_of(by),
    )
    out.write_bytes(file.content)
    typer.echo(f"{file.count} refunds ordered in {out}.")


@app.command()
def provision(
    terms: Annotated[
        str, typer.Option(help="State percents by age, such as days_90=10,days_180=50,older=100.")
    ] = "",
    on: Annotated[str, typer.Option("--on", help="First day of the terms, or day of the provision.")] = "",
    propose: Annotated[bool, typer.Option("--propose", help="Propose to post the difference.")] = False,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    proof: DOCUMENT = "",
    by: BY = "",
) -> None:
    """State, show or propose the allowance for doubtful debts."""
    start_django()
    from mains.debt.actions.provisions import propose_provision
    from mains.debt.actions.terms import state_provision
    from mains.debt.queries.provisions import compute_provision
    from mains.debt.queries.terms import find_provision_terms

    day = read_day(on, option="--on")
    if terms:
        pairs = [part.partition("=") for part in terms.split(",")]
        state_provision(
            percents={age.strip(): _number(percent) for age, _, percent in pairs},
            valid_from=day,
            proof=proof,
            actor=find_actor(by),
            now=command_time(),
        )
    if propose:
        propose_provision(on_date=day, reason=reason, now=command_time(), actor_id=actor_of(by))
        typer.echo("The provision waits for approval.")
    found = find_provision_terms(on_date=day)
    print_table(
        [
            Column("unit"),
            Column("provider"),
            Column("service"),
            Column("open", is_number=True),
            Column("required", is_number=True),
            Column("held", is_number=True),
        ],
        [
            (
                one.organisation_id,
                one.provider_id,
                one.service,
                amount_text(one.open_minor),
                amount_text(one.required_minor),
                amount_text(one.held_minor),
            )
            for one in (compute_provision(on_date=day, terms=found) if found else [])
        ],
        empty="Nothing is doubtful, or no rule says so.",
    )


def _number(text: str) -> Decimal:
    try:
        return Decimal(text.strip())
    except InvalidOperation as error:
        raise typer.BadParameter(f"{text} is not a number. Write it as 120.50.") from error


def minor_of(text: str) -> int:
    minor = _number(text) * 100
    if minor != minor.to_integral_value():
        raise typer.BadParameter(f"{text} has more than two decimals.")
    return int(minor)


def actor_of(user_name: str) -> int | None:
    found = find_actor(user_name)
    return found.pk if found else None


def account_of(number: str) -> int:
    from mains.customers.queries.records import find_account_id

    found = find_account_id(number=number)
    if found is None:
        raise typer.BadParameter(f"There is no account {number}.")
    return found


def _party(code: str) -> int:
    from mains.customers.queries.records import find_party_id

    found = find_party_id(code=code)
    if found is None:
        raise typer.BadParameter(f"There is no provider {code}.")
    return found
