"""Post one balanced transaction: entries of customers' accounts and the control postings behind them."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from django.db import IntegrityError, transaction

from mains.base.columns import append_frame, ensure_month_partitions, reserve_ids
from mains.kernel.errors import MainsError
from mains.ledger.actions.days import hold_open_days, refuse_closed
from mains.ledger.models import Transaction
from mains.ledger.values import Control, TransactionKind

ENTRY_SCHEMA: dict[str, type[pl.DataType]] = {
    "account_id": pl.Int64,
    "organisation_id": pl.Int64,
    "provider_id": pl.Int64,
    "service": pl.String,
    "kind": pl.String,
    "amount_minor": pl.Int64,
    "correction_minor": pl.Int64,
    "due_date": pl.Date,
    "document_id": pl.Int64,
}
POSTING_SCHEMA: dict[str, type[pl.DataType]] = {
    "control": pl.String,
    "organisation_id": pl.Int64,
    "provider_id": pl.Int64,
    "service": pl.String,
    "amount_minor": pl.Int64,
}
_PLACE_OF_POSTING = ["organisation_id", "provider_id", "service"]


class UnableToPost(MainsError):
    """The transaction does not balance, or its source has posted already."""


@dataclass(frozen=True, kw_only=True)
class PostedTransaction:
    """`entry_ids` belong to the rows of the entries frame, in its order."""

    transaction_id: int
    entry_ids: range


def post_transaction(
    *,
    kind: TransactionKind,
    source_id: int,
    part: int = 0,
    business_date: date,
    entries: pl.DataFrame,
    counterparts: pl.DataFrame,
    now: datetime,
    narrative: str = "",
) -> PostedTransaction:
    """Post entries (`ENTRY_SCHEMA`) and counterpart postings (`POSTING_SCHEMA`) as one transaction.

    Debits are positive, credits negative, in minor units. The receivable postings are made here from the
    entries, so the control account cannot differ from the sub-ledger; `counterparts` are the postings on all
    other control accounts. Raises UnableToPost when the whole does not sum to zero, or when (kind, source,
    part) is posted; UnableToPostOnDay when the books are closed through the business date.
    """
    assert set(entries.columns) == set(ENTRY_SCHEMA), f"Entries need {list(ENTRY_SCHEMA)}."
    assert set(counterparts.columns) == set(POSTING_SCHEMA), f"Postings need {list(POSTING_SCHEMA)}."
    assert Control.RECEIVABLE not in counterparts["control"].to_list(), "Receivables come from the entries."
    off_by = exact_sum(entries["amount_minor"]) + exact_sum(counterparts["amount_minor"])
    if off_by:
        raise UnableToPost(
            code="unbalanced",
            message=f"The transaction does not balance: off by {off_by} minor units.",
            place=f"{kind} {source_id}, part {part}",
            remedy="Post the other side too.",
            params={"off_by_minor": off_by},
        )
    with transaction.atomic():
        hold_open_days(kind=kind)
        refuse_closed(kind=kind, day=business_date, place=f"{kind} {source_id}, part {part}")
        transaction_id = _open_transaction(kind, source_id, part, business_date, now, narrative)
        postings = pl.concat(
            [
                _receivables(entries),
                counterparts.select(*POSTING_SCHEMA).with_columns(correction_minor=pl.lit(0, pl.Int64)),
            ]
        )
        append_frame(postings.with_columns(transaction_id=pl.lit(transaction_id)), "ledger_posting")
        return PostedTransaction(
            transaction_id=transaction_id,
            entry_ids=_append_entries(
                entries, transaction_id=transaction_id, business_date=business_date, now=now
            ),
        )


def exact_sum(amounts: pl.Series) -> int:
    """Sum of an Int64 column that cannot wrap."""
    return int(amounts.cast(pl.Int128).sum())


def _open_transaction(
    kind: TransactionKind, source_id: int, part: int, business_date: date, now: datetime, narrative: str
) -> int:
    try:
        with transaction.atomic():
            return Transaction.objects.create(
                kind=kind,
                source_id=source_id,
                part=part,
                business_date=business_date,
                recorded_at=now,
                narrative=narrative,
            ).pk
    except IntegrityError as error:
        raise UnableToPost(
            code="already-posted",
            message="This source has posted already.",
            place=f"{kind} {source_id}, part {part}",
            remedy="Nothing to do: the first posting stands.",
        ) from error


def _receivables(entries: pl.DataFrame) -> pl.DataFrame:
    """One receivable posting per organisation, provider and service; a sum beyond 64 bits is refused."""
    return (
        entries.group_by(_PLACE_OF_POSTING)
        .agg(pl.col("amount_minor", "correction_minor").cast(pl.Int128).sum())
        .with_columns(pl.col("amount_minor", "correction_minor").cast(pl.Int64, strict=True))
        .sort(_PLACE_OF_POSTING)
        .with_columns(pl.lit(Control.RECEIVABLE.value).alias("control"))
        .select("control", *_PLACE_OF_POSTING, "amount_minor", "correction_minor")
    )


def _append_entries(
    entries: pl.DataFrame, *, transaction_id: int, business_date: date, now: datetime
) -> range:
    if entries.is_empty():
        return range(0)
    month = business_date.replace(day=1)
    ensure_month_partitions("ledger_entry", [month])
    ids = reserve_ids("ledger_entry_id_seq", entries.height)
    append_frame(
        entries.select(
            pl.lit(month).alias("month"),
            pl.int_range(ids.start, ids.stop, dtype=pl.Int64).alias("id"),
            pl.lit(transaction_id).alias("transaction_id"),
            *ENTRY_SCHEMA,
            pl.lit(business_date).alias("business_date"),
            pl.lit(now).alias("recorded_at"),
        ),
        "ledger_entry",
    )
    return ids
