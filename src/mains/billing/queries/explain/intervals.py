"""Stored intervals behind an item, one by one: what they give by the exact way, and where each value is kept.

The exact side's own way to them: it shares no query with the frames that bill runs read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils.translation import gettext as _

from mains.engine.exact.explanation import DetailStep, Step, show_short, unit_text
from mains.engine.facts import MICRO, DatedValue, Stretch
from mains.engine.intervals import IntervalSeries, Measured, UnableToMeasure, measure_exact
from mains.engine.intervals.exact import counted_micro
from mains.engine.intervals.known import DaySum, KnownInterval, KnownIntervals
from mains.engine.intervals.values import ESTIMATE_WEEKS, IntervalRow
from mains.engine.tariff.demands import USAGE
from mains.engine.tariff.model import Tariff
from mains.engine.tariff.schedule import RegisterPart, price_register
from mains.kernel.period import month_start, next_month
from mains.metering.values import ZONE_OF_QUANTITY

ORIGIN = "intervals:"
"""How the source of use begins that intervals give; the name of the use follows."""

_DAY = timedelta(days=1)
_QUANTITY_OF_ZONE = {int(zone): str(quantity) for quantity, zone in ZONE_OF_QUANTITY.items()}


class IntervalFact(NamedTuple):
    """A stored day of a point's intervals: which meter told it, and since when it is known."""

    service_point_id: int
    meter_id: int
    day: date
    revision: int
    clock: str
    recorded_at: datetime
    row: IntervalRow


class PriceFact(NamedTuple):
    """A stored day of prices by the hour, and since when it is known; its row is called by the series."""

    series: str
    unit: str
    day: date
    revision: int
    recorded_at: datetime
    row: IntervalRow


class Hung(NamedTuple):
    """A meter at the point, and when that was believed."""

    meter_id: int
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None

    def holds(self, day: date, at: datetime) -> bool:
        """Whether it was believed at an instant to hang there on the day."""
        return (
            self.recorded_at <= at
            and (self.superseded_at is None or self.superseded_at > at)
            and self.valid_from <= day
            and (self.valid_to is None or day < self.valid_to)
        )


def first_day_read(tariff: Tariff | None, month: date) -> date:
    """The first day whose intervals say anything of a month: ratchets look back, and estimates before that."""
    for _number in range(0 if tariff is None else tariff.ratchet_months):
        month = month_start(month - _DAY)
    return month - timedelta(weeks=ESTIMATE_WEEKS, days=1)


def load_intervals(
    *,
    service_point_ids: Sequence[int],
    days: tuple[date, date] | None = None,
    as_of: datetime | None = None,
) -> dict[int, list[IntervalFact]]:
    """All revisions of the points' days by point, those of the half-open `days` if these are given; with `as_of` those
    recorded by then."""
    months = []
    if days is not None:
        month = month_start(days[0])
        while month < days[1]:
            months.append(month)
            month = next_month(month)
    found: dict[int, list[IntervalFact]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            _INTERVALS + ("" if days is None else _OF_DAYS) + ("" if as_of is None else _KNOWN) + _IN_ORDER,
            {
                "points": list(service_point_ids),
                "months": months,
                "from": days[0] if days else None,
                "to": days[1] if days else None,
                "as_of": as_of,
            },
        )
        for (
            point,
            meter,
            serial,
            proof,
            day,
            revision,
            clock,
            recorded_at,
            number,
            *series,
        ) in cursor.fetchall():
            quantity, start_at, step, values = series
            source = f"{serial}, {proof}"
            row = IntervalRow(number, quantity, start_at, step, tuple(values), source)
            found.setdefault(point, []).append(
                IntervalFact(point, meter, day, revision, clock, recorded_at, row)
            )
    return found


def load_prices(
    *,
    series: Iterable[str],
    days: tuple[date, date] | None = None,
    as_of: datetime | None = None,
) -> list[PriceFact]:
    """All revisions of the days of prices, those of the half-open `days` if these are given; with `as_of` those
    recorded by then."""
    names = sorted(set(series))
    if not names:
        return []
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            _PRICES
            + ("" if days is None else " AND v.day >= %(from)s AND v.day < %(to)s")
            + ("" if as_of is None else _KNOWN)
            + " ORDER BY v.series, v.day, v.revision",
            {
                "series": names,
                "from": days[0] if days else None,
                "to": days[1] if days else None,
                "as_of": as_of,
            },
        )
        for (
            name,
            unit,
            day,
            revision,
            recorded_at,
            number,
            proof,
            start_at,
            step,
            values,
        ) in cursor.fetchall():
            row = IntervalRow(number, name, start_at, step, tuple(values), f"{name}, {proof}")
            found.append(PriceFact(name, unit, day, revision, recorded_at, row))
    return found


