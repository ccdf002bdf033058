"""One line of a file of interval data: when its intervals begin, how long they are, what they say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mains.base.csv_files import FileFault
from mains.base.units import UNIT_OF_SERVICE
from mains.engine.facts import MICRO
from mains.engine.intervals.known import midnight
from mains.engine.intervals.values import MAX_MICRO
from mains.engine.tariff.schedule import STEPS
from mains.kernel.clock_times import read_time
from mains.metering.queries.interval_meters import MeterPlace
from mains.metering.values import IntervalQuality, IntervalQuantity

_LENGTH = re.compile(r"(\d{1,3})\s*(min|minutes|h)?")
_VALUE = re.compile(r"-?\d{1,15}(?:\.\d{1,12})?")
_QUALITIES = {
    "": IntervalQuality.MEASURED,
    "measured": IntervalQuality.MEASURED,
    "estimated": IntervalQuality.ESTIMATED,
}
_DAY = timedelta(days=1)
# Unit → (unit that is kept, size in it, whether it is mean power, which counts for its part of an hour).
_UNITS: Mapping[str, tuple[str, Fraction, bool]] = {
    "Wh": ("kWh", Fraction(1, 1000), False),
    "kWh": ("kWh", Fraction(1), False),
    "MWh": ("kWh", Fraction(1000), False),
    "W": ("kWh", Fraction(1, 1000), True),
    "kW": ("kWh", Fraction(1), True),
    "MW": ("kWh", Fraction(1000), True),
    "varh": ("kvarh", Fraction(1, 1000), False),
    "kvarh": ("kvarh", Fraction(1), False),
    "kvar": ("kvarh", Fraction(1), True),
    "m3": ("m3", Fraction(1), False),
    "m3/h": ("m3", Fraction(1), True),
    "Gcal": ("Gcal", Fraction(1), False),
}


class Told(NamedTuple):
    """What a line says of one interval, in millionths of the unit that is kept."""

    begin_at: datetime
    micro: int
    quality: str
    line: int


@dataclass(frozen=True)
class Line:
    """A line that could be read; `unit` is the one in which its values are kept."""

    number: int
    serial: str
    model: str
    quantity: str
    unit: str
    step_minutes: int
    intervals: tuple[Told, ...]

    def fits(self, place: MeterPlace) -> bool:
        """Whether the unit is that of the service."""
        return self.unit in ("", self._unit_of(place))

    def misfit(self, place: MeterPlace) -> FileFault:
        """The fault of a line whose unit is not that of the service."""
        wanted = self._unit_of(place)
        return FileFault(
            line=self.number,
            field="unit",
            code="unit-wrong",
            message=f"{self.quantity} of meter {self.serial} is kept in {wanted}, not in {self.unit}.",
            remedy=f"Give {wanted}, or mean power.",
        )

    def _unit_of(self, place: MeterPlace) -> str:
        return "kvarh" if self.quantity == IntervalQuantity.REACTIVE else UNIT_OF_SERVICE[place.service]


@dataclass
class LineReader:
    """Reads lines, and keeps what is wrong with them. Days begin, and times without an offset are, by `clock`."""

    clock: str
    now: datetime
    faults: list[FileFault] = field(default_factory=list)

    def read(self, row: Mapping[str, str]) -> Line | None:
        """The line, or None and a fault."""
        number = int(row["line"])
        before = len(self.faults)
        quantity = row["quantity"] or str(IntervalQuantity.USAGE)
        if quantity not in IntervalQuantity.values:
            self._refuse(
                number,
                "quantity",
                "quantity-unknown",
                f"There is no quantity {quantity}.",
                f"Write one of {', '.join(IntervalQuantity.values)}.",
            )
        quality = _QUALITIES.get(row["quality"].lower())
        if quality is None:
            self._refuse(
                number,
                "quality",
                "quality-unknown",
                f"There is no quality {row['quality']}.",
                "Write measured or estimated.",
            )
        unit, size, is_power = _UNITS.get(row["unit"], ("", Fraction(1), False))
        if row["unit"] and not unit:
            self._refuse(
                number,
                "unit",
                "unit-unknown",
                f"There is no unit {row['unit']}.",
                f"Write one of {', '.join(_UNITS)}.",
            )
        step, start_at = self._length(number, row["length"]), self._start(number, row["start"])
        if len(self.faults) > before or step is None or start_at is None or quality is None:
            return None
        if is_power:
            size *= Fraction(step, 60)
        values = [self._micro(number, text, size) for text in row["value"].split()]
        if len(values) > 1:
            self._check_day(number, start_at, step, len(values))
        end_at = start_at + timedelta(minutes=step) * len(values)
        if end_at > self.now:
            self._refuse(
                number,
                "start",
                "interval-future",
                f"The interval ends at {end_at:%Y-%m-%d %H:%M} UTC, which is yet to come.",
                "Send what is measured.",
            )
        if len(self.faults) > before:
            return None
        told = tuple(
            Told(start_at + timedelta(minutes=step) * at, micro or 0, str(quality), number)
            for at, micro in enumerate(values)
        )
        return Line(number, row["meter"], row["model"], quantity, unit, step, told)

    def _length(self, number: int, text: str) -> int | None:
        match = _LENGTH.fullmatch(text)
        minutes = int(match[1]) * (60 if match[2] == "h" else 1) if match else 0
        if minutes not in STEPS:
            self._refuse(
                number,
                "length",
                "interval-length",
                f"{text} is no part of an hour.",
                f"Write one of {', '.join(map(str, STEPS))} min.",
            )
            return None
        return minutes

    def _start(self, number: int, text: str) -> datetime | None:
        """The instant; a time without an offset is one of the clock."""
        written = read_time(text, ZoneInfo(self.clock))
        if written.instant is not None:
            return written.instant
        at = f"{written.local:%Y-%m-%d %H:%M}" if written.local else ""
        if not at:
            code, message = "time-invalid", f"{text} is not a time."
            remedy = "Write 2024-03-31T14:00, with its offset where it is not by the clock: 2024-03-31T14:00+02:00."
        elif written.instants:
            code = "time-twice"
            message = f"{at} by the clock of {self.clock} comes twice: the clock goes back."
            remedy = "Give the offset with it, such as +02:00 and +01:00."
        else:
            code = "time-none"
            message = f"{at} by the clock of {self.clock} does not exist: the clock goes forward."
            remedy = "Leave the hour out, or give the offset."
        self._refuse(number, "start", code, message, remedy)
        return None

    def _micro(self, number: int, text: str, size: Fraction) -> int | None:
        if not _VALUE.fullmatch(text):
            self._refuse(
                number, "value", "value-invalid", f"{text} is not a number.", "Write a number such as 12.5."
            )
            return None
        micro = Fraction(text) * size * MICRO
        if micro < 0:
            self._refuse(
                number,
                "value",
                "value-negative",
                f"{text} is below zero.",
                "What is fed in is a quantity of its own: export.",
            )
        elif micro.denominator != 1:
            self._refuse(
                number,
                "value",
                "too-precise",
                f"{text} has parts below a millionth.",
                "Intervals are kept in millionths of the unit: round it.",
            )
        elif micro >= MAX_MICRO:
            self._refuse(
                number, "value", "too-large", f"{text} is too large.", "An interval stays below 35 million."
            )
        else:
            return int(micro)
        return None

    def _check_day(self, number: int, start_at: datetime, step: int, count: int) -> None:
        """Several values in a line are a whole day."""
        day = start_at.astimezone(ZoneInfo(self.clock)).date()
        begin, end = midnight(day, self.clock), midnight(day + _DAY, self.clock)
        wanted = (end - begin) // timedelta(minutes=step)
        if start_at != begin or count != wanted:
            self._refuse(
                number,
                "value",
                "interval-count",
                f"The line gives {count} values from {start_at.astimezone(ZoneInfo(self.clock)):%Y-%m-%d %H:%M} on;"
                f" the day {day} has {wanted} of {step} min by the clock of {self.clock}.",
                "Give a whole day from midnight on, or one interval a line.",
            )

    def _refuse(self, line: int, name: str, code: str, message: str, remedy: str) -> None:
        self.faults.append(FileFault(line=line, field=name, code=code, message=message, remedy=remedy))
