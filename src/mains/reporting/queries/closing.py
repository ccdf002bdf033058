"""What should be known before the books are closed through a day."""

from dataclasses import dataclass
from datetime import date, timedelta

from mains.base.rows import fetch_row
from mains.billing.queries.records import latest_month
from mains.kernel.period import next_month
from mains.ledger.values import Book


@dataclass(frozen=True, kw_only=True)
class BeforeClosing:
    """Of the days up to the one to close: bill runs begun and not posted (they must be, before everything is closed),
    the first month whose bills could be posted no more (None: no such month), payment registers that nobody accepted,
    receipts in suspense; amounts in minor units.
    """

    runs_begun: int
    month_unbilled: date | None
    registers_waiting: int
    suspense_count: int
    suspense_minor: int

    @property
    def must_wait(self) -> bool:
        return self.runs_begun > 0


def look_before_closing(*, book: Book, day: date) -> BeforeClosing:
    """What should be known before the book is closed through the day."""
    suspense = fetch_row(_pair, _SUSPENSE, {"day": day}) or (0, 0)
    everything = book is Book.EVERYTHING
    return BeforeClosing(
        runs_begun=fetch_row(int, _RUNS_BEGUN, {"day": day}) or 0 if everything else 0,
        month_unbilled=_month_unbilled(day) if everything else None,
        registers_waiting=fetch_row(int, _REGISTERS, {"day": day}) or 0,
        suspense_count=suspense[0],
        suspense_minor=suspense[1],
    )


def _month_unbilled(day: date) -> date | None:
    """The month after the last billed one, where its last day would be closed."""
    last = latest_month()
    if last is None:
        return None
    month = next_month(last)
    return month if next_month(month) - timedelta(days=1) <= day else None


def _pair(count: int, minor: int) -> tuple[int, int]:
    return count, minor


# A run posts on a day of its month: at the latest on the last one.
_RUNS_BEGUN = """
    SELECT count(*) FROM billing_billrun WHERE status <> 'posted' AND month <= %(day)s::date
"""
_REGISTERS = """
    SELECT count(*) FROM payments_paymentregister r
    WHERE r.status = 'staged'
      AND EXISTS (SELECT FROM payments_paymentregisterrow w WHERE w.register_id = r.id AND w.paid_on <= %(day)s::date)
"""
_SUSPENSE = """
    SELECT count(*), coalesce(sum(r.amount_minor), 0)::bigint FROM payments_receipt r
    WHERE r.account_id IS NULL AND r.paid_on <= %(day)s::date
      AND NOT EXISTS (SELECT FROM payments_receiptidentification i WHERE i.receipt_id = r.id)
"""
