"""Installed registers, readings and daily use as frames, for bulk work by slice of service points."""

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame
from mains.network.queries.frames import CHANGED, KNOWN, POINTS_OF_BUCKETS

USAGE_COLUMNS = (
    "month, service_point_id, zone, revision, bucket, total_micro, days_micro, quality,"
    " span_days, span_quality, span_opening, span_closing"
)


def read_registers(
    *, connection: Connection, buckets: range, from_date: date, to_date: date, as_of: datetime
) -> pl.DataFrame:
    """Registers installed at the buckets' service points on a day of [from_date, to_date), as believed at `as_of`.

    Columns: register_id, service_point_id, zone, digits (Int16), multiplier_micro, installed_from, installed_to.
    """
    return read_frame(
        f"""
        SELECT r.id AS register_id, i.service_point_id, r.zone, r.digits, r.multiplier_micro,
               lower(i.valid) AS installed_from, upper(i.valid) AS installed_to
        FROM metering_installation i
        JOIN metering_register r ON r.meter_id = i.meter_id
        WHERE i.service_point_id = {POINTS_OF_BUCKETS}
          AND i.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("i")}
        """,
        {
            "first": buckets.start,
            "next": buckets.stop,
            "from_date": from_date,
            "to_date": to_date,
            "as_of": as_of,
        },
        connection=connection,
    )


def read_readings(
    *, connection: Connection, buckets: range, from_date: date, as_of: datetime, known_since: datetime
) -> pl.DataFrame:
    """Readings of the buckets dated `from_date` or later: those believed at `as_of`, and those that ceased to be
    believed in (known_since, as_of].

    Columns: reading_id, register_id, reading_date, value_micro, priority (Int16), recorded_order (microseconds,
    Int64), is_believed, is_changed.
    """
    return _readings(
        # One index range per bucket, each begun at the first day asked for, however long the history is.
        "bucket = ANY(%(buckets)s::smallint[]) AND reading_date >= %(from_date)s",
        {"buckets": list(buckets), "from_date": from_date},
        connection=connection,
        as_of=as_of,
        known_since=known_since,
    )


def read_histories(
    *, connection: Connection, register_ids: pl.Series, as_of: datetime, known_since: datetime
) -> pl.DataFrame:
    """All readings of the registers, in the columns of `read_readings`."""
    return _readings(
        "register_id = ANY(%(registers)s)",
        {"registers": register_ids},
        connection=connection,
        as_of=as_of,
        known_since=known_since,
    )


