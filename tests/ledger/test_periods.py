"""Closed days take no transactions, from anybody; they open when one person asks and another agrees."""

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from mains.ledger.actions.days import UnableToPostOnDay
from mains.ledger.actions.periods import UnableToClose, ask_to_reopen, close_through, decide_reopening
from mains.ledger.models import Allocation, Entry, Transaction
from mains.ledger.queries.periods import closed_books, closed_through, list_period_events
from mains.ledger.values import Book, Control, TransactionKind
from mains.payments.models import Receipt
from mains.staff.actions.approvals import UnableToDecide
from mains.staff.models import User
from money_cast import NOW, Cast

MARCH, APRIL_12 = date(2021, 3, 31), date(2021, 4, 12)


@pytest.fixture
def people(db: None) -> tuple[int, int]:
    return tuple(User.objects.create(username=name).pk for name in ("alma", "bert"))


def test_a_closed_day_takes_nothing_from_anybody(cast: Cast) -> None:
    close_through(book=Book.EVERYTHING, day=MARCH, now=NOW)
    with pytest.raises(UnableToPostOnDay) as refusal:
        cast.bill("anna", 5_000, on=MARCH)
    assert refusal.value.code == "day-closed-to-posting"
    with pytest.raises(IntegrityError, match="closed through 2021-03-31"), transaction.atomic():
        Transaction.objects.create(kind="opening", source_id=1, business_date=MARCH, recorded_at=NOW)
    cast.bill("anna", 5_000, on=date(2021, 4, 1))
    assert Entry.objects.count() == 1


def test_money_closes_before_the_bills_of_the_month(cast: Cast) -> None:
    close_through(book=Book.MONEY, day=MARCH, now=NOW)
    assert closed_through(kind=TransactionKind.BILL_RUN) is None
    assert closed_through(kind=TransactionKind.PAYMENT_REGISTER) == MARCH
    cast.bill("anna", 5_000, on=MARCH)
    with pytest.raises(IntegrityError), transaction.atomic():
        Transaction.objects.create(kind="payment_register", source_id=1, business_date=MARCH, recorded_at=NOW)


def test_a_late_payment_is_posted_on_the_first_open_day(cast: Cast) -> None:
    cast.bill("anna", 5_000, on=MARCH)
    close_through(book=Book.MONEY, day=APRIL_12, now=NOW)
    accepted = cast.pay(("anna", "2021-04-10", "30.00", "R-1"), ("999", "2021-04-11", "1.00", "R-2"))
    assert (accepted.received_minor, accepted.suspense_minor) == (3_100, 100)
    assert {receipt.paid_on.day for receipt in Receipt.objects.all()} == {10, 11}
    after = date(2021, 4, 13)
    assert set(
        Transaction.objects.filter(kind="payment_register").values_list("business_date", flat=True)
    ) == {after}
    assert Allocation.objects.get().business_date == after


def test_a_closing_keeps_the_balances_of_its_day(cast: Cast) -> None:
    cast.bill("anna", 5_000, on=MARCH)
    cast.bill("anna", 700, on=date(2021, 4, 30))
    close_through(book=Book.EVERYTHING, day=MARCH, now=NOW)
    event = list_period_events()[0]
    assert event.balances == {Control.RECEIVABLE: 5_000, Control.REVENUE: -5_000}
    assert len(event.head) == 64


@pytest.mark.parametrize(
    ("day", "code"),
    [(date(2021, 6, 7), "day-not-over"), (MARCH, "day-closed"), (date(2021, 3, 1), "day-closed")],
)
def test_days_that_cannot_be_closed(cast: Cast, day: date, code: str) -> None:
    close_through(book=Book.MONEY, day=MARCH, now=NOW)
    with pytest.raises(UnableToClose) as refusal:
        close_through(book=Book.MONEY, day=day, now=NOW)
    assert refusal.value.code == code


def test_reopening_takes_two_people_and_a_reason(cast: Cast, people: tuple[int, int]) -> None:
    alma, bert = people
    close_through(book=Book.EVERYTHING, day=MARCH, now=NOW, actor_id=alma)
    with pytest.raises(UnableToClose, match="needs a reason"):
        ask_to_reopen(book=Book.EVERYTHING, from_day=date(2021, 3, 15), reason=" ", now=NOW, actor_id=alma)
    request = ask_to_reopen(
        book=Book.EVERYTHING, from_day=date(2021, 3, 15), reason="Bank statement 77", now=NOW, actor_id=alma
    )
    assert closed_books()[Book.EVERYTHING] == MARCH, "asking opens nothing"
    with pytest.raises(UnableToDecide, match="proposed themselves"):
        decide_reopening(request_id=request.pk, agree=True, now=NOW, actor_id=alma)
    decide_reopening(request_id=request.pk, agree=True, now=NOW, actor_id=bert)
    assert closed_books()[Book.EVERYTHING] == date(2021, 3, 14)
    with pytest.raises(UnableToClose) as refusal:
        decide_reopening(request_id=request.pk, agree=True, now=NOW, actor_id=bert)
    assert refusal.value.code == "reopening-decided"
    cast.bill("anna", 5_000, on=MARCH)
    assert [event.kind for event in list_period_events()] == ["reopened", "asked", "closed"]


def test_a_refused_request_opens_nothing_and_may_be_taken_back(cast: Cast, people: tuple[int, int]) -> None:
    alma, _bert = people
    close_through(book=Book.MONEY, day=MARCH, now=NOW)
    request = ask_to_reopen(book=Book.MONEY, from_day=MARCH, reason="Mistake", now=NOW, actor_id=alma)
    decide_reopening(request_id=request.pk, agree=False, now=NOW, actor_id=alma)
    assert closed_books()[Book.MONEY] == MARCH
    with pytest.raises(UnableToClose) as refusal:
        ask_to_reopen(book=Book.MONEY, from_day=date(2021, 4, 1), reason="Late", now=NOW, actor_id=alma)
    assert refusal.value.code == "day-open"


def test_events_are_never_changed(cast: Cast) -> None:
    close_through(book=Book.MONEY, day=MARCH, now=NOW)
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM ledger_periodevent")


def test_midnight_is_that_of_the_utility(cast: Cast, settings: object) -> None:
    """At 22:30 UTC on 31 March it is already April in Istanbul: the day is over there."""
    settings.TIME_ZONE = "Europe/Istanbul"  # type: ignore[attr-defined]
    close_through(book=Book.MONEY, day=MARCH, now=datetime(2021, 3, 31, 22, 30, tzinfo=UTC))
    assert closed_books()[Book.MONEY] == MARCH
