"""Runs of equal neighbours in ordered columns.

Where rows are in order already, a window (`.over`) would only bring together what lies together, and that costs many
times as much as looking at the row before.
"""

import polars as pl


def begins_run(*columns: str) -> pl.Expr:
    """Whether a row differs from the one before it in any of the columns; the first row does. Nulls are equal."""
    row_before = (pl.col(name).shift() for name in columns)
    differs = [pl.col(name).ne_missing(before) for name, before in zip(columns, row_before, strict=True)]
    return pl.any_horizontal(pl.int_range(pl.len()) == 0, *differs)


def place_in_run(*columns: str) -> pl.Expr:
    """0, 1, 2 … (Int64) within each run of rows that are equal in the columns."""
    row = pl.int_range(pl.len(), dtype=pl.Int64)
    return row - pl.when(begins_run(*columns)).then(row).otherwise(0).cum_max()
