"""What was believed at an instant of a point's intervals: which days count, and what their meter should have
counted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from mains.billing.queries.explain.intervals.rows import IntervalFact, PriceFact
from mains.engine.intervals.known import DaySum, KnownIntervals, without_error
from mains.engine.intervals.values import IntervalRow
from mains.engine.tariff.model import Tariff
from mains.metering.values import ZONE_OF_QUANTITY

_QUANTITY_OF_ZONE = {int(zone): str(quantity) for quantity, zone in ZONE_OF_QUANTITY.items()}


class Hung(NamedTuple):
    """A meter at the point, and when that was believed."""

    meter_id: int
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None

    def holds(self, day: date, at: datetime) -> bool:
        """Whether it was believed at an instant to hang there on the day."""
        return (
            self.recorded_at <= at
            and (self.superseded_at is None or self.superseded_at > at)
            and self.valid_from <= day
            and (self.valid_to is None or day < self.valid_to)
        )


class Fault(NamedTuple):
    """A found error of a meter's count of a quantity, and when it was believed."""

    error_id: int
    meter_id: int
    quantity: str
    percent_hundredths: int
    valid_from: date
    valid_to: date | None
    proof: str
    recorded_at: datetime
    superseded_at: datetime | None

    def speaks_of(self, fact: IntervalFact, at: datetime) -> bool:
        """Whether it was believed at an instant of the day of intervals."""
        return (
            (self.meter_id, self.quantity) == (fact.meter_id, fact.row.register)
            and self.recorded_at <= at
            and (self.superseded_at is None or self.superseded_at > at)
            and self.valid_from <= fact.day
            and (self.valid_to is None or fact.day < self.valid_to)
        )

    def correct(self, row: IntervalRow) -> IntervalRow:
        """The day as the meter should have counted it."""
        told = _("error %(id)s since %(since)s, %(proof)s") % {
            "id": self.error_id,
            "since": self.valid_from,
            "proof": self.proof,
        }
        return without_error(row, percent_hundredths=self.percent_hundredths, fault=told)


@dataclass(frozen=True)
class PointIntervals:
    """All that was ever said of a point's intervals: the stored days, the meters that hung there, their errors."""

    facts: Sequence[IntervalFact] = ()
    hung: Sequence[Hung] = ()
    faults: Sequence[Fault] = ()

    def known(self, at: datetime) -> tuple[KnownIntervals, str]:
        """What was believed at an instant, and the clock of the days: the last revision of each day on which its meter
        hung there, as that should have counted."""
        last: dict[tuple[str, date], IntervalFact] = {}
        for fact in self.facts:
            if fact.recorded_at <= at and any(
                each.meter_id == fact.meter_id and each.holds(fact.day, at) for each in self.hung
            ):
                key = (fact.row.register, fact.day)
                if key not in last or last[key].revision < fact.revision:
                    last[key] = fact
        rows = [self._rightly(last[key], at) for key in sorted(last)]
        return KnownIntervals(rows), next((fact.clock for fact in last.values()), "UTC")

    def _rightly(self, fact: IntervalFact, at: datetime) -> IntervalRow:
        fault = next((each for each in self.faults if each.speaks_of(fact, at)), None)
        return fact.row if fault is None else fault.correct(fact.row)


def fault_of(
    *,
    error_id: int,
    meter_id: int,
    zone: int,
    percent_hundredths: int,
    valid: tuple[date, date | None],
    proof: str,
    recorded_at: datetime,
    superseded_at: datetime | None,
) -> Fault | None:
    """A found error of a register as one of intervals; None where no intervals are of what the register counts."""
    quantity = _QUANTITY_OF_ZONE.get(zone)
    if quantity is None:
        return None
    return Fault(error_id, meter_id, quantity, percent_hundredths, *valid, proof, recorded_at, superseded_at)


def known_prices(facts: Iterable[PriceFact], tariff: Tariff, at: datetime) -> dict[str, list[IntervalRow]]:
    """What was known at an instant of the series that a tariff names, in its units: the last revision of each day."""
    last: dict[tuple[str, date], PriceFact] = {}
    for fact in facts:
        key = (fact.series, fact.day)
        if fact.recorded_at <= at and (key not in last or last[key].revision < fact.revision):
            last[key] = fact
    found: dict[str, list[IntervalRow]] = {}
    for fact in last.values():
        if tariff.price_series.get(fact.series) == fact.unit:
            found.setdefault(fact.series, []).append(fact.row)
    return found


def days_told(
    known: KnownIntervals,
    clock: str,
    *,
    zone: int,
    first: date,
    end: date,
    installed: Sequence[tuple[date, date | None]],
) -> dict[date, DaySum]:
    """The days of a zone of daily use that intervals tell of; estimated ones while a register of it hangs there."""
    quantity = _QUANTITY_OF_ZONE.get(zone)
    if quantity is None or quantity not in known.registers:
        return {}
    return {
        each.day: each
        for each in known.days(quantity, first=first, end=end, clock=clock)
        if each.is_measured
        or any(start <= each.day and (stop is None or each.day < stop) for start, stop in installed)
    }


def hung_meters(rows: Iterable[Mapping[str, Any]]) -> list[Hung]:
    """The meters of register rows, each installation once."""
    found = {
        row["installation_id"]: Hung(
            row["meter_id"], row["valid_from"], row["valid_to"], row["recorded_at"], row["superseded_at"]
        )
        for row in rows
    }
    return list(found.values())


def found_faults(errors: Iterable[Mapping[str, Any]], registers: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """The errors of register rows that speak of intervals."""
    of_register = {row["register_id"]: row for row in registers}
    found = [
        fault_of(
            error_id=row["id"],
            meter_id=of_register[row["register_id"]]["meter_id"],
            zone=of_register[row["register_id"]]["zone"],
            percent_hundredths=row["percent_hundredths"],
            valid=(row["valid_from"], row["valid_to"]),
            proof=row["proof"],
            recorded_at=row["recorded_at"],
            superseded_at=row["superseded_at"],
        )
        for row in errors
    ]
    return [fault for fault in found if fault is not None]
