"""What the tariffs of a service point let be told of it by conditions of supply: attributes, and past demands."""

from collections.abc import Mapping
from datetime import date, datetime

from mains.base.rows import fetch_rows
from mains.engine.tariff.model import AttributeType
from mains.engine.tariff.schedule import Ratchet
from mains.network.values import FILLED_ATTRIBUTES
from mains.tariffs.queries.records import tariff_of_edition


def list_declared_attributes(
    *, service_point_id: int, valid_from: date, valid_to: date | None, at: datetime
) -> Mapping[str, AttributeType]:
    """The attributes that tariffs by which somebody pays for the point over [valid_from, valid_to) read and that no
    other record fills, by name; agreements and editions as believed at `at`."""
    found: dict[str, AttributeType] = {}
    asked = {"point": service_point_id, "from": valid_from, "to": valid_to, "at": at}
    for edition_id in fetch_rows(int, _EDITIONS, asked):
        tariff = tariff_of_edition(edition_id=edition_id)
        for name in sorted({*tariff.read_figures, *tariff.read_words} - FILLED_ATTRIBUTES):
            found.setdefault(name, tariff.attributes[name])
    return found


def list_demands_looked_back_at(*, service_point_id: int, at: datetime) -> Mapping[str, str]:
    """The demands of months before at which ratchets of the point's tariffs look back, with their units, by name.

    Of all its agreements as believed at `at`, whatever their dates: what is told is from before them.
    """
    found: dict[str, str] = {}
    asked = {"point": service_point_id, "from": date.min, "to": None, "at": at}
    for edition_id in fetch_rows(int, _EDITIONS, asked):
        tariff = tariff_of_edition(edition_id=edition_id)
        for demand in tariff.demands.values():
            if isinstance(demand, Ratchet):
                found.setdefault(demand.of, str(demand.unit))
    return found


_EDITIONS = """
SELECT DISTINCT e.id
FROM customers_agreement a
JOIN tariffs_tariffedition e ON e.tariff_id = a.tariff_id
WHERE a.service_point_id = %(point)s AND a.valid && daterange(%(from)s::date, %(to)s::date)
  AND a.recorded_at <= %(at)s AND (a.superseded_at IS NULL OR a.superseded_at > %(at)s)
  AND e.recorded_at <= %(at)s AND (e.superseded_at IS NULL OR e.superseded_at > %(at)s)
ORDER BY e.id
"""
