"""Daily usage told as stories, each with figures worked out by hand."""

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from itertools import count

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mains.engine.usage import (
    UnableToComputeUsage,
    UsageResult,
    UsageRules,
    compute_daily_usage,
    describe_exception,
    usage_of_segments,
)
from mains.engine.usage.exact import Installation, Norm, Point, Reading

KWH = 10**6
ALWAYS = ((date(2020, 1, 1), None),)
Compute = Callable[..., UsageResult]


def meter(register_id: int = 1, **changes: object) -> Installation:
    settings_ = {
        "register_id": register_id,
        "zone": "total",
        "digits": 5,
        "multiplier": Fraction(1),
        "installed_from": date(2024, 1, 1),
    }
    return Installation(**(settings_ | changes))


def readings(
    *values: tuple[date, int], register_id: int = 1, first_id: int = 1, priority: int = 20
) -> tuple[Reading, ...]:
    """Readings in whole units."""
    ids = count(first_id)
    return tuple(
        Reading(number := next(ids), register_id, day, value * KWH, priority, number) for day, value in values
    )


def point(
    *installations: Installation, taken: tuple[Reading, ...] = (), norms: tuple[Norm, ...] = ()
) -> Point:
    return Point(connected=ALWAYS, installations=installations, readings=taken, norms=norms)


def month_of(result: UsageResult, zone: str = "total") -> dict[str, object]:
    return result.usage.filter(pl.col("zone") == zone).row(0, named=True)


def test_days_between_readings_share_the_difference_to_the_last_micro_unit(compute: Compute) -> None:
    taken = readings((date(2026, 1, 31), 100), (date(2026, 2, 28), 200))
    shown = month_of(
        compute([point(meter(), taken=taken)], month_from=date(2026, 2, 1), month_to=date(2026, 3, 1))
    )
    # 100 kWh over 28 days: 3.571428 or 3.571429 a day.
    assert shown["total_micro"] == 100 * KWH
    assert set(shown["days_micro"]) == {3_571_428, 3_571_429}
    assert (shown["quality"], shown["span_days"]) == ("A" * 28, [28])
    assert (shown["span_opening"], shown["span_closing"]) == ([1], [2])


def test_a_leap_day_is_a_day(compute: Compute) -> None:
    taken = readings((date(2024, 1, 31), 0), (date(2024, 2, 29), 29))
    shown = month_of(
        compute([point(meter(), taken=taken)], month_from=date(2024, 2, 1), month_to=date(2024, 3, 1))
    )
    assert shown["days_micro"] == [KWH] * 29


def test_daily_readings_are_measured(compute: Compute) -> None:
    taken = readings(
        (date(2026, 1, 31), 0), (date(2026, 2, 1), 3), (date(2026, 2, 2), 4), (date(2026, 2, 4), 10)
    )
    shown = month_of(
        compute([point(meter(), taken=taken)], month_from=date(2026, 2, 1), month_to=date(2026, 2, 5))
    )
    assert shown["days_micro"] == [3 * KWH, KWH, 3 * KWH, 3 * KWH]
    assert shown["quality"] == "MMAA"
    assert (shown["span_days"], shown["span_quality"]) == ([1, 1, 2], "MMA")


def test_a_register_rolls_over_and_a_person_hears_of_it(compute: Compute) -> None:
    taken = readings((date(2026, 1, 31), 99_990), (date(2026, 2, 28), 10))
    result = compute(
        [point(meter(multiplier=Fraction(20)), taken=taken)],
        month_from=date(2026, 2, 1),
        month_to=date(2026, 3, 1),
    )
    assert month_of(result)["total_micro"] == 20 * 20 * KWH
    assert result.exceptions.select("reading_id", "code", "set_aside").rows() == [
        (2, "rollover-assumed", False)
    ]
    message, remedy = describe_exception(result.exceptions.row(0, named=True))
    assert message == "10 of 2026-02-28 is lower than 99990 before it; a rollover was assumed."
    assert remedy


