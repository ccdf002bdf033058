"""Connections kept for the next piece of work: one in each hand, none that failed or died, nothing left over; what they
read is prepared, and the same as over any other."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from django.db import connection as django_connection
from polars.testing import assert_frame_equal

from mains.base.db import UnableToReadFrame, adbc_connect, execute, read_frame
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


VALUES = """
    SELECT %(day)s AS day, %(at)s AS at, %(small)s AS small, %(large)s AS large, %(yes)s AS yes, %(name)s AS name,
           %(ids)s::bigint[] AS ids, %(none)s::date AS none,
           ARRAY(SELECT id::smallint FROM unnest(%(ids)s) AS id) AS small_ids,
           '100%%' AS percent, n
    FROM generate_series(1, %(count)s) AS n ORDER BY n
"""


def values(count: int) -> dict[str, object]:
    return {
        "day": date(2021, 3, 31),
        "at": datetime(2021, 3, 31, 23, 59, 59, 999999, tzinfo=UTC),
        "small": -5,
        "large": 2**40 + count,
        "yes": True,
        "name": "O'Neill \\ Ωmega",
        "ids": pl.Series([1, 2, count]),
        "none": None,
        "count": count,
    }


def prepared(connection) -> list[tuple[str, int]]:
    found = read_frame(
        "SELECT name, (generic_plans + custom_plans)::bigint AS plans FROM pg_prepared_statements ORDER BY name",
        connection=connection,
    )
    return found.rows()


def test_what_is_read_again_is_prepared_once_and_the_same_as_elsewhere():
    with kept_connect() as connection, adbc_connect() as other:
        for count in (1, 3, 200):
            found = read_frame(VALUES, values(count), connection=connection)
            assert_frame_equal(found, read_frame(VALUES, values(count), connection=other))
            assert found.height == count
        assert next(plans for _, plans in prepared(connection)) == 3
        assert prepared(other) == []


@pytest.mark.parametrize(
    ("statement", "params"),
    [
        ("SELECT round(%(part)s * 100)::bigint AS share", {"part": Decimal("0.25")}),
        ("SELECT length(%(day)s) AS length, %(day)s::date AS day", {"day": "2021-03-31"}),
    ],
)
def test_what_cannot_be_prepared_is_read_all_the_same(statement, params):
    with kept_connect() as connection, adbc_connect() as other:
        execute("CREATE TEMPORARY TABLE begun (id integer)", connection=connection)
        found = read_frame(statement, params, connection=connection)
        assert_frame_equal(found, read_frame(statement, params, connection=other))
        kept = read_frame("SELECT to_regclass('begun') IS NOT NULL AS kept", connection=connection)
        assert kept["kept"][0], "the transaction goes on"


def test_an_inexact_column_is_refused_there_too():
    with kept_connect() as connection, pytest.raises(UnableToReadFrame, match="numeric"):
        read_frame("SELECT 1.5 AS price", connection=connection)


def test_a_table_that_changes_under_a_prepared_query_is_read_as_it_is(db):
    with kept_connect() as connection:
        execute("CREATE TABLE changing (id bigint)", connection=connection)
        execute("INSERT INTO changing VALUES (1)", connection=connection)
        statement = "SELECT id FROM changing WHERE id = %(id)s"
        assert read_frame(statement, {"id": 1}, connection=connection)["id"].to_list() == [1]
        execute("ALTER TABLE changing ADD COLUMN name text", connection=connection)
        execute("CREATE INDEX ON changing (id)", connection=connection)
        assert read_frame(statement, {"id": 1}, connection=connection)["id"].to_list() == [1]
