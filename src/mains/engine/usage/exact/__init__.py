"""Daily use of one service point in plain Python, with full provenance.

It shares no code with the columns: explanations are made from it, and tests hold the columns against it. The
rules are those of ../README.md; where the columns use cumulative arrays this package finds
runs of days with the same origins, and either explains each day or divides a run at once.
"""

from mains.engine.usage.exact.days import PointReadings, compute_daily_usage, explain_daily_usage
from mains.engine.usage.exact.facts import (
    DayUse,
    Installation,
    MeterError,
    Norm,
    Part,
    Point,
    Reading,
    SeriesUse,
    SetAside,
    UnmeteredUse,
)

__all__ = [
    "DayUse",
    "Installation",
    "MeterError",
    "Norm",
    "Part",
    "Point",
    "PointReadings",
    "Reading",
    "SeriesUse",
    "SetAside",
    "UnmeteredUse",
    "compute_daily_usage",
    "explain_daily_usage",
]
