"""What one slice of the completeness check reads: points, payers, bills and use; as believed at an instant."""

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.changes import KNOWN
from mains.base.db import read_frame
from mains.engine.tariff import read_tariff
from mains.tariffs.queries.editions import list_editions


def read_runs(*, connection: Connection) -> pl.DataFrame:
    """Posted monthly runs: run_id, month, cycle, first_bill_id, last_account_id."""
    return read_frame(
        """
        SELECT id AS run_id, month, cycle, first_bill_id, last_account_id FROM billing_billrun
        WHERE status = 'posted' AND kind = 'monthly' ORDER BY month, cycle
        """,
        connection=connection,
    )


def read_idle_periods(
    *, connection: Connection, buckets: range, from_date: date, to_date: date, as_of: datetime
) -> pl.DataFrame:
    """When points need no payer, by an act: service_point_id, valid_from, valid_to (null is open)."""
    return read_frame(
        f"""
        SELECT i.service_point_id, lower(i.valid) AS valid_from, upper(i.valid) AS valid_to
        FROM network_idleperiod i JOIN network_servicepoint sp ON sp.id = i.service_point_id
        WHERE sp.bucket >= %(first)s AND sp.bucket < %(next)s
          AND i.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("i")}
        """,
        {
            "first": buckets.start,
            "next": buckets.stop,
            "from_date": from_date,
            "to_date": to_date,
            "as_of": as_of,
        },
        connection=connection,
    )


def read_supplies(
    *, connection: Connection, buckets: range, from_date: date, to_date: date, as_of: datetime
) -> pl.DataFrame:
    """Agreements of the buckets' accounts with what decides who bills them.

    Columns: account_id, service_point_id, point_bucket, tariff_id, cycle, organisation_id, valid_from, valid_to,
    connected_from, connected_to (null is open).
    """
    return read_frame(
        f"""
        SELECT a.account_id, a.service_point_id, sp.bucket AS point_bucket, a.tariff_id, c.cycle, c.organisation_id,
               lower(a.valid) AS valid_from, upper(a.valid) AS valid_to,
               sp.connected_on AS connected_from, sp.disconnected_on AS connected_to
        FROM customers_agreement a
        JOIN customers_account c ON c.id = a.account_id
        JOIN network_servicepoint sp ON sp.id = a.service_point_id
        WHERE a.account_id = ANY (ARRAY(SELECT id FROM customers_account
                                        WHERE bucket >= %(first)s AND bucket < %(next)s ORDER BY id))
          AND a.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("a")}
        """,
        {
            "first": buckets.start,
            "next": buckets.stop,
            "from_date": from_date,
            "to_date": to_date,
            "as_of": as_of,
        },
        connection=connection,
    )


def read_lines(*, connection: Connection, month: date, bill_ids: range) -> pl.DataFrame:
    """Lines of the bills of a month in a range of ids: account_id, service_point_id, service_month, from_date,
    to_date; one row for the same days of several components."""
    return read_frame(
        """
        SELECT DISTINCT b.account_id, l.service_point_id, l.service_month, l.from_date, l.to_date
        FROM billing_bill b JOIN billing_billline l ON l.month = b.month AND l.bill_id = b.id
        WHERE b.month = %(month)s AND b.id >= %(first)s AND b.id < %(next)s
          AND l.month = %(month)s AND l.bill_id >= %(first)s AND l.bill_id < %(next)s
        """,
        {"month": month, "first": bill_ids.start, "next": bill_ids.stop},
        connection=connection,
    )


def read_recalculated_lines(*, connection: Connection, buckets: range) -> pl.DataFrame:
    """Lines that recalculations and settlements between the monthly runs posted for the buckets' accounts, in the
    columns of `read_lines`."""
    return read_frame(
        """
        SELECT DISTINCT b.account_id, l.service_point_id, l.service_month, l.from_date, l.to_date
        FROM billing_billrun r
        JOIN billing_bill b ON b.run_id = r.id AND b.month = r.month
        JOIN billing_billline l ON l.month = b.month AND l.bill_id = b.id
        WHERE r.status = 'posted' AND r.kind <> 'monthly'
          AND b.account_id = ANY (ARRAY(SELECT id FROM customers_account
                                        WHERE bucket >= %(first)s AND bucket < %(next)s ORDER BY id))
        """,
        {"first": buckets.start, "next": buckets.stop},
        connection=connection,
    )


def read_blocked(*, connection: Connection, months: Sequence[date], buckets: range) -> pl.DataFrame:
    """Accounts of the buckets that a run listed and left unbilled: account_id, month."""
    return read_frame(
        """
        SELECT DISTINCT e.account_id, r.month
        FROM billing_billexception e
        JOIN billing_billrun r ON r.id = e.run_id
        JOIN customers_account c ON c.id = e.account_id
        WHERE e.blocking AND r.month = ANY(%(months)s::date[]) AND c.bucket >= %(first)s AND c.bucket < %(next)s
        """,
        {
            "months": "{" + ",".join(month.isoformat() for month in months) + "}",
            "first": buckets.start,
            "next": buckets.stop,
        },
        connection=connection,
    )


def read_priced_periods(*, connection: Connection, as_of: datetime) -> pl.DataFrame:
    """When a published version of each tariff holds: tariff_id, valid_from, valid_to (null is open)."""
    rows = [
        (edition.tariff_id, version.valid_from, version.valid_to)
        for edition in list_editions(connection=connection, as_of=as_of, known_since=as_of)
        for version in read_tariff(edition.document).versions
    ]
    schema = {"tariff_id": pl.Int64, "valid_from": pl.Date, "valid_to": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")
