"""Databases of their own for tests that load a whole utility."""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count

import psycopg
import pytest
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from mains.base.address import database_address

_numbers = count(1)


@pytest.fixture(scope="module")
def empty_database(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Connects Django to a new database with empty tables; its name."""
    usual = connections["default"].settings_dict["NAME"]
    name = f"packs_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}_{next(_numbers)}"
    server_url = database_address().url(database="postgres")
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    subprocess.run(
        [sys.executable, "-m", "mains", "migrate"],
        env=os.environ | {"MAINS_DATABASE": name},
        check=True,
        capture_output=True,
    )
    with django_db_blocker.unblock():
        connections["default"].close()
        connections["default"].settings_dict["NAME"] = name
        yield name
        connections["default"].close()
        connections["default"].settings_dict["NAME"] = usual
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
