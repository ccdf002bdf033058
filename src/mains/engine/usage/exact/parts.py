"""What a day's use is a share of: a stretch between readings, a forecast, or a norm."""

import calendar
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from mains.engine.usage.exact.chains import use_between
from mains.engine.usage.exact.facts import (
    DAY,
    Installation,
    MeterError,
    Norm,
    Point,
    Reading,
    days_between,
    holds,
    is_connected,
)
from mains.engine.usage.exact.sharing import Corrected, DailyNorm, OfAct, Sharing, weight_of_day

_HISTORY_MAX_MICRO = 2**62


class Stretch(NamedTuple):
    """Days between two readings of an installation and how they share the difference; a part of them where an error
    of the meter begins or ends in between."""

    installation: Installation
    first: date
    end: date
    sharing: Sharing
    is_whole: bool = True


class Gap(NamedTuple):
    """Days of an installation in [first, end) that no readings enclose. `sharing` is None where a norm may stand in."""

    installation: Installation
    first: date
    end: date
    opening: Reading | None
    sharing: Sharing | None


class Chain:
    """The valid readings of an installation in order of days, and the stretches between them as they are asked for."""

    def __init__(
        self, installation: Installation, readings: Sequence[Reading], errors: Sequence[MeterError] = ()
    ) -> None:
        self.installation = installation
        self.readings = readings
        self.errors = [error for error in errors if error.register_id == installation.register_id]
        self._days = [reading.reading_date for reading in readings]
        self._stretches: dict[int, Stretch] = {}

    def stretches(self, first: date, end: date) -> list[Stretch]:
        """Stretches with days in [first, end). One reaches from the day after a reading to the day of the next."""
        begins = max(0, bisect_left(self._days, first) - 1)
        ends = min(len(self._days) - 1, bisect_left(self._days, end - DAY))
        found = [self._stretch(at) for at in range(begins, ends)]
        if self.errors:
            parts = [part for stretch in found for part in _parts(stretch, self.errors)]
            return [part for part in parts if part.first < end and first < part.end]
        return found

    def _stretch(self, at: int) -> Stretch:
        found = self._stretches.get(at)
        if found is None:
            opening, closing = self.readings[at], self.readings[at + 1]
            found = self._stretches[at] = _stretch(self.installation, opening, closing)
        return found


def _parts(stretch: Stretch, errors: Sequence[MeterError]) -> Iterator[Stretch]:
    """The stretch cut where errors begin or end; within an error the use is what the meter should have counted."""
    edges = {stretch.first, stretch.end}
    edges |= {day for error in errors for day in (error.valid_from, error.valid_to) if day is not None}
    inside = sorted(day for day in edges if stretch.first <= day <= stretch.end)
    for first, end in pairwise(inside):
        error = next((each for each in errors if holds(first, each.valid_from, each.valid_to)), None)
        whole = stretch.sharing
        sharing = whole if error is None else Corrected.of(whole, error=error, first=first)
        yield stretch._replace(first=first, end=end, sharing=sharing, is_whole=False)


def _stretch(installation: Installation, opening: Reading, closing: Reading) -> Stretch:
    first, end = opening.reading_date + DAY, closing.reading_date + DAY
    shape = installation.shape
    weight = length = end.toordinal() - first.toordinal()
    if shape is not None:
        weight = sum(weight_of_day(shape, day) for day in days_between(first, end))
        if not weight:
            shape, weight = None, length
    total = use_between(installation, opening, closing)
    quality = "M" if length == 1 else "A"
    sharing = Sharing(quality, installation.register_id, opening, closing, total, weight, first, shape)
    return Stretch(installation, first, end, sharing)


def forecast_gaps(
    *,
    chain: Chain,
    zone_chains: Sequence[Chain],
    month_from: date,
    month_to: date,
    lookback_days: int,
    history_days_min: int,
) -> list[Gap]:
    """Gaps within the month, before the first and after the last reading of an installation; their use is forecast from
    the history of all `zone_chains`.
    """
    installation, readings = chain.installation, chain.readings
    end = min(installation.installed_to or month_to, month_to)
    gaps: list[tuple[date, date, Reading | None]] = []
    opened = min(readings[0].reading_date + DAY, end) if readings else end
    if month_from < opened and installation.installed_from < opened:
        gaps.append((installation.installed_from, opened, None))
    if readings:
        closed = readings[-1].reading_date + DAY
        if month_from < end and closed < end:
            gaps.append((closed, end, readings[-1]))
    found = []
    for begins, ends, opening in gaps:
        use, weight, days = _history(zone_chains, begins - timedelta(days=lookback_days), begins)
        sharing = None
        if days >= history_days_min and weight > 0 and use < _HISTORY_MAX_MICRO:
            shape = installation.shape
            sharing = Sharing("F", installation.register_id, opening, None, use, weight, begins, shape)
        elif installation.class_average is not None:
            rate = installation.class_average
            sharing = Sharing(
                "C", installation.register_id, opening, None, rate.numerator, rate.denominator, begins
            )
        found.append(Gap(installation, max(begins, month_from), ends, opening, sharing))
    return found


def _history(chains: Sequence[Chain], since: date, until: date) -> tuple[int, int, int]:
    """Use, weight and number of the register days that readings cover in [since, until)."""
    use, weight, days = 0, 0, 0
    for chain in chains:
        for each in chain.stretches(since, until):
            sharing = each.sharing
            if each.is_whole and since <= each.first and each.end <= until:
                use += sharing.total
                weight += sharing.whole
                days += each.end.toordinal() - each.first.toordinal()
            else:
                first, end = max(each.first, since), min(each.end, until)
                use += sharing.use(first, end)
                weight += sharing.weight(first, end)
                days += end.toordinal() - first.toordinal()
    return use, weight, days


def norm_of(point: Point, zone: str | int, day: date, *, gap: Gap | None = None) -> Sharing | None:
    """The norm that stands in on a day, if there is one."""
    for norm in point.norms:
        if norm.zone == zone and holds(day, norm.valid_from, norm.valid_to):
            return _norm_sharing(norm, day, gap)
    return None


def _norm_sharing(norm: Norm, day: date, gap: Gap | None) -> Sharing:
    register_id = gap.installation.register_id if gap else None
    opening = gap.opening if gap else None
    if norm.per == "day":
        return DailyNorm("N", register_id, opening, None, norm.amount_micro, 1, day)
    length = calendar.monthrange(day.year, day.month)[1]
    return Sharing("N", register_id, opening, None, norm.amount_micro, length, day.replace(day=1))


def acts_of(point: Point, zone: str | int) -> list[OfAct]:
    """What acts of unmetered use give to the days of a zone."""
    return [OfAct.of(act) for act in point.acts if act.zone == zone]


def borders(point: Point) -> set[date]:
    """Days on which the connection changes, an installation begins or ends, or another norm may hold."""
    found = {day for period in point.connected for day in period if day is not None}
    for each in point.installations:
        found.add(each.installed_from)
        if each.installed_to is not None:
            found.add(each.installed_to)
    found |= {day for norm in point.norms for day in (norm.valid_from, norm.valid_to) if day is not None}
    return found


def connected_norm(point: Point, zone: str | int, day: date) -> Sharing | None:
    """The norm of a day without a meter."""
    metered = any(holds(day, each.installed_from, each.installed_to) for each in point.installations)
    return None if metered or not is_connected(point, day) else norm_of(point, zone, day)
