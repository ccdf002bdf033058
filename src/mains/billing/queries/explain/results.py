"""What explanations of bills are given as."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from mains.billing.models import BillLine
from mains.billing.queries.explain.cause_kinds import Cause
from mains.billing.queries.explain.items import RatedItem
from mains.engine.exact import show
from mains.engine.exact.explanation import Step
from mains.engine.exact.protocol import Line


@dataclass(frozen=True)
class LineExplanation:
    """One line of a bill as posted, with the tree that makes it.

    `posted` is the stored row; `computed` the protocol's line behind it, None where the line is a correction; `causes`
    are the facts that a correction comes from.
    """

    line: int
    title: str
    service_month: date
    amount_minor: int
    tree: Step
    posted: BillLine
    computed: Line | None = None
    causes: tuple[Cause, ...] = ()

    def to_data(self) -> dict[str, object]:
        """JSON-ready; schema in docs/schemas/bill-explanation.schema.json."""
        data: dict[str, object] = {
            "line": self.line,
            "title": self.title,
            "service_month": self.service_month.isoformat(),
            "amount_minor": self.amount_minor,
        }
        if self.causes:
            data["causes"] = [cause.to_data() for cause in self.causes]
        return data | {"explanation": self.tree.to_data()}


@dataclass(frozen=True)
class BalanceExplanation:
    """What the bill leaves to the next of one balance of an agreement's tariff, with the tree that makes it."""

    name: str
    title: str
    agreement_id: int
    service_point_id: int
    value: Fraction
    unit: str
    tree: Step

    def to_data(self) -> dict[str, object]:
        """JSON-ready; schema in docs/schemas/bill-explanation.schema.json."""
        return {
            "balance": self.name,
            "title": self.title,
            "agreement_id": self.agreement_id,
            "service_point_id": self.service_point_id,
            "value": show(self.value),
            "unit": self.unit,
            "explanation": self.tree.to_data(),
        }


@dataclass(frozen=True)
class BillExplanation:
    """All lines of a bill, and what it leaves to the next. `rated` are the items behind them by month of use and
    agreement."""

    number: str
    amount_minor: int
    currency: str
    lines: tuple[LineExplanation, ...]
    balances: tuple[BalanceExplanation, ...] = ()
    rated: Mapping[date, Mapping[int, RatedItem]] = field(default_factory=dict, compare=False, repr=False)

    def to_data(self) -> dict[str, object]:
        """JSON-ready; schema in docs/bill-explained.md."""
        data: dict[str, object] = {
            "bill": self.number,
            "currency": self.currency,
            "amount_minor": self.amount_minor,
            "lines": [each.to_data() for each in self.lines],
        }
        if self.balances:
            data["balances"] = [each.to_data() for each in self.balances]
        return data
