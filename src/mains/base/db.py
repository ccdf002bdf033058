"""Columns to and from PostgreSQL: exact bulk reads and appends as Arrow, within the caller's transaction.

A bulk connection is an ADBC connection: `execute` statements, `read_frame` and `copy_frame` on it, then
`commit()`. Nothing is kept unless the caller commits. A writing connection is psycopg's: `copy_frame` on it costs a
small part of the time, because the rows are encoded here by whole columns.
"""

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache, partial
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Never, TypeAlias, TypeVar, cast
from weakref import WeakKeyDictionary

import adbc_driver_postgresql
import polars as pl
import psycopg
import pyarrow as pa
from adbc_driver_manager import AdbcConnection, AdbcDatabase
from adbc_driver_manager import Error as DriverError
from adbc_driver_manager.dbapi import Connection, Cursor
from django.db import connections
from psycopg import sql

from mains.base.address import database_address
from mains.base.binary_copy import HEADER, TRAILER, UnableToEncodeRows, binary_rows
from mains.base.literals import bind
from mains.base.prepared import execute_prepared
from mains.kernel.errors import MainsError

Result = TypeVar("Result")

Writer: TypeAlias = Connection | psycopg.Connection
"""A connection whose transaction takes rows: one that also reads frames, or one for writing alone."""

type_of_column: dict[str, pl.DataType] = {
    "bool": pl.Boolean(),
    "bytea": pl.Binary(),
    "date": pl.Date(),
    "daterange": pl.Binary(),
    "float8": pl.Float64(),
    "int2": pl.Int16(),
    "int4": pl.Int32(),
    "int8": pl.Int64(),
    "text": pl.String(),
    "timestamptz": pl.Datetime("us", "UTC"),
    "uuid": pl.Binary(),
    "varchar": pl.String(),
    "_int2": pl.List(pl.Int16()),
    "_int4": pl.List(pl.Int32()),
    "_int8": pl.List(pl.Int64()),
    "_text": pl.List(pl.String()),
}

_SENT_AT_ONCE = 1 << 18
_BETWEEN_LOOKS_SECONDS = 0.1
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?", re.ASCII)


class UnableToCopyFrame(MainsError):
    """The frame does not fit the table exactly, or the server took another number of rows."""


class UnableToReadFrame(MainsError):
    """The query's result has a column that has no exact column type here."""


def connection_url() -> str:
    """libpq URL of the database that Django uses in this process, for ADBC, psycopg and psql."""
    return database_address().url(database=connections["default"].settings_dict["NAME"])


@dataclass(frozen=True)
class _Database:
    """What the driver knows of a database, its types above all, for every connection to it: finding that out takes
    about thirty times as long as connecting. A connection that ends leaves it open."""

    known: AdbcDatabase

    def close(self) -> None:
        pass


@lru_cache(maxsize=8)
def _known_database(url: str) -> _Database:
    return _Database(adbc_driver_postgresql.connect(url))


@contextmanager
def adbc_connect(url: str | None = None) -> Iterator[Connection]:
    """A bulk connection without autocommit, closed at the end; what was not committed is rolled back."""
    database = _known_database(url or connection_url())
    opened = AdbcConnection(database.known)
    with closing(Connection(cast("AdbcDatabase", database), opened, autocommit=False)) as connection:
        try:
            yield connection
        finally:
            connection.rollback()


@contextmanager
def reading_connect(url: str | None = None) -> Iterator[Connection]:
    """As `adbc_connect`, for bulk workers that fill the cores: each query keeps to one server process."""
    with adbc_connect(url) as connection:
        execute("SET max_parallel_workers_per_gather = 0", connection=connection)
        connection.commit()
        yield connection


@contextmanager
def writing_connect(url: str | None = None) -> Iterator[psycopg.Connection]:
    """A connection for `copy_frame`, closed at the end; what was not committed is rolled back."""
    with closing(psycopg.connect(url or connection_url(), autocommit=False)) as connection:
        yield connection


def execute(statement: str, params: Mapping[str, object] | None = None, *, connection: Connection) -> int:
    """Run one statement in the connection's transaction; the number of rows it touched, or -1 when unknown.

    Parameters are named: `... WHERE bucket = %(bucket)s`.
    """

    def run(cursor: Cursor) -> int:
        cursor.execute(bind(statement, params))
        if cursor.description:
            # The driver reports an error of a query, raised inside a function say, only to who reads its rows.
            cursor.fetch_arrow_table()
        return int(cursor.rowcount)

    return _interruptible(run, connection)