def read_usage(
    *,
    connection: Connection,
    month: date,
    as_of: datetime,
    buckets: range | None = None,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """The daily use of a month as known at `as_of`, of all service points of the buckets or of those named.

    Columns as in `metering_usagemonth`; only the last revision of each service point and zone.
    """
    params: dict[str, object]
    if buckets is not None:
        where, params = (
            "bucket >= %(first)s AND bucket < %(next)s",
            {"first": buckets.start, "next": buckets.stop},
        )
    else:
        assert service_point_ids is not None, "Name the buckets or the service points."
        where, params = "service_point_id = ANY(%(points)s)", {"points": service_point_ids}
    rows = read_frame(
        f"SELECT {USAGE_COLUMNS} FROM metering_usagemonth"
        f" WHERE month = %(month)s AND recorded_at <= %(as_of)s AND {where}",
        params | {"month": month, "as_of": as_of},
        connection=connection,
    )
    if rows.is_empty() or rows["revision"].max() == 0:
        return rows
    last = pl.col("revision") == pl.col("revision").max().over("service_point_id", "zone")
    return rows.filter(last)


def has_usage(*, connection: Connection, month: date, buckets: range, as_of: datetime) -> bool:
    """Whether any daily use of the buckets is stored for the month, as known at `as_of`."""
    found = read_frame(
        """
        SELECT EXISTS (SELECT FROM metering_usagemonth WHERE month = %(month)s AND bucket >= %(first)s
                       AND bucket < %(next)s AND recorded_at <= %(as_of)s) AS found
        """,
        {"month": month, "first": buckets.start, "next": buckets.stop, "as_of": as_of},
        connection=connection,
    )
    return bool(found["found"][0])


def read_revised_points(
    *,
    connection: Connection,
    months: Sequence[date],
    known_since: datetime,
    as_of: datetime,
    buckets: range,
    service_point_ids: pl.Series,
) -> pl.DataFrame:
    """Service points whose use of one of `months` was revised in (known_since, as_of]: service_point_id, month.

    Looks at the buckets and at the service points named besides.
    """
    statement = """
        SELECT DISTINCT service_point_id, month FROM metering_usagemonth
        WHERE month = %(month)s AND recorded_at > %(known_since)s AND recorded_at <= %(as_of)s
          AND (bucket >= %(first)s AND bucket < %(next)s)
        UNION
        SELECT DISTINCT service_point_id, month FROM metering_usagemonth
        WHERE month = %(month)s AND recorded_at > %(known_since)s AND recorded_at <= %(as_of)s
          AND service_point_id = ANY(%(points)s::bigint[])
    """
    params = {
        "known_since": known_since,
        "as_of": as_of,
        "first": buckets.start,
        "next": buckets.stop,
        "points": service_point_ids,
    }
    frames = [read_frame(statement, params | {"month": month}, connection=connection) for month in months]
    return pl.concat([pl.DataFrame(schema={"service_point_id": pl.Int64, "month": pl.Date}), *frames])


def read_installed_zones(
    *,
    connection: Connection,
    buckets: range,
    service_point_ids: pl.Series,
    from_date: date,
    to_date: date,
    as_of: datetime,
) -> pl.DataFrame:
    """When meters were installed at service points of the buckets, and at those named besides, over [from, to).

    Columns: service_point_id, valid_from, valid_to (null is open), zone_bits (Int32): bit z for a register of zone z.
    """
    # Without points besides, the condition is a single one that an index answers.
    besides = "" if service_point_ids.is_empty() else "OR i.service_point_id = ANY(%(points)s::bigint[])"
    return read_frame(
        f"""
        SELECT i.service_point_id, lower(i.valid) AS valid_from, upper(i.valid) AS valid_to,
               bit_or(1 << r.zone)::integer AS zone_bits
        FROM metering_installation i
        JOIN metering_register r ON r.meter_id = i.meter_id
        WHERE (i.service_point_id = {POINTS_OF_BUCKETS} {besides})
          AND i.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("i")}
        GROUP BY i.id
        """,
        {
            "first": buckets.start,
            "next": buckets.stop,
            "points": service_point_ids,
            "from_date": from_date,
            "to_date": to_date,
            "as_of": as_of,
        },
        connection=connection,
    )


def read_changed_installations(
    *, connection: Connection, from_date: date, to_date: date, known_since: datetime, as_of: datetime
) -> pl.DataFrame:
    """Service points where an installation over [from_date, to_date) was recorded or superseded in
    (known_since, as_of]: service_point_id, valid_from, valid_to (null is open)."""
    return read_frame(
        f"""
        SELECT i.service_point_id, lower(i.valid) AS valid_from, upper(i.valid) AS valid_to
        FROM metering_installation i
        WHERE {CHANGED.format("i")} AND i.valid && daterange(%(from_date)s, %(to_date)s)
        """,
        {"from_date": from_date, "to_date": to_date, "known_since": known_since, "as_of": as_of},
        connection=connection,
    )


def _readings(
    where: str,
    params: dict[str, object],
    *,
    connection: Connection,
    as_of: datetime,
    known_since: datetime,
) -> pl.DataFrame:
    rows = read_frame(
        f"""
        SELECT id AS reading_id, register_id, reading_date, value_micro, source AS priority, recorded_at, superseded_at
        FROM metering_reading
        WHERE {where} AND recorded_at <= %(as_of)s AND (superseded_at IS NULL OR superseded_at > %(known_since)s)
        """,
        params | {"as_of": as_of, "known_since": known_since},
        connection=connection,
    )
    ended = pl.col("superseded_at").is_not_null() & (pl.col("superseded_at") <= as_of)
    return rows.select(
        "reading_id",
        "register_id",
        "reading_date",
        "value_micro",
        "priority",
        pl.col("recorded_at").to_physical().alias("recorded_order"),
        (~ended).alias("is_believed"),
        (ended | (pl.col("recorded_at") > known_since)).alias("is_changed"),
    )
