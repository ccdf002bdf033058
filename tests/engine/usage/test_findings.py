"""Found errors of meters and acts of unmetered use, each with figures worked out by hand."""

from collections.abc import Callable
from datetime import date

import pytest

from engine.usage.test_daily_usage import ALWAYS, KWH, meter, month_of, readings
from mains.engine.usage import UnableToComputeUsage, UsageResult, UsageRules
from mains.engine.usage.exact import MeterError, Norm, Point, UnmeteredUse, explain_daily_usage

Compute = Callable[..., UsageResult]
MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
# 310 kWh in March, 10 a day.
TAKEN = readings((date(2026, 2, 28), 1000), (date(2026, 3, 31), 1310))


def point(*errors: MeterError, acts: tuple[UnmeteredUse, ...] = (), taken=TAKEN) -> Point:
    return Point(connected=ALWAYS, installations=(meter(),), readings=taken, errors=errors, acts=acts)


def test_a_meter_that_counts_too_much_has_its_days_divided(compute: Compute) -> None:
    """+25 % from the 11th to the 20th: 100 counted are 80 true; the other days stay as they were."""
    error = MeterError(1, 1, date(2026, 3, 11), date(2026, 3, 21), 2_500)
    row = month_of(compute([point(error)], month_from=MARCH, month_to=APRIL))
    assert row["days_micro"] == [10 * KWH] * 10 + [8 * KWH] * 10 + [10 * KWH] * 11
    assert row["total_micro"] == 290 * KWH
    assert row["quality"] == "A" * 31
    assert (row["span_days"], row["span_opening"]) == ([10, 10, 11], [1, 1, 1])


def test_a_slow_meter_used_more_and_the_rest_of_a_division_is_lost_once(compute: Compute) -> None:
    """−3 % on one day: 10 kWh / 0.97 = 10.309278… kWh, rounded down to a micro-unit."""
    error = MeterError(1, 1, date(2026, 3, 5), date(2026, 3, 6), -300)
    row = month_of(compute([point(error)], month_from=MARCH, month_to=APRIL))
    assert row["days_micro"][4] == 10_309_278
    month = MeterError(1, 1, MARCH, None, -300)
    row = month_of(compute([point(month)], month_from=MARCH, month_to=APRIL))
    assert row["total_micro"] == 310 * KWH * 100 // 97


def test_forecasts_follow_the_corrected_use(compute: Compute) -> None:
    """The meter stood at half speed all March: 20 kWh a day were used, and are expected in April."""
    error = MeterError(1, 1, MARCH, APRIL, -5_000)
    row = month_of(
        compute([point(error)], month_from=APRIL, month_to=MAY, rules=UsageRules(lookback_days=31))
    )
    assert row["days_micro"] == [20 * KWH] * 30
    assert row["quality"] == "F" * 30


def test_an_act_comes_on_top_and_is_no_history(compute: Compute) -> None:
    """7 kWh over three days is 2.333333, 2.333333 and 2.333334 a day; April is forecast without it."""
    act = UnmeteredUse(5, "total", date(2026, 3, 10), date(2026, 3, 13), 7 * KWH)
    row = month_of(compute([point(acts=(act,))], month_from=MARCH, month_to=APRIL))
    assert row["days_micro"][8:13] == [10_000_000, 12_333_333, 12_333_333, 12_333_334, 10_000_000]
    assert row["total_micro"] == 317 * KWH
    assert row["quality"] == "A" * 9 + "a" * 3 + "A" * 19
    april = month_of(
        compute([point(acts=(act,))], month_from=APRIL, month_to=MAY, rules=UsageRules(lookback_days=31))
    )
    assert april["days_micro"] == [10 * KWH] * 30


def test_an_act_counts_where_no_meter_is_and_on_top_of_a_norm(compute: Compute) -> None:
    act = UnmeteredUse(5, "total", date(2026, 3, 1), date(2026, 3, 3), 4 * KWH)
    bare = Point(connected=ALWAYS, installations=(), readings=(), acts=(act,))
    row = month_of(compute([bare], month_from=MARCH, month_to=APRIL))
    assert (row["days_micro"][:3], row["quality"][:3]) == ([2 * KWH, 2 * KWH, 0], "UUX")
    norm = Norm("total", MARCH, None, KWH, "day")
    normed = Point(connected=ALWAYS, installations=(), readings=(), norms=(norm,), acts=(act,))
    row = month_of(compute([normed], month_from=MARCH, month_to=APRIL))
    assert (row["days_micro"][:3], row["quality"][:3]) == ([3 * KWH, 3 * KWH, KWH], "nnN")


def test_the_exact_side_names_error_and_act() -> None:
    error = MeterError(9, 1, date(2026, 3, 2), date(2026, 3, 4), 2_500)
    act = UnmeteredUse(5, "total", date(2026, 3, 3), date(2026, 3, 5), 4 * KWH)
    (series,), _set_aside = explain_daily_usage(
        point=point(error, acts=(act,)), month_from=MARCH, month_to=APRIL, as_of_date=APRIL
    )
    second, third, fourth = series.days[1:4]
    assert [(part.error, part.counted_micro, part.use_micro) for part in second.parts] == [
        (error, 10 * KWH, 8 * KWH)
    ]
    assert [(part.error, part.act, part.use_micro) for part in third.parts] == [
        (error, None, 8 * KWH),
        (None, act, 2 * KWH),
    ]
    assert (fourth.quality, fourth.use_micro) == ("a", 12 * KWH)


@pytest.mark.parametrize(
    "errors",
    [
        (MeterError(1, 1, MARCH, None, -10_000),),
        (MeterError(1, 1, MARCH, None, 100_001),),
        (MeterError(1, 1, MARCH, MARCH, 500),),
        (MeterError(1, 1, MARCH, APRIL, 500), MeterError(2, 1, date(2026, 3, 31), MAY, 600)),
    ],
)
def test_impossible_errors_are_refused_at_the_door(compute: Compute, errors: tuple[MeterError, ...]) -> None:
    with pytest.raises(UnableToComputeUsage) as refused:
        compute([point(*errors)], month_from=MARCH, month_to=APRIL)
    assert refused.value.code == "usage-row-refused"
    assert "meter_errors" in refused.value.place


def test_use_too_large_to_be_corrected_is_refused_not_wrapped(compute: Compute) -> None:
    big = Point(
        connected=ALWAYS,
        installations=(meter(digits=11),),
        readings=readings((date(2026, 2, 28), 0), (date(2026, 3, 31), 40_000_000_000)),
        errors=(MeterError(1, 1, MARCH, APRIL, -9_999),),
    )
    with pytest.raises(UnableToComputeUsage) as refused:
        compute([big], month_from=MARCH, month_to=APRIL)
    assert refused.value.code == "usage-corrected-too-large"
