"""The plan of a run as its slices need it, rebuilt from stored rows: the same whenever it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import polars as pl
from adbc_driver_manager.dbapi import Connection
from django.db.models import F, Q

from mains.balance.queries.frames import read_revised_shares
from mains.base.db import read_frame
from mains.billing.models import BillRun, BillRunBucket
from mains.billing.queries.carried import read_changed_openings
from mains.billing.queries.changed_intervals import list_changed_by_intervals
from mains.billing.queries.posted import read_posted_between
from mains.billing.values import (
    CATCH_UP_MONTHS,
    PostedBills,
    RunKind,
    RunPlan,
    RunSlice,
    RunStatus,
    Stage,
    count_sample_buckets,
    slice_buckets,
)
from mains.customers.queries.frames import count_accounts_by_bucket, read_changed_agreements
from mains.kernel.errors import MainsError
from mains.kernel.identifiers import BUCKET_COUNT
from mains.kernel.period import Period, month_start, next_month
from mains.metering.actions.usage import window_begins
from mains.metering.queries.contradictions import (
    read_computed_between,
    read_contradicted_points,
)
from mains.metering.queries.findings import read_changed_findings
from mains.metering.queries.frames import (
    read_backdated_points,
    read_changed_installations,
    read_revised_points,
)
from mains.metering.queries.intervals import reach_of_changes, read_changed_intervals
from mains.network.queries.absences import read_changed_absences
from mains.network.queries.conditions import read_changed_conditions
from mains.network.queries.frames import read_changed_points

_CHANGED_DAYS = {"service_point_id": pl.Int64, "valid_from": pl.Date, "valid_to": pl.Date}
_AFFECTED = {"service_point_id": pl.Int64, "affected_from": pl.Date}


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
    """A run by id, or the monthly run of a month and cycle. Raises UnableToFindRun."""
    if run_id is not None:
        found, place = BillRun.objects.filter(pk=run_id), f"run {run_id}"
    else:
        assert month is not None, "Name the run or its month."
        monthly = BillRun.objects.filter(month=month, cycle=cycle, kind=RunKind.MONTHLY)
        found, place = monthly, f"month {month:%Y-%m}, cycle {cycle}"
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
    """All runs, latest first."""
    return list(BillRun.objects.order_by("-month", "-facts_as_of", "cycle"))


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
    """The posted monthly runs of the same cycle before this run's month, oldest first."""
    return list(
        BillRun.objects.filter(
            cycle=run.cycle, kind=RunKind.MONTHLY, month__lt=run.month, status=RunStatus.POSTED
        ).order_by("month")
    )


def get_plan(*, run: BillRun) -> RunPlan:
    """What the run's slices share."""
    monthly = _monthly_runs(run)
    posted = [each for each in monthly if each.is_posted and each.month < run.month]
    earlier = [each for each in posted if each.cycle == run.cycle]
    before = BillRun.objects.exclude(pk=run.pk).filter(
        facts_as_of__lt=run.facts_as_of, status=RunStatus.POSTED
    )
    # A recalculation of one account says nothing of the others, so what it knew is new to the next run once more.
    whole = before.filter(account=None).order_by("-facts_as_of").values_list("facts_as_of", flat=True)
    known, usage_known = whole.filter(cycle=run.cycle).first(), whole.first()
    usage_months = sorted({each.month for each in posted if each.facts_as_of < run.facts_as_of})
    own = {run.month} if run.kind == RunKind.MONTHLY else set()
    since = max((each.month, each.facts_as_of) for each in earlier)[1] if earlier else run.facts_as_of
    owing = before.filter(cycle=run.cycle, facts_as_of__gte=since).order_by("facts_as_of")
    if run.account_id is not None:  # what another account's run left unbilled is that account's
        owing = owing.filter(Q(account=None) | Q(account=run.account_id))
    # The first run of a month, of any cycle, kept its class averages.
    first_of_month = {each.month: each for each in reversed(monthly) if each.facts_as_of <= run.facts_as_of}
    last_day = Period.month(run.month).last_day
    return RunPlan(
        run_id=run.pk,
        kind=RunKind(run.kind),
        month=run.month,
        cycle=run.cycle,
        facts_as_of=run.facts_as_of,
        known_since=known if earlier and known else run.facts_as_of,
        usage_known_since=usage_known or run.facts_as_of,
        billed_months=tuple(sorted(each.month for each in earlier)),
        usage_months=tuple(usage_months),
        catch_up_from=months_before(run.month, CATCH_UP_MONTHS)[-1],
        owing_run_ids=tuple(owing.values_list("pk", flat=True)),
        samples=tuple(
            (month, range(count_sample_buckets(first.accounts)), first.facts_as_of)
            for month, first in sorted(first_of_month.items())
            if month in own or month in usage_months
        ),
        business_date=last_day if own else min(max(run.facts_as_of.date(), run.month), last_day),
        issued_on=run.issued_on,
        due_on=run.due_on,
        first_bill_id=run.first_bill_id,
        first_entry_id=run.first_entry_id,
        entries_per_account=run.entries_per_account,
        first_transaction_id=run.first_transaction_id,
        last_account_id=run.last_account_id,
        settled_account_ids=_settled_accounts(run),
        billed_through=run.billed_through,
        comes_after_single_runs=before.filter(
            account__isnull=False,
            facts_as_of__gt=min(known or run.facts_as_of, usage_known or run.facts_as_of),
        ).exists(),
    )