def read_frame(
    statement: str, params: Mapping[str, object] | None = None, *, connection: Connection
) -> pl.DataFrame:
    """The rows of a query as a frame, in the connection's transaction.

    Parameters are named: `... WHERE bucket = %(bucket)s AND id = ANY(%(ids)s)`. BIGINT, INT, SMALLINT, TEXT,
    BOOL, DATE, TIMESTAMPTZ and arrays come as the matching Polars types. NUMERIC is refused, because it has
    no exact column type: cast it in the query (`sum(amount_minor)::bigint`).
    """

    def run(cursor: Cursor) -> pa.Table:
        if not execute_prepared(cursor, statement, params, connection=connection):
            cursor.execute(bind(statement, params))
        return cursor.fetch_arrow_table()

    table = _interruptible(run, connection)
    for field in table.schema:
        if getattr(field.type, "type_name", None) is not None:
            raise UnableToReadFrame(
                code="inexact-column",
                message=f"Column {field.name} is of the database type {field.type.type_name}.",
                place=statement.strip().splitlines()[0],
                remedy="Cast it in the query, for example to bigint or text.",
            )
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def copy_frame(frame: pl.DataFrame, table: str, *, connection: Writer) -> int:
    """Append the frame's rows to `table` (`name` or `schema.name`), in the connection's transaction; the row
    count.

    The frame's columns are columns of the table, in any order; columns left out take their defaults. Values
    are converted to the table's types only where that is exact; JSONB columns take JSON text, BYTEA, UUID and
    DATERANGE columns their binary form. Triggers and partitions work as for INSERT. Raises UnableToCopyFrame
    for a missing or inexact column or when the server counted otherwise; over a writing connection also for
    columns of floating point and arrays of text.
    """
    fitted, schema, name = fit_frame(frame, table, connection=connection)
    if fitted.height == 0:
        return 0

    try:
        count = _append(fitted, schema, name, connection)
    except UnableToEncodeRows as error:
        raise UnableToCopyFrame(
            code="column-type",
            message=f"The rows cannot be sent over a writing connection. {error}.",
            place=f"table {table}",
            remedy="Copy them over a bulk connection.",
        ) from error
    except (DriverError, psycopg.Error) as error:
        raise UnableToCopyFrame(
            code="copy-refused",
            message=f"The database refused the rows: {str(error).strip()}",
            place=f"table {table}",
            remedy="Correct the rows and run again; nothing was stored.",
            params={"sqlstate": error.sqlstate},
        ) from error
    if count != frame.height:
        raise UnableToCopyFrame(
            code="copy-count",
            message=f"The database took {count} of {frame.height} rows.",
            place=f"table {table}",
            remedy="Run again; nothing was stored.",
        )
    return count


def fit_frame(frame: pl.DataFrame, table: str, *, connection: Writer) -> tuple[pl.DataFrame, str, str]:
    """The frame with the types of the table's columns, the table's schema and its bare name. Raises UnableToCopyFrame
    for a missing or inexact column."""
    schema, name, types = _table_columns(table, connection=connection)
    return (
        frame.select(_fitted(column, have, types, table) for column, have in frame.schema.items()),
        schema,
        name,
    )


def ensure_month_partition(table: str, month: date, *, connection: Connection) -> None:
    """Create the partition of `table` for `month` (its first day) unless it exists, with the table's guards.

    `table` is partitioned by range of its DATE column `month`, which holds first days of months.
    """
    assert month.day == 1, f"A month is named by its first day, not {month}."
    execute(
        "SELECT mains_month_partition(%(table)s, %(month)s)",
        {"table": table, "month": month},
        connection=connection,
    )


def _interruptible(work: Callable[[Cursor], Result], connection: Connection) -> Result:
    """Do the work on a cursor of its own; Ctrl+C cancels it and is raised here.

    Left to itself in the main thread, the driver takes the signal, cancels whatever runs, and forgets that
    there was an interrupt: the program would go on with half its statements. So another thread does the work, and
    this one only notes the signal: raised at any moment, the interrupt could leave a lock or a statement half closed.
    """
    if threading.current_thread() is not threading.main_thread():
        with connection.cursor() as cursor:
            return work(cursor)
    handler = signal.getsignal(signal.SIGINT)
    opened: list[Cursor] = []
    interrupts: list[FrameType | None] = []
    ended: SimpleQueue[Callable[[], Result]] = SimpleQueue()

    def run() -> None:
        try:
            with connection.cursor() as cursor:
                opened.append(cursor)
                result = work(cursor)
        except BaseException as error:  # noqa: BLE001 -- raised again by the thread that waits
            ended.put(partial(_raise, error))
        else:
            ended.put(lambda: result)

    if callable(handler):  # workers ignore the signal, and go on doing so
        signal.signal(signal.SIGINT, lambda _number, frame: interrupts.append(frame))
    try:
        _statement_queue().put(run)
        outcome = None
        while outcome is None:
            with suppress(Empty):
                outcome = ended.get(timeout=_BETWEEN_LOOKS_SECONDS)
            # Again and again: a cancellation that comes before the server has the statement is lost.
            if interrupts and opened and outcome is None:
                with suppress(Exception):  # the statement may have ended meanwhile
                    opened[0].adbc_cancel()
    finally:
        if callable(handler):
            signal.signal(signal.SIGINT, handler)
    if interrupts and callable(handler):
        handler(signal.SIGINT, interrupts[0])
    return outcome()


