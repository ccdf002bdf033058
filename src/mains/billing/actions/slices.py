"""The work on one slice of a run: all of it in one transaction, exactly once.

A slice is locked for the length of its transaction and marked bucket by bucket in it, so two processes, or a run begun
again after a kill, never write a slice twice; the primary key of the marks would refuse it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import psycopg
from adbc_driver_manager.dbapi import Connection

from mains.balance.actions.balances import refresh_balances
from mains.balance.queries.facts import Knowledge
from mains.base.column_runs import place_in_run
from mains.base.db import Writer, copy_frame, reading_connect, writing_connect
from mains.base.processes import kept_open
from mains.billing.queries.charges import SliceCharges, compute_charges
from mains.billing.queries.exceptions import NO_EXCEPTIONS, agreement_gaps
from mains.billing.queries.plans import MeteringChanges, done_buckets
from mains.billing.queries.settled import read_left_supplies
from mains.billing.values import LineKind, RunKind, RunPlan, RunSlice, Stage
from mains.customers.queries.frames import read_payers
from mains.engine.columns import POSTED_KINDS
from mains.engine.usage import describe_exception
from mains.kernel.period import next_month
from mains.ledger.actions.bill_run import post_run_slice
from mains.metering.actions.usage import UsageRefresh, UsageScope, begin_month, refresh_usage, revise_usage
from mains.network.queries.frames import read_rest_points

_LOCK_CLASS = {Stage.USAGE: 1_000_000, Stage.BILLS: 2_000_000, Stage.BALANCE: 3_000_000}
_LEDGER_COLUMNS = ("account_id", "organisation_id", "position", "service", "provider_id")
_TAXES = (LineKind.TAX.value, LineKind.TAX_INCLUDED.value)


@dataclass(frozen=True, kw_only=True)
class UsageTask:
    """One slice of the usage stage. `class_averages` as `billing.queries.averages` gives them, `changes` as
    `billing.queries.plans.read_metering_changes`."""

    plan: RunPlan
    part: RunSlice
    class_averages: pl.DataFrame
    changes: MeteringChanges
    now: datetime


@dataclass(frozen=True, kw_only=True)
class BalanceTask:
    """One slice of the balance stage: the nodes whose buckets are `node_buckets`, or only `node_ids` of them."""

    plan: RunPlan
    part: RunSlice
    node_buckets: range
    now: datetime
    node_ids: pl.Series | None = None


@dataclass(frozen=True, kw_only=True)
class BillsTask:
    """One slice of the bills stage. `changed_points` as `billing.queries.plans.list_changed_points` gives them."""

    plan: RunPlan
    part: RunSlice
    changed_points: pl.DataFrame
    now: datetime


@dataclass(frozen=True, kw_only=True)
class SliceResult:
    """What a slice wrote; nothing when another process had done it before."""

    rows_written: int = 0
    bills: int = 0
    amount_minor: int = 0
    exceptions: int = 0


def post_usage_slice(task: UsageTask) -> SliceResult:
    """Bring the daily use of the slice's service points up to date and commit it, unless that is done."""
    with _connections() as (connection, writer):
        if not _is_pending(connection, writer, task.plan, task.part, Stage.USAGE):
            return SliceResult()
        result = write_usage(connection=connection, writer=writer, task=task)
        writer.commit()
        return result


def post_balance_slice(task: BalanceTask) -> SliceResult:
    """Bring the balances of the slice's nodes up to date and commit them, unless that is done."""
    with _connections() as (connection, writer):
        if not _is_pending(connection, writer, task.plan, task.part, Stage.BALANCE):
            return SliceResult()
        written = refresh_balance_slice(connection=connection, writer=writer, task=task, keeps=True)
        counts = written.group_by("bucket").agg(
            rows_written=pl.len().cast(pl.Int32), amount_minor=pl.lit(0, pl.Int64)
        )
        _mark(writer, task.plan, task.part, Stage.BALANCE, counts, task.now)
        writer.commit()
        return SliceResult(rows_written=written.height)