def known_prices(facts: Iterable[PriceFact], tariff: Tariff, at: datetime) -> dict[str, list[IntervalRow]]:
    """What was known at an instant of the series that a tariff names, in its units: the last revision of each day."""
    last: dict[tuple[str, date], PriceFact] = {}
    for fact in facts:
        key = (fact.series, fact.day)
        if fact.recorded_at <= at and (key not in last or last[key].revision < fact.revision):
            last[key] = fact
    found: dict[str, list[IntervalRow]] = {}
    for fact in last.values():
        if tariff.price_series.get(fact.series) == fact.unit:
            found.setdefault(fact.series, []).append(fact.row)
    return found


def known_intervals(
    facts: Iterable[IntervalFact], hung: Sequence[Hung], at: datetime
) -> tuple[KnownIntervals, str]:
    """What was believed at an instant, and the clock of the days: the last revision of each day on which its meter hung
    there."""
    last: dict[tuple[str, date], IntervalFact] = {}
    for fact in facts:
        if fact.recorded_at <= at and any(
            each.meter_id == fact.meter_id and each.holds(fact.day, at) for each in hung
        ):
            key = (fact.row.register, fact.day)
            if key not in last or last[key].revision < fact.revision:
                last[key] = fact
    rows = [last[key].row for key in sorted(last)]
    return KnownIntervals(rows), next((fact.clock for fact in last.values()), "UTC")


def days_told(
    known: KnownIntervals,
    clock: str,
    *,
    zone: int,
    first: date,
    end: date,
    installed: Sequence[tuple[date, date | None]],
) -> dict[date, DaySum]:
    """The days of a zone of daily use that intervals tell of; estimated ones while a register of it hangs there."""
    quantity = _QUANTITY_OF_ZONE.get(zone)
    if quantity is None or quantity not in known.registers:
        return {}
    return {
        each.day: each
        for each in known.days(quantity, first=first, end=end, clock=clock)
        if each.is_measured
        or any(start <= each.day and (stop is None or each.day < stop) for start, stop in installed)
    }


# --- tariffs that read intervals


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
            for _at, interval in self.known.walk(register, series.start_at, _end_of(series))
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
        prices = _price_series(self.prices.get(part.price, ()), part.price, series)
        children = []
        walked = self.known.walk(part.register, series.start_at, _end_of(series))
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


def measure_item(
    tariff: Tariff,
    known: KnownIntervals,
    *,
    period_from: date,
    period_to: date,
    prices: Mapping[str, Sequence[IntervalRow]],
) -> ItemIntervals:
    """The item by the exact way. Raises UnableToMeasure where intervals are missing that nothing is taken for."""
    series = _series(tariff, known, prices, period_from, period_to)
    if not any(each.register == USAGE for each in series):
        raise UnableToMeasure(
            code="intervals-missing",
            message=f"The tariff {tariff.code} reads intervals, and there are none from {period_from} to {period_to} "
            "(excluded).",
            place="intervals",
            remedy="Import them: mains reading import-intervals; or agree on another tariff.",
        )
    history: dict[str, dict[date, int]] = {}
    told: dict[str, dict[date, str]] = {}
    for month in _months_before(period_from, tariff.ratchet_months):
        for name, value in _demands_of(tariff, known, prices, month).items():
            assert isinstance(value.value, Fraction), "A demand is a number."
            history.setdefault(name, {})[month] = int(value.value * MICRO)
            told.setdefault(name, {})[month] = value.source
    measured = measure_exact(
        tariff=tariff,
        series=series,
        period_from=period_from,
        period_to=period_to,
        history=history,
        told=told,
    )
    return ItemIntervals(tariff, known, measured, prices)


def _series(
    tariff: Tariff,
    known: KnownIntervals,
    prices: Mapping[str, Sequence[IntervalRow]],
    first: date,
    end: date,
) -> list[IntervalSeries]:
    """The registers that the tariff knows, and the prices of the times of its use."""
    registers = [name for name in (USAGE, *tariff.quantities) if name in known.registers]
    found = [known.series(name, first=first, end=end, clock=tariff.time_zone) for name in registers]
    series = [each for each in found if each is not None]
    used = next((each for each in series if each.register == USAGE), None)
    if used is not None:
        series += [_price_series(prices.get(name, ()), name, used) for name in tariff.price_series]
    return series


