"""Frames read and written within Django's own transaction.

A bulk connection is a session of its own and does not see what the ORM has not committed. Where facts and what is
computed from them must be kept together or not at all, the same steps work on this one instead: some thousand rows, and
nothing that another session would have to wait for.
"""

from types import TracebackType
from typing import Any, Self, cast

import polars as pl
import psycopg
import pyarrow as pa
from adbc_driver_manager.dbapi import Connection
from django.db import connection as django_connection

from mains.base.db import UnableToReadFrame, copy_binary, type_of_column


def shared_connection() -> Connection:
    """Django's connection as `read_frame`, `execute` and `copy_frame` take one, within its open transaction.

    Whoever opened the transaction ends it: there is no commit here.
    """
    assert django_connection.in_atomic_block, "Only a transaction that somebody ends is shared."
    return cast("Connection", _SharedConnection(django_connection.connection))


class _SharedConnection:
    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self.adbc_current_catalog = connection.info.dbname

    def cursor(self) -> "_SharedCursor":
        return _SharedCursor(self._connection)


class _SharedCursor:
    """The few things that `mains.base.db` asks of a cursor."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cursor.close()

    @property
    def description(self) -> list[psycopg.Column] | None:
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def execute(self, statement: str) -> None:
        self._cursor.execute(statement.encode())

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._cursor.fetchall()

    def fetch_arrow_table(self) -> pa.Table:
        columns = {
            column.name: _type_of(column, self._connection) for column in self._cursor.description or ()
        }
        return pl.DataFrame(self._cursor.fetchall(), schema=columns, orient="row").to_arrow()

    def adbc_ingest(self, name: str, rows: pa.Table, *, mode: str, db_schema_name: str) -> int:
        assert mode == "append", "Rows are only ever added."
        frame = pl.from_arrow(rows)
        assert isinstance(frame, pl.DataFrame)
        return copy_binary(frame, db_schema_name, name, connection=self._connection)

    def adbc_cancel(self) -> None:
        self._connection.cancel()


def _type_of(column: psycopg.Column, connection: psycopg.Connection) -> pl.DataType:
    found = connection.adapters.types.get(column.type_code)
    name = found.name if found else str(column.type_code)
    if found and column.type_code == found.array_oid:
        name = f"_{name}"
    if name == "void":
        return pl.String()
    if name not in type_of_column or name in ("bytea", "daterange", "uuid"):
        raise UnableToReadFrame(
            code="inexact-column",
            message=f"Column {column.name} is of the database type {name}.",
            place="a query within Django's transaction",
            remedy="Cast it in the query, for example to bigint or text.",
        )
    return type_of_column[name]
