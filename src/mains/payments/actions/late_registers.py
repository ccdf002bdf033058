"""A register whose sum came to the bank before it: the sum is somebody's no longer unknown."""

from dataclasses import dataclass
from datetime import date, datetime

from mains.base.rows import fetch_rows
from mains.ledger.actions.days import hold_open_days
from mains.ledger.values import TransactionKind
from mains.payments.actions.reversals import reverse_receipt
from mains.payments.models import BankBooking, PaymentRegister
from mains.payments.values.states import LineState

_DAYS = 10
"""As far apart as sums and registers are matched the other way round."""
_WAITING = """
    SELECT c.id, t.id, t.booked_on, (SELECT max(paid_on) FROM payments_paymentregisterrow WHERE register_id = %(id)s)
    FROM payments_receipt c
    JOIN payments_banktransaction t ON t.id = c.bank_transaction_id
    JOIN payments_bankaccount b ON b.id = t.bank_account_id AND b.register_senders ? %(sender)s
    WHERE c.account_id IS NULL AND t.amount_minor = %(minor)s
      AND abs(t.booked_on - (%(now)s AT TIME ZONE 'UTC')::date) <= %(days)s
      AND NOT EXISTS (SELECT FROM payments_receiptidentification i WHERE i.receipt_id = c.id)
      AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = c.id)
    ORDER BY c.id
"""


@dataclass(frozen=True)
class _Candidate:
    receipt_id: int
    line_id: int
    booked_on: date
    last_paid_on: date


def take_sum_out_of_suspense(
    *, register: PaymentRegister, now: datetime, actor_id: int | None = None
) -> int | None:
    """Take the register's sum back from suspense, when one bank line of its sender's account has it, and say that the
    line is the register's; the id of the receipt that it was. Of several such lines a person knows which it is."""
    found = fetch_rows(
        _Candidate,
        _WAITING,
        {
            "id": register.pk,
            "sender": register.sender_code,
            "minor": register.total_minor,
            "now": now,
            "days": _DAYS,
        },
    )
    if len(found) != 1:
        return None
    (one,) = found
    opened = hold_open_days(kind=TransactionKind.RECEIPT_REVERSED)
    reverse_receipt(
        receipt_id=one.receipt_id,
        reason=f"Sum of register {register.pk}",
        business_date=max(one.booked_on, one.last_paid_on, opened or one.booked_on),
        now=now,
        actor_id=actor_id,
    )
    BankBooking.objects.create(
        transaction_id=one.line_id,
        control=LineState.REGISTER,
        receipt_id=one.receipt_id,
        note=str(register.pk),
        recorded_at=now,
        recorded_by_id=actor_id,
    )
    return one.receipt_id
