"""Reads of the organisation tree."""

from dataclasses import dataclass
from datetime import date

from django.db import connection

from mains.staff.values import Scope


@dataclass(frozen=True)
class Unit:
    """A unit of the organisation tree as a person sees it; `depth` is 0 at the top of what they may see."""

    id: int
    code: str
    name: str
    kind: str
    parent_id: int | None
    depth: int


TREE = """
WITH RECURSIVE placed AS (
    SELECT o.id, o.code, o.name, o.kind, p.parent_id
    FROM staff_organisation o
    LEFT JOIN staff_organisationplacement p
        ON p.organisation_id = o.id AND p.superseded_at IS NULL AND p.valid @> %(on_date)s::date
), tree AS (
    SELECT id, code, name, kind, parent_id, 0 AS depth, ARRAY[code::text] AS path FROM placed WHERE parent_id IS NULL
    UNION ALL
    SELECT p.id, p.code, p.name, p.kind, p.parent_id, t.depth + 1, t.path || p.code::text
    FROM placed p JOIN tree t ON p.parent_id = t.id
    WHERE t.depth < 12
)
SELECT id, code, name, kind, parent_id, depth FROM tree
WHERE %(everything)s OR id = ANY(%(reached)s)
ORDER BY path
"""


def list_units(*, scope: Scope, on_date: date) -> list[Unit]:
    """The tree on the date, parents before children, limited to the scope."""
    with connection.cursor() as cursor:
        cursor.execute(
            TREE,
            {
                "on_date": on_date,
                "everything": scope.organisation_ids is None,
                "reached": sorted(scope.organisation_ids or ()),
            },
        )
        rows = cursor.fetchall()
    top = min((row[5] for row in rows), default=0)
    return [Unit(row[0], row[1], row[2], row[3], row[4], row[5] - top) for row in rows]


def path_of(*, organisation_id: int, on_date: date) -> list[tuple[int, str]]:
    """Ids and names from the top of the tree down to the unit."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE up (id, step) AS (
                SELECT %(unit)s::bigint, 0
                UNION ALL
                SELECT p.parent_id, up.step + 1
                FROM staff_organisationplacement p JOIN up ON p.organisation_id = up.id
                WHERE p.superseded_at IS NULL AND p.valid @> %(on_date)s::date AND p.parent_id IS NOT NULL
                    AND up.step < 12
            )
            SELECT o.id, o.name FROM up JOIN staff_organisation o ON o.id = up.id ORDER BY up.step DESC
            """,
            {"unit": organisation_id, "on_date": on_date},
        )
        return [(row[0], row[1]) for row in cursor.fetchall()]
