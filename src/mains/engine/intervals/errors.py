"""Intervals of meters that counted wrongly: what they would have counted, in columns.

The exact twin is in `known.py` and shares no code.
"""

import polars as pl

_WHOLE = 10_000
"""Hundredths of a percent in the whole."""


def without_errors(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of intervals (values_micro, null where one is missing) as a meter without a fault would have counted them.

    `percent_hundredths`: by how many hundredths of a percent the row's meter counted too much, above −10,000; null
    where it counted rightly. Each interval becomes counted × 10,000 / (10,000 + error), to the nearest millionth, half
    up. The column is left out of what is given.
    """
    if rows["percent_hundredths"].null_count() == rows.height:
        return rows.drop("percent_hundredths")
    numbered = rows.with_row_index("place")
    parts = [
        part.with_columns(_corrected(int(percent)) if percent is not None else pl.col("values_micro"))
        for (percent,), part in numbered.partition_by("percent_hundredths", as_dict=True).items()
    ]
    return pl.concat(parts).sort("place").drop("place", "percent_hundredths")


def _corrected(percent_hundredths: int) -> pl.Expr:
    whole = _WHOLE + percent_hundredths
    doubled = pl.element().cast(pl.Int128) * (2 * _WHOLE) + whole
    return pl.col("values_micro").list.eval((doubled // (2 * whole)).cast(pl.Int64))
