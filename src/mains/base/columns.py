"""Columns within Django's own transaction, for actions that also write through the ORM.

`base.db` moves millions of rows on a connection of its own; this module moves up to some hundred thousand on
the connection that Django holds, so that all of an action is kept or nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
from django.db import connection
from psycopg import sql

from mains.kernel.errors import MainsError


class UnableToAppendFrame(MainsError):
    """The server took another number of rows than the frame has."""


def fetch_frame(
    statement: str,
    params: Mapping[str, Any] | None = None,
    *,
    schema: Mapping[str, type[pl.DataType] | pl.DataType],
) -> pl.DataFrame:
    """The rows of a query as a frame whose columns are those of `schema`, in the query's order.

    Parameters are named and bound by the driver: `... WHERE id = ANY(%(ids)s)`.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return pl.DataFrame(cursor.fetchall(), schema=dict(schema), orient="row")


def append_frame(frame: pl.DataFrame, table: str) -> int:
    """Append the frame's rows to the columns of the same names by COPY; the number of rows.

    Raises UnableToAppendFrame when the server counted otherwise.
    """
    if frame.is_empty():
        return 0
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement.as_string(None)) as copy:
            for row in frame.iter_rows():
                copy.write_row(row)
        count = cursor.rowcount
    if count != frame.height:
        raise UnableToAppendFrame(
            code="append-count",
            message=f"The database took {count} of {frame.height} rows.",
            place=f"table {table}",
            remedy="Try again; nothing was stored.",
        )
    return frame.height


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
