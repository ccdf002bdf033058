"""Of which days changed intervals, and changed demands of months before them, may change what is billed."""

from datetime import date, datetime, timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.billing.queries.run_tariffs import compile_editions
from mains.engine.intervals.values import ESTIMATE_WEEKS
from mains.metering.queries.intervals import reach_of_changes, read_changed_intervals, read_interval_points
from mains.network.queries.conditions import read_changed_conditions
from mains.tariffs.queries.editions import list_editions

CHANGED_DAYS = pl.Schema({"service_point_id": pl.Int64(), "valid_from": pl.Date(), "valid_to": pl.Date()})


def list_changed_by_intervals(
    *,
    connection: Connection,
    from_date: date,
    to_date: date,
    known_since: datetime,
    as_of: datetime,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points of whose billed days in [from_date, to_date) tariffs that read intervals may say something else
    than by what was known at `known_since`: CHANGED_DAYS.

    Only as far as a change reaches by these tariffs: their days may begin by another clock than the file's did, what is
    estimated by a day follows it for four weeks, and ratchets for as many months as any looks back.
    """
    changed = read_changed_intervals(
        connection=connection,
        # By the clock of a tariff the first hours of the day after may be of the last day.
        to_date=to_date + timedelta(days=1),
        known_since=known_since,
        as_of=as_of,
        service_point_ids=service_point_ids,
    )
    told = read_changed_conditions(
        connection=connection,
        from_date=date.min,
        to_date=to_date,
        known_since=known_since,
        as_of=as_of,
        service_point_ids=service_point_ids,
    )
    if changed.is_empty() and told.is_empty():
        return CHANGED_DAYS.to_frame()
    editions = list_editions(connection=connection, as_of=as_of, known_since=known_since)
    reading = [each for each in compile_editions(editions).compiled.tariffs if each.needs_intervals]
    months = max((each.ratchet_months for each in reading), default=0)
    by_intervals = reach_of_changes(
        changed, clocks=sorted({each.time_zone for each in reading}), months_after=months
    )
    by_demands = told.filter(pl.lit(months > 0), pl.col("valid_to").is_not_null()).with_columns(
        pl.col("valid_to").dt.offset_by(f"{months}mo")
    )
    reached = pl.concat([by_intervals, by_demands]).filter(
        pl.col("valid_to") > from_date, pl.col("valid_from") < to_date
    )
    if reached.is_empty():
        return reached
    measured = read_interval_points(
        connection=connection,
        from_date=from_date - timedelta(weeks=ESTIMATE_WEEKS, days=1),
        to_date=to_date,
        as_of=as_of,
        service_point_ids=reached["service_point_id"].unique().sort(),
    )
    return reached.filter(pl.col("service_point_id").is_in(measured.implode()))
