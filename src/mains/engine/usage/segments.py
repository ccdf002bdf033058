"""Use of any sub-periods of a month, from prefix sums over the days."""

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.engine.usage.frames import UnableToComputeUsage

_MEASURED, _ESTIMATED = "MAma", "FCNfcn"


def usage_of_segments(*, usage: pl.DataFrame, segments: pl.DataFrame, month_from: date) -> pl.DataFrame:
    """Sum the daily use of each segment.

    `usage` is the engine's output for the month that begins at `month_from`. `segments` has segment_id,
    service_point_id, from_date and to_date (half-open, within the month). Returns segment_id, zone,
    usage_micro, measured_days (M and A), estimated_days (F, C and N; with or without an act on top), one row
    per segment and zone of its point, sorted by both. A segment of a point without usage gives no row; one that
    leaves the month raises UnableToComputeUsage, because its sum would be incomplete.
    """
    width = len(usage["quality"][0]) if usage.height else 0
    numbered = usage.select("service_point_id", "zone").with_row_index("row")
    asked = segments.select("segment_id", "service_point_id", "from_date", "to_date").join(
        numbered, on="service_point_id"
    )
    low = (asked["from_date"] - month_from).dt.total_days().to_numpy()
    high = (asked["to_date"] - month_from).dt.total_days().to_numpy()
    if asked.height and not ((low >= 0) & (low <= high) & (high <= width)).all():
        raise UnableToComputeUsage(
            code="usage-segment-outside",
            message=f"A segment leaves the {width} days from {month_from}.",
            place="segments",
            remedy="Cut segments at the ends of the month.",
        )
    row = asked["row"].cast(pl.Int64).to_numpy()
    letters = np.frombuffer("".join(usage["quality"]).encode(), dtype=np.uint8).reshape(usage.height, width)
    measured = np.isin(letters, np.frombuffer(_MEASURED.encode(), dtype=np.uint8))
    estimated = np.isin(letters, np.frombuffer(_ESTIMATED.encode(), dtype=np.uint8))
    days = usage["days_micro"].explode(empty_as_null=False).to_numpy().reshape(usage.height, width)

    def between(matrix: NDArray[np.generic]) -> NDArray[np.int64]:
        sums = np.zeros((usage.height, width + 1), dtype=np.int64)
        np.cumsum(matrix, axis=1, out=sums[:, 1:])
        difference: NDArray[np.int64] = sums[row, high] - sums[row, low]
        return difference

    return asked.select(
        "segment_id",
        "zone",
        usage_micro=pl.Series(between(days), dtype=pl.Int64),
        measured_days=pl.Series(between(measured), dtype=pl.Int64),
        estimated_days=pl.Series(between(estimated), dtype=pl.Int64),
    ).sort("segment_id", "zone")
