"""Dated pieces of items: joined, taken away from their periods, cut to the gaps between others."""

import polars as pl

_DAYS_OF_ITEM = 1 << 32


def union_of(pieces: pl.DataFrame) -> pl.DataFrame:
    """Pieces of an item joined where they overlap or adjoin."""
    # Each item has a stretch of numbers of its own for its days, so that one running maximum serves all items.
    origin = pl.col("item_id").rle_id().cast(pl.Int64) * _DAYS_OF_ITEM
    reached = (origin + pl.col("valid_to").to_physical()).cum_max().shift()
    begins = (origin + pl.col("valid_from").to_physical() > reached).fill_null(value=True)
    return (
        pieces.sort("item_id", "valid_from")
        .with_columns(piece=begins.cum_sum())
        .group_by("piece", maintain_order=True)
        .agg(pl.col("item_id").first(), pl.col("valid_from").min(), pl.col("valid_to").max())
        .drop("piece")
    )


def complement_of(periods: pl.DataFrame, covered: pl.DataFrame) -> pl.DataFrame:
    """The parts of the items' periods outside the covered pieces, which do not overlap."""
    edges = pl.concat(
        [
            periods.lazy().select("item_id", gap_from="period_from"),
            covered.lazy().select("item_id", gap_from="valid_to"),
        ]
    )
    following = covered.lazy().select("item_id", starts="valid_from").sort("starts")
    gaps = edges.sort("gap_from").join_asof(
        following,
        left_on="gap_from",
        right_on="starts",
        by="item_id",
        strategy="forward",
        check_sortedness=False,
    )
    return (
        gaps.join(periods.lazy().select("item_id", "period_to"), on="item_id")
        .select("item_id", valid_from="gap_from", valid_to=pl.coalesce("starts", "period_to"))
        .filter(pl.col("valid_from") < pl.col("valid_to"))
        .sort("item_id", "valid_from")
        .collect()
    )


def within(rows: pl.DataFrame, gaps: pl.DataFrame) -> pl.DataFrame:
    """The parts of dated rows (item_id, valid_from, valid_to, value; null is open) that lie in gaps of their items."""
    return (
        rows.join(gaps.select("item_id", gap_from="valid_from", gap_to="valid_to"), on="item_id")
        .with_columns(
            valid_from=pl.max_horizontal("valid_from", "gap_from"),
            valid_to=pl.min_horizontal(pl.col("valid_to").fill_null(pl.col("gap_to")), "gap_to"),
        )
        .filter(pl.col("valid_from") < pl.col("valid_to"))
        .select(rows.columns)
    )
