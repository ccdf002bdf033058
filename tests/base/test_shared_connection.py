"""Frames within Django's transaction: what it has written is seen, both are kept or neither, every type is exact."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from django.db import connection as django_connection
from django.db import transaction
from polars.testing import assert_frame_equal

from base.test_db import SCHEMA, TABLE
from mains.base.db import UnableToCopyFrame, UnableToReadFrame, copy_frame, execute, read_frame
from mains.base.shared_connection import shared_connection

ROWS = pl.DataFrame(
    {
        "id": [1, 2],
        "amount_minor": [-(2**63), 2**63 - 1],
        "bucket": [0, -3],
        "zone": [4, None],
        "note": ["ё «", ""],
        "flag": [True, None],
        "day": [date(2024, 2, 29), None],
        "at": [datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC), None],
        "days_micro": [[1, -(2**62)], []],
        "qualities": [[7], None],
    },
    schema={name: kind for name, kind in SCHEMA.items() if name != "content"},
)


@pytest.fixture
def probe(db: None) -> None:
    with django_connection.cursor() as cursor:
        cursor.execute(TABLE)


def test_frames_come_back_as_they_went(probe: None) -> None:
    shared = shared_connection()
    assert copy_frame(ROWS, "probe", connection=shared) == 2
    names = ", ".join(ROWS.columns)
    assert_frame_equal(read_frame(f"SELECT {names} FROM probe ORDER BY id", connection=shared), ROWS)
    empty = read_frame(f"SELECT {names} FROM probe WHERE id > %(id)s", {"id": 9}, connection=shared)
    assert empty.schema == ROWS.schema
    assert execute("DELETE FROM probe WHERE id = %(id)s", {"id": 1}, connection=shared) == 1


def test_it_sees_what_django_has_written_and_ends_with_it(probe: None) -> None:
    with transaction.atomic():
        with django_connection.cursor() as cursor:
            cursor.execute("INSERT INTO probe (id) VALUES (7)")
        copy_frame(pl.DataFrame({"id": [8]}), "probe", connection=shared_connection())
        found = read_frame("SELECT id FROM probe ORDER BY id", connection=shared_connection())
        assert found["id"].to_list() == [7, 8]
        transaction.set_rollback(True)
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM probe")
        assert cursor.fetchone() == (0,)


def test_a_percent_sign_is_no_parameter(probe: None) -> None:
    found = read_frame("SELECT %(text)s || ' %%' AS text", {"text": "100%"}, connection=shared_connection())
    assert found["text"].to_list() == ["100% %"]


@pytest.mark.parametrize("expression", ["1.5::numeric", "'{1.5}'::numeric[]", "now() - now()"])
def test_what_has_no_exact_type_is_refused(probe: None, expression: str) -> None:
    with pytest.raises(UnableToReadFrame):
        read_frame(f"SELECT {expression} AS value", connection=shared_connection())


def test_refused_rows_name_the_table(probe: None) -> None:
    with pytest.raises(UnableToCopyFrame) as refusal, transaction.atomic():
        copy_frame(pl.DataFrame({"nothing": [1]}), "probe", connection=shared_connection())
    assert refusal.value.place.startswith("table probe")


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_there_is_none() -> None:
    with pytest.raises(AssertionError):
        shared_connection()
