"""Databases of billing tests: real and committed, because runs work over several connections and processes."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import psycopg
import pytest
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from billing.population import copy_rows, late_residents, load_population
from mains.base.address import database_address
from mains.base.db import adbc_connect
from mains.base.kept_connections import close_kept_connections
from mains.billing.actions.runs import plan_run, post_run

CLOSES = {
    date(2021, 3, 1): datetime(2021, 4, 4, tzinfo=UTC),
    date(2021, 4, 1): datetime(2021, 5, 4, tzinfo=UTC),
    date(2021, 5, 1): datetime(2021, 6, 7, tzinfo=UTC),
}
"""When each month is billed, with the facts known until then."""


def _administer(*statements: str) -> None:
    with psycopg.connect(database_address().url(database="postgres"), autocommit=True) as server:
        for statement in statements:
            server.execute(statement)


def _make(template: str | None = None) -> str:
    # Drawn, not counted: tests of reporting load these fixtures as a second module with a count of its own.
    name = f"billing_{secrets.token_hex(6)}"
    close_kept_connections()  # nobody may be connected to what is copied
    _administer(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    return name


def _connect_to(name: str) -> None:
    connections["default"].close()
    connections["default"].settings_dict["NAME"] = name


@pytest.fixture(scope="session")
def populated(django_db_blocker: DjangoDbBlocker) -> Iterator[Callable[[int], str]]:
    """Gives the name of a template database with a population of that many service points."""
    templates: dict[int, str] = {}
    usual = connections["default"].settings_dict["NAME"]

    def template(points: int) -> str:
        if points not in templates:
            name = _make()
            subprocess.run(
                [sys.executable, "-m", "mains", "migrate"],
                env=os.environ | {"MAINS_DATABASE": name},
                check=True,
                capture_output=True,
            )
            with django_db_blocker.unblock():
                _connect_to(name)
                load_population(points)
                with adbc_connect() as connection:
                    copy_rows(late_residents(points), "network_premisestate", connection=connection)
                    connection.commit()
                _connect_to(usual)
            templates[points] = name
        return templates[points]

    yield template
    for name in templates.values():
        _administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def billed_until_may(
    populated: Callable[[int], str], django_db_blocker: DjangoDbBlocker
) -> Iterator[Callable[[int], str]]:
    """Gives the name of a template database of that many service points with March, April and May billed."""
    templates: dict[int, str] = {}
    usual = connections["default"].settings_dict["NAME"]

    def template(points: int) -> str:
        if points not in templates:
            name = _make(populated(points))
            with django_db_blocker.unblock():
                _connect_to(name)
                for month, now in CLOSES.items():
                    run = plan_run(month=month, now=now, accounts_per_slice=200)
                    post_run(run_id=run.pk, now=now, processes=1)
                _connect_to(usual)
            templates[points] = name
        return templates[points]

    yield template
    for name in templates.values():
        _administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def billed_utility(
    billed_until_may: Callable[[int], str], django_db_blocker: DjangoDbBlocker
) -> Iterator[str]:
    """Connects the test to a fresh database of 400 service points with three months billed; its name."""
    usual = connections["default"].settings_dict["NAME"]
    name = _make(billed_until_may(400))
    with django_db_blocker.unblock():
        _connect_to(name)
        yield name
        _connect_to(usual)
    _administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def utility(
    populated: Callable[[int], str], django_db_blocker: DjangoDbBlocker
) -> Iterator[Callable[[int], str]]:
    """Connects the test to a fresh database of so many service points; its name."""
    usual = connections["default"].settings_dict["NAME"]
    made: list[str] = []

    def connect(points: int = 400) -> str:
        name = _make(populated(points))
        made.append(name)
        _connect_to(name)
        return name

    with django_db_blocker.unblock():
        yield connect
        _connect_to(usual)
    for name in made:
        _administer(f"DROP DATABASE {name} WITH (FORCE)")
