"""Intervals of one account by the tariff's clock: their days, their zones, what falls between two days."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

from mains.engine.intervals.values import IntervalSeries, UnableToMeasure
from mains.engine.tariff.model import Tariff
from mains.engine.tariff.schedule import Demand, Rule, Schedule

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Interval:
    begin_at: datetime
    zone: str
    micro: int
    name: str = ""

    @property
    def day(self) -> date:
        return self.begin_at.date()


@dataclass(frozen=True)
class Timeline:
    """The series of an account over a period, as the tariff's clock shows them."""

    tariff: Tariff
    series: Sequence[IntervalSeries]
    period_from: date
    period_to: date
    _rules_of_days: dict[date, tuple[Rule, ...]] = field(default_factory=dict)

    @cached_property
    def clock(self) -> ZoneInfo:
        if not self.tariff.time_zone:
            raise UnableToMeasure(
                code="time-zone-missing",
                message=f"Tariff {self.tariff.code} does not say by which clock its days begin.",
                place="time_zone",
                remedy="Write `time_zone: Europe/Berlin` in the tariff.",
            )
        return ZoneInfo(self.tariff.time_zone)

    @cached_property
    def shifts(self) -> frozenset[timedelta]:
        """By how much the clock moves inside the series."""
        intervals = next(iter(self.by_register.values()), ())
        offsets = [interval.begin_at.utcoffset() or timedelta(0) for interval in intervals]
        return frozenset(later - before for before, later in pairwise(offsets) if later != before)

    @cached_property
    def by_register(self) -> Mapping[str, tuple[Interval, ...]]:
        return {series.register: tuple(self._walk(series)) for series in self.series}

    def between(self, register: str, first: date, end: date) -> Sequence[Interval]:
        """Intervals of the days [first, end). Days of the clock never go back, even where its hours do."""
        intervals = self.by_register[register]
        at, to = (bisect_left(intervals, day, key=lambda interval: interval.day) for day in (first, end))
        return intervals[at:to]

    def _walk(self, series: IntervalSeries) -> Iterator[Interval]:
        step = timedelta(minutes=series.step_minutes)
        for at, micro in enumerate(series.micro):
            begin_at = (series.start_at + step * at).astimezone(self.clock)
            if begin_at.minute % series.step_minutes:
                raise self.misaligned(series.register, series.step_minutes)
            yield Interval(begin_at, self._zone(begin_at), micro, series.names[at] if series.names else "")

    def series_of(self, register: str) -> IntervalSeries:
        return next(item for item in self.series if item.register == register)

    def knows(self, demand: Demand) -> bool:
        known = {item.register for item in self.series}
        return set(demand.registers) <= known

    def schedule(self, day: date) -> Schedule | None:
        version = self.tariff.find_version(day)
        return None if version is None else version.schedule

    def _zone(self, begin_at: datetime) -> str:
        schedule, day = self.schedule(begin_at.date()), begin_at.date()
        if schedule is None:
            return ""
        minute = begin_at.hour * 60 + begin_at.minute
        for rule in self._rules(day):
            if rule.from_minute <= minute < rule.to_minute:
                return rule.zone
        return schedule.rest or ""

    def _rules(self, day: date) -> tuple[Rule, ...]:
        """The rules of one day, kept from one interval to the next."""
        if day not in self._rules_of_days:
            schedule = self.schedule(day)
            assert schedule is not None
            kind, season = schedule.holidays.kind_of(day), self.tariff.season_of(day)
            self._rules_of_days[day] = schedule.rules_of(kind=kind, season=season, month=day.month)
        return self._rules_of_days[day]

    @property
    def days(self) -> list[date]:
        """The days of the period."""
        return [self.period_from + ONE_DAY * at for at in range((self.period_to - self.period_from).days)]

    def misaligned(self, register: str, minutes: int) -> UnableToMeasure:
        return UnableToMeasure(
            code="intervals-misaligned",
            message=f"Intervals or windows of {minutes} min ({register}) do not begin at the full hour or at equal "
            f"parts of it by the clock of {self.tariff.time_zone}.",
            place="intervals",
            remedy="Give a start at the full hour; where the clock moves by half an hour, windows of 30 min or less.",
        )


def midnight(day: date, clock: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=clock).astimezone(UTC)
