"""Through which day the books are closed, and what happened to the days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Exists, OuterRef

from mains.base.rows import fetch_rows
from mains.ledger.models import PeriodEvent
from mains.ledger.values import Book, Control, PeriodEventKind, TransactionKind


@dataclass(frozen=True, kw_only=True)
class PeriodRecord:
    """An event of the days; `balances` in minor units by control account. `is_waiting`: a request nobody decided."""

    event_id: int
    kind: PeriodEventKind
    book: Book
    through: date | None
    reason: str
    request_id: int | None
    balances: Mapping[Control, int]
    head: str
    recorded_at: datetime
    recorded_by_id: int | None
    person: str
    is_waiting: bool


def closed_through(*, kind: TransactionKind) -> date | None:
    """The last day that takes no transactions of this kind any more; None when all days take them."""
    closed = closed_books()
    last = [closed[book] for book in Book if book is Book.EVERYTHING or kind != TransactionKind.BILL_RUN]
    return max((day for day in last if day is not None), default=None)


def closed_books() -> dict[Book, date | None]:
    """Through which day each book is closed."""
    statement = """
        SELECT DISTINCT ON (book) book, through FROM ledger_periodevent
        WHERE kind IN ('closed', 'reopened') ORDER BY book, id DESC
    """
    found = dict(fetch_rows(_closed, statement, {}))
    return {book: found.get(book) for book in Book}


def list_period_events(*, limit: int = 100) -> list[PeriodRecord]:
    """The latest events first."""
    decided = PeriodEvent.objects.filter(request_id=OuterRef("pk"))
    events = PeriodEvent.objects.select_related("recorded_by").annotate(is_decided=Exists(decided))
    return [_record(event) for event in events.order_by("-id")[:limit]]


def balances_at(*, on_date: date) -> dict[Control, int]:
    """The balance of every control account at the end of a day, in minor units; they sum to nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.control, sum(p.amount_minor) FROM ledger_posting p
            JOIN ledger_transaction t ON t.id = p.transaction_id
            WHERE t.business_date <= %s GROUP BY p.control
            """,
            [on_date],
        )
        found = {Control(control): int(minor) for control, minor in cursor.fetchall()}
    return {control: found[control] for control in Control if control in found}


def _closed(book: str, through: date | None) -> tuple[Book, date | None]:
    return Book(book), through


def _record(event: PeriodEvent) -> PeriodRecord:
    kind, person = PeriodEventKind(event.kind), event.recorded_by
    return PeriodRecord(
        event_id=event.pk,
        kind=kind,
        book=Book(event.book),
        through=event.through,
        reason=event.reason,
        request_id=event.request_id,
        balances={Control(control): minor for control, minor in event.balances.items()},
        head=event.head,
        recorded_at=event.recorded_at,
        recorded_by_id=event.recorded_by_id,
        person=(person.get_full_name() or person.username) if person else "",
        is_waiting=kind is PeriodEventKind.ASKED and not getattr(event, "is_decided", False),
    )


def last_closing(*, through: date) -> int | None:
    """The event by which everything is closed through a day; None while it takes transactions. A reopening that left
    the day closed does not change it."""
    events = PeriodEvent.objects.filter(
        book=Book.EVERYTHING, kind__in=[PeriodEventKind.CLOSED, PeriodEventKind.REOPENED]
    ).order_by("id")
    closing: int | None = None
    for event in events:
        is_closed = event.through is not None and event.through >= through
        closing = None if not is_closed else closing or event.pk
    return closing
