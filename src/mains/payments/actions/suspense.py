"""Identify money in suspense: it leaves suspense for the account that it was meant for."""

from datetime import date, datetime

import polars as pl
from django.db import IntegrityError, transaction

from mains.base.columns import fetch_frame
from mains.kernel.errors import MainsError
from mains.ledger.actions.posting import POSTING_SCHEMA
from mains.ledger.values import TransactionKind
from mains.payments.actions.receipts import RECEIPT_SCHEMA, BookedReceipts, book_receipts
from mains.payments.models import Receipt, ReceiptIdentification, ReceiptReversal
from mains.staff.values import EVERYTHING, Scope


class UnableToIdentifyReceipt(MainsError):
    """No such receipt in suspense, or no such account within the person's reach."""


def identify_receipt(
    *,
    receipt_id: int,
    account_number: str,
    business_date: date,
    now: datetime,
    scope: Scope = EVERYTHING,
    actor_id: int | None = None,
) -> BookedReceipts:
    """Move a receipt from suspense to an account, where it covers the oldest debts.

    The payment counts from `business_date`, the day of identification; the receipt keeps the day it was paid.
    Raises UnableToIdentifyReceipt when the receipt is unknown or has an account already, or when `scope` has
    no such account.
    """
    account_id = _account_in_reach(account_number, scope)
    with transaction.atomic():
        receipt = Receipt.objects.select_for_update().filter(pk=receipt_id).first()
        if receipt is None or receipt.account_id is not None or _is_reversed(receipt):
            raise _not_in_suspense(receipt_id)
        try:
            with transaction.atomic():
                ReceiptIdentification.objects.create(
                    receipt=receipt, account_id=account_id, recorded_at=now, recorded_by_id=actor_id
                )
        except IntegrityError as error:
            raise _not_in_suspense(receipt_id) from error
        return book_receipts(
            receipts=pl.DataFrame(
                [(receipt.pk, account_id, business_date, receipt.amount_minor)],
                schema=RECEIPT_SCHEMA,
                orient="row",
            ),
            kind=TransactionKind.SUSPENSE_CLEARED,
            source_id=receipt.pk,
            other_side=pl.DataFrame(schema={**POSTING_SCHEMA, "business_date": pl.Date}),
            now=now,
            narrative=f"Receipt {receipt.pk} belongs to account {account_number}",
        )


def _is_reversed(receipt: Receipt) -> bool:
    return ReceiptReversal.objects.filter(receipt=receipt).exists()


def _account_in_reach(account_number: str, scope: Scope) -> int:
    found = fetch_frame(
        "SELECT id, organisation_id FROM customers_account WHERE number = %(number)s",
        {"number": account_number.strip()},
        schema={"id": pl.Int64, "organisation_id": pl.Int64},
    ).rows()
    if not found or not scope.covers(found[0][1]):
        raise UnableToIdentifyReceipt(
            code="account-unknown",
            message="There is no such account.",
            place=f"account {account_number}",
            remedy="Check the number, or search for the customer by name or address.",
        )
    return int(found[0][0])


def _not_in_suspense(receipt_id: int) -> UnableToIdentifyReceipt:
    return UnableToIdentifyReceipt(
        code="not-in-suspense",
        message="This receipt is not in suspense.",
        place=f"receipt {receipt_id}",
        remedy="Nothing was changed. See `mains payments suspense` for the open ones.",
    )
