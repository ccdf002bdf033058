"""Measured demands: maxima, means of peaks, and ratchets over the months before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import isqrt

from mains.engine.exact.explanation import show_short
from mains.engine.facts import MICRO, DatedValue
from mains.engine.intervals.exact.timeline import ONE_DAY, Interval, Timeline, midnight
from mains.engine.intervals.values import History
from mains.engine.tariff.schedule import EACH_DAY, PER_MONTH, Demand, Ratchet


@dataclass(frozen=True)
class _Power:
    """Mean power of one window; `names` are the intervals' that make it."""

    begin_at: datetime
    zone: str
    micro: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Demands:
    """The demands of a tariff by name; `told` says of those of `history` where they come from, by demand and month."""

    line: Timeline
    history: History
    told: Mapping[str, Mapping[date, str]] = field(default_factory=dict)

    def measure(self) -> dict[str, tuple[DatedValue, ...]]:
        """Those whose registers have intervals, and ratchets of which anything is known."""
        found: dict[str, tuple[DatedValue, ...]] = {}
        for name, demand in self.line.tariff.demands.items():
            if isinstance(demand, Demand) and not self.line.knows(demand):
                continue
            made = self._demand(demand) if isinstance(demand, Demand) else self._ratchet(demand)
            if made:
                found[name] = made
        return found

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
        step = self.line.series_of(register).step_minutes
        window = demand.window_minutes or step
        powers: list[_Power] = []
        gathered: list[Interval] = []
        for interval in self.line.between(register, first, end):
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
        window = demand.window_minutes or self.line.series_of(demand.registers[0]).step_minutes
        until = (best.begin_at.astimezone(UTC) + timedelta(minutes=window)).astimezone(self.line.clock)
        text = f"{best.begin_at:%Y-%m-%d %H:%M}–{until:%H:%M %Z}, highest of {len(powers)} values{zones}"
        if best.names:
            text += f", intervals {', '.join(best.names)}"
        schedule = self.line.schedule(best.begin_at.date())
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
            return [(self.line.period_from, self.line.period_to)]
        parts, first = [], self.line.period_from
        while first < self.line.period_to:
            end = min(_month_after(first), self.line.period_to)
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
        demand = self.line.tariff.demands[ratchet.of]
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
            elif self.line.knows(demand) and self._covers(demand, month):
                found.append(self._highest(demand, month, _month_after(month)))
        return found

    def _covers(self, demand: Demand, month: date) -> bool:
        first, end = (midnight(day, self.line.clock) for day in (month, _month_after(month)))
        return all(
            series.start_at <= first
            and series.start_at + timedelta(minutes=series.step_minutes) * len(series.micro) >= end
            for series in map(self.line.series_of, demand.registers)
        )


def apparent_micro(active: int, reactive: int) -> int:
    """√(active² + reactive²) in millionths, half up. Whole numbers have no tie: (n + ½)² is not whole."""
    square = active * active + reactive * reactive
    root = isqrt(square)
    return root + 1 if square > root * root + root else root


def _months_before(day: date, ratchet: Ratchet) -> list[date]:
    """The months which a ratchet looks at, newest first."""
    months, month = [], day.replace(day=1)
    for _ in range(ratchet.months):
        month = (month - ONE_DAY).replace(day=1)
        if not ratchet.within or month.month in ratchet.within:
            months.append(month)
    return months


def _month_after(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
