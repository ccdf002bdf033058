"""The last completeness check as a person may see it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from mains.base.rows import fetch_row, fetch_rows
from mains.reporting.models import CompletenessCheck
from mains.staff.values import Scope

ALL_DAYS = 31
_WITHIN = "(%(everything)s OR h.organisation_id = ANY(%(reached)s))"
_PLACED = """
FROM reporting_completenesshole h
JOIN network_servicepoint sp ON sp.id = h.service_point_id
JOIN network_premise p ON p.id = sp.premise_id
JOIN network_building b ON b.id = p.building_id
LEFT JOIN customers_account a ON a.id = h.account_id
LEFT JOIN staff_organisation o ON o.id = h.organisation_id
"""


@dataclass(frozen=True)
class CheckRecord:
    """A check and the days of it by state, within the scope."""

    id: int
    month_from: date
    month_to: date
    until: date
    checked_at: datetime
    days: Mapping[str, int]


@dataclass(frozen=True)
class CauseRecord:
    """Holes of one cause in one unit (none: where nobody ever paid), and the use at stake in its service's unit."""

    cause: str
    organisation_id: int | None
    organisation_name: str
    points: int
    days: int
    use_micro: int


@dataclass(frozen=True)
class HoleRecord:
    """Days of one service point in one month; `days` a set of bits, the first day the lowest."""

    id: int
    cause: str
    month: date
    days: int
    day_count: int
    use_micro: int
    service_point_id: int
    service_point_code: str
    service: str
    address: str
    account_number: str
    organisation_name: str

    @property
    def stretches(self) -> list[tuple[date, date]]:
        """The days as stretches, first and last day of each."""
        found: list[tuple[date, date]] = []
        for place in range(ALL_DAYS):
            if not self.days >> place & 1:
                continue
            day = self.month.replace(day=place + 1)
            if found and found[-1][1].toordinal() + 1 == day.toordinal():
                found[-1] = (found[-1][0], day)
            else:
                found.append((day, day))
        return found


def find_last_check(*, scope: Scope, month: date | None = None) -> CheckRecord | None:
    """The latest check, or the latest of one month alone; None before the first."""
    checks = CompletenessCheck.objects.order_by("-checked_at", "-id")
    found = (checks.filter(month_from=month, month_to=month) if month else checks).first()
    if found is None:
        return None
    days: Counter[str] = Counter()
    for row in found.counts:
        if scope.organisation_ids is None or row["organisation_id"] in scope.organisation_ids:
            days[row["state"]] += row["days"]
    return CheckRecord(found.pk, found.month_from, found.month_to, found.until, found.checked_at, days)


def list_causes(*, scope: Scope, check_id: int) -> list[CauseRecord]:
    """Holes by cause and unit, most use first."""
    return fetch_rows(
        CauseRecord,
        f"""
        SELECT h.cause, h.organisation_id, coalesce(o.name, ''), count(DISTINCT h.service_point_id)::int,
               sum(h.day_count)::int, sum(h.use_micro)::bigint
        FROM reporting_completenesshole h LEFT JOIN staff_organisation o ON o.id = h.organisation_id
        WHERE h.completeness_check_id = %(check)s AND {_WITHIN}
        GROUP BY h.cause, h.organisation_id, o.name ORDER BY 6 DESC, 5 DESC, 1, 3
        """,
        {"check": check_id} | _scope(scope),
    )


def list_holes(
    *, scope: Scope, check_id: int, cause: str = "", offset: int = 0, limit: int = 50
) -> list[HoleRecord]:
    """Holes, most use at stake first; of one cause when named."""
    return fetch_rows(
        HoleRecord,
        f"""
        SELECT h.id, h.cause, h.month, h.days, h.day_count, h.use_micro, h.service_point_id, sp.code, sp.service,
               concat_ws(', ', b.street, b.house, nullif(p.flat, ''), b.city), coalesce(a.number, ''),
               coalesce(o.name, '')
        {_PLACED}
        WHERE h.completeness_check_id = %(check)s AND {_WITHIN} AND (%(cause)s = '' OR h.cause = %(cause)s)
        ORDER BY h.use_micro DESC, h.id LIMIT %(limit)s OFFSET %(offset)s
        """,
        {"check": check_id, "cause": cause, "limit": limit, "offset": offset} | _scope(scope),
    )


def find_hole(*, scope: Scope, hole_id: int) -> HoleRecord | None:
    """One hole; None when it is not within the scope."""
    return fetch_row(
        HoleRecord,
        f"""
        SELECT h.id, h.cause, h.month, h.days, h.day_count, h.use_micro, h.service_point_id, sp.code, sp.service,
               concat_ws(', ', b.street, b.house, nullif(p.flat, ''), b.city), coalesce(a.number, ''),
               coalesce(o.name, '')
        {_PLACED} WHERE h.id = %(hole)s AND {_WITHIN}
        """,
        {"hole": hole_id} | _scope(scope),
    )


def _scope(scope: Scope) -> dict[str, object]:
    return {"everything": scope.organisation_ids is None, "reached": sorted(scope.organisation_ids or ())}
