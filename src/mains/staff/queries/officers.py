"""Field officers by the units that they work for."""

from collections.abc import Sequence
from datetime import date

from mains.base.rows import fetch_rows

ROLE = "field_officer"
"""Code of the role in every pack: who walks the routes and answers for accounts."""

_OFFICERS = """
WITH RECURSIVE up (unit, id, step) AS (
    SELECT u, u, 0 FROM unnest(%(units)s::bigint[]) u
    UNION ALL
    SELECT up.unit, p.parent_id, up.step + 1
    FROM staff_organisationplacement p JOIN up ON p.organisation_id = up.id
    WHERE p.superseded_at IS NULL AND p.valid @> %(on_date)s::date AND p.parent_id IS NOT NULL AND up.step < 12
)
SELECT DISTINCT up.unit, u.id, coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username) AS name
FROM up
JOIN staff_assignment a
    ON a.organisation_id = up.id AND a.superseded_at IS NULL AND a.valid @> %(on_date)s::date
JOIN staff_role r ON r.id = a.role_id AND r.code = %(role)s
JOIN staff_user u ON u.id = a.user_id AND u.is_active
ORDER BY up.unit, name
"""


def officers_of_units(*, organisation_ids: Sequence[int], on_date: date) -> dict[int, list[tuple[int, str]]]:
    """By unit, id and name of the officers who work in it or in a unit above it, by name."""
    found: dict[int, list[tuple[int, str]]] = {unit: [] for unit in organisation_ids}
    params = {"units": list(found), "on_date": on_date, "role": ROLE}
    for unit, user_id, name in fetch_rows(_row, _OFFICERS, params):
        found[unit].append((user_id, name))
    return found


def _row(unit: int, user_id: int, name: str) -> tuple[int, int, str]:
    return unit, user_id, name
