"""How the use of a month is known: from reading to reading, or forecast."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from mains.billing.queries.explain.items import RatedItem
from mains.billing.queries.explain.usage import runs_of_days
from mains.engine.facts import MICRO
from mains.engine.usage.exact import Reading
from mains.metering.values import Zone

_ZONES = (Zone.TOTAL, Zone.DAY, Zone.PEAK, Zone.HALF_PEAK, Zone.NIGHT, Zone.EXPORT)
Shown = tuple[date, int]
"""Date of a reading, and what the register showed, in micro-units."""


@dataclass(frozen=True, kw_only=True)
class UseRow:
    """Days of one register whose use comes from the same readings, `first` to `last`.

    `difference` is what the register counted from opening to closing, over `covered_days`; in a forecast it is
    the use of its history, by an act what the act says. `error_percent` is the meter's found error.
    """

    agreement_id: int
    zone: int
    quality: str
    serial: str
    first: date
    last: date
    opening: Shown | None
    closing: Shown | None
    difference: Fraction
    covered_days: int
    multiplier: Fraction
    use_micro: int
    error_percent: Fraction | None = None

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def is_fed_in(self) -> bool:
        """Whether the register counts what goes into the network, which is no use."""
        return self.zone == Zone.EXPORT


def list_use(*, items: Iterable[RatedItem]) -> tuple[UseRow, ...]:
    """The use of the items' days, zone by zone."""
    return tuple(row for item in items for row in _rows(item))


def _rows(rated: RatedItem) -> Iterable[UseRow]:
    item = rated.item
    for series in sorted(rated.use.series, key=lambda each: _ZONES.index(each.zone)):
        days = [day for day in series.days if item.period_from <= day.day < item.period_to]
        for run in runs_of_days(days):
            part = run[0][1]
            register = rated.use.registers.get(part.register_id or 0)
            multiplier = Fraction(register["multiplier_micro"], MICRO) if register else Fraction(1)
            yield UseRow(
                agreement_id=item.agreement_id,
                zone=int(series.zone),
                quality=part.quality,
                serial=register["serial"] if register else "",
                first=run[0][0],
                last=run[-1][0],
                opening=_shown(part.opening),
                closing=_shown(part.closing),
                difference=Fraction(part.total_micro, MICRO) / multiplier,
                covered_days=part.weight_total,
                multiplier=multiplier,
                use_micro=sum(each.use_micro for _day, each in run),
                error_percent=Fraction(part.error.percent_hundredths, 100) if part.error else None,
            )


def _shown(reading: Reading | None) -> Shown | None:
    return None if reading is None else (reading.reading_date, reading.value_micro)