def test_half_the_range_is_a_rollover_and_one_unit_more_is_not(compute: Compute) -> None:
    month = {"month_from": date(2026, 2, 1), "month_to": date(2026, 3, 1)}
    half = readings((date(2026, 1, 31), 60_000), (date(2026, 2, 28), 10_000))
    more = readings((date(2026, 1, 31), 60_000), (date(2026, 2, 28), 10_001))
    assert month_of(compute([point(meter(), taken=half)], **month))["total_micro"] == 50_000 * KWH
    result = compute([point(meter(), taken=more)], **month)
    assert result.exceptions["code"].to_list() == ["lower-than-last"]
    assert result.exceptions["other_reading_id"].to_list() == [1]


def test_a_confirmed_rollover_needs_no_assumption(compute: Compute) -> None:
    first, second = readings((date(2026, 1, 31), 60_000), (date(2026, 2, 28), 10_001))
    confirmed = second._replace(rollover=True)
    result = compute(
        [point(meter(), taken=(first, confirmed))], month_from=date(2026, 2, 1), month_to=date(2026, 3, 1)
    )
    assert month_of(result)["total_micro"] == 50_001 * KWH
    assert result.exceptions.is_empty()


def test_a_control_visit_overrules_the_portal(compute: Compute) -> None:
    taken = (
        *readings((date(2026, 1, 31), 100)),
        *readings((date(2026, 2, 10), 900), first_id=2, priority=50),
        *readings((date(2026, 2, 28), 128), first_id=3, priority=10),
    )
    result = compute([point(meter(), taken=taken)], month_from=date(2026, 2, 1), month_to=date(2026, 3, 1))
    assert month_of(result)["days_micro"] == [KWH] * 28
    assert result.exceptions.select("reading_id", "code", "other_reading_id").rows() == [
        (2, "higher-than-next", 3)
    ]


def test_the_day_of_an_exchange_has_the_use_of_both_meters(compute: Compute) -> None:
    old = meter(1, installed_to=date(2026, 2, 11))
    new = meter(2, installed_from=date(2026, 2, 10))
    taken = (
        *readings((date(2026, 1, 31), 1_000), (date(2026, 2, 10), 1_020)),
        *readings((date(2026, 2, 9), 0), (date(2026, 2, 28), 19), register_id=2, first_id=3),
    )
    shown = month_of(
        compute([point(old, new, taken=taken)], month_from=date(2026, 2, 1), month_to=date(2026, 3, 1))
    )
    assert shown["days_micro"] == [2 * KWH] * 9 + [3 * KWH] + [KWH] * 18
    assert (shown["span_days"], shown["span_opening"], shown["span_closing"]) == (
        [9, 1, 18],
        [1, 1, 3],
        [2, 4, 4],
    )


def test_missing_days_are_forecast_from_own_history_and_replaced_by_a_reading(compute: Compute) -> None:
    month = {"month_from": date(2026, 3, 1), "month_to": date(2026, 4, 1)}
    history = readings((date(2025, 12, 31), 0), (date(2026, 3, 10), 138))  # 2 kWh on each of 69 days
    shown = month_of(compute([point(meter(), taken=history)], **month))
    assert shown["days_micro"] == [2 * KWH] * 31
    assert (shown["quality"], shown["span_closing"]) == ("A" * 10 + "F" * 21, [2, 0])

    late = (*history, *readings((date(2026, 3, 31), 138 + 63), first_id=3))
    shown = month_of(compute([point(meter(), taken=late)], **month))
    assert shown["days_micro"] == [2 * KWH] * 10 + [3 * KWH] * 21
    assert shown["quality"] == "A" * 31


