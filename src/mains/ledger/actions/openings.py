"""Bring balances forward from the system that Mains replaces."""

from datetime import date, datetime

import polars as pl

from mains.ledger.actions.posting import ENTRY_SCHEMA, PostedTransaction, post_transaction
from mains.ledger.values import Control, EntryKind, TransactionKind


def post_opening_balances(
    *, balances: pl.DataFrame, source_id: int, business_date: date, now: datetime, part: int = 0
) -> PostedTransaction:
    """Post what accounts owed (positive) or had in credit (negative) at the end of `business_date`.

    `balances`: account_id, organisation_id, provider_id, service, amount_minor (not 0), due_date; an account
    may have several rows, one per unpaid month. Each becomes an open item, or a credit that the next
    allocation uses. The other side is the control account of balances brought forward. Raises UnableToPost
    when `source_id` has posted already.
    """
    assert not (balances["amount_minor"] == 0).any(), "A balance of nothing is not brought forward."
    entries = balances.with_columns(
        pl.lit(EntryKind.OPENING.value).alias("kind"),
        pl.lit(0, pl.Int64).alias("correction_minor"),
        pl.lit(source_id, pl.Int64).alias("document_id"),
    ).select(*ENTRY_SCHEMA)
    counterparts = (
        entries.group_by("organisation_id", "provider_id", "service")
        .agg(-pl.col("amount_minor").cast(pl.Int128).sum().cast(pl.Int64, strict=True))
        .sort("organisation_id", "provider_id", "service")
        .with_columns(pl.lit(Control.OPENING.value).alias("control"))
    )
    return post_transaction(
        kind=TransactionKind.OPENING,
        source_id=source_id,
        part=part,
        business_date=business_date,
        entries=entries,
        counterparts=counterparts,
        now=now,
        narrative="Balances brought forward",
    )
