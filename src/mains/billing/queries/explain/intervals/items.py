"""What intervals give of an item, and the intervals behind each figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

from mains.billing.queries.explain.intervals.prices import end_of, price_series
from mains.billing.queries.explain.intervals.steps import interval_steps
from mains.engine.exact.explanation import DetailStep, Step, show_short, unit_text
from mains.engine.facts import MICRO, DatedValue, Stretch
from mains.engine.intervals import Measured
from mains.engine.intervals.exact import counted_micro
from mains.engine.intervals.known import KnownInterval, KnownIntervals
from mains.engine.intervals.values import IntervalRow
from mains.engine.tariff.demands import USAGE
from mains.engine.tariff.model import Tariff
from mains.engine.tariff.schedule import RegisterPart

ORIGIN = "intervals:"
"""How the source of use begins that intervals give; the name of the use follows."""


@dataclass(frozen=True)
class ItemIntervals:
    """What intervals give of an item, and the intervals themselves."""

    tariff: Tariff
    known: KnownIntervals
    measured: Measured
    prices: Mapping[str, Sequence[IntervalRow]] = field(default_factory=dict)

    def use(self) -> dict[str, tuple[Stretch, ...]]:
        """Use by name, each with its name as its source: the intervals are told below it."""
        return {
            name: tuple(
                Stretch(each.from_date, each.to_date, each.micro, f"{ORIGIN}{name}") for each in stretches
            )
            for name, stretches in self.measured.use.items()
        }

    def attributes(self) -> Mapping[str, tuple[DatedValue, ...]]:
        """The demands."""
        return self.measured.attributes

    def origins(self, *, name: str, from_date: date, to_date: date) -> tuple[Step, ...]:
        """Day by day, and below each day its intervals."""
        register, _dot, zone = name.partition(".")
        part = self.tariff.parts.get(name)
        zones = part.zones if part else (zone,) if zone else ()
        register = part.register if part else register
        unit = unit_text(self.tariff.units.use if register == USAGE else self.tariff.quantities[register])
        if part and part.price:
            return tuple(
                self._priced_day(stretch, part, unit)
                for stretch in self.measured.use.get(name, ())
                if from_date <= stretch.from_date < to_date
            )
        return tuple(
            self._day(stretch, register, zones, unit)
            for stretch in self.measured.use.get(name, ())
            if from_date <= stretch.from_date < to_date
        )

    def _day(self, stretch: Stretch, register: str, zones: Sequence[str], unit: str) -> Step:
        clock = self.tariff.time_zone
        series = self.known.series(register, first=stretch.from_date, end=stretch.to_date, clock=clock)
        assert series is not None, "What is measured has intervals."
        found = [
            interval
            for _at, interval in self.known.walk(register, series.start_at, end_of(series))
            if interval is not None
        ]
        chosen = [each for each in found if not zones or self._zone(each, stretch.from_date) in zones]
        return DetailStep(
            label=f"{stretch.from_date}",
            value=Fraction(stretch.micro, MICRO),
            unit=unit,
            source=stretch.source,
            children=interval_steps(chosen, clock, unit),
        )

    def _priced_day(self, stretch: Stretch, part: RegisterPart, unit: str) -> Step:
        """A day's intervals, each with its price and what it is worth."""
        clock, money = self.tariff.time_zone, self.tariff.currency
        series = self.known.series(part.register, first=stretch.from_date, end=stretch.to_date, clock=clock)
        assert series is not None, "What is measured has intervals."
        prices = price_series(self.prices.get(part.price, ()), part.price, series)
        children = []
        walked = self.known.walk(part.register, series.start_at, end_of(series))
        for (_at, found), price, name in zip(walked, prices.micro, prices.names, strict=True):
            assert found is not None, "What is measured has no holes."
            counted = counted_micro(part, self._zone(found, stretch.from_date), found.micro)
            (step,) = interval_steps([found], clock, unit)
            worth = Fraction(counted * price, MICRO * MICRO) * part.price_size
            formula = (
                f"{show_short(Fraction(counted, MICRO))} {unit} × "
                f"{show_short(Fraction(price, MICRO))} {part.price_unit}"
            )
            source = f"{step.source}; {part.price} {name}"
            children.append(replace(step, value=worth, unit=money, formula=formula, source=source))
        return DetailStep(
            label=f"{stretch.from_date}",
            value=Fraction(stretch.micro, MICRO),
            unit=money,
            source=stretch.source,
            children=tuple(children),
        )

    def _zone(self, interval: KnownInterval, day: date) -> str:
        version = self.tariff.find_version(day)
        schedule = None if version is None else version.schedule
        if schedule is None:
            return ""
        local = interval.begin_at.astimezone(ZoneInfo(self.tariff.time_zone))
        minute = local.hour * 60 + local.minute
        kind, season = schedule.holidays.kind_of(day), self.tariff.season_of(day)
        for rule in schedule.rules_of(kind=kind, season=season, month=day.month):
            if rule.from_minute <= minute < rule.to_minute:
                return rule.zone
        return schedule.rest or ""
