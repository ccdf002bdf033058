"""The plan of a run as its slices need it, rebuilt from stored rows: the same whenever it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame
from mains.billing.models import BillRun, BillRunBucket
from mains.billing.values import (
    LOOKBACK_MONTHS,
    PostedBills,
    RunPlan,
    RunSlice,
    RunStatus,
    Stage,
    count_sample_buckets,
    slice_buckets,
)
from mains.customers.queries.frames import count_accounts_by_bucket
from mains.kernel.errors import MainsError
from mains.kernel.identifiers import BUCKET_COUNT
from mains.kernel.period import month_start, next_month
from mains.metering.queries.frames import read_changed_installations
from mains.network.queries.frames import read_changed_points


class UnableToFindRun(MainsError):
    """There is no such bill run."""


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """Buckets done per stage, rows written, amount billed in minor units, and open exceptions of a run."""

    usage_buckets: int
    bill_buckets: int
    rows_written: int
    amount_minor: int
    exceptions: int
    blocked: int


def get_run(*, run_id: int | None = None, month: date | None = None, cycle: str = "monthly") -> BillRun:
    """A run by id, or by month and cycle. Raises UnableToFindRun."""
    if run_id is not None:
        found, place = BillRun.objects.filter(pk=run_id), f"run {run_id}"
    else:
        assert month is not None, "Name the run or its month."
        found, place = BillRun.objects.filter(month=month, cycle=cycle), f"month {month:%Y-%m}, cycle {cycle}"
    run = found.first()
    if run is None:
        raise UnableToFindRun(
            code="no-run",
            message="There is no such bill run.",
            place=place,
            remedy="See `mains bill status` for the runs that exist.",
        )
    return run


def list_runs() -> list[BillRun]:
    """All runs, latest month first."""
    return list(BillRun.objects.order_by("-month", "cycle"))


def get_progress(*, run: BillRun) -> RunProgress:
    """How far a run has come."""
    marks = list(BillRunBucket.objects.filter(run=run).values_list("stage", "rows_written", "amount_minor"))
    return RunProgress(
        usage_buckets=sum(1 for stage, _, _ in marks if stage == Stage.USAGE),
        bill_buckets=sum(1 for stage, _, _ in marks if stage == Stage.BILLS),
        rows_written=sum(rows for _, rows, _ in marks),
        amount_minor=sum(amount for _, _, amount in marks),
        exceptions=run.exceptions.count(),
        blocked=run.exceptions.filter(blocking=True).values("account_id").distinct().count(),
    )


def earlier_runs(*, run: BillRun) -> list[BillRun]:
    """The runs of the same cycle for the months that this run recalculates, oldest first."""
    months = months_before(run.month, LOOKBACK_MONTHS)
    return list(
        BillRun.objects.filter(cycle=run.cycle, month__in=months, status=RunStatus.POSTED).order_by("month")
    )


def get_plan(*, run: BillRun) -> RunPlan:
    """What the run's slices share."""
    earlier = earlier_runs(run=run)
    others = BillRun.objects.exclude(pk=run.pk).filter(facts_as_of__lt=run.facts_as_of)
    last_known = others.order_by("-facts_as_of").values_list("facts_as_of", flat=True).first()
    months = months_before(run.month, LOOKBACK_MONTHS)
    return RunPlan(
        run_id=run.pk,
        month=run.month,
        cycle=run.cycle,
        facts_as_of=run.facts_as_of,
        known_since=earlier[-1].facts_as_of if earlier else run.facts_as_of,
        usage_known_since=last_known or run.facts_as_of,
        billed_months=tuple(other.month for other in earlier),
        usage_months=tuple(
            sorted(
                set(others.filter(month__in=months, status=RunStatus.POSTED).values_list("month", flat=True))
            )
        ),
        issued_on=run.issued_on,
        due_on=run.due_on,
        first_bill_id=run.first_bill_id,
        first_entry_id=run.first_entry_id,
        entries_per_account=run.entries_per_account,
        first_transaction_id=run.first_transaction_id,
        last_account_id=run.last_account_id,
        sample_buckets=count_sample_buckets(run.accounts),
    )


def get_slices(*, run: BillRun, connection: Connection) -> tuple[RunSlice, ...]:
    """The slices of a run, with the place of their accounts in this run and in the ones before."""
    starts = _bucket_starts(connection, run.last_account_id)
    earlier = [(other, _bucket_starts(connection, other.last_account_id)) for other in earlier_runs(run=run)]
    return tuple(
        RunSlice(
            buckets=buckets,
            first_position=starts[buckets.start],
            posted=tuple(
                PostedBills(
                    month=other.month,
                    bill_ids=range(
                        other.first_bill_id + places[buckets.start],
                        other.first_bill_id + places[buckets.stop],
                    ),
                )
                for other, places in earlier
            ),
        )
        for buckets in slice_buckets(run.slice_count)
    )


def list_changed_points(*, connection: Connection, plan: RunPlan) -> pl.DataFrame:
    """Service points whose premise, network or meter facts about the billed months changed since the last run:
    service_point_id, valid_from, valid_to."""
    if not plan.billed_months:
        return pl.DataFrame(schema={"service_point_id": pl.Int64, "valid_from": pl.Date, "valid_to": pl.Date})
    from_date, to_date = min(plan.billed_months), next_month(plan.month)
    readers = (read_changed_points, read_changed_installations)
    return pl.concat(
        [
            read(
                connection=connection,
                from_date=from_date,
                to_date=to_date,
                known_since=plan.known_since,
                as_of=plan.facts_as_of,
            )
            for read in readers
        ]
    ).unique()


def done_buckets(*, connection: Connection, run_id: int, stage: Stage) -> frozenset[int]:
    """Buckets that the stage has finished."""
    rows = read_frame(
        "SELECT bucket FROM billing_billrunbucket WHERE run_id = %(run)s AND stage = %(stage)s",
        {"run": run_id, "stage": stage.value},
        connection=connection,
    )
    return frozenset(rows["bucket"].to_list())


def months_before(month: date, count: int) -> list[date]:
    """The `count` months before a month, latest first."""
    months: list[date] = []
    for _ in range(count):
        month = month_start(date.fromordinal(month.toordinal() - 1))
        months.append(month)
    return months


def _bucket_starts(connection: Connection, last_account_id: int) -> Sequence[int]:
    """Position of each bucket's first account; one more element for the end."""
    counted = count_accounts_by_bucket(connection=connection, last_account_id=last_account_id)
    by_bucket = dict(counted.iter_rows())
    starts = [0]
    for bucket in range(BUCKET_COUNT):
        starts.append(starts[-1] + by_bucket.get(bucket, 0))
    return starts
