"""Rows encoded by columns reach the table exactly as the driver's own would, in their order."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import polars as pl
import psycopg
import pytest
from adbc_driver_manager.dbapi import Connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mains.base import binary_copy
from mains.base.db import UnableToCopyFrame, adbc_connect, copy_frame, execute, read_frame, writing_connect

pytestmark = pytest.mark.django_db

SCHEMA = {
    "id": pl.Int64,
    "bucket": pl.Int16,
    "zone": pl.Int32,
    "note": pl.String,
    "flag": pl.Boolean,
    "day": pl.Date,
    "at": pl.Datetime("us", "UTC"),
    "days_micro": pl.List(pl.Int64),
    "counts": pl.List(pl.Int32),
    "spans": pl.List(pl.Int16),
    "content": pl.Binary,
}
COLUMNS = """
    id bigint, bucket smallint, zone int, note text, flag boolean, day date, at timestamptz,
    days_micro bigint[], counts int[], spans smallint[], content bytea
"""


@pytest.fixture
def connection() -> Iterator[Connection]:
    with adbc_connect() as opened:
        for table in ("by_columns", "by_driver"):
            execute(f"CREATE TABLE {table} ({COLUMNS})", connection=opened)
        opened.commit()
        yield opened
        opened.rollback()
        execute("DROP TABLE by_columns, by_driver", connection=opened)
        opened.commit()


@pytest.fixture
def writer() -> Iterator[psycopg.Connection]:
    with writing_connect() as opened:
        yield opened


def whole(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def lists(bits: int) -> st.SearchStrategy[list[int]]:
    return st.lists(whole(bits), max_size=4)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
rows = st.fixed_dictionaries(
    {
        "id": st.none() | whole(64),
        "bucket": st.none() | whole(16),
        "zone": st.none() | whole(32),
        "note": st.none() | texts | st.sampled_from(["charge", "tax"]),
        "flag": st.none() | st.booleans(),
        "day": st.none() | st.dates(),
        "at": st.none() | st.datetimes(timezones=st.just(UTC)),
        "days_micro": st.none() | lists(64) | st.just([1] * 31),
        "counts": st.none() | lists(32),
        "spans": st.none() | lists(16),
        "content": st.none() | st.binary(max_size=5),
    }
)
tables = st.lists(rows, max_size=8) | st.tuples(rows, st.integers(1, 8)).map(lambda one: [one[0]] * one[1])


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=tables, block=st.integers(1, 9))
def test_rows_are_stored_as_the_driver_stores_them(
    connection: Connection, writer: psycopg.Connection, rows: list[dict[str, object]], block: int
) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binary_copy, "_ROWS_PER_BLOCK", block)
        assert copy_frame(frame, "by_columns", connection=writer) == frame.height
    writer.commit()
    assert copy_frame(frame, "by_driver", connection=connection) == frame.height
    stored = [
        read_frame(f"SELECT * FROM {table} ORDER BY ctid", connection=connection)
        for table in ("by_columns", "by_driver")
    ]
    execute("TRUNCATE by_columns, by_driver", connection=connection)
    connection.commit()
    assert stored[0].equals(frame)
    assert stored[0].equals(stored[1])


def test_a_slice_of_a_larger_frame_is_encoded_alone(
    connection: Connection, writer: psycopg.Connection
) -> None:
    frame = pl.DataFrame(
        {
            "id": range(10),
            "note": ["one", "three"] * 5,
            "days_micro": [[number] * (number % 3) for number in range(10)],
            "day": [date(1999, 12, 31 - number) for number in range(10)],
            "at": [datetime(1999, 1, 1, tzinfo=UTC)] * 10,
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )
    part = pl.concat([frame.slice(3, 2), frame.slice(7, 3)], rechunk=False)
    copy_frame(part, "by_columns", connection=writer)
    writer.commit()
    kept = read_frame(
        "SELECT id, note, days_micro, day, at FROM by_columns ORDER BY ctid", connection=connection
    )
    assert kept.equals(part)


def test_nothing_is_kept_without_a_commit(connection: Connection) -> None:
    with writing_connect() as writer:
        copy_frame(pl.DataFrame({"id": [1]}), "by_columns", connection=writer)
    assert read_frame("SELECT id FROM by_columns", connection=connection).is_empty()


@pytest.mark.parametrize("column", [pl.Series("days_micro", [[1, None]]), pl.Series("days_micro", [[None]])])
def test_nulls_in_arrays_are_refused(
    connection: Connection, writer: psycopg.Connection, column: pl.Series
) -> None:
    with pytest.raises(UnableToCopyFrame) as caught:
        copy_frame(column.cast(pl.List(pl.Int64)).to_frame(), "by_columns", connection=writer)
    assert caught.value.code == "column-type"


def test_what_the_server_refuses_is_named(connection: Connection, writer: psycopg.Connection) -> None:
    execute("ALTER TABLE by_columns ADD CHECK (id > 0)", connection=connection)
    connection.commit()
    with pytest.raises(UnableToCopyFrame) as caught:
        copy_frame(pl.DataFrame({"id": [1, -1]}), "by_columns", connection=writer)
    assert caught.value.params == {"sqlstate": "23514"}
    writer.rollback()
