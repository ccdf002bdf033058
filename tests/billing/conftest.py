"""Databases of billing tests: real and committed, because runs work over several connections and processes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime

import pytest
from pytest_django.plugin import DjangoDbBlocker

from billing.population import copy_rows, late_residents, load_population
from mains.base.db import adbc_connect
from mains.billing.actions.runs import plan_run, post_run
from template_databases import connected_copy, filled

CLOSES = {
    date(2021, 3, 1): datetime(2021, 4, 4, tzinfo=UTC),
    date(2021, 4, 1): datetime(2021, 5, 4, tzinfo=UTC),
    date(2021, 5, 1): datetime(2021, 6, 7, tzinfo=UTC),
}
"""When each month is billed, with the facts known until then."""


def _populate(points: int) -> None:
    load_population(points)
    with adbc_connect() as connection:
        copy_rows(late_residents(points), "network_premisestate", connection=connection)
        connection.commit()


def _bill_until_may() -> None:
    for month, now in CLOSES.items():
        run = plan_run(month=month, now=now, accounts_per_slice=200)
        post_run(run_id=run.pk, now=now, processes=1)


@pytest.fixture(scope="session")
def populated(django_db_blocker: DjangoDbBlocker) -> Callable[[int], str]:
    """Gives the name of a template database with a population of that many service points."""

    def template(points: int) -> str:
        with django_db_blocker.unblock():
            return filled(f"populated_{points}", lambda: _populate(points))[0]

    return template


@pytest.fixture(scope="session")
def billed_until_may(
    populated: Callable[[int], str], django_db_blocker: DjangoDbBlocker
) -> Callable[[int], str]:
    """Gives the name of a template database of that many service points with March, April and May billed."""

    def template(points: int) -> str:
        with django_db_blocker.unblock():
            return filled(f"billed_{points}", _bill_until_may, template=populated(points))[0]

    return template


@pytest.fixture
def billed_utility(
    billed_until_may: Callable[[int], str], django_db_blocker: DjangoDbBlocker
) -> Iterator[str]:
    """Connects the test to a fresh database of 400 service points with three months billed; its name."""
    template = billed_until_may(400)
    with django_db_blocker.unblock(), connected_copy(template) as name:
        yield name


@pytest.fixture
def utility(
    populated: Callable[[int], str], django_db_blocker: DjangoDbBlocker
) -> Iterator[Callable[[int], str]]:
    """Connects the test to a fresh database of so many service points; its name."""
    with django_db_blocker.unblock(), ExitStack() as copies:
        yield lambda points=400: copies.enter_context(connected_copy(populated(points)))
