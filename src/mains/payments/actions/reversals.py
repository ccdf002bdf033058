"""Take a receipt back: the bank returned it, the payer disputed it, or it was never ours."""

from datetime import date, datetime

import polars as pl
from django.db import IntegrityError, transaction

from mains.base.columns import fetch_frame
from mains.kernel.errors import MainsError
from mains.ledger.actions.advances import advance_posting, record_return, uses_to_take_back
from mains.ledger.actions.allocation import lock_allocation
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, PostedTransaction, post_transaction
from mains.ledger.actions.reallocation import reallocate
from mains.ledger.values import Control, EntryKind, TransactionKind
from mains.payments.actions.receipts import suspense_place
from mains.payments.events import money_moved
from mains.payments.models import Receipt, ReceiptReversal
from mains.payments.queries.supply import utility_id
from mains.staff.values import EVERYTHING, Scope

_REASON_MAX = 200
_PAYMENTS = """
    SELECT account_id, organisation_id, provider_id, service, amount_minor FROM ledger_entry
    WHERE account_id = ANY(%(account_ids)s) AND kind = 'payment' AND document_id = %(receipt_id)s ORDER BY id
"""


class UnableToReverseReceipt(MainsError):
    """The receipt cannot be taken back; nothing was posted."""


def reverse_receipt(
    *,
    receipt_id: int,
    reason: str,
    business_date: date,
    now: datetime,
    actor_id: int | None = None,
    scope: Scope = EVERYTHING,
) -> ReceiptReversal:
    """Post a receipt back, whole and once, and let the account's other payments cover what it had covered.

    The customer owes again what the receipt had paid, service by service, with the old due dates of the debts. The
    receipt itself stays. Raises UnableToReverseReceipt: unknown or out of `scope`, taken back already, no reason, a day
    before it was paid, less cash at the desks than was taken there; UnableToPostOnDay when the books are closed.
    """
    reason = " ".join(reason.split())
    with transaction.atomic():
        receipt = Receipt.objects.select_for_update().filter(pk=receipt_id).first()
        account_ids = _accounts_of(receipt) if receipt else []
        if receipt is None or not all(_within(account_id, scope) for account_id in account_ids):
            raise _refusal(
                "receipt-unknown",
                "There is no such receipt.",
                receipt_id,
                "Look it up in the account's payments.",
            )
        if not reason or len(reason) > _REASON_MAX:
            raise _refusal(
                "reversal-reason",
                "Taking a receipt back needs a reason, of at most 200 characters.",
                receipt_id,
                "Name the bank's message or the payer's letter.",
            )
        if business_date < receipt.paid_on:
            raise _refusal(
                "reversal-before-payment",
                "The day lies before the payment.",
                receipt_id,
                "Give the day on which the money went back.",
            )
        if receipt.identifications.filter(account_id__isnull=True).exists():
            raise _refusal(
                "receipt-returned",
                "This receipt goes back to its payer already.",
                receipt_id,
                "Nothing was changed.",
            )
        if receipt.money_control == Control.CASH_DESK and receipt.amount_minor > _cash_at(
            receipt.money_unit_id
        ):
            raise _refusal(
                "reversal-no-cash",
                "There is less cash at the desks of the unit that took this money.",
                receipt_id,
                "Bring cash from the safe to the desk first, and give it back there.",
            )
        try:
            with transaction.atomic():
                reversal = ReceiptReversal.objects.create(
                    receipt=receipt,
                    business_date=business_date,
                    reason=reason,
                    recorded_at=now,
                    recorded_by_id=actor_id,
                )
        except IntegrityError as error:
            raise _refusal(
                "receipt-reversed", "This receipt is taken back already.", receipt_id, "Nothing was changed."
            ) from error
        advance_id = _advance_of(receipt)
        if advance_id is None:
            entries = _entries(receipt, account_ids)
            _post(receipt, entries, _counterparts(receipt, entries), business_date, now, reason)
        else:
            _give_advance_back(receipt, advance_id, business_date, now, reason)
        if account_ids:
            reallocate(account_ids=account_ids, now=now)
            money_moved(now=now)
        return reversal


def _post(
    receipt: Receipt,
    entries: pl.DataFrame,
    counterparts: pl.DataFrame,
    business_date: date,
    now: datetime,
    reason: str,
) -> PostedTransaction:
    return post_transaction(
        kind=TransactionKind.RECEIPT_REVERSED,
        source_id=receipt.pk,
        business_date=business_date,
        entries=entries.select(*ENTRY_SCHEMA),
        counterparts=counterparts,
        now=now,
        narrative=reason,
    )


