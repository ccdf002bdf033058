"""Interval data as people read them: the days of service points, and a month of them as a file.

Callers come with the points of an account that they were allowed to see.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from mains.base.rows import fetch_rows
from mains.base.units import UNIT_OF_SERVICE
from mains.metering.values import IntervalQuality, IntervalQuantity


@dataclass(frozen=True)
class IntervalRecord:
    """One interval: when it begins and ends by the clock, 10^-6 of the unit (None where it is missing), its letter, and
    how it is called."""

    begin_at: datetime
    end_at: datetime
    micro: int | None
    letter: str
    name: str

    @property
    def hours(self) -> tuple[str, str]:
        """From when to when by the clock, which says itself which of two equal hours it means."""
        return f"{self.begin_at:%H:%M %Z}", f"{self.end_at:%H:%M %Z}"


@dataclass(frozen=True)
class IntervalDayRecord:
    """The last revision of a day of a point and quantity."""

    row_id: int
    service_point_id: int
    service: str
    serial: str
    quantity: str
    day: date
    revision: int
    clock: str
    start_at: datetime
    step_minutes: int
    values_micro: list[int | None]
    quality: str
    recorded_at: datetime
    proof: str

    @property
    def unit(self) -> str:
        """In which the values are kept."""
        return "kvarh" if self.quantity == IntervalQuantity.REACTIVE else UNIT_OF_SERVICE[self.service]

    @property
    def total_micro(self) -> int:
        """The sum of what is known."""
        return sum(value or 0 for value in self.values_micro)

    @property
    def missing(self) -> int:
        """How many intervals are missing."""
        return self.quality.count(IntervalQuality.MISSING)

    def intervals(self) -> Iterator[IntervalRecord]:
        """In order of time, by the clock of the days."""
        zone, step = ZoneInfo(self.clock), timedelta(minutes=self.step_minutes)
        for place, (micro, letter) in enumerate(zip(self.values_micro, self.quality, strict=True)):
            begin_at = self.start_at + step * place
            yield IntervalRecord(
                begin_at.astimezone(zone),
                (begin_at + step).astimezone(zone),
                micro,
                letter,
                f"{self.row_id}.{place + 1}",
            )


def list_interval_days(*, service_point_ids: Sequence[int], month: date) -> list[IntervalDayRecord]:
    """The month's days of the points by day, quantity and point, of meters that are believed to hang there."""
    statement = """
        SELECT DISTINCT ON (v.day, v.quantity, v.service_point_id) v.id, v.service_point_id, p.service, m.serial,
               v.quantity, v.day, v.revision, v.clock, v.start_at, v.step_minutes, v.values_micro, v.quality,
               v.recorded_at, v.proof
        FROM metering_intervalday v
        JOIN metering_meter m ON m.id = v.meter_id
        JOIN network_servicepoint p ON p.id = v.service_point_id
        WHERE v.service_point_id = ANY(%(ids)s) AND v.month = %(month)s
          AND EXISTS (SELECT FROM metering_installation i WHERE i.meter_id = v.meter_id
                      AND i.service_point_id = v.service_point_id AND i.valid @> v.day AND i.superseded_at IS NULL)
        ORDER BY v.day, v.quantity DESC, v.service_point_id, v.revision DESC
    """
    return fetch_rows(IntervalDayRecord, statement, {"ids": list(service_point_ids), "month": month})


def intervals_csv(days: Sequence[IntervalDayRecord]) -> bytes:
    """One line an interval, as `import_intervals` takes them, with what it does not need after that: UTF-8 with byte
    order mark, comma, decimal point. A missing interval is left out, as in any file."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["meter", "quantity", "start", "length", "value", "unit", "quality"])
    words = {IntervalQuality.MEASURED: "measured", IntervalQuality.ESTIMATED: "estimated"}
    for day in days:
        for each in day.intervals():
            if each.micro is not None:
                value = Decimal(each.micro).scaleb(-6)
                writer.writerow(
                    [
                        day.serial,
                        day.quantity,
                        each.begin_at.isoformat(timespec="minutes"),
                        f"{day.step_minutes} min",
                        f"{value:f}",
                        day.unit,
                        words[IntervalQuality(each.letter)],
                    ]
                )
    return out.getvalue().encode()
