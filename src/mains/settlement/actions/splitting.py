"""Split payments: by contract, exactly, and only the difference to what was split before."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import connection, transaction

from mains.base.columns import ensure_month_partitions, fetch_frame, reserve_ids
from mains.ledger.actions.allocation import lock_allocation
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, TransactionKind
from mains.settlement.models import Batch, Route
from mains.settlement.queries import split_statement as statement
from mains.settlement.values import SplitKind

_BULK = 5_000
"""From so many new allocations on, tables are read whole."""
_MARKS = """
    SELECT coalesce((SELECT max(id) FROM ledger_transaction), 0), coalesce((SELECT max(id) FROM ledger_allocation), 0)
"""
_CHANGED = """
    SELECT DISTINCT r.provider_id FROM settlement_contract k JOIN settlement_route r ON r.id = k.route_id
    WHERE k.recorded_at >= %(since)s OR k.superseded_at >= %(since)s
"""
_AGREEMENTS_CHANGED = """
    SELECT EXISTS (SELECT FROM customers_agreement WHERE recorded_at >= %(since)s OR superseded_at >= %(since)s)
"""
_SUMS = """
    SELECT business_date, organisation_id, provider_id, service, payee_id, kind, sum(amount_minor)::bigint
    FROM settlement_tally WHERE batch_id = %(batch_id)s GROUP BY 1, 2, 3, 4, 5, 6
    HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 3, 4, 5, 6
"""
_SUM = {
    "business_date": pl.Date,
    "organisation_id": pl.Int64,
    "provider_id": pl.Int64,
    "service": pl.String,
    "payee_id": pl.Int64,
    "kind": pl.String,
    "amount_minor": pl.Int64,
}


@dataclass(frozen=True, kw_only=True)
class SplitMade:
    """How many rows of split were written, and by how much more (or less) was received for others, minor units."""

    rows: int
    received_minor: int


def split_payments(*, now: datetime, is_everything: bool = False, look_at_facts: bool = True) -> SplitMade:
    """Split what was paid, taken back or allocated anew since the last time, and what contracts or agreements that
    were recorded since then are about; post the difference to the control accounts.

    Money of providers without a contract stays the utility's own, and so does suspense. `is_everything` computes all
    payments from the beginning; the difference should be nothing. Without `look_at_facts` only money is looked at,
    which is what a single payment can afford. Doing it again changes nothing.
    """
    with transaction.atomic():
        lock_allocation()  # whoever books or allocates is done, and what comes later has higher ids
        last = Batch.objects.order_by("-id").first()
        if last is None and not Route.objects.exists():
            return SplitMade(rows=0, received_minor=0)
        marks = _marks()
        opened = hold_open_days(kind=TransactionKind.SETTLEMENT_SPLIT)
        batch_id = reserve_ids("settlement_batch_id_seq", 1)[0]
        month = now.date().replace(day=1)
        ensure_month_partitions("settlement_split", [month])
        params: dict[str, Any] = {
            "batch_id": batch_id,
            "month": month,
            "now": now,
            "first_open": opened or date.min,
            "after_transaction": last.last_transaction_id if last else 0,
            "after_allocation": last.last_allocation_id if last else 0,
            "since": last.facts_seen_at if last else now,
        }
        is_everything = is_everything or last is None
        touched = statement.EVERYTHING if is_everything else _touched(params, look_at_facts=look_at_facts)
        _write(touched, params, is_bulk=_is_bulk(touched, marks, params))
        sums = fetch_frame(_SUMS, {"batch_id": batch_id}, schema=_SUM)
        _post(sums, batch_id=batch_id, now=now)
        rows = _count(batch_id)
        received = int(sums["amount_minor"].cast(pl.Int128).sum())
        if rows or last is None or marks != (last.last_transaction_id, last.last_allocation_id):
            # What only looked at money must not let contracts and agreements that came meanwhile be forgotten.
            Batch.objects.create(
                pk=batch_id,
                recorded_at=now,
                facts_seen_at=now if look_at_facts or last is None else last.facts_seen_at,
                last_transaction_id=_marks()[0],
                last_allocation_id=marks[1],
                split_count=rows,
                received_minor=received,
            )
        return SplitMade(rows=rows, received_minor=received)


def _marks() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(_MARKS)
        transaction_id, allocation_id = cursor.fetchone()
    return transaction_id, allocation_id


def _touched(params: dict[str, Any], *, look_at_facts: bool) -> str:
    touched = statement.SINCE
    if not look_at_facts:
        return touched
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, params)
        params["changed_providers"] = [row[0] for row in cursor.fetchall()]
        cursor.execute(_AGREEMENTS_CHANGED, params)
        (agreements_changed,) = cursor.fetchone()
    if params["changed_providers"]:
        touched += statement.OF_CHANGED_CONTRACTS
    if agreements_changed:
        touched += statement.OF_CHANGED_AGREEMENTS
    return touched


def _is_bulk(touched: str, marks: tuple[int, int], params: dict[str, Any]) -> bool:
    """Whether so much may have changed that whole tables are read."""
    by_money = touched == statement.SINCE
    return not by_money or marks[1] - params["after_allocation"] > _BULK


def _write(touched: str, params: dict[str, Any], *, is_bulk: bool) -> None:
    tables = statement.WHOLE if is_bulk else statement.BY_INDEX
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        if is_bulk:
            cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute(statement.STATEMENT.format(touched=touched, **tables), params)
        cursor.execute("RESET enable_nestloop; RESET work_mem")


def _count(batch_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(split_count), 0) FROM settlement_tally WHERE batch_id = %s", [batch_id]
        )
        return int(cursor.fetchone()[0])


def _post(sums: pl.DataFrame, *, batch_id: int, now: datetime) -> None:
    """One transaction a business date: collected for others (debit) is owed to payees, or the agent's fee."""
    place = ["organisation_id", "provider_id", "service"]
    is_fee = pl.col("kind") == SplitKind.FEE.value
    for part, day in enumerate(sums["business_date"].unique().sort().to_list()):
        of_day = sums.filter(pl.col("business_date") == day)
        sides = [
            of_day.with_columns(control=pl.lit(Control.COLLECTED.value)),
            of_day.filter(is_fee).with_columns(-pl.col("amount_minor"), control=pl.lit(Control.FEE.value)),
            of_day.filter(~is_fee).with_columns(
                -pl.col("amount_minor"),
                provider_id=pl.col("payee_id"),
                control=pl.lit(Control.PAYABLE.value),
            ),
        ]
        postings = (
            pl.concat([side.select("control", *place, "amount_minor") for side in sides])
            .group_by("control", *place)
            .agg(pl.col("amount_minor").sum())
            .filter(pl.col("amount_minor") != 0)
            .sort("control", *place)
            .select(*POSTING_SCHEMA)
        )
        post_transaction(
            kind=TransactionKind.SETTLEMENT_SPLIT,
            source_id=batch_id,
            part=part,
            business_date=day,
            entries=pl.DataFrame(schema=ENTRY_SCHEMA),
            counterparts=postings,
            now=now,
        )
