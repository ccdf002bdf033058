"""Plan, preview and post bill runs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from adbc_driver_manager.dbapi import Connection
from django.db import connection as django_connection
from django.db import transaction

from mains.balance.actions.balances import PARTITIONED as BALANCE_TABLES
from mains.base.cluster import bulk_pool
from mains.base.db import adbc_connect, ensure_month_partition, execute, read_frame
from mains.base.processes import WorkerPool, core_count
from mains.billing.actions.run_order import UnableToPlanRun, check_order, reserve_ids_of_month
from mains.billing.actions.slices import (
    BalanceTask,
    BillsTask,
    SliceResult,
    UsageTask,
    bill_rows,
    post_balance_slice,
    post_bills_slice,
    post_usage_slice,
    refresh_balance_slice,
    refresh_slice,
)
from mains.billing.models import BillRun
from mains.billing.queries.averages import class_averages
from mains.billing.queries.charges import compute_charges
from mains.billing.queries.plans import (
    done_buckets,
    get_plan,
    get_run,
    get_slices,
    list_changed_points,
    read_metering_changes,
)
from mains.billing.queries.posted import read_last_amounts
from mains.billing.queries.previews import PreviewTotals, RunPreview
from mains.billing.queries.touched import get_named_slices
from mains.billing.values import (
    ACCOUNTS_PER_SLICE,
    CATCH_UP_MONTHS,
    RunKind,
    RunPlan,
    RunSlice,
    RunStatus,
    Stage,
    slice_buckets,
)
from mains.kernel.identifiers import BUCKET_COUNT

DUE_DAYS = 14
_IN_PROCESS_ACCOUNTS = 20_000
_PARTITIONED = (
    "metering_usagemonth", *BALANCE_TABLES, "billing_bill", "billing_billline", "billing_carriedbalance",
    "ledger_entry",
)  # fmt: skip

OnSlice = Callable[[Stage, int, int], None]
"""Called after each slice with the stage, slices done and slices in all."""


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What a call of `post_run` did. `was_posted`: the run had been finished before and nothing was changed."""

    run_id: int
    was_posted: bool
    rows_written: int = 0
    bills: int = 0
    amount_minor: int = 0
    exceptions: int = 0


def plan_run(
    *,
    month: date,
    cycle: str = "monthly",
    now: datetime,
    issued_on: date | None = None,
    due_on: date | None = None,
    created_by_id: int | None = None,
    accounts_per_slice: int = ACCOUNTS_PER_SLICE,
) -> BillRun:
    """Plan the run of a month (its first day), or return the one that exists.

    Facts recorded up to `now` count. Bills are issued today and due two weeks later unless said otherwise. Ids are
    reserved and slices are cut here, so that posting is repeatable. Raises UnableToPlanRun: the month is not
    over, an earlier month of the cycle is not billed, or a later one is.
    """
    assert month.day == 1, f"A month is named by its first day, not {month}."
    issued = issued_on or now.date()
    with transaction.atomic():
        with django_connection.cursor() as cursor:
            # Two planners of one cycle at once: the second finds what the first has planned.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"billing cycle {cycle}"])
        existing = BillRun.objects.filter(month=month, cycle=cycle, kind=RunKind.MONTHLY).first()
        if existing is not None:
            return existing
        check_order(month=month, cycle=cycle, now=now)
        return BillRun.objects.create(
            month=month,
            cycle=cycle,
            status=RunStatus.PLANNED,
            facts_as_of=now,
            issued_on=issued,
            due_on=due_on or issued + timedelta(days=DUE_DAYS),
            created_at=now,
            created_by_id=created_by_id,
            **reserve_ids_of_month(accounts_per_slice),
        )


def post_run(
    *,
    run_id: int,
    now: datetime,
    on_slice: OnSlice | None = None,
    processes: int | None = None,
    cluster: str = "",
) -> RunSummary:
    """Compute and post all slices of a run that are not done yet; a finished run is left as it is.

    May be called again after any interruption, and by two processes at once: every slice is written exactly once, with
    the same rows. `processes` defaults to one per core for large utilities and to this process for small ones;
    with the address of a Dask `cluster`, its workers do the slices. Raises UnableToUseCluster.
    """
    run = get_run(run_id=run_id)
    if run.status == RunStatus.POSTED:
        return RunSummary(run_id=run.pk, was_posted=True)
    processes = processes or (core_count() if run.accounts > _IN_PROCESS_ACCOUNTS else 1)
    # The workers fill the cores: a worker that computes with several threads would only wait for the others.
    with bulk_pool(
        processes=min(processes, run.slice_count),
        prepare=[post_bills_slice.__module__],
        threads=1,
        cluster=cluster,
    ) as pool:
        plan = get_plan(run=run)
        with adbc_connect() as connection:
            prepare_partitions(connection=connection, month=plan.month)
            slices = _slices_of(run, plan, connection)
        BillRun.objects.filter(pk=run.pk, status=RunStatus.PLANNED).update(status=RunStatus.POSTING)
        results = [
            *post_usage(plan=plan, slices=slices, now=now, on_slice=on_slice, pool=pool),
            *post_balances(plan=plan, slices=slices, now=now, on_slice=on_slice, pool=pool),
            *post_bills(plan=plan, slices=slices, now=now, on_slice=on_slice, pool=pool),
        ]
    _finish(run=run, now=now)
    return RunSummary(
        run_id=run.pk,
        was_posted=False,
        rows_written=sum(result.rows_written for result in results),
        bills=sum(result.bills for result in results),
        amount_minor=sum(result.amount_minor for result in results),
        exceptions=sum(result.exceptions for result in results),
    )


