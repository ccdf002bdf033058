"""Many months of some points: computed years at once and cut into months, equal to computing each month by itself."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

import polars as pl

from mains.kernel.period import next_month
from mains.metering.actions.usage.averages import averages_of
from mains.metering.actions.usage.facts import UsageFacts, compute_use
from mains.metering.values import Zone

_YEAR = 12
_YEARS_MAX = 3
_POINTS_MAX = 500
"""Beyond so many points a year of days takes more memory than it saves time; a third of them may have three years."""

_SERIES = ["service_point_id", "zone"]
_MONTHLY = ["month", *_SERIES]


def compute_months(
    facts: UsageFacts, *, months: Sequence[date], as_of: datetime, averages: pl.DataFrame
) -> pl.DataFrame:
    """The daily use of each of `months` (ascending): month and the engine's columns, one row per month and series.

    `averages` as `keep_averages` gives them.
    """
    if facts.points.height > _POINTS_MAX:
        return _one_by_one(facts, months=months, as_of=as_of, averages=averages)
    years_at_once = max(1, min(_YEARS_MAX, _POINTS_MAX // max(1, facts.points.height)))
    years = [_years(facts, months=group, as_of=as_of) for group in _groups(months, years_at_once * _YEAR)]
    # Class averages are a month's own, so points that need them are computed by the month.
    classed = pl.concat(
        [year.filter(pl.col("quality").str.contains("[Cc]"))["service_point_id"] for year in years]
    ).unique()
    if classed.is_empty():
        return pl.concat(years)
    others = [year.filter(~pl.col("service_point_id").is_in(classed.implode())) for year in years]
    again = _one_by_one(facts.of_points(classed), months=months, as_of=as_of, averages=averages)
    return pl.concat([*others, again])


def _one_by_one(
    facts: UsageFacts, *, months: Sequence[date], as_of: datetime, averages: pl.DataFrame
) -> pl.DataFrame:
    parts = []
    for month in months:
        usage = compute_use(
            facts, month=month, as_of=as_of, class_averages=averages_of(averages, month)
        ).usage
        parts.append(usage.select(pl.lit(month).alias("month"), *usage.columns))
    return pl.concat(parts)


def _years(facts: UsageFacts, *, months: Sequence[date], as_of: datetime) -> pl.DataFrame:
    """Adjoining months in one; every day that would need a class average is marked as such."""
    needed = facts.registers.select("class_code", "zone").drop_nulls().unique()
    usage = compute_use(
        facts,
        month=months[0],
        month_to=next_month(months[-1]),
        as_of=as_of,
        class_averages=needed.with_columns(use_micro=pl.lit(0, pl.Int64), days=pl.lit(1, pl.Int64)),
    ).usage
    return _cut(usage, facts, months)


def _groups(months: Sequence[date], length: int) -> Iterator[list[date]]:
    """Runs of months that follow one another, at most so many each."""
    group: list[date] = []
    for month in months:
        if group and (len(group) == length or month != next_month(group[-1])):
            yield group
            group = []
        group.append(month)
    if group:
        yield group


def _cut(usage: pl.DataFrame, facts: UsageFacts, months: Sequence[date]) -> pl.DataFrame:
    """The rows of years as rows of their months."""
    first = months[0]
    days = _days(usage, first)
    if days.is_empty():
        return _bare(usage.select(pl.lit(first).alias("month"), *usage.columns), facts, months)
    of_month = days.group_by("row", "month", maintain_order=True).agg(
        pl.col("use").alias("days_micro"),
        pl.col("use").sum().alias("total_micro"),
        pl.col("letter").str.join("").alias("quality"),
    )
    spans = (
        days.group_by("row", "month", "span", maintain_order=True)
        .agg(pl.len().cast(pl.Int16).alias("length"), pl.col("letter", "opening", "closing").first())
        .group_by("row", "month", maintain_order=True)
        .agg(
            pl.col("length").alias("span_days"),
            pl.col("letter").str.join("").alias("span_quality"),
            pl.col("opening").alias("span_opening"),
            pl.col("closing").alias("span_closing"),
        )
    )
    names = usage.select(_SERIES).with_row_index("row")
    rows = of_month.join(spans, on=["row", "month"]).join(names, on="row").select("month", *usage.columns)
    shown = _shown(rows, facts, months)
    return pl.concat([shown, _bare(shown, facts, months)]).sort(_MONTHLY)


def _days(usage: pl.DataFrame, first: date) -> pl.DataFrame:
    """One row per series and day: row, month, use, letter, span, opening, closing."""
    numbered = usage.with_row_index("row")
    spans = (
        numbered.select("row", "span_days", "span_opening", "span_closing")
        .explode("span_days", "span_opening", "span_closing")
        .with_row_index("span")
        .with_columns(pl.col("span_opening", "span_closing", "span").repeat_by("span_days"))
        .explode("span_opening", "span_closing", "span")
    )
    days = numbered.select("row", use="days_micro", letter=pl.col("quality").str.split("")).explode(
        "use", "letter"
    )
    day = pl.int_range(pl.len(), dtype=pl.Int64).over("row")
    return days.with_columns(
        month=(pl.lit(first) + pl.duration(days=day)).dt.month_start(),
        span=spans["span"],
        opening=spans["span_opening"],
        closing=spans["span_closing"],
    )


def _shown(rows: pl.DataFrame, facts: UsageFacts, months: Sequence[date]) -> pl.DataFrame:
    """Rows of series with an installation in the month, or use."""
    installed = (
        _during(facts.registers, months, "installed_from", "installed_to").select("month", *_SERIES).unique()
    )
    here = installed.with_columns(is_installed=pl.lit(value=True))
    return (
        rows.join(here, on=_MONTHLY, how="left")
        .filter(pl.col("is_installed").fill_null(value=False) | pl.col("quality").str.contains("[^X]"))
        .drop("is_installed")
    )


def _bare(shown: pl.DataFrame, facts: UsageFacts, months: Sequence[date]) -> pl.DataFrame:
    """An empty row in the total zone for points that are connected in a month and have no other row."""
    connected = (
        _during(facts.points, months, "connected_from", "connected_to")
        .select("month", "service_point_id")
        .unique()
    )
    length = pl.col("month").dt.days_in_month()
    nothing = pl.concat_list(pl.lit(0, pl.Int64))
    return (
        connected.join(shown, on=["month", "service_point_id"], how="anti")
        .with_columns(
            zone=pl.lit(int(Zone.TOTAL)).cast(shown.schema["zone"]),
            days_micro=pl.lit(0, pl.Int64).repeat_by(length),
            total_micro=pl.lit(0, pl.Int64),
            quality=pl.lit("X").repeat_by(length).list.join(""),
            span_days=pl.concat_list(length.cast(pl.Int16)),
            span_quality=pl.lit("X"),
            span_opening=nothing,
            span_closing=nothing,
        )
        .select(shown.columns)
    )


def _during(rows: pl.DataFrame, months: Sequence[date], start: str, end: str) -> pl.DataFrame:
    """Each row once for every month of which its half-open stretch has a day; a null end is open."""
    first = pl.DataFrame({"month": months}, schema={"month": pl.Date})
    return rows.join(first, how="cross").filter(
        pl.col(start) < pl.col("month").dt.offset_by("1mo"),
        pl.col(end).is_null() | (pl.col(end) > pl.col("month")),
    )