def post_bills_slice(task: BillsTask) -> SliceResult:
    """Bill the slice's accounts, post the bills to the ledger and commit all of it, unless that is done."""
    with _connections() as (connection, writer):
        if not _is_pending(connection, writer, task.plan, task.part, Stage.BILLS):
            return SliceResult()
        charges = compute_charges(
            connection=connection, plan=task.plan, part=task.part, changed_points=task.changed_points
        )
        result = write_bills(writer=writer, task=task, charges=charges)
        writer.commit()
        return result


def refresh_slice(
    *, connection: Connection, writer: Writer, task: UsageTask
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write the slice's daily use in the transaction of `writer`.

    Returns the rows written (month, service_point_id, zone, bucket, total_micro) and the exceptions found.
    """
    plan, part = task.plan, task.part
    scope = UsageScope(
        earlier_months=plan.usage_months,
        catch_up_from=plan.catch_up_from,
        as_of=plan.facts_as_of,
        known_since=plan.usage_known_since,
        averages=task.class_averages,
        changed=task.changes.days,
        old=task.changes.old,
        computed_since=task.changes.since,
    )
    if part.service_point_ids is not None:
        written = revise_usage(
            connection=connection, service_point_ids=part.service_point_ids, scope=scope, writer=writer
        )
        _correct_begun(connection, writer, plan, part.service_point_ids)
        return written.with_columns(bucket=pl.lit(part.buckets.start, pl.Int16)), NO_EXCEPTIONS
    refresh = refresh_usage(
        connection=connection, buckets=part.buckets, month=plan.month, scope=scope, writer=writer
    )
    return refresh.written, _usage_exceptions(connection, plan, part.buckets, refresh)


def _correct_begun(connection: Connection, writer: Writer, plan: RunPlan, points: pl.Series) -> None:
    """Bring the open month's use of the points up to date that settled accounts left; a settlement did so before."""
    if plan.kind != RunKind.RECALCULATION:
        return
    left = read_left_supplies(connection=connection, plan=plan)["service_point_id"].unique().sort()
    left = left.filter(left.is_in(points.implode()))
    if not left.is_empty():
        begin_month(
            connection=connection,
            writer=writer,
            month=plan.month,
            service_point_ids=left,
            as_of=plan.facts_as_of,
        )


def refresh_balance_slice(
    *, connection: Connection, writer: Writer, task: BalanceTask, keeps: bool = False
) -> pl.DataFrame:
    """Write the balances of the slice's nodes in the transaction of `writer`; month, node_id, bucket of each.

    `keeps`: the daily use of the whole run is committed.
    """
    plan, part = task.plan, task.part
    written = refresh_balances(
        connection=connection,
        buckets=task.node_buckets,
        month=plan.month if plan.bills_own_month else None,
        earlier_months=plan.usage_months,
        knowledge=Knowledge(
            as_of=plan.facts_as_of,
            known_since=plan.usage_known_since,
            keeps=keeps,
            comes_after_single_runs=plan.comes_after_single_runs,
        ),
        node_ids=task.node_ids,
        writer=writer,
    )
    if part.account_ids is None:
        return written
    return written.with_columns(bucket=pl.lit(part.buckets.start, pl.Int16))


def write_usage(*, connection: Connection, writer: Writer, task: UsageTask) -> SliceResult:
    """Write the slice's daily use, its exceptions and its marks in the transaction of `writer`."""
    written, exceptions = refresh_slice(connection=connection, writer=writer, task=task)
    _write_exceptions(writer, task.plan, exceptions)
    counts = written.group_by("bucket").agg(
        rows_written=pl.len().cast(pl.Int32), amount_minor=pl.lit(0, pl.Int64)
    )
    _mark(writer, task.plan, task.part, Stage.USAGE, counts, task.now)
    return SliceResult(rows_written=written.height, exceptions=exceptions.height)


def write_bills(*, writer: Writer, task: BillsTask, charges: SliceCharges) -> SliceResult:
    """Write bills, lines, ledger rows, what is carried on, exceptions and marks in the transaction of `writer`."""
    plan, part = task.plan, task.part
    bills, lines = bill_rows(plan=plan, charges=charges)
    if not bills.is_empty():
        copy_frame(bills, "billing_bill", connection=writer)
        copy_frame(lines.drop(_LEDGER_COLUMNS), "billing_billline", connection=writer)
        post_run_slice(
            connection=writer,
            run_id=plan.run_id,
            part=part.buckets.start,
            transaction_id=plan.first_transaction_id + part.buckets.start,
            first_entry_id=plan.first_entry_id,
            entries_per_account=plan.entries_per_account,
            business_date=plan.business_date,
            due_date=plan.due_on,
            recorded_at=plan.facts_as_of,
            charges=_ledger_charges(plan, lines),
        )
    if not charges.carried.is_empty():
        carried = charges.carried.rename({"service_month": "month"}).with_columns(
            run_id=pl.lit(plan.run_id, pl.Int64), recorded_at=pl.lit(plan.facts_as_of)
        )
        copy_frame(carried, "billing_carriedbalance", connection=writer)
    _write_exceptions(writer, plan, charges.exceptions)
    of_bucket = bills.join(charges.accounts.select("account_id", "bucket"), on="account_id")
    counts = of_bucket.group_by("bucket").agg(
        rows_written=pl.len().cast(pl.Int32), amount_minor=pl.col("amount_minor").sum()
    )
    _mark(writer, plan, part, Stage.BILLS, counts, task.now)
    return SliceResult(
        rows_written=bills.height + lines.height,
        bills=bills.height,
        amount_minor=int(bills["amount_minor"].sum()),
        exceptions=charges.exceptions.height,
    )


def bill_rows(*, plan: RunPlan, charges: SliceCharges) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `billing_bill`, and rows of `billing_billline` with what the ledger needs besides."""
    place = charges.accounts.select("account_id", "organisation_id", "position")
    lines = (
        charges.lines.join(place, on="account_id", maintain_order="left")
        .with_columns(
            month=pl.lit(plan.month),
            bill_id=pl.lit(plan.first_bill_id, pl.Int64) + pl.col("position"),
        )
        .with_columns(line=(place_in_run("bill_id") + 1).cast(pl.Int16))
    )
    sums = lines.select("account_id", **_parts(plan)).group_by("account_id").agg(**_SUMS)
    bills = (
        charges.bills.join(place, on="account_id")
        .join(sums, on="account_id", how="left")
        .sort("position")
        .select(
            "account_id",
            "organisation_id",
            "quantity_micro",
            "estimated_days",
            *(pl.col(name).fill_null(0) for name in ("amount_minor", "correction_minor", "tax_minor")),
            month=pl.lit(plan.month),
            id=pl.lit(plan.first_bill_id, pl.Int64) + pl.col("position"),
            run_id=pl.lit(plan.run_id, pl.Int64),
            issued_on=pl.lit(plan.issued_on),
            due_on=pl.lit(plan.due_on),
            recorded_at=pl.lit(plan.facts_as_of),
        )
    )
    return bills, lines


def _parts(plan: RunPlan) -> dict[str, pl.Expr]:
    """Of each line what is owed, the part of it that recalculates earlier months, the tax on top or included."""
    kind, amount = pl.col("kind"), pl.col("amount_minor")
    owed = pl.when(kind.is_in([str(kind) for kind in POSTED_KINDS])).then(amount).otherwise(0)
    return {
        "owed_minor": owed,
        "correction_minor": pl.when(pl.col("service_month") < plan.month).then(owed).otherwise(0),
        "tax_minor": pl.when(kind.is_in(_TAXES)).then(amount).otherwise(0),
    }


_SUMS = {
    "amount_minor": pl.col("owed_minor").sum(),
    "correction_minor": pl.col("correction_minor").sum(),
    "tax_minor": pl.col("tax_minor").sum(),
}


def _ledger_charges(plan: RunPlan, lines: pl.DataFrame) -> pl.DataFrame:
    # The position stands for account, organisation and bill.
    of_position = ["account_id", "organisation_id", "document_id"]
    return (
        lines.select(
            "position",
            "account_id",
            "organisation_id",
            "provider_id",
            "service",
            document_id="bill_id",
            **_parts(plan),
        )
        .group_by("position", "provider_id", "service")
        .agg(pl.col(of_position).first(), **_SUMS)
    )


@contextmanager
def _connections() -> Iterator[tuple[Connection, psycopg.Connection]]:
    """A connection to read by and one to write by; both end here what they have begun."""
    with kept_open(reading_connect) as connection, kept_open(writing_connect) as writer:
        yield connection, writer
        connection.rollback()
        writer.rollback()


def _usage_exceptions(
    connection: Connection, plan: RunPlan, buckets: range, refresh: UsageRefresh
) -> pl.DataFrame:
    following = next_month(plan.month)
    payers = read_payers(
        connection=connection,
        buckets=buckets,
        from_date=plan.month,
        to_date=following,
        as_of=plan.facts_as_of,
    )
    # Nobody pays at a point that measures a node; it is of no class.
    paid_points = refresh.points.filter(pl.col("class_code").is_not_null())
    gaps = agreement_gaps(
        paid_points,
        payers,
        refresh.month_usage,
        rest_points=read_rest_points(connection=connection, buckets=buckets),
        month=plan.month,
        following=following,
    )
    if refresh.exceptions.is_empty():
        return gaps
    payer = payers.sort("valid_from").unique("service_point_id", keep="last", maintain_order=True)
    odd = refresh.exceptions.join(
        payer.select("service_point_id", "account_id"),
        on="service_point_id",
        how="left",
        maintain_order="left",
    )
    messages = [" ".join(describe_exception(row)) for row in odd.iter_rows(named=True)]
    return pl.concat(
        [
            gaps,
            odd.select(
                "account_id",
                "service_point_id",
                pl.col("code").cast(pl.String),
                message=pl.Series(messages, dtype=pl.String),
                blocking=pl.lit(value=False),
            ),
        ]
    )


def _write_exceptions(writer: Writer, plan: RunPlan, exceptions: pl.DataFrame) -> None:
    rows = exceptions.with_columns(run_id=pl.lit(plan.run_id, pl.Int64))
    copy_frame(rows, "billing_billexception", connection=writer)


def _is_pending(
    connection: Connection, writer: psycopg.Connection, plan: RunPlan, part: RunSlice, stage: Stage
) -> bool:
    """Take the slice's lock, waiting for another process that may hold it; whether there is still work to do."""
    writer.execute(
        "SELECT pg_advisory_xact_lock(%s::integer, %s::integer)",
        [plan.run_id, _LOCK_CLASS[stage] + part.buckets.start],
    )
    return not done_buckets(connection=connection, run_id=plan.run_id, stage=stage) >= set(part.buckets)


def _mark(
    writer: Writer, plan: RunPlan, part: RunSlice, stage: Stage, counts: pl.DataFrame, now: datetime
) -> None:
    marks = (
        pl.DataFrame({"bucket": list(part.buckets)}, schema={"bucket": pl.Int16})
        .join(counts, on="bucket", how="left", maintain_order="left")
        .select(
            "bucket",
            pl.col("rows_written").fill_null(0),
            pl.col("amount_minor").fill_null(0),
            run_id=pl.lit(plan.run_id, pl.Int64),
            stage=pl.lit(stage.value),
            done_at=pl.lit(now),
        )
    )
    copy_frame(marks, "billing_billrunbucket", connection=writer)