def post_usage(
    *, plan: RunPlan, slices: Sequence[RunSlice], now: datetime, on_slice: OnSlice | None, pool: WorkerPool
) -> Iterator[SliceResult]:
    """The usage stage: each slice that is not done yet."""
    pending = _pending(plan, slices, Stage.USAGE)
    if pending:
        with adbc_connect() as connection:
            averages = class_averages(connection=connection, plan=plan)
            changes = read_metering_changes(
                connection=connection, plan=plan, names_points=not plan.bills_own_month
            )
            connection.commit()
        tasks = [
            UsageTask(plan=plan, part=part, class_averages=averages, changes=changes, now=now)
            for part in pending
        ]
        results = _run(post_usage_slice, tasks, Stage.USAGE, len(slices), on_slice, pool)
        with adbc_connect() as connection:
            for result in results:
                # Each slice reads the month before by bucket, and has to pass through whatever is not summarised.
                for month in plan.usage_months[-1:] if plan.bills_own_month else ():
                    _summarise_blocks(month, connection)
                yield result
        _summarise_usage(plan)


def post_balances(
    *, plan: RunPlan, slices: Sequence[RunSlice], now: datetime, on_slice: OnSlice | None, pool: WorkerPool
) -> Iterator[SliceResult]:
    """The balance stage: each slice that is not done yet. Quick where no node has a meter of its own."""
    pending = {part.buckets.start for part in _pending(plan, slices, Stage.BALANCE)}
    tasks = [task for task in balance_tasks(plan, slices, now) if task.part.buckets.start in pending]
    found = list(_run(post_balance_slice, tasks, Stage.BALANCE, len(slices), on_slice, pool))
    if any(result.rows_written for result in found):
        with adbc_connect() as connection:
            for table in BALANCE_TABLES:
                execute(f"ANALYZE {table}_y{plan.month:%Y}m{plan.month:%m}", connection=connection)
            connection.commit()
    yield from found


def balance_tasks(plan: RunPlan, slices: Sequence[RunSlice], now: datetime) -> list[BalanceTask]:
    """The nodes of the utility dealt out to the slices by their buckets, whatever the slices' own rows are."""
    shares = slice_buckets(len(slices))
    return [
        BalanceTask(plan=plan, part=part, node_buckets=buckets, now=now)
        for part, buckets in zip(slices, shares, strict=True)
    ]


def post_bills(
    *, plan: RunPlan, slices: Sequence[RunSlice], now: datetime, on_slice: OnSlice | None, pool: WorkerPool
) -> Iterator[SliceResult]:
    """The bills stage: each slice that is not done yet."""
    pending = _pending(plan, slices, Stage.BILLS)
    if pending:
        with adbc_connect() as connection:
            changed = list_changed_points(connection=connection, plan=plan)
        tasks = [BillsTask(plan=plan, part=part, changed_points=changed, now=now) for part in pending]
        yield from _run(post_bills_slice, tasks, Stage.BILLS, len(slices), on_slice, pool)


def preview_run(
    *, month: date, cycle: str = "monthly", now: datetime, on_slice: OnSlice | None = None
) -> RunPreview:
    """Compute a run in full and post nothing: its totals, counts, exceptions and largest changes.

    The daily use is written in a transaction that is rolled back at the end, so that the preview is computed by the
    very steps of the run. Raises UnableToPlanRun as `plan_run` does.
    """
    with transaction.atomic():
        run = plan_run(month=month, cycle=cycle, now=now)
        plan = get_plan(run=run)
        transaction.set_rollback(True)
    with adbc_connect() as connection:
        prepare_partitions(connection=connection, month=plan.month)
    with adbc_connect() as connection:
        if run.status == RunStatus.POSTED:
            raise UnableToPlanRun(
                code="run-posted",
                message=f"{month:%Y-%m} is billed: there is nothing left to preview.",
                place=f"cycle {cycle}",
                remedy="See `mains bill status`.",
            )
        slices = get_slices(run=run, connection=connection)
        return _preview(connection, plan, slices, now, on_slice)


def _slices_of(run: BillRun, plan: RunPlan, connection: Connection) -> tuple[RunSlice, ...]:
    if run.kind == RunKind.RECALCULATION:
        return get_named_slices(run=run, plan=plan, connection=connection)
    return get_slices(run=run, connection=connection)


