"""What acquirers still have to pay by their schedules, and how their payouts meet it: the oldest part first."""

from dataclasses import dataclass
from datetime import date

from mains.base.rows import fetch_rows

# Payouts, fees included, are laid along the parts in the order in which they fall due.
_DUES = """
    WITH paid AS (
        SELECT coalesce(sum(amount_minor + fee_minor), 0)::bigint AS minor FROM payments_payout p
        JOIN payments_paymentchannel c ON c.id = p.channel_id
        WHERE c.code = %(code)s AND p.paid_on <= %(on_date)s
    ), part AS (
        SELECT d.receipt_id, d.part, d.due_on, d.amount_minor,
               sum(d.amount_minor) OVER (ORDER BY d.due_on, d.receipt_id, d.part)::bigint AS upto_minor
        FROM payments_acquirerdue d JOIN payments_paymentchannel c ON c.id = d.channel_id
        WHERE c.code = %(code)s
          AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = d.receipt_id)
    )
    SELECT receipt_id, part, due_on, amount_minor,
           greatest(least(paid.minor - (upto_minor - amount_minor), amount_minor), 0)::bigint
    FROM part, paid WHERE upto_minor > paid.minor OR due_on > %(on_date)s
    ORDER BY due_on, receipt_id, part LIMIT %(limit)s
"""


@dataclass(frozen=True)
class DuePart:
    """A part of a card payment that the acquirer has not paid, or only in part, in minor units."""

    receipt_id: int
    part: int
    due_on: date
    amount_minor: int
    paid_minor: int

    @property
    def left_minor(self) -> int:
        return self.amount_minor - self.paid_minor


def list_due_parts(*, code: str, on_date: date, limit: int = 200) -> list[DuePart]:
    """Open parts of a channel at the end of a day, those that fall due first first; what is overdue should have come.
    The caller has checked `may_see_channels`."""
    params = {"code": code, "on_date": on_date, "limit": limit}
    return [part for part in fetch_rows(DuePart, _DUES, params) if part.left_minor]
