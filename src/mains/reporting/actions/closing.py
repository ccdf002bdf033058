"""Close the books, once nothing is half done."""

from datetime import date, datetime

from django.db import transaction

from mains.kernel.errors import MainsError
from mains.ledger.actions.periods import close_through
from mains.ledger.values import Book
from mains.reporting.queries.closing import BeforeClosing, look_before_closing


class UnableToCloseBooks(MainsError):
    """Something that would post on the days is begun and not finished."""


def close_books(*, book: Book, day: date, now: datetime, actor_id: int | None = None) -> BeforeClosing:
    """Close a book through a day and say what was open about it. Raises UnableToCloseBooks and UnableToClose."""
    with transaction.atomic():
        found = look_before_closing(book=book, day=day)
        if found.must_wait:
            raise UnableToCloseBooks(
                code="closing-runs-begun",
                message=f"{found.runs_begun} bill runs are begun and not posted.",
                place=f"day {day.isoformat()}",
                remedy="Let them finish: Bills and runs shows them. Close the books then.",
                params={"runs": found.runs_begun},
            )
        close_through(book=book, day=day, now=now, actor_id=actor_id)
    return found
