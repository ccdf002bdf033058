"""Load parties, customers, accounts, agreements and responsibilities in bulk."""

from datetime import datetime

import polars as pl
from adbc_driver_postgresql.dbapi import Connection

from mains.base.buckets import bucket_column
from mains.base.db import copy_frame
from mains.base.loading import copy_facts

TABLES = (
    "customers_party",
    "customers_customer",
    "customers_account",
    "customers_agreement",
    "customers_responsibility",
)


def load_parties(*, parties: pl.DataFrame, connection: Connection) -> None:
    """Append parties: id and the columns of Party."""
    copy_frame(parties, "customers_party", connection=connection)


def load_accounts(
    *,
    customers: pl.DataFrame,
    accounts: pl.DataFrame,
    agreements: pl.DataFrame,
    responsibilities: pl.DataFrame,
    known_at: datetime,
    connection: Connection,
) -> None:
    """Append customers, their accounts, and facts about them.

    customers: columns of Customer. accounts: id, number, customer_id, organisation_id, cycle, opened_on,
    closed_on; the bucket is computed. agreements: columns of Agreement and the days of a fact (see
    `copy_facts`). responsibilities: account_id, officer_id and the days of a fact.
    """
    copy_frame(customers, "customers_customer", connection=connection)
    copy_frame(accounts.with_columns(bucket=bucket_column("id")), "customers_account", connection=connection)
    copy_facts(agreements, "customers_agreement", known_at=known_at, connection=connection)
    copy_facts(responsibilities, "customers_responsibility", known_at=known_at, connection=connection)
