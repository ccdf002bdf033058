"""Keep the daily use of service points up to date: the month asked for, and every earlier month that changed.

Daily use is append-only. A month's first computation is revision 0; when facts that came later make any day, its
quality or its provenance differ, a new revision is written, and only then.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.buckets import bucket_column
from mains.base.db import Writer, copy_frame
from mains.engine.usage import UsageResult, find_exceptions
from mains.kernel.period import next_month
from mains.metering.actions.usage.averages import NO_AVERAGES, averages_of
from mains.metering.actions.usage.changes import AFFECTED, affected_since
from mains.metering.actions.usage.contradictions import note_contradictions
from mains.metering.actions.usage.facts import UsageFacts, compute_use, read_slice_facts, read_whole_facts
from mains.metering.actions.usage.months import compute_months
from mains.metering.queries import frames

_COMPARED = ("days_micro", "quality", "span_days", "span_quality", "span_opening", "span_closing")
_KEY = ["month", "service_point_id", "zone"]
_FEW_POINTS = 2_000
"""Beyond so many a month is read by bucket; below, a search by bucket would pass through what the run has written."""
_WRITTEN = ("month", "service_point_id", "zone", "bucket", "total_micro")


@dataclass(frozen=True, kw_only=True)
class UsageScope:
    """What all parts of a refresh share.

    `earlier_months`, oldest first, are kept up to date where facts known in (known_since, as_of] touch them; those
    before `catch_up_from` only for points whose use of the month is kept already. `averages` as `keep_averages`
    gives them, for every month; `changed` as `read_changed_installations` and
    `read_changed_findings` give them together. `old` are service points of whose readings from before the window that a
    slice reads (`window_begins`) some changed or contradict others. `computed_since`: of which points use is
    computed again from which day on (AFFECTED), by intervals or because single accounts' runs have done so meanwhile.
    """

    earlier_months: tuple[date, ...]
    catch_up_from: date
    as_of: datetime
    known_since: datetime
    averages: pl.DataFrame
    changed: pl.DataFrame
    old: pl.Series = field(default_factory=lambda: pl.Series("service_point_id", [], dtype=pl.Int64))
    computed_since: pl.DataFrame = field(default_factory=AFFECTED.to_frame)

    def whole_points(self, buckets: range) -> pl.Series:
        """Points of the buckets of whose facts more matters than what a slice reads of the rest."""
        named = [self.changed["service_point_id"], self.old, self.computed_since["service_point_id"]]
        found = pl.concat(named).unique().sort()
        bucket = found.to_frame("n").select(bucket_column("n"))["n"]
        return found.filter((bucket >= buckets.start) & (bucket < buckets.stop))


@dataclass(frozen=True, kw_only=True)
class UsageRefresh:
    """`written`: month, service_point_id, zone, bucket, total_micro of each new row. `month_usage`: use of the month
    asked for, every series. `points`: the service points connected in it or in the month before, as `read_points`
    gives them. `exceptions`: the engine's, for readings that are new since `known_since`."""

    points: pl.DataFrame
    written: pl.DataFrame
    month_usage: pl.DataFrame
    exceptions: pl.DataFrame


def refresh_usage(
    *, connection: Connection, buckets: range, month: date, scope: UsageScope, writer: Writer | None = None
) -> UsageRefresh:
    """Compute the daily use of `month` of the buckets' service points, and of earlier months where new facts touch it.

    Reads and writes in the connection's transaction, or writes in that of `writer`; the rows written carry
    `scope.as_of`. Raises UnableToComputeUsage when a stored fact breaks the engine's contract.
    """
    # The month just before is touched by nearly every reading, so its facts are read at once with the month's.
    last = max(scope.earlier_months, default=None)
    facts = read_slice_facts(
        connection=connection,
        buckets=buckets,
        month=month,
        first_month=last or month,
        as_of=scope.as_of,
        known_since=scope.known_since,
        whole_points=scope.whole_points(buckets),
        is_first_run=not scope.earlier_months,
    )
    facts, computed = _compute_month(connection, facts, month, last or month, scope)
    stored = _begun(connection, month, buckets, scope)
    rows = [_new_rows(computed.usage, stored, month=month)]
    _note(connection, facts, computed.exceptions, scope, writer or connection)
    if last is not None:
        since = _affected(facts, computed.exceptions, scope)
        rows += _revise_last(connection, facts, since, last, buckets, scope)
        rows += _revise(connection, since, months=scope.earlier_months[:-1], scope=scope)
    is_first = scope.known_since >= scope.as_of
    return UsageRefresh(
        points=facts.points,
        written=_write(rows, scope=scope, writer=writer or connection),
        month_usage=computed.usage,
        exceptions=_new_exceptions(computed.exceptions, facts, month=month, is_first=is_first),
    )


