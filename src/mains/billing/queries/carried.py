"""What was kept of balances that bills carry, and opening balances, as frames (decision 0021)."""

from datetime import datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.changes import CHANGED, KNOWN
from mains.base.db import read_frame
from mains.metering.queries.frames import month_array

LEFT = {
    "service_month": pl.Date,
    "account_id": pl.Int64,
    "agreement_id": pl.Int64,
    "balance": pl.String,
    "service_point_id": pl.Int64,
    "to_date": pl.Date,
    "unit": pl.String,
    "value_micro": pl.Int64,
}
"""What an item leaves of a balance; an empty value where it is there no more."""


def read_kept(
    *, connection: Connection, account_ids: pl.Series, months: pl.Series, as_of: datetime
) -> pl.DataFrame:
    """What the accounts left in the months and those just before, as known before `as_of`: LEFT and revision (Int16),
    the last revision of each."""
    before = months.dt.offset_by("-1mo")
    return read_frame(
        """
        SELECT DISTINCT ON (month, account_id, agreement_id, balance)
               month AS service_month, account_id, agreement_id, balance, service_point_id, to_date, unit,
               value_micro, revision
        FROM billing_carriedbalance
        WHERE account_id = ANY(%(accounts)s::bigint[]) AND month = ANY(%(months)s::date[]) AND recorded_at < %(as_of)s
        ORDER BY month, account_id, agreement_id, balance, revision DESC
        """,
        {
            "accounts": account_ids,
            "months": month_array(sorted({*months, *before})),
            "as_of": as_of,
        },
        connection=connection,
    )


def read_openings(*, connection: Connection, account_ids: pl.Series, as_of: datetime) -> pl.DataFrame:
    """The opening balances of the accounts that were believed at `as_of`: month, account_id, service_point_id,
    balance, unit, value_micro."""
    return read_frame(
        f"""
        SELECT month, account_id, service_point_id, balance, unit, value_micro FROM billing_openingbalance o
        WHERE account_id = ANY(%(accounts)s::bigint[]) AND {KNOWN.format("o")}
        """,
        {"accounts": account_ids, "as_of": as_of},
        connection=connection,
    )


def read_changed_openings(
    *,
    connection: Connection,
    known_since: datetime,
    as_of: datetime,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points of which another opening balance is believed than before, with the days of its month:
    service_point_id, valid_from, valid_to."""
    only = "TRUE" if service_point_ids is None else "service_point_id = ANY(%(points)s::bigint[])"
    return read_frame(
        f"""
        SELECT DISTINCT service_point_id, month AS valid_from, (month + interval '1 month')::date AS valid_to
        FROM billing_openingbalance o WHERE {only} AND {CHANGED.format("o")}
        """,
        {"known_since": known_since, "as_of": as_of, "points": service_point_ids},
        connection=connection,
    )
