"""A recalculation before it is stored: its month, its instant of knowledge and its ids."""

from datetime import datetime, timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame
from mains.billing.actions.run_order import UnableToPlanRun, refuse_earlier_facts, refuse_unfinished
from mains.billing.actions.runs import DUE_DAYS
from mains.billing.models import BillRun
from mains.billing.values import RunKind, RunStatus
from mains.kernel.period import next_month
from mains.ledger.actions.days import refuse_closed
from mains.ledger.values import TransactionKind

CYCLE_LOCK = "SELECT pg_advisory_xact_lock(hashtext(%(cycle)s))::text"
"""Held while a run of the cycle is planned, or one account recalculated."""


def draft_run(
    *, cycle: str, now: datetime, created_by_id: int | None, kind: RunKind = RunKind.RECALCULATION
) -> BillRun:
    """The run, not stored yet and without ids. Raises UnableToPlanRun, and UnableToPostOnDay when the books are closed
    through the day on which it would post."""
    refuse_unfinished(cycle=cycle)
    monthly = BillRun.objects.filter(cycle=cycle, kind=RunKind.MONTHLY, status=RunStatus.POSTED)
    last = monthly.order_by("-month").first()
    if last is None:
        raise UnableToPlanRun(
            code="nothing-billed",
            message="No month is billed yet: there is nothing to recalculate.",
            place=f"cycle {cycle}",
            remedy="Bill the first month: mains bill run --month YYYY-MM.",
        )
    refuse_earlier_facts(cycle=cycle, now=now)
    month = next_month(last.month)
    # The day that its transactions get: see `RunPlan.business_date`.
    day = min(max(now.date(), month), next_month(month) - timedelta(days=1))
    refuse_closed(kind=TransactionKind.BILL_RUN, day=day, place=f"cycle {cycle}")
    return BillRun(
        kind=kind,
        month=month,
        cycle=cycle,
        status=RunStatus.PLANNED,
        facts_as_of=now,
        issued_on=now.date(),
        due_on=now.date() + timedelta(days=DUE_DAYS),
        created_at=now,
        created_by_id=created_by_id,
        first_bill_id=0,
        first_entry_id=0,
        first_transaction_id=0,
        entries_per_account=1,
        slice_count=1,
        accounts=1,
        last_account_id=0,
    )


def last_account_id(connection: Connection) -> int:
    found = read_frame("SELECT coalesce(max(id), 0) AS last FROM customers_account", connection=connection)
    return int(found["last"][0])


def reserve_ids_of(connection: Connection, draft: BillRun, accounts: pl.Series) -> None:
    """Give the run its blocks of ids, for exactly these accounts."""
    found = read_frame(
        """
        SELECT coalesce(max(n), 1) AS entries FROM (
            SELECT count(*) AS n
            FROM (SELECT DISTINCT a.account_id, t.service, a.provider_id
                  FROM customers_agreement a JOIN tariffs_tariff t ON t.id = a.tariff_id
                  WHERE a.account_id = ANY(%(accounts)s::bigint[])) AS items
            GROUP BY account_id
        ) AS per_account
        """,
        {"accounts": accounts},
        connection=connection,
    )
    draft.accounts = len(accounts)
    draft.entries_per_account = int(found["entries"][0])
    ids = read_frame(
        """
        SELECT mains_reserve_ids('billing_bill_id_seq'::regclass, %(bills)s) AS bill,
               mains_reserve_ids('ledger_entry_id_seq'::regclass, %(entries)s) AS entry,
               mains_reserve_ids('ledger_transaction_id_seq'::regclass, %(slices)s) AS transaction
        """,
        {
            "bills": draft.accounts,
            "entries": draft.accounts * draft.entries_per_account,
            "slices": draft.slice_count,
        },
        connection=connection,
    )
    draft.first_bill_id, draft.first_entry_id, draft.first_transaction_id = ids.row(0)
