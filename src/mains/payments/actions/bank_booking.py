"""Book a waiting line of a bank statement: charges, a return that went out, or another movement."""

from datetime import datetime

import polars as pl
from django.db import IntegrityError, transaction

from mains.kernel.errors import MainsError
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, TransactionKind
from mains.payments.actions.receipts import suspense_place
from mains.payments.models import BankBooking, BankTransaction, ReceiptIdentification
from mains.payments.queries.supply import utility_id
from mains.payments.values import LineState, RegisterStatus

BOOKABLE = (Control.BANK_CHARGES, Control.BANK_OTHER, Control.RETURNS)
"""What an accountant books a line against. A refund is booked by `mains.debt`, which knows the order that it pays."""


class UnableToBookBankLine(MainsError):
    """The line does not wait, or no return of its amount is open."""


def book_bank_line(
    *, transaction_id: int, control: str, now: datetime, note: str = "", actor_id: int | None = None
) -> None:
    """Post a waiting line against `control`, one of `BOOKABLE` or refunds, on the bank's day or the first open one.

    A line that is a return settles the oldest receipt of its amount that waits to be returned. Raises
    UnableToBookBankLine when the line is unknown, booked already, or there is no such return.
    """
    if control not in (*BOOKABLE, Control.REFUNDS):
        raise _refusal(transaction_id, "Choose charges, a return, or another movement.")
    _book(
        transaction_id=transaction_id,
        control=Control(control),
        provider_id=0,
        now=now,
        note=note,
        actor_id=actor_id,
    )


def book_ordered_line(*, transaction_id: int, payee_id: int, now: datetime) -> None:
    """Post a waiting line as the payment of an order to a payee, which is at the bank no longer.

    Who orders payments knows which line is whose. Raises UnableToBookBankLine when the line does not wait.
    """
    _book(transaction_id=transaction_id, control=Control.TRANSIT, provider_id=payee_id, now=now)


def _book(
    *,
    transaction_id: int,
    control: Control,
    provider_id: int,
    now: datetime,
    note: str = "",
    actor_id: int | None = None,
) -> None:
    with transaction.atomic():
        opened = hold_open_days(kind=TransactionKind.BANK_LINE)
        line = BankTransaction.objects.select_for_update().filter(pk=transaction_id).first()
        waits = line is not None and line.state == LineState.WAITING
        if line is None or not waits or line.statement.file.status != RegisterStatus.ACCEPTED:
            raise _refusal(transaction_id, "This line does not wait for the accountant.")
        receipt_id = _returned_receipt(line) if control == Control.RETURNS else None
        try:
            with transaction.atomic():
                BankBooking.objects.create(
                    transaction=line,
                    control=control,
                    receipt_id=receipt_id,
                    note=note.strip()[:200],
                    recorded_at=now,
                    recorded_by_id=actor_id,
                )
        except IntegrityError as error:
            raise _refusal(transaction_id, "This line is booked already.") from error
        sides = pl.DataFrame(
            {
                "control": [Control.BANK.value, control.value],
                "provider_id": [0, provider_id],
                "amount_minor": [line.amount_minor, -line.amount_minor],
            }
        )
        place = [part for part in suspense_place(utility_id()) if part.meta.output_name() != "provider_id"]
        post_transaction(
            kind=TransactionKind.BANK_LINE,
            source_id=line.pk,
            business_date=max(line.booked_on, opened or line.booked_on),
            entries=pl.DataFrame(schema=ENTRY_SCHEMA),
            counterparts=sides.with_columns(place).select(*POSTING_SCHEMA),
            now=now,
            narrative=(note or line.remittance)[:200],
        )


def _returned_receipt(line: BankTransaction) -> int:
    """The oldest receipt of this amount that is to be returned and has not gone out yet."""
    settled = BankBooking.objects.filter(receipt__isnull=False).values("receipt_id")
    waiting = (
        ReceiptIdentification.objects.filter(
            account_id__isnull=True, receipt__amount_minor=-line.amount_minor
        )
        .exclude(receipt_id__in=settled)
        .order_by("recorded_at", "pk")
        .first()
    )
    if waiting is None:
        raise _refusal(line.pk, "No receipt of this amount waits to be returned.")
    return int(waiting.receipt_id)


def _refusal(transaction_id: int, message: str) -> UnableToBookBankLine:
    return UnableToBookBankLine(
        code="bank-line",
        message=message,
        place=f"bank line {transaction_id}",
        remedy="Nothing was changed. See the lines that wait under Balance with banks.",
    )
