"""Loading a whole utility at once: dated facts as columns, and indexes built after the rows instead of with them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import polars as pl
from adbc_driver_postgresql.dbapi import Connection

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


def copy_facts(frame: pl.DataFrame, table: str, *, connection: Connection) -> int:
    """Append dated facts given with `valid_from` and `valid_to` instead of `valid`; the row count.

    `proof` is empty where the frame has none.
    """
    facts = date_ranges(frame)
    if "proof" not in facts.columns:
        facts = facts.with_columns(proof=pl.lit(""))
    return copy_frame(facts, table, connection=connection)


@contextmanager
def indexes_built_after(tables: Sequence[str], *, connection: Connection) -> Iterator[None]:
    """Drop foreign keys, overlap checks and secondary indexes of `tables`; build them anew when the body ends.

    One pass over the loaded rows checks a constraint many times faster than one look-up per row. All in the
    connection's transaction: rows that break a constraint leave nothing behind, neither rows nor a table without
    its checks. Identity sequences are set past the largest id, and the planner's statistics are renewed.
    """
    constraints = _constraints(tables, connection=connection)
    for table, name in constraints.select("table_name", "name").iter_rows():
        execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"', connection=connection)
    indexes = _secondary_indexes(tables, connection=connection)
    for name in indexes["name"]:
        execute(f'DROP INDEX "{name}"', connection=connection)
    yield
    for definition in indexes["definition"]:
        execute(definition, connection=connection)
    for table, name, definition in constraints.select("table_name", "name", "definition").iter_rows():
        execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}', connection=connection)
    for table in tables:
        _set_sequence(table, connection=connection)
        execute(f"ANALYZE {table}", connection=connection)


def _encoded(first: date, following: date | None) -> bytes:
    lower = (first - _EPOCH).days.to_bytes(4, "big", signed=True)
    if following is None:
        return bytes([_LOWER_INCLUSIVE | _UPPER_INFINITE]) + b"\x00\x00\x00\x04" + lower
    upper = (following - _EPOCH).days.to_bytes(4, "big", signed=True)
    return bytes([_LOWER_INCLUSIVE]) + b"\x00\x00\x00\x04" + lower + b"\x00\x00\x00\x04" + upper


def _constraints(tables: Sequence[str], *, connection: Connection) -> pl.DataFrame:
    """Foreign keys and exclusion constraints: the ones that cost a look-up for each row."""
    return read_frame(
        """
        SELECT conrelid::regclass::text AS table_name, conname::text AS name, pg_get_constraintdef(oid) AS definition
        FROM pg_constraint
        WHERE contype IN ('f', 'x') AND conparentid = 0
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
    execute(
        f"""
        SELECT setval(pg_get_serial_sequence('{table}', 'id'), greatest(max(id), 1), max(id) IS NOT NULL)
        FROM {table}
        """,
        connection=connection,
    )
