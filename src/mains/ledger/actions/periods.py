"""Close the books through a day; open days again when one person asks and another agrees."""

from datetime import date, datetime

from django.db import connection, transaction
from django.utils import timezone

from mains.kernel.errors import MainsError
from mains.ledger.actions.seals import seal_transactions
from mains.ledger.models import PeriodEvent
from mains.ledger.queries.periods import balances_at, closed_books
from mains.ledger.values import Book, PeriodEventKind
from mains.staff.actions.approvals import decide, propose
from mains.staff.queries.approvals import find_waiting
from mains.staff.values import ProposalKind

_REASON_MAX = 200


class UnableToClose(MainsError):
    """The days cannot be closed or opened so; nothing was changed."""


def close_through(*, book: Book, day: date, now: datetime, actor_id: int | None = None) -> PeriodEvent:
    """Close a book for all days up to `day`: the database takes no more transactions of them.

    Waits for transactions that are being written. Seals what is not sealed and keeps the balances of the control
    accounts. Raises UnableToClose: the day is not over, or closed already.
    """
    if day >= timezone.localdate(now):
        raise UnableToClose(
            code="day-not-over",
            message=f"{day.isoformat()} is not over yet.",
            place=f"day {day.isoformat()}",
            remedy="Close a day when it has ended.",
            params={"day": day.isoformat()},
        )
    with transaction.atomic():
        _wait_for_writers()
        closed = closed_books()[book]
        if closed is not None and day <= closed:
            raise UnableToClose(
                code="day-closed",
                message=f"The books are closed through {closed.isoformat()} already.",
                place=f"day {day.isoformat()}",
                remedy="Nothing to do, or ask for reopening.",
                params={"closed": closed.isoformat()},
            )
        head = seal_transactions(now=now).head
        return PeriodEvent.objects.create(
            kind=PeriodEventKind.CLOSED,
            book=book,
            through=day,
            balances={control.value: minor for control, minor in balances_at(on_date=day).items()},
            head=head,
            recorded_at=now,
            recorded_by_id=actor_id,
        )


def ask_to_reopen(*, book: Book, from_day: date, reason: str, now: datetime, actor_id: int) -> PeriodEvent:
    """Ask that a book's days from `from_day` on take its transactions again. Raises UnableToClose."""
    reason = " ".join(reason.split())
    if not reason or len(reason) > _REASON_MAX:
        raise UnableToClose(
            code="reopening-reason",
            message="A reopening needs a reason, of at most 200 characters.",
            place=f"day {from_day.isoformat()}",
            remedy="Say what has to be posted and on whose word.",
        )
    with transaction.atomic():
        _wait_for_writers()
        closed = closed_books()[book]
        if closed is None or from_day > closed:
            raise UnableToClose(
                code="day-open",
                message=f"{from_day.isoformat()} is open.",
                place=f"day {from_day.isoformat()}",
                remedy="Nothing to do: it takes transactions.",
                params={"day": from_day.isoformat()},
            )
        request = PeriodEvent.objects.create(
            kind=PeriodEventKind.ASKED,
            book=book,
            through=_day_before(from_day),
            reason=reason,
            recorded_at=now,
            recorded_by_id=actor_id,
        )
        propose(kind=ProposalKind.REOPENING, subject_id=request.pk, reason=reason, now=now, actor_id=actor_id)
        return request


def decide_reopening(*, request_id: int, agree: bool, now: datetime, actor_id: int) -> PeriodEvent:
    """Agree to a request or refuse it; whoever asked does not agree. Raises UnableToClose, UnableToDecide."""
    with transaction.atomic():
        _wait_for_writers()
        request = PeriodEvent.objects.filter(pk=request_id, kind=PeriodEventKind.ASKED).first()
        proposal_id = find_waiting(kind=ProposalKind.REOPENING, subject_id=request_id)
        if request is None or proposal_id is None:
            raise UnableToClose(
                code="reopening-decided",
                message="There is no such request that waits.",
                place=f"request {request_id}",
                remedy="See the list: somebody has decided it.",
            )
        decide(proposal_id=proposal_id, agrees=agree, now=now, actor_id=actor_id)
        return PeriodEvent.objects.create(
            kind=PeriodEventKind.REOPENED if agree else PeriodEventKind.REFUSED,
            book=request.book,
            through=_no_later(request.through, closed_books()[Book(request.book)])
            if agree
            else request.through,
            request=request,
            recorded_at=now,
            recorded_by_id=actor_id,
        )


def _no_later(asked: date | None, closed: date | None) -> date | None:
    """What stays closed: other days may have been opened since the request."""
    return None if asked is None or closed is None else min(asked, closed)


def _day_before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def _wait_for_writers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ledger_period'))")
