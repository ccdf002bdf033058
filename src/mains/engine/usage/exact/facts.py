"""The facts of one service point, and its days with the origin of every micro-unit."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

DAY = timedelta(days=1)
MICRO = 10**6
_WEAKNESS = {"M": 1, "A": 2, "F": 3, "C": 4, "N": 5}


class Reading(NamedTuple):
    """What a register showed at the end of `reading_date`, in micro-units; a smaller priority is a stronger
    source.
    """

    reading_id: int
    register_id: int
    reading_date: date
    value_micro: int
    priority: int
    recorded_order: int
    rollover: bool = False


class Installation(NamedTuple):
    """A register at the point during [installed_from, installed_to). `class_average` is micro-units a day."""

    register_id: int
    zone: str | int
    digits: int
    multiplier: Fraction
    installed_from: date
    installed_to: date | None = None
    class_average: Fraction | None = None
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Norm:
    """Norm of the whole point, `per` day or calendar month, in micro-units."""

    zone: str | int
    valid_from: date
    valid_to: date | None
    amount_micro: int
    per: str


class MeterError(NamedTuple):
    """A register counted so many hundredths of a percent too much in [valid_from, valid_to); negative: too little."""

    error_id: int
    register_id: int
    valid_from: date
    valid_to: date | None
    percent_hundredths: int


class UnmeteredUse(NamedTuple):
    """Use that no meter counted in [valid_from, valid_to), by an act, in micro-units."""

    act_id: int
    zone: str | int
    valid_from: date
    valid_to: date
    amount_micro: int


class Point(NamedTuple):
    """Everything that the use of one service point depends on; `connected` are half-open periods. Errors of one
    register do not overlap."""

    connected: tuple[tuple[date, date | None], ...]
    installations: tuple[Installation, ...]
    readings: tuple[Reading, ...]
    norms: tuple[Norm, ...] = ()
    errors: tuple[MeterError, ...] = ()
    acts: tuple[UnmeteredUse, ...] = ()


@dataclass(frozen=True)
class Part:
    """One register's (or the norm's, or an act's) share of one day.

    `formula` states the day's number in figures, `total_micro` is what was shared out over `weight_total`
    (days, or weights of the shape), `weight_before` lies before this day and `weight_day` is its own. Where the meter
    had an `error`, `counted_micro` is what it counted.
    """

    quality: str
    use_micro: int
    formula: str
    register_id: int | None = None
    opening: Reading | None = None
    closing: Reading | None = None
    total_micro: int = 0
    weight_before: int = 0
    weight_day: int = 1
    weight_total: int = 1
    counted_micro: int = 0
    error: MeterError | None = None
    act: UnmeteredUse | None = None


@dataclass(frozen=True)
class DayUse:
    """Use of one day with the parts that it is the sum of."""

    day: date
    parts: tuple[Part, ...]

    @property
    def use_micro(self) -> int:
        return sum(part.use_micro for part in self.parts)

    @property
    def quality(self) -> str:
        """The letter of the weakest part; a small one, or U, where an act adds to the day."""
        others = [part.quality for part in self.parts if part.act is None]
        weakest = max(others, key=_WEAKNESS.__getitem__, default="X")
        if len(others) == len(self.parts):
            return weakest
        return weakest.lower() if others else "U"


@dataclass(frozen=True)
class SeriesUse:
    """The days of one zone."""

    zone: str | int
    days: tuple[DayUse, ...]

    @property
    def total_micro(self) -> int:
        return sum(day.use_micro for day in self.days)


@dataclass(frozen=True)
class SetAside:
    """A reading that was not used (rollover-assumed: used on an assumption), and its opponent."""

    reading: Reading
    code: str
    other: Reading | None = None


def is_connected(point: Point, day: date) -> bool:
    return any(holds(day, start, end) for start, end in point.connected)


def holds(day: date, start: date, end: date | None) -> bool:
    return start <= day and (end is None or day < end)


def days_between(start: date, end: date) -> Iterator[date]:
    return (start + timedelta(days=offset) for offset in range((end - start).days))
