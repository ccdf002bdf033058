"""Dated trees: a placement must not put anything below itself on any day."""

from datetime import date
from typing import Literal

from django.db import connection

Tree = Literal["staff_organisationplacement", "network_nodeplacement"]
_CHILD: dict[Tree, str] = {
    "staff_organisationplacement": "organisation_id",
    "network_nodeplacement": "node_id",
}


def first_day_below_itself(
    *, table: Tree, child_id: int, parent_id: int, valid_from: date, valid_to: date | None
) -> date | None:
    """The first day of [valid_from, valid_to) on which `parent_id` stands below `child_id` or is it; None if never.

    Placements hold from day to day, so only the first day and those on which any placement begins are looked at.
    """
    child = _CHILD[table]
    with connection.cursor() as cursor:
        # The table and its column come from the closed list above, never from outside.
        cursor.execute(
            f"""
            WITH RECURSIVE days (day) AS (
                SELECT %(from)s::date
                UNION
                SELECT lower(valid) FROM {table}
                WHERE superseded_at IS NULL AND lower(valid) > %(from)s::date
                    AND (%(to)s::date IS NULL OR lower(valid) < %(to)s::date)
            ), up (day, id) AS (
                SELECT day, %(parent)s::bigint FROM days
                UNION
                SELECT up.day, p.parent_id FROM {table} p JOIN up ON p.{child} = up.id
                WHERE p.superseded_at IS NULL AND p.valid @> up.day AND p.parent_id IS NOT NULL
            )
            SELECT min(day) FROM up WHERE id = %(child)s
            """,
            {"from": valid_from, "to": valid_to, "parent": parent_id, "child": child_id},
        )
        day: date | None = cursor.fetchone()[0]
        return day
