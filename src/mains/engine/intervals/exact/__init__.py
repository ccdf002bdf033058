"""Interval data of one account, interval by interval: the plain way, which the column version is checked against."""

from collections.abc import Mapping, Sequence
from datetime import date

from mains.engine.intervals.exact.checks import Checks
from mains.engine.intervals.exact.demands import Demands, apparent_micro
from mains.engine.intervals.exact.timeline import Timeline
from mains.engine.intervals.exact.use import Uses, counted_micro
from mains.engine.intervals.values import History, IntervalSeries, Measured
from mains.engine.tariff.model import Tariff

__all__ = ["apparent_micro", "counted_micro", "measure_exact"]


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
    line = Timeline(tariff, series, period_from, period_to)
    Checks(line).check()
    return Measured(Uses(line).measure(), Demands(line, history, told or {}).measure())