def _advance_of(receipt: Receipt) -> int | None:
    found = receipt.identifications.filter(advance_id__isnull=False).values_list("advance_id", flat=True)
    return found.first()


def _give_advance_back(
    receipt: Receipt, advance_id: int, business_date: date, now: datetime, reason: str
) -> None:
    """The money leaves the advance; what bills have used of it already is owed again, with the old due dates."""
    lock_allocation()
    back = uses_to_take_back(advance_id=advance_id, amount_minor=receipt.amount_minor)
    bank = pl.DataFrame(
        {"control": [Control.BANK.value], "amount_minor": [-receipt.amount_minor]}
    ).with_columns(suspense_place(utility_id()))
    advance = advance_posting(advance_id=advance_id, amount_minor=back.from_advance_minor)
    posted = _post(
        receipt, back.entries, pl.concat([bank.select(*POSTING_SCHEMA), advance]), business_date, now, reason
    )
    record_return(
        advance_id=advance_id,
        amount_minor=back.from_advance_minor,
        transaction_id=posted.transaction_id,
        business_date=business_date,
        now=now,
    )


def _accounts_of(receipt: Receipt) -> list[int]:
    """The account that the receipt reached, or the accounts among which it was split; none in suspense."""
    if receipt.account_id is not None:
        return [receipt.account_id]
    parts = receipt.identifications.order_by("part").values_list("account_id", flat=True)
    return [account_id for account_id in parts if account_id is not None]


def _cash_at(unit_id: int | None) -> int:
    found = fetch_frame(
        """
        SELECT coalesce(sum(amount_minor), 0)::bigint FROM ledger_posting
        WHERE control = 'cash_desk' AND organisation_id = %(unit)s
        """,
        {"unit": unit_id},
        schema={"minor": pl.Int64},
    )
    return int(found["minor"][0])


def _within(account_id: int, scope: Scope) -> bool:
    found = fetch_frame(
        "SELECT organisation_id FROM customers_account WHERE id = %(id)s",
        {"id": account_id},
        schema={"organisation_id": pl.Int64},
    )
    return bool(found.height) and scope.covers(int(found["organisation_id"][0]))


def _entries(receipt: Receipt, account_ids: list[int]) -> pl.DataFrame:
    """What the receipt had paid, owed again; none while it is in suspense."""
    paid = fetch_frame(
        _PAYMENTS,
        {"account_ids": account_ids, "receipt_id": receipt.pk},
        schema={name: ENTRY_SCHEMA[name] for name in _PAID},
    )
    return paid.with_columns(
        -pl.col("amount_minor"),
        kind=pl.lit(EntryKind.REVERSAL.value),
        correction_minor=pl.lit(0, pl.Int64),
        due_date=pl.lit(None, pl.Date),
        document_id=pl.lit(receipt.pk, pl.Int64),
    )


_PAID = ("account_id", "organisation_id", "provider_id", "service", "amount_minor")


def _counterparts(receipt: Receipt, entries: pl.DataFrame) -> pl.DataFrame:
    """The money leaves the place where it was taken. At a bank it stands at the units that the customers paid, or, when
    the receipt came through suspense, at the utility itself. Out of suspense the money of nobody goes back."""
    own_account = receipt.account_id is not None
    at_utility = pl.DataFrame({"amount_minor": [-receipt.amount_minor]}).with_columns(
        suspense_place(utility_id())
    )
    if receipt.money_unit_id is not None:
        money = at_utility.with_columns(organisation_id=pl.lit(receipt.money_unit_id, pl.Int64))
    elif own_account:
        money = entries.select("organisation_id", "provider_id", "service", -pl.col("amount_minor"))
    else:
        money = at_utility
    sides = [money.with_columns(control=pl.lit(receipt.money_control))]
    if not own_account and entries.is_empty():
        sides.append(at_utility.with_columns(-pl.col("amount_minor"), control=pl.lit(Control.SUSPENSE.value)))
    return pl.concat([side.select(*POSTING_SCHEMA) for side in sides])


def _refusal(code: str, message: str, receipt_id: int, remedy: str) -> UnableToReverseReceipt:
    return UnableToReverseReceipt(code=code, message=message, place=f"receipt {receipt_id}", remedy=remedy)
