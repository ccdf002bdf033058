"""Let credits cover debts anew from the beginning, and keep the difference to what was kept: nothing is edited."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl
from django.db import transaction

from mains.base.columns import append_frame
from mains.ledger.actions.allocation import Allocated, lock_allocation, store_allocations
from mains.ledger.queries.deferrals import list_deferrals
from mains.ledger.queries.open_items import fixed_allocations, held_allocations, list_entries_of
from mains.ledger.queries.order import in_order, taken_back, without
from mains.ledger.queries.policies import list_policies

_PAIR = ["account_id", "item_id", "credit_id"]


def reallocate(*, account_ids: Sequence[int], now: datetime) -> Allocated:
    """Allocate the accounts' credits as if all entries had come in the order of their dates.

    A payment that was taken back is covered by its own credit and pays nothing else. Allocations that no longer hold
    are reversed by negative rows. Doing it again changes nothing.
    """
    with transaction.atomic():
        lock_allocation(account_ids=account_ids)
        entries = list_entries_of(account_ids=account_ids)
        fixed = pl.concat(
            [
                taken_back(entries),
                fixed_allocations(account_ids=account_ids).select(*_PAIR, "amount_minor"),
            ]
        )
        made = in_order(
            entries=without(entries, fixed),
            policies=list_policies(),
            deferrals=list_deferrals(account_ids=account_ids),
        )
        wanted = pl.concat([fixed, made])
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


def fix_allocations(*, pairs: pl.DataFrame, now: datetime) -> Allocated:
    """Let these credits cover these items and no others from now on (account_id, item_id, credit_id, amount_minor;
    below zero: no longer), and allocate the accounts anew. The caller holds a database transaction."""
    lock_allocation()
    append_frame(pairs.select(*_PAIR, "amount_minor", recorded_at=pl.lit(now)), "ledger_fixedallocation")
    return reallocate(account_ids=pairs["account_id"].unique().sort().to_list(), now=now)
