"""Money that a person takes: receipts of known accounts, booked at once where the money is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from mains.ledger.actions.posting import POSTING_SCHEMA
from mains.ledger.values import TransactionKind
from mains.payments.actions.receipts import RECEIPT_SCHEMA, book_receipts
from mains.payments.models import Receipt
from mains.payments.values.places import MoneyPlace


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Money of one account, more than nothing."""

    idempotency_key: str
    account_id: int
    account_number: str
    amount_minor: int
    reference: str


def take_money(
    *,
    taken: Sequence[Taken],
    place: MoneyPlace,
    paid_on: date,
    kind: TransactionKind,
    source_id: int,
    now: datetime,
    narrative: str,
) -> list[int]:
    """Ids of the receipts, in the order of `taken`; they cover debts by the policy of the day.

    Within the caller's database transaction, which sees to it that nothing is taken twice: a key that is known raises
    IntegrityError. What is paid on a closed day is posted on the first open one.
    """
    receipts = [
        Receipt.objects.create(
            idempotency_key=one.idempotency_key,
            account_id=one.account_id,
            account_number=one.account_number,
            reference=one.reference,
            paid_on=paid_on,
            amount_minor=one.amount_minor,
            money_control=place.control.value,
            money_unit_id=place.organisation_id,
            recorded_at=now,
        )
        for one in taken
    ]
    book_receipts(
        receipts=pl.DataFrame(
            [(one.pk, one.account_id, paid_on, one.amount_minor) for one in receipts],
            schema=RECEIPT_SCHEMA,
            orient="row",
        ),
        kind=kind,
        source_id=source_id,
        other_side=pl.DataFrame(schema={**POSTING_SCHEMA, "business_date": pl.Date}),
        now=now,
        narrative=narrative,
        money=place,
    )
    return [one.pk for one in receipts]
