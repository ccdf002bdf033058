"""Parts of debts that are due on other days than their entries say: instalments of plans, charges that a later invoice
asks for."""

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from mains.base.columns import fetch_frame

_SCHEMA: dict[str, type[pl.DataType]] = {
    "account_id": pl.Int64,
    "item_id": pl.Int64,
    "plan_id": pl.Int64,
    "due_date": pl.Date,
    "business_date": pl.Date,
    "is_first": pl.Boolean,
    "rests": pl.Boolean,
    "amount_minor": pl.Int64,
}

HELD_PARTS = """
    held AS (
        SELECT item_id, due_date, sum(amount_minor) AS minor FROM ledger_deferral
        WHERE business_date <= %(on_date)s AND recorded_at <= coalesce(%(as_of)s::timestamptz, 'infinity')
        GROUP BY 1, 2 HAVING sum(amount_minor) > 0
    ), slices AS (
        SELECT item_id, due_date, minor,
               sum(minor) OVER (PARTITION BY item_id ORDER BY due_date DESC) - minor AS later
        FROM held
    ), parts AS (
        SELECT o.id, least(s.minor, greatest(o.minor - s.later, 0)) AS minor, s.due_date
        FROM open o JOIN slices s ON s.item_id = o.id WHERE o.minor > 0
        UNION ALL
        SELECT o.id, o.minor - greatest(least(o.minor, coalesce(h.minor, 0)), 0), o.due_date
        FROM open o LEFT JOIN (SELECT item_id, sum(minor) AS minor FROM held GROUP BY 1) h ON h.item_id = o.id
    )
"""
"""SQL after a table expression `open` (id, minor, due_date): the same in parts (some are nought) as they
were due at the end of `on_date`. What is left of an item is due in its latest parts."""


def list_deferrals(*, account_ids: Sequence[int], as_of: datetime | None = None) -> pl.DataFrame:
    """Deferrals believed now, or at an instant, by the day from which they hold: account_id, item_id, plan_id,
    due_date, business_date, is_first, rests, amount_minor (below zero: lifted from that day on)."""
    return fetch_frame(
        """
        SELECT account_id, item_id, plan_id, due_date, business_date, is_first, rests, sum(amount_minor)::bigint
        FROM ledger_deferral
        WHERE account_id = ANY(%(account_ids)s) AND recorded_at < coalesce(%(as_of)s::timestamptz, 'infinity')
        GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 5, 4
        """,
        {"account_ids": list(account_ids), "as_of": as_of},
        schema=_SCHEMA,
    )


def in_parts(items: pl.DataFrame, deferrals: pl.DataFrame) -> pl.DataFrame:
    """Items (item_id, due_date, outstanding_minor and others) divided by the deferrals that hold (item_id,
    due_date, amount_minor, is_first; their sums count): the same columns, is_first, and part_id, which goes by due
    date."""
    held = (
        deferrals.group_by("item_id", "due_date")
        .agg(pl.col("amount_minor").sum(), pl.col("is_first").max())
        .filter(pl.col("amount_minor") > 0)
        .sort("item_id", "due_date", descending=[False, True])
        .with_columns(later=pl.col("amount_minor").cum_sum().over("item_id") - pl.col("amount_minor"))
        .select("item_id", "later", "is_first", deferred_minor="amount_minor", deferred_to="due_date")
    )
    left = pl.max_horizontal(pl.col("outstanding_minor") - pl.col("later"), pl.lit(0, pl.Int64))
    deferred = (
        items.join(held, on="item_id", maintain_order="left")
        .with_columns(
            outstanding_minor=pl.min_horizontal("deferred_minor", left), due_date=pl.col("deferred_to")
        )
        .select(*items.columns, "is_first")
    )
    sums = held.group_by("item_id").agg(pl.col("deferred_minor").sum())
    rest = items.join(sums, on="item_id", how="left", maintain_order="left").with_columns(
        outstanding_minor=pl.col("outstanding_minor") - pl.col("deferred_minor").fill_null(0),
        is_first=pl.lit(value=False),
    )
    return (
        pl.concat([rest.select(*items.columns, "is_first"), deferred])
        .filter(pl.col("outstanding_minor") > 0)
        .sort("due_date", "item_id")
        .with_columns(part_id=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    )


def due_parts(items: pl.DataFrame, *, on_date: date) -> pl.DataFrame:
    """Open items (as `open_items` gives them) divided by the due dates in force at the end of a day."""
    if items.is_empty():
        return items.with_columns(is_first=pl.lit(value=False), part_id=pl.lit(0, pl.Int64))
    found = list_deferrals(account_ids=items["account_id"].unique().to_list())
    return in_parts(items, found.filter(pl.col("business_date") <= pl.lit(on_date)))
