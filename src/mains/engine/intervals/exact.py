"""Interval data of one account, interval by interval: the plain way, which the column version is checked against."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import floor, isqrt
from zoneinfo import ZoneInfo

from mains.engine.exact.explanation import show_short
from mains.engine.facts import MICRO, DatedValue, Stretch
from mains.engine.intervals.values import (
    MAX_WORTH_MICRO,
    History,
    IntervalSeries,
    Measured,
    UnableToMeasure,
)
from mains.engine.tariff.demands import USAGE
from mains.engine.tariff.model import Tariff
from mains.engine.tariff.schedule import (
    EACH_DAY,
    FED_IN,
    PER_MONTH,
    TAKEN,
    Demand,
    Ratchet,
    RegisterPart,
    Rule,
    Schedule,
    price_register,
)

_ONE_DAY = timedelta(days=1)


def measure_exact(
    *,
    tariff: Tariff,
    series: Sequence[IntervalSeries],
    period_from: date,
    period_to: date,
    history: History = None,
    told: Mapping[str, Mapping[date, str]] | None = None,
) -> Measured:
    """Use per zone and day and the demands of [period_from, period_to), by the tariff's clock.

    `told` says of the demands of `history` where they come from, by demand and month.
    Raises UnableToMeasure when intervals are missing or do not fit the hours of the tariff.
    """
    return _Measurer(tariff, series, history, period_from, period_to, told or {}).measure()


@dataclass(frozen=True)
class _Interval:
    begin_at: datetime
    zone: str
    micro: int
    name: str = ""

    @property
    def day(self) -> date:
        return self.begin_at.date()


@dataclass(frozen=True)
class _Power:
    """Mean power of one window; `names` are the intervals' that make it."""

    begin_at: datetime
    zone: str
    micro: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Measurer:
    tariff: Tariff
    series: Sequence[IntervalSeries]
    history: History
    period_from: date
    period_to: date
    told: Mapping[str, Mapping[date, str]] = field(default_factory=dict)
    _rules_of_days: dict[date, tuple[Rule, ...]] = field(default_factory=dict)

    @cached_property
    def _clock(self) -> ZoneInfo:
        if not self.tariff.time_zone:
            raise UnableToMeasure(
                code="time-zone-missing",
                message=f"Tariff {self.tariff.code} does not say by which clock its days begin.",
                place="time_zone",
                remedy="Write `time_zone: Europe/Berlin` in the tariff.",
            )
        return ZoneInfo(self.tariff.time_zone)

    def measure(self) -> Measured:
        use: dict[str, tuple[Stretch, ...]] = {}
        if len({(item.start_at, item.step_minutes, len(item.micro)) for item in self.series}) > 1:
            raise _differ([item.register for item in self.series])
        for series in self.series:
            self._check(series)
            if not self._is_price(series.register):
                use |= self._use(series)
        for name, part in self.tariff.parts.items():
            if name not in self._by_register and part.register in self._by_register:
                use[name] = self._value(part) if part.price else self._part(part)
        attributes: dict[str, tuple[DatedValue, ...]] = {}
        for name, demand in self.tariff.demands.items():
            if isinstance(demand, Demand) and not self._knows(demand):
                continue
            made = self._demand(demand) if isinstance(demand, Demand) else self._ratchet(demand)
            if made:
                attributes[name] = made
        return Measured(use, attributes)

    def _is_price(self, register: str) -> bool:
        return register in map(price_register, self.tariff.price_series)

    # --- checks

    def _check(self, series: IntervalSeries) -> None:
        clock, step = self._clock, timedelta(minutes=series.step_minutes)
        first, end = (_midnight(day, clock) for day in (self.period_from, self.period_to))
        begin, finish = series.start_at, series.start_at + step * len(series.micro)
        if begin > first or finish < end:
            told = (
                f"from {begin.astimezone(clock):%Y-%m-%d %H:%M} to {finish.astimezone(clock):%Y-%m-%d %H:%M}"
            )
            raise UnableToMeasure(
                code="intervals-missing",
                message=f"The intervals of {series.register} run {told}; the period needs {self.period_from} to "
                f"{self.period_to} (excluded).",
                place="intervals",
                remedy="Give an interval for every part of every day of the period.",
            )
        self._check_windows(series)
        day = begin.astimezone(clock).date()
        while day <= (finish - timedelta(minutes=1)).astimezone(clock).date():
            self._check_holidays(day)
            day += _ONE_DAY

    def _check_windows(self, series: IntervalSeries) -> None:
        """Windows are made up of whole intervals, and no zone begins inside one."""
        demands = [demand for demand in self.tariff.demands.values() if isinstance(demand, Demand)]
        windows = {demand.window_minutes or series.step_minutes for demand in demands} | {series.step_minutes}
        schedules = [version.schedule for version in self.tariff.versions if version.schedule is not None]
        for window in sorted(windows):
            if window % series.step_minutes or not all(schedule.fits(window) for schedule in schedules):
                raise _too_coarse(series.register, series.step_minutes, window)
            if any(shift % timedelta(minutes=window) for shift in self._shifts):
                raise self._misaligned(series.register, window)

    def _check_holidays(self, day: date) -> None:
        schedule = self._schedule(day)
        if schedule is not None and not schedule.holidays.cover(day):
            raise UnableToMeasure(
                code="holidays-missing",
                message=f"The holidays of {day.year} are not known.",
                place="holidays",
                remedy=f"Add the holidays of {day.year} to the tariff.",
            )

    def _misaligned(self, register: str, minutes: int) -> UnableToMeasure:
        return UnableToMeasure(
            code="intervals-misaligned",
            message=f"Intervals or windows of {minutes} min ({register}) do not begin at the full hour or at equal "
            f"parts of it by the clock of {self.tariff.time_zone}.",
            place="intervals",
            remedy="Give a start at the full hour; where the clock moves by half an hour, windows of 30 min or less.",
        )

    # --- intervals by the clock

    @cached_property
    def _shifts(self) -> frozenset[timedelta]:
        """By how much the clock moves inside the series."""
        intervals = next(iter(self._by_register.values()), ())
        offsets = [interval.begin_at.utcoffset() or timedelta(0) for interval in intervals]
        return frozenset(later - before for before, later in pairwise(offsets) if later != before)

    @cached_property
    def _by_register(self) -> Mapping[str, tuple[_Interval, ...]]:
        return {series.register: tuple(self._walk(series)) for series in self.series}

    def _between(self, register: str, first: date, end: date) -> Sequence[_Interval]:
        """Intervals of the days [first, end). Days of the clock never go back, even where its hours do."""
        intervals = self._by_register[register]
        at, to = (bisect_left(intervals, day, key=lambda interval: interval.day) for day in (first, end))
        return intervals[at:to]

    def _walk(self, series: IntervalSeries) -> Iterator[_Interval]:
        step = timedelta(minutes=series.step_minutes)
        for at, micro in enumerate(series.micro):
            begin_at = (series.start_at + step * at).astimezone(self._clock)
            if begin_at.minute % series.step_minutes:
                raise self._misaligned(series.register, series.step_minutes)
            yield _Interval(begin_at, self._zone(begin_at), micro, series.names[at] if series.names else "")

    def _series(self, register: str) -> IntervalSeries:
        return next(item for item in self.series if item.register == register)

    def _knows(self, demand: Demand) -> bool:
        known = {item.register for item in self.series}
        return set(demand.registers) <= known

    def _schedule(self, day: date) -> Schedule | None:
        version = self.tariff.find_version(day)
        return None if version is None else version.schedule

    def _zone(self, begin_at: datetime) -> str:
        schedule, day = self._schedule(begin_at.date()), begin_at.date()
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
            schedule = self._schedule(day)
            assert schedule is not None
            kind, season = schedule.holidays.kind_of(day), self.tariff.season_of(day)
            self._rules_of_days[day] = schedule.rules_of(kind=kind, season=season, month=day.month)
        return self._rules_of_days[day]

    # --- use

    def _use(self, series: IntervalSeries) -> dict[str, tuple[Stretch, ...]]:
        zones = self.tariff.schedule_zones if series.register == USAGE else ()
        days = [self.period_from + _ONE_DAY * at for at in range((self.period_to - self.period_from).days)]
        sums = {zone: dict.fromkeys(days, 0) for zone in zones or ("",)}
        for interval in self._between(series.register, self.period_from, self.period_to):
            zone = interval.zone if zones else ""
            # A day without a version has no zones; rating refuses it.
            if zone in sums:
                sums[zone][interval.day] += interval.micro
        return {
            f"{series.register}.{zone}" if zone else series.register: tuple(
                Stretch(day, day + _ONE_DAY, micro, self._told(series, zone, day))
                for day, micro in by_day.items()
            )
            for zone, by_day in sums.items()
        }

    def _part(self, part: RegisterPart) -> tuple[Stretch, ...]:
        """What a quantity has of another register, by day."""
        days = [self.period_from + _ONE_DAY * at for at in range((self.period_to - self.period_from).days)]
        sums = dict.fromkeys(days, 0)
        for interval in self._between(part.register, self.period_from, self.period_to):
            sums[interval.day] += counted_micro(part, interval.zone, interval.micro)
        series = self._series(part.register)
        which = {TAKEN: "those that took", FED_IN: "those that fed in"}.get(part.only, "")
        return tuple(
            Stretch(day, day + _ONE_DAY, micro, self._told_of_part(series, part, which, day))
            for day, micro in sums.items()
        )

    def _value(self, part: RegisterPart) -> tuple[Stretch, ...]:
        """What the intervals of a register are worth by the prices of their times, by day."""
        prices = price_register(part.price)
        if prices not in self._by_register:
            raise UnableToMeasure(
                code="prices-missing",
                message=f"There are no prices {part.price} from {self.period_from} to {self.period_to} (excluded).",
                place=f"quantities, price {part.price}",
                remedy="Give the series of prices: in a case under intervals, else mains tariff import-prices.",
            )
        days = [self.period_from + _ONE_DAY * at for at in range((self.period_to - self.period_from).days)]
        sums = dict.fromkeys(days, Fraction(0))
        for interval, price in zip(
            self._between(part.register, self.period_from, self.period_to),
            self._between(prices, self.period_from, self.period_to),
            strict=True,
        ):
            counted = counted_micro(part, interval.zone, interval.micro)
            sums[interval.day] += Fraction(counted * price.micro, MICRO) * part.price_size
        if any(abs(worth) >= MAX_WORTH_MICRO for worth in sums.values()):
            raise UnableToMeasure(
                code="amount-too-large",
                message=f"A day of {part.register} is worth too much by the prices {part.price}.",
                place=f"quantities, price {part.price}",
                remedy="Check the unit of the prices.",
            )
        told = "; ".join(
            filter(
                None,
                (
                    f"{part.register} × {part.price}, interval by interval",
                    self._told(self._series(part.register), "", self.period_from),
                    self._series(prices).source,
                ),
            )
        )
        return tuple(
            Stretch(day, day + _ONE_DAY, floor(worth + Fraction(1, 2)), told) for day, worth in sums.items()
        )

    def _told_of_part(self, series: IntervalSeries, part: RegisterPart, which: str, day: date) -> str:
        zones = [self._told(series, zone, day) for zone in part.zones] or [self._told(series, "", day)]
        return "; ".join(dict.fromkeys([f"of {part.register}", *zones, *filter(None, [which])]))

    def _told(self, series: IntervalSeries, zone: str, day: date) -> str:
        """Where the use of a day comes from: the same text on all days but holidays, so that it is told once."""
        text = ", ".join(filter(None, (series.source, f"intervals of {series.step_minutes} min")))
        schedule = self._schedule(day)
        if zone and schedule is not None:
            text += f", {zone}: {schedule.describe(zone)} ({self.tariff.time_zone})"
            holiday = schedule.holidays.find(day)
            if holiday is not None:
                text = f"holiday {day} ({holiday.name}) counts as {schedule.holidays.kind}"
        return text

    # --- demands

    def _powers(self, demand: Demand, first: date, end: date) -> list[_Power]:
        by_register = [self._windows(demand, register, first, end) for register in demand.registers]
        if len(by_register) == 1:
            return by_register[0]
        return [
            _Power(
                active.begin_at,
                active.zone,
                apparent_micro(active.micro, reactive.micro),
                active.names + reactive.names,
            )
            for active, reactive in zip(*by_register, strict=True)
        ]

    def _windows(self, demand: Demand, register: str, first: date, end: date) -> list[_Power]:
        step = self._series(register).step_minutes
        window = demand.window_minutes or step
        powers: list[_Power] = []
        gathered: list[_Interval] = []
        for interval in self._between(register, first, end):
            gathered.append(interval)
            if len(gathered) * step == window:
                energy = sum(part.micro for part in gathered)
                names = tuple(part.name for part in gathered if part.name)
                powers.append(_Power(gathered[0].begin_at, gathered[0].zone, energy * (60 // window), names))
                gathered = []
        return powers

    def _highest(self, demand: Demand, first: date, end: date) -> tuple[int, str]:
        """The maximum of some days, and the window that made it."""
        powers = [
            power
            for power in self._powers(demand, first, end)
            if not demand.zones or power.zone in demand.zones
        ]
        zones = f" of {', '.join(demand.zones)}" if demand.zones else ""
        if not powers:
            return 0, f"no interval{zones} from {first} to {end} (excluded)"
        if demand.peaks > 1:
            return self._mean_of_peaks(demand, powers)
        best = max(powers, key=lambda power: power.micro)
        window = demand.window_minutes or self._series(demand.registers[0]).step_minutes
        until = (best.begin_at.astimezone(UTC) + timedelta(minutes=window)).astimezone(self._clock)
        text = f"{best.begin_at:%Y-%m-%d %H:%M}–{until:%H:%M %Z}, highest of {len(powers)} values{zones}"
        if best.names:
            text += f", intervals {', '.join(best.names)}"
        schedule = self._schedule(best.begin_at.date())
        if demand.zones and schedule is not None:
            text += f" ({schedule.describe(best.zone)})"
        return best.micro, text

    def _mean_of_peaks(self, demand: Demand, powers: Sequence[_Power]) -> tuple[int, str]:
        """Mean of the highest values, of each day the highest at most; to the nearest millionth, half up."""
        if demand.each == EACH_DAY:
            of_day: dict[date, _Power] = {}
            for power in powers:
                day = power.begin_at.date()
                if day not in of_day or of_day[day].micro < power.micro:
                    of_day[day] = power
            powers = list(of_day.values())
        highest = sorted(powers, key=lambda power: power.micro, reverse=True)[: demand.peaks]
        total = sum(power.micro for power in highest)
        told = "; ".join(
            " ".join(
                filter(
                    None,
                    (
                        f"{power.begin_at:%Y-%m-%d %H:%M}",
                        show_short(Fraction(power.micro, MICRO)),
                        f"({', '.join(power.names)})" if power.names else "",
                    ),
                )
            )
            for power in sorted(highest, key=lambda power: power.begin_at)
        )
        each = " of different days" if demand.each == EACH_DAY else ""
        micro = (2 * total + len(highest)) // (2 * len(highest))
        return micro, f"mean of the {len(highest)} highest values{each}: {told}"

    def _parts(self, demand: Demand) -> list[tuple[date, date]]:
        """The bill's period, or its part in each calendar month."""
        if demand.per != PER_MONTH:
            return [(self.period_from, self.period_to)]
        parts, first = [], self.period_from
        while first < self.period_to:
            end = min(_month_after(first), self.period_to)
            parts.append((first, end))
            first = end
        return parts

    def _demand(self, demand: Demand) -> tuple[DatedValue, ...]:
        made = []
        for first, end in self._parts(demand):
            micro, source = self._highest(demand, first, end)
            made.append(DatedValue(Fraction(micro, MICRO), first, end, source))
        return tuple(made)

    def _ratchet(self, ratchet: Ratchet) -> tuple[DatedValue, ...]:
        demand = self.tariff.demands[ratchet.of]
        assert isinstance(demand, Demand)
        made = []
        for first, end in self._parts(demand):
            months = _months_before(first, ratchet)
            before = self._before(demand, months)
            if months and not before and self.history is None:
                continue
            micro, source = max(before, default=(0, "no month counts"), key=lambda pair: pair[0])
            told = f"{source}; highest of {len(before)} known months of the {ratchet.months} before {first:%Y-%m}"
            made.append(DatedValue(Fraction(micro, MICRO), first, end, told))
        return tuple(made)

    def _before(self, demand: Demand, months: Sequence[date]) -> list[tuple[int, str]]:
        """What is known of some months."""
        known: Mapping[date, int] = (self.history or {}).get(demand.name, {})
        found = []
        for month in months:
            if month in known:
                told = self.told.get(demand.name, {}).get(month, "as recorded")
                found.append((known[month], f"{month:%Y-%m}, {told}"))
            elif self._knows(demand) and self._covers(demand, month):
                found.append(self._highest(demand, month, _month_after(month)))
        return found

    def _covers(self, demand: Demand, month: date) -> bool:
        first, end = (_midnight(day, self._clock) for day in (month, _month_after(month)))
        return all(
            series.start_at <= first
            and series.start_at + timedelta(minutes=series.step_minutes) * len(series.micro) >= end
            for series in map(self._series, demand.registers)
        )


def counted_micro(part: RegisterPart, zone: str, micro: int) -> int:
    """What a part has of an interval in a zone."""
    if part.zones and zone not in part.zones:
        return 0
    if part.only == TAKEN:
        return max(micro, 0)
    if part.only == FED_IN:
        return max(-micro, 0)
    return micro


def apparent_micro(active: int, reactive: int) -> int:
    """√(active² + reactive²) in millionths, half up. Whole numbers have no tie: (n + ½)² is not whole."""
    square = active * active + reactive * reactive
    root = isqrt(square)
    return root + 1 if square > root * root + root else root


def _midnight(day: date, clock: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=clock).astimezone(UTC)


def _months_before(day: date, ratchet: Ratchet) -> list[date]:
    """The months which a ratchet looks at, newest first."""
    months, month = [], day.replace(day=1)
    for _ in range(ratchet.months):
        month = (month - _ONE_DAY).replace(day=1)
        if not ratchet.within or month.month in ratchet.within:
            months.append(month)
    return months


def _month_after(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _too_coarse(register: str, step: int, window: int) -> UnableToMeasure:
    if window % step:
        message = (
            f"The intervals of {register} have {step} min, which do not make up windows of {window} min."
        )
    else:
        message = (
            f"Hours of the tariff begin inside intervals of {register} or windows: {step} and {window} min."
        )
    return UnableToMeasure(
        code="interval-length", message=message, place="intervals", remedy="Give shorter intervals."
    )


def _differ(registers: Sequence[str]) -> UnableToMeasure:
    return UnableToMeasure(
        code="intervals-differ",
        message=f"The intervals of {' and '.join(registers)} have not the same times.",
        place="intervals",
        remedy="Give all registers from the same start, in intervals of the same length.",
    )
