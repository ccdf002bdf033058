"""The computer's clock is set back by a day, a month and a year between payments, closings and seals."""

from datetime import UTC, date, datetime, timedelta

from mains.config.drill.counts import DrillCounts, book_losses, count
from mains.config.drill.paying import pay
from mains.kernel.errors import MainsError
from mains.ledger.actions.periods import close_through
from mains.ledger.actions.seals import seal_transactions
from mains.ledger.values import Book

_NOW = datetime(2022, 3, 11, 9, tzinfo=UTC)
_DAY = date(2022, 1, 10)
_BACK = (timedelta(days=1), timedelta(days=31), timedelta(days=365))


def set_clock_back(*, numbers: list[str], seed: int) -> DrillCounts:
    """Pay, seal and close with a clock that goes back: what is dated after its today is refused with a reason, closed
    days stay closed, the seals stay one chain, and every payment that was taken counts."""
    taken, refused = 0, 0
    close_through(book=Book.MONEY, day=date(2022, 1, 31), now=_NOW)
    for step, back in enumerate((timedelta(0), *_BACK)):
        now = _NOW - back
        for day in (_DAY, now.date(), now.date() + timedelta(days=5)):
            try:
                taken += pay(
                    number=numbers[(seed + step) % len(numbers)],
                    paid_on=day,
                    amount_minor=1_000,
                    reference=f"C-{step}-{day}",
                    now=now,
                )
            except MainsError:
                refused += 1
        seal_transactions(now=now)
        try:
            # A day that is closed, or not over by this clock.
            close_through(book=Book.MONEY, day=date(2022, 1, 31), now=now)
        except MainsError:
            refused += 1
    booked = count("SELECT count(*) FROM payments_receipt WHERE reference LIKE 'C-%%'")
    return DrillCounts(
        name="clock",
        seed=seed,
        counts={
            "times the clock stood": len(_BACK) + 1,
            "payments taken": taken,
            "payments in the books": booked,
            "refused with a reason": refused,
        },
        losses={
            "payments lost or doubled": abs(booked - taken),
            "posted into closed days": count(
                "SELECT count(*) FROM ledger_transaction t WHERE t.kind = 'payment_register'"
                " AND t.business_date <= '2022-01-31' AND EXISTS (SELECT FROM ledger_entry e JOIN payments_receipt c"
                " ON c.id = e.document_id WHERE e.transaction_id = t.id AND c.reference LIKE 'C-%%')"
            ),
            "unsealed": count(
                "SELECT count(*) FROM ledger_transaction t"
                " WHERE NOT EXISTS (SELECT FROM ledger_seal s WHERE s.transaction_id = t.id)"
            ),
            **book_losses(),
        },
    )
