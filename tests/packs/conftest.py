"""Databases of their own for tests that load a whole utility."""

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from template_databases import connected_copy, migrated


@pytest.fixture(scope="module")
def empty_database(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Connects Django to a new database with empty tables; its name."""
    with django_db_blocker.unblock(), connected_copy(migrated()) as name:
        yield name
