"""Closing days in the browser: what is open is shown first, and reopening needs a colleague."""

from datetime import UTC, date, datetime

import pytest

from mains.billing.actions.runs import plan_run
from mains.billing.models import BillRun
from mains.ledger.actions.days import UnableToPostOnDay
from mains.ledger.queries.periods import closed_books, list_period_events
from mains.ledger.values import Book
from mains.reporting.actions.closing import UnableToCloseBooks, close_books

PAGE = "/books/"
LATER = datetime(2021, 7, 20, tzinfo=UTC)


@pytest.fixture
def accountant(own_office):
    client = own_office.sign_in("accountant")
    client.cookies["django_language"] = "en"
    return client


def test_what_is_open_is_shown_before_anything_is_closed(accountant, own_office) -> None:
    asked = {"book": "money", "day": "2021-05-31"}
    shown = accountant.post(f"{PAGE}close/", asked).content.decode()
    assert "Before closing: Receipts and payments" in shown
    assert "Close these days" in shown
    assert closed_books()[Book.MONEY] is None
    assert accountant.post(f"{PAGE}close/", asked | {"seen": "1"}).status_code == 302
    assert closed_books()[Book.MONEY] == date(2021, 5, 31)
    page = accountant.get(PAGE).content.decode()
    assert "Balances at the end of" in page
    assert list_period_events()[0].head in page
    assert list_period_events()[0].person


def test_a_day_that_is_not_over_and_a_word_that_is_none_are_refused(accountant) -> None:
    answer = accountant.post(
        f"{PAGE}close/", {"book": "money", "day": "2021-06-07", "seen": "1"}, follow=True
    )
    assert "is not over yet." in answer.content.decode()
    answer = accountant.post(f"{PAGE}close/", {"book": "gold", "day": "soon"})
    assert answer.status_code == 200
    assert closed_books() == {Book.MONEY: None, Book.EVERYTHING: None}


def test_days_open_again_when_a_colleague_agrees(accountant, own_office) -> None:
    close_books(book=Book.MONEY, day=date(2021, 5, 31), now=LATER)
    accountant.post(
        f"{PAGE}reopen/", {"book": "money", "day": "2021-05-20", "reason": "Statement 77 came late"}
    )
    (request,) = (event for event in list_period_events() if event.is_waiting)
    decision = f"{PAGE}reopen/{request.event_id}/"
    refused = accountant.post(decision, {"decision": "agree"}, follow=True).content.decode()
    assert "Nobody approves what they proposed themselves." in refused
    own_office.sign_in("administrator").post(decision, {"decision": "agree"})
    assert closed_books()[Book.MONEY] == date(2021, 5, 19)


def test_the_books_are_for_people_of_the_whole_utility(own_office) -> None:
    assert own_office.sign_in("supervisor_central").get(PAGE).status_code == 403
    supervisor = own_office.sign_in("supervisor")
    assert "Look and close" not in supervisor.get(PAGE).content.decode()
    assert (
        supervisor.post(f"{PAGE}close/", {"book": "money", "day": "2021-05-31", "seen": "1"}).status_code
        == 403
    )


def test_an_account_gets_its_number(accountant) -> None:
    told = {"control": "bank", "service": "", "code": "51", "name": "Settlement account"}
    assert "Settlement account" in accountant.post(f"{PAGE}chart/", told, follow=True).content.decode()
    refused = accountant.post(f"{PAGE}chart/", told | {"control": "tax"}, follow=True).content.decode()
    assert "51 is already the number of Settlement account." in refused


def test_a_month_whose_books_are_closed_is_not_billed(own_office) -> None:
    last = BillRun.objects.filter(kind="monthly").latest("month").month
    month = date(last.year, last.month + 1, 1)
    found = close_books(book=Book.EVERYTHING, day=date(2021, 6, 30), now=LATER)
    assert found.month_unbilled == month
    with pytest.raises(UnableToPostOnDay) as refusal:
        plan_run(month=month, now=LATER)
    assert refusal.value.code == "day-closed-to-posting"
    assert not BillRun.objects.filter(month=month).exists()


def test_everything_is_not_closed_over_a_run_that_is_begun(own_office) -> None:
    last = BillRun.objects.filter(kind="monthly").latest("month").month
    plan_run(month=date(last.year, last.month + 1, 1), now=LATER)
    with pytest.raises(UnableToCloseBooks):
        close_books(book=Book.EVERYTHING, day=date(2021, 6, 30), now=LATER)
    close_books(book=Book.MONEY, day=date(2021, 6, 30), now=LATER)
    assert closed_books()[Book.EVERYTHING] is None
