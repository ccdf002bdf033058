"""Everything a formula may name: words of the language, functions, and what a tariff declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mains.engine.language import syntax
from mains.engine.language.units import DAY, MONTH, NUMBER, Unit, UnitSystem

FLAG = Unit((("yes/no", 1),))
TEXT = Unit((("text", 1),))
DATE = Unit((("date", 1),))
"""These three are no quantities: they are compared, never computed with."""
NOT_NUMBERS = (FLAG, TEXT, DATE)
TIME_UNITS = {
    "days": DAY,
    "period_days": DAY,
    "days_in_month": DAY,
    "months": MONTH,
    "whole_months": MONTH,
    "share": NUMBER,
    "period_from": DATE,
    "period_to": DATE,
}
FUNCTIONS = frozenset(
    {
        "tiers",
        "block",
        "step",
        "min",
        "max",
        "abs",
        "if",
        "round",
        "floor",
        "ceil",
        "trunc",
        "months",
        "years",
        "unrounded",
        "apparent",
    }
)
RESERVED = (
    frozenset({"usage", "prices", "subtotal", "charges", "rounding", "total"})
    | set(TIME_UNITS)
    | FUNCTIONS
    | syntax.WORDS
)


@dataclass(frozen=True)
class TableShape:
    """What a formula may know of a table: unit of its figures, whether kept by zone or in tiers, unit of its
    limits.
    """

    unit: Unit
    zones: frozenset[str] | None
    tiered: bool
    limit_unit: Unit


@dataclass(frozen=True)
class Names:
    """Everything a formula may name."""

    units: UnitSystem
    attributes: Mapping[str, tuple[str, Unit]]
    quantities: Mapping[str, Unit]
    tables: Mapping[str, TableShape]
    components: dict[str, Unit] = field(default_factory=dict)
    extents: dict[str, str] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: str = ""

    def is_table(self, name: str) -> bool:
        """A name of both a price and a component means the price in that component's own formula, else the
        component.
        """
        return name in self.tables and (name == self.own or name not in self.components)
