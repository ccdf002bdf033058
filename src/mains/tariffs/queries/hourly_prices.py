"""Series of prices by the hour, as frames for bulk work."""

from collections.abc import Collection
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame

HOURLY_PRICES = pl.Schema(
    {
        "series": pl.String(),
        "unit": pl.String(),
        "start_at": pl.Datetime("us", "UTC"),
        "step_minutes": pl.Int64(),
        "values_micro": pl.List(pl.Int64),
    }
)


def read_hourly_prices(
    *, connection: Connection, series: Collection[str], from_date: date, to_date: date, as_of: datetime
) -> pl.DataFrame:
    """HOURLY_PRICES of the days [from_date, to_date) as known at `as_of`."""
    if not series:
        return HOURLY_PRICES.to_frame()
    return read_frame(
        """
        SELECT DISTINCT ON (series, day) series, unit, start_at, step_minutes::bigint AS step_minutes, values_micro
        FROM tariffs_hourlyprices
        WHERE series = ANY(%(series)s::text[]) AND day >= %(from_date)s AND day < %(to_date)s
          AND recorded_at <= %(as_of)s
        ORDER BY series, day, revision DESC
        """,
        {
            "series": pl.Series(sorted(series)),
            "from_date": from_date,
            "to_date": to_date,
            "as_of": as_of,
        },
        connection=connection,
    )


def list_changed_prices(
    *, connection: Connection, known_since: datetime, as_of: datetime
) -> tuple[tuple[str, date], ...]:
    """Series of which prices became known in (known_since, as_of], each with the first day of these."""
    rows = read_frame(
        """
        SELECT series, min(day) AS day FROM tariffs_hourlyprices
        WHERE recorded_at > %(known_since)s AND recorded_at <= %(as_of)s GROUP BY series ORDER BY series
        """,
        {"known_since": known_since, "as_of": as_of},
        connection=connection,
    )
    return tuple(rows.iter_rows())
