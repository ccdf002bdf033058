"""The days of service points that stored intervals tell of, in the zones of daily use."""

from datetime import date, datetime, timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.engine.intervals.daily import daily_sums
from mains.engine.intervals.values import ESTIMATE_WEEKS
from mains.metering.queries.intervals import read_interval_days, read_interval_points
from mains.metering.values import ZONE_OF_QUANTITY

DAYS_TOLD = pl.Schema(
    {
        "service_point_id": pl.Int64(),
        "zone": pl.Int16(),
        "day": pl.Date(),
        "use_micro": pl.Int64(),
        "row_id": pl.Int64(),
        "is_measured": pl.Boolean(),
    }
)
_ZONES = {str(quantity): int(zone) for quantity, zone in ZONE_OF_QUANTITY.items()}


def read_days_told(
    *,
    connection: Connection,
    from_date: date,
    to_date: date,
    as_of: datetime,
    registers: pl.DataFrame,
    buckets: range | None = None,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """DAYS_TOLD of the points of the buckets, or of those named, on the days [from_date, to_date) as known at `as_of`.

    A day is told of when all its intervals are measured, or the rest can be estimated by the weeks before while a
    register of the zone hangs there (`registers`: service_point_id, zone, installed_from, installed_to).
    """
    since = from_date - timedelta(weeks=ESTIMATE_WEEKS, days=1)
    points = read_interval_points(
        connection=connection,
        from_date=since,
        to_date=to_date,
        as_of=as_of,
        buckets=buckets,
        service_point_ids=service_point_ids,
    )
    if points.is_empty():
        return DAYS_TOLD.to_frame()
    rows = read_interval_days(
        connection=connection, service_point_ids=points, from_date=since, to_date=to_date, as_of=as_of
    ).filter(pl.col("quantity").is_in(list(_ZONES)))
    told = daily_sums(
        rows=rows.rename({"service_point_id": "point_id", "quantity": "register"}),
        from_date=from_date,
        to_date=to_date,
    ).select(
        "day",
        "use_micro",
        "row_id",
        "is_measured",
        service_point_id="point_id",
        zone=pl.col("register").replace_strict(_ZONES, return_dtype=pl.Int16),
    )
    return told.filter(pl.col("is_measured") | _hangs(told, registers)).select(DAYS_TOLD.names())


def _hangs(told: pl.DataFrame, registers: pl.DataFrame) -> pl.Series:
    """Whether a register of the zone is installed at the point on each of the days."""
    key = ["service_point_id", "zone", "day"]
    hung = (
        told.select(key)
        .join(registers, on=["service_point_id", "zone"])
        .filter(
            pl.col("installed_from") <= pl.col("day"),
            pl.col("installed_to").is_null() | (pl.col("installed_to") > pl.col("day")),
        )
        .select(*key, hangs=pl.lit(value=True))
        .unique()
    )
    return told.join(hung, on=key, how="left", maintain_order="left")["hangs"].fill_null(value=False)
