"""One account, in a single transaction that reads only what belongs to it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame
from mains.base.kept_connections import kept_connect
from mains.base.one_processor import on_one_processor
from mains.billing.actions.recalculations.drafts import CYCLE_LOCK, draft_run
from mains.billing.actions.recalculations.posting import post_in_one
from mains.billing.actions.recalculations.stages import Recalculation, compute_slices, told
from mains.billing.actions.runs import lacks_partitions, prepare_partitions
from mains.billing.models import BillRun
from mains.billing.queries.charges import SliceCharges
from mains.billing.queries.explain.cause_finders import Reader
from mains.billing.queries.explain.causes import find_causes
from mains.billing.queries.plans import get_plan
from mains.billing.queries.touched import name_slices
from mains.billing.values import RunPlan, RunSlice
from mains.customers.queries.frames import read_points_of_accounts
from mains.kernel.errors import MainsError


class UnableToRecalculate(MainsError):
    """What would be posted is not what was seen before."""


def preview_account(*, account_id: int, now: datetime) -> Recalculation:
    """What `recalculate_account` would post now; nothing is written. Raises as it does."""
    with _one_account(account_id, now) as (connection, draft):
        plan = get_plan(run=draft)
        _, charges = charges_of_account(connection, plan, account_id, now=now)
        pairs = charges.lines.select("service_month", "service_point_id").unique().sort(pl.all()).rows()
        # In the same transaction, which alone knows the daily use that would be written.
        causes = find_causes(reader_of(connection), account_id=account_id, pairs=pairs, as_of=now)
        connection.rollback()
    return replace(told(plan, [charges]), causes=causes)


def recalculate_account(
    *, account_id: int, now: datetime, created_by_id: int | None = None, expected_minor: int | None = None
) -> Recalculation:
    """Correct one account's billed months by the facts recorded up to `now`; nothing is written when there is nothing
    to correct. Reads only what belongs to the account.

    `expected_minor` is what a person saw in the preview. Raises UnableToPlanRun: the account's cycle has no billed
    month, or a run of it is not finished; UnableToRecalculate: by now it comes to another amount.
    """
    with _one_account(account_id, now) as (connection, draft):
        draft.created_by_id = created_by_id
        plan = get_plan(run=draft)
        part, charges = charges_of_account(connection, plan, account_id, now=now)
        if charges.lines.is_empty() and charges.carried.is_empty():
            connection.rollback()
            return told(plan, [charges])
        _check_expected(told(plan, [charges]), expected_minor)
        if lacks_partitions(connection=connection, month=plan.month):
            with (
                kept_connect() as other
            ):  # partitions are there for all, whatever becomes of this transaction
                prepare_partitions(connection=other, month=plan.month)
        plan = post_in_one(connection, draft, plan, part, charges, now=now)
        connection.commit()
    bill_id = None if charges.lines.is_empty() else plan.first_bill_id
    return replace(told(plan, [charges]), run_id=plan.run_id, bill_id=bill_id)


def _check_expected(found: Recalculation, expected_minor: int | None) -> None:
    if expected_minor is not None and found.amount_minor != expected_minor:
        raise UnableToRecalculate(
            code="recalculation-changed",
            message="Other facts became known meanwhile: the recalculation comes to another amount.",
            remedy="Look at the new amount and post it if it is right.",
        )


def reader_of(connection: Connection) -> Reader:
    """Reads rows in the connection's transaction."""

    def read(statement: str, params: Mapping[str, object]) -> list[dict[str, object]]:
        return read_frame(statement, params, connection=connection).to_dicts()

    return read


@contextmanager
def _one_account(account_id: int, now: datetime) -> Iterator[tuple[Connection, BillRun]]:
    """A connection that holds the cycle's lock until its transaction ends, and the run to be."""
    with on_one_processor(), kept_connect() as connection:
        found = read_frame(
            "SELECT cycle FROM customers_account WHERE id = %(id)s", {"id": account_id}, connection=connection
        )
        cycle = str(found["cycle"][0])
        read_frame(CYCLE_LOCK, {"cycle": f"billing cycle {cycle}"}, connection=connection)
        draft = draft_run(cycle=cycle, now=now, created_by_id=None)
        draft.account_id = account_id
        draft.last_account_id = account_id
        yield connection, draft


def charges_of_account(
    connection: Connection, plan: RunPlan, account_id: int, *, now: datetime
) -> tuple[RunSlice, SliceCharges]:
    """The account's charges by the stages of a run, in the connection's transaction; nothing of them is posted."""
    accounts = pl.Series("account_id", [account_id], dtype=pl.Int64)
    points = read_points_of_accounts(connection=connection, account_ids=accounts, as_of=plan.facts_as_of)
    (part,) = name_slices(accounts, points, count=1)
    (charges,) = compute_slices(connection, plan, (part,), now=now, service_point_ids=points, on_slice=None)
    return part, charges
