"""Items measured by the exact way, with the ratchets of the months before."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from mains.billing.queries.explain.intervals.items import ItemIntervals
from mains.billing.queries.explain.intervals.prices import price_series
from mains.billing.queries.explain.intervals.stated import StatedDemand
from mains.engine.facts import MICRO, DatedValue
from mains.engine.intervals import IntervalSeries, Measured, UnableToMeasure, measure_exact
from mains.engine.intervals.known import KnownIntervals
from mains.engine.intervals.values import IntervalRow
from mains.engine.tariff.demands import USAGE
from mains.engine.tariff.model import Tariff
from mains.engine.tariff.schedule import Demand
from mains.kernel.period import month_start, next_month

_DAY = timedelta(days=1)


@dataclass
class ItemMeasurer:
    """Measures items of one point after another, and keeps what the same rows say again: the demands of a month for all
    months whose ratchets look back at it, and an item for all bills that knew the same of it."""

    _items: dict[tuple[object, ...], ItemIntervals] = field(default_factory=dict)
    _demands: dict[tuple[object, ...], dict[str, DatedValue]] = field(default_factory=dict)
    _tariffs: dict[int, Tariff] = field(default_factory=dict)

    def measure(
        self,
        tariff: Tariff,
        known: KnownIntervals,
        *,
        period: tuple[date, date],
        prices: Mapping[str, Sequence[IntervalRow]],
        stated: Sequence[StatedDemand] = (),
    ) -> ItemIntervals:
        """The item by the exact way; of months of which intervals do not tell, demands are those `stated`. Raises
        UnableToMeasure where intervals are missing that nothing is taken for."""
        self._tariffs[id(tariff)] = tariff  # while it is kept here, no other one has its id
        months = [*_months_before(period[0], tariff.ratchet_months)]
        first = min([period[0], *months])
        rows = known.around(first, period[1])
        near = _around(prices, first, period[1])
        key = (id(tariff), period, rows.named, _named(near), tuple(stated))
        if key not in self._items:
            self._items[key] = self._measured(tariff, rows, period, near, stated, months)
        return self._items[key]

    def forget(self) -> None:
        """Drop what is kept."""
        self._items.clear()
        self._demands.clear()
        self._tariffs.clear()

    def _measured(
        self,
        tariff: Tariff,
        known: KnownIntervals,
        period: tuple[date, date],
        prices: Mapping[str, Sequence[IntervalRow]],
        stated: Sequence[StatedDemand],
        months: Sequence[date],
    ) -> ItemIntervals:
        series = _series(tariff, known.around(*period), prices, *period)
        if not any(each.register == USAGE for each in series):
            raise UnableToMeasure(
                code="intervals-missing",
                message=f"The tariff {tariff.code} reads intervals, and there are none from {period[0]} to {period[1]} "
                "(excluded).",
                place="intervals",
                remedy="Import them: mains reading import-intervals; or agree on another tariff.",
            )
        history: dict[str, dict[date, int]] = {}
        told: dict[str, dict[date, str]] = {}
        for month in months:
            found = {each.name: each.as_value() for each in stated if each.speaks_of(month)}
            for name, value in (found | self._demands_of(tariff, known, prices, month)).items():
                assert isinstance(value.value, Fraction), "A demand is a number."
                history.setdefault(name, {})[month] = int(value.value * MICRO)
                told.setdefault(name, {})[month] = value.source
        measured = measure_exact(
            tariff=tariff,
            series=series,
            period_from=period[0],
            period_to=period[1],
            history=history,
            told=told,
        )
        if period == (month_start(period[0]), next_month(period[0])):
            self._demands[self._key(tariff, known, prices, period[0])] = _own_demands(tariff, measured)
        return ItemIntervals(tariff, known, measured, prices)

    def _demands_of(
        self,
        tariff: Tariff,
        known: KnownIntervals,
        prices: Mapping[str, Sequence[IntervalRow]],
        month: date,
    ) -> dict[str, DatedValue]:
        """The demands of a whole month before; nothing where its intervals do not tell."""
        key = self._key(tariff, known, prices, month)
        if key not in self._demands:
            end = next_month(month)
            near = _around(prices, month, end)
            self._demands[key] = _demands_of_month(tariff, known.around(month, end), near, month)
        return self._demands[key]

    def _key(
        self,
        tariff: Tariff,
        known: KnownIntervals,
        prices: Mapping[str, Sequence[IntervalRow]],
        month: date,
    ) -> tuple[object, ...]:
        """What the demands of a month follow from."""
        end = next_month(month)
        return (id(tariff), month, known.around(month, end).named, _named(_around(prices, month, end)))


def _around(
    prices: Mapping[str, Sequence[IntervalRow]], first: date, end: date
) -> dict[str, Sequence[IntervalRow]]:
    """The rows that tell of prices of the days [first, end)."""
    return {name: KnownIntervals(rows).around(first, end).rows for name, rows in prices.items()}


def _named(prices: Mapping[str, Sequence[IntervalRow]]) -> tuple[object, ...]:
    """By which rows the prices are told."""
    return tuple((name, KnownIntervals(rows).named) for name, rows in prices.items())


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
        series += [price_series(prices.get(name, ()), name, used) for name in tariff.price_series]
    return series


def _demands_of_month(
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
    return _own_demands(tariff, measured)


def _own_demands(tariff: Tariff, measured: Measured) -> dict[str, DatedValue]:
    """The demands of a whole month that was measured, without what others before it hold up."""
    return {
        name: values[0]
        for name, values in measured.attributes.items()
        if isinstance(tariff.demands[name], Demand)
    }


def _months_before(day: date, count: int) -> Iterator[date]:
    month = month_start(day)
    for _number in range(count):
        month = month_start(month - _DAY)
        yield month
