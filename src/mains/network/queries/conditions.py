"""Conditions of supply at service points: as frames for bulk work, and as people read them."""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.changes import KNOWN, OF_POINTS, changed_days, read_changed
from mains.base.db import read_frame
from mains.base.rows import fetch_rows


def read_conditions(
    *,
    connection: Connection,
    service_point_ids: pl.Series,
    names: list[str],
    from_date: date,
    to_date: date,
    as_of: datetime,
) -> pl.DataFrame:
    """Conditions of those names at the points over [from_date, to_date), as believed at `as_of`.

    Columns: service_point_id, name, word (null where it is a number), value_micro, valid_from, valid_to (null is open).
    Without the days on which a point is said to have none.
    """
    return read_frame(
        f"""
        SELECT c.service_point_id, c.name, nullif(c.word, '') AS word, c.value_micro,
               lower(c.valid) AS valid_from, upper(c.valid) AS valid_to
        FROM network_pointcondition c
        WHERE c.service_point_id = ANY(%(points)s::bigint[]) AND c.name = ANY(%(names)s::text[])
          AND (c.word <> '' OR c.value_micro IS NOT NULL)
          AND c.valid && daterange(%(from_date)s, %(to_date)s) AND {KNOWN.format("c")}
        ORDER BY c.service_point_id, lower(c.valid)
        """,
        {
            "points": service_point_ids,
            "names": pl.Series(names, dtype=pl.String),
            "from_date": from_date,
            "to_date": to_date,
            "as_of": as_of,
        },
        connection=connection,
    )


def read_changed_conditions(
    *,
    connection: Connection,
    from_date: date,
    to_date: date,
    known_since: datetime,
    as_of: datetime,
    service_point_ids: pl.Series | None = None,
) -> pl.DataFrame:
    """Service points of whose days in [from_date, to_date) another condition is known since what became known in
    (known_since, as_of]: service_point_id, valid_from, valid_to (null is open).

    Looks at the whole utility, or at the service points named alone.
    """
    days = changed_days(
        table="network_pointcondition",
        subject="service_point_id",
        values=("name", "word", "value_micro"),
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


@dataclass(frozen=True)
class ConditionRecord:
    """A condition as it is believed; `word` or `value_micro`, neither where the point is said to have none."""

    id: int
    service: str
    name: str
    word: str
    value_micro: int | None
    valid_from: date
    valid_to: date | None
    proof: str
    recorded_at: datetime
    recorded_by: str

    @property
    def value(self) -> str | Fraction | None:
        """The word, or the number in the attribute's unit; None where the point is said to have none."""
        if self.value_micro is not None:
            return Fraction(self.value_micro, 1_000_000)
        return self.word or None


def list_conditions(*, service_point_ids: list[int]) -> list[ConditionRecord]:
    """The conditions believed of the points, the latest dates first."""
    statement = """
        SELECT c.id, sp.service, c.name, c.word, c.value_micro, lower(c.valid), upper(c.valid), c.proof, c.recorded_at,
               coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username, '')
        FROM network_pointcondition c
        JOIN network_servicepoint sp ON sp.id = c.service_point_id
        LEFT JOIN staff_user u ON u.id = c.recorded_by_id
        WHERE c.service_point_id = ANY(%(ids)s) AND c.superseded_at IS NULL
        ORDER BY lower(c.valid) DESC, c.id DESC
    """
    return fetch_rows(ConditionRecord, statement, {"ids": service_point_ids})
