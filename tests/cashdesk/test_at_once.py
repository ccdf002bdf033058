"""Two cashiers and many windows at the same moment, on real commits: each payment once, every kopeck somewhere."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from desk_cast import Desks, breaches, build_desks
from mains.base.kept_connections import close_kept_connections
from mains.cashdesk.actions.refusals import UnableAtDesk
from mains.cashdesk.models import DeskPayment
from mains.kernel.errors import MainsError
from mains.ledger.queries.current_account import balance_of
from mains.payments.models import Receipt
from template_databases import connected_copy, migrated

AT_ONCE = 8


@pytest.fixture
def committed(django_db_blocker: DjangoDbBlocker) -> Iterator[Desks]:
    """The desks in a database where commits are real; the cashiers of both branches have their shifts open."""
    with django_db_blocker.unblock(), connected_copy(migrated()):
        desks = build_desks()
        desks.cast.bill("anna", 30_000, on=date(2021, 5, 31))
        desks.open("nora")
        yield desks


def together(calls: list[Callable[[], object]]) -> list[object]:
    """What each call returned or refused, all begun at once."""
    ready = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        try:
            ready.wait(timeout=30)
            return call()
        except MainsError as error:
            return error
        finally:
            close_kept_connections()
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_one_form_from_many_windows_and_two_forms_that_saw_the_same_debt(committed: Desks) -> None:
    now = committed.tick()

    def same() -> object:
        return committed.take("nora", ("anna", 10_000), key="one-form", now=now).was_known

    assert sorted(together([same] * AT_ONCE)) == [False] + [True] * (AT_ONCE - 1)
    assert (DeskPayment.objects.count(), Receipt.objects.count()) == (1, 1)

    # Two windows saw 200.00 and take it at once: one is told that it is paid.
    def seen(key: str) -> Callable[[], object]:
        return lambda: committed.take("nora", ("anna", 20_000, 20_000), key=key, now=now).was_known

    results = together([seen("window-1"), seen("window-2")])
    refusals = [one for one in results if isinstance(one, UnableAtDesk)]
    assert [one.code for one in refusals] == ["desk-owes-other"]
    assert balance_of(account_id=committed.cast.accounts["anna"]) == 0

    # A shift that is closed while payments come: each of them is in its count or refused.
    def close() -> object:
        try:
            return committed.close("nora", {10_000: 3}).pk
        except UnableAtDesk as error:
            return error.code

    late = [
        lambda place=place: committed.take("nora", ("anna", 100), key=f"late-{place:04d}", now=now)
        for place in range(3)
    ]
    results = together([close, *late])
    closed = not isinstance(results[0], str)
    codes = {one.code for one in results[1:] if isinstance(one, UnableAtDesk)}
    assert codes <= {"desk-shift-closed"}
    assert closed == bool(codes) or results[0] == "desk-difference"
    assert breaches() == []