def _price_series(rows: Sequence[IntervalRow], name: str, like: IntervalSeries) -> IntervalSeries:
    """The price of each interval of a series. Raises UnableToMeasure where one is not known."""
    step = timedelta(minutes=like.step_minutes)
    told: dict[datetime, tuple[int, str]] = {}
    for row in rows:
        length = timedelta(minutes=row.step_minutes)
        for place, price in enumerate(row.micro):
            at = row.start_at + length * place
            while price is not None and length >= step and at < row.start_at + length * (place + 1):
                told[at] = (price, f"{row.row_id}.{place + 1}")
                at += step
    times = [like.start_at + step * place for place in range(len(like.micro))]
    missing = [at for at in times if at not in told]
    if missing:
        raise UnableToMeasure(
            code="prices-missing",
            message=f"{len(missing)} prices of the series {name} are missing, the first is that of "
            f"{missing[0]:%Y-%m-%d %H:%M} UTC.",
            place=f"quantities, price {name}",
            remedy="Import them: mains tariff import-prices.",
        )
    micro, names = zip(*(told[at] for at in times), strict=True)
    sources = ", ".join(dict.fromkeys(row.source for row in rows))
    return IntervalSeries(price_register(name), like.start_at, like.step_minutes, micro, sources, names)


def _demands_of(
    tariff: Tariff, known: KnownIntervals, prices: Mapping[str, Sequence[IntervalRow]], month: date
) -> dict[str, DatedValue]:
    """The demands of a whole month before; nothing where its intervals do not tell."""
    try:
        series = _series(tariff, known, prices, month, next_month(month))
        if not series:
            return {}
        measured = measure_exact(tariff=tariff, series=series, period_from=month, period_to=next_month(month))
    except UnableToMeasure:
        return {}
    return {name: values[0] for name, values in measured.attributes.items()}


def _months_before(day: date, count: int) -> Iterator[date]:
    month = month_start(day)
    for _number in range(count):
        month = month_start(month - _DAY)
        yield month


def interval_steps(intervals: Sequence[KnownInterval], clock: str, unit: str) -> tuple[Step, ...]:
    """Each interval with its time by the clock, its value and where it is kept."""
    zone = ZoneInfo(clock)
    steps = []
    for each in intervals:
        until = each.begin_at + timedelta(minutes=each.row.step_minutes)
        source = _("interval %(name)s, %(source)s") % {"name": each.name, "source": each.row.source}
        if each.weeks_before:
            measured_at = (each.begin_at - timedelta(weeks=each.weeks_before)).astimezone(zone)
            source = _("missing, estimated by %(day)s: %(interval)s") % {
                "day": f"{measured_at:%Y-%m-%d %H:%M}",
                "interval": source,
            }
        steps.append(
            Step(
                label=f"{each.begin_at.astimezone(zone):%Y-%m-%d %H:%M}–{until.astimezone(zone):%H:%M %Z}",
                value=Fraction(each.micro, MICRO),
                unit=unit,
                source=source,
            )
        )
    return tuple(steps)


def _end_of(series: IntervalSeries) -> datetime:
    return series.start_at + timedelta(minutes=series.step_minutes) * len(series.micro)


def hung_meters(rows: Iterable[Mapping[str, Any]]) -> list[Hung]:
    """The meters of register rows, each installation once."""
    found = {
        row["installation_id"]: Hung(
            row["meter_id"], row["valid_from"], row["valid_to"], row["recorded_at"], row["superseded_at"]
        )
        for row in rows
    }
    return list(found.values())


_INTERVALS = """
SELECT v.service_point_id, v.meter_id, m.serial, v.proof, v.day, v.revision, v.clock, v.recorded_at,
       v.id, v.quantity, v.start_at, v.step_minutes, v.values_micro
FROM metering_intervalday v JOIN metering_meter m ON m.id = v.meter_id
WHERE v.service_point_id = ANY(%(points)s)
"""
_PRICES = """
SELECT v.series, v.unit, v.day, v.revision, v.recorded_at, v.id, v.proof, v.start_at, v.step_minutes, v.values_micro
FROM tariffs_hourlyprices v
WHERE v.series = ANY(%(series)s)
"""
_OF_DAYS = " AND v.month = ANY(%(months)s::date[]) AND v.day >= %(from)s AND v.day < %(to)s"
_KNOWN = " AND v.recorded_at <= %(as_of)s"
_IN_ORDER = " ORDER BY v.day, v.quantity, v.revision"
