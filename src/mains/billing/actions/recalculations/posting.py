"""Post the run of one account: its row, bill, entries and marks in a transaction that somebody else ends."""

from dataclasses import replace
from datetime import datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import copy_frame, execute, read_frame
from mains.billing.actions.recalculations.drafts import reserve_ids_of
from mains.billing.actions.slices import BillsTask, write_bills
from mains.billing.models import BillRun
from mains.billing.queries.charges import SliceCharges
from mains.billing.values import RunKind, RunPlan, RunSlice, RunStatus, Stage


def post_in_one(
    connection: Connection,
    draft: BillRun,
    plan: RunPlan,
    part: RunSlice,
    charges: SliceCharges,
    *,
    now: datetime,
) -> RunPlan:
    """Store the drafted run of one account as posted, with all that it charges; the plan with the run's ids."""
    assert draft.account_id is not None, "The run is of one account."
    reserve_ids_of(connection, draft, pl.Series("account_id", [draft.account_id], dtype=pl.Int64))
    _insert_run(connection, draft, draft.account_id)
    plan = replace(
        plan,
        run_id=draft.pk,
        first_bill_id=draft.first_bill_id,
        first_entry_id=draft.first_entry_id,
        entries_per_account=draft.entries_per_account,
        first_transaction_id=draft.first_transaction_id,
    )
    task = BillsTask(plan=plan, part=part, changed_points=pl.DataFrame(), now=now)
    write_bills(writer=connection, task=task, charges=charges)
    _mark_earlier_stages(connection, plan, now)
    return plan


def _insert_run(connection: Connection, draft: BillRun, account_id: int) -> None:
    """Store the run, posted, and its account in the connection's transaction."""
    draft.status, draft.posted_at = RunStatus.POSTED, draft.facts_as_of
    columns = [field.attname for field in BillRun._meta.concrete_fields if not field.primary_key]
    row = {name: getattr(draft, name) for name in columns}
    placed = ", ".join(f"%({name})s" for name in columns)
    found = read_frame(
        f"INSERT INTO billing_billrun ({', '.join(columns)}) VALUES ({placed}) RETURNING id",
        {
            name: str(value) if isinstance(value, RunKind | RunStatus) else value
            for name, value in row.items()
        },
        connection=connection,
    )
    draft.pk = int(found["id"][0])
    execute(
        "INSERT INTO billing_billrunaccount (run_id, position, account_id) VALUES (%(run)s, 0, %(account)s)",
        {"run": draft.pk, "account": account_id},
        connection=connection,
    )


def _mark_earlier_stages(connection: Connection, plan: RunPlan, now: datetime) -> None:
    mark = pl.DataFrame(
        {
            "run_id": [plan.run_id] * 2,
            "stage": [Stage.USAGE.value, Stage.BALANCE.value],
            "bucket": [0] * 2,
            "rows_written": [0] * 2,
            "amount_minor": [0] * 2,
            "done_at": [now] * 2,
        }
    )
    copy_frame(mark, "billing_billrunbucket", connection=connection)
