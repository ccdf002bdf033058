"""Where a formula is evaluated: a segment, or the whole period with the prices of one segment or of all
averaged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from mains.engine.exact.cut import Segment, days_in_month, months_between, use_of, whole_months_between
from mains.engine.exact.errors import UnableToRate
from mains.engine.exact.explanation import Step, unit_text
from mains.engine.language import tree
from mains.engine.language.names import DATE
from mains.engine.tariff.model import ZONE_KEY, Cell, Component, Rounding, Table, Tier
from mains.kernel.rounding import round_to_step


@dataclass(frozen=True)
class ComponentAmount:
    """What another component is worth in a scope: as posted, before rounding, and how that came about."""

    posted: Fraction
    unrounded: Fraction
    step: Step


@dataclass(frozen=True)
class Scope:
    """Where a component's formulas are evaluated.

    `measured` are the segments whose use and days count; `priced` those whose prices and attributes hold,
    averaged by days when there are several. `amounts` are the components computed before.
    """

    measured: tuple[Segment, ...]
    priced: tuple[Segment, ...]
    period_from: date
    period_to: date
    amounts: Mapping[str, ComponentAmount]
    component: Component

    @property
    def from_date(self) -> date:
        return self.measured[0].from_date

    @property
    def to_date(self) -> date:
        return self.measured[-1].to_date

    @property
    def days(self) -> int:
        return (self.to_date - self.from_date).days

    @property
    def share(self) -> Fraction:
        return Fraction(self.days, (self.period_to - self.period_from).days)

    def clause(self) -> str:
        return self.priced[-1].version.clause(f"components[{self.component.written}]")

    def refuse(self, code: str, message: str, remedy: str = "") -> UnableToRate:
        return UnableToRate(code=code, message=message, place=self.clause(), remedy=remedy)

    def use(self, node: tree.Use | tree.Measured) -> Step:
        key = node.name if isinstance(node, tree.Measured) else f"usage.{node.zone}" if node.zone else "usage"
        total = Fraction(0)
        for segment in self.measured:
            value = use_of(segment.use_micro, key)
            if value is None:
                raise self.refuse(
                    "use-missing",
                    f"{self.component.name} needs {key}, and the facts do not give it.",
                    f"Give {key}; known is {', '.join(segment.use_micro) or 'no use at all'}.",
                )
            total += value
        sources = [
            source
            for segment in self.measured
            for name, source in segment.use_source.items()
            if name == key or (key == "usage" and "usage" not in segment.use_source)
        ]
        return Step(
            node.text, total, unit_text(node.unit), source=", ".join(dict.fromkeys(filter(None, sources)))
        )

    def time(self, node: tree.Time) -> Step:
        days, first = Fraction(self.days), self.from_date
        if node.unit == DATE:
            day = self.period_from if node.name == "period_from" else self.period_to
            return Step(
                node.text, day.isoformat(), source=f"{self.period_from} – {self.period_to} (excluded)"
            )
        value = {
            "days": lambda: days,
            "period_days": lambda: Fraction((self.period_to - self.period_from).days),
            "days_in_month": lambda: Fraction(days_in_month(first)),
            "share": lambda: self.share,
            "months": lambda: months_between(first, self.to_date),
            "whole_months": lambda: Fraction(whole_months_between(first, self.to_date)),
            "months_of": lambda: days / node.basis,
            "years_of": lambda: days / node.basis,
        }[node.name]()
        return Step(node.text, value, unit_text(node.unit), source=f"{first} – {self.to_date} (excluded)")

    def attribute(self, node: tree.Attribute) -> Step:
        values = []
        for segment in self.priced:
            found = segment.attributes.get(node.name)
            if found is None:
                raise self.refuse(
                    "attribute-missing",
                    f"{self.component.name} needs the attribute {node.name}, which has no value on "
                    f"{segment.from_date}.",
                    f"Give {node.name} for that day.",
                )
            values.append(found)
        last = values[-1]
        value = last.value
        if len(self.priced) > 1 and node.kind == "number":
            value = self._weighted([item.value for item in values if isinstance(item.value, Fraction)])
        return Step(node.text, value, unit_text(node.unit), source=last.source)

    def parameter(self, node: tree.Parameter) -> Step:
        cells = [self._cell(segment, node.name, node.key) for segment in self.priced]
        figures = [cell for _, cell in cells if isinstance(cell, Fraction)]
        value = figures[0] if len(cells) == 1 else self._averaged(figures)
        return Step(
            node.text,
            value,
            unit_text(node.unit),
            source=", ".join(dict.fromkeys(clause for clause, _ in cells)),
        )

    def tiers(self, node: tree.Tiered) -> tuple[str, tuple[Tier, ...]]:
        """Clause and tiers of a table, the limits unscaled."""
        cells = [self._cell(segment, node.table, node.key) for segment in self.priced]
        shapes = [cell if isinstance(cell, tuple) else (Tier(None, cell),) for _, cell in cells]
        clause = ", ".join(dict.fromkeys(clause for clause, _ in cells))
        if len(shapes) == 1:
            return clause, shapes[0]
        if len({len(shape) for shape in shapes}) > 1:
            raise self.refuse(
                "tiers-differ",
                f"The tiers of {node.table} differ in number and cannot be averaged.",
                "Use split or weight.",
            )
        tiers = []
        for row in zip(*shapes, strict=True):
            limits = [tier.upto for tier in row if tier.upto is not None]
            tiers.append(
                Tier(
                    self._weighted(limits) if limits else None, self._averaged([tier.figure for tier in row])
                )
            )
        return clause, tuple(tiers)

    def amount(self, node: tree.ComponentValue) -> Step:
        found = self.amounts[node.name]
        value = found.unrounded if node.unrounded else found.posted
        # The component's own tree stands with its line; here a pointer to it is enough.
        source = f"component {node.name}" + (", before rounding" if node.unrounded else "")
        return Step(found.step.label, value, unit_text(node.unit), source=source)

    def _weighted(self, values: list[Fraction]) -> Fraction:
        days = sum(segment.days for segment in self.priced)
        return (
            sum(
                (value * segment.days for value, segment in zip(values, self.priced, strict=True)),
                Fraction(0),
            )
            / days
        )

    def _averaged(self, figures: list[Fraction]) -> Fraction:
        return apply_rounding(self._weighted(figures), self.component.average_rounding)

    def _cell(self, segment: Segment, name: str, zone: str | None) -> tuple[str, Cell]:
        table = segment.version.tables[name]
        key = tuple(self._key(segment, part, zone, table) for part in table.keys)
        found = table.find_cell(key)
        clause = segment.version.clause(".".join(("prices", name, *key)))
        if found is None:
            raise UnableToRate(
                code="value-missing",
                message=f"The table {name} has no value for {', '.join(key)}.",
                place=clause,
                remedy="Add it, or write * for any other.",
            )
        return clause, found[1]

    def _key(self, segment: Segment, part: str, zone: str | None, table: Table) -> str:
        if part == ZONE_KEY:
            return zone or ""
        if part == "season":
            return segment.season
        found = segment.attributes.get(part)
        if found is None:
            raise self.refuse(
                "attribute-missing",
                f"The table {table.name} is kept by {part}, which has no value on {segment.from_date}.",
                f"Give {part} for that day.",
            )
        return str(found.value).lower() if isinstance(found.value, bool) else str(found.value)


def apply_rounding(value: Fraction, rounding: Rounding | None) -> Fraction:
    return value if rounding is None else round_to_step(value, step=rounding.step, mode=rounding.mode)
