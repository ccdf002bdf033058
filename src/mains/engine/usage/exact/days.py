"""Daily use of one service point in plain Python: the call, and how the parts of a day come together."""

from collections.abc import Sequence
from datetime import date

from mains.engine.usage.exact.chains import build_chains
from mains.engine.usage.exact.facts import (
    DayUse,
    Installation,
    Part,
    Point,
    Reading,
    SeriesUse,
    SetAside,
    days_between,
    holds,
    is_connected,
)
from mains.engine.usage.exact.parts import Stretch, forecast_parts, norm_part, stretches_of


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
    chains, set_aside = build_chains(point, as_of_date=as_of_date)
    stretches = [stretch for installation, chain in chains for stretch in stretches_of(installation, chain)]
    month = list(days_between(month_from, month_to))
    series = []
    for zone in _zones(point, total_zone=total_zone):
        forecasts = {
            id(installation): forecast_parts(
                point=point,
                installation=installation,
                chain=chain,
                stretches=[each for each in stretches if each.installation.zone == zone],
                month=month,
                lookback_days=lookback_days,
                history_days_min=history_days_min,
            )
            for installation, chain in chains
            if installation.zone == zone
        }
        days = tuple(
            DayUse(day, _parts(point, zone, day, chains, stretches, forecasts, total_zone=total_zone))
            for day in month
        )
        series.append(SeriesUse(zone, days))
    return _shown(series, point=point, month=month, total_zone=total_zone), set_aside


def _zones(point: Point, *, total_zone: str | int) -> list[str | int]:
    zones = {each.zone for each in point.installations} | {each.zone for each in point.norms}
    return sorted(zones | {total_zone}, key=str)


def _parts(
    point: Point,
    zone: str | int,
    day: date,
    chains: Sequence[tuple[Installation, list[Reading]]],
    stretches: Sequence[Stretch],
    forecasts: dict[int, dict[date, Part]],
    *,
    total_zone: str | int,
) -> tuple[Part, ...]:
    installed = [installation for installation, _ in chains if installation.zone == zone]
    parts = [
        each.parts[day]
        for installation in installed
        for each in stretches
        if each.installation is installation and day in each.parts
    ]
    if not parts:
        guesses = [forecasts[id(each)][day] for each in installed if day in forecasts[id(each)]]
        parts = guesses[-1:]
    metered = any(holds(day, each.installed_from, each.installed_to) for each in point.installations)
    if not parts and not metered and zone == total_zone and is_connected(point, day):
        norm = norm_part(point, zone, day)
        if norm is not None:
            parts = [norm]
    return tuple(parts)


def _shown(
    series: list[SeriesUse], *, point: Point, month: list[date], total_zone: str | int
) -> tuple[SeriesUse, ...]:
    """Zones with an installation or use in the month; else the total zone of a connected point."""
    shown = [
        each
        for each in series
        if any(day.parts for day in each.days)
        or any(
            item.zone == each.zone
            and item.installed_from <= month[-1]
            and (item.installed_to is None or item.installed_to > month[0])
            for item in point.installations
        )
    ]
    if not shown and any(is_connected(point, day) for day in month):
        shown = [each for each in series if each.zone == total_zone]
    return tuple(shown)