def prepare_partitions(*, connection: Connection, month: date) -> None:
    """Create and commit the month's partitions, unless they are there, so that no slice waits for another's."""
    if not lacks_partitions(connection=connection, month=month):
        return
    # Two runs begun at once prepare one after the other.
    read_frame(
        "SELECT pg_advisory_xact_lock(hashtext('mains month partitions'))::text", connection=connection
    )
    for table in _PARTITIONED:
        ensure_month_partition(table, month, connection=connection)
    connection.commit()


def lacks_partitions(*, connection: Connection, month: date) -> bool:
    """Whether a table that runs write to has no partition for the month yet."""
    missing = read_frame(
        """
        SELECT count(*) AS n FROM unnest(%(tables)s::text[]) AS parent
        WHERE to_regclass(parent || to_char(%(month)s::date, '"_y"YYYY"m"MM')) IS NULL
        """,
        {"tables": "{" + ",".join(_PARTITIONED) + "}", "month": month},
        connection=connection,
    )
    return bool(missing["n"][0])


def _run(
    work: Callable[..., SliceResult],
    tasks: Iterable[UsageTask | BalanceTask | BillsTask],
    stage: Stage,
    total: int,
    on_slice: OnSlice | None,
    pool: WorkerPool,
) -> Iterator[SliceResult]:
    listed = list(tasks)
    done = total - len(listed)
    for _, result in pool.run(work, listed):
        done += 1
        if on_slice is not None:
            on_slice(stage, done, total)
        yield result


def _preview(
    connection: Connection,
    plan: RunPlan,
    slices: Sequence[RunSlice],
    now: datetime,
    on_slice: OnSlice | None,
) -> RunPreview:
    averages = class_averages(connection=connection, plan=plan)
    changes = read_metering_changes(connection=connection, plan=plan)
    collected = PreviewTotals(plan=plan)
    for number, part in enumerate(slices, start=1):
        _, exceptions = refresh_slice(
            connection=connection,
            writer=connection,  # the bills of the preview read what is written here and never committed
            task=UsageTask(plan=plan, part=part, class_averages=averages, changes=changes, now=now),
        )
        collected.add_exceptions(exceptions)
        if on_slice is not None:
            on_slice(Stage.USAGE, number, len(slices))
    for number, task in enumerate(balance_tasks(plan, slices, now), start=1):
        refresh_balance_slice(connection=connection, writer=connection, task=task)
        if on_slice is not None:
            on_slice(Stage.BALANCE, number, len(slices))
    changed = list_changed_points(connection=connection, plan=plan)
    for number, part in enumerate(slices, start=1):
        charges = compute_charges(connection=connection, plan=plan, part=part, changed_points=changed)
        bills, lines = bill_rows(plan=plan, charges=charges)
        collected.add_exceptions(charges.exceptions)
        collected.add_bills(bills, lines, read_last_amounts(connection=connection, posted=part.posted))
        if on_slice is not None:
            on_slice(Stage.BILLS, number, len(slices))
    return collected.preview()


def _pending(plan: RunPlan, slices: Sequence[RunSlice], stage: Stage) -> list[RunSlice]:
    with adbc_connect() as connection:
        done = done_buckets(connection=connection, run_id=plan.run_id, stage=stage)
    return [part for part in slices if not done >= set(part.buckets)]


def _summarise_usage(plan: RunPlan) -> None:
    """Bring block-range indexes and statistics of the written months up to date: the bills stage reads by them.

    Of months long past a few rows are written at most, but by a recalculation.
    """
    months = plan.usage_months[-CATCH_UP_MONTHS:] if plan.bills_own_month else plan.usage_months
    with adbc_connect() as connection:
        for month in (*months, *([plan.month] if plan.bills_own_month else [])):
            _summarise_blocks(month, connection)
            execute(f"ANALYZE {_use_of(month)} (month, service_point_id, bucket)", connection=connection)
        connection.commit()


def _summarise_blocks(month: date, connection: Connection) -> None:
    """Let the block-range indexes know the month's rows that were committed since, and commit that."""
    execute(
        """
        SELECT sum(brin_summarize_new_values(i.indexrelid::regclass))
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
        WHERE i.indrelid = to_regclass(%(partition)s) AND a.amname = 'brin'
        """,
        {"partition": _use_of(month)},
        connection=connection,
    )
    connection.commit()


def _use_of(month: date) -> str:
    return f"metering_usagemonth_y{month:%Y}m{month:%m}"


def _finish(*, run: BillRun, now: datetime) -> None:
    with adbc_connect() as connection:
        for stage in Stage:
            done = done_buckets(connection=connection, run_id=run.pk, stage=stage)
            parts = BUCKET_COUNT if run.kind == RunKind.MONTHLY else run.slice_count
            assert len(done) == parts, f"Stage {stage} of run {run.pk} is not complete."
    BillRun.objects.filter(pk=run.pk).exclude(status=RunStatus.POSTED).update(
        status=RunStatus.POSTED, posted_at=now
    )
