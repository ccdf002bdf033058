"""Book one receipt of one account as it arrives: a few statements where `book_receipts` moves frames.

The common case is done here: the payment is of an open day, the latest of its account, and pays by age or service by
service; money that waited on the account is used before it. Everything else goes to `book_receipts`. Both ways leave
the same rows; a test compares them on histories of chance.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl

from mains.ledger.actions.single_payment import Cover, post_single_payment
from mains.ledger.values import PenaltyOrder, PolicyRule, TransactionKind
from mains.payments.actions.receipts import NO_OTHER_SIDE, RECEIPT_SCHEMA, book_receipts
from mains.payments.queries.single_receipt import OpenItem, Situation, read_situation
from mains.payments.values.places import MoneyPlace


def book_single_receipt(
    *,
    receipt_id: int,
    account_id: int,
    amount_minor: int,
    paid_on: date,
    kind: TransactionKind,
    money: MoneyPlace,
    now: datetime,
    narrative: str,
) -> None:
    """Book a receipt of a known account as `book_receipts` does, within the caller's database transaction.

    The caller holds the account's allocation lock and the open days, and has seen to the partition of the month.
    """
    situation = read_situation(account_id=account_id, paid_on=paid_on)
    if not _is_plain(situation, paid_on):
        book_receipts(
            receipts=pl.DataFrame(
                [(receipt_id, account_id, paid_on, amount_minor)], schema=RECEIPT_SCHEMA, orient="row"
            ),
            kind=kind,
            source_id=receipt_id,
            other_side=pl.DataFrame(schema=NO_OTHER_SIDE),
            now=now,
            narrative=narrative,
            money=money,
        )
        return
    earlier, items = _use_credits(situation)
    covers = _covers(_in_order(situation, items), amount_minor=amount_minor, paid_on=paid_on)
    post_single_payment(
        kind=kind,
        source_id=receipt_id,
        business_date=paid_on,
        account_id=account_id,
        organisation_id=situation.organisation_id,
        shares=_shares(covers, situation=situation, amount_minor=amount_minor),
        covers=[*earlier, *covers],
        control=money.control,
        unit_id=money.organisation_id,
        now=now,
        narrative=narrative,
    )


def _is_plain(situation: Situation, paid_on: date) -> bool:
    """Whether nothing moves but this payment and money that waited: an open day, no later credit, nothing whose place
    depends on interest or on due dates of an instalment plan."""
    is_open = situation.closed_through is None or situation.closed_through < paid_on
    is_latest = situation.last_credit_on is None or situation.last_credit_on <= paid_on
    is_by_age = situation.rule is not PolicyRule.PROPORTIONAL and situation.penalty is PenaltyOrder.BY_DATE
    # Money that waited goes by the policy of its own day, and within one supply policies differ in interest only.
    credits_by_age = not (situation.credits and situation.has_penalty_order)
    return is_open and is_latest and is_by_age and credits_by_age and not situation.has_plan


def _use_credits(situation: Situation) -> tuple[list[Cover], list[OpenItem]]:
    """What money that waited covers, oldest first within its supply, and the items that are open then."""
    opened = situation.closed_through + timedelta(days=1) if situation.closed_through else date.min
    left = {item.item_id: item.open_minor for item in situation.items}
    covers = []
    for credit in situation.credits:
        rest = credit.left_minor
        for item in situation.items:
            taken = min(rest, left[item.item_id])
            if not taken or (item.provider_id, item.service) != (credit.provider_id, credit.service):
                continue
            rest -= taken
            left[item.item_id] -= taken
            covers.append(
                Cover(
                    item_id=item.item_id,
                    credit_id=credit.credit_id,
                    provider_id=item.provider_id,
                    service=item.service,
                    amount_minor=taken,
                    day=max(item.business_date, credit.paid_on, opened),
                )
            )
    return covers, [
        replace(item, open_minor=left[item.item_id]) for item in situation.items if left[item.item_id]
    ]


def _in_order(situation: Situation, items: list[OpenItem]) -> list[OpenItem]:
    """Items as the policy pays them: services that come first, then by due day and id."""
    places: dict[str, int] = {}
    if situation.rule is PolicyRule.BY_SERVICE:
        places = {service: place for place, service in enumerate(situation.first_services)}
    return sorted(items, key=lambda item: (places.get(item.service, len(places)), item.due_on, item.item_id))


def _covers(items: list[OpenItem], *, amount_minor: int, paid_on: date) -> list[Cover]:
    covers, left = [], amount_minor
    for item in items:
        if not left:
            break
        taken = min(left, item.open_minor)
        left -= taken
        covers.append(
            Cover(
                item_id=item.item_id,
                provider_id=item.provider_id,
                service=item.service,
                amount_minor=taken,
                day=max(item.business_date, paid_on),
            )
        )
    return covers


def _shares(covers: list[Cover], *, situation: Situation, amount_minor: int) -> list[tuple[int, str, int]]:
    """Provider, service and amount, in order; what covers nothing belongs to the account's own supply."""
    shares: dict[tuple[int, str], int] = {}
    for cover in covers:
        place = cover.provider_id, cover.service
        shares[place] = shares.get(place, 0) + cover.amount_minor
    rest = amount_minor - sum(shares.values())
    if rest:
        own = situation.provider_id, situation.service
        shares[own] = shares.get(own, 0) + rest
    return [(provider, service, amount) for (provider, service), amount in sorted(shares.items())]
