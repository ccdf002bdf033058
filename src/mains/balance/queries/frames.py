"""Balance rules, balances and shares as frames, for bulk work."""

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.changes import CHANGED, KNOWN
from mains.base.db import read_frame
from mains.metering.queries.frames import month_array

NODE_COLUMNS = (
    "node_id", "rule_id", "quality", "node_days", "member_days", "fed_in_days", "allocated_days", "node_micro",
    "member_micro", "fed_in_micro", "remainder_micro", "carried_in_micro", "allocated_micro", "over_cap_micro",
    "rest_micro", "carried_out_micro", "points", "unmetered_points",
)  # fmt: skip
SHARE_COLUMNS = ("service_point_id", "node_id", "total_micro", "days_micro")
_POINT_DAYS = pl.Schema({"service_point_id": pl.Int64(), "days_micro": pl.List(pl.Int64)})


def read_rules(
    *,
    connection: Connection,
    first_day: date,
    last_day: date,
    as_of: datetime,
    node_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """The rules in force on a day of [first_day, last_day], as believed at `as_of`, of all nodes or of those named. The
    one in force on a month's last day counts for the whole month.

    Columns: valid_from, valid_to (null is open), node_id, rule_id, key, negative, cap_micro (of a month, null: none),
    norm_person_micro (null: none), and the point that takes what is over the cap with the days of its connection:
    rest_point_id, rest_from, rest_to.
    """
    return read_frame(
        f"""
        SELECT lower(r.valid) AS valid_from, upper(r.valid) AS valid_to, r.node_id, r.id AS rule_id, r.key, r.negative,
               floor(r.cap_norm_m2_micro::numeric * r.common_area_m2_micro / 1000000)::bigint AS cap_micro,
               r.norm_person_micro, r.rest_point_id, sp.connected_on AS rest_from, sp.disconnected_on AS rest_to
        FROM balance_balancerule r LEFT JOIN network_servicepoint sp ON sp.id = r.rest_point_id
        WHERE r.valid && daterange(%(first_day)s, %(last_day)s, '[]') AND {KNOWN.format("r")}
        {"" if node_ids is None else "AND r.node_id = ANY(%(nodes)s::bigint[])"}
        """,
        {"first_day": first_day, "last_day": last_day, "as_of": as_of, "nodes": node_ids},
        connection=connection,
    )


def read_changed_rules(
    *, connection: Connection, from_date: date, to_date: date, known_since: datetime, as_of: datetime
) -> pl.DataFrame:
    """Nodes of which a rule over [from_date, to_date) was recorded or superseded in (known_since, as_of]: node_id,
    valid_from, valid_to (null is open)."""
    return read_frame(
        f"""
        SELECT DISTINCT r.node_id, lower(r.valid) AS valid_from, upper(r.valid) AS valid_to
        FROM balance_balancerule r
        WHERE r.valid && daterange(%(from_date)s, %(to_date)s) AND {CHANGED.format("r")}
        """,
        {"from_date": from_date, "to_date": to_date, "known_since": known_since, "as_of": as_of},
        connection=connection,
    )


def read_sharing_nodes_above(*, connection: Connection, service_point_ids: pl.Series) -> pl.Series:
    """Nodes with a meter of their own that ever stood above any of the service points, and whose remainder was ever
    shared by a rule."""
    return read_frame(
        """
        WITH RECURSIVE up AS (
            SELECT node_id FROM network_servicepoint WHERE id = ANY(%(points)s::bigint[])
            UNION
            SELECT p.parent_id FROM network_nodeplacement p JOIN up ON p.node_id = up.node_id
            WHERE p.parent_id IS NOT NULL
        )
        SELECT DISTINCT sp.node_id FROM network_servicepoint sp JOIN up ON up.node_id = sp.node_id
        WHERE sp.measures_node
          AND EXISTS (SELECT FROM balance_balancerule r WHERE r.node_id = sp.node_id AND r.key <> 'none')
        """,
        {"points": service_point_ids},
        connection=connection,
    )["node_id"].sort()


def read_sharers(
    *, connection: Connection, service_point_ids: pl.Series, known_since: datetime, as_of: datetime
) -> pl.Series:
    """Service points that may be given another share when the use of some points, or what is known since `known_since`
    about rules and feeds, differs: all that ever hung below a node above them whose remainder is shared."""
    return read_frame(
        f"""
        WITH RECURSIVE sharing AS (
            SELECT DISTINCT node_id FROM balance_balancerule WHERE key <> 'none' AND recorded_at <= %(as_of)s
        ), up AS (
            SELECT sp.node_id FROM network_servicepoint sp
            WHERE EXISTS (SELECT FROM sharing) AND sp.id = ANY(%(points)s::bigint[])
            UNION
            SELECT unnest(ARRAY[n.node_id, n.parent_id]) FROM network_nodeplacement n
            WHERE EXISTS (SELECT FROM sharing) AND {CHANGED.format("n")}
            UNION
            SELECT r.node_id FROM balance_balancerule r WHERE {CHANGED.format("r")}
            UNION
            SELECT p.parent_id FROM network_nodeplacement p JOIN up ON p.node_id = up.node_id
            WHERE p.parent_id IS NOT NULL
        ), below AS (
            SELECT u.node_id FROM up u JOIN sharing s ON s.node_id = u.node_id
            UNION
            SELECT p.node_id FROM network_nodeplacement p JOIN below b ON p.parent_id = b.node_id
        )
        SELECT sp.id AS service_point_id FROM network_servicepoint sp JOIN below b ON b.node_id = sp.node_id
        WHERE NOT sp.measures_node
        """,
        {"points": service_point_ids, "known_since": known_since, "as_of": as_of},
        connection=connection,
    )["service_point_id"]


def read_balanced_months(*, connection: Connection, as_of: datetime) -> list[date]:
    """The months of which there is any balance, as known at `as_of`, the earliest first."""
    found = read_frame(
        "SELECT DISTINCT month FROM balance_nodemonth WHERE recorded_at <= %(as_of)s ORDER BY month",
        {"as_of": as_of},
        connection=connection,
    )
    return found["month"].to_list()


def read_balances(
    *, connection: Connection, months: Sequence[date], as_of: datetime, node_ids: pl.Series
) -> pl.DataFrame:
    """The last revision known at `as_of` of each node's balance: month, NODE_COLUMNS and revision."""
    return read_frame(
        f"""
        SELECT DISTINCT ON (month, node_id) month, {", ".join(NODE_COLUMNS)}, revision
        FROM balance_nodemonth
        WHERE month = ANY(%(months)s::date[]) AND node_id = ANY(%(nodes)s) AND recorded_at <= %(as_of)s
        ORDER BY month, node_id, revision DESC
        """,
        {"months": month_array(months), "nodes": node_ids, "as_of": as_of},
        connection=connection,
    )


def read_shares_of_nodes(
    *, connection: Connection, months: Sequence[date], as_of: datetime, node_ids: pl.Series
) -> pl.DataFrame:
    """The last revision known at `as_of` of each service point's share of the nodes: month, SHARE_COLUMNS and
    revision."""
    return read_frame(
        f"""
        SELECT DISTINCT ON (month, node_id, service_point_id) month, {", ".join(SHARE_COLUMNS)}, revision
        FROM balance_sharemonth
        WHERE month = ANY(%(months)s::date[]) AND node_id = ANY(%(nodes)s) AND recorded_at <= %(as_of)s
        ORDER BY month, node_id, service_point_id, revision DESC
        """,
        {"months": month_array(months), "nodes": node_ids, "as_of": as_of},
        connection=connection,
    )


def read_shares(
    *, connection: Connection, month: date, as_of: datetime, buckets: range, service_point_ids: pl.Series
) -> pl.DataFrame:
    """What service points of the buckets, and those named besides, are given in all in a month, as known at `as_of`.

    Columns: service_point_id, days_micro; the shares of all nodes above a point together.
    """
    wheres = ["bucket >= %(first)s AND bucket < %(next)s"] if buckets else []
    wheres += [] if service_point_ids.is_empty() else ["service_point_id = ANY(%(points)s::bigint[])"]
    if not wheres:
        return pl.DataFrame(schema=_POINT_DAYS)
    rows = read_frame(
        f"""
        SELECT service_point_id, node_id, revision, days_micro FROM balance_sharemonth
        WHERE month = %(month)s AND recorded_at <= %(as_of)s
          AND ({" OR ".join(wheres)})
        ORDER BY service_point_id, node_id, revision
        """,
        {
            "month": month,
            "as_of": as_of,
            "first": buckets.start,
            "next": buckets.stop,
            "points": service_point_ids,
        },
        connection=connection,
    )
    rows = rows.unique(["service_point_id", "node_id"], keep="last", maintain_order=True)
    if rows.is_empty():
        return pl.DataFrame(schema=_POINT_DAYS)
    starts = np.flatnonzero(
        rows.select(pl.col("service_point_id").is_first_distinct()).to_series().to_numpy()
    )
    days = rows["days_micro"].explode(empty_as_null=False).to_numpy().reshape(rows.height, -1)
    summed = np.add.reduceat(days, starts, axis=0)
    return pl.DataFrame(
        {
            "service_point_id": rows["service_point_id"].gather(starts),
            "days_micro": pl.Series(summed).arr.to_list(),
        }
    )


def read_shares_of_points(
    *, connection: Connection, months: Sequence[date], as_of: datetime, service_point_ids: pl.Series
) -> pl.DataFrame:
    """What the service points named are given in all in each of several months, as known at `as_of`: month,
    service_point_id, days_micro; found by index, however large the months are."""
    rows = read_frame(
        """
        SELECT DISTINCT ON (month, service_point_id, node_id) month, service_point_id, node_id, days_micro
        FROM balance_sharemonth
        WHERE month = ANY(%(months)s::date[]) AND service_point_id = ANY(%(points)s::bigint[])
          AND recorded_at <= %(as_of)s
        ORDER BY month, service_point_id, node_id, revision DESC
        """,
        {"months": month_array(months), "as_of": as_of, "points": service_point_ids},
        connection=connection,
    ).drop("node_id")
    key = ["month", "service_point_id"]
    is_several = rows.select(pl.struct(key).is_duplicated()).to_series()
    if not is_several.any():
        return rows
    summed = (
        rows.filter(is_several)
        .with_columns(day=pl.int_ranges(pl.col("days_micro").list.len()))
        .explode("days_micro", "day", empty_as_null=False)
        .group_by(*key, "day")
        .agg(pl.col("days_micro").sum())
        .sort(*key, "day")
        .group_by(key, maintain_order=True)
        .agg("days_micro")
    )
    return pl.concat([rows.filter(~is_several), summed])


def read_balanced_between(
    *, connection: Connection, months: Sequence[date], known_since: datetime, as_of: datetime
) -> pl.DataFrame:
    """Balances of nodes that runs of one account drew up after `known_since` and before `as_of`: node_id, month."""
    return read_frame(
        """
        SELECT DISTINCT node_id, month FROM balance_nodemonth
        WHERE month = ANY(%(months)s::date[]) AND recorded_at > %(known_since)s AND recorded_at < %(as_of)s
        """,
        {"months": month_array(months), "known_since": known_since, "as_of": as_of},
        connection=connection,
    )


def read_revised_shares(
    *,
    connection: Connection,
    months: Sequence[date],
    known_since: datetime,
    as_of: datetime,
    buckets: range | None = None,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points whose share of one of `months` was revised in (known_since, as_of]: service_point_id, month.

    Looks at the buckets and at the service points named; at all of them when neither is given.
    """
    wheres = ["bucket >= %(first)s AND bucket < %(next)s"] if buckets else []
    if service_point_ids is not None:
        wheres.append("service_point_id = ANY(%(points)s::bigint[])")
    return read_frame(
        f"""
        SELECT DISTINCT service_point_id, month FROM balance_sharemonth
        WHERE month = ANY(%(months)s::date[]) AND recorded_at > %(known_since)s AND recorded_at <= %(as_of)s
          AND ({" OR ".join(wheres) or "TRUE"})
        """,
        {
            "months": month_array(months),
            "known_since": known_since,
            "as_of": as_of,
            "first": buckets.start if buckets else 0,
            "next": buckets.stop if buckets else 0,
            "points": service_point_ids,
        },
        connection=connection,
    )
