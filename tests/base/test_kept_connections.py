"""Connections kept for the next piece of work: one in each hand, none that failed or died, nothing left over."""

import pytest
from django.db import connection as django_connection

from mains.base.db import execute, read_frame
from mains.base.kept_connections import close_kept_connections, kept_connect

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def none_left():
    yield
    close_kept_connections()


def backend(connection) -> int:
    return int(read_frame("SELECT pg_backend_pid() AS pid", connection=connection)["pid"][0])


def test_the_next_one_uses_it_again_and_finds_nothing_open():
    with kept_connect() as connection:
        first = backend(connection)
        execute("CREATE TEMPORARY TABLE left_over (id integer)", connection=connection)
    with kept_connect() as connection:
        assert backend(connection) == first
        found = read_frame("SELECT to_regclass('left_over') IS NULL AS gone", connection=connection)
        assert found["gone"][0], "what was not committed is rolled back"


def test_two_at_once_have_one_each():
    with kept_connect() as one, kept_connect() as other:
        assert backend(one) != backend(other)


def test_one_that_failed_serves_no_more():
    with pytest.raises(ZeroDivisionError), kept_connect() as connection:
        failed = backend(connection)
        raise ZeroDivisionError
    with kept_connect() as connection:
        assert backend(connection) != failed


def test_one_whose_server_process_died_is_replaced():
    with kept_connect() as connection:
        dead = backend(connection)
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [dead])
    with kept_connect() as connection:
        assert backend(connection) != dead