def test_without_history_the_class_speaks_then_the_norm_then_nobody(compute: Compute) -> None:
    norm = Norm("total", date(2024, 1, 1), None, 310 * KWH, "month")
    classed = meter(1, class_average=Fraction(5 * KWH))
    usage = compute(
        [
            point(classed, norms=(norm,)),
            point(meter(2), norms=(norm,)),
            point(meter(3)),
            point(norms=(norm,)),
            point(),
        ],
        month_from=date(2026, 3, 1),
        month_to=date(2026, 4, 1),
    ).usage
    assert usage["quality"].to_list() == ["C" * 31, "N" * 31, "X" * 31, "N" * 31, "X" * 31]
    assert usage["total_micro"].to_list() == [155 * KWH, 310 * KWH, 0, 310 * KWH, 0]


def test_a_monthly_norm_sums_exactly_and_stops_with_the_connection(compute: Compute) -> None:
    norm = Norm("total", date(2024, 1, 1), None, 100 * KWH, "month")
    away = Point(
        connected=((date(2020, 1, 1), date(2026, 3, 11)),), installations=(), readings=(), norms=(norm,)
    )
    usage = compute(
        [point(norms=(norm,)), away], month_from=date(2026, 3, 1), month_to=date(2026, 4, 1)
    ).usage
    assert usage["total_micro"].to_list() == [100 * KWH, 100 * KWH * 10 // 31]
    assert usage["quality"][1] == "N" * 10 + "X" * 21


def test_readings_that_cannot_be_are_set_aside_with_the_reason(compute: Compute) -> None:
    removed = meter(1, installed_to=date(2026, 2, 11))
    taken = readings(
        (date(2026, 1, 31), 100),
        (date(2026, 2, 10), 110),
        (date(2026, 2, 11), 111),
        (date(2026, 2, 5), 100_000),
        (date(2026, 4, 1), 120),
    )
    stray = readings((date(2026, 2, 5), 5), register_id=99, first_id=9)
    result = compute(
        [point(removed, taken=(*taken, *stray))],
        month_from=date(2026, 2, 1),
        month_to=date(2026, 3, 1),
        as_of_date=date(2026, 3, 15),
    )
    assert dict(result.exceptions.select("reading_id", "code").rows()) == {
        3: "outside-installation",
        4: "beyond-digits",
        5: "future-reading",
        9: "unknown-register",
    }
    assert month_of(result)["days_micro"] == [KWH] * 10 + [0] * 18
    for row in result.exceptions.iter_rows(named=True):
        assert all(describe_exception(row))


def test_a_relocated_meter_closes_one_place_and_opens_the_next(compute: Compute) -> None:
    taken = readings((date(2026, 1, 31), 0), (date(2026, 2, 10), 10), (date(2026, 2, 28), 46))
    here, there = meter(1, installed_to=date(2026, 2, 11)), meter(1, installed_from=date(2026, 2, 11))
    result = compute(
        [point(here, taken=taken), point(there)], month_from=date(2026, 2, 1), month_to=date(2026, 3, 1)
    )
    assert result.usage["total_micro"].to_list() == [10 * KWH, 36 * KWH]
    assert result.usage["quality"].to_list() == ["A" * 10 + "X" * 18, "X" * 10 + "A" * 18]
    assert result.exceptions.is_empty()


def test_a_use_beyond_reason_is_set_aside_not_wrapped(compute: Compute) -> None:
    huge = meter(1, digits=12, multiplier=Fraction(10**6))
    taken = readings((date(2026, 1, 31), 0), (date(2026, 2, 28), 400_000_000_000), (date(2026, 3, 1), 29))
    result = compute([point(huge, taken=taken)], month_from=date(2026, 2, 1), month_to=date(2026, 3, 2))
    assert result.exceptions.select("reading_id", "code").rows() == [(2, "use-too-large")]
    assert month_of(result)["days_micro"] == [KWH * 10**6] * 29


def test_a_shape_spreads_use_by_its_weights(compute: Compute) -> None:
    shape = tuple(3 if day < 45 else 1 for day in range(366))
    taken = readings((date(2026, 1, 31), 0), (date(2026, 2, 28), 56))  # 14 days of 3, 14 days of 1
    shown = month_of(
        compute(
            [point(meter(shape=shape), taken=taken)], month_from=date(2026, 2, 1), month_to=date(2026, 3, 1)
        )
    )
    assert shown["days_micro"] == [3 * KWH] * 14 + [KWH] * 14


@pytest.mark.parametrize(("year", "days"), [(2024, [7, 1, 5]), (2026, [7, 5])])
def test_a_shape_passes_over_29_february_in_ordinary_years(
    compute: Compute, year: int, days: list[int]
) -> None:
    shape = tuple({58: 7, 59: 1, 60: 5}.get(day, 0) for day in range(366))
    taken = readings((date(year, 2, 27), 0), (date(year, 3, 1), sum(days)))
    shown = month_of(
        compute(
            [point(meter(shape=shape, installed_from=date(2020, 1, 1)), taken=taken)],
            month_from=date(year, 2, 28),
            month_to=date(year, 3, 2),
        )
    )
    assert shown["days_micro"] == [KWH * each for each in days]


def test_a_great_consumer_is_forecast_too(compute: Compute) -> None:
    works = meter(digits=9, multiplier=Fraction(100))
    taken = readings((date(2026, 1, 31), 0), (date(2026, 3, 31), 59 * 1_000_000))
    shown = month_of(
        compute([point(works, taken=taken)], month_from=date(2026, 4, 1), month_to=date(2026, 5, 1))
    )
    assert shown["days_micro"] == [100_000_000 * KWH] * 30
    assert shown["quality"] == "F" * 30


def test_a_day_is_guessed_once_when_the_readings_of_an_exchange_are_missing(compute: Compute) -> None:
    old, new = meter(1, installed_to=date(2026, 4, 11)), meter(2, installed_from=date(2026, 4, 10))
    taken = readings((date(2026, 1, 31), 0), (date(2026, 3, 31), 59))
    shown = month_of(
        compute([point(old, new, taken=taken)], month_from=date(2026, 4, 1), month_to=date(2026, 5, 1))
    )
    assert shown["days_micro"] == [KWH] * 30
    assert (shown["span_days"], shown["span_opening"]) == ([9, 21], [2, 0])


def test_a_wrong_frame_is_refused_by_name() -> None:
    with pytest.raises(UnableToComputeUsage) as refused:
        compute_daily_usage(
            points=pl.DataFrame({"service_point_id": [1]}),
            registers=pl.DataFrame(),
            readings=pl.DataFrame(),
            month_from=date(2026, 2, 1),
            month_to=date(2026, 3, 1),
            as_of_date=date(2026, 3, 1),
        )
    assert (refused.value.code, refused.value.place) == ("usage-column-missing", "points.connected_from")


def test_overlapping_norms_and_impossible_rules_are_refused(compute: Compute) -> None:
    norms = tuple(Norm("total", date(2024, 1, day), None, KWH, "day") for day in (1, 2))
    with pytest.raises(UnableToComputeUsage, match="overlap"):
        compute([point(norms=norms)], month_from=date(2026, 2, 1), month_to=date(2026, 3, 1))
    with pytest.raises(UnableToComputeUsage, match="history"):
        UsageRules(lookback_days=10, history_days_min=11)


histories = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 99_999)),
    min_size=2,
    max_size=8,
    unique_by=lambda row: row[0],
)


