"""What forecasts of months to come draw on: use of past months, kept by runs or computed from readings; nothing is
stored."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.engine.usage.seasons import (
    HISTORY,
    SHAPE,
    forecast_month,
    history_months,
    month_before,
    shape_of_classes,
)
from mains.kernel.period import month_start, next_month
from mains.metering.actions.usage.averages import NO_AVERAGES
from mains.metering.actions.usage.facts import UsageFacts, compute_use, read_slice_facts, read_whole_facts
from mains.metering.queries.frames import read_usage
from mains.network.queries.frames import read_points

_SHAPE_MONTHS = 12
_MONTHS_AT_ONCE = 12
_KEPT = ("total_micro", "quality")


@dataclass(frozen=True, kw_only=True)
class Seasons:
    """How forecasts of `months` (all after the month of `present`) are made, the same for every slice.

    `stored`: months of the past whose use runs have kept; `shape`: how the classes use more or less over the year
    (`engine.usage.seasons.SHAPE`).
    """

    months: tuple[date, ...]
    present: date
    stored: frozenset[date]
    shape: pl.DataFrame

    def forecast(self, month: date, history: pl.DataFrame) -> pl.DataFrame:
        """service_point_id, zone, total_micro of the series with a history of the season."""
        return forecast_month(month=month, present=self.present, history=history, shape=self.shape)


def read_seasons(
    *,
    connection: Connection,
    months: Sequence[date],
    as_of: datetime,
    sample: range,
    stored_months: Set[date],
) -> Seasons | None:
    """What the forecast of those of `months` that are yet to come needs; None when none is.

    `stored_months` are those whose use runs have kept for the whole utility. The shape of the classes is taken from the
    points of the buckets of `sample`.
    """
    present = month_start(as_of.date())
    coming = tuple(sorted(month for month in months if month > present))
    if not coming:
        return None
    year = [month_before(present, count) for count in range(_SHAPE_MONTHS, 0, -1)]
    asked = sorted({*year, *history_months(months=list(coming), present=present)})
    stored = frozenset(asked) & stored_months
    empty = Seasons(months=coming, present=present, stored=stored, shape=pl.DataFrame(schema=SHAPE))
    history = _history(
        connection=connection, seasons=empty, months=year, buckets=sample, points=None, as_of=as_of
    )
    return Seasons(months=coming, present=present, stored=stored, shape=shape_of_classes(history))


def read_history(
    *,
    connection: Connection,
    seasons: Seasons,
    buckets: range,
    outside_points: pl.Series,
    as_of: datetime,
) -> pl.DataFrame:
    """The months that the forecast asks for, of the points of the buckets and those named besides: HISTORY, only months
    of a series all of whose days come from readings."""
    months = history_months(months=list(seasons.months), present=seasons.present)
    parts = [
        _history(
            connection=connection, seasons=seasons, months=months, buckets=buckets, points=points, as_of=as_of
        )
        for points in (None, outside_points)
        if points is None or not points.is_empty()
    ]
    return pl.concat(parts)


def _history(
    *,
    connection: Connection,
    seasons: Seasons,
    months: Sequence[date],
    buckets: range,
    points: pl.Series | None,
    as_of: datetime,
) -> pl.DataFrame:
    classes = read_points(
        connection=connection,
        buckets=buckets,
        service_point_ids=points,
        from_date=min(months),
        to_date=next_month(max(months)),
    ).select("service_point_id", "class_code")
    kept = [
        read_usage(
            connection=connection,
            month=month,
            as_of=as_of,
            columns=_KEPT,
            buckets=buckets if points is None else None,
            service_point_ids=points,
        ).select("month", "service_point_id", pl.col("zone").cast(pl.Int16), *_KEPT)
        for month in months
        if month in seasons.stored
    ]
    computed = [
        _computed(connection, run, buckets=buckets, points=points, as_of=as_of)
        for run in _runs([month for month in months if month not in seasons.stored])
    ]
    rows = pl.concat([*kept, *computed]).filter(
        ~pl.col("quality").str.contains("[^MA]"), pl.col("quality") != ""
    )
    known = classes.unique("service_point_id")
    return rows.join(known, on="service_point_id", how="left").select(*HISTORY)


def _runs(months: Sequence[date]) -> list[list[date]]:
    """The months in runs without a gap, none longer than a year: each is computed at once."""
    runs: list[list[date]] = [[month] for month in months[:1]]
    for before, month in pairwise(months):
        if next_month(before) == month and len(runs[-1]) < _MONTHS_AT_ONCE:
            runs[-1].append(month)
        else:
            runs.append([month])
    return runs


def _computed(
    connection: Connection, months: list[date], *, buckets: range, points: pl.Series | None, as_of: datetime
) -> pl.DataFrame:
    """month, service_point_id, zone, total_micro, quality of past months by the readings known now."""
    first, end = months[0], next_month(months[-1])
    facts: UsageFacts
    if points is None:
        facts = read_slice_facts(
            connection=connection, buckets=buckets, month=months[-1], first_month=first, as_of=as_of,
            known_since=as_of,
        )  # fmt: skip
    else:
        facts = read_whole_facts(
            connection=connection, service_point_ids=points, from_date=first, to_date=end, as_of=as_of,
            known_since=as_of,
        )  # fmt: skip
    schema = pl.Schema({name: HISTORY[name] for name in ("month", "service_point_id", "zone", "total_micro")})
    if facts.points.is_empty():
        return pl.DataFrame(schema={**schema, "quality": pl.String})
    use = compute_use(facts, month=first, month_to=end, as_of=as_of, class_averages=NO_AVERAGES).usage
    return pl.concat(
        [
            use.select(
                "service_point_id",
                pl.col("zone").cast(pl.Int16),
                month=pl.lit(month),
                total_micro=pl.col("days_micro")
                .list.slice((month - first).days, (next_month(month) - month).days)
                .list.sum(),
                quality=pl.col("quality").str.slice((month - first).days, (next_month(month) - month).days),
            ).select(*schema, "quality")
            for month in months
        ]
    )
