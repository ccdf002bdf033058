"""Keep the daily use of a slice of service points up to date: the month asked for, and earlier months that changed.

Daily use is append-only. A month's first computation is revision 0; when facts that came later make any day, its
quality or its provenance differ, a new revision is written, and only then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.buckets import bucket_column
from mains.base.db import Writer, copy_frame
from mains.engine.usage import UsageResult, UsageRules, compute_daily_usage
from mains.kernel.period import next_month
from mains.metering.queries import frames
from mains.metering.values import Zone
from mains.network.queries.frames import read_points

RULES = UsageRules(lookback_days=92, history_days_min=28)
"""Missing days follow the point's last three months: long enough to be steady, short enough to follow the season."""

# A forecast of the month looks back over `lookback_days` from the last reading, which itself may be a month old, to
# the reading before that: with monthly readings all of it lies in this window; others are fetched one by one.
_WINDOW = timedelta(days=RULES.lookback_days + 62)
_COMPARED = ("days_micro", "quality", "span_days", "span_quality", "span_opening", "span_closing")
_CLASS_AVERAGES = {"class_code": pl.String, "zone": pl.Int16, "use_micro": pl.Int64, "days": pl.Int64}


@dataclass(frozen=True, kw_only=True)
class UsageRefresh:
    """`written`: month, service_point_id, zone, bucket, total_micro of each new row. `month_usage`: use of the month
    asked for, every series. `points`: the service points connected in any of the months, as `read_points` gives them.
    `exceptions`: the engine's, for readings that are new since `known_since`."""

    points: pl.DataFrame
    written: pl.DataFrame
    month_usage: pl.DataFrame
    exceptions: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class _Facts:
    points: pl.DataFrame
    registers: pl.DataFrame
    readings: pl.DataFrame
    window_from: date


@dataclass(frozen=True, kw_only=True)
class _Target:
    """Where rows go, and where those of earlier runs are read."""

    connection: Connection
    writer: Writer
    buckets: range
    as_of: datetime


def refresh_usage(
    *,
    connection: Connection,
    buckets: range,
    month: date,
    earlier_months: Sequence[date],
    as_of: datetime,
    known_since: datetime,
    class_averages: pl.DataFrame,
    writer: Writer | None = None,
) -> UsageRefresh:
    """Compute the daily use of `month` and recompute `earlier_months` where facts known since `known_since` touch them.

    Reads and writes in the connection's transaction, or writes in that of `writer`; works on the service points of the
    buckets, with facts as believed at `as_of`; the rows written carry that instant. Raises
    UnableToComputeUsage when a stored fact breaks the engine's contract.
    """
    facts = _read_facts(
        connection=connection,
        buckets=buckets,
        month=month,
        earlier_months=earlier_months,
        as_of=as_of,
        known_since=known_since,
    )
    computed = _compute(facts, month=month, as_of=as_of, class_averages=class_averages)
    target = _Target(connection=connection, writer=writer or connection, buckets=buckets, as_of=as_of)
    written = [_store(computed.usage, month=month, points=None, target=target)]
    suspicious = computed.exceptions.filter("set_aside")
    since = _affected_since(
        facts,
        suspicious,
        connection=connection,
        months=[*earlier_months, month],
        as_of=as_of,
        known_since=known_since,
    )
    for earlier in sorted(earlier_months, reverse=True):
        touched = since.filter(pl.col("affected_from") < next_month(earlier))["service_point_id"]
        if touched.is_empty():
            continue
        part = _facts_of(
            facts,
            touched,
            month=earlier,
            connection=connection,
            buckets=buckets,
            as_of=as_of,
            known_since=known_since,
        )
        again = _compute(part, month=earlier, as_of=as_of, class_averages=class_averages)
        written.append(_store(again.usage, month=earlier, points=touched, target=target))
    return UsageRefresh(
        points=facts.points,
        written=pl.concat(written),
        month_usage=computed.usage,
        exceptions=_new_exceptions(computed.exceptions, facts, month=month, is_first=known_since >= as_of),
    )


def average_use(*, connection: Connection, buckets: range, month: date, as_of: datetime) -> pl.DataFrame:
    """Average use per day by class and zone in the two months before `month`, from a sample of buckets.

    Columns: class_code, zone, use_micro, days (the average is use_micro / days). Only series whose days all come from
    readings count.
    """
    facts = _read_facts(
        connection=connection, buckets=buckets, month=month, earlier_months=(), as_of=as_of, known_since=as_of
    )
    if facts.points.is_empty():
        return pl.DataFrame(schema=_CLASS_AVERAGES)
    month_from = month - timedelta(days=62)
    result = compute_daily_usage(
        points=facts.points,
        registers=facts.registers,
        readings=facts.readings.filter("is_believed"),
        month_from=month_from,
        month_to=month,
        as_of_date=as_of.date(),
        rules=RULES,
        total_zone=int(Zone.TOTAL),
    )
    measured = result.usage.filter(~pl.col("quality").str.contains("[^MA]"))
    return (
        measured.join(facts.points.select("service_point_id", "class_code"), on="service_point_id")
        .group_by("class_code", "zone")
        .agg(
            use_micro=pl.col("total_micro").sum(),
            days=(pl.col("quality").str.len_bytes().cast(pl.Int64)).sum(),
        )
        .sort("class_code", "zone")
        .select(pl.col(name).cast(kind) for name, kind in _CLASS_AVERAGES.items())
    )


