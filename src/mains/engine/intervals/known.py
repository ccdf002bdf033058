"""Stored intervals of one point, one by one: what is measured, what is taken for a missing one, and from where.

The plain way, which the column version (`filled.py`) is checked against.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from math import floor
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mains.engine.intervals.values import ESTIMATE_WEEKS, IntervalRow, IntervalSeries, UnableToMeasure

_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)


class KnownInterval(NamedTuple):
    """One interval: when it begins, its millionths, the stored row and the place in it that say so, and how many weeks
    before that was measured (0: it is measured itself)."""

    begin_at: datetime
    micro: int
    row: IntervalRow
    place: int
    weeks_before: int

    @property
    def name(self) -> str:
        """How people call the stored interval: the row's id and the place in it, from 1."""
        return f"{self.row.row_id}.{self.place}"


@dataclass(frozen=True)
class DaySum:
    """The intervals of one register on one day by the clock of the rows; `is_measured` if none is estimated."""

    day: date
    micro: int
    is_measured: bool
    intervals: tuple[KnownInterval, ...]

    @property
    def has_own(self) -> bool:
        """Whether any interval of the day itself is measured."""
        return any(not each.weeks_before for each in self.intervals)


@dataclass(frozen=True)
class KnownIntervals:
    """The rows of one point, of which none overlap."""

    rows: Sequence[IntervalRow]

    @cached_property
    def _measured(self) -> Mapping[str, Mapping[datetime, KnownInterval]]:
        found: dict[str, dict[datetime, KnownInterval]] = {}
        for row in self.rows:
            own = found.setdefault(row.register, {})
            for at, micro in enumerate(row.micro):
                if micro is not None:
                    begin_at = row.start_at + timedelta(minutes=row.step_minutes * at)
                    own[begin_at] = KnownInterval(begin_at, micro, row, at + 1, 0)
        return found

    def around(self, first: date, end: date) -> "KnownIntervals":
        """Those of the rows that tell of the days [first, end) by any clock, or that these may be estimated by."""
        since = datetime(first.year, first.month, first.day, tzinfo=UTC) - ESTIMATE_WEEKS * _WEEK - 2 * _DAY
        until = datetime(end.year, end.month, end.day, tzinfo=UTC) + _DAY
        return KnownIntervals([row for row in self.rows if since < row.start_at < until])

    @property
    def named(self) -> tuple[tuple[int, str], ...]:
        """By which rows, corrected for which faults, all that is told here is told."""
        return tuple((row.row_id, row.fault) for row in self.rows)

    @property
    def registers(self) -> tuple[str, ...]:
        return tuple(self._measured)

    def find(self, register: str, begin_at: datetime) -> KnownInterval | None:
        """The interval that begins then, measured or estimated; None where nothing can be taken for it."""
        own = self._measured.get(register, {})
        for weeks in range(ESTIMATE_WEEKS + 1):
            found = own.get(begin_at - weeks * _WEEK)
            if found is not None:
                return found._replace(begin_at=begin_at, weeks_before=weeks)
        return None

    def step_minutes(self, register: str, start_at: datetime, end_at: datetime) -> int | None:
        """Length of the register's intervals from four weeks before the span on; None without any.

        Raises UnableToMeasure when they are of several lengths.
        """
        since = start_at - ESTIMATE_WEEKS * _WEEK
        steps = {
            row.step_minutes
            for row in self.rows
            if row.register == register
            and row.start_at < end_at
            and row.start_at + timedelta(minutes=row.step_minutes * len(row.micro)) > since
        }
        if len(steps) > 1:
            raise UnableToMeasure(
                code="intervals-differ",
                message=f"The intervals of {register} have several lengths: {sorted(steps)} min.",
                place="intervals",
                remedy="Import all of the month, and of the four weeks before it, in one length.",
            )
        return next(iter(steps), None)

    def walk(
        self, register: str, start_at: datetime, end_at: datetime
    ) -> Iterator[tuple[datetime, KnownInterval | None]]:
        """Every interval of [start_at, end_at)."""
        step = self.step_minutes(register, start_at, end_at)
        at = start_at
        while step is not None and at < end_at:
            yield at, self.find(register, at)
            at += timedelta(minutes=step)

    def series(self, register: str, *, first: date, end: date, clock: str) -> IntervalSeries | None:
        """The days [first, end) of a clock; None where no row tells of them.

        Raises UnableToMeasure where an interval is missing for which nothing can be taken.
        """
        start_at, end_at = midnight(first, clock), midnight(end, clock)
        walked = list(self.walk(register, start_at, end_at))
        missing = [at for at, found in walked if found is None]
        if not walked:
            return None
        if missing:
            raise UnableToMeasure(
                code="intervals-missing",
                message=f"{len(missing)} of {len(walked)} intervals of {register} are missing, and no week of the four "
                f"before tells of them; the first is {missing[0].astimezone(ZoneInfo(clock)):%Y-%m-%d %H:%M}.",
                place="intervals",
                remedy="Import them: mains reading import-intervals.",
            )
        known = [found for _at, found in walked if found is not None]
        estimated = sum(1 for found in known if found.weeks_before)
        told = list(dict.fromkeys(found.row.source for found in known if found.row.source))
        if estimated:
            told.append(f"{estimated} of {len(known)} estimated by the weeks before")
        step = self.step_minutes(register, start_at, end_at)
        assert step is not None
        micro = tuple(found.micro for found in known)
        names = tuple(found.name for found in known)
        return IntervalSeries(register, start_at, step, micro, ", ".join(told), names)

    def days(self, register: str, *, first: date, end: date, clock: str) -> Iterator[DaySum]:
        """Sums of the days of [first, end) of which every interval is measured or estimated."""
        for number in range((end - first).days):
            day = first + timedelta(days=number)
            start_at, end_at = midnight(day, clock), midnight(day + timedelta(days=1), clock)
            walked = list(
                self._of_row(register, start_at, end_at) or self._estimated(register, start_at, end_at)
            )
            known = tuple(found for found in walked if found is not None)
            if known and len(known) == len(walked):
                micro = sum(found.micro for found in known)
                yield DaySum(day, micro, not any(found.weeks_before for found in known), known)

    def _of_row(self, register: str, start_at: datetime, end_at: datetime) -> list[KnownInterval]:
        """The intervals of a day of which none is missing; else nothing."""
        for row in self.rows:
            step = timedelta(minutes=row.step_minutes)
            if (row.register, row.start_at, row.start_at + step * len(row.micro)) == (
                register,
                start_at,
                end_at,
            ):
                return [
                    KnownInterval(start_at + step * at, micro, row, at + 1, 0)
                    for at, micro in enumerate(row.micro)
                    if micro is not None and None not in row.micro
                ]
        return []

    def _estimated(self, register: str, start_at: datetime, end_at: datetime) -> list[KnownInterval | None]:
        try:
            return [found for _at, found in self.walk(register, start_at, end_at)]
        except UnableToMeasure:
            return []  # several lengths: nothing can be taken from one for the other


def without_error(row: IntervalRow, *, percent_hundredths: int, fault: str) -> IntervalRow:
    """A row as its meter would have counted it, had it not counted so many hundredths of a percent too much: each
    interval to the nearest millionth, half up."""
    rightly = Fraction(10_000, 10_000 + percent_hundredths)
    micro = tuple(
        None if counted is None else floor(counted * rightly + Fraction(1, 2)) for counted in row.micro
    )
    return replace(row, micro=micro, counted=row.micro, fault=fault)


def midnight(day: date, clock: str) -> datetime:
    """The instant at which a day begins; where the clock leaves midnight out, the first instant after it."""
    zone = ZoneInfo(clock)
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        # Of a time that does not exist Python takes the offset before the jump: the same instant after it.
        while instant.astimezone(zone).date() < day:
            instant += timedelta(minutes=15)
        while (instant - timedelta(minutes=15)).astimezone(zone).date() >= day:
            instant -= timedelta(minutes=15)
    return instant
