"""What service points are given of the remainders of nodes in the months of a what-if, balanced or still to come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import numpy as np
import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.balance.queries.frames import read_balanced_months, read_shares
from mains.billing.queries.attributes import outside_points
from mains.kernel.period import next_month

_MONTHS_OF_AVERAGE = 3
_YEARS_BACK = 5


class ShareOrigin(StrEnum):
    """Whence a month's shares are: its own balances, the same month of a year before, the average of the last balanced
    months, or nowhere, for nothing was ever balanced."""

    OWN = "own"
    YEAR_BEFORE = "year_before"
    AVERAGE = "average"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class ShareSource:
    """The months whose shares stand for a month, and why these."""

    origin: ShareOrigin
    months: tuple[date, ...]


def share_sources(
    *, connection: Connection, months: Sequence[date], as_of: datetime
) -> Mapping[date, ShareSource]:
    """Where the shares of each month come from, as known at `as_of`."""
    balanced = read_balanced_months(connection=connection, as_of=as_of)
    last = tuple(balanced[-_MONTHS_OF_AVERAGE:])
    return {month: _source(month, frozenset(balanced), last) for month in months}


def _source(month: date, balanced: frozenset[date], last: tuple[date, ...]) -> ShareSource:
    if month in balanced:
        return ShareSource(origin=ShareOrigin.OWN, months=(month,))
    before = (month.replace(year=month.year - years) for years in range(1, _YEARS_BACK + 1))
    found = next((each for each in before if each in balanced), None)
    if found is not None:
        return ShareSource(origin=ShareOrigin.YEAR_BEFORE, months=(found,))
    return ShareSource(origin=ShareOrigin.AVERAGE if last else ShareOrigin.NONE, months=last)


def estimate_shares(
    *,
    connection: Connection,
    source: ShareSource,
    items: pl.DataFrame,
    buckets: range,
    month: date,
    as_of: datetime,
) -> pl.DataFrame:
    """The shares of a month that was not balanced: item_id, first_date, days_micro, evenly over its days.

    A point is given what the source's months gave it on the average; one that was given nothing has no row.
    """
    parts = [
        read_shares(
            connection=connection,
            month=each,
            as_of=as_of,
            buckets=buckets,
            service_point_ids=outside_points(items, buckets),
        ).select("service_point_id", total=pl.col("days_micro").list.sum())
        for each in source.months
    ]
    if not parts:
        return pl.DataFrame(
            schema={"item_id": pl.Int64, "first_date": pl.Date, "days_micro": pl.List(pl.Int64)}
        )
    totals = pl.concat(parts).group_by("service_point_id").agg(pl.col("total").sum() // len(parts))
    given = items.select("item_id", "service_point_id").join(
        totals, on="service_point_id", maintain_order="left"
    )
    return given.select(
        "item_id",
        first_date=pl.lit(month),
        days_micro=_evenly(given["total"], (next_month(month) - month).days),
    )


def _evenly(totals: pl.Series, count: int) -> pl.Series:
    if totals.is_empty():
        return pl.Series([], dtype=pl.List(pl.Int64))
    whole, part = np.divmod(totals.to_numpy()[:, None], count)
    day = np.arange(count, dtype=np.int64)[None, :]
    return pl.Series(whole + part * (day + 1) // count - part * day // count).arr.to_list()
