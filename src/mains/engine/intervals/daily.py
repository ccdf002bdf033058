"""The days of many points that stored intervals tell of: sums of what was measured or estimated."""

from datetime import date, timedelta

import polars as pl

from mains.engine.intervals.filled import ROWS, fill_intervals, midnights

DAILY = pl.Schema(
    {
        "point_id": pl.Int64(),
        "register": pl.String(),
        "day": pl.Date(),
        "use_micro": pl.Int64(),
        "row_id": pl.Int64(),
        "is_measured": pl.Boolean(),
    }
)
_KEY = ["point_id", "register", "day"]


def daily_sums(*, rows: pl.DataFrame, from_date: date, to_date: date) -> pl.DataFrame:
    """DAILY of the days of [from_date, to_date) of which every interval is measured or can be estimated; `row_id` is 0
    where no row tells of the day itself.

    `rows`: ROWS with day and clock, from four weeks before `from_date` on; each is a whole day by the clock, which is
    the same in all rows of a point.
    """
    if rows.is_empty():
        return DAILY.to_frame()
    values = pl.col("values_micro").list
    whole = rows.filter(values.drop_nulls().list.len() == values.len()).select(
        *_KEY, "row_id", use_micro=values.sum(), is_measured=pl.lit(value=True)
    )
    told = whole.filter(pl.col("day").is_between(from_date, to_date, closed="left")).select(DAILY.names())
    days = pl.DataFrame({"day": pl.date_range(from_date, to_date, closed="left", eager=True)})
    known = rows.group_by("point_id", "register").agg(pl.col("clock").first(), first=pl.col("day").min())
    # Of the first day that is told of, and before it, no week tells.
    holes = (
        known.join(days, how="cross").filter(pl.col("day") > pl.col("first")).join(told, on=_KEY, how="anti")
    )
    parts = [told]
    for (clock,), own in holes.partition_by("clock", as_dict=True).items():
        parts.append(_estimated(own.sort(_KEY), rows, str(clock)))
    return pl.concat(parts).sort(_KEY)


def _estimated(holes: pl.DataFrame, rows: pl.DataFrame, clock: str) -> pl.DataFrame:
    spans = (
        holes.select("point_id", "day")
        .unique(maintain_order=True)
        .with_row_index("span_id")
        .with_columns(
            pl.col("span_id").cast(pl.Int64),
            start_at=midnights(pl.col("day"), clock),
            end_at=midnights(pl.col("day") + timedelta(days=1), clock),
        )
    )
    filled = fill_intervals(spans=spans, rows=rows.select(ROWS.names()))
    own = rows.select(*_KEY, "row_id").unique(_KEY)
    return (
        filled.filter(pl.col("steps") == 1, pl.col("missing") == 0)
        .join(spans.select("span_id", "point_id", "day"), on="span_id")
        .join(holes.select(_KEY), on=_KEY, how="semi")
        .join(own, on=_KEY, how="left")
        .select(
            *_KEY,
            use_micro=pl.col("values_micro").list.sum(),
            row_id=pl.col("row_id").fill_null(0),
            is_measured=pl.lit(value=False),
        )
    )
