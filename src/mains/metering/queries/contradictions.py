"""Service points whose readings contradict one another, and those that were computed between two runs."""

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame
from mains.metering.queries.frames import month_array


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


def read_fallen_points(*, connection: Connection, before: date, until: date, as_of: datetime) -> pl.Series:
    """Service points with a reading dated before `until` that is lower than the one before it, dated before `before`:
    among them are all whose old readings contradict one another, and those whose registers rolled over."""
    return read_frame(
        """
        SELECT DISTINCT i.service_point_id
        FROM (
            SELECT register_id, value_micro,
                   lag(value_micro) OVER last_one AS before_micro, lag(reading_date) OVER last_one AS before_date
            FROM metering_reading
            WHERE reading_date < %(until)s AND recorded_at <= %(as_of)s
              AND (superseded_at IS NULL OR superseded_at > %(as_of)s)
            WINDOW last_one AS (PARTITION BY register_id ORDER BY reading_date, source DESC, id)
        ) AS f
        JOIN metering_register r ON r.id = f.register_id
        JOIN metering_installation i ON i.meter_id = r.meter_id AND i.recorded_at <= %(as_of)s
        WHERE f.value_micro < f.before_micro AND f.before_date < %(before)s
        ORDER BY 1
        """,
        {"before": before, "until": until, "as_of": as_of},
        connection=connection,
    )["service_point_id"]


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
