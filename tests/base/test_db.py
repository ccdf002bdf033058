"""Bulk reads and appends: exact for every type, in one transaction, refused where a value would change."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from time import monotonic, sleep

import polars as pl
import pytest
from adbc_driver_manager import Error as DriverError
from adbc_driver_manager.dbapi import Connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mains.base.buckets import bucket_column, bucket_sql
from mains.base.db import (
    UnableToCopyFrame,
    UnableToReadFrame,
    adbc_connect,
    connection_url,
    copy_frame,
    ensure_month_partition,
    execute,
    read_frame,
)
from mains.kernel.identifiers import bucket_of

pytestmark = pytest.mark.django_db

SCHEMA = {
    "id": pl.Int64,
    "amount_minor": pl.Int64,
    "bucket": pl.Int16,
    "zone": pl.Int32,
    "note": pl.String,
    "flag": pl.Boolean,
    "day": pl.Date,
    "at": pl.Datetime("us", "UTC"),
    "days_micro": pl.List(pl.Int64),
    "qualities": pl.List(pl.Int16),
    "content": pl.Binary,
}
TABLE = """
CREATE TEMP TABLE probe (
    id bigint, amount_minor bigint, bucket smallint, zone int, note text, flag boolean, day date,
    at timestamptz, days_micro bigint[], qualities smallint[], content bytea
)
"""


@pytest.fixture
def connection() -> Iterator[Connection]:
    with adbc_connect() as opened:
        yield opened


def optional(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


def whole(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


# PostgreSQL texts hold no NUL, and its calendar starts long before Python's.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
rows = st.fixed_dictionaries(
    {
        "id": optional(whole(64)),
        "amount_minor": optional(whole(64)),
        "bucket": optional(whole(16)),
        "zone": optional(whole(32)),
        "note": optional(texts),
        "flag": optional(st.booleans()),
        "day": optional(st.dates()),
        "at": optional(st.datetimes(timezones=st.just(UTC))),
        "days_micro": optional(st.lists(optional(whole(64)), max_size=5)),
        "qualities": optional(st.lists(optional(whole(16)), max_size=5)),
        "content": optional(st.binary(max_size=20)),
    }
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(rows, max_size=30))
def test_frames_come_back_as_they_went(connection: Connection, rows: list[dict[str, object]]) -> None:
    execute("DROP TABLE IF EXISTS probe", connection=connection)
    execute(TABLE, connection=connection)
    frame = pl.DataFrame(rows, schema=SCHEMA)
    assert copy_frame(frame, "probe", connection=connection) == len(rows)
    back = read_frame("SELECT * FROM probe", connection=connection)
    assert back.equals(frame)
    assert back.schema == frame.schema or frame.is_empty()


def test_nothing_is_kept_without_a_commit(connection: Connection) -> None:
    execute("CREATE TABLE kept (n bigint)", connection=connection)
    connection.commit()
    frame = pl.DataFrame({"n": [1, 2]})
    try:
        with adbc_connect() as other:
            copy_frame(frame, "kept", connection=other)
            execute("INSERT INTO kept VALUES (%(n)s)", {"n": 3}, connection=other)
            assert read_frame("SELECT n FROM kept", connection=other).height == 3
            assert read_frame("SELECT n FROM kept", connection=connection).is_empty()
        assert read_frame("SELECT n FROM kept", connection=connection).is_empty()
    finally:
        connection.rollback()
        execute("DROP TABLE kept", connection=connection)
        connection.commit()


def test_a_refused_row_leaves_nothing(connection: Connection) -> None:
    execute("CREATE TEMP TABLE probe (n bigint CHECK (n > 0))", connection=connection)
    with pytest.raises(UnableToCopyFrame) as caught:
        copy_frame(pl.DataFrame({"n": [1, -1]}), "probe", connection=connection)
    assert caught.value.params["sqlstate"] == "23514"
    connection.rollback()


def test_an_error_inside_a_function_is_raised(connection: Connection) -> None:
    execute(
        "CREATE FUNCTION pg_temp.fail() RETURNS void LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the partition is missing'; END $$",
        connection=connection,
    )
    with pytest.raises(DriverError, match="the partition is missing"):
        execute("SELECT pg_temp.fail()", connection=connection)


INTERRUPTED = """
import sys
from mains.base.db import adbc_connect, execute
with adbc_connect(sys.argv[1]) as connection:
    for _ in range(int(sys.argv[3])):
        try:
            print("ready", flush=True)
            execute(sys.argv[2], connection=connection)
        except KeyboardInterrupt:
            connection.rollback()
            print("interrupted", flush=True)
