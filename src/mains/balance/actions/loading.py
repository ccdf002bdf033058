"""Load balance rules in bulk."""

from datetime import datetime

import polars as pl
from adbc_driver_postgresql.dbapi import Connection

from mains.base.loading import copy_facts

TABLES = ("balance_balancerule",)


def load_rules(*, rules: pl.DataFrame, known_at: datetime, connection: Connection) -> None:
    """Append rules: the columns of BalanceRule and the days of a fact (see `copy_facts`)."""
    copy_facts(rules, "balance_balancerule", known_at=known_at, connection=connection)
