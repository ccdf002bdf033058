"""Things that wait for a person: readings that were not taken, with the account that they concern."""

from dataclasses import dataclass
from datetime import date, datetime

from mains.base.rows import fetch_row, fetch_rows
from mains.staff.values import Scope


@dataclass(frozen=True)
class HeldReading:
    """A reading that the rules did not take. `decision` is queue (a person decides) or refuse."""

    id: int
    register_id: int | None
    serial: str
    zone: int | None
    reading_date: date | None
    text_value: str
    source: int
    code: str
    message: str
    remedy: str
    decision: str
    raised_at: datetime
    account_number: str
    customer_name: str
    place: str


HELD = """
FROM metering_readingexception x
LEFT JOIN metering_register r ON r.id = x.register_id
LEFT JOIN metering_meter m ON m.id = r.meter_id
LEFT JOIN LATERAL (
    SELECT a.number, mains_name(c.name) AS name, a.organisation_id,
        concat_ws(', ', b.street, b.house, nullif(p.flat, ''), b.city) AS place
    FROM customers_agreement g
    JOIN customers_account a ON a.id = g.account_id
    JOIN customers_customer c ON c.id = a.customer_id
    JOIN network_servicepoint s ON s.id = g.service_point_id
    JOIN network_premise p ON p.id = s.premise_id
    JOIN network_building b ON b.id = p.building_id
    WHERE g.service_point_id = x.service_point_id AND g.superseded_at IS NULL
    ORDER BY g.valid @> coalesce(x.reading_date, x.raised_at::date) DESC, lower(g.valid) DESC LIMIT 1
) payer ON TRUE
WHERE x.resolved_at IS NULL AND (%(everything)s OR payer.organisation_id = ANY(%(reached)s))
"""
COLUMNS = """
SELECT x.id, x.register_id, coalesce(m.serial, ''), r.zone, x.reading_date, x.text_value, x.source, x.code, x.message,
       x.remedy, x.decision, x.raised_at, coalesce(payer.number, ''), coalesce(payer.name, ''),
       coalesce(payer.place, '')
"""


def list_held_readings(*, scope: Scope, after_id: int = 0, limit: int = 50) -> list[HeldReading]:
    """Readings that wait for a decision, oldest first, keyset-paged; of unknown points only for the whole utility."""
    statement = f"{COLUMNS} {HELD} AND x.id > %(after)s ORDER BY x.id LIMIT %(limit)s"
    return fetch_rows(HeldReading, statement, {"after": after_id, "limit": limit} | _within(scope))


def find_held_reading(*, exception_id: int, scope: Scope) -> HeldReading | None:
    """One of them, or None when it is not within the scope or was decided."""
    return fetch_row(
        HeldReading, f"{COLUMNS} {HELD} AND x.id = %(id)s", {"id": exception_id} | _within(scope)
    )


def count_held_readings(*, scope: Scope) -> int:
    """How many readings wait."""
    return fetch_rows(int, f"SELECT count(*) {HELD}", _within(scope))[0]


def _within(scope: Scope) -> dict[str, object]:
    return {"everything": scope.organisation_ids is None, "reached": sorted(scope.organisation_ids or ())}
