"""Use of each zone and day, parts of registers, and what use is worth by prices of the hour."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import floor

from mains.engine.facts import MICRO, Stretch
from mains.engine.intervals.exact.timeline import ONE_DAY, Timeline
from mains.engine.intervals.values import MAX_WORTH_MICRO, IntervalSeries, UnableToMeasure
from mains.engine.tariff.demands import USAGE
from mains.engine.tariff.schedule import FED_IN, TAKEN, RegisterPart, price_register


@dataclass(frozen=True)
class Uses:
    """Use by name, in stretches of a day."""

    line: Timeline

    def measure(self) -> dict[str, tuple[Stretch, ...]]:
        """Raises UnableToMeasure where prices are missing, or a day is worth too much."""
        use: dict[str, tuple[Stretch, ...]] = {}
        prices = [price_register(name) for name in self.line.tariff.price_series]
        for series in self.line.series:
            if series.register not in prices:
                use |= self._use(series)
        known = self.line.by_register
        for name, part in self.line.tariff.parts.items():
            if name not in known and part.register in known:
                use[name] = self._value(part) if part.price else self._part(part)
        return use

    def _use(self, series: IntervalSeries) -> dict[str, tuple[Stretch, ...]]:
        zones = self.line.tariff.schedule_zones if series.register == USAGE else ()
        days = self.line.days
        sums = {zone: dict.fromkeys(days, 0) for zone in zones or ("",)}
        for interval in self.line.between(series.register, self.line.period_from, self.line.period_to):
            zone = interval.zone if zones else ""
            # A day without a version has no zones; rating refuses it.
            if zone in sums:
                sums[zone][interval.day] += interval.micro
        return {
            f"{series.register}.{zone}" if zone else series.register: tuple(
                Stretch(day, day + ONE_DAY, micro, self._told(series, zone, day))
                for day, micro in by_day.items()
            )
            for zone, by_day in sums.items()
        }

    def _part(self, part: RegisterPart) -> tuple[Stretch, ...]:
        """What a quantity has of another register, by day."""
        days = self.line.days
        sums = dict.fromkeys(days, 0)
        for interval in self.line.between(part.register, self.line.period_from, self.line.period_to):
            sums[interval.day] += counted_micro(part, interval.zone, interval.micro)
        series = self.line.series_of(part.register)
        which = {TAKEN: "those that took", FED_IN: "those that fed in"}.get(part.only, "")
        return tuple(
            Stretch(day, day + ONE_DAY, micro, self._told_of_part(series, part, which, day))
            for day, micro in sums.items()
        )

    def _value(self, part: RegisterPart) -> tuple[Stretch, ...]:
        """What the intervals of a register are worth by the prices of their times, by day."""
        prices = price_register(part.price)
        if prices not in self.line.by_register:
            raise UnableToMeasure(
                code="prices-missing",
                message=f"There are no prices {part.price} from {self.line.period_from} to {self.line.period_to}"
                " (excluded).",
                place=f"quantities, price {part.price}",
                remedy="Give the series of prices: in a case under intervals, else mains tariff import-prices.",
            )
        days = self.line.days
        sums = dict.fromkeys(days, Fraction(0))
        for interval, price in zip(
            self.line.between(part.register, self.line.period_from, self.line.period_to),
            self.line.between(prices, self.line.period_from, self.line.period_to),
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
                    self._told(self.line.series_of(part.register), "", self.line.period_from),
                    self.line.series_of(prices).source,
                ),
            )
        )
        return tuple(
            Stretch(day, day + ONE_DAY, floor(worth + Fraction(1, 2)), told) for day, worth in sums.items()
        )

    def _told_of_part(self, series: IntervalSeries, part: RegisterPart, which: str, day: date) -> str:
        zones = [self._told(series, zone, day) for zone in part.zones] or [self._told(series, "", day)]
        return "; ".join(dict.fromkeys([f"of {part.register}", *zones, *filter(None, [which])]))

    def _told(self, series: IntervalSeries, zone: str, day: date) -> str:
        """Where the use of a day comes from: the same text on all days but holidays, so that it is told once."""
        text = ", ".join(filter(None, (series.source, f"intervals of {series.step_minutes} min")))
        schedule = self.line.schedule(day)
        if zone and schedule is not None:
            text += f", {zone}: {schedule.describe(zone)} ({self.line.tariff.time_zone})"
            holiday = schedule.holidays.find(day)
            if holiday is not None:
                text = f"holiday {day} ({holiday.name}) counts as {schedule.holidays.kind}"
        return text


def counted_micro(part: RegisterPart, zone: str, micro: int) -> int:
    """What a part has of an interval in a zone."""
    if part.zones and zone not in part.zones:
        return 0
    if part.only == TAKEN:
        return max(micro, 0)
    if part.only == FED_IN:
        return max(-micro, 0)
    return micro
