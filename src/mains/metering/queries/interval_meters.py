"""Where meters hang and what they count, for those who send interval data."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from mains.base.rows import fetch_rows


@dataclass(frozen=True)
class MeterPlace:
    """A meter at a service point over some dates (`valid_to` excluded, None is open); `zones` are its registers'."""

    serial: str
    model: str
    meter_id: int
    service_point_id: int
    point_code: str
    service: str
    valid_from: date
    valid_to: date | None
    zones: list[int]

    def holds(self, day: date) -> bool:
        """Whether it hangs there on the day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


def list_meter_places(names: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[MeterPlace]]:
    """Places believed of the meters named by serial and model (empty: any), the latest first: on the day of an exchange
    the later one speaks. A meter that hangs nowhere has none."""
    statement = """
        SELECT m.serial, m.model, m.id, p.id, p.code, p.service, lower(i.valid), upper(i.valid),
               (SELECT array_agg(r.zone::integer ORDER BY r.zone) FROM metering_register r WHERE r.meter_id = m.id)
        FROM metering_meter m
        JOIN metering_installation i ON i.meter_id = m.id AND i.superseded_at IS NULL
        JOIN network_servicepoint p ON p.id = i.service_point_id
        WHERE m.serial = ANY(%(serials)s) ORDER BY m.id, lower(i.valid) DESC
    """
    rows = fetch_rows(MeterPlace, statement, {"serials": [serial for serial, _model in names]})
    return {
        (serial, model): [row for row in rows if row.serial == serial and model in ("", row.model)]
        for serial, model in names
    }