def _settled_accounts(run: BillRun) -> tuple[int, ...]:
    """Accounts to which the run bills the rest of its month only: settlements or on-site bills came before it, or it is
    one. What an on-site bill begins the month's run goes on with; nothing corrects it in between."""
    if run.kind == RunKind.SETTLEMENT:
        assert run.account_id is not None, "A settlement is of one account."
        return (run.account_id,)
    if run.kind == RunKind.ON_SITE:
        # Read in a month that is billed by now: what it says is a correction of that month, and of nothing else.
        assert run.account_id is not None, "An on-site bill is of one account."
        assert run.billed_through is not None, "An on-site bill has a last day."
        return (run.account_id,) if run.billed_through >= run.month else ()
    begins = Q(kind=RunKind.SETTLEMENT)
    if run.kind == RunKind.MONTHLY:
        begins |= Q(kind=RunKind.ON_SITE, billed_through__gte=F("month"))
    settled = BillRun.objects.filter(
        begins, cycle=run.cycle, month=run.month, facts_as_of__lt=run.facts_as_of
    )
    if run.account_id is not None:
        settled = settled.filter(account_id=run.account_id)
    return tuple(sorted(set(settled.values_list("account_id", flat=True))))


class _MonthlyRun(NamedTuple):
    """What other plans need of a monthly run."""

    month: date
    cycle: str
    facts_as_of: datetime
    accounts: int
    is_posted: bool


def _monthly_runs(run: BillRun) -> list[_MonthlyRun]:
    """The monthly runs of all cycles up to the run's month, by the instant whose facts they count."""
    found = BillRun.objects.filter(kind=RunKind.MONTHLY, month__lte=run.month).order_by("facts_as_of")
    rows = found.values_list("month", "cycle", "facts_as_of", "accounts", "status")
    return [
        _MonthlyRun(month, cycle, facts_as_of, accounts, status == RunStatus.POSTED)
        for month, cycle, facts_as_of, accounts, status in rows
    ]


def get_slices(*, run: BillRun, connection: Connection) -> tuple[RunSlice, ...]:
    """The slices of a monthly run, with the place of their accounts in this run and in the last ones."""
    starts = _bucket_starts(connection, run.last_account_id)
    recent = earlier_runs(run=run)[-CATCH_UP_MONTHS:]
    earlier = [(other, _bucket_starts(connection, other.last_account_id)) for other in recent]
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


def list_changed_points(
    *,
    connection: Connection,
    plan: RunPlan,
    service_point_ids: pl.Series | None = None,
    has_shares: bool = True,
) -> pl.DataFrame:
    """Service points of whose billed days other facts are known than before, another use or share, or for which a run
    of one account has posted since: service_point_id, valid_from, valid_to (null is open).

    The whole utility's, or those of the service points named; shares are looked for only if
    there may be any. A monthly run's slices look by themselves for the use
    of the month just before theirs, which nearly every reading changes.
    """
    none = pl.DataFrame(schema=_CHANGED_DAYS)
    if not plan.billed_months or plan.known_since >= plan.facts_as_of:
        return none
    facts = list_changed_facts(
        connection=connection,
        plan=plan,
        from_date=plan.billed_months[0],
        to_date=next_month(plan.billed_months[-1]),
        service_point_ids=service_point_ids,
    )
    revised = read_revised_points(
        connection=connection,
        months=plan.billed_months[:-1] if plan.bills_own_month else plan.billed_months,
        known_since=plan.known_since,
        as_of=plan.facts_as_of,
        service_point_ids=service_point_ids,
    )
    shares = revised.clear()
    if has_shares:
        shares = read_revised_shares(
            connection=connection,
            months=plan.billed_months[:-1] if plan.bills_own_month else plan.billed_months,
            known_since=plan.known_since,
            as_of=plan.facts_as_of,
            service_point_ids=service_point_ids,
        )
    openings = read_changed_openings(
        connection=connection,
        known_since=plan.known_since,
        as_of=plan.facts_as_of,
        service_point_ids=service_point_ids,
    )
    intervals = list_changed_by_intervals(
        connection=connection,
        from_date=plan.billed_months[0],
        to_date=next_month(plan.billed_months[-1]),
        known_since=plan.known_since,
        as_of=plan.facts_as_of,
        service_point_ids=service_point_ids,
    )
    posted = revised.clear()
    if plan.comes_after_single_runs:
        posted = read_posted_between(connection=connection, plan=plan, service_point_ids=service_point_ids)
    use = pl.concat([revised, shares, posted]).select(
        "service_point_id", valid_from="month", valid_to=pl.col("month").dt.offset_by("1mo")
    )
    return pl.concat([facts, openings, intervals, use]).unique()


