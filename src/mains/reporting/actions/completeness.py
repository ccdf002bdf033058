"""Check the days of all service points and keep what was found, so that pages read a few rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from django.db import connection as django_connection
from django.db import transaction

from mains.base.columns import append_frame
from mains.base.db import adbc_connect
from mains.base.jobs import enqueue
from mains.base.processes import core_count, worker_pool
from mains.billing.values import count_slices, slice_buckets
from mains.customers.queries.frames import count_accounts_by_bucket
from mains.kernel.errors import MainsError
from mains.kernel.identifiers import BUCKET_COUNT
from mains.kernel.period import Period, next_month
from mains.reporting.models import CompletenessCheck, CompletenessHole
from mains.reporting.queries.completeness.days import count_days
from mains.reporting.queries.completeness.facts import read_runs
from mains.reporting.queries.completeness.slices import CoveragePart, CoveragePlan, CoverageTask, check_slice
from mains.reporting.values import HoleCause

OnPart = Callable[[int, int], None]
"""Called after each slice with the slices done and the slices in all."""

KEPT_HOLES_MAX = 20_000
_IN_PROCESS_ACCOUNTS = 20_000


class UnableToCheckCompleteness(MainsError):
    """Nothing is billed yet, or the month lies outside what Mains has billed."""


def check_completeness(
    *,
    on_date: date,
    now: datetime,
    month: date | None = None,
    on_part: OnPart | None = None,
    processes: int | None = None,
) -> CompletenessCheck:
    """Classify every day of every connected service point up to `on_date`, from the first billed month on or in one
    `month`, and keep the result in place of the last one of the same months.

    Facts known at `now` count. Days before the first billed month came with the opening balances and are not asked for.
    Raises UnableToCheckCompleteness.
    """
    with adbc_connect() as connection:
        runs = read_runs(connection=connection)
        months = _months(runs, on_date, month)
        plan = CoveragePlan(months=months, until=on_date + timedelta(days=1), as_of=now, runs=runs)
        tasks, accounts = _tasks(plan, connection)
    count = processes or (core_count() if accounts > _IN_PROCESS_ACCOUNTS else 1)
    totals = _Totals()
    with worker_pool(processes=min(count, len(tasks)), prepare=[check_slice.__module__], threads=1) as pool:
        for done, (_, part) in enumerate(pool.run(check_slice, tasks), start=1):
            totals.add(part)
            if on_part is not None:
                on_part(done, len(tasks))
    return _keep(totals, plan, now)


def start_completeness_check(*, on_date: date, now: datetime) -> bool:
    """Let a worker check all months; False when that waits already."""
    return enqueue(
        "mains.reporting.jobs.completeness",
        key="completeness",
        on_date=on_date.isoformat(),
        now=now.isoformat(),
    )


@dataclass(kw_only=True)
class _Totals:
    counts: list[pl.DataFrame] = field(default_factory=list)
    holes: list[pl.DataFrame] = field(default_factory=list)

    def add(self, part: CoveragePart) -> None:
        self.counts.append(part.counts)
        self.holes.append(part.holes)


def _tasks(plan: CoveragePlan, connection: Any) -> tuple[list[CoverageTask], int]:
    """Slices with the ids of their bills in each run, which follow from how many accounts stand before them."""
    starts = {
        run["run_id"]: _starts(connection, run["last_account_id"], run["first_bill_id"])
        for run in plan.runs.iter_rows(named=True)
    }
    accounts = max((places[-1] - places[0] for places in starts.values()), default=0)
    return [
        CoverageTask(
            plan=plan,
            buckets=buckets,
            bill_ids={
                run: range(places[buckets.start], places[buckets.stop]) for run, places in starts.items()
            },
        )
        for buckets in slice_buckets(count_slices(accounts))
    ], accounts


def _starts(connection: Any, last_account_id: int, first_bill_id: int) -> Sequence[int]:
    by_bucket = dict(
        count_accounts_by_bucket(connection=connection, last_account_id=last_account_id).iter_rows()
    )
    starts = [first_bill_id]
    for bucket in range(BUCKET_COUNT):
        starts.append(starts[-1] + by_bucket.get(bucket, 0))
    return starts


def _months(runs: pl.DataFrame, on_date: date, month: date | None) -> tuple[date, ...]:
    if runs.is_empty():
        raise UnableToCheckCompleteness(
            code="completeness-nothing-billed",
            message="No month is billed yet, so there is nothing to check.",
            remedy="Run `mains bill run` first.",
        )
    first = runs["month"].min()
    assert isinstance(first, date), "A run has a month."
    if month is None:
        return tuple(
            part.start for part in Period(first, max(next_month(first), next_month(on_date))).months()
        )
    if not first <= month <= on_date:
        raise UnableToCheckCompleteness(
            code="completeness-month",
            message=f"{month:%Y-%m} lies outside the months from {first:%Y-%m} to {on_date:%Y-%m}.",
            place="month",
            remedy="Choose a month from the first billed one up to now.",
        )
    return (month,)


@transaction.atomic
def _keep(totals: _Totals, plan: CoveragePlan, now: datetime) -> CompletenessCheck:
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('reporting_completeness'))")
    holes = pl.concat(totals.holes).with_columns(day_count=count_days("days"))
    counts = (
        pl.concat(totals.counts)
        .group_by("organisation_id", "month", "state")
        .agg(pl.col("days").sum())
        .filter(pl.col("days") > 0)
        .sort("organisation_id", "month", "state")
    )
    same = CompletenessCheck.objects.filter(month_from=plan.months[0], month_to=plan.months[-1])
    CompletenessHole.objects.filter(completeness_check__in=same).delete()
    same.delete()
    check = CompletenessCheck.objects.create(
        month_from=plan.months[0],
        month_to=plan.months[-1],
        until=plan.until,
        checked_at=now,
        counts=list(_rows(counts)),
        hole_count=holes.height,
    )
    kept = _placed(holes).sort("use_micro", "day_count", "service_point_id", descending=[True, True, False])
    if kept.height:
        append_frame(
            kept.head(KEPT_HOLES_MAX).with_columns(completeness_check_id=pl.lit(check.pk, pl.Int64)),
            "reporting_completenesshole",
        )
    return check


def _rows(counts: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in counts.iter_rows(named=True):
        yield row | {"month": row["month"].isoformat()}


def _placed(holes: pl.DataFrame) -> pl.DataFrame:
    """A hole without a payer belongs to the unit of the last one who paid; to none where nobody ever did."""
    orphans = holes.filter(pl.col("cause") == HoleCause.NO_AGREEMENT.value)["service_point_id"].unique()
    if orphans.is_empty():
        return holes
    with django_connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (a.service_point_id) a.service_point_id, c.organisation_id
            FROM customers_agreement a JOIN customers_account c ON c.id = a.account_id
            WHERE a.service_point_id = ANY(%s) ORDER BY a.service_point_id, upper(a.valid) DESC, a.id DESC
            """,
            [orphans.to_list()],
        )
        found = cursor.fetchall()
    schema = {"service_point_id": pl.Int64, "last_unit": pl.Int64}
    last = pl.DataFrame(found, schema=schema, orient="row")
    return (
        holes.join(last, on="service_point_id", how="left")
        .with_columns(pl.coalesce("organisation_id", "last_unit").alias("organisation_id"))
        .drop("last_unit")
    )
