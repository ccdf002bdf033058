"""The columns and the exact interpreter agree on random histories, to the micro-unit and the reading."""

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from itertools import count, groupby, pairwise

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mains.engine.usage import UsageResult, UsageRules
from mains.engine.usage.exact import (
    DayUse,
    Installation,
    MeterError,
    Norm,
    Part,
    Point,
    PointReadings,
    Reading,
    SeriesUse,
    UnmeteredUse,
    compute_daily_usage,
    explain_daily_usage,
)

BEGIN = date(2023, 12, 20)
HORIZON_DAYS = 180
ZONES = ["total", "day", "night"]
SHAPES = [tuple((day * 7919) % 1000 for day in range(366)), tuple(int(day < 40) for day in range(366))]
MULTIPLIERS = [Fraction(1), Fraction(1), Fraction(20), Fraction(333_333, 10**6)]
Compute = Callable[..., UsageResult]


def days_after(offset: int) -> date:
    return BEGIN + timedelta(days=offset)


@st.composite
def periods(draw: st.DrawFn, *, most: int, overlap: int) -> list[tuple[date, date | None]]:
    """Successive half-open periods, the last one perhaps open; neighbours may overlap by up to `overlap`
    days.
    """
    edges = sorted(draw(st.lists(st.integers(0, HORIZON_DAYS), min_size=0, max_size=2 * most, unique=True)))
    pairs = pairwise(edges) if overlap and draw(st.booleans()) else zip(edges[::2], edges[1::2], strict=False)
    found: list[tuple[date, date | None]] = [(days_after(start), days_after(end)) for start, end in pairs]
    if overlap and draw(st.booleans()):
        found = [(start - timedelta(days=draw(st.integers(0, overlap))), end) for start, end in found]
    if found and draw(st.booleans()):
        found[-1] = (found[-1][0], None)
    return found


