"""Which days a change of knowledge is about: what a dated table says at two instants, compared as sets of days.

A fact that is cut or recorded again as it was supersedes a row over years, though only the days on which something else
is said matter. So rows are compared by what they say, not by which of them say it.
"""

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.db import read_frame

KNOWN = "{0}.recorded_at <= %(as_of)s AND ({0}.superseded_at IS NULL OR {0}.superseded_at > %(as_of)s)"
"""Condition under which the fact of table alias {0} was believed at `as_of`."""

KNOWN_BEFORE = (
    "{0}.recorded_at <= %(known_since)s"
    " AND ({0}.superseded_at IS NULL OR {0}.superseded_at > %(known_since)s)"
)
"""Condition under which the fact of table alias {0} was believed at `known_since`."""

CHANGED = (
    "(({0}.recorded_at > %(known_since)s AND {0}.recorded_at <= %(as_of)s)"
    " OR ({0}.superseded_at > %(known_since)s AND {0}.superseded_at <= %(as_of)s))"
)
"""Condition under which what we believe of alias {0} changed after `known_since`, up to `as_of`."""


def changed_days(*, table: str, subject: str, values: Sequence[str], only: str = "") -> str:
    """A query for the days of which `table` says something else at `as_of` than at `known_since`.

    Gives `subject` and `valid` (a date range), several rows where the days do not adjoin. `values` are the columns
    that matter. `only` limits the subjects by a condition on alias f, which an index should answer; without it the
    table is searched for rows that changed. Parameters of the query: known_since, as_of and those of `only`.
    """
    changed = f"f.{subject} IN (SELECT c.{subject} FROM {table} c WHERE {CHANGED.format('c')})"
    grouped = ", ".join(f"f.{column}" for column in (subject, *values))
    return f"""
        SELECT {subject}, unnest((before - after) + (after - before)) AS valid
        FROM (
            SELECT f.{subject},
                   coalesce(range_agg(f.valid) FILTER (WHERE {KNOWN_BEFORE.format("f")}), '{{}}') AS before,
                   coalesce(range_agg(f.valid) FILTER (WHERE {KNOWN.format("f")}), '{{}}') AS after
            FROM {table} f WHERE {only or changed}
            GROUP BY {grouped}
        ) AS sides
        WHERE before <> after
    """


OF_POINTS = "f.service_point_id = ANY(%(points)s::bigint[])"
"""Condition of `changed_days` where service points are named: those of a table about service points."""


def read_changed(
    *,
    connection: Connection,
    changed: str,
    from_date: date,
    to_date: date,
    known_since: datetime,
    as_of: datetime,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points of whose days in [from_date, to_date) something else is said than at `known_since`:
    service_point_id, valid_from, valid_to (null is open).

    `changed` is a query for service_point_id and valid, made of `changed_days`. Of the whole utility, or of the service
    points named, which the query knows as the parameter `points`.
    """
    named = "" if service_point_ids is None else "AND service_point_id = ANY(%(points)s::bigint[])"
    return read_frame(
        f"""
        SELECT service_point_id, lower(valid) AS valid_from, upper(valid) AS valid_to
        FROM ({changed}) AS changed WHERE valid && daterange(%(from_date)s, %(to_date)s) {named}
        """,
        {
            "from_date": from_date,
            "to_date": to_date,
            "known_since": known_since,
            "as_of": as_of,
            "points": service_point_ids,
        },
        connection=connection,
    )
