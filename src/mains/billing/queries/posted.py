"""What earlier runs posted for the accounts of a slice."""

from collections.abc import Sequence
from datetime import date

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame
from mains.billing.values import PostedBills

_LINES = {
    "service_month": pl.Date,
    "agreement_id": pl.Int64,
    "service_point_id": pl.Int64,
    "tariff_edition_id": pl.Int32,
    "component": pl.String,
    "kind": pl.String,
    "from_date": pl.Date,
    "to_date": pl.Date,
    "quantity_micro": pl.Int64,
    "amount_minor": pl.Int64,
}
_BILLS = {"month": pl.Date, "account_id": pl.Int64, "quantity_micro": pl.Int64}
KEY = ("agreement_id", "service_month", "component", "kind")


def read_posted_lines(
    *, connection: Connection, posted: Sequence[PostedBills], changed: pl.DataFrame
) -> pl.DataFrame:
    """Sums of all lines posted for the (service_point_id, service_month) pairs of `changed`.

    One row per agreement_id, service_month, component, kind, with service_point_id, tariff_edition_id (the
    latest), from_date, to_date, quantity_micro and amount_minor.
    """
    frames = [pl.DataFrame(schema=_LINES)]
    if not changed.is_empty():
        months = changed["service_month"].unique().to_list()
        for bills in posted:
            if bills.month >= min(months):
                rows = _read_lines(connection, bills)
                frames.append(rows.join(changed, on=["service_point_id", "service_month"], how="semi"))
    # The order in which the database gives rows may differ after an interruption; nothing here may depend on it.
    return (
        pl.concat(frames)
        .group_by(KEY)
        .agg(
            pl.col("service_point_id").max(),
            pl.col("tariff_edition_id").max(),
            pl.col("from_date").min(),
            pl.col("to_date").max(),
            pl.col("quantity_micro", "amount_minor").cast(pl.Int128).sum().cast(pl.Int64, strict=True),
        )
        .sort(KEY)
    )


def read_billed_quantities(*, connection: Connection, posted: Sequence[PostedBills]) -> pl.DataFrame:
    """The quantity of each earlier bill of the slice's accounts: month, account_id, quantity_micro."""
    statement = """
        SELECT month, account_id, quantity_micro FROM billing_bill
        WHERE month = %(month)s AND id >= %(first)s AND id < %(next)s
    """
    frames = [read_frame(statement, _place(bills), connection=connection) for bills in posted]
    return pl.concat([pl.DataFrame(schema=_BILLS), *frames])


def read_last_amounts(*, connection: Connection, posted: Sequence[PostedBills]) -> pl.DataFrame:
    """What the slice's accounts were billed for the month before: account_id, last_minor."""
    if not posted:
        return pl.DataFrame(schema={"account_id": pl.Int64, "last_minor": pl.Int64})
    return read_frame(
        """
        SELECT account_id, amount_minor AS last_minor FROM billing_bill
        WHERE month = %(month)s AND id >= %(first)s AND id < %(next)s
        """,
        _place(posted[-1]),
        connection=connection,
    )


def read_blocked_months(
    *, connection: Connection, run_months: Sequence[date], cycle: str, buckets: range
) -> pl.DataFrame:
    """Accounts of the buckets that a run of `run_months` left unbilled: account_id, service_month.

    Such a run owes the account its own month and whatever corrections of earlier months it had found.
    """
    return read_frame(
        """
        SELECT DISTINCT e.account_id, m.month AS service_month
        FROM billing_billrun r
        JOIN billing_billexception e ON e.run_id = r.id AND e.blocking
        JOIN customers_account c ON c.id = e.account_id
        JOIN unnest(%(months)s::date[]) AS m (month) ON m.month <= r.month
        WHERE r.cycle = %(cycle)s AND r.month = ANY(%(months)s::date[])
          AND c.bucket >= %(first)s AND c.bucket < %(next)s
        """,
        {
            "cycle": cycle,
            "months": "{" + ",".join(month.isoformat() for month in run_months) + "}",
            "first": buckets.start,
            "next": buckets.stop,
        },
        connection=connection,
    )


def _read_lines(connection: Connection, bills: PostedBills) -> pl.DataFrame:
    return read_frame(
        f"""
        SELECT {", ".join(_LINES)} FROM billing_billline
        WHERE month = %(month)s AND bill_id >= %(first)s AND bill_id < %(next)s
        """,
        _place(bills),
        connection=connection,
    )


def _place(bills: PostedBills) -> dict[str, object]:
    return {"month": bills.month, "first": bills.bill_ids.start, "next": bills.bill_ids.stop}
