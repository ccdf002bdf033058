"""What one account brings to its tariff: a period, measured use, dated attributes. Frozen, exact, with
sources.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

MICRO = 10**6
AttributeValue = Fraction | str | bool


@dataclass(frozen=True)
class Stretch:
    """`micro` millionths of a unit used in [from_date, to_date), spread evenly over the days.

    A part of the stretch is given to a day by cumulative whole division, so that the days sum to `micro`
    exactly.
    `source` names where the number comes from: reading ids, a norm, the case file.
    """

    from_date: date
    to_date: date
    micro: int
    source: str = ""

    def between(self, first: date, end: date) -> int:
        """Millionths used in the part of the stretch that lies in [first, end)."""
        first, end = max(first, self.from_date), min(end, self.to_date)
        if end <= first:
            return 0
        if first == self.from_date and end == self.to_date:
            return self.micro
        days = (self.to_date - self.from_date).days
        before, after = (first - self.from_date).days, (end - self.from_date).days
        return self.micro * after // days - self.micro * before // days


@dataclass(frozen=True)
class DatedValue:
    """The value of an attribute in [valid_from, valid_to); None leaves that end open."""

    value: AttributeValue
    valid_from: date | None = None
    valid_to: date | None = None
    source: str = ""

    def holds_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day < self.valid_to
        )


@dataclass(frozen=True)
class Facts:
    """Facts of one item.

    `use` maps `usage` (the total), `usage.<zone>` or the name of a quantity to stretches which cover the
    period.
    Without `usage`, the total is the sum of the zones.
    """

    period_from: date
    period_to: date
    use: Mapping[str, tuple[Stretch, ...]] = field(default_factory=dict)
    attributes: Mapping[str, tuple[DatedValue, ...]] = field(default_factory=dict)

    def use_micro(self, name: str) -> int:
        """The use or quantity of the period's days, in millionths; stretches may reach beyond them."""
        stretches = self.use.get(name, ())
        return sum(stretch.between(self.period_from, self.period_to) for stretch in stretches)
