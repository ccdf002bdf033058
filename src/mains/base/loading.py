"""Loading a whole utility at once: dated facts as columns, and indexes built after the rows instead of with
them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime

import polars as pl
from adbc_driver_postgresql.dbapi import Connection
from psycopg import sql

from mains.base.db import copy_frame, execute, read_frame

_EPOCH = date(2000, 1, 1)
_LOWER_INCLUSIVE = 0x02
_UPPER_INFINITE = 0x10


def date_ranges(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with `valid_from`, `valid_to` (Date; null `valid_to` is open) replaced by `valid`, half-open.

    `valid` holds the binary form of PostgreSQL's daterange. Few distinct periods occur in a load, so each is
    written once and joined.
    """
    periods = frame.select("valid_from", "valid_to").unique()
    encoded = [_encoded(first, following) for first, following in periods.iter_rows()]
    periods = periods.with_columns(pl.Series("valid", encoded, pl.Binary))
    joined = frame.join(
        periods, on=["valid_from", "valid_to"], how="left", nulls_equal=True, maintain_order="left"
    )
    return joined.drop("valid_from", "valid_to")


def copy_facts(frame: pl.DataFrame, table: str, *, known_at: datetime, connection: Connection) -> int:
    """Append dated facts given as columns of days; the row count.

    `valid_from` and `valid_to` (null is open) become `valid`. `known_on` and `superseded_on` (Date, may be
    left out) become `recorded_at` and `superseded_at`, noon UTC of their day; a fact without `known_on` was
    known at `known_at`.
    """
    facts = date_ranges(frame)
    known = _noon("known_on") if "known_on" in facts.columns else pl.lit(None, pl.Datetime("us", "UTC"))
    superseded = (
        _noon("superseded_on") if "superseded_on" in facts.columns else pl.lit(None, pl.Datetime("us", "UTC"))
    )
    facts = facts.with_columns(
        recorded_at=known.fill_null(pl.lit(known_at).cast(pl.Datetime("us", "UTC"))),
        superseded_at=superseded,
        proof=pl.lit(""),
    )
    return copy_frame(facts.drop("known_on", "superseded_on", strict=False), table, connection=connection)


def _noon(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Datetime("us")).dt.offset_by("12h").dt.replace_time_zone("UTC")


@contextmanager
def indexes_built_after(tables: Sequence[str], *, connection: Connection) -> Iterator[Callable[[], None]]:
    """Drop foreign keys, unique and overlap checks and secondary indexes of `tables`; the function given builds them
    anew.

    One pass over the loaded rows checks a constraint many times faster than one look-up per row. All happens
    in the connection's transaction, which must be committed only after the function was called (asserted at
    the end): rows that break a constraint leave nothing behind, neither rows nor a table without its checks.
    Building also sets the identity sequences past the largest id and renews the planner's statistics.
    """
    constraints = _constraints(tables, connection=connection)
    for table, name in constraints.select("table_name", "name").iter_rows():
        execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"', connection=connection)
    indexes = _secondary_indexes(tables, connection=connection)
    for name in indexes["name"]:
        execute(f'DROP INDEX "{name}"', connection=connection)
    is_built = False

    def build() -> None:
        nonlocal is_built
        execute("SET LOCAL maintenance_work_mem = '1GB'", connection=connection)
        for definition in indexes["definition"]:
            execute(definition, connection=connection)
        for table, name, definition in constraints.select("table_name", "name", "definition").iter_rows():
            execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}', connection=connection)
        for table in tables:
            _set_sequence(table, connection=connection)
            execute(f"ANALYZE {table}", connection=connection)
        is_built = True

    yield build
    assert is_built, "The tables have no indexes yet."


def _encoded(first: date, following: date | None) -> bytes:
    lower = (first - _EPOCH).days.to_bytes(4, "big", signed=True)
    if following is None:
        return bytes([_LOWER_INCLUSIVE | _UPPER_INFINITE]) + b"\x00\x00\x00\x04" + lower
    upper = (following - _EPOCH).days.to_bytes(4, "big", signed=True)
    return bytes([_LOWER_INCLUSIVE]) + b"\x00\x00\x00\x04" + lower + b"\x00\x00\x00\x04" + upper


def _constraints(tables: Sequence[str], *, connection: Connection) -> pl.DataFrame:
    """Unique, exclusion and foreign key constraints, the last ones last: they cost a look-up for each row."""
    return read_frame(
        """
        SELECT conrelid::regclass::text AS table_name, conname::text AS name,
               pg_get_constraintdef(oid) AS definition
        FROM pg_constraint
        WHERE contype IN ('f', 'u', 'x') AND conparentid = 0
          AND conrelid IN (SELECT to_regclass(t) FROM unnest(string_to_array(%(tables)s, ',')) AS t)
        ORDER BY contype DESC, conname
        """,
        {"tables": ",".join(tables)},
        connection=connection,
    )


def _secondary_indexes(tables: Sequence[str], *, connection: Connection) -> pl.DataFrame:
    return read_frame(
        """
        SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
        FROM pg_index i
        WHERE i.indrelid IN (SELECT to_regclass(t) FROM unnest(string_to_array(%(tables)s, ',')) AS t)
          AND NOT i.indisprimary
          AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
        ORDER BY 1
        """,
        {"tables": ",".join(tables)},
        connection=connection,
    )


def _set_sequence(table: str, *, connection: Connection) -> None:
    statement = sql.SQL(
        "SELECT setval(pg_get_serial_sequence({name}, 'id'), greatest(max(id), 1), max(id) IS NOT NULL)"
        " FROM {table}"
    ).format(name=sql.Literal(table), table=sql.Identifier(table))
    execute(statement.as_string(None), connection=connection)