"""
ROUNDS = 40


@pytest.mark.parametrize("statement", ["SELECT pg_sleep(60)", "DO 'BEGIN PERFORM pg_sleep(60); END'"])
def test_an_interrupt_from_the_keyboard_cancels_the_statement_and_is_raised(statement: str) -> None:
    """At any moment: before the statement has left for the server, on its way, and while it runs."""
    command = [sys.executable, "-c", INTERRUPTED, connection_url(), statement, str(ROUNDS)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    settings = os.environ | {"DJANGO_SETTINGS_MODULE": "mains.config.settings"}
    started = monotonic()
    with subprocess.Popen(command, env=settings, text=True, **pipes) as process:
        assert process.stdout is not None
        for number in range(ROUNDS):
            assert process.stdout.readline() == "ready\n"
            sleep(0.0005 * number)
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted\n"
        assert process.communicate(timeout=30) == ("", "")
    assert monotonic() - started < 60, "A statement was waited for, not cancelled."


@pytest.mark.parametrize(
    ("column", "code"),
    [
        (pl.Series("amount_minor", [1.0]), "column-type"),
        (pl.Series("note", [1]), "column-type"),
        (pl.Series("at", [datetime(2026, 1, 1)]), "column-type"),  # noqa: DTZ001 -- a naive instant is the point
        (pl.Series("day", [datetime(2026, 1, 1, tzinfo=UTC)]), "column-type"),
        (pl.Series("days_micro", [[1.5]]), "column-type"),
        (pl.Series("missing", [1]), "no-column"),
    ],
)
def test_inexact_columns_are_refused(connection: Connection, column: pl.Series, code: str) -> None:
    execute(TABLE, connection=connection)
    with pytest.raises(UnableToCopyFrame) as caught:
        copy_frame(column.to_frame(), "probe", connection=connection)
    assert caught.value.code == code
    assert column.name in caught.value.place


def test_too_large_a_number_is_refused(connection: Connection) -> None:
    execute(TABLE, connection=connection)
    with pytest.raises(pl.exceptions.InvalidOperationError):
        copy_frame(pl.DataFrame({"bucket": [40_000]}), "probe", connection=connection)


def test_exact_conversions_are_made(connection: Connection) -> None:
    execute(
        "CREATE TEMP TABLE probe (a bigint, b smallint, c text, d jsonb, e bigint[])", connection=connection
    )
    frame = pl.DataFrame(
        {
            "e": pl.Series([[1, 2]], dtype=pl.List(pl.Int32)),
            "d": ['{"tariff": "R2"}'],
            "c": pl.Series(["day"], dtype=pl.Categorical),
            "b": pl.Series([7], dtype=pl.Int64),
            "a": pl.Series([None], dtype=pl.Null),
        }
    )
    copy_frame(frame, "probe", connection=connection)
    found = read_frame("SELECT a, b, c, d->>'tariff' AS d, e FROM probe", connection=connection)
    assert found.row(0) == (None, 7, "day", "R2", [1, 2])


def test_other_tables_and_names(connection: Connection) -> None:
    with pytest.raises(UnableToCopyFrame, match="does not exist"):
        copy_frame(pl.DataFrame({"n": [1]}), "public.nowhere", connection=connection)
    with pytest.raises(UnableToCopyFrame, match="not the name"):
        copy_frame(pl.DataFrame({"n": [1]}), "probe; DROP TABLE probe", connection=connection)


def test_a_table_in_a_schema_takes_defaults(connection: Connection) -> None:
    execute("CREATE SCHEMA aside", connection=connection)
    execute("CREATE TABLE aside.probe (n bigint, m int DEFAULT 5)", connection=connection)
    copy_frame(pl.DataFrame({"n": [1]}), "aside.probe", connection=connection)
    assert read_frame("SELECT * FROM aside.probe", connection=connection).row(0) == (1, 5)


def test_month_partitions(connection: Connection) -> None:
    execute("CREATE TABLE monthly (month date, n bigint) PARTITION BY RANGE (month)", connection=connection)
    frame = pl.DataFrame({"month": [date(2026, 12, 1)], "n": [1]})
    with pytest.raises(UnableToCopyFrame, match="no partition"):
        copy_frame(frame, "monthly", connection=connection)
    connection.rollback()
    execute("CREATE TABLE monthly (month date, n bigint) PARTITION BY RANGE (month)", connection=connection)
    for _ in range(2):
        ensure_month_partition("monthly", date(2026, 12, 1), connection=connection)
    assert copy_frame(frame, "monthly", connection=connection) == 1
    assert read_frame("SELECT n FROM monthly_y2026m12", connection=connection)["n"].to_list() == [1]
    with pytest.raises(AssertionError):
        ensure_month_partition("monthly", date(2026, 12, 2), connection=connection)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=texts, number=whole(64), ids=st.lists(whole(64), max_size=4), day=st.dates())
def test_parameters_are_literals(
    connection: Connection, text: str, number: int, ids: list[int], day: date
) -> None:
    found = read_frame(
        """
        SELECT %(text)s::text AS text, %(number)s::bigint AS number, %(ids)s::bigint[] AS ids,
               %(day)s::date AS day, '100%%' AS sign, %(nothing)s::int IS NULL AS nothing
        """,
        {"text": text, "number": number, "ids": ids, "day": day, "nothing": None},
        connection=connection,
    )
    assert found.row(0) == (text, number, ids, day, "100%", True)


def test_numeric_results_are_refused(connection: Connection) -> None:
    with pytest.raises(UnableToReadFrame, match="numeric"):
        read_frame("SELECT sum(n) AS total FROM (VALUES (1::bigint)) AS t (n)", connection=connection)
    found = read_frame("SELECT sum(n)::bigint AS n FROM (VALUES (1::bigint)) AS t (n)", connection=connection)
    assert found["n"].to_list() == [1]


def test_buckets_are_the_same_everywhere(connection: Connection) -> None:
    ids = [0, 1, 2, 1023, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, *range(10_000, 12_000)]
    expected = [bucket_of(identifier) for identifier in ids]
    frame = pl.DataFrame({"id": ids}).with_columns(bucket=bucket_column("id"))
    assert frame["bucket"].to_list() == expected
    execute("CREATE TEMP TABLE probe (id bigint, place bigint)", connection=connection)
    copy_frame(frame.select("id").with_row_index("place"), "probe", connection=connection)
    stored = read_frame(
        f"SELECT {bucket_sql('id')} AS bucket FROM probe ORDER BY place", connection=connection
    )
    assert stored["bucket"].to_list() == expected
