"""Interval data → use per zone and day, and measured demands: once exactly, once in columns."""

from mains.engine.intervals.columns import MeasuredColumns, measure_columns
from mains.engine.intervals.exact import measure_exact
from mains.engine.intervals.values import History, IntervalSeries, Measured, UnableToMeasure

__all__ = [
    "History",
    "IntervalSeries",
    "Measured",
    "MeasuredColumns",
    "UnableToMeasure",
    "measure_columns",
    "measure_exact",
]
