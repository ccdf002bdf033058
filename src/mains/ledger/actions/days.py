"""Which days take transactions, asked by whoever is about to post: until they commit, nobody closes a day."""

from datetime import date, timedelta

from django.db import connection

from mains.kernel.errors import MainsError
from mains.ledger.queries.periods import closed_through
from mains.ledger.values import TransactionKind


class UnableToPostOnDay(MainsError):
    """The books are closed through the day."""


def hold_open_days(*, kind: TransactionKind) -> date | None:
    """The first day that takes transactions of this kind, None when all do; nobody closes it before the end of the
    database transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtext('ledger_period'))")
    closed = closed_through(kind=kind)
    return closed + timedelta(days=1) if closed else None


def refuse_closed(*, kind: TransactionKind, day: date, place: str) -> None:
    """Raise UnableToPostOnDay when the books are closed through `day`; the database refuses it too."""
    closed = closed_through(kind=kind)
    if closed is not None and day <= closed:
        raise UnableToPostOnDay(
            code="day-closed-to-posting",
            message=f"The books are closed through {closed.isoformat()}, so {day.isoformat()} takes no transactions.",
            place=place,
            remedy="Date it on an open day, or ask somebody who closes the books for reopening.",
            params={"closed": closed.isoformat(), "day": day.isoformat()},
        )
