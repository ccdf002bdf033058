"""Stored intervals made into series without holes: the columns against one interval after the other."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mains.engine.intervals.errors import without_errors
from mains.engine.intervals.filled import ROWS, YEAR_BEFORE, days_a_year_later, fill_intervals, midnights
from mains.engine.intervals.known import KnownIntervals, midnight, without_error
from mains.engine.intervals.values import IntervalRow, UnableToMeasure

CLOCKS = ("UTC", "Europe/Berlin", "Africa/Lagos", "America/Santiago", "Asia/Kathmandu")


def frame(rows: list[IntervalRow], *, point: int = 1) -> pl.DataFrame:
    return pl.DataFrame(
        [(row.row_id, point, row.register, row.start_at, row.step_minutes, list(row.micro)) for row in rows],
        schema=ROWS,
        orient="row",
    )


def span(first: date, end: date, clock: str) -> pl.DataFrame:
    days = pl.DataFrame({"span_id": [7], "point_id": [1], "first": [first], "end": [end]})
    return days.with_columns(
        start_at=midnights(pl.col("first"), clock), end_at=midnights(pl.col("end"), clock)
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[IntervalRow], date, date, str]:
    clock = draw(st.sampled_from(CLOCKS))
    first = date(2024, 3, 20) + timedelta(days=draw(st.integers(0, 240)))
    end = first + timedelta(days=draw(st.integers(1, 4)))
    step = draw(st.sampled_from([15, 30, 60]))
    rows = []
    for number in range(-35, (end - first).days):
        if draw(st.integers(0, 3)) == 0:
            continue
        day = first + timedelta(days=number)
        start, stop = midnight(day, clock), midnight(day + timedelta(days=1), clock)
        count = int((stop - start) / timedelta(minutes=step))
        values = [number * 100 + at for at in range(count)]
        for hole in draw(st.lists(st.integers(0, count - 1), max_size=3)):
            values[hole] = None
        rows.append(IntervalRow(1000 + number, "usage", start, step, tuple(values), "file"))
    return rows, first, end, clock


@settings(max_examples=60, deadline=None)
@given(histories())
def test_columns_fill_as_one_interval_after_the_other(
    history: tuple[list[IntervalRow], date, date, str],
) -> None:
    rows, first, end, clock = history
    filled = fill_intervals(spans=span(first, end, clock), rows=frame(rows))
    known = KnownIntervals(rows)
    walked = list(known.walk("usage", midnight(first, clock), midnight(end, clock)))
    if filled.is_empty():
        assert not walked
        return
    row = filled.row(0, named=True)
    assert row["values_micro"] == [None if found is None else found.micro for _at, found in walked]
    assert row["start_at"] == midnight(first, clock)
    assert row["estimated"] == sum(1 for _at, found in walked if found and found.weeks_before)
    missing = [at for at, found in walked if found is None]
    assert (row["missing"], row["first_missing_at"]) == (len(missing), missing[0] if missing else None)
    if missing:
        with pytest.raises(UnableToMeasure, match=f"{len(missing)} of {len(walked)} intervals"):
            known.series("usage", first=first, end=end, clock=clock)
    else:
        series = known.series("usage", first=first, end=end, clock=clock)
        assert series is not None
        assert list(series.micro) == row["values_micro"]
        days = list(known.days("usage", first=first, end=end, clock=clock))
        assert sum(day.micro for day in days) == sum(row["values_micro"])


def test_a_missing_interval_is_that_of_the_nearest_week_before() -> None:
    monday = datetime(2024, 1, 29, 10, tzinfo=UTC)
    rows = [
        IntervalRow(1, "usage", monday - timedelta(weeks=5), 60, (55,)),
        IntervalRow(2, "usage", monday - timedelta(weeks=3), 60, (33,)),
        IntervalRow(3, "usage", monday - timedelta(weeks=2), 60, (None,)),
    ]
    found = KnownIntervals(rows).find("usage", monday)
    assert found is not None
    assert (found.micro, found.weeks_before, found.name) == (33, 3, "2.1")
    # What was measured five weeks before says nothing any more.
    assert KnownIntervals(rows[:1]).find("usage", monday) is None


def test_intervals_of_two_lengths_are_refused_by_both() -> None:
    day = datetime(2024, 1, 29, tzinfo=UTC)
    rows = [
        IntervalRow(1, "usage", day, 60, (1,) * 24),
        IntervalRow(2, "usage", day + timedelta(days=1), 30, (1,) * 48),
    ]
    spans = span(date(2024, 1, 29), date(2024, 1, 31), "UTC")
    assert fill_intervals(spans=spans, rows=frame(rows))["steps"].to_list() == [2]
    with pytest.raises(UnableToMeasure, match="several lengths"):
        KnownIntervals(rows).series("usage", first=date(2024, 1, 29), end=date(2024, 1, 31), clock="UTC")


def test_the_day_on_which_the_clock_jumps_has_its_own_number_of_intervals() -> None:
    for day, hours in ((date(2024, 3, 31), 23), (date(2024, 10, 27), 25)):
        start, end = (midnight(each, "Europe/Berlin") for each in (day, day + timedelta(days=1)))
        assert (end - start) == timedelta(hours=hours)
        rows = [IntervalRow(9, "usage", start, 60, (1_000_000,) * hours)]
        (found,) = KnownIntervals(rows).days(
            "usage", first=day, end=day + timedelta(days=1), clock="Europe/Berlin"
        )
        assert (found.micro, found.is_measured) == (hours * 1_000_000, True)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.one_of(st.none(), st.integers(-(2**45) + 1, 2**45 - 1)), min_size=1, max_size=5),
            st.one_of(st.none(), st.integers(-9_999, 100_000).filter(bool)),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_both_ways_correct_what_a_faulty_meter_counted(
    days: list[tuple[list[int | None], int | None]],
) -> None:
    start = datetime(2024, 3, 20, tzinfo=UTC)
    rows = [IntervalRow(at, "usage", start, 60, tuple(values)) for at, (values, _percent) in enumerate(days)]
    errors = [percent for _values, percent in days]
    columns = without_errors(frame(rows).with_columns(percent_hundredths=pl.Series(errors, dtype=pl.Int64)))
    exact = [
        row if percent is None else without_error(row, percent_hundredths=percent, fault="certificate")
        for row, percent in zip(rows, errors, strict=True)
    ]
    assert columns["values_micro"].to_list() == [list(row.micro) for row in exact]
    assert columns.columns == ROWS.names()
    assert [row.counted for row in exact if row.fault] == [
        row.micro for row, e in zip(rows, errors, strict=True) if e
    ]


def test_a_day_a_year_later_has_the_length_of_that_day() -> None:
    """On 31 March 2024 clocks jump in Berlin; 30 March 2025 is 52 weeks later, and it jumps then too; a day before
    not."""
    clock = "Europe/Berlin"
    days = [date(2024, 3, 30), date(2024, 3, 31), date(2024, 10, 20), date(2024, 10, 27)]
    rows = []
    for number, day in enumerate(days):
        start, stop = midnight(day, clock), midnight(day + timedelta(days=1), clock)
        count = int((stop - start) / timedelta(hours=1))
        rows.append(IntervalRow(number, "usage", start, 60, tuple(range(count))))
    assert [len(row.micro) for row in rows] == [24, 23, 24, 25]
    told = frame(rows).with_columns(day=pl.Series(days), clock=pl.lit(clock))
    later = days_a_year_later(told).sort("day")
    assert later["day"].to_list() == [day + YEAR_BEFORE for day in days]
    assert [len(values) for values in later["values_micro"]] == [24, 23, 24, 24 + 1]
    assert later["start_at"].to_list() == [midnight(day + YEAR_BEFORE, clock) for day in days]
