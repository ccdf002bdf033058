"""`mains debit`: collect by mandates, and see what banks made of it."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time, read_day
from mains.config.cli.tables import Column, amount_text, print_table
from mains.config.start import start_django
from mains.kernel.errors import MainsError

app = typer.Typer(no_args_is_help=True)
_BY = Annotated[str, typer.Option(help="User name of who does it.")]
_CREDITOR = Annotated[int, typer.Option(help="Number of the creditor, where there are several.")]
_PROOF = Annotated[str, typer.Option(help="The signed form, letter or contract.")]


class UnableToFindAccount(MainsError):
    """No account has that number."""


@app.callback()
def debit() -> None:
    """Mandates, collections of what is due by another person's approval, their files to banks, and returns."""


@app.command()
def creditor(
    name: Annotated[str, typer.Option(help="Name at the bank.")] = "",
    creditor_id: Annotated[str, typer.Option(help="SEPA creditor identifier.")] = "",
    iban: Annotated[str, typer.Option(help="Account to which is collected.")] = "",
    bic: Annotated[str, typer.Option(help="BIC of its bank.")] = "",
    notice_days: Annotated[int, typer.Option(help="Days between notice and collection.")] = 14,
    returns_limit: Annotated[int, typer.Option(help="Returns in a row that suspend a mandate.")] = 3,
    number: _CREDITOR = 1,
    day_from: Annotated[str, typer.Option("--from", help="First day of these terms; today.")] = "",
    proof: _PROOF = "",
    by: _BY = "",
) -> None:
    """Show who collects, or state it with --creditor-id."""
    start_django()
    from mains.directdebit.actions.mandates import state_creditor
    from mains.directdebit.queries.mandates import list_creditors

    day = read_day(day_from, option="--from")
    if creditor_id:
        state_creditor(
            number=number,
            name=name,
            creditor_id=creditor_id,
            iban=iban,
            bic=bic,
            notice_days=notice_days,
            returns_limit=returns_limit,
            valid_from=day,
            proof=proof,
            actor=find_actor(by),
            now=command_time(),
        )
    print_table(
        [Column("number", is_number=True), Column("name"), Column("creditor"), Column("account"),
         Column("notice days", is_number=True), Column("returns", is_number=True)],
        [
            (one.number, one.name, one.creditor_id, one.iban, one.notice_days, one.returns_limit)
            for one in list_creditors(day=day)
        ],
        empty="Nobody collects yet. State who does: mains debit creditor --name … --creditor-id … --iban …",
    )  # fmt: skip


@app.command()
def mandate(
    account: Annotated[str, typer.Argument(help="Number of the account.")],
    identifier: Annotated[str, typer.Option(help="Identifier of the mandate.")],
    signed: Annotated[str, typer.Option(help="Day of the signature, as 2021-05-31.")],
    holder: Annotated[str, typer.Option(help="Holder of the debtor's account.")],
    iban: Annotated[str, typer.Option(help="The debtor's account.")],
    bic: Annotated[str, typer.Option(help="BIC of the debtor's bank.")] = "",
    scheme: Annotated[str, typer.Option(help="CORE or B2B.")] = "CORE",
    once: Annotated[bool, typer.Option("--once", help="For one collection only.")] = False,
    day_from: Annotated[str, typer.Option("--from", help="First day, where the bank changed later.")] = "",
    number: _CREDITOR = 1,
    proof: _PROOF = "",
    by: _BY = "",
) -> None:
    """Record a mandate of an account."""
    start_django()
    from mains.directdebit.actions.mandates import record_mandate
    from mains.directdebit.values import MandateUse, Scheme

    if scheme not in Scheme.values:
        raise typer.BadParameter(f"One of: {', '.join(Scheme.values)}.")
    made = record_mandate(
        account_id=_account(account),
        identifier=identifier,
        signed_on=read_day(signed, option="--signed"),
        debtor_name=holder,
        iban=iban,
        bic=bic,
        scheme=Scheme(scheme),
        use=MandateUse.ONE_OFF if once else MandateUse.RECURRENT,
        creditor_number=number,
        valid_from=read_day(day_from, option="--from") if day_from else None,
        proof=proof,
        actor=find_actor(by),
        now=command_time(),
    )
    typer.echo(f"Mandate {made.identifier} of account {account} is recorded.")


