"""Stored days of intervals and of prices by the hour, row by row: all that was ever said of them.

The exact side's own way to them: it shares no query with the frames that bill runs read.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import connection

from mains.engine.intervals.values import ESTIMATE_WEEKS, IntervalRow
from mains.engine.tariff.model import Tariff
from mains.kernel.period import month_start, next_month

_DAY = timedelta(days=1)


class IntervalFact(NamedTuple):
    """A stored day of a point's intervals: which meter told it, and since when it is known."""

    service_point_id: int
    meter_id: int
    day: date
    revision: int
    clock: str
    recorded_at: datetime
    row: IntervalRow


class PriceFact(NamedTuple):
    """A stored day of prices by the hour, and since when it is known; its row is called by the series."""

    series: str
    unit: str
    day: date
    revision: int
    recorded_at: datetime
    row: IntervalRow


def first_day_read(tariff: Tariff | None, month: date) -> date:
    """The first day whose intervals say anything of a month: ratchets look back, and estimates before that."""
    for _number in range(0 if tariff is None else tariff.ratchet_months):
        month = month_start(month - _DAY)
    return month - timedelta(weeks=ESTIMATE_WEEKS, days=1)


def load_intervals(
    *,
    service_point_ids: Sequence[int],
    days: tuple[date, date] | None = None,
    as_of: datetime | None = None,
) -> dict[int, list[IntervalFact]]:
    """All revisions of the points' days by point, those of the half-open `days` if these are given; with `as_of` those
    recorded by then."""
    months = []
    if days is not None:
        month = month_start(days[0])
        while month < days[1]:
            months.append(month)
            month = next_month(month)
    found: dict[int, list[IntervalFact]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            _INTERVALS + ("" if days is None else _OF_DAYS) + ("" if as_of is None else _KNOWN) + _IN_ORDER,
            {
                "points": list(service_point_ids),
                "months": months,
                "from": days[0] if days else None,
                "to": days[1] if days else None,
                "as_of": as_of,
            },
        )
        for (
            point,
            meter,
            serial,
            proof,
            day,
            revision,
            clock,
            recorded_at,
            number,
            *series,
        ) in cursor.fetchall():
            quantity, start_at, step, values = series
            source = f"{serial}, {proof}"
            row = IntervalRow(number, quantity, start_at, step, tuple(values), source)
            found.setdefault(point, []).append(
                IntervalFact(point, meter, day, revision, clock, recorded_at, row)
            )
    return found


def load_prices(
    *,
    series: Iterable[str],
    days: tuple[date, date] | None = None,
    as_of: datetime | None = None,
) -> list[PriceFact]:
    """All revisions of the days of prices, those of the half-open `days` if these are given; with `as_of` those
    recorded by then."""
    names = sorted(set(series))
    if not names:
        return []
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            _PRICES
            + ("" if days is None else " AND v.day >= %(from)s AND v.day < %(to)s")
            + ("" if as_of is None else _KNOWN)
            + " ORDER BY v.series, v.day, v.revision",
            {
                "series": names,
                "from": days[0] if days else None,
                "to": days[1] if days else None,
                "as_of": as_of,
            },
        )
        for (
            name,
            unit,
            day,
            revision,
            recorded_at,
            number,
            proof,
            start_at,
            step,
            values,
        ) in cursor.fetchall():
            row = IntervalRow(number, name, start_at, step, tuple(values), f"{name}, {proof}")
            found.append(PriceFact(name, unit, day, revision, recorded_at, row))
    return found


_INTERVALS = """
SELECT v.service_point_id, v.meter_id, m.serial, v.proof, v.day, v.revision, v.clock, v.recorded_at,
       v.id, v.quantity, v.start_at, v.step_minutes, v.values_micro
FROM metering_intervalday v JOIN metering_meter m ON m.id = v.meter_id
WHERE v.service_point_id = ANY(%(points)s)
"""
_PRICES = """
SELECT v.series, v.unit, v.day, v.revision, v.recorded_at, v.id, v.proof, v.start_at, v.step_minutes, v.values_micro
FROM tariffs_hourlyprices v
WHERE v.series = ANY(%(series)s)
"""
_OF_DAYS = " AND v.month = ANY(%(months)s::date[]) AND v.day >= %(from)s AND v.day < %(to)s"
_KNOWN = " AND v.recorded_at <= %(as_of)s"
_IN_ORDER = " ORDER BY v.day, v.quantity, v.revision"