def _read_facts(
    *,
    connection: Connection,
    buckets: range,
    month: date,
    earlier_months: Sequence[date],
    as_of: datetime,
    known_since: datetime,
) -> _Facts:
    # The month just before is touched by nearly every reading, so its window is read at once.
    first_month = max(earlier_months, default=month)
    window_from = first_month - _WINDOW
    points = read_points(
        connection=connection,
        buckets=buckets,
        from_date=min([*earlier_months, month]),
        to_date=next_month(month),
    )
    registers = _with_class(
        frames.read_registers(
            connection=connection,
            buckets=buckets,
            from_date=window_from,
            to_date=as_of.date() + timedelta(days=2),
            as_of=as_of,
        ),
        points,
    )
    readings = frames.read_readings(
        connection=connection, buckets=buckets, from_date=window_from, as_of=as_of, known_since=known_since
    )
    incomplete = _incomplete_registers(registers, readings, window_from=window_from, month=first_month)
    if not incomplete.is_empty():
        whole = frames.read_histories(
            connection=connection, register_ids=incomplete, as_of=as_of, known_since=known_since
        )
        rest = readings.filter(~pl.col("register_id").is_in(incomplete.implode()))
        readings = pl.concat([rest, whole])
    return _Facts(points=points, registers=registers, readings=readings, window_from=window_from)


def _incomplete_registers(
    registers: pl.DataFrame, readings: pl.DataFrame, *, window_from: date, month: date
) -> pl.Series:
    """Registers whose readings in the window do not reach back over the forecast's history."""
    believed = readings.filter("is_believed")
    last = (
        believed.filter(pl.col("reading_date") < month)
        .group_by("register_id")
        .agg(last=pl.col("reading_date").max(), first=pl.col("reading_date").min())
    )
    return (
        registers.filter(pl.col("installed_from") <= window_from)
        .select("register_id")
        .unique()
        .join(last, on="register_id", how="left")
        .filter(
            pl.col("last").is_null()
            | (pl.col("first") > pl.col("last").dt.offset_by(f"-{RULES.lookback_days}d"))
        )["register_id"]
        .sort()
    )


