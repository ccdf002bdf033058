"""Let credits cover debts anew from the beginning, and keep the difference to what was kept: nothing is edited."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl
from django.db import transaction

from mains.engine.allocation import allocate
from mains.ledger.actions.allocation import SUPPLY, Allocated, lock_allocation, store_allocations
from mains.ledger.queries.open_items import held_allocations, list_entries_of
from mains.ledger.values import EntryKind

_PAIR = ["account_id", "item_id", "credit_id"]


def reallocate(*, account_ids: Sequence[int], now: datetime) -> Allocated:
    """Allocate the accounts' credits as if all entries had come in the order of their dates.

    A payment that was taken back is covered by its own credit and pays nothing else. Allocations that no longer hold
    are reversed by negative rows. Doing it again changes nothing.
    """
    with transaction.atomic():
        lock_allocation()
        entries = list_entries_of(account_ids=account_ids)
        taken_back = _taken_back(entries)
        rest = entries.filter(
            ~pl.col("entry_id").is_in(pl.concat([taken_back["item_id"], taken_back["credit_id"]]).implode())
        )
        wanted = pl.concat([taken_back.select(*_PAIR, "amount_minor"), _in_order(rest)])
        held = held_allocations(account_ids=account_ids)
        changed = (
            pl.concat([wanted, held.select(*_PAIR, amount_minor=-pl.col("amount_minor"))])
            .group_by(_PAIR)
            .agg(pl.col("amount_minor").sum())
            .filter(pl.col("amount_minor") != 0)
            .sort(_PAIR)
        )
        days = entries.select("entry_id", "business_date")
        return store_allocations(
            changed.join(days, left_on="item_id", right_on="entry_id", maintain_order="left")
            .join(days, left_on="credit_id", right_on="entry_id", suffix="_of_credit", maintain_order="left")
            .with_columns(business_date=pl.max_horizontal("business_date", "business_date_of_credit")),
            now=now,
        )


def _taken_back(entries: pl.DataFrame) -> pl.DataFrame:
    """Payments taken back with the credit of the same receipt: account_id, item_id, credit_id, amount_minor."""
    key = [*SUPPLY, "document_id"]
    reversals = entries.filter(pl.col("kind") == EntryKind.REVERSAL.value)
    payments = entries.filter((pl.col("kind") == EntryKind.PAYMENT.value) & (pl.col("amount_minor") < 0))
    return reversals.select(*key, item_id="entry_id", amount_minor="amount_minor").join(
        payments.select(*key, credit_id="entry_id"), on=key
    )


def _in_order(entries: pl.DataFrame) -> pl.DataFrame:
    """What each credit covers, oldest debts first within a supply: account_id, item_id, credit_id, amount_minor."""
    supplies = entries.select(SUPPLY).unique(maintain_order=True).with_row_index("supply_id")
    placed = entries.join(supplies.cast({"supply_id": pl.Int64}), on=SUPPLY, maintain_order="left")
    made = allocate(
        items=placed.filter(pl.col("amount_minor") > 0).select(
            account_id="supply_id",
            item_id="entry_id",
            due_date=pl.coalesce("due_date", "business_date"),
            outstanding_minor="amount_minor",
        ),
        funds=placed.filter(pl.col("amount_minor") < 0).select(
            account_id="supply_id",
            credit_id="entry_id",
            paid_on="business_date",
            available_minor=-pl.col("amount_minor"),
        ),
    ).allocations
    return (
        made.drop("account_id")
        .join(entries.select("account_id", item_id="entry_id"), on="item_id", maintain_order="left")
        .select(*_PAIR, "amount_minor")
    )
