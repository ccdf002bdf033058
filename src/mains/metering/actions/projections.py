"""Daily use of months that no run has computed yet, from the readings known so far; nothing is stored."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.engine.usage import compute_daily_usage
from mains.engine.usage.seasons import put_forecast
from mains.kernel.period import month_start, next_month
from mains.metering.actions.seasons import Seasons, read_history
from mains.metering.actions.usage import RULES, averages_of
from mains.metering.queries.findings import Findings, read_findings
from mains.metering.queries.frames import read_histories, read_readings, read_registers
from mains.metering.values import Zone
from mains.network.queries.frames import read_points

PROJECTED = ("service_point_id", "zone", "days_micro", "quality")

# Before the last reading, which may be two months old, lies the history from which its forecast is taken.
_WINDOW = timedelta(days=RULES.lookback_days + 62)
_LONG_AGO = date(1900, 1, 1)


def project_usage(
    *,
    connection: Connection,
    buckets: range,
    outside_points: pl.Series,
    months: Sequence[date],
    as_of: datetime,
    class_averages: pl.DataFrame,
    seasons: Seasons | None = None,
) -> dict[date, pl.DataFrame]:
    """The use of each day of `months` by the rules of a run: measured where readings reach, forecast after them.

    Months to come are forecast by `seasons` where a series has a history of the season: the same month a year before in
    the proportion of the last months, else the course of its class over the year. Without either they follow its
    average.
    Covers the service points of the buckets and those named besides. Frames by month: service_point_id, zone,
    days_micro (micro-units, one a day), quality (a letter a day). `class_averages` as `keep_averages` gives them, by
    month; months to come take those of the present one.
    """
    span = (min(month_start(as_of.date()), *months), max(months))
    parts = [
        _facts(connection=connection, buckets=buckets, points=None, span=span, as_of=as_of),
    ]
    if not outside_points.is_empty():
        parts.append(
            _facts(connection=connection, buckets=buckets, points=outside_points, span=span, as_of=as_of)
        )
    found = {
        month: pl.concat(
            [_month(*facts, month=month, as_of=as_of, class_averages=class_averages) for facts in parts]
        )
        for month in months
    }
    coming = [month for month in months if seasons is not None and month in seasons.months]
    if seasons is None or not coming:
        return found
    history = read_history(
        connection=connection,
        seasons=seasons,
        buckets=buckets,
        outside_points=outside_points,
        as_of=as_of,
    )
    return found | {month: put_forecast(found[month], seasons.forecast(month, history)) for month in coming}


def _facts(
    *,
    connection: Connection,
    buckets: range,
    points: pl.Series | None,
    span: tuple[date, date],
    as_of: datetime,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, Findings]:
    """Points, registers, readings and findings; whole histories for the few points that are named."""
    window_from = span[0] - _WINDOW
    connected = read_points(
        connection=connection,
        buckets=buckets,
        service_point_ids=points,
        from_date=span[0],
        to_date=next_month(span[1]),
    )
    registers = read_registers(
        connection=connection,
        buckets=buckets,
        service_point_ids=points,
        from_date=window_from,
        to_date=as_of.date() + timedelta(days=2),
        as_of=as_of,
    ).join(connected.select("service_point_id", "class_code"), on="service_point_id", how="left")
    found = read_findings(
        connection=connection,
        # Of what lies further back no reading of a named point is cut off either.
        from_date=window_from if points is None else _LONG_AGO,
        to_date=next_month(span[1]),
        as_of=as_of,
    ).of(registers=registers, points=connected)
    if points is not None:
        wanted = registers["register_id"].unique().sort()
        readings = read_histories(connection=connection, register_ids=wanted, as_of=as_of, known_since=as_of)
        return connected, registers, readings, found
    readings = read_readings(
        connection=connection, buckets=buckets, from_date=window_from, as_of=as_of, known_since=as_of
    )
    silent = registers.join(readings, on="register_id", how="anti")["register_id"].unique().sort()
    if not silent.is_empty():
        older = read_histories(connection=connection, register_ids=silent, as_of=as_of, known_since=as_of)
        readings = pl.concat([readings, older])
    return connected, registers, readings, found


def _month(
    points: pl.DataFrame,
    registers: pl.DataFrame,
    readings: pl.DataFrame,
    findings: Findings,
    *,
    month: date,
    as_of: datetime,
    class_averages: pl.DataFrame,
) -> pl.DataFrame:
    following = next_month(month)
    present = min(month, month_start(as_of.date()))
    result = compute_daily_usage(
        points=points.filter(
            pl.col("connected_from") < following,
            pl.col("connected_to").is_null() | (pl.col("connected_to") > month),
        ),
        registers=registers,
        readings=readings.filter("is_believed"),
        class_averages=averages_of(class_averages, present),
        meter_errors=findings.errors,
        unmetered=findings.acts,
        month_from=month,
        month_to=following,
        as_of_date=as_of.date(),
        rules=RULES,
        total_zone=int(Zone.TOTAL),
    )
    return result.usage.select(PROJECTED)
