"""Whose bills these are: for money that names a bill."""

from collections.abc import Sequence

import polars as pl

from mains.base.columns import fetch_frame


def accounts_of_bills(bill_ids: Sequence[int]) -> pl.DataFrame:
    """bill_id, month, account_id of the bills that exist; ids of none are left out."""
    return fetch_frame(
        "SELECT id, month, account_id FROM billing_bill WHERE id = ANY(%(ids)s)",
        {"ids": list(bill_ids)},
        schema={"bill_id": pl.Int64, "month": pl.Date, "account_id": pl.Int64},
    )