def revise_usage(
    *, connection: Connection, service_point_ids: pl.Series, scope: UsageScope, writer: Writer | None = None
) -> pl.DataFrame:
    """Compute the earlier months again of some service points, where new facts touch them; reads only theirs.

    Returns the rows written: month, service_point_id, zone, bucket, total_micro. Raises as `refresh_usage` does.
    """
    if service_point_ids.is_empty() or not scope.earlier_months:
        return _write([], scope=scope, writer=writer or connection)
    facts = _whole(connection, service_point_ids, scope.earlier_months, scope)
    exceptions = _judged(facts, scope.as_of)
    _note(connection, facts, exceptions, scope, writer or connection)
    since = _affected(facts, exceptions, scope)
    rows = _revise(connection, since, months=scope.earlier_months, scope=scope, facts=facts)
    return _write(rows, scope=scope, writer=writer or connection)


def begin_month(
    *,
    connection: Connection,
    month: date,
    service_point_ids: pl.Series,
    as_of: datetime,
    writer: Writer | None = None,
) -> pl.DataFrame:
    """Compute the daily use of some service points in a month that no run has billed yet, by what is known of it so
    far, and keep it in the connection's transaction or in that of `writer`; the month's run revises it.

    Averages of classes are kept with the month's run and not before: days of which only they could tell are without
    use here, quality X. Returns the rows computed: month and the engine's columns. Raises as `refresh_usage` does.
    """
    scope = UsageScope(
        earlier_months=(),
        catch_up_from=month,
        as_of=as_of,
        known_since=as_of,
        averages=NO_AVERAGES.with_columns(month=pl.lit(None, pl.Date)),
        changed=pl.DataFrame(),
    )
    facts = _whole(connection, service_point_ids, (month,), scope)
    computed = compute_months(facts, months=(month,), as_of=as_of, averages=scope.averages)
    stored = frames.read_usage_of_points(
        connection=connection,
        months=(month,),
        as_of=as_of,
        service_point_ids=service_point_ids,
        columns=_COMPARED,
    )
    _write([_new_rows(computed, stored, month=month)], scope=scope, writer=writer or connection)
    return computed


def _judged(facts: UsageFacts, as_of: datetime) -> pl.DataFrame:
    return find_exceptions(
        registers=facts.registers,
        readings=facts.readings.filter("is_believed"),
        as_of_date=as_of.date(),
    )


def _note(
    connection: Connection, facts: UsageFacts, exceptions: pl.DataFrame, scope: UsageScope, writer: Writer
) -> None:
    note_contradictions(
        connection=connection,
        writer=writer,
        exceptions=exceptions,
        service_point_ids=facts.registers["service_point_id"].unique(),
        as_of=scope.as_of,
    )


def _affected(facts: UsageFacts, exceptions: pl.DataFrame, scope: UsageScope) -> pl.DataFrame:
    return affected_since(
        facts,
        exceptions=exceptions,
        changed=scope.changed,
        between=scope.computed_since,
        months=scope.earlier_months,
        as_of=scope.as_of,
        known_since=scope.known_since,
    )


def _revise(
    connection: Connection,
    since: pl.DataFrame,
    *,
    months: tuple[date, ...],
    scope: UsageScope,
    facts: UsageFacts | None = None,
) -> list[pl.DataFrame]:
    """New rows of the touched points in `months`, from everything ever known about the points."""
    first = since["affected_from"].to_list()
    months = tuple(month for month in months if first and next_month(month) > min(first))
    touched = since.filter(pl.col("affected_from") < next_month(months[-1])) if months else since.clear()
    points = touched["service_point_id"]
    if points.is_empty():
        return []
    stored = frames.read_usage_of_points(
        connection=connection,
        months=months,
        as_of=scope.as_of,
        service_point_ids=points,
        columns=_COMPARED,
    )
    whole = facts.of_points(points) if facts else _whole(connection, points, months, scope)
    computed = compute_months(whole, months=months, as_of=scope.as_of, averages=scope.averages)
    is_touched = pl.col("month").dt.month_end() >= pl.col("affected_from")
    wanted = (
        computed.join(touched, on="service_point_id")
        .filter(is_touched)
        .drop("affected_from")
        .join(
            stored.select("month", "service_point_id", is_kept=pl.lit(value=True)).unique(),
            on=_KEY[:2],
            how="left",
        )
        .filter(pl.col("is_kept") | (pl.col("month") >= scope.catch_up_from))
        .drop("is_kept")
    )
    known = stored.join(touched, on="service_point_id").filter(is_touched).drop("affected_from")
    return [_differences(wanted, known)]


def _whole(
    connection: Connection, points: pl.Series, months: tuple[date, ...], scope: UsageScope
) -> UsageFacts:
    return read_whole_facts(
        connection=connection,
        service_point_ids=points,
        from_date=months[0],
        to_date=next_month(months[-1]),
        as_of=scope.as_of,
        known_since=scope.known_since,
    )


