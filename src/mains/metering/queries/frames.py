"""Installed registers, readings and daily use as frames, for bulk work by slice of service points."""

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.changes import KNOWN, OF_POINTS, changed_days, read_changed
from mains.base.db import read_frame
from mains.network.queries.frames import POINTS_OF_BUCKETS, points_where


def read_registers(
    *,
    connection: Connection,
    buckets: range,
    from_date: date,
    to_date: date,
    as_of: datetime,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Registers installed at service points of the buckets, or at those named, on a day of [from_date, to_date), as
    believed at `as_of`.

    Columns: register_id, service_point_id, zone, digits (Int16), multiplier_micro, installed_from, installed_to.
    """
    points, params = points_where(buckets, service_point_ids)
    return read_frame(
        f"""
        SELECT r.id AS register_id, i.service_point_id, r.zone, r.digits, r.multiplier_micro,
               lower(i.valid) AS installed_from, upper(i.valid) AS installed_to
        FROM metering_installation i
        JOIN metering_register r ON r.meter_id = i.meter_id
        WHERE i.service_point_id = {points}
          AND i.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("i")}
        """,
        params | {"from_date": from_date, "to_date": to_date, "as_of": as_of},
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
    columns: Sequence[str],
    buckets: range | None = None,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """The daily use of a month as known at `as_of`, of all service points of the buckets or of those named.

    Columns: month, service_point_id, zone, revision, and `columns` of `metering_usagemonth`; only the last revision
    of each service point and zone.
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
        f"SELECT month, service_point_id, zone, revision, {', '.join(columns)} FROM metering_usagemonth"
        f" WHERE month = %(month)s AND recorded_at <= %(as_of)s AND {where}",
        params | {"month": month, "as_of": as_of},
        connection=connection,
    )
    key = ["service_point_id", "zone", "revision"]
    # Revisions are counted without a gap: a row is the last one unless its successor is there too.
    successors = rows.select(key).filter(pl.col("revision") > 0)
    if successors.is_empty():
        return rows
    return rows.join(successors.with_columns(pl.col("revision") - 1), on=key, how="anti")


def read_usage_of_points(
    *,
    connection: Connection,
    months: Sequence[date],
    as_of: datetime,
    service_point_ids: pl.Series,
    columns: Sequence[str],
) -> pl.DataFrame:
    """The daily use of several months as known at `as_of`, of the service points named, in the columns of
    `read_usage`; found by index, however large the months are."""
    return read_frame(
        f"""
        SELECT DISTINCT ON (month, service_point_id, zone) month, service_point_id, zone, revision,
               {", ".join(columns)}
        FROM metering_usagemonth
        WHERE month = ANY(%(months)s::date[]) AND service_point_id = ANY(%(points)s::bigint[])
          AND recorded_at <= %(as_of)s
        ORDER BY month, service_point_id, zone, revision DESC
        """,
        {"months": month_array(months), "as_of": as_of, "points": service_point_ids},
        connection=connection,
    )


def read_kept_points(*, connection: Connection, month: date, buckets: range, as_of: datetime) -> pl.Series:
    """Service points of the buckets of which daily use of the month is stored, as known at `as_of`."""
    # By the primary key: the block-range index does not know the rows of the run that is going on, so a search by
    # bucket would pass through all of them in every slice.
    return read_frame(
        f"""
        SELECT DISTINCT service_point_id FROM metering_usagemonth
        WHERE month = %(month)s AND service_point_id = {POINTS_OF_BUCKETS} AND recorded_at <= %(as_of)s ORDER BY 1
        """,
        {"month": month, "first": buckets.start, "next": buckets.stop, "as_of": as_of},
        connection=connection,
    )["service_point_id"]