@st.composite
def readings_of(draw: st.DrawFn, *, installation: Installation, ids: "count[int]") -> list[Reading]:
    """Mostly rising values with rollovers, falls, duplicates and dates outside the installation."""
    full_range = 10 ** (installation.digits + 6)
    last = min(installation.installed_to or days_after(HORIZON_DAYS), days_after(HORIZON_DAYS))
    first_offset = (installation.installed_from - BEGIN).days - 1
    dates = st.integers(first_offset - draw(st.sampled_from([0, 0, 5])), (last - BEGIN).days + 1)
    offsets = sorted(draw(st.lists(dates, max_size=7)))
    value = draw(st.integers(0, full_range - 1))
    found = []
    for offset in offsets:
        step = draw(
            st.one_of(
                st.integers(0, 40_000_000),
                st.sampled_from([0, full_range // 2, full_range // 2 + 1, -1, -5_000_000, full_range - 1]),
            )
        )
        value = (value + step) % full_range
        number = next(ids)
        found.append(
            Reading(
                reading_id=number,
                register_id=installation.register_id,
                reading_date=days_after(offset),
                value_micro=draw(st.sampled_from([value] * 12 + [full_range, -1])),
                priority=draw(st.integers(1, 3)),
                recorded_order=draw(st.integers(0, 3)),
                rollover=draw(st.sampled_from([False] * 8 + [True])),
            )
        )
    return found


@st.composite
def norms_of(draw: st.DrawFn, *, zone: str) -> list[Norm]:
    return [
        Norm(zone, start, end, draw(st.integers(0, 10**9)), draw(st.sampled_from(["day", "month"])))
        for start, end in draw(periods(most=2, overlap=0))
    ]


@st.composite
def errors_of(draw: st.DrawFn, *, installation: Installation, ids: "count[int]") -> list[MeterError]:
    percent = st.one_of(st.integers(-9_999, 100_000), st.sampled_from([-9_999, -5_000, -1, 1, 700, 100_000]))
    return [
        MeterError(next(ids), installation.register_id, start, end, draw(percent))
        for start, end in draw(periods(most=2, overlap=0))
    ]


@st.composite
def acts_of(draw: st.DrawFn, *, zone: str, ids: "count[int]") -> list[UnmeteredUse]:
    """Acts over a few days or many; some overlap, and some lie where no meter hangs or nobody is connected."""
    found = []
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        start, days = draw(st.integers(0, HORIZON_DAYS)), draw(st.integers(1, 70))
        amount = draw(st.one_of(st.integers(0, 10**9), st.sampled_from([0, 1, 10**17])))
        found.append(UnmeteredUse(next(ids), zone, days_after(start), days_after(start + days), amount))
    return found


@st.composite
def points(draw: st.DrawFn, *, ids: "count[int]") -> Point:
    installations: list[Installation] = []
    readings: list[Reading] = []
    errors: list[MeterError] = []
    for zone in draw(st.sampled_from([[], ["total"], ["total"], ["total"], ["day", "night"], ZONES])):
        for start, end in draw(periods(most=2, overlap=2)):
            each = Installation(
                register_id=next(ids),
                zone=zone,
                digits=draw(st.integers(1, 4)),
                multiplier=draw(st.sampled_from(MULTIPLIERS)),
                installed_from=start,
                installed_to=end,
                class_average=draw(st.sampled_from([None, None, Fraction(10**7, 3), Fraction(4)])),
                shape=draw(st.sampled_from([None, None, *SHAPES])),
            )
            installations.append(each)
            readings += draw(readings_of(installation=each, ids=ids))
            errors += draw(errors_of(installation=each, ids=ids))
    return Point(
        connected=tuple(
            draw(st.sampled_from([[(BEGIN, None)], [(BEGIN, None)], None]))
            or draw(periods(most=2, overlap=2))
        ),
        installations=tuple(draw(st.permutations(installations))),
        readings=tuple(readings),
        norms=tuple(norm for zone in ZONES for norm in draw(norms_of(zone=zone))),
        errors=tuple(draw(st.permutations(errors))),
        acts=tuple(act for zone in ZONES for act in draw(acts_of(zone=zone, ids=ids))),
    )


@st.composite
def slices(draw: st.DrawFn) -> list[Point]:
    ids = count(1)
    return [draw(points(ids=ids)) for _ in range(draw(st.integers(1, 4)))]


def spans(series: SeriesUse) -> list[tuple[int, str, int, int]]:
    def origin(day: DayUse) -> tuple[object, ...]:
        ends = counted(day)[:1] + counted(day)[-1:]
        return day.quality, *((part.register_id, part.opening, part.closing, part.error) for part in ends)

    def counted(day: DayUse) -> list[Part]:
        return [part for part in day.parts if part.act is None]

    found = []
    for _, run in groupby(series.days, key=origin):
        first, *rest = run
        parts = counted(first)
        opening = parts[0].opening if parts else None
        closing = parts[-1].closing if parts else None
        found.append(
            (
                1 + len(rest),
                first.quality,
                opening.reading_id if opening else 0,
                closing.reading_id if closing else 0,
            )
        )
    return found


def shown_by_columns(usage: pl.DataFrame) -> list[tuple[object, ...]]:
    return [
        (
            row["service_point_id"],
            row["zone"],
            row["days_micro"],
            row["total_micro"],
            row["quality"],
            list(
                zip(
                    row["span_days"],
                    row["span_quality"],
                    row["span_opening"],
                    row["span_closing"],
                    strict=True,
                )
            ),
        )
        for row in usage.iter_rows(named=True)
    ]


def shown_by_exact(number: int, series: SeriesUse) -> tuple[object, ...]:
    return (
        number,
        series.zone,
        [day.use_micro for day in series.days],
        series.total_micro,
        "".join(day.quality for day in series.days),
        spans(series),
    )


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(
    slice_=slices(),
    start=st.integers(0, HORIZON_DAYS),
    length=st.sampled_from([1, 2, 28, 31, 60]),
    as_of=st.integers(0, HORIZON_DAYS + 40),
    rules=st.sampled_from([UsageRules(), UsageRules(30, 5), UsageRules(3, 1)]),
)
def test_columns_equal_exact(
    compute: Compute, slice_: list[Point], start: int, length: int, as_of: int, rules: UsageRules
) -> None:
    month_from, month_to = days_after(start), days_after(start + length)
    result = compute(
        slice_, month_from=month_from, month_to=month_to, as_of_date=days_after(as_of), rules=rules
    )
    expected, set_aside = [], []
    for number, point in enumerate(slice_, start=1):
        series, dropped = explain_daily_usage(
            point=point,
            month_from=month_from,
            month_to=month_to,
            as_of_date=days_after(as_of),
            lookback_days=rules.lookback_days,
            history_days_min=rules.history_days_min,
        )
        without_reasons = compute_daily_usage(
            readings=PointReadings(point, as_of_date=days_after(as_of)),
            month_from=month_from,
            month_to=month_to,
            lookback_days=rules.lookback_days,
            history_days_min=rules.history_days_min,
        )
        assert without_reasons == {each.zone: [day.use_micro for day in each.days] for each in series}
        expected += [shown_by_exact(number, each) for each in sorted(series, key=lambda each: str(each.zone))]
        set_aside += [
            (
                each.reading.register_id,
                each.reading.reading_id,
                each.code,
                each.code != "rollover-assumed",
                each.other.reading_id if each.other else None,
            )
            for each in dropped
        ]
    assert shown_by_columns(result.usage) == expected
    columns = ["register_id", "reading_id", "code", "set_aside", "other_reading_id"]
    assert sorted(result.exceptions.select(columns).rows()) == sorted(set_aside)