@app.command()
def mandates(account: Annotated[str, typer.Argument(help="Number of the account.")]) -> None:
    """The mandates of an account with their states today."""
    start_django()
    from mains.directdebit.queries.mandates import list_mandates

    print_table(
        [Column("number", is_number=True), Column("mandate"), Column("signed"), Column("account"), Column("scheme"),
         Column("from"), Column("to"), Column("last used"), Column("state")],
        [
            (one.id, one.identifier, one.signed_on, one.iban, one.scheme, one.valid_from, one.valid_to or "-",
             one.last_used or "-", one.state_on(read_day("")))
            for one in list_mandates(account_id=_account(account))
        ],
        empty="This account has no mandate.",
    )  # fmt: skip


@app.command()
def revoke(
    account: Annotated[str, typer.Argument(help="Number of the account.")],
    day_from: Annotated[str, typer.Option("--from", help="First day without it; today.")] = "",
) -> None:
    """Revoke the mandate of an account."""
    start_django()
    from mains.directdebit.actions.mandates import revoke_mandate

    day = read_day(day_from, option="--from")
    revoke_mandate(account_id=_account(account), revoked_on=day, now=command_time())
    typer.echo(f"From {day} on nothing is collected from account {account}.")


@app.command()
def resume(
    mandate_number: Annotated[int, typer.Argument(help="Number of a suspended mandate.")],
    reason: Annotated[str, typer.Option(help="Why it may succeed again.")],
    by: _BY = "",
) -> None:
    """Let a suspended mandate collect again."""
    start_django()
    from mains.directdebit.actions.mandates import resume_mandate

    actor = find_actor(by)
    resume_mandate(
        mandate_id=mandate_number, reason=reason, now=command_time(), actor_id=actor.pk if actor else None
    )
    typer.echo("The mandate is active again.")


@app.command()
def due(
    on: Annotated[str, typer.Option(help="Day of the collection, as 2021-05-31.")], number: _CREDITOR = 1
) -> None:
    """What may be collected on a day, by mandate; nothing is kept."""
    start_django()
    from mains.directdebit.queries.dues import list_dues

    found = list_dues(creditor_number=number, collect_on=read_day(on, option="--on"))
    print_table(
        [Column("account"), Column("mandate"), Column("sequence"), Column("amount", is_number=True)],
        [
            (one.mandate.account_number, one.mandate.identifier, one.sequence, amount_text(one.amount_minor))
            for one in found
        ],
        empty="Nothing is due by then from accounts with an active mandate.",
    )
    typer.echo(f"{len(found):,} direct debits, {amount_text(sum(one.amount_minor for one in found))}")


@app.command()
def propose(
    on: Annotated[str, typer.Option(help="Day of the collection, as 2021-05-31.")],
    by: _BY,
    reason: Annotated[str, typer.Option(help="Such as: bills of May.")] = "Direct debits",
    number: _CREDITOR = 1,
) -> None:
    """Propose to collect on a day what is due by then; another person decides."""
    start_django()
    from mains.directdebit.actions.collections import propose_collection

    actor = find_actor(by)
    made = propose_collection(
        collect_on=read_day(on, option="--on"),
        creditor_number=number,
        reason=reason,
        now=command_time(),
        actor_id=actor.pk if actor else None,
    )
    typer.echo(
        f"Collection {made.pk}: {made.item_count:,} direct debits, {amount_text(made.amount_minor)}, wait for approval."
    )


