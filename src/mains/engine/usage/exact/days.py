"""Daily use of one service point in plain Python: the call, and how the parts of a day come together."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from mains.engine.usage.exact.chains import build_chains
from mains.engine.usage.exact.facts import (
    DayUse,
    Installation,
    Point,
    SeriesUse,
    SetAside,
    days_between,
    is_connected,
)
from mains.engine.usage.exact.parts import (
    Chain,
    Gap,
    Stretch,
    acts_of,
    borders,
    connected_norm,
    forecast_gaps,
    norm_of,
)
from mains.engine.usage.exact.sharing import OfAct, Sharing

_NOTHING: tuple[Sharing, ...] = ()


class Run(NamedTuple):
    """Days of [first, end) with the same origins."""

    first: date
    end: date
    sharings: tuple[Sharing, ...]


class PointReadings:
    """The readings of a point as they are valid at an instant: from these any month can be computed."""

    def __init__(self, point: Point, *, as_of_date: date) -> None:
        self.point = point
        chains, self.set_aside = build_chains(point, as_of_date=as_of_date)
        self.chains: dict[str | int, list[Chain]] = {}
        """By zone."""
        for installation, readings in chains:
            chain = Chain(installation, readings, point.errors)
            self.chains.setdefault(installation.zone, []).append(chain)
        self.zones = {*self.chains} | {each.zone for each in point.norms} | {each.zone for each in point.acts}
        self.borders = borders(point)


def explain_daily_usage(
    *,
    point: Point,
    month_from: date,
    month_to: date,
    as_of_date: date,
    lookback_days: int = 183,
    history_days_min: int = 28,
    total_zone: str | int = "total",
) -> tuple[tuple[SeriesUse, ...], tuple[SetAside, ...]]:
    """Return the use of every zone and day of [month_from, month_to) and the readings that were set aside."""
    readings = PointReadings(point, as_of_date=as_of_date)
    series = _find_runs(readings, month_from, month_to, lookback_days, history_days_min, total_zone)
    return tuple(
        SeriesUse(
            zone,
            tuple(
                DayUse(day, tuple(sharing.part(day) for sharing in run.sharings))
                for run in runs
                for day in days_between(run.first, run.end)
            ),
        )
        for zone, runs in series
    ), readings.set_aside


def compute_daily_usage(
    *,
    readings: PointReadings,
    month_from: date,
    month_to: date,
    lookback_days: int = 183,
    history_days_min: int = 28,
    total_zone: str | int = "total",
) -> dict[str | int, list[int]]:
    """Micro-units of every day by zone, as `explain_daily_usage` finds them, without the reasons."""
    series = _find_runs(readings, month_from, month_to, lookback_days, history_days_min, total_zone)
    found: dict[str | int, list[int]] = {}
    for zone, runs in series:
        days: list[int] = []
        for run in runs:
            if len(run.sharings) == 1:
                days += run.sharings[0].days(run.first, run.end)
            elif run.sharings:
                each = [sharing.days(run.first, run.end) for sharing in run.sharings]
                days += map(sum, zip(*each, strict=True))
            else:
                days += [0] * (run.end - run.first).days
        found[zone] = days
    return found


def _find_runs(
    readings: PointReadings,
    month_from: date,
    month_to: date,
    lookback_days: int,
    history_days_min: int,
    total_zone: str | int,
) -> list[tuple[str | int, list[Run]]]:
    """The month of each zone in runs; zones with an installation or use in the month, else the total zone of a
    connected point."""
    point = readings.point
    common = [day for day in readings.borders if month_from < day < month_to]
    if point.norms:
        common += [day for day in days_between(month_from, month_to) if day.day == 1]
    series = []
    zones = {*readings.zones, total_zone}
    for zone in sorted(zones, key=str) if len(zones) > 1 else zones:
        chains = readings.chains.get(zone, ())
        stretches: list[Stretch] = []
        gaps: list[Gap] = []
        for chain in chains:
            stretches += chain.stretches(month_from, month_to)
            gaps += forecast_gaps(
                chain=chain,
                zone_chains=chains,
                month_from=month_from,
                month_to=month_to,
                lookback_days=lookback_days,
                history_days_min=history_days_min,
            )
        acts = acts_of(point, zone) if point.acts else []
        days = {month_from, month_to, *common}
        for stretch in stretches:
            days.add(max(stretch.first, month_from))
            days.add(min(stretch.end, month_to))
        for gap in gaps:
            days.add(gap.first)
            days.add(gap.end)
        for of in acts:
            days |= {day for day in (of.act.valid_from, of.act.valid_to) if month_from < day < month_to}
        is_total = zone == total_zone
        runs = []
        for first, end in pairwise(sorted(days)):
            sharings = _sharings(point, zone, first, stretches, gaps, is_total=is_total)
            runs.append(Run(first, end, (*sharings, *_by_acts(acts, first)) if acts else sharings))
        series.append((zone, runs))
    return _shown(series, point, month_from, month_to, total_zone)


def _by_acts(acts: Sequence[OfAct], day: date) -> Sequence[OfAct]:
    """Acts that add to a day, and to its neighbours."""
    return [each for each in acts if each.act.valid_from <= day < each.act.valid_to]


def _sharings(
    point: Point,
    zone: str | int,
    day: date,
    stretches: Sequence[Stretch],
    gaps: Sequence[Gap],
    *,
    is_total: bool,
) -> tuple[Sharing, ...]:
    """What the use of a day and its neighbours comes from: readings, else the latest forecast, else the norm."""
    found = [each.sharing for each in stretches if each.first <= day < each.end]
    if found:
        return tuple(found)
    if gaps and is_connected(point, day):
        for gap in reversed(gaps):
            if gap.first <= day < gap.end:
                sharing = gap.sharing or norm_of(point, zone, day, gap=gap)
                if sharing is not None:
                    return (sharing,)
    norm = connected_norm(point, zone, day) if is_total and point.norms else None
    return _NOTHING if norm is None else (norm,)


def _shown(
    series: list[tuple[str | int, list[Run]]],
    point: Point,
    month_from: date,
    month_to: date,
    total_zone: str | int,
) -> list[tuple[str | int, list[Run]]]:
    shown = [
        (zone, runs)
        for zone, runs in series
        if any(run.sharings for run in runs)
        or any(each.zone == zone and _hangs(each, month_from, month_to) for each in point.installations)
    ]
    if not shown and any(
        start < month_to and (end is None or end > max(start, month_from)) for start, end in point.connected
    ):
        shown = [(zone, runs) for zone, runs in series if zone == total_zone]
    return shown


def _hangs(installation: Installation, month_from: date, month_to: date) -> bool:
    ends = installation.installed_to
    return installation.installed_from < month_to and (ends is None or ends > month_from)
