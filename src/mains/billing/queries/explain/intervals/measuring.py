"""Items measured by the exact way, with the ratchets of the months before."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction

from mains.billing.queries.explain.intervals.items import ItemIntervals
from mains.billing.queries.explain.intervals.prices import price_series
from mains.billing.queries.explain.intervals.stated import StatedDemand
from mains.engine.facts import MICRO, DatedValue
from mains.engine.intervals import IntervalSeries, UnableToMeasure, measure_exact
from mains.engine.intervals.known import KnownIntervals
from mains.engine.intervals.values import IntervalRow
from mains.engine.tariff.demands import USAGE
from mains.engine.tariff.model import Tariff
from mains.kernel.period import month_start, next_month

_DAY = timedelta(days=1)


def measure_item(
    tariff: Tariff,
    known: KnownIntervals,
    *,
    period_from: date,
    period_to: date,
    prices: Mapping[str, Sequence[IntervalRow]],
    stated: Sequence[StatedDemand] = (),
) -> ItemIntervals:
    """The item by the exact way; of months of which intervals do not tell, demands are those `stated`. Raises
    UnableToMeasure where intervals are missing that nothing is taken for."""
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
        found = {each.name: each.as_value() for each in stated if each.speaks_of(month)}
        for name, value in (found | _demands_of(tariff, known, prices, month)).items():
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
        series += [price_series(prices.get(name, ()), name, used) for name in tariff.price_series]
    return series


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
