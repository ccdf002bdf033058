"""Days that intervals tell of, laid over those that readings tell of."""

import polars as pl

INTERVALS, INTERVALS_ESTIMATED = "I", "E"
_BY_ACT = "[a-zU]"
_READ = "[MA]"


def lay_over(usage: pl.DataFrame, daily: pl.DataFrame) -> pl.DataFrame:
    """Daily use in which intervals stand above readings.

    `usage` as `compute_daily_usage` gives it over any days; `daily`: service_point_id, zone, place (the day's place in
    the rows, from 0), use_micro, row_id, is_measured. A day to which an act of unmetered use adds stays as it is, so
    does one of which readings tell and no interval of its own. Each day laid over is a span of its own, with the row's
    id, below zero, as its opening and closing: ids of readings are above it.
    """
    key = ["service_point_id", "zone"]
    if daily.is_empty() or usage.is_empty():
        return usage
    own = daily.select(key).unique()
    touched = usage.join(own, on=key, how="semi", maintain_order="left").with_row_index("row")
    if touched.is_empty():
        return usage
    days = _days(touched).join(
        touched.select("row", *key).join(daily, on=key).drop(key),
        on=["row", "place"],
        how="left",
        maintain_order="left",
    )
    is_weaker = (pl.col("row_id") == 0) & pl.col("letter").str.contains(_READ)
    is_told = pl.col("use_micro").is_not_null() & ~pl.col("letter").str.contains(_BY_ACT) & ~is_weaker
    letter = pl.when("is_measured").then(pl.lit(INTERVALS)).otherwise(pl.lit(INTERVALS_ESTIMATED))
    days = days.with_columns(
        is_told.alias("is_told"),
        use=pl.when(is_told).then("use_micro").otherwise("use"),
        letter=pl.when(is_told).then(letter).otherwise("letter"),
        opening=pl.when(is_told).then(-pl.col("row_id")).otherwise("opening"),
        closing=pl.when(is_told).then(-pl.col("row_id")).otherwise("closing"),
    )
    is_other = pl.struct("row", "span", "is_told").rle_id().diff().fill_null(1) != 0
    begins = pl.col("is_told") | is_other
    days = days.with_columns(run=begins.cum_sum())
    changed = _gathered(days, touched, usage.columns)
    rest = usage.join(own, on=key, how="anti", maintain_order="left")
    return pl.concat([rest, changed.cast(usage.schema)]).sort(key)


def _days(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per series and day: row, place, use, letter, span, opening, closing."""
    spans = (
        rows.select("row", "span_days", "span_opening", "span_closing")
        .explode("span_days", "span_opening", "span_closing", empty_as_null=False)
        .with_row_index("span")
        .with_columns(pl.col("span_opening", "span_closing", "span").repeat_by("span_days"))
        .explode("span_opening", "span_closing", "span", empty_as_null=False)
    )
    days = rows.select("row", use="days_micro", letter=pl.col("quality").str.split("")).explode(
        "use", "letter", empty_as_null=False
    )
    return days.with_columns(
        place=pl.int_range(pl.len(), dtype=pl.Int64).over("row"),
        span=spans["span"],
        opening=spans["span_opening"],
        closing=spans["span_closing"],
    )


def _gathered(days: pl.DataFrame, touched: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Days as rows again."""
    of_row = days.group_by("row", maintain_order=True).agg(
        pl.col("use").alias("days_micro"),
        pl.col("use").sum().alias("total_micro"),
        pl.col("letter").str.join("").alias("quality"),
    )
    spans = (
        days.group_by("row", "run", maintain_order=True)
        .agg(pl.len().cast(pl.Int16).alias("length"), pl.col("letter", "opening", "closing").first())
        .group_by("row", maintain_order=True)
        .agg(
            pl.col("length").alias("span_days"),
            pl.col("letter").str.join("").alias("span_quality"),
            pl.col("opening").alias("span_opening"),
            pl.col("closing").alias("span_closing"),
        )
    )
    names = touched.select("row", "service_point_id", "zone")
    return names.join(of_row, on="row").join(spans, on="row").select(columns)