@settings(max_examples=60, deadline=None)
@given(history=histories, cut=st.integers(1, 365), multiplier=st.sampled_from([1, 20, Fraction(1, 8)]))
def test_a_year_is_the_sum_of_its_parts_wherever_it_is_cut(
    compute: Compute, history: list[tuple[int, int]], cut: int, multiplier: Fraction
) -> None:
    start = date(2024, 1, 1).toordinal()
    values = sorted(value for _, value in history)
    taken = readings(
        *(
            (date.fromordinal(start + day), value)
            for day, value in zip(sorted(d for d, _ in history), values, strict=True)
        )
    )
    facts = [point(meter(multiplier=Fraction(multiplier)), taken=taken)]
    edge = date.fromordinal(start + cut)
    whole = month_of(compute(facts, month_from=date(2024, 1, 1), month_to=date(2025, 1, 1)))["days_micro"]
    left = month_of(compute(facts, month_from=date(2024, 1, 1), month_to=edge))["days_micro"]
    right = month_of(compute(facts, month_from=edge, month_to=date(2025, 1, 1)))["days_micro"]
    assert whole == left + right

    inside = [each for each in taken if each.reading_date < date(2025, 1, 1)]
    if len(inside) > 1:
        opening, closing = inside[0], inside[-1]
        covered = whole[
            opening.reading_date.toordinal() - start + 1 : closing.reading_date.toordinal() - start + 1
        ]
        assert sum(covered) == (closing.value_micro - opening.value_micro) * Fraction(multiplier)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(1, 57), share=st.integers(0, 100))
