"""Interval data as frames, for bulk work by slice or by service point."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.changes import KNOWN, changed_days
from mains.base.db import read_frame
from mains.engine.intervals.errors import without_errors
from mains.engine.intervals.values import ESTIMATE_WEEKS
from mains.kernel.period import month_start, next_month
from mains.metering.queries.frames import month_array
from mains.metering.values import ZONE_OF_QUANTITY

INTERVAL_DAYS = pl.Schema(
    {
        "row_id": pl.Int64(),
        "service_point_id": pl.Int64(),
        "quantity": pl.String(),
        "day": pl.Date(),
        "clock": pl.String(),
        "start_at": pl.Datetime("us", "UTC"),
        "step_minutes": pl.Int64(),
        "values_micro": pl.List(pl.Int64),
    }
)
_REGISTER_COUNTS = " OR ".join(
    f"(v.quantity = '{quantity}' AND r.zone = {int(zone)})" for quantity, zone in ZONE_OF_QUANTITY.items()
)
"""Whether a register (r) counts what a day of intervals (v) is of: what is found of it holds for them."""
_LAST_REVISION = f"""
    SELECT DISTINCT ON (v.month, v.service_point_id, v.quantity, v.day)
           v.id AS row_id, v.service_point_id, v.quantity, v.day, v.clock, v.start_at,
           v.step_minutes::bigint AS step_minutes, v.values_micro, f.percent_hundredths::bigint AS percent_hundredths
    FROM metering_intervalday v
    LEFT JOIN (metering_metererror f JOIN metering_register r ON r.id = f.register_id)
           ON r.meter_id = v.meter_id AND ({_REGISTER_COUNTS}) AND f.valid @> v.day AND {KNOWN.format("f")}
    WHERE v.month = ANY(%(months)s::date[]) AND v.day >= %(from_date)s AND v.day < %(to_date)s
      AND v.recorded_at <= %(as_of)s AND v.service_point_id = ANY(%(points)s::bigint[])
      AND EXISTS (SELECT FROM metering_installation i
                  WHERE i.meter_id = v.meter_id AND i.service_point_id = v.service_point_id
                    AND i.valid @> v.day AND {KNOWN.format("i")})
    ORDER BY v.month, v.service_point_id, v.quantity, v.day, v.revision DESC
"""


def read_interval_points(
    *,
    connection: Connection,
    from_date: date,
    to_date: date,
    as_of: datetime,
    buckets: range | None = None,
    service_point_ids: pl.Series | None = None,
) -> pl.Series:
    """Service points of the buckets, or of those named, with intervals of a day in [from_date, to_date) that may be
    told of at `as_of`. Cheap where there are none: an index answers."""
    if buckets is not None:
        where = "bucket >= %(first)s AND bucket < %(next)s"
    else:
        assert service_point_ids is not None, "Name the buckets or the service points."
        where = "service_point_id = ANY(%(points)s::bigint[])"
    return read_frame(
        f"""
        SELECT DISTINCT service_point_id FROM metering_intervalday
        WHERE {where} AND month = ANY(%(months)s::date[]) AND day >= %(from_date)s AND day < %(to_date)s
          AND recorded_at <= %(as_of)s ORDER BY 1
        """,
        {
            "first": buckets.start if buckets is not None else 0,
            "next": buckets.stop if buckets is not None else 0,
            "points": service_point_ids,
            "months": month_array(months_between(from_date, to_date)),
            "from_date": from_date,
            "to_date": to_date,
            "as_of": as_of,
        },
        connection=connection,
    )["service_point_id"]


def read_interval_days(
    *,
    connection: Connection,
    service_point_ids: pl.Series,
    from_date: date,
    to_date: date,
    as_of: datetime,
) -> pl.DataFrame:
    """INTERVAL_DAYS of the service points on the days [from_date, to_date), the last revision known at `as_of`, of days
    on which the meter was believed to hang there; as it would have counted without the errors found of it."""
    if service_point_ids.is_empty() or from_date >= to_date:
        return INTERVAL_DAYS.to_frame()
    rows = read_frame(
        _LAST_REVISION,
        {
            "points": service_point_ids,
            "months": month_array(months_between(from_date, to_date)),
            "from_date": from_date,
            "to_date": to_date,
            "as_of": as_of,
        },
        connection=connection,
    )
    return without_errors(rows).select(INTERVAL_DAYS.names())


def read_changed_intervals(
    *,
    connection: Connection,
    to_date: date,
    known_since: datetime,
    as_of: datetime,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points of whose days before `to_date` other intervals are known, or other errors of the meters that
    counted them, than was known at `known_since`: service_point_id, first, last (days by the file's clock), start_at,
    end_at.
    """
    named = "" if service_point_ids is None else "AND v.service_point_id = ANY(%(points)s::bigint[])"
    errors = changed_days(table="metering_metererror", subject="register_id", values=("percent_hundredths",))
    days = """
        v.service_point_id, v.day, v.start_at,
        v.start_at + cardinality(v.values_micro) * v.step_minutes * interval '1 minute' AS end_at
    """
    return read_frame(
        f"""
        SELECT service_point_id, min(day) AS first, max(day) AS last, min(start_at) AS start_at, max(end_at) AS end_at
        FROM (
            SELECT {days} FROM metering_intervalday v
            WHERE v.recorded_at > %(known_since)s AND v.recorded_at <= %(as_of)s AND v.day < %(to_date)s {named}
            UNION ALL
            SELECT {days}
            FROM ({errors}) AS c
            JOIN metering_register r ON r.id = c.register_id
            JOIN metering_installation i ON i.meter_id = r.meter_id AND i.recorded_at <= %(as_of)s
            JOIN metering_intervalday v ON v.service_point_id = i.service_point_id AND v.meter_id = r.meter_id
                                       AND v.day <@ c.valid AND ({_REGISTER_COUNTS})
            WHERE v.recorded_at <= %(as_of)s AND v.day < %(to_date)s {named}
        ) AS changed
        GROUP BY service_point_id
        """,
        {"known_since": known_since, "as_of": as_of, "to_date": to_date, "points": service_point_ids},
        connection=connection,
    )


def reach_of_changes(
    changed: pl.DataFrame, *, clocks: Sequence[str] = (), months_after: int = 0
) -> pl.DataFrame:
    """The days of which changed intervals may tell something else: service_point_id, valid_from, valid_to.

    `changed` as `read_changed_intervals` gives it. Days are told by the file's clock, and by each of `clocks`; what is
    estimated by a day follows it for four weeks, and ratchets for `months_after` months.
    """
    by_clock = [
        (pl.col(name) - shift).dt.convert_time_zone(clock).dt.date()
        for clock in clocks
        for name, shift in (("start_at", timedelta(0)), ("end_at", timedelta(microseconds=1)))
    ]
    reach = timedelta(weeks=ESTIMATE_WEEKS, days=1)
    valid_to = pl.max_horizontal("last", *by_clock) + reach
    if months_after:
        valid_to = valid_to.dt.month_end().dt.offset_by("1d").dt.offset_by(f"{months_after}mo")
    return changed.select(
        "service_point_id", valid_from=pl.min_horizontal("first", *by_clock), valid_to=valid_to
    )


def months_between(from_date: date, to_date: date) -> Sequence[date]:
    """The months (first days) that have a day of [from_date, to_date)."""
    months, month = [], month_start(from_date)
    while month < to_date:
        months.append(month)
        month = next_month(month)
    return months
