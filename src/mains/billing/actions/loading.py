"""Load opening balances in bulk."""

import polars as pl
from adbc_driver_postgresql.dbapi import Connection

from mains.base.db import copy_frame

TABLES = ("billing_openingbalance",)


def load_opening_balances(*, openings: pl.DataFrame, connection: Connection) -> None:
    """Append opening balances: account_id, service_point_id, balance, month, unit, value_micro, recorded_at, proof."""
    copy_frame(openings, "billing_openingbalance", connection=connection)
