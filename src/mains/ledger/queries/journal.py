"""The journal as rows, transaction by transaction, for whoever writes it out."""

from collections.abc import Iterator
from datetime import date, datetime

import polars as pl

from mains.base.columns import fetch_frame

_TRANSACTIONS = """
    SELECT id, kind, source_id, part, business_date, recorded_at, narrative FROM ledger_transaction
    WHERE id > %(after)s
      AND business_date BETWEEN coalesce(%(first)s::date, '-infinity') AND coalesce(%(last)s::date, 'infinity')
      AND recorded_at <= %(as_of)s
    ORDER BY id LIMIT %(limit)s
"""
_POSTINGS = """
    SELECT transaction_id, control, organisation_id, provider_id, service, amount_minor FROM ledger_posting
    WHERE transaction_id = ANY(%(ids)s) AND amount_minor <> 0 ORDER BY transaction_id, id
"""
_ENTRIES = """
    SELECT transaction_id, account_id, organisation_id, provider_id, service, amount_minor FROM ledger_entry
    WHERE transaction_id BETWEEN %(first_id)s AND %(last_id)s AND transaction_id = ANY(%(ids)s)
      AND month = ANY(%(months)s) AND amount_minor <> 0 ORDER BY transaction_id, id
"""
_PLACE = {
    "organisation_id": pl.Int64,
    "provider_id": pl.Int64,
    "service": pl.String,
    "amount_minor": pl.Int64,
}
# A slice of a bill run is one transaction of some ten thousand entries.
_TRANSACTIONS_AT_ONCE = 8


def list_transactions(*, first: date | None, last: date | None, as_of: datetime) -> Iterator[pl.DataFrame]:
    """Transactions with a business date from `first` to `last` (None is open), recorded by `as_of`, some at a time in
    the order of their ids: transaction_id, kind, source_id, part, business_date, recorded_at, narrative."""
    schema: dict[str, type[pl.DataType] | pl.DataType] = {
        "transaction_id": pl.Int64,
        "kind": pl.String,
        "source_id": pl.Int64,
        "part": pl.Int16,
        "business_date": pl.Date,
        "recorded_at": pl.Datetime("us", "UTC"),
        "narrative": pl.String,
    }
    after = 0
    while True:
        found = fetch_frame(
            _TRANSACTIONS,
            {"after": after, "first": first, "last": last, "as_of": as_of, "limit": _TRANSACTIONS_AT_ONCE},
            schema=schema,
        )
        if found.is_empty():
            return
        yield found
        after = int(found["transaction_id"][-1])


def list_postings(transactions: pl.DataFrame) -> pl.DataFrame:
    """Postings on control accounts: transaction_id, control, organisation_id, provider_id, service, amount_minor."""
    ids = transactions["transaction_id"].to_list()
    return fetch_frame(
        _POSTINGS, {"ids": ids}, schema={"transaction_id": pl.Int64, "control": pl.String, **_PLACE}
    )


def list_entries(transactions: pl.DataFrame) -> pl.DataFrame:
    """The customers' entries: transaction_id, account_id, organisation_id, provider_id, service, amount_minor."""
    ids = transactions["transaction_id"].to_list()
    months = transactions["business_date"].dt.month_start().unique().to_list()
    return fetch_frame(
        _ENTRIES,
        {"ids": ids, "first_id": min(ids), "last_id": max(ids), "months": months},
        schema={"transaction_id": pl.Int64, "account_id": pl.Int64, **_PLACE},
    )
