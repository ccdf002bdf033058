"""Accept a staged register: receipts, postings and allocations, in one transaction or not at all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from django.db import IntegrityError, connection, transaction

from mains.base.columns import fetch_frame
from mains.kernel.errors import MainsError
from mains.ledger.actions.allocation import lock_allocation
from mains.ledger.values import TransactionKind
from mains.payments.actions.late_registers import take_sum_out_of_suspense
from mains.payments.actions.receipts import RECEIPT_SCHEMA, book_receipts, suspense_postings
from mains.payments.events import money_moved
from mains.payments.models import PaymentRegister
from mains.payments.values import RegisterStatus

_RECEIVE = """
    INSERT INTO payments_receipt (idempotency_key, register_id, account_id, account_number, payer, reference,
                                  paid_on, amount_minor, recorded_at)
    SELECT %(sender)s || ':' || reference, register_id, account_id, account_number, payer, reference,
           paid_on, amount_minor, %(now)s
    FROM payments_paymentregisterrow WHERE register_id = %(register_id)s ORDER BY line
"""
_RECEIVED = """
    SELECT id, account_id, paid_on, amount_minor FROM payments_receipt
    WHERE register_id = %(register_id)s ORDER BY id
"""


class UnableToAcceptRegister(MainsError):
    """The register is not waiting for acceptance, or a payment of it was received meanwhile."""


@dataclass(frozen=True, kw_only=True)
class AcceptedRegister:
    """What an acceptance did; amounts in minor units. Received = allocated + advance + suspense."""

    register_id: int
    receipt_count: int
    received_minor: int
    allocated_minor: int
    advance_minor: int
    suspense_count: int
    suspense_minor: int


def accept_register(*, register_id: int, now: datetime, actor_id: int | None = None) -> AcceptedRegister:
    """Book a staged register: money of known accounts covers their oldest debts, the rest waits in suspense.

    Of two simultaneous acceptances one wins and the other raises. Raises UnableToAcceptRegister when the
    register is refused, accepted or unknown, or when another register brought one of its references since it
    was staged.
    """
    with transaction.atomic():
        register = PaymentRegister.objects.select_for_update().filter(pk=register_id).first()
        if register is None or register.status != RegisterStatus.STAGED:
            raise _not_waiting(register_id, register)
        lock_allocation()  # of all accounts at once: what follows books, takes back and splits in several steps
        _receive(register, now=now)
        receipts = fetch_frame(_RECEIVED, {"register_id": register_id}, schema=RECEIPT_SCHEMA)
        unknown = receipts.filter(pl.col("account_id").is_null())
        booked = book_receipts(
            receipts=receipts.filter(pl.col("account_id").is_not_null()),
            kind=TransactionKind.PAYMENT_REGISTER,
            source_id=register_id,
            other_side=suspense_postings(unknown),
            now=now,
            narrative=f"{register.sender_code}: {register.file_name}"[:200],
        )
        register.status = RegisterStatus.ACCEPTED
        register.accepted_at = now
        register.accepted_by_id = actor_id
        register.save(update_fields=["status", "accepted_at", "accepted_by"])
        take_sum_out_of_suspense(register=register, now=now, actor_id=actor_id)
        money_moved(now=now)
        return AcceptedRegister(
            register_id=register_id,
            receipt_count=receipts.height,
            received_minor=register.total_minor,
            allocated_minor=booked.allocated_minor,
            advance_minor=booked.advance_minor,
            suspense_count=unknown.height,
            suspense_minor=register.unknown_minor,
        )


def _not_waiting(register_id: int, register: PaymentRegister | None) -> UnableToAcceptRegister:
    if register is None:
        return UnableToAcceptRegister(
            code="register-unknown",
            message="There is no such register.",
            place=f"register {register_id}",
            remedy="See `mains payments list`.",
        )
    refused = register.status == RegisterStatus.REFUSED
    return UnableToAcceptRegister(
        code="register-refused" if refused else "register-accepted",
        message="The register was refused." if refused else "The register is accepted already.",
        place=f"register {register_id}, {register.file_name}",
        remedy="Correct the file and import it again." if refused else "Nothing was changed.",
    )


def _receive(register: PaymentRegister, *, now: datetime) -> None:
    params: dict[str, Any] = {"sender": register.sender_code, "register_id": register.pk, "now": now}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_RECEIVE, params)
    except IntegrityError as error:
        raise UnableToAcceptRegister(
            code="reference-known",
            message="Another register brought a payment with the same reference since this one was staged.",
            place=_first_known(register),
            remedy="Nothing was booked. Compare the two files; import this one again without that line.",
        ) from error


def _first_known(register: PaymentRegister) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT w.line, w.reference, c.register_id
            FROM payments_paymentregisterrow w
            JOIN payments_receipt c ON c.idempotency_key = %(sender)s || ':' || w.reference
            WHERE w.register_id = %(register_id)s ORDER BY w.line LIMIT 1
            """,
            {"sender": register.sender_code, "register_id": register.pk},
        )
        line, reference, earlier = cursor.fetchone()
    return f"{register.file_name}, line {line}, reference {reference}, received in register {earlier}"
