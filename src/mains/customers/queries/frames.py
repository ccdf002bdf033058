"""Accounts and agreements as frames, for bulk work by slice of accounts."""

from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.changes import OF_POINTS, changed_days, read_changed
from mains.base.db import read_frame
from mains.network.queries.frames import points_where


def read_accounts(
    *, connection: Connection, buckets: range, last_account_id: int, account_ids: pl.Series | None = None
) -> pl.DataFrame:
    """Accounts of the buckets, or those named, with an id up to `last_account_id`, ordered by bucket and id.

    Columns: account_id, bucket (Int16), organisation_id, cycle.
    """
    where = (
        "bucket >= %(first)s AND bucket < %(next)s"
        if account_ids is None
        else "id = ANY(%(accounts)s::bigint[])"
    )
    return read_frame(
        f"""
        SELECT id AS account_id, bucket, organisation_id, cycle FROM customers_account
        WHERE {where} AND id <= %(last)s
        ORDER BY bucket, id
        """,
        {"first": buckets.start, "next": buckets.stop, "last": last_account_id, "accounts": account_ids},
        connection=connection,
    )


def count_accounts_by_bucket(*, connection: Connection, last_account_id: int) -> pl.DataFrame:
    """Number of accounts per bucket among those with an id up to `last_account_id`: bucket, accounts (Int64)."""
    return read_frame(
        """
        SELECT bucket, count(*) AS accounts FROM customers_account WHERE id <= %(last)s GROUP BY bucket ORDER BY bucket
        """,
        {"last": last_account_id},
        connection=connection,
    )


def read_agreements(
    *,
    connection: Connection,
    buckets: range,
    from_date: date,
    to_date: date,
    as_of: datetime,
    account_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Agreements of the buckets' accounts, or of those named, over [from_date, to_date) that were believed at `as_of`
    or ever before.

    Columns: agreement_id, account_id, service_point_id, premise_id, node_id, point_bucket, tariff_id, service,
    provider_id, category, load_class (null when empty), valid_from, valid_to (null is open), is_believed.
    """
    accounts = (
        "ARRAY(SELECT id FROM customers_account WHERE bucket >= %(first)s AND bucket < %(next)s ORDER BY id)"
        if account_ids is None
        else "%(accounts)s::bigint[]"
    )
    return read_frame(
        f"""
        SELECT a.id AS agreement_id, a.account_id, a.service_point_id, sp.premise_id, sp.node_id,
               sp.bucket AS point_bucket, a.tariff_id, t.service, a.provider_id, a.category,
               nullif(a.load_class, '') AS load_class,
               lower(a.valid) AS valid_from, upper(a.valid) AS valid_to,
               a.superseded_at IS NULL OR a.superseded_at > %(as_of)s AS is_believed
        FROM customers_agreement a
        JOIN network_servicepoint sp ON sp.id = a.service_point_id
        JOIN tariffs_tariff t ON t.id = a.tariff_id
        WHERE a.account_id = ANY ({accounts})
          AND a.valid && daterange(%(from_date)s, %(to_date)s)
          AND a.recorded_at <= %(as_of)s
        """,
        {
            "first": buckets.start,
            "next": buckets.stop,
            "from_date": from_date,
            "to_date": to_date,
            "as_of": as_of,
            "accounts": account_ids,
        },
        connection=connection,
    )


def read_changed_agreements(
    *,
    connection: Connection,
    from_date: date,
    to_date: date,
    known_since: datetime,
    as_of: datetime,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points for which somebody else pays, or in another way, on days of [from_date, to_date) since what
    became known in (known_since, as_of]: service_point_id, valid_from, valid_to (null is open).

    Looks at the whole utility, or at the service points named alone.
    """
    days = changed_days(
        table="customers_agreement",
        subject="service_point_id",
        values=("account_id", "tariff_id", "provider_id", "category", "load_class"),
        only="" if service_point_ids is None else OF_POINTS,
    )
    return read_changed(
        connection=connection,
        changed=days,
        from_date=from_date,
        to_date=to_date,
        known_since=known_since,
        as_of=as_of,
        service_point_ids=service_point_ids,
    )


def read_holders(
    *,
    connection: Connection,
    cycle: str,
    from_date: date,
    to_date: date,
    as_of: datetime,
    last_account_id: int,
    service_point_ids: pl.Series,
    tariffs: pl.DataFrame,
    account_ids: pl.Series,
) -> pl.Series:
    """Accounts of a cycle that had, by what was ever believed up to `as_of`, any of the service points on a day of
    [from_date, to_date), or any of the tariffs (tariff_id, changed_from) from its day on; and those named.

    Ordered by bucket and id.
    """
    return read_frame(
        """
        SELECT c.id AS account_id FROM customers_account c
        WHERE c.cycle = %(cycle)s AND c.id <= %(last)s AND c.id IN (
            SELECT a.account_id FROM customers_agreement a
            WHERE a.service_point_id = ANY(%(points)s::bigint[]) AND a.recorded_at <= %(as_of)s
              AND a.valid && daterange(%(from_date)s, %(to_date)s)
            UNION
            SELECT a.account_id FROM customers_agreement a
            JOIN unnest(%(tariffs)s::bigint[], %(days)s::date[]) AS t (id, day) ON t.id = a.tariff_id
            WHERE a.recorded_at <= %(as_of)s AND t.day < %(to_date)s
              AND a.valid && daterange(greatest(t.day, %(from_date)s), %(to_date)s)
            UNION
            SELECT unnest(%(accounts)s::bigint[])
        )
        ORDER BY c.bucket, c.id
        """,
        {
            "cycle": cycle,
            "last": last_account_id,
            "from_date": from_date,
            "to_date": to_date,
            "as_of": as_of,
            "points": service_point_ids,
            "tariffs": tariffs["tariff_id"],
            "days": "{" + ",".join(day.isoformat() for day in tariffs["changed_from"]) + "}",
            "accounts": account_ids,
        },
        connection=connection,
    )["account_id"]


def read_points_of_accounts(*, connection: Connection, account_ids: pl.Series, as_of: datetime) -> pl.Series:
    """Service points that the accounts ever had, by what was ever believed up to `as_of`."""
    return read_frame(
        """
        SELECT DISTINCT service_point_id FROM customers_agreement
        WHERE account_id = ANY(%(accounts)s::bigint[]) AND recorded_at <= %(as_of)s ORDER BY 1
        """,
        {"accounts": account_ids, "as_of": as_of},
        connection=connection,
    )["service_point_id"]


def read_payers(
    *, connection: Connection, buckets: range, from_date: date, to_date: date, as_of: datetime
) -> pl.DataFrame:
    """Who pays for the service points of the buckets over [from_date, to_date), as believed at `as_of`.

    Columns: service_point_id, account_id, valid_from, valid_to (null is open).
    """
    points, params = points_where(buckets, None)
    return read_frame(
        f"""
        SELECT a.service_point_id, a.account_id, lower(a.valid) AS valid_from, upper(a.valid) AS valid_to
        FROM customers_agreement a
        WHERE a.service_point_id = {points} AND a.valid && daterange(%(from_date)s, %(to_date)s)
          AND a.recorded_at <= %(as_of)s AND (a.superseded_at IS NULL OR a.superseded_at > %(as_of)s)
        """,
        params | {"from_date": from_date, "to_date": to_date, "as_of": as_of},
        connection=connection,
    )
