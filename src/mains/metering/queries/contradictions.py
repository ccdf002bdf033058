"""Service points whose readings contradict one another, and those that were computed between two runs."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame
from mains.metering.queries.frames import month_array

_ACROSS = timedelta(days=62)
"""How far the first reading after a day is looked for."""


def read_contradicted_points(*, connection: Connection, as_of: datetime) -> pl.Series:
    """Service points of which readings were found to contradict one another, as of the last finding up to `as_of`."""
    return read_frame(
        """
        SELECT service_point_id FROM (
            SELECT DISTINCT ON (service_point_id) service_point_id, stands FROM metering_contradiction
            WHERE recorded_at <= %(as_of)s ORDER BY service_point_id, recorded_at DESC
        ) AS last
        WHERE stands ORDER BY 1
        """,
        {"as_of": as_of},
        connection=connection,
    )["service_point_id"]


def read_fallen_registers(
    *, connection: Connection, buckets: range, before: date, as_of: datetime
) -> pl.Series:
    """Registers of the buckets' service points with a reading that is lower than the one before it, dated before
    `before`: among them are all whose readings of these days contradict one another, and those that rolled over.

    The order is made here: the index tells of the days of a bucket, and the server would sort for longer.
    """
    readings = read_frame(
        """
        SELECT register_id, reading_date, value_micro FROM metering_reading
        WHERE bucket = ANY(%(buckets)s::smallint[]) AND reading_date < %(until)s AND recorded_at <= %(as_of)s
          AND (superseded_at IS NULL OR superseded_at > %(as_of)s)
        """,
        {"buckets": list(buckets), "until": before + _ACROSS, "as_of": as_of},
        connection=connection,
    ).sort("register_id", "reading_date")
    falls = (pl.col("register_id") == pl.col("register_id").shift()) & (
        pl.col("value_micro") < pl.col("value_micro").shift()
    )
    return readings.filter(falls, pl.col("reading_date").shift() < before)["register_id"].unique().sort()


def read_computed_between(
    *,
    connection: Connection,
    months: Sequence[date],
    known_since: datetime,
    as_of: datetime,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points of which use of one of `months` was computed in between, after `known_since` and before `as_of`,
    by a recalculation or settlement of one account: service_point_id, affected_from (the first of these months).

    What it knew may have been taken back since. Looks at all points, or at those named.
    """
    of_points = "" if service_point_ids is None else "AND service_point_id = ANY(%(points)s::bigint[])"
    return read_frame(
        f"""
        SELECT service_point_id, min(month) AS affected_from FROM metering_usagemonth
        WHERE month = ANY(%(months)s::date[]) AND recorded_at > %(known_since)s AND recorded_at < %(as_of)s {of_points}
        GROUP BY 1 ORDER BY 1
        """,
        {
            "months": month_array(months),
            "known_since": known_since,
            "as_of": as_of,
            "points": service_point_ids,
        },
        connection=connection,
    )
