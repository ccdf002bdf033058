"""The floor under a bill run: a plain COPY of exactly the rows that it wrote into equal, empty tables."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from mains.base.db import connection_url
from mains.billing.models import BillRun
from mains.config.benchmark.processor import command_seconds, server_seconds

_CHUNK = 1 << 20
_ROWS_OF_RUN = {
    "metering_usagemonth": "recorded_at = {as_of}",
    "billing_bill": "run_id = {run}",
    "balance_nodemonth": "recorded_at = {as_of}",
    "balance_sharemonth": "recorded_at = {as_of}",
    "billing_carriedbalance": "run_id = {run}",
    "billing_billline": "bill_id >= {first_bill} AND bill_id < {next_bill}",
    "ledger_entry": "recorded_at = {as_of} AND kind = 'bill'",
    "ledger_transaction": "kind = 'bill_run' AND source_id = {run}",
    "ledger_posting": (
        "transaction_id IN (SELECT id FROM ledger_transaction WHERE kind = 'bill_run' AND source_id = {run})"
    ),
    "billing_billexception": "run_id = {run}",
    "billing_billrunbucket": "run_id = {run}",
}


@dataclass(frozen=True, kw_only=True)
class Floor:
    """Seconds and rows of the plain COPY, lines of bills among them, and bytes of its tables with their indexes.

    `cpu_seconds` are of both ends of the connection, of ours alone where the server runs on another machine.
    """

    seconds: float
    cpu_seconds: float
    rows: int
    lines: int
    bytes_written: int


def measure_floor(*, run: BillRun) -> Floor:
    """Write the run's rows once more by COPY, one table after another over one connection, each committed.

    The tables are created like the real ones, with their indexes, constraints and defaults, in a schema of their own
    that is dropped again. Reading the rows beforehand is not counted.
    """
    seconds, rows, lines, size, spent = 0.0, 0, 0, 0, 0.0
    with (
        tempfile.TemporaryDirectory(prefix="mains-floor-") as folder,
        psycopg.connect(connection_url(), autocommit=True) as server,
    ):
        server.execute("DROP SCHEMA IF EXISTS floor CASCADE")
        server.execute("CREATE SCHEMA floor")
        for table, condition in _ROWS_OF_RUN.items():
            kept = Path(folder) / table
            _export(server, table, condition, run, kept)
            server.execute(
                sql.SQL("CREATE TABLE floor.{0} (LIKE public.{0} INCLUDING ALL)").format(
                    sql.Identifier(table)
                )
            )
            before = _processor_seconds()
            taken, count = _copy_in(server, table, kept)
            spent += _processor_seconds() - before
            seconds, rows = seconds + taken, rows + count
            lines += count if table == "billing_billline" else 0
            size += _size(server, table)
            kept.unlink()
        server.execute("DROP SCHEMA floor CASCADE")
    return Floor(seconds=seconds, cpu_seconds=spent, rows=rows, lines=lines, bytes_written=size)


def _processor_seconds() -> float:
    return command_seconds() + (server_seconds() or 0.0)


def _export(server: psycopg.Connection, table: str, condition: str, run: BillRun, kept: Path) -> None:
    where = sql.SQL(condition).format(
        as_of=sql.Literal(run.facts_as_of),
        run=sql.Literal(run.pk),
        first_bill=sql.Literal(run.first_bill_id),
        next_bill=sql.Literal(run.first_bill_id + run.accounts),
    )
    statement = sql.SQL("COPY (SELECT * FROM {} WHERE {}) TO STDOUT (FORMAT binary)").format(
        sql.Identifier(table), where
    )
    with kept.open("wb") as file, server.cursor() as cursor, cursor.copy(statement) as copy:
        for block in copy:
            file.write(block)


def _copy_in(server: psycopg.Connection, table: str, kept: Path) -> tuple[float, int]:
    statement = sql.SQL("COPY floor.{} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
    started = time.perf_counter()
    with server.cursor() as cursor:
        with kept.open("rb") as file, cursor.copy(statement) as copy:
            while block := file.read(_CHUNK):
                copy.write(block)
        count = cursor.rowcount
    return time.perf_counter() - started, count


def _size(server: psycopg.Connection, table: str) -> int:
    found = server.execute("SELECT pg_total_relation_size(to_regclass(%s))", [f"floor.{table}"]).fetchone()
    assert found is not None
    return int(found[0])
