"""Interval data as frames, for bulk work by slice or by service point."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.changes import KNOWN
from mains.base.db import read_frame
from mains.engine.intervals.values import ESTIMATE_WEEKS
from mains.kernel.period import month_start, next_month
from mains.metering.queries.frames import month_array

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
_LAST_REVISION = f"""
    SELECT DISTINCT ON (v.month, v.service_point_id, v.quantity, v.day)
           v.id AS row_id, v.service_point_id, v.quantity, v.day, v.clock, v.start_at,
           v.step_minutes::bigint AS step_minutes, v.values_micro
    FROM metering_intervalday v
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
    on which the meter was believed to hang there."""
    if service_point_ids.is_empty() or from_date >= to_date:
        return INTERVAL_DAYS.to_frame()
    return read_frame(
        _LAST_REVISION,
        {
            "points": service_point_ids,
            "months": month_array(months_between(from_date, to_date)),
            "from_date": from_date,
            "to_date": to_date,
            "as_of": as_of,
        },
        connection=connection,
    ).select(INTERVAL_DAYS.names())


def read_changed_intervals(
    *,
    connection: Connection,
    from_date: date,
    to_date: date,
    known_since: datetime,
    as_of: datetime,
    service_point_ids: pl.Series | None = None,
    months_after: int = 0,
) -> pl.DataFrame:
    """Service points with intervals of days in [from_date, to_date) recorded in (known_since, as_of]: service_point_id,
    valid_from, valid_to.

    The days reach as far as the change may: what is estimated by the day follows it for four weeks, and ratchets for
    `months_after` months.
    """
    named = "" if service_point_ids is None else "AND service_point_id = ANY(%(points)s::bigint[])"
    rows = read_frame(
        f"""
        SELECT service_point_id, min(day) AS valid_from, max(day) AS last FROM metering_intervalday
        WHERE recorded_at > %(known_since)s AND recorded_at <= %(as_of)s AND day < %(to_date)s {named}
        GROUP BY service_point_id
        """,
        {"known_since": known_since, "as_of": as_of, "to_date": to_date, "points": service_point_ids},
        connection=connection,
    )
    # A day more on either side: tariffs may count days by another clock than the file did.
    reach = timedelta(weeks=ESTIMATE_WEEKS, days=2)
    return rows.select(
        "service_point_id",
        valid_from=pl.col("valid_from") - timedelta(days=1),
        valid_to=(pl.col("last") + reach).dt.month_start().dt.offset_by(f"{months_after + 1}mo"),
    ).filter(pl.col("valid_to") > from_date)


def months_between(from_date: date, to_date: date) -> Sequence[date]:
    """The months (first days) that have a day of [from_date, to_date)."""
    months, month = [], month_start(from_date)
    while month < to_date:
        months.append(month)
        month = next_month(month)
    return months