@cache
def _statement_queue() -> SimpleQueue[Callable[[], None]]:
    """Takes the main thread's statements to one other thread, which does them one after the other."""
    queue: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def work_off() -> None:
        while True:
            queue.get()()

    threading.Thread(target=work_off, name="statements", daemon=True).start()
    return queue


os.register_at_fork(after_in_child=_statement_queue.cache_clear)  # a forked process has no such thread


def _raise(error: BaseException) -> Never:
    raise error


def _checked_name(table: str) -> None:
    if not _IDENTIFIER.fullmatch(table):
        raise UnableToCopyFrame(code="table-name", message=f"{table!r} is not the name of a table.")


def _append(frame: pl.DataFrame, schema: str, name: str, connection: Writer) -> int:
    if isinstance(connection, psycopg.Connection):
        return copy_binary(frame, schema, name, connection=connection)

    def run(cursor: Cursor) -> int:
        return int(cursor.adbc_ingest(name, frame.to_arrow(), mode="append", db_schema_name=schema))

    return _interruptible(run, connection)


def copy_binary(frame: pl.DataFrame, schema: str, name: str, *, connection: psycopg.Connection) -> int:
    """Append rows that fit the table's columns exactly, encoded here by whole columns; how many the server took."""
    statement = sql.SQL("COPY {}.{} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(schema), sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            copy.write(HEADER)
            for block in binary_rows(frame):
                for start in range(0, len(block), _SENT_AT_ONCE):
                    copy.write(block[start : start + _SENT_AT_ONCE])
            copy.write(TRAILER)
        return cursor.rowcount


_Columns: TypeAlias = tuple[str, str, dict[str, str]]
_columns_seen: WeakKeyDictionary[Writer, dict[str, _Columns]] = WeakKeyDictionary()


def _table_columns(table: str, *, connection: Writer) -> _Columns:
    """Schema, bare name and column types of a table as the connection's search path finds it. Asked once a connection:
    what it appends to does not change under it."""
    seen = _columns_seen.setdefault(connection, {})
    if table not in seen:
        seen[table] = _read_columns(table, connection=connection)
    return seen[table]


def _read_columns(table: str, *, connection: Writer) -> _Columns:
    _checked_name(table)
    statement = """
        SELECT n.nspname::text AS schema, c.relname::text AS name, a.attname::text AS column, t.typname::text
        AS type FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON
        a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid WHERE
        c.oid = to_regclass(%(table)s)
        """
    with connection.cursor() as cursor:
        cursor.execute(bind(statement, {"table": table}))
        found = cursor.fetchall()
    if not found:
        raise UnableToCopyFrame(
            code="no-table",
            message="The table does not exist.",
            place=f"table {table}",
            remedy="Run `mains migrate`.",
        )
    return found[0][0], found[0][1], {column: kind for _, _, column, kind in found}


def _fitted(column: str, have: pl.DataType, types: Mapping[str, str], table: str) -> pl.Expr:
    """The column as the table's type; refuses every conversion that could change a value."""
    kind = types.get(column)
    if kind == "jsonb" and have == pl.String:
        # The binary form of jsonb is its version number, 1, and the text.
        return (pl.lit(b"\x01") + pl.col(column).cast(pl.Binary)).alias(column)
    if kind == "daterange" and have == pl.Binary:
        return pl.col(column)  # its binary form, made by mains.base.loading.date_ranges
    want = type_of_column.get(kind) if kind else None
    if want is None:
        raise _misfit(column, have, kind, table)
    if have == want:
        return pl.col(column)
    exact = (
        have == pl.Null
        or (have.is_integer() and want.is_integer())
        or (isinstance(have, pl.Categorical | pl.Enum) and want == pl.String)
        or (
            isinstance(have, pl.Datetime)
            and have.time_zone == "UTC"
            and have.time_unit == "ms"
            and want.is_temporal()
        )
        or (_holds_integers(have) and _holds_integers(want))
    )
    if not exact or (isinstance(have, pl.Datetime) and not isinstance(want, pl.Datetime)):
        raise _misfit(column, have, kind, table)
    return pl.col(column).cast(want, strict=True)


def _holds_integers(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.List) and (
        kind.inner == pl.Null or pl.Series(dtype=kind.inner).dtype.is_integer()
    )


def _misfit(column: str, have: pl.DataType, kind: str | None, table: str) -> UnableToCopyFrame:
    return UnableToCopyFrame(
        code="column-type" if kind else "no-column",
        message=f"Column {column} of type {have} cannot be stored exactly as {kind}."
        if kind
        else f"The table has no column {column}.",
        place=f"table {table}, column {column}",
        remedy="Convert the column before copying.",
    )
