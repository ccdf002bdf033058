"""One slice of the completeness check: the days of its points that nobody pays for, and what became of the others."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import reading_connect
from mains.base.processes import kept_open
from mains.customers.queries.frames import read_payers
from mains.kernel.period import next_month
from mains.metering.queries.frames import read_usage
from mains.network.queries.frames import read_points
from mains.reporting.queries.completeness.days import (
    NO_DAYS,
    count_days,
    days_of,
    days_until,
    use_on_days,
    without,
)
from mains.reporting.queries.completeness.facts import (
    read_blocked,
    read_idle_periods,
    read_lines,
    read_priced_periods,
    read_recalculated_lines,
    read_supplies,
)
from mains.reporting.values import DayState, HoleCause

_HOLES = {
    "service_point_id": pl.Int64,
    "account_id": pl.Int64,
    "organisation_id": pl.Int64,
    "month": pl.Date,
    "cause": pl.String,
    "days": pl.Int64,
}
_COUNTS = {"organisation_id": pl.Int64, "month": pl.Date, "state": pl.String, "days": pl.Int64}
_SUPPLY = ("account_id", "service_point_id")


@dataclass(frozen=True, kw_only=True)
class CoveragePlan:
    """What all slices share. Days before `until` are checked; `runs` are the posted ones, as `read_runs` gives them."""

    months: tuple[date, ...]
    until: date
    as_of: datetime
    runs: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class CoverageTask:
    """A slice; `bill_ids` are the bills of its accounts, by run."""

    plan: CoveragePlan
    buckets: range
    bill_ids: Mapping[int, range]


@dataclass(frozen=True, kw_only=True)
class CoveragePart:
    """`counts`: organisation_id (null where nobody pays), month, state, days. `holes`: service_point_id, account_id,
    organisation_id, month, cause, days (a set of days, see `days.py`), use_micro."""

    counts: pl.DataFrame
    holes: pl.DataFrame


def check_slice(task: CoverageTask) -> CoveragePart:
    """Classify every connected day of the slice's points, and of the points of the slice's accounts; reads only."""
    with _connection() as connection:
        return _Slice(task=task, connection=connection).check()


@contextmanager
def _connection() -> Iterator[Connection]:
    with kept_open(reading_connect) as connection:
        yield connection
        connection.rollback()


@dataclass(frozen=True, kw_only=True)
class _Slice:
    task: CoverageTask
    connection: Connection

    def check(self) -> CoveragePart:
        counts, holes = self._unpaid()
        supplies = self._supplies()
        usage = self._usage(supplies)
        counts_of_paid, holes_of_paid = self._paid(supplies, usage)
        found = pl.concat([holes, holes_of_paid])
        return CoveragePart(
            counts=pl.concat([counts, counts_of_paid])
            .group_by("organisation_id", "month", "state")
            .agg(pl.col("days").sum()),
            holes=use_on_days(found, usage),
        )

    @property
    def _span(self) -> tuple[date, date]:
        months = self.task.plan.months
        return min(months), next_month(max(months))

    def _unpaid(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Days of the slice's points on which no agreement holds: explained by an act, or a hole."""
        first, following = self._span
        place: dict[str, Any] = {
            "connection": self.connection,
            "buckets": self.task.buckets,
            "from_date": first,
            "to_date": following,
        }
        # A point that measures a node is of no class: nobody pays there, what it counts is in the balance.
        points = read_points(**place).filter(pl.col("class_code").is_not_null())
        payers = read_payers(**place, as_of=self.task.plan.as_of)
        idle = read_idle_periods(**place, as_of=self.task.plan.as_of)
        counts, holes = [pl.DataFrame(schema=_COUNTS)], [pl.DataFrame(schema=_HOLES)]
        for month in self.task.plan.months:
            here = points.select(
                "service_point_id",
                connected=self._checked(days_of("connected_from", "connected_to", month), month),
            )
            for name, frame in (("paid", payers), ("idle", idle)):
                of_point = frame.with_columns(days_of("valid_from", "valid_to", month).alias(name))
                sets = of_point.group_by("service_point_id").agg(pl.col(name).bitwise_or())
                here = here.join(sets, on="service_point_id", how="left").with_columns(
                    pl.col(name).fill_null(0)
                )
            open_days = without(pl.col("connected"), pl.col("paid"))
            here = here.with_columns(
                explained=open_days & pl.col("idle"),
                days=without(open_days, pl.col("idle")),
                month=pl.lit(month),
            )
            counts.append(_counted(here, {"explained": DayState.EXPLAINED, "days": DayState.HOLE}))
            holes.append(_holes(here.filter(pl.col("days") != 0), HoleCause.NO_AGREEMENT))
        return pl.concat(counts), pl.concat(holes)

    def _supplies(self) -> pl.DataFrame:
        first, following = self._span
        return read_supplies(
            connection=self.connection,
            buckets=self.task.buckets,
            from_date=first,
            to_date=following,
            as_of=self.task.plan.as_of,
        )

    def _usage(self, supplies: pl.DataFrame) -> pl.DataFrame:
        """Stored use of the slice's points, and of those of its accounts that lie elsewhere."""
        buckets, as_of = self.task.buckets, self.task.plan.as_of
        is_outside = ~pl.col("point_bucket").is_between(buckets.start, buckets.stop - 1)
        outside = supplies.filter(is_outside)["service_point_id"].unique().sort()
        frames = []
        for month in self.task.plan.months:
            asked: dict[str, Any] = {"month": month, "as_of": as_of, "columns": ("days_micro",)}
            frames.append(read_usage(connection=self.connection, buckets=buckets, **asked))
            frames.append(read_usage(connection=self.connection, service_point_ids=outside, **asked))
        return pl.concat(frames).select("service_point_id", "month", "days_micro")

    def _paid(self, supplies: pl.DataFrame, usage: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Days on which an agreement of the slice's accounts holds: billed, owned, or a hole."""
        plan = self.task.plan
        priced = read_priced_periods(connection=self.connection, as_of=plan.as_of)
        blocked = read_blocked(
            connection=self.connection, months=plan.months, buckets=self.task.buckets
        ).with_columns(is_blocked=pl.lit(value=True))
        lines = self._lines()
        ever = lines.select("service_point_id").unique().with_columns(was_billed=pl.lit(value=True))
        counts, holes = [pl.DataFrame(schema=_COUNTS)], [pl.DataFrame(schema=_HOLES)]
        for month in plan.months:
            here = self._held(supplies, month)
            here = (
                here.join(_priced_days(priced, month), on="tariff_id", how="left")
                .join(_billed_days(lines, month), on=_SUPPLY, how="left")
                .join(ever, on="service_point_id", how="left")
                .join(
                    usage.filter(pl.col("month") == month)
                    .select("service_point_id", has_use=pl.lit(value=True))
                    .unique(),
                    on="service_point_id",
                    how="left",
                )
                .join(blocked.filter(pl.col("month") == month).drop("month"), on="account_id", how="left")
                .with_columns(
                    pl.col("priced", "billed").fill_null(0),
                    pl.col("was_billed", "has_use", "is_blocked").fill_null(value=False),
                    month=pl.lit(month),
                )
            )
            judged = here.join(self._stand(month), on="cycle", how="left").with_columns(
                stand=pl.col("stand").fill_null("unknown")
            )
            part, found = _judge(judged)
            counts.append(part)
            holes.append(found)
        return pl.concat(counts), pl.concat(holes)

    def _held(self, supplies: pl.DataFrame, month: date) -> pl.DataFrame:
        """One row per account, point, tariff: the connected days on which the agreement holds."""
        connected = self._checked(days_of("connected_from", "connected_to", month), month)
        return (
            supplies.with_columns(held=days_of("valid_from", "valid_to", month) & connected)
            .filter(pl.col("held") != 0)
            .group_by(*_SUPPLY, "tariff_id", "cycle", "organisation_id")
            .agg(pl.col("held").bitwise_or())
        )

    def _checked(self, days: pl.Expr, month: date) -> pl.Expr:
        return days & pl.lit(days_until(self.task.plan.until, month), pl.Int64)

    def _lines(self) -> pl.DataFrame:
        """What was ever posted for the slice's accounts, as `read_lines` gives it."""
        frames = []
        for run in self.task.plan.runs.iter_rows(named=True):
            ids = self.task.bill_ids[run["run_id"]]
            if len(ids):
                frames.append(read_lines(connection=self.connection, month=run["month"], bill_ids=ids))
        between = read_recalculated_lines(connection=self.connection, buckets=self.task.buckets)
        return pl.concat([between, *frames])

    def _stand(self, month: date) -> pl.DataFrame:
        """How far each cycle is: cycle, stand (posted; skipped, when a later month is posted; waiting)."""
        return self.task.plan.runs.group_by("cycle").agg(
            stand=pl.when((pl.col("month") == month).any())
            .then(pl.lit("posted"))
            .when(pl.col("month").max() > month)
            .then(pl.lit("skipped"))
            .otherwise(pl.lit("waiting"))
        )


def _priced_days(priced: pl.DataFrame, month: date) -> pl.DataFrame:
    return (
        priced.with_columns(priced=days_of("valid_from", "valid_to", month))
        .group_by("tariff_id")
        .agg(pl.col("priced").bitwise_or())
    )


def _billed_days(lines: pl.DataFrame, month: date) -> pl.DataFrame:
    """Days of `month` that posted lines cover, by account and point.

    A line that a correction took back counts as well: it did so because the account no longer holds those days, and
    then nobody asks for them here.
    """
    return (
        lines.filter(pl.col("service_month") == month)
        .with_columns(days=days_of("from_date", "to_date", month))
        .group_by(_SUPPLY)
        .agg(billed=pl.col("days").bitwise_or())
    )


def _judge(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the held days of one month; every day falls into exactly one part."""
    held, billed, is_posted = pl.col("held"), pl.col("billed"), pl.col("stand") == "posted"
    unbilled = without(held, billed)
    unpriced = without(unbilled, pl.col("priced"))
    owed = unbilled & pl.col("priced")

    def when(condition: pl.Expr, days: pl.Expr) -> pl.Expr:
        return pl.when(condition).then(days).otherwise(NO_DAYS)

    no_use = is_posted & ~pl.col("has_use")
    left = is_posted & pl.col("has_use")
    rows = rows.with_columns(
        done=when(~no_use, held & billed),
        waiting=when(pl.col("stand") == "waiting", owed),
        blocked=when(left & pl.col("is_blocked"), owed),
        # Causes, from the one that must be mended first.
        no_cycle=when(pl.col("stand") == "unknown", owed),
        skipped=when(pl.col("stand") == "skipped", owed),
        unpriced=unpriced,
        no_use=when(no_use, (held & billed) | owed),
        never=when(left & ~pl.col("is_blocked") & ~pl.col("was_billed"), owed),
        line=when(left & ~pl.col("is_blocked") & pl.col("was_billed"), owed),
    )
    causes = {
        "no_cycle": HoleCause.NO_CYCLE,
        "skipped": HoleCause.NO_RUN,
        "unpriced": HoleCause.NO_TARIFF,
        "no_use": HoleCause.NO_USE,
        "never": HoleCause.NEVER_BILLED,
        "line": HoleCause.NO_LINE,
    }
    states = {"done": DayState.BILLED, "waiting": DayState.WAITING, "blocked": DayState.LISTED}
    counts = _counted(rows, states | dict.fromkeys(causes, DayState.HOLE))
    holes = [
        _holes(rows.filter(pl.col(name) != 0).with_columns(days=name), cause)
        for name, cause in causes.items()
    ]
    return counts, pl.concat(holes)


def _counted(rows: pl.DataFrame, states: Mapping[str, DayState]) -> pl.DataFrame:
    """Days by organisation and state; `states` names the columns of sets of days."""
    if "organisation_id" not in rows.columns:
        rows = rows.with_columns(organisation_id=pl.lit(None, pl.Int64))
    parts = [
        rows.group_by("organisation_id", "month").agg(
            days=count_days(name).sum(), state=pl.lit(state.value).first()
        )
        for name, state in states.items()
    ]
    return pl.concat(
        [part.select(pl.col(name).cast(kind) for name, kind in _COUNTS.items()) for part in parts]
    )


def _holes(rows: pl.DataFrame, cause: HoleCause) -> pl.DataFrame:
    for name in ("account_id", "organisation_id"):
        if name not in rows.columns:
            rows = rows.with_columns(pl.lit(None, pl.Int64).alias(name))
    return rows.with_columns(cause=pl.lit(cause.value)).select(
        pl.col(name).cast(kind) for name, kind in _HOLES.items()
    )
