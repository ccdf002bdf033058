"""Money that a bank took back: the line of its statement is the reversal of a receipt, and not another movement."""

from datetime import datetime

import polars as pl
from django.db import IntegrityError, transaction

from mains.base.rows import fetch_rows
from mains.kernel.errors import MainsError
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, TransactionKind
from mains.payments.actions.receipts import suspense_place
from mains.payments.actions.reversals import reverse_receipt
from mains.payments.models import BankBooking, BankTransaction, Receipt, ReceiptReversal
from mains.payments.queries.supply import utility_id
from mains.payments.values import LineState, RegisterStatus
from mains.payments.values.states import TAKEN_BACK


class UnableToTakeBack(MainsError):
    """The line does not wait, or is no return of this receipt; nothing was posted."""


def take_back_by_line(
    *,
    transaction_id: int,
    receipt_id: int,
    reason: str,
    now: datetime,
    charge_minor: int = 0,
    actor_id: int | None = None,
) -> None:
    """Take a receipt back because a waiting line of a bank says so, and post the bank's charge that is in the line.

    A receipt that was taken back already is not taken back again: the line only explains it. Raises UnableToTakeBack,
    UnableToReverseReceipt.
    """
    with transaction.atomic():
        line = BankTransaction.objects.select_for_update().filter(pk=transaction_id).first()
        receipt = Receipt.objects.filter(pk=receipt_id).first()
        waits = line is not None and line.state == LineState.WAITING
        if line is None or not waits or line.statement.file.status != RegisterStatus.ACCEPTED:
            raise _refusal(transaction_id, "This line does not wait for the accountant.")
        if receipt is None or -line.amount_minor != receipt.amount_minor + charge_minor:
            raise _refusal(transaction_id, "This line is of another amount than the receipt.")
        opened = hold_open_days(kind=TransactionKind.RECEIPT_REVERSED)
        day = max(line.booked_on, receipt.paid_on, opened or line.booked_on)
        if not ReceiptReversal.objects.filter(receipt=receipt).exists():
            reverse_receipt(
                receipt_id=receipt_id, reason=reason, business_date=day, now=now, actor_id=actor_id
            )
        _mark(line, receipt_id, reason, now=now, actor_id=actor_id)
        if charge_minor:
            _post_charge(line, charge_minor, reason, now=now)


def explain_by_reversal(*, transaction_id: int, now: datetime, actor_id: int | None = None) -> int:
    """Say that a waiting line is the bank's side of a receipt that was taken back: the oldest one of its amount and
    bank account that no line explains yet; its id. Nothing is posted, the ledger has it. Raises UnableToTakeBack."""
    with transaction.atomic():
        line = BankTransaction.objects.select_for_update().filter(pk=transaction_id).first()
        waits = line is not None and line.state == LineState.WAITING
        if line is None or not waits or line.statement.file.status != RegisterStatus.ACCEPTED:
            raise _refusal(transaction_id, "This line does not wait for the accountant.")
        explained = BankBooking.objects.filter(control=TAKEN_BACK).values("receipt_id")
        found = (
            ReceiptReversal.objects.filter(receipt__amount_minor=-line.amount_minor)
            .filter(receipt_id__in=_receipts_of(line.bank_account_id, -line.amount_minor))
            .exclude(receipt_id__in=explained)
            .order_by("pk")
            .first()
        )
        if found is None:
            raise _refusal(transaction_id, "No receipt of this amount was taken back and waits for its line.")
        _mark(line, found.receipt_id, found.reason, now=now, actor_id=actor_id)
        return int(found.receipt_id)


def _receipts_of(bank_account_id: int, amount_minor: int) -> list[int]:
    """Receipts of an amount whose money came to a bank account: by its statements, or by registers paid to it."""
    return fetch_rows(
        int,
        """
        SELECT c.id FROM payments_receipt c
        LEFT JOIN payments_banktransaction o ON o.id = c.bank_transaction_id
        LEFT JOIN payments_paymentregister r ON r.id = c.register_id
        LEFT JOIN payments_bankaccount b ON b.register_senders ? r.sender_code
        WHERE c.amount_minor = %(minor)s AND (o.bank_account_id = %(account)s OR b.id = %(account)s)
        """,
        {"minor": amount_minor, "account": bank_account_id},
    )


def _mark(line: BankTransaction, receipt_id: int, note: str, *, now: datetime, actor_id: int | None) -> None:
    try:
        with transaction.atomic():
            BankBooking.objects.create(
                transaction=line,
                control=TAKEN_BACK,
                receipt_id=receipt_id,
                note=note[:200],
                recorded_at=now,
                recorded_by_id=actor_id,
            )
    except IntegrityError as error:
        raise _refusal(line.pk, "This line is booked already.") from error


def _post_charge(line: BankTransaction, charge_minor: int, narrative: str, *, now: datetime) -> None:
    opened = hold_open_days(kind=TransactionKind.BANK_LINE)
    sides = pl.DataFrame(
        {
            "control": [Control.BANK.value, Control.BANK_CHARGES.value],
            "amount_minor": [-charge_minor, charge_minor],
        }
    )
    post_transaction(
        kind=TransactionKind.BANK_LINE,
        source_id=line.pk,
        business_date=max(line.booked_on, opened or line.booked_on),
        entries=pl.DataFrame(schema=ENTRY_SCHEMA),
        counterparts=sides.with_columns(suspense_place(utility_id())).select(*POSTING_SCHEMA),
        now=now,
        narrative=narrative[:200],
    )


def _refusal(transaction_id: int, message: str) -> UnableToTakeBack:
    return UnableToTakeBack(
        code="bank-line",
        message=message,
        place=f"bank line {transaction_id}",
        remedy="Nothing was changed. See the lines that wait under Balance with banks.",
    )
