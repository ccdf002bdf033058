"""Forecasts of whole months to come that know the season, in columns. The rule is in README.md."""

from datetime import date

import numpy as np
import polars as pl

from mains.kernel.period import next_month

LAST_MONTHS = 3
"""How many months before the present one tell how much a point uses now."""

HISTORY = pl.Schema(
    {
        "month": pl.Date(),
        "service_point_id": pl.Int64(),
        "zone": pl.Int16(),
        "class_code": pl.String(),
        "total_micro": pl.Int64(),
    }
)
SHAPE = pl.Schema(
    {
        "class_code": pl.String(),
        "zone": pl.Int16(),
        "calendar_month": pl.Int8(),
        "use_micro": pl.Int64(),
        "days": pl.Int64(),
    }
)
_SERIES = ["service_point_id", "zone"]
_MILLION = 1_000_000
_GUESSES = "FC"


def month_before(month: date, count: int) -> date:
    """The first day of the month `count` months earlier."""
    index = month.year * 12 + month.month - 1 - count
    return date(index // 12, index % 12 + 1, 1)


def same_month_before(month: date, *, present: date) -> date:
    """The latest month of the same name that was over before `present` began."""
    years = max(1, -(-((month.year - present.year) * 12 + month.month - present.month + 1) // 12))
    return month_before(month, 12 * years)


def history_months(*, months: list[date], present: date) -> list[date]:
    """The months whose use the forecast of `months` asks for."""
    last = [month_before(present, count) for count in range(1, LAST_MONTHS + 1)]
    return sorted(
        {
            *(same_month_before(month, present=present) for month in months),
            *last,
            *(month_before(month, 12) for month in last),
        }
    )


def shape_of_classes(history: pl.DataFrame) -> pl.DataFrame:
    """What the points of each class used by calendar month: SHAPE, from rows of HISTORY."""
    return (
        history.drop_nulls("class_code")
        .with_columns(calendar_month=pl.col("month").dt.month())
        .group_by("class_code", "zone", "calendar_month")
        .agg(use_micro=pl.col("total_micro").sum(), days=_days("month").sum())
        .sort("class_code", "zone", "calendar_month")
        .select(pl.col(name).cast(kind) for name, kind in SHAPE.items())
    )


def forecast_month(*, month: date, present: date, history: pl.DataFrame, shape: pl.DataFrame) -> pl.DataFrame:
    """The use of a month to come of the series with a history of the season: service_point_id, zone, total_micro.

    `history`: HISTORY, months of a series all of whose days come from readings; `shape`: SHAPE. Series
    without a row are those that only an average can forecast.
    """
    last = [month_before(present, count) for count in range(1, LAST_MONTHS + 1)]
    now = history.filter(pl.col("month").is_in(last))
    then = now.select(*_SERIES, "total_micro", month=pl.col("month").dt.offset_by("-12mo")).join(
        history.select(*_SERIES, "month", before_micro="total_micro"), on=[*_SERIES, "month"]
    )
    scale = then.group_by(_SERIES).agg(pl.col("total_micro", "before_micro").sum())
    own = _of_the_year_before(history, scale, month=month, present=present)
    return pl.concat([own, _by_shape(now.join(own, on=_SERIES, how="anti"), shape, month=month)])


def _of_the_year_before(
    history: pl.DataFrame, scale: pl.DataFrame, *, month: date, present: date
) -> pl.DataFrame:
    """The same month a year before, in the proportion of the last months to those months a year before."""
    same = same_month_before(month, present=present)
    rows = history.filter(pl.col("month") == same).join(
        scale, on=_SERIES, how="left", suffix="_now", maintain_order="left"
    )
    is_scaled = pl.col("before_micro") > 0
    part = pl.when(is_scaled).then("total_micro_now").otherwise(1).fill_null(1).cast(pl.Int128)
    whole = pl.when(is_scaled).then("before_micro").otherwise(1).fill_null(1).cast(pl.Int128)
    total = pl.col("total_micro").cast(pl.Int128) * part * _count(month) // (whole * _count(same))
    return rows.select(*_SERIES, total_micro=total.cast(pl.Int64))


def _by_shape(now: pl.DataFrame, shape: pl.DataFrame, *, month: date) -> pl.DataFrame:
    """The last months' use of a day, in the proportion in which the class uses more or less in the month."""
    key = ["class_code", "zone"]
    wanted = shape.filter(pl.col("calendar_month") == month.month, pl.col("days") > 0)
    months = (
        now.drop_nulls("class_code")
        .with_columns(calendar_month=pl.col("month").dt.month())
        .join(shape.rename({"days": "class_days"}), on=[*key, "calendar_month"])
    )
    series = months.group_by([*_SERIES, "class_code"]).agg(
        pl.col("total_micro").sum(),
        pl.col("use_micro", "class_days").sum(),
        days=_days("month").sum(),
        months=pl.len(),
    )
    rows = series.join(wanted, on=key, suffix="_wanted").filter(pl.col("use_micro") > 0)
    wide = pl.col("use_micro_wanted", "class_days", "days_wanted", "use_micro", "total_micro").cast(pl.Int128)
    # The proportion to a millionth: a forecast is no more exact than that, and products stay far below 128 bits.
    factor = (
        pl.col("use_micro_wanted")
        * pl.col("class_days")
        * _MILLION
        // (pl.col("days_wanted") * pl.col("use_micro"))
    )
    return (
        rows.with_columns(wide)
        .with_columns(factor=factor)
        .select(
            *_SERIES,
            total_micro=(
                pl.col("total_micro") * pl.col("factor") * _count(month) // (pl.col("days") * _MILLION)
            ).cast(pl.Int64),
        )
    )


def _count(month: date) -> int:
    return (next_month(month) - month).days


def _days(column: str) -> pl.Expr:
    return pl.col(column).dt.month_end().dt.day().cast(pl.Int64)


def put_forecast(usage: pl.DataFrame, totals: pl.DataFrame) -> pl.DataFrame:
    """The use of a month's days with the forecast of the season in the place of other guesses, spread evenly.

    `usage`: service_point_id, zone, days_micro, quality; `totals` as `forecast_month` gives them, of the whole month.
    On days on which a point is not connected it has no forecast.
    """
    joined = usage.join(totals, on=_SERIES, how="left", maintain_order="left")
    known, rest = joined.filter(pl.col("total_micro").is_not_null()), pl.col("total_micro").is_null()
    if known.is_empty():
        return usage
    count = len(known["days_micro"][0])
    letters = np.frombuffer("".join(known["quality"]).encode(), dtype=np.uint8).reshape(-1, count)
    is_guess = np.isin(letters, np.frombuffer(_GUESSES.encode(), dtype=np.uint8))
    stored = known["days_micro"].explode(empty_as_null=False).to_numpy().reshape(-1, count)
    whole, part = np.divmod(known["total_micro"].to_numpy()[:, None], count)
    day = np.arange(count, dtype=np.int64)[None, :]
    spread = whole + part * (day + 1) // count - part * day // count
    days = pl.Series(np.where(is_guess, spread, stored)).arr.to_list()
    seasonal = known.with_columns(days_micro=days)
    return pl.concat([seasonal, joined.filter(rest)]).select(usage.columns)