def read_revised_points(
    *,
    connection: Connection,
    months: Sequence[date],
    known_since: datetime,
    as_of: datetime,
    buckets: range | None = None,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points whose use of one of `months` was computed anew in (known_since, as_of]: service_point_id, month.

    Looks at the buckets and at the service points named; at all of them when neither is given.
    """
    besides = service_point_ids is not None and not service_point_ids.is_empty()
    wheres = ["bucket >= %(first)s AND bucket < %(next)s"] if buckets else []
    wheres += ["service_point_id = ANY(%(points)s::bigint[])"] if besides else []
    if buckets is None and service_point_ids is None:
        wheres = ["TRUE"]
    statement = """
        SELECT DISTINCT service_point_id, month FROM metering_usagemonth
        WHERE month = ANY(%(months)s::date[]) AND recorded_at > %(known_since)s AND recorded_at <= %(as_of)s AND """
    frames = [pl.DataFrame(schema={"service_point_id": pl.Int64, "month": pl.Date})]
    for where in wheres if months else []:
        params = {
            "months": month_array(months),
            "known_since": known_since,
            "as_of": as_of,
            "first": buckets.start if buckets else 0,
            "next": buckets.stop if buckets else 0,
            "points": service_point_ids,
        }
        frames.append(read_frame(statement + where, params, connection=connection))
    return pl.concat(frames).unique()


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
    # A single condition where one is enough: an index answers it.
    besides = "" if service_point_ids.is_empty() else "OR i.service_point_id = ANY(%(points)s::bigint[])"
    where = f"i.service_point_id = {POINTS_OF_BUCKETS} {besides}" if buckets else besides.removeprefix("OR ")
    return read_frame(
        f"""
        SELECT i.service_point_id, lower(i.valid) AS valid_from, upper(i.valid) AS valid_to,
               bit_or(1 << r.zone)::integer AS zone_bits
        FROM metering_installation i
        JOIN metering_register r ON r.meter_id = i.meter_id
        WHERE ({where or "FALSE"})
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
    *,
    connection: Connection,
    from_date: date,
    to_date: date,
    known_since: datetime,
    as_of: datetime,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points where another meter hangs on days of [from_date, to_date) since what became known in
    (known_since, as_of]: service_point_id, valid_from, valid_to (null is open).

    Looks at the whole utility, or at the service points named alone.
    """
    days = changed_days(
        table="metering_installation",
        subject="service_point_id",
        values=("meter_id",),
        only="" if service_point_ids is None else OF_POINTS,
    )
    return read_changed(
        connection=connection,
        changed=days,
        from_date=from_date,
        to_date=to_date,
        known_since=known_since,
        as_of=as_of,
        service_point_ids=service_point_ids,
    )


def read_newly_read_points(*, connection: Connection, known_since: datetime, as_of: datetime) -> pl.DataFrame:
    """Service points with a reading recorded or superseded in (known_since, as_of]:
    service_point_id."""
    # Each part is answered by an index of its own.
    return read_frame(
        """
        SELECT DISTINCT i.service_point_id
        FROM (
            SELECT register_id FROM metering_reading
            WHERE recorded_at > %(known_since)s AND recorded_at <= %(as_of)s
            UNION
            SELECT register_id FROM metering_reading
            WHERE superseded_at IS NOT NULL AND superseded_at > %(known_since)s AND superseded_at <= %(as_of)s
        ) AS d
        JOIN metering_register r ON r.id = d.register_id
        JOIN metering_installation i ON i.meter_id = r.meter_id AND i.recorded_at <= %(as_of)s
        ORDER BY 1
        """,
        {"known_since": known_since, "as_of": as_of},
        connection=connection,
    )


def read_backdated_points(
    *, connection: Connection, before: date, known_since: datetime, as_of: datetime
) -> pl.Series:
    """Service points where a reading dated before a day was recorded or superseded in (known_since, as_of]."""
    return read_frame(
        """
        SELECT DISTINCT i.service_point_id
        FROM (
            SELECT register_id FROM metering_reading
            WHERE recorded_at > %(known_since)s AND recorded_at <= %(as_of)s AND reading_date < %(before)s
            UNION
            SELECT register_id FROM metering_reading
            WHERE superseded_at IS NOT NULL AND superseded_at > %(known_since)s AND superseded_at <= %(as_of)s
              AND reading_date < %(before)s
        ) AS d
        JOIN metering_register r ON r.id = d.register_id
        JOIN metering_installation i ON i.meter_id = r.meter_id AND i.recorded_at <= %(as_of)s
        ORDER BY 1
        """,
        {"before": before, "known_since": known_since, "as_of": as_of},
        connection=connection,
    )["service_point_id"]


def read_class_averages(*, connection: Connection, months: Sequence[date]) -> pl.DataFrame:
    """The class averages kept for the months: month, class_code, zone, use_micro, days."""
    return read_frame(
        "SELECT month, class_code, zone, use_micro, days FROM metering_classaverage"
        " WHERE month = ANY(%(months)s::date[]) ORDER BY month, class_code, zone",
        {"months": month_array(months)},
        connection=connection,
    )


def month_array(months: Sequence[date]) -> str:
    """The months as the text of an array in SQL."""
    return "{" + ",".join(month.isoformat() for month in months) + "}"


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
        # A reading dated ahead of its recording was set aside until its day had come.
        (ended | (pl.col("recorded_at") > known_since) | (pl.col("reading_date") > known_since.date())).alias(
            "is_changed"
        ),
    )