@app.command()
def decide(
    collection_id: Annotated[int, typer.Argument(help="Number of a collection.")],
    by: _BY,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse it.")] = False,
    note: Annotated[str, typer.Option(help="What to remember.")] = "",
) -> None:
    """Approve a collection that a colleague proposed, or refuse it."""
    start_django()
    from mains.directdebit.actions.collections import decide_collection
    from mains.directdebit.queries.collections import find_collection
    from mains.staff.values import EVERYTHING

    found = find_collection(collection_id=collection_id, scope=EVERYTHING)
    if found is None or found.proposal_id is None:
        raise typer.BadParameter("There is no such collection. See `mains debit list`.")
    actor = find_actor(by)
    decide_collection(
        proposal_id=found.proposal_id,
        agrees=not refuse,
        note=note,
        now=command_time(),
        actor_id=actor.pk if actor else None,
    )
    typer.echo(f"Collection {collection_id} is {'refused' if refuse else 'approved'}.")


@app.command()
def file(
    collection_id: Annotated[int, typer.Argument(help="Number of an approved collection.")],
    out: Annotated[Path, typer.Option(help="Write pain.008 to this file.")],
    by: _BY = "",
) -> None:
    """Write the file for the bank; asked for again, the same bytes."""
    start_django()
    from mains.integrations.payment_orders.collections import order_collection

    actor = find_actor(by)
    _name, content = order_collection(
        collection_id=collection_id, now=command_time(), actor_id=actor.pk if actor else None
    )
    out.write_bytes(content)
    typer.echo(f"Written: {out}")


@app.command()
def notices(
    collection_id: Annotated[int, typer.Argument(help="Number of a collection.")],
    out: Annotated[Path, typer.Option(help="Write CSV to this file.")],
) -> None:
    """Write what customers are told before: account, mandate, creditor, day, amount; one row each."""
    start_django()
    from mains.directdebit.queries.collections import find_collection, list_items
    from mains.directdebit.queries.mandates import find_creditor
    from mains.staff.values import EVERYTHING

    found = find_collection(collection_id=collection_id, scope=EVERYTHING)
    if found is None:
        raise typer.BadParameter("There is no such collection. See `mains debit list`.")
    of_day = find_creditor(number=found.creditor_number, day=found.collect_on)
    with out.open("w", encoding="utf-8-sig", newline="") as text:
        rows = csv.writer(text)
        rows.writerow(["account", "holder", "iban", "mandate", "creditor", "collected_on", "amount"])
        rows.writerows(
            (one.account_number, one.debtor_name, one.iban, one.mandate, of_day.creditor_id if of_day else "",
             found.collect_on, amount_text(one.amount_minor))
            for one in list_items(collection_id=collection_id)
        )  # fmt: skip
    typer.echo(f"Written: {out}")


@app.command(name="list")
def list_all() -> None:
    """The latest collections and what banks made of them."""
    start_django()
    from mains.directdebit.queries.collections import list_collections
    from mains.staff.values import EVERYTHING

    print_table(
        [Column("collection", is_number=True), Column("day"), Column("state"), Column("debits", is_number=True),
         Column("amount", is_number=True), Column("collected", is_number=True), Column("returned", is_number=True)],
        [
            (one.id, one.collect_on, one.state, f"{one.item_count:,}", amount_text(one.amount_minor),
             amount_text(one.collected_minor), amount_text(one.returned_minor))
            for one in list_collections(scope=EVERYTHING)
        ],
        empty="Nothing was collected yet.",
    )  # fmt: skip


def _account(number: str) -> int:
    from mains.customers.queries.records import find_account
    from mains.staff.values import EVERYTHING

    found = find_account(number=number, scope=EVERYTHING, on_date=read_day(""))
    if found is None:
        raise UnableToFindAccount(
            code="account-unknown",
            message="There is no such account.",
            place=f"account {number}",
            remedy="Look it up with `mains search`.",
        )
    return found.id
