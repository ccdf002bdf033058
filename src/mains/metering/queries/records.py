"""Meters, readings and use as people read them.

Meters belong to service points; callers come with the points of an account that they were allowed to see.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from mains.base.rows import fetch_row, fetch_rows

NAME_OF_USER = "coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username, '')"


@dataclass(frozen=True)
class MeterRecord:
    """A register of a meter at a service point over [installed_from, installed_to), with seal and last reading."""

    installation_id: int
    service_point_id: int
    meter_id: int
    serial: str
    model: str
    service: str
    made_year: int | None
    verified_on: date | None
    verify_by: date | None
    seal_number: str
    installed_from: date
    installed_to: date | None
    proof: str
    register_id: int
    zone: int
    digits: int
    decimals: int
    multiplier_micro: int
    last_date: date | None
    last_value_micro: int | None


@dataclass(frozen=True)
class ReadingRecord:
    """What a register showed at the end of a day; `superseded_at` is set when the reading was replaced."""

    id: int
    register_id: int
    serial: str
    zone: int
    reading_date: date
    value_micro: int
    source: int
    evidence_json: str | None
    proof: str
    recorded_at: datetime
    recorded_by: str
    superseded_at: datetime | None

    @property
    def evidence(self) -> Any:
        """What was kept as evidence: usually a mapping of names to texts."""
        return json.loads(self.evidence_json) if self.evidence_json else None


@dataclass(frozen=True)
class UsageRecord:
    """Daily use of one point and zone in one month, latest revision: `days_micro[i]` is day i + 1."""

    month: date
    service_point_id: int
    zone: int
    revision: int
    recorded_at: datetime
    total_micro: int
    days_micro: list[int]
    quality: str
    forecast_before: int

    @property
    def estimated_days(self) -> int:
        """Days that are forecast, norm, or have estimated intervals."""
        return sum(letter in "EFCN" for letter in self.quality.upper())


METERS = """
SELECT i.id, i.service_point_id, m.id, m.serial, m.model, m.service, m.made_year, m.verified_on, m.verify_by,
       i.seal_number, lower(i.valid), upper(i.valid), i.proof,
       r.id, r.zone, r.digits, r.decimals, r.multiplier_micro, last.reading_date, last.value_micro
FROM metering_installation i
JOIN metering_meter m ON m.id = i.meter_id
JOIN metering_register r ON r.meter_id = m.id
LEFT JOIN LATERAL (
    SELECT q.reading_date, q.value_micro FROM metering_reading q
    WHERE q.register_id = r.id AND q.superseded_at IS NULL
    ORDER BY q.reading_date DESC, q.source, q.id DESC LIMIT 1
) last ON TRUE
WHERE {where} AND i.superseded_at IS NULL
ORDER BY lower(i.valid) DESC, i.id, r.zone
"""


def list_meters(*, service_point_ids: Sequence[int]) -> list[MeterRecord]:
    """Registers of all meters that are or were at the points, the latest installation first."""
    return fetch_rows(
        MeterRecord,
        METERS.format(where="i.service_point_id = ANY(%(ids)s)"),
        {"ids": list(service_point_ids)},
    )


def list_places_of_meter(*, meter_id: int) -> list[MeterRecord]:
    """Where a meter is and was, the latest first; the scope is checked by the account that pays there."""
    return fetch_rows(MeterRecord, METERS.format(where="i.meter_id = %(id)s"), {"id": meter_id})


READINGS = f"""
SELECT q.id, q.register_id, m.serial, r.zone, q.reading_date, q.value_micro, q.source, q.evidence::text, q.proof,
       q.recorded_at, {NAME_OF_USER}, q.superseded_at
FROM metering_reading q
JOIN metering_register r ON r.id = q.register_id
JOIN metering_meter m ON m.id = r.meter_id
LEFT JOIN staff_user u ON u.id = q.recorded_by_id
"""


def list_readings(*, register_ids: Sequence[int], limit: int = 100) -> list[ReadingRecord]:
    """Readings of the registers, also the superseded ones, the latest date first."""
    statement = (
        f"{READINGS} WHERE q.register_id = ANY(%(ids)s)"
        " ORDER BY q.reading_date DESC, r.zone, q.source, q.recorded_at DESC LIMIT %(limit)s"
    )
    return fetch_rows(ReadingRecord, statement, {"ids": list(register_ids), "limit": limit})


def find_reading(*, reading_id: int) -> ReadingRecord | None:
    """One reading by its id."""
    return fetch_row(ReadingRecord, f"{READINGS} WHERE q.id = %(id)s", {"id": reading_id})


def points_of_register(*, register_id: int) -> list[int]:
    """Service points where the register's meter is or was."""
    statement = """
        SELECT DISTINCT i.service_point_id
        FROM metering_installation i JOIN metering_register r ON r.meter_id = i.meter_id
        WHERE r.id = %(id)s AND i.superseded_at IS NULL
    """
    return fetch_rows(int, statement, {"id": register_id})


def list_usage(*, service_point_ids: Sequence[int], month_from: date) -> list[UsageRecord]:
    """Use from a month on, newest revision of each month; `forecast_before` counts days that the first one forecast."""
    statement = """
        SELECT DISTINCT ON (n.month, n.service_point_id, n.zone)
               n.month, n.service_point_id, n.zone, n.revision, n.recorded_at, n.total_micro, n.days_micro, n.quality,
               coalesce(length(first.quality) - length(translate(first.quality, 'FCfc', '')), 0)
        FROM metering_usagemonth n
        LEFT JOIN metering_usagemonth first
            ON first.month = n.month AND first.service_point_id = n.service_point_id AND first.zone = n.zone
            AND first.revision = 1 AND n.revision > 1 AND first.month >= %(from)s
        WHERE n.service_point_id = ANY(%(ids)s) AND n.month >= %(from)s
        ORDER BY n.month, n.service_point_id, n.zone, n.revision DESC
    """
    return fetch_rows(UsageRecord, statement, {"ids": list(service_point_ids), "from": month_from})


def class_averages(*, month: date, class_code: str) -> dict[int, Fraction]:
    """Average use per day, in micro-units, of a class in the months before `month`, by zone; as it was kept."""
    statement = """
        SELECT zone, use_micro, days FROM metering_classaverage
        WHERE month = %(month)s AND class_code = %(code)s
    """
    return dict(fetch_rows(_average, statement, {"month": month, "code": class_code}))


def _average(zone: int, use_micro: int, days: int) -> tuple[int, Fraction]:
    return zone, Fraction(use_micro, days)
