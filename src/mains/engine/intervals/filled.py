"""Stored intervals of many points as series without holes: measured, or taken for a missing interval."""

from datetime import timedelta

import polars as pl

from mains.engine.intervals.values import ESTIMATE_WEEKS

ROWS = pl.Schema(
    {
        "row_id": pl.Int64(),
        "point_id": pl.Int64(),
        "register": pl.String(),
        "start_at": pl.Datetime("us", "UTC"),
        "step_minutes": pl.Int64(),
        "values_micro": pl.List(pl.Int64),
    }
)
"""Stored rows as `fill_intervals` takes them: adjoining intervals from `start_at` on, null where one is missing. Rows
of one point and register do not overlap."""

YEAR_BEFORE = timedelta(weeks=52)
"""Days to come are taken for those of so long before, which fall on the same days of the week."""

_WEEK_US = 7 * 24 * 3600 * 1_000_000
_MINUTE_US = 60_000_000
_KEY = ["point_id", "register", "at"]


def fill_intervals(*, spans: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Series of each span and register: `spans` has span_id (unique), point_id, start_at, end_at (UTC).

    Gives span_id, register, start_at, step_minutes, steps (how many lengths of interval the rows have), values_micro
    (null where nothing is known), estimated, missing (counts) and first_missing_at. A register has a series where a row
    of the span, or of the four weeks before it, has intervals of it. A missing interval is taken for the one of the
    week before, or of two, three or four weeks before.
    """
    ends = pl.col("row_start") + pl.duration(minutes=pl.col("step_minutes") * pl.col("count"))
    here = (
        spans.select("span_id", "point_id", span_start="start_at", span_end="end_at")
        .join(
            rows.select(
                "point_id",
                "register",
                "step_minutes",
                row_start="start_at",
                count=pl.col("values_micro").list.len(),
            ),
            on="point_id",
        )
        .filter(
            pl.col("row_start") < pl.col("span_end"),
            ends > pl.col("span_start") - timedelta(weeks=ESTIMATE_WEEKS),
        )
    )
    series = (
        here.group_by("span_id", "point_id", "register")
        .agg(
            pl.col("span_start", "span_end").first(),
            step_minutes=pl.col("step_minutes").min(),
            steps=pl.col("step_minutes").n_unique(),
        )
        .sort("span_id", "register")
    )
    return _filled(series, _measured(rows))


def _measured(rows: pl.DataFrame) -> pl.DataFrame:
    """Every interval that a row tells of: point_id, register, at (microseconds), value."""
    return (
        rows.select(
            "point_id",
            "register",
            "step_minutes",
            start="start_at",
            value="values_micro",
            place=pl.int_ranges(0, pl.col("values_micro").list.len()),
        )
        .explode("value", "place", empty_as_null=False)
        .filter(pl.col("value").is_not_null())
        .select(
            "point_id",
            "register",
            "value",
            at=pl.col("start").to_physical() + pl.col("place") * pl.col("step_minutes") * _MINUTE_US,
        )
    )


def _filled(series: pl.DataFrame, measured: pl.DataFrame) -> pl.DataFrame:
    step = pl.col("step_minutes") * _MINUTE_US
    start, end = pl.col("span_start").to_physical(), pl.col("span_end").to_physical()
    grid = series.with_columns(place=pl.int_ranges(0, (end - start + step - 1) // step)).explode(
        "place", empty_as_null=False
    )
    grid = grid.with_columns(at=start + pl.col("place") * step).join(
        measured, on=_KEY, how="left", maintain_order="left"
    )
    holes = grid.filter(pl.col("value").is_null()).select(_KEY).unique()
    for weeks in range(1, ESTIMATE_WEEKS + 1):
        earlier = measured.with_columns(pl.col("at") + weeks * _WEEK_US).rename({"value": f"week{weeks}"})
        holes = holes.join(earlier, on=_KEY, how="left")
    taken = holes.select(*_KEY, taken=pl.coalesce(f"week{weeks}" for weeks in range(1, ESTIMATE_WEEKS + 1)))
    grid = grid.join(taken, on=_KEY, how="left", maintain_order="left")
    value = pl.coalesce("value", "taken")
    return grid.group_by("span_id", "register", maintain_order=True).agg(
        pl.col("span_start").first().alias("start_at"),
        pl.col("step_minutes", "steps").first(),
        value.alias("values_micro"),
        estimated=(pl.col("value").is_null() & pl.col("taken").is_not_null()).sum(),
        missing=value.is_null().sum(),
        first_missing_at=pl.col("at").filter(value.is_null()).min().cast(pl.Datetime("us", "UTC")),
    )


def days_a_year_later(rows: pl.DataFrame) -> pl.DataFrame:
    """Stored days (day, clock, start_at, step_minutes, values_micro and more) as those 52 weeks later.

    Of a day that is shorter by its clock, the last intervals are left out; of a longer one they are missing.
    """
    parts = [rows.clear()]
    for (clock,), own in rows.partition_by("clock", as_dict=True).items():
        later = own.with_columns(pl.col("day") + YEAR_BEFORE).with_columns(
            start_at=midnights(pl.col("day"), str(clock)),
            end_at=midnights(pl.col("day") + timedelta(days=1), str(clock)),
        )
        count = (pl.col("end_at") - pl.col("start_at")).dt.total_minutes() // pl.col("step_minutes")
        parts.append(later.with_columns(pl.col("values_micro").list.head(count)).select(rows.columns))
    return pl.concat(parts)


def midnights(days: pl.Expr, clock: str) -> pl.Expr:
    """The instants at which days begin by a clock; where it leaves midnight out, the first instant after it."""
    local = days.cast(pl.Datetime("us"))

    def instant(at: pl.Expr) -> pl.Expr:
        return at.dt.replace_time_zone(clock, ambiguous="earliest", non_existent="null")

    # Clocks jump over midnight by an hour or by half of one.
    shifts = [local, local.dt.offset_by("30m"), local.dt.offset_by("1h")]
    return pl.coalesce(instant(shift) for shift in shifts).dt.convert_time_zone("UTC")
