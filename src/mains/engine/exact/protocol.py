"""The result of rating one account: lines, total, and the tree that explains every figure."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from mains.engine.exact.explanation import Step, show
from mains.engine.tariff.model import POSTED_KINDS


@dataclass(frozen=True)
class Line:
    """One line of the bill. `segment` is −1 for the whole period; `amount_minor` is None for a quantity.

    `value` is the component's figure as other formulas see it, `unrounded` the same before rounding.
    """

    component: str
    kind: str
    segment: int
    from_date: date
    to_date: date
    quantity_micro: int | None
    amount_minor: int | None
    value: Fraction
    unrounded: Fraction
    unit: str
    explanation: Step

    @property
    def is_posted(self) -> bool:
        return self.kind in POSTED_KINDS

    def to_data(self) -> dict[str, object]:
        return {
            "component": self.component,
            "kind": self.kind,
            "segment": self.segment,
            "from_date": self.from_date.isoformat(),
            "to_date": self.to_date.isoformat(),
            "quantity_micro": self.quantity_micro,
            "amount_minor": self.amount_minor,
            "value": show(self.value),
            "unrounded": show(self.unrounded),
            "unit": self.unit,
            "explanation": self.explanation.to_data(),
        }


@dataclass(frozen=True)
class Protocol:
    """All lines of one item under one tariff, or under another `document`: a rule.

    `values` holds each component's figure for the whole period.
    """

    tariff: str
    currency: str
    posting_scale: int
    period_from: date
    period_to: date
    lines: tuple[Line, ...]
    total_minor: int
    values: dict[str, Fraction]
    document: str = "tariff"

    @property
    def explanation(self) -> Step:
        """One tree over all lines."""
        return Step(
            label="total",
            value=Fraction(self.total_minor, self.posting_scale),
            unit=self.currency,
            formula=" + ".join(dict.fromkeys(line.component for line in self.lines if line.is_posted)),
            source=f"{self.document} {self.tariff}, {self.period_from} – {self.period_to} (excluded)",
            children=tuple(line.explanation for line in self.lines),
        )

    def to_data(self) -> dict[str, object]:
        """JSON-ready."""
        return {
            "tariff": self.tariff,
            "currency": self.currency,
            "minor_per_unit": self.posting_scale,
            "period_from": self.period_from.isoformat(),
            "period_to": self.period_to.isoformat(),
            "total_minor": self.total_minor,
            "lines": [line.to_data() for line in self.lines],
        }
