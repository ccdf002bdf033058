"""Columns within Django's own transaction, for actions that also write through the ORM.

`base.db` moves millions of rows on a connection of its own; this module moves up to some million on the connection
that Django holds, so that all of an action is kept or nothing: a few of them row by row, many by whole columns.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast

import polars as pl
import psycopg
import pyarrow as pa
from django.db import connection
from psycopg import sql
from pyarrow import csv

from mains.base.copy_out import read_copy
from mains.base.db import UnableToCopyFrame, copy_binary, fit_frame
from mains.base.literals import bind
from mains.kernel.errors import MainsError

# From so many rows or parameters on whole columns are faster.
_MANY = 500
_READ_BY_COLUMNS: dict[object, pa.DataType] = {
    pl.Boolean: pa.bool_(),
    pl.Int16: pa.int16(),
    pl.Int32: pa.int32(),
    pl.Int64: pa.int64(),
    pl.String: pa.string(),
    pl.Date: pa.date32(),
}
_WRITTEN_BY_COLUMNS = {*_READ_BY_COLUMNS, pl.Datetime("us", "UTC")}


class UnableToAppendFrame(MainsError):
    """The server took another number of rows than the frame has."""


def fetch_frame(
    statement: str,
    params: Mapping[str, Any] | None = None,
    *,
    schema: Mapping[str, type[pl.DataType] | pl.DataType],
    has_many: bool | None = None,
) -> pl.DataFrame:
    """The rows of a query as a frame whose columns are those of `schema`, in the query's order.

    Parameters are named and bound by the driver: `... WHERE id = ANY(%(ids)s)`. `has_many`: whether many rows are
    expected; unless told, whether many values are given.
    """
    if has_many is None:
        has_many = any(isinstance(value, list) and len(value) >= _MANY for value in (params or {}).values())
    if has_many and all(kind in _READ_BY_COLUMNS for kind in schema.values()):
        return _fetch_columns(statement, params, schema)
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return pl.DataFrame(cursor.fetchall(), schema=dict(schema), orient="row")


def _fetch_columns(
    statement: str, params: Mapping[str, Any] | None, schema: Mapping[str, type[pl.DataType] | pl.DataType]
) -> pl.DataFrame:
    """By COPY. In its text a NULL is nothing at all and an empty text is two quotation marks."""
    connection.ensure_connection()
    raw = cast("psycopg.Connection[Any]", connection.connection)
    with connection.wrap_database_errors:
        buffer = read_copy(bind(statement, params), connection=raw)
    types = {name: _READ_BY_COLUMNS[kind] for name, kind in schema.items()}
    if not buffer.size:
        return pl.DataFrame(schema=dict(schema))
    table = csv.read_csv(
        pa.BufferReader(buffer),
        read_options=csv.ReadOptions(column_names=list(schema)),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return pl.DataFrame(table)


def append_frame(frame: pl.DataFrame, table: str) -> int:
    """Append the frame's rows to the columns of the same names by COPY; the number of rows.

    Raises UnableToAppendFrame when the server counted otherwise.
    """
    if frame.is_empty():
        return 0
    count = _append_columns(frame, table) if frame.height >= _MANY else None
    if count is None:
        count = _append_rows(frame, table)
    if count != frame.height:
        raise UnableToAppendFrame(
            code="append-count",
            message=f"The database took {count} of {frame.height} rows.",
            place=f"table {table}",
            remedy="Try again; nothing was stored.",
        )
    return frame.height


def _append_columns(frame: pl.DataFrame, table: str) -> int | None:
    """In the binary form, made by whole columns; None where a column has no such form or does not fit the table."""
    connection.ensure_connection()
    raw = cast("psycopg.Connection[Any]", connection.connection)
    with connection.wrap_database_errors:
        try:
            fitted, schema, name = fit_frame(frame, table, connection=raw)
        except UnableToCopyFrame:
            return None
        if not all(kind in _WRITTEN_BY_COLUMNS for kind in fitted.dtypes):
            return None
        return copy_binary(fitted, schema, name, connection=raw)


def _append_rows(frame: pl.DataFrame, table: str) -> int:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    )
    with connection.wrap_database_errors, connection.cursor() as cursor:
        with cursor.copy(statement.as_string(None)) as copy:
            for row in frame.iter_rows():
                copy.write_row(row)
        return int(cursor.rowcount)


def reserve_ids(sequence: str, count: int) -> range:
    """A block of consecutive ids of a sequence, this caller's alone."""
    assert count > 0, "A block of ids has at least one."
    with connection.cursor() as cursor:
        cursor.execute("SELECT mains_reserve_ids(%s::regclass, %s)", [sequence, count])
        (first,) = cursor.fetchone()
    return range(first, first + count)


def ensure_month_partitions(table: str, months: Sequence[date]) -> None:
    """Create the missing partitions of `table` for `months` (first days), with the table's guards."""
    with connection.cursor() as cursor:
        for month in months:
            assert month.day == 1, f"A month is named by its first day, not {month}."
            cursor.execute("SELECT mains_month_partition(%s, %s)", [table, month])
