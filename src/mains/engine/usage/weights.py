"""Day weights: how use is spread over the days of a stretch, as cumulative sums over boundaries.

A boundary is the start of a day, counted in days since 1970-01-01. With no shape each day weighs 1, so the
weight between two boundaries is their difference.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.engine.usage.frames import SHAPE_DAYS, SHAPE_WEIGHT_MAX, SHAPES, UnableToComputeUsage, refuse_rows

Ints = NDArray[np.int64]
EVEN = -1
_EPOCH = date(1970, 1, 1)
# Sums of weights stay below 2^31, so that a product of two of them stays below 2^62.
_SPAN_WEIGHT_MAX = 2**31


def days_since_epoch(day: date) -> int:
    return (day - _EPOCH).days


class DayWeights:
    """Cumulative weights of every shape between two boundaries.

    `codes` gives a shape's number by position; `between` takes arrays of shape numbers (EVEN for none) and
    boundaries, broadcast against each other.
    """

    def __init__(self, *, shapes: pl.DataFrame, first: int, last: int) -> None:
        self.codes = shapes["shape_code"]
        self._first = first
        self._cumulative = _cumulative_weights(shapes=shapes, first=first, last=last)

    def between(self, *, shape: Ints, start: Ints, end: Ints) -> Ints:
        """Weight of the days [start, end); end may lie before start only if their difference is not used."""
        even = end - start
        if not len(self.codes):
            return even
        number = np.maximum(shape, 0)
        shaped = self._cumulative[number, end - self._first] - self._cumulative[number, start - self._first]
        return np.where(shape == EVEN, even, shaped)


def shape_numbers(*, codes: pl.Series, weights: DayWeights) -> Ints:
    """Number of each row's shape, EVEN for null; an unknown code raises UnableToComputeUsage."""
    if not codes.len() - codes.null_count():
        return np.full(codes.len(), EVEN, dtype=np.int64)
    known = pl.DataFrame({"code": weights.codes}).with_row_index("number")
    found = codes.to_frame("code").join(known, on="code", how="left", maintain_order="left")
    unknown = found.filter(pl.col("code").is_not_null() & pl.col("number").is_null())
    if unknown.height:
        raise UnableToComputeUsage(
            code="usage-shape-unknown",
            message=f"Shape {unknown['code'][0]!r} is not among the shapes.",
            place="registers.shape_code",
            remedy="Add the shape or leave the register without one.",
            params={"shape_code": unknown["code"][0]},
        )
    return found["number"].cast(pl.Int64).fill_null(EVEN).to_numpy()


def check_shapes(shapes: pl.DataFrame) -> None:
    """Raise UnableToComputeUsage when a shape has not 366 weights of 0 … 100,000, or appears twice."""
    elements = pl.col("weights").list
    sane = (elements.len() == SHAPE_DAYS) & (elements.min() >= 0) & (elements.max() <= SHAPE_WEIGHT_MAX)
    refuse_rows(
        shapes,
        spec=SHAPES,
        bad=~sane.fill_null(value=False) | pl.col("weights").list.eval(pl.element().is_null()).list.any(),
        column="weights",
        message=f"A shape has {SHAPE_DAYS} weights of 0 … {SHAPE_WEIGHT_MAX}.",
    )
    refuse_rows(
        shapes,
        spec=SHAPES,
        bad=pl.col("shape_code").is_duplicated(),
        column="shape_code",
        message="A shape is given once.",
    )


def _cumulative_weights(*, shapes: pl.DataFrame, first: int, last: int) -> Ints:
    if not shapes.height:
        return np.zeros((0, 0), dtype=np.int64)
    yearly = np.array(shapes["weights"].to_list(), dtype=np.int64)
    days = np.arange(first, last).astype("datetime64[D]")
    years = days.astype("datetime64[Y]")
    position = (days - years.astype("datetime64[D]")).astype(np.int64)
    # In ordinary years March begins at position 59, one place before its place among 366 days.
    leap = years.astype(np.int64) + 1970
    ordinary = ~((leap % 4 == 0) & ((leap % 100 != 0) | (leap % 400 == 0)))
    position += ordinary & (position >= 59)
    cumulative = np.zeros((shapes.height, len(days) + 1), dtype=np.int64)
    np.cumsum(yearly[:, position], axis=1, out=cumulative[:, 1:])
    if int(cumulative.max(initial=0)) >= _SPAN_WEIGHT_MAX:
        span = f"{_EPOCH + timedelta(days=first)} … {_EPOCH + timedelta(days=last)}"
        raise UnableToComputeUsage(
            code="usage-shape-too-heavy",
            message=f"The weights of a shape add up to 2^31 or more over {span}.",
            place="shapes.weights",
            remedy="Scale the weights down (1,000 on average lasts for decades) or pass fewer old readings.",
        )
    return cumulative


def day_fractions(*, month_from: date, month_to: date) -> tuple[Ints, Ints]:
    """For each day of the month asked for: its day of the calendar month, and that month's length."""
    days = np.arange(np.datetime64(month_from, "D"), np.datetime64(month_to, "D"))
    months = days.astype("datetime64[M]")
    first = months.astype("datetime64[D]")
    length = ((months + 1).astype("datetime64[D]") - first).astype(np.int64)
    return (days - first).astype(np.int64) + 1, length
