"""Days of a month as bits of one integer: bit 0 is the first. Sets of days are compared without a row per day."""

from datetime import date

import polars as pl

from mains.kernel.period import next_month

NO_DAYS = pl.lit(0, pl.Int64)


def days_of(first: str, following: str, month: date) -> pl.Expr:
    """The days of `month` in [first, following), two Date columns; a null end is open."""
    start = _offset(pl.max_horizontal(pl.col(first), pl.lit(month)), month)
    last = pl.lit(next_month(month))
    end = _offset(pl.min_horizontal(pl.col(following).fill_null(last), last), month)
    return pl.when(start < end).then(_below(end) - _below(start)).otherwise(NO_DAYS)


def days_until(following: date, month: date) -> int:
    """The days of `month` before `following`."""
    count = (min(max(following, month), next_month(month)) - month).days
    return (1 << count) - 1


def count_days(column: str) -> pl.Expr:
    """How many days a set has."""
    return pl.col(column).bitwise_count_ones().cast(pl.Int64)


def without(days: pl.Expr, others: pl.Expr) -> pl.Expr:
    """The days that are not among the others."""
    return days & ~others.fill_null(0)


def use_on_days(holes: pl.DataFrame, usage: pl.DataFrame) -> pl.DataFrame:
    """Use on the days of each hole in micro-units: the frame with `use_micro`.

    `holes`: service_point_id, month, days; `usage`: service_point_id, month, days_micro (a value a day), by zone.
    """
    numbered = holes.with_row_index("hole")
    of_day = (
        numbered.select("hole", "service_point_id", "month", "days")
        .join(usage, on=["service_point_id", "month"])
        .with_columns(day=pl.int_ranges(pl.col("days_micro").list.len(), dtype=pl.Int64))
        .explode("days_micro", "day")
        .filter((pl.col("days") & pl.lit(2, pl.Int64).pow(pl.col("day"))) != 0)
    )
    sums = of_day.group_by("hole").agg(use_micro=pl.col("days_micro").sum())
    return (
        numbered.join(sums, on="hole", how="left", maintain_order="left")
        .with_columns(pl.col("use_micro").fill_null(0))
        .drop("hole")
    )


def _offset(day: pl.Expr, month: date) -> pl.Expr:
    return (day - pl.lit(month)).dt.total_days()


def _below(offset: pl.Expr) -> pl.Expr:
    return pl.lit(2, pl.Int64).pow(offset.clip(0, 31))
