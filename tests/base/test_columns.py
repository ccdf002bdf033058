"""Frames over Django's connection: few rows and many go and come the same, to the last character and null."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from polars.testing import assert_frame_equal

from mains.base.columns import append_frame, fetch_frame

pytestmark = pytest.mark.django_db

SCHEMA = {
    "id": pl.Int64,
    "small": pl.Int16,
    "word": pl.String,
    "day": pl.Date,
    "flag": pl.Boolean,
    "at": pl.Datetime("us", "UTC"),
}
ODD = [
    (2**62, -3, "", date(1, 1, 1), True, datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=UTC)),
    (-1, None, None, None, None, None),
    (7, 0, 'a "quoted", word\r\nof two lines; Тәртип 热\\N', date(9999, 12, 31), False, None),
    (8, 1, "t", date(2026, 2, 28), False, None),
]
TWINS = "SELECT {columns} FROM columns_probe WHERE id = ANY(%(ids)s) ORDER BY place"


@pytest.fixture
def rows() -> pl.DataFrame:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE columns_probe (place serial UNIQUE, id bigint CHECK (id <> 13), small smallint,"
            " word text, day date, flag boolean, at timestamptz) ON COMMIT DROP"
        )
    return pl.DataFrame(ODD * 200, schema=SCHEMA, orient="row")


def test_many_rows_come_back_as_few_do(rows: pl.DataFrame) -> None:
    append_frame(rows, "columns_probe")
    append_frame(rows.head(4), "columns_probe")
    every = fetch_frame(
        TWINS.format(columns="id, small, word, day, flag, at"), {"ids": [r[0] for r in ODD]}, schema=SCHEMA
    )
    assert_frame_equal(every, pl.concat([rows, rows.head(4)]))
    schema = {name: kind for name, kind in SCHEMA.items() if name != "at"}
    statement = TWINS.format(columns=", ".join(schema))
    params = {"ids": [r[0] for r in ODD]}
    few = fetch_frame(statement, params, schema=schema, has_many=False)
    assert_frame_equal(fetch_frame(statement, params, schema=schema, has_many=True), few)
    none = fetch_frame(statement, {"ids": list(range(100, 900))}, schema=schema)
    assert none.schema == few.schema
    assert none.is_empty()


def test_many_rows_that_are_refused_raise_what_few_do(rows: pl.DataFrame) -> None:
    wrong = rows.with_columns(id=pl.lit(13, pl.Int64))
    for frame in (wrong, wrong.head(1)):
        with pytest.raises(IntegrityError), transaction.atomic():
            append_frame(frame, "columns_probe")


def test_a_query_that_the_server_refuses_leaves_the_connection_usable() -> None:
    for wrong in ("SELECT nothing", "SELECT 1 / (3 - n) FROM generate_series(1, 9) n"):
        with pytest.raises(DatabaseError), transaction.atomic():
            fetch_frame(wrong, schema={"n": pl.Int64}, has_many=True)
    many = fetch_frame("SELECT n FROM generate_series(1, 20000) n", schema={"n": pl.Int64}, has_many=True)
    assert many["n"].to_list() == list(range(1, 20_001))


def test_a_column_that_has_no_binary_form_goes_row_by_row(rows: pl.DataFrame) -> None:
    append_frame(rows.select(id=pl.col("id").cast(pl.Int128)), "columns_probe")
    found = fetch_frame("SELECT count(*) FROM columns_probe", schema={"count": pl.Int64})
    assert found["count"][0] == rows.height