def _compute_month(
    connection: Connection, facts: UsageFacts, month: date, first_month: date, scope: UsageScope
) -> tuple[UsageFacts, UsageResult]:
    """The use of the month, and the facts it comes from: with all that was ever read where readings contradict."""
    averages = averages_of(scope.averages, month)
    computed = compute_use(facts, month=month, as_of=scope.as_of, class_averages=averages)
    odd = computed.exceptions.filter("set_aside")["service_point_id"].drop_nulls().unique().sort()
    if odd.is_empty():
        return facts, computed
    # Which of readings that contradict one another stand may be decided by ones older than the window.
    whole = _whole(connection, odd, (first_month, month), scope)
    again = compute_use(whole, month=month, as_of=scope.as_of, class_averages=averages)
    return facts.replaced_by(whole, odd), _replaced(computed, again, odd)


def _revise_last(
    connection: Connection,
    facts: UsageFacts,
    since: pl.DataFrame,
    last: date,
    buckets: range,
    scope: UsageScope,
) -> list[pl.DataFrame]:
    """New rows of the touched points in the month just before, from the facts that are read already."""
    touched = since.filter(pl.col("affected_from") < next_month(last))["service_point_id"]
    if touched.is_empty():
        return []
    again = compute_use(
        facts.of_points(touched),
        month=last,
        as_of=scope.as_of,
        class_averages=averages_of(scope.averages, last),
    )
    stored = _stored(connection, last, buckets, scope)
    stored = stored.filter(pl.col("service_point_id").is_in(touched.implode()))
    return [_new_rows(again.usage, stored, month=last)]


def _replaced(computed: UsageResult, again: UsageResult, points: pl.Series) -> UsageResult:
    others = ~pl.col("service_point_id").is_in(points.implode()).fill_null(value=False)
    return UsageResult(
        usage=pl.concat([computed.usage.filter(others), again.usage]),
        exceptions=pl.concat([computed.exceptions.filter(others), again.exceptions]),
    )


def _begun(connection: Connection, month: date, buckets: range, scope: UsageScope) -> pl.DataFrame:
    """What is kept already of the month to be computed: of all points when another cycle was billed, of a few that
    were settled in between, mostly of none."""
    kept = frames.read_kept_points(connection=connection, month=month, buckets=buckets, as_of=scope.as_of)
    if len(kept) > _FEW_POINTS:
        return _stored(connection, month, buckets, scope)
    return frames.read_usage_of_points(
        connection=connection,
        months=(month,),
        as_of=scope.as_of,
        service_point_ids=kept,
        columns=_COMPARED,
    )


def _stored(connection: Connection, month: date, buckets: range, scope: UsageScope) -> pl.DataFrame:
    return frames.read_usage(
        connection=connection, month=month, buckets=buckets, as_of=scope.as_of, columns=_COMPARED
    )


def _new_rows(computed: pl.DataFrame, stored: pl.DataFrame, *, month: date) -> pl.DataFrame:
    rows = computed.with_columns(month=pl.lit(month))
    if stored.is_empty():
        return rows.with_columns(revision=pl.lit(0, pl.Int16))
    return _differences(rows, stored)


def _differences(computed: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Computed rows that are new or differ from the stored ones, with their next revision; series that are no more
    become a row without use."""
    joined = computed.join(
        stored.select(*_KEY, "revision", *_COMPARED), on=_KEY, how="left", suffix="_stored"
    )
    is_same = pl.all_horizontal(
        pl.col("revision").is_not_null(), *(pl.col(name) == pl.col(f"{name}_stored") for name in _COMPARED)
    )
    changed = joined.filter(~is_same.fill_null(value=False)).select(
        *computed.columns, revision=(pl.col("revision").fill_null(-1) + 1).cast(pl.Int16)
    )
    gone = stored.join(computed, on=_KEY, how="anti").filter(
        pl.col("quality") != pl.lit("X").repeat_by(pl.col("quality").str.len_bytes()).list.join("")
    )
    if gone.is_empty():
        return changed
    days = pl.col("days_micro").list.len()
    emptied = gone.select(
        *_KEY,
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


def _write(rows: list[pl.DataFrame], *, scope: UsageScope, writer: Writer) -> pl.DataFrame:
    """Append the rows month by month; what was written."""
    written = [
        pl.DataFrame(
            schema=dict(zip(_WRITTEN, (pl.Date, pl.Int64, pl.Int16, pl.Int16, pl.Int64), strict=True))
        )
    ]
    for part in rows:
        if not part.is_empty():
            ordered = part.with_columns(
                bucket=bucket_column("service_point_id"), recorded_at=pl.lit(scope.as_of)
            ).sort("month", "bucket", "service_point_id", "zone")
            copy_frame(ordered, "metering_usagemonth", connection=writer)
            written.append(ordered.select(_WRITTEN))
    return pl.concat(written)


def _new_exceptions(
    exceptions: pl.DataFrame, facts: UsageFacts, *, month: date, is_first: bool
) -> pl.DataFrame:
    """Each disagreement of readings is shown once: in the run that first knew the reading."""
    if is_first:
        return exceptions.filter(pl.col("reading_date") >= month)
    changed = facts.readings.filter("is_changed")["reading_id"]
    return exceptions.filter(pl.col("reading_id").is_in(changed.implode()))
