from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mains.kernel.period import Period, month_start, next_month

days = st.dates(min_value=date(1990, 1, 1), max_value=date(2060, 12, 31))
periods = st.builds(lambda start, length: Period(start, start + timedelta(length)), days, st.integers(1, 900))


@given(periods, st.lists(days, max_size=8))
def test_split_loses_and_doubles_no_day(period: Period, cuts: list[date]) -> None:
    pieces = period.split(cuts)
    assert [day for piece in pieces for day in piece.days()] == list(period.days())
    assert all(cut in {piece.start for piece in pieces} for cut in cuts if period.start < cut < period.end)


@given(periods)
def test_months_cut_at_first_days(period: Period) -> None:
    months = period.months()
    assert months[0].start == period.start
    assert months[-1].end == period.end
    assert all(month.start.day == 1 for month in months[1:])
    assert all(Period.month(month.start).covers(month) for month in months)


@given(periods, periods)
def test_intersection_and_difference_make_the_whole(left: Period, right: Period) -> None:
    common = left.intersect(right)
    rest = left.subtract(right)
    kept = set(common.days()) if common else set()
    assert kept == set(left.days()) & set(right.days())
    assert {day for piece in rest for day in piece.days()} == set(left.days()) - set(right.days())
    assert left.intersect(right) == right.intersect(left)


def test_the_end_is_not_inside() -> None:
    march = Period.month(date(2026, 3, 17))
    assert march == Period(date(2026, 3, 1), date(2026, 4, 1))
    assert date(2026, 3, 31) in march
    assert date(2026, 4, 1) not in march
    assert march.day_count == 31
    assert march.last_day == date(2026, 3, 31)
    assert march.intersect(Period.month(date(2026, 4, 1))) is None


def test_year_end() -> None:
    assert next_month(date(2026, 12, 31)) == date(2027, 1, 1)
    assert month_start(date(2024, 2, 29)) == date(2024, 2, 1)
    assert Period.year(2024).day_count == 366
    assert len(Period.year(2026).months()) == 12


def test_no_period_is_empty() -> None:
    with pytest.raises(ValueError, match="ends after it starts"):
        Period(date(2026, 1, 1), date(2026, 1, 1))