def list_changed_facts(
    *,
    connection: Connection,
    plan: RunPlan,
    from_date: date,
    to_date: date,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points of which other facts of days of [from_date, to_date) are known than before, use and shares apart:
    service_point_id, valid_from, valid_to (null is open)."""
    readers = (
        read_changed_points,
        read_changed_absences,
        read_changed_conditions,
        read_changed_installations,
        read_changed_agreements,
    )
    facts = [
        read(
            connection=connection,
            from_date=from_date,
            to_date=to_date,
            known_since=plan.known_since,
            as_of=plan.facts_as_of,
            service_point_ids=service_point_ids,
        )
        for read in readers
    ]
    return pl.concat([pl.DataFrame(schema=_CHANGED_DAYS), *facts])


@dataclass(frozen=True, kw_only=True)
class MeteringChanges:
    """Of which service points daily use may differ by more than the readings that a run's slice reads.

    `days`: where another meter hangs, or another error of it or act is found, on days whose use is kept, than was known
    to the last run: service_point_id, valid_from, valid_to (null is open). `since`: points whose use is computed again
    from a day on (service_point_id, affected_from): by changed intervals, and where single accounts' runs have computed
    it meanwhile. `old`: points of whose readings from before the window of a
    slice some are new to daily use, or contradict one another.
    """

    days: pl.DataFrame
    since: pl.DataFrame
    old: pl.Series


def read_metering_changes(
    *,
    connection: Connection,
    plan: RunPlan,
    service_point_ids: pl.Series | None = None,
    names_points: bool = False,
) -> MeteringChanges:
    """The changes of the whole utility, or of the service points named. With `names_points` the slices name their
    points, which are read whole anyway."""
    return MeteringChanges(
        days=_changed_metering(connection, plan, service_point_ids),
        since=pl.concat(
            [
                _computed_between(connection, plan, service_point_ids),
                _of_changed_intervals(connection, plan, service_point_ids),
            ]
        ),
        old=pl.Series("service_point_id", [], dtype=pl.Int64)
        if names_points
        else _old_points(connection, plan),
    )


def _computed_between(
    connection: Connection, plan: RunPlan, service_point_ids: pl.Series | None
) -> pl.DataFrame:
    if not plan.comes_after_single_runs:
        return pl.DataFrame(schema=_AFFECTED)
    return read_computed_between(
        connection=connection,
        months=plan.usage_months,
        known_since=plan.usage_known_since,
        as_of=plan.facts_as_of,
        service_point_ids=service_point_ids,
    )


def _changed_metering(
    connection: Connection, plan: RunPlan, service_point_ids: pl.Series | None
) -> pl.DataFrame:
    if not plan.usage_months or plan.usage_known_since >= plan.facts_as_of:
        return pl.DataFrame(schema=_CHANGED_DAYS)
    return pl.concat(
        [
            read(
                connection=connection,
                from_date=plan.usage_months[0],
                to_date=next_month(plan.month),
                known_since=plan.usage_known_since,
                as_of=plan.facts_as_of,
                service_point_ids=service_point_ids,
            )
            for read in (read_changed_installations, read_changed_findings)
        ]
    )


def _of_changed_intervals(
    connection: Connection, plan: RunPlan, service_point_ids: pl.Series | None
) -> pl.DataFrame:
    if not plan.usage_months or plan.usage_known_since >= plan.facts_as_of:
        return pl.DataFrame(schema=_AFFECTED)
    changed = read_changed_intervals(
        connection=connection,
        to_date=next_month(plan.month),
        known_since=plan.usage_known_since,
        as_of=plan.facts_as_of,
        service_point_ids=service_point_ids,
    )
    reached = reach_of_changes(changed).filter(pl.col("valid_to") > plan.usage_months[0])
    return reached.select("service_point_id", affected_from="valid_from")


def _old_points(connection: Connection, plan: RunPlan) -> pl.Series:
    contradicted = read_contradicted_points(connection=connection, as_of=plan.facts_as_of)
    if not plan.usage_months or plan.usage_known_since >= plan.facts_as_of:
        return contradicted
    backdated = read_backdated_points(
        connection=connection,
        before=window_begins(plan.usage_months[-1]),
        known_since=plan.usage_known_since,
        as_of=plan.facts_as_of,
    )
    return pl.concat([contradicted, backdated]).unique().sort()


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
