"""Post a slice of a bill run: one balanced transaction, an open item for each bill, service and provider."""

from datetime import date, datetime

import polars as pl

from mains.base.column_runs import place_in_run
from mains.base.db import Writer, copy_frame
from mains.kernel.errors import MainsError
from mains.ledger.values import Control, EntryKind, TransactionKind

CHARGES = {
    "position": pl.Int64,
    "account_id": pl.Int64,
    "organisation_id": pl.Int64,
    "provider_id": pl.Int64,
    "service": pl.String,
    "document_id": pl.Int64,
    "amount_minor": pl.Int64,
    "correction_minor": pl.Int64,
    "tax_minor": pl.Int64,
}
_PLACE = ["organisation_id", "provider_id", "service"]


class UnableToPostRunSlice(MainsError):
    """An account has more open items than the run has planned ids for."""


def post_run_slice(
    *,
    connection: Writer,
    run_id: int,
    part: int,
    transaction_id: int,
    first_entry_id: int,
    entries_per_account: int,
    business_date: date,
    due_date: date,
    recorded_at: datetime,
    charges: pl.DataFrame,
) -> pl.DataFrame:
    """Write transaction, postings and entries of `charges` (columns `CHARGES`) in the connection's transaction.

    `position` orders accounts within the run and decides the ids of their entries. Amounts are minor units; the tax of
    a charge, on top or included, is credited to tax and the rest to revenue. Charges of nothing that correct nothing
    make no entry. Returns the entries written. Raises UnableToPostRunSlice.
    """
    charges = charges.select(pl.col(name).cast(kind) for name, kind in CHARGES.items()).filter(
        (pl.col("amount_minor") != 0) | (pl.col("correction_minor") != 0) | (pl.col("tax_minor") != 0)
    )
    entries = _entries(
        charges, first_entry_id=first_entry_id, entries_per_account=entries_per_account, run_id=run_id
    ).with_columns(
        month=pl.lit(business_date.replace(day=1)),
        transaction_id=pl.lit(transaction_id, pl.Int64),
        kind=pl.lit(EntryKind.BILL.value),
        business_date=pl.lit(business_date),
        due_date=pl.lit(due_date),
        recorded_at=pl.lit(recorded_at),
    )
    transaction = pl.DataFrame(
        {
            "id": [transaction_id],
            "kind": [TransactionKind.BILL_RUN.value],
            "source_id": [run_id],
            "part": [part],
            "business_date": [business_date],
            "recorded_at": [recorded_at],
            "narrative": [""],
        }
    )
    copy_frame(transaction, "ledger_transaction", connection=connection)
    copy_frame(
        _postings(charges).with_columns(transaction_id=pl.lit(transaction_id, pl.Int64)),
        "ledger_posting",
        connection=connection,
    )
    copy_frame(entries, "ledger_entry", connection=connection)
    return entries


def _entries(
    charges: pl.DataFrame, *, first_entry_id: int, entries_per_account: int, run_id: int
) -> pl.DataFrame:
    ordered = charges.sort("position", "service", "provider_id").with_columns(number=place_in_run("position"))
    over = ordered.filter(pl.col("number") >= entries_per_account)
    if not over.is_empty():
        raise UnableToPostRunSlice(
            code="entries-per-account",
            message=f"An account has more than {entries_per_account} open items in one bill.",
            place=f"bill run {run_id}, account {over['account_id'][0]}",
            remedy="Report this: the run was planned with too few ids.",
        )
    return ordered.with_columns(
        id=pl.lit(first_entry_id, pl.Int64) + pl.col("position") * entries_per_account + pl.col("number")
    ).drop("position", "number", "tax_minor")


def _postings(charges: pl.DataFrame) -> pl.DataFrame:
    """Receivable debit, revenue and tax credit per organisation, provider and service."""
    sums = (
        charges.group_by(_PLACE)
        .agg(pl.col("amount_minor", "correction_minor", "tax_minor").cast(pl.Int128).sum())
        .with_columns(pl.col("amount_minor", "correction_minor", "tax_minor").cast(pl.Int64, strict=True))
        .sort(_PLACE)
    )
    amount, tax = pl.col("amount_minor"), pl.col("tax_minor")
    sides = (
        (Control.RECEIVABLE, amount, pl.col("correction_minor")),
        (Control.REVENUE, tax - amount, pl.lit(0, pl.Int64)),
        (Control.TAX, -tax, pl.lit(0, pl.Int64)),
    )
    return pl.concat(
        [
            sums.select(
                *_PLACE,
                control=pl.lit(control.value),
                amount_minor=side,
                correction_minor=correction,
            ).filter((pl.col("amount_minor") != 0) | (pl.col("correction_minor") != 0))
            for control, side, correction in sides
        ]
    )
