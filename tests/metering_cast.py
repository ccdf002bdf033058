"""The named cast of the meter tests: Gorky Street 7, two flats with one meter each, and the people who read them.

Flat 1 has the electricity meter E-1 (five digits, no decimals) since 1 January 2021, installed at 100. Flat 2 has the
water meter W-1 (five digits, three decimals). Rita reads meters, Sam supervises.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from psycopg.types.range import DateRange

from mains.metering.actions.readings import ReadingOutcome, record_reading
from mains.metering.models import Installation, Meter, Reading, Register
from mains.metering.values import ReadingSource
from mains.network.models import Building, Node, Premise, ServicePoint
from mains.staff.models import User

NOW = datetime(2021, 6, 7, 9, 0, tzinfo=UTC)
INSTALLED = date(2021, 1, 1)


@dataclass
class MeterCast:
    rita: User
    sam: User
    flat: ServicePoint
    other_flat: ServicePoint
    register: Register
    water: Register

    def tell(
        self,
        text: str,
        on: date,
        *,
        source: ReadingSource = ReadingSource.OPERATOR,
        register: Register | None = None,
        now: datetime = NOW,
        **more: Any,
    ) -> ReadingOutcome:
        """Rita records a reading of E-1, or of the register named."""
        return record_reading(
            register_id=(register or self.register).pk,
            reading_date=on,
            text_value=text,
            source=source,
            actor=self.rita,
            now=now,
            **more,
        )

    def believed(self, register: Register | None = None) -> list[tuple[date, int]]:
        """Day and value in whole units of the believed readings, in order."""
        rows = Reading.objects.filter(register=register or self.register, superseded_at=None)
        return [
            (row.reading_date, row.value_micro // 10**6) for row in rows.order_by("reading_date", "source")
        ]


def build_meter_cast() -> MeterCast:
    node = Node.objects.create(service="electricity", kind="feeder", code="F-1", name="Feeder 1")
    building = Building.objects.create(city="Lumen", street="Gorky", house="7", latitude=44.9, longitude=34.1)
    points = []
    for position, service in ((1, "electricity"), (2, "cold_water")):
        premise = Premise.objects.create(building=building, kind="flat", flat=str(position))
        points.append(
            ServicePoint.objects.create(
                code=f"SP-{position}",
                premise=premise,
                service=service,
                node=node,
                bucket=position,
                connected_on=date(2020, 1, 1),
            )
        )
    return MeterCast(
        rita=User.objects.create(username="rita"),
        sam=User.objects.create(username="sam"),
        flat=points[0],
        other_flat=points[1],
        register=_hang(points[0], "E-1", decimals=0),
        water=_hang(points[1], "W-1", decimals=3),
    )


def _hang(point: ServicePoint, serial: str, *, decimals: int) -> Register:
    meter = Meter.objects.create(serial=serial, model="Model X", service=point.service)
    register = Register.objects.create(meter=meter, zone=0, digits=5, decimals=decimals)
    Installation.objects.create(
        meter=meter, service_point=point, valid=DateRange(INSTALLED, None), recorded_at=NOW
    )
    Reading.objects.create(
        register=register,
        bucket=point.bucket,
        reading_date=date(2020, 12, 31),
        value_micro=100_000_000,
        source=ReadingSource.FIELD,
        recorded_at=NOW,
    )
    return register