def _with_class(registers: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    return registers.join(points.select("service_point_id", "class_code"), on="service_point_id", how="left")


def _compute(facts: _Facts, *, month: date, as_of: datetime, class_averages: pl.DataFrame) -> UsageResult:
    following = next_month(month)
    return compute_daily_usage(
        points=facts.points.filter(
            pl.col("connected_from") < following,
            pl.col("connected_to").is_null() | (pl.col("connected_to") > month),
        ),
        registers=facts.registers,
        readings=facts.readings.filter("is_believed"),
        class_averages=class_averages,
        month_from=month,
        month_to=following,
        as_of_date=as_of.date(),
        rules=RULES,
        total_zone=int(Zone.TOTAL),
    )


def _affected_since(
    facts: _Facts,
    suspicious: pl.DataFrame,
    *,
    connection: Connection,
    months: Sequence[date],
    as_of: datetime,
    known_since: datetime,
) -> pl.DataFrame:
    """The first day from which new facts may change the use: service_point_id, affected_from.

    A reading speaks of the days since the one before it, and of the forecasts after it. Where readings contradict one
    another the stronger may free or bind days before it, so those points are recomputed over all the months.
    """
    none = pl.DataFrame(schema={"service_point_id": pl.Int64, "affected_from": pl.Date})
    if len(months) < 2 or known_since >= as_of:
        return none
    first_day = min(months)
    readings = facts.readings.sort("reading_date")
    changed = (
        readings.filter("is_changed").select("register_id", "reading_date").unique().sort("reading_date")
    )
    before = readings.filter("is_believed").select("register_id", "reading_date", previous="reading_date")
    by_register = (
        changed.join_asof(
            before, on="reading_date", by="register_id", allow_exact_matches=False, check_sortedness=False
        )
        .group_by("register_id")
        .agg(affected_from=pl.col("previous").dt.offset_by("1d").fill_null(first_day).min())
    )
    of_readings = by_register.join(
        facts.registers.select("register_id", "service_point_id").unique(), on="register_id"
    )
    installed = frames.read_changed_installations(
        connection=connection,
        from_date=first_day,
        to_date=next_month(max(months)),
        known_since=known_since,
        as_of=as_of,
    )
    here = facts.points.select("service_point_id").unique()
    return (
        pl.concat(
            [
                none,
                of_readings.select(none.columns),
                installed.join(here, on="service_point_id", how="semi").select(
                    "service_point_id", affected_from="valid_from"
                ),
                suspicious.filter(pl.col("service_point_id").is_not_null()).select(
                    "service_point_id", affected_from=pl.lit(first_day)
                ),
            ]
        )
        .group_by("service_point_id")
        .agg(pl.col("affected_from").min())
        .sort("service_point_id")
    )


def _facts_of(
    facts: _Facts,
    touched: pl.Series,
    *,
    month: date,
    connection: Connection,
    buckets: range,
    as_of: datetime,
    known_since: datetime,
) -> _Facts:
    """The facts of some points, with as much history as a forecast of `month` looks at."""
    is_touched = pl.col("service_point_id").is_in(touched.implode())
    points = facts.points.filter(is_touched)
    if facts.window_from <= month - _WINDOW:
        registers = facts.registers.filter(is_touched)
        readings = facts.readings.join(registers.select("register_id").unique(), on="register_id", how="semi")
        return _Facts(points=points, registers=registers, readings=readings, window_from=facts.window_from)
    registers = _with_class(
        frames.read_registers(
            connection=connection,
            buckets=buckets,
            from_date=month - _WINDOW,
            to_date=as_of.date() + timedelta(days=2),
            as_of=as_of,
        ).filter(is_touched),
        points,
    )
    readings = frames.read_histories(
        connection=connection,
        register_ids=registers["register_id"].unique().sort(),
        as_of=as_of,
        known_since=known_since,
    )
    return _Facts(points=points, registers=registers, readings=readings, window_from=month - _WINDOW)


def _store(computed: pl.DataFrame, *, month: date, points: pl.Series | None, target: _Target) -> pl.DataFrame:
    """Append the rows that differ from what is stored for the month; `points` limits the comparison to some points."""
    rows = computed
    connection, buckets, as_of = target.connection, target.buckets, target.as_of
    if frames.has_usage(connection=connection, month=month, buckets=buckets, as_of=as_of):
        stored = frames.read_usage(connection=connection, month=month, buckets=buckets, as_of=as_of)
        if points is not None:
            stored = stored.filter(pl.col("service_point_id").is_in(points.implode()))
        rows = _differences(computed, stored)
    else:
        rows = rows.with_columns(revision=pl.lit(0, pl.Int16))
    rows = rows.with_columns(
        month=pl.lit(month), bucket=bucket_column("service_point_id"), recorded_at=pl.lit(as_of)
    ).sort("bucket", "service_point_id", "zone")
    copy_frame(rows, "metering_usagemonth", connection=target.writer)
    return rows.select("month", "service_point_id", "zone", "bucket", "total_micro")


def _differences(computed: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Computed rows that are new or differ from the stored ones, with their next revision; series that are no more
    become a row without use."""
    key = ["service_point_id", "zone"]
    joined = computed.join(stored.select(*key, "revision", *_COMPARED), on=key, how="left", suffix="_stored")
    is_same = pl.all_horizontal(
        pl.col("revision").is_not_null(), *(pl.col(name) == pl.col(f"{name}_stored") for name in _COMPARED)
    )
    changed = joined.filter(~is_same.fill_null(value=False)).select(
        *computed.columns, revision=(pl.col("revision").fill_null(-1) + 1).cast(pl.Int16)
    )
    gone = stored.join(computed, on=key, how="anti").filter(
        pl.col("quality") != pl.lit("X").repeat_by(pl.col("quality").str.len_bytes()).list.join("")
    )
    if gone.is_empty():
        return changed
    days = pl.col("days_micro").list.len()
    emptied = gone.select(
        *key,
        days_micro=pl.lit(0, pl.Int64).repeat_by(days),
        total_micro=pl.lit(0, pl.Int64),
        quality=pl.lit("X").repeat_by(days).list.join(""),
        span_days=pl.concat_list(days.cast(pl.Int16)),
        span_quality=pl.lit("X"),
        span_opening=pl.concat_list(pl.lit(0, pl.Int64)),
        span_closing=pl.concat_list(pl.lit(0, pl.Int64)),
        revision=(pl.col("revision") + 1).cast(pl.Int16),
    )
    return pl.concat([changed, emptied.select(changed.columns)])


def _new_exceptions(exceptions: pl.DataFrame, facts: _Facts, *, month: date, is_first: bool) -> pl.DataFrame:
    """Each disagreement of readings is shown once: in the run that first knew the reading."""
    if is_first:
        return exceptions.filter(pl.col("reading_date") >= month)
    changed = facts.readings.filter("is_changed")["reading_id"]
    return exceptions.filter(pl.col("reading_id").is_in(changed.implode()))
