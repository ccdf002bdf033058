"""The clock of many accounts at once: local day, month and zone of every interval, worked out once for all accounts
whose series begin at one time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from mains.engine.tariff.model import Tariff

Ints = npt.NDArray[np.int64]
_EPOCH = date(1970, 1, 1).toordinal()
NO_ZONE = -1


@dataclass(frozen=True)
class Calendar:
    """`day` (days since 1970) and `zone` (place among `zones`) of each interval.

    `shifts` are the minutes by which the clock moves inside the series; [first_day, end_day) are the days which it
    covers wholly. `fault` says why the intervals cannot be used.
    """

    step_minutes: int
    zones: tuple[str, ...]
    day: Ints
    zone: Ints
    first_day: int
    end_day: int
    shifts: tuple[int, ...]
    fault: tuple[str, str] | None

    def span(self, first: int, end: int) -> tuple[int, int]:
        """Places of the intervals of the days [first, end)."""
        return int(np.searchsorted(self.day, first)), int(np.searchsorted(self.day, end))

    def covers(self, first: int, end: int) -> bool:
        return self.first_day <= first and end <= self.end_day

    def zone_codes(self, names: tuple[str, ...]) -> list[int]:
        return [at for at, zone in enumerate(self.zones) if zone in names]


def make_calendar(*, tariff: Tariff, start_at: datetime, step_minutes: int, count: int) -> Calendar:
    """Calendar of `count` intervals under a tariff."""
    if not tariff.time_zone:
        message = f"Tariff {tariff.code} does not say by which clock its days begin."
        return _faulty(step_minutes, "time-zone-missing", message)
    # One more on either side tells whether the first and last day are whole.
    start = int((start_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(minutes=1))
    minutes = start + step_minutes * np.arange(-1, count + 1, dtype=np.int64)
    clock = (
        pl.Series(minutes * 60_000_000).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(tariff.time_zone)
    )
    day = clock.dt.date().cast(pl.Int32).to_numpy().astype(np.int64)
    minute = clock.dt.hour().cast(pl.Int64).to_numpy() * 60 + clock.dt.minute().cast(pl.Int64).to_numpy()
    first_day = int(day[1]) if day[0] < day[1] else int(day[1]) + 1
    end_day = int(day[-1]) if day[-1] > day[-2] else int(day[-2])
    day, minute = day[1:-1], minute[1:-1]
    offsets = np.diff(day * 1440 + minute - minutes[1:-1])
    shifts = tuple(np.unique(offsets[offsets != 0]).tolist())
    zones = tariff.schedule_zones
    schedules = [version.schedule for version in tariff.versions if version.schedule is not None]
    if (minute % step_minutes).any():
        message = f"Intervals of {step_minutes} min do not begin at the full hour or at equal parts of it."
        return _faulty(step_minutes, "intervals-misaligned", message)
    if not all(schedule.fits(step_minutes) for schedule in schedules):
        message = f"Hours of the tariff begin inside the intervals, which have {step_minutes} min."
        return _faulty(step_minutes, "interval-length", message)
    unknown = _unknown_holidays(tariff, day)
    if unknown is not None:
        return _faulty(step_minutes, "holidays-missing", f"The holidays of {unknown} are not known.")
    zone = _zones(tariff, zones, day, minute // step_minutes, 1440 // step_minutes)
    return Calendar(step_minutes, zones, day, zone, first_day, end_day, shifts, None)


def _unknown_holidays(tariff: Tariff, day: Ints) -> int | None:
    """First year for whose days the holidays were not published, where the hours depend on them."""
    for ordinal in np.unique(day).tolist():
        known = date.fromordinal(ordinal + _EPOCH)
        version = tariff.find_version(known)
        schedule = None if version is None else version.schedule
        if schedule is not None and not schedule.holidays.cover(known):
            return known.year
    return None


def _faulty(step_minutes: int, code: str, message: str) -> Calendar:
    nothing = np.zeros(0, dtype=np.int64)
    return Calendar(step_minutes, (), nothing, nothing, 0, 0, (), (code, message))


def _zones(tariff: Tariff, zones: tuple[str, ...], day: Ints, slot: Ints, slots: int) -> Ints:
    """Zone of each interval, by a table of the slots of every distinct day."""
    if not zones:
        return np.full(len(day), NO_ZONE, dtype=np.int64)
    number: Callable[[str], int] = zones.index
    days, places = np.unique(day, return_inverse=True)
    table = np.full((len(days), slots), NO_ZONE, dtype=np.int64)
    for at, ordinal in enumerate(days.tolist()):
        _fill_day(table[at], tariff, date.fromordinal(ordinal + _EPOCH), number)
    return table[places.ravel(), slot]


def _fill_day(row: Ints, tariff: Tariff, day: date, number: Callable[[str], int]) -> None:
    version = tariff.find_version(day)
    schedule = None if version is None else version.schedule
    if schedule is None:
        return
    if schedule.rest is not None:
        row[:] = number(schedule.rest)
    minutes = 1440 // len(row)
    for rule in schedule.rules:
        if rule.holds(kind=schedule.holidays.kind_of(day), season=tariff.season_of(day), month=day.month):
            row[rule.from_minute // minutes : rule.to_minute // minutes] = number(rule.zone)