def test_a_late_reading_changes_only_the_stretch_it_falls_into(compute: Compute, at: int, share: int) -> None:
    month = {"month_from": date(2026, 1, 1), "month_to": date(2026, 5, 1)}
    known = readings(
        (date(2025, 12, 31), 0), (date(2026, 1, 31), 50), (date(2026, 3, 31), 150), (date(2026, 4, 30), 190)
    )
    late = readings((date.fromordinal(date(2026, 1, 31).toordinal() + at), 50 + share), first_id=9)
    before = month_of(compute([point(meter(), taken=known)], **month))["days_micro"]
    after = month_of(compute([point(meter(), taken=(*known, *late))], **month))["days_micro"]
    assert before[:31] == after[:31]
    assert before[90:] == after[90:]
    assert sum(after[31 : 31 + at]) == share * KWH
    assert sum(after[31:90]) == 100 * KWH


def test_segments_sum_to_the_month(compute: Compute) -> None:
    taken = readings((date(2026, 1, 31), 0), (date(2026, 2, 10), 37), (date(2026, 2, 20), 55))
    month_from = date(2026, 2, 1)
    usage = compute(
        [point(meter(), taken=taken), point()], month_from=month_from, month_to=date(2026, 3, 1)
    ).usage
    segments = pl.DataFrame(
        {
            "segment_id": [1, 2, 3],
            "service_point_id": [1, 1, 2],
            "from_date": [month_from, date(2026, 2, 15), month_from],
            "to_date": [date(2026, 2, 15), date(2026, 3, 1), date(2026, 3, 1)],
        }
    )
    sums = usage_of_segments(usage=usage, segments=segments, month_from=month_from)
    assert (
        sums["usage_micro"].sum()
        == month_of(compute([point(meter(), taken=taken)], month_from=month_from, month_to=date(2026, 3, 1)))[
            "total_micro"
        ]
    )
    assert sums.drop("zone").rows()[0] == (1, 37 * KWH + 7_200_000, 14, 0)
    assert sums["measured_days"].to_list() == [14, 6, 0]
    beyond = segments.with_columns(to_date=pl.lit(date(2026, 3, 2)))
    with pytest.raises(UnableToComputeUsage, match="leaves the 28 days"):
        usage_of_segments(usage=usage, segments=beyond, month_from=month_from)


def test_an_empty_slice_gives_empty_frames_of_the_contract_types(compute: Compute) -> None:
    month = {"month_from": date(2026, 2, 1), "month_to": date(2026, 3, 1)}
    empty, full = compute([], **month), compute([point(meter())], **month)
    assert empty.usage.is_empty()
    assert empty.usage.schema == full.usage.schema
    assert empty.exceptions.is_empty()
