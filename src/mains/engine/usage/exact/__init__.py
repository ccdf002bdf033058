"""Daily use of one service point in plain Python, with full provenance.

It shares no code with the columns: explanations are made from it, and tests hold the columns against it. The
rules are those of ../README.md; where the columns use cumulative arrays this package walks day by day.
"""

from mains.engine.usage.exact.days import explain_daily_usage
from mains.engine.usage.exact.facts import (
    DayUse,
    Installation,
    Norm,
    Part,
    Point,
    Reading,
    SeriesUse,
    SetAside,
)

__all__ = [
    "DayUse",
    "Installation",
    "Norm",
    "Part",
    "Point",
    "Reading",
    "SeriesUse",
    "SetAside",
    "explain_daily_usage",
]
