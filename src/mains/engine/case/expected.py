"""What a case expects of a bill."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from mains.engine.language.guesses import guess
from mains.engine.language.units import UnitSystem
from mains.engine.tariff import Tariff
from mains.engine.tariff.clauses import Clause

_EXPECT_KEYS = ("total", "components", "quantities", "lines", "balances")
# Lines which a purchase adds to the bill, and every rounded total.
_ADDED = ("purchased", "remainder", "rounding")


@dataclass(frozen=True)
class ExpectedLine:
    """A line that must be there: of one component, perhaps starting on one day."""

    component: str
    from_date: date | None
    amount: Fraction | None
    quantity: Fraction | None


@dataclass(frozen=True)
class Expected:
    """What the bill must show. Amounts in units of currency, quantities in their own unit."""

    total: Fraction | None = None
    components: Mapping[str, Fraction] = field(default_factory=dict)
    quantities: Mapping[str, Fraction] = field(default_factory=dict)
    lines: tuple[ExpectedLine, ...] = ()
    balances: Mapping[str, Fraction] = field(default_factory=dict)


def read_expected(clause: Clause, tariff: Tariff) -> Expected:
    """What a case expects of the bill of one tariff; faults go to the clause's problems."""
    clause.only(_EXPECT_KEYS)
    reader = ExpectedReader(tariff.units, (*tariff.printed_order, *_ADDED))
    return Expected(
        read_money(clause.get("total"), tariff.units),
        reader.figures(clause.get("components")),
        reader.figures(clause.get("quantities")),
        tuple(reader.line(item) for item in clause.get("lines").items()),
        reader.figures(clause.get("balances")),
    )


def read_money(clause: Clause, units: UnitSystem) -> Fraction | None:
    """An amount, perhaps with the currency after it."""
    return clause.measured(unit=units.money, units=units)


@dataclass(frozen=True)
class ExpectedReader:
    """Reads figures by component; `known` are the names which the bill can have."""

    units: UnitSystem
    known: tuple[str, ...]

    def figures(self, clause: Clause) -> dict[str, Fraction]:
        """Figures by component; an amount may name the currency."""
        found = {}
        for name, entry in clause.entries():
            value = read_money(entry, self.units)
            if self._is_known(name, entry) and value is not None:
                found[name] = value
        return found

    def line(self, item: Clause) -> ExpectedLine:
        item.only(("component", "from", "amount", "quantity"))
        name = item.get("component").text(required=True)
        if name:
            self._is_known(name, item)
        amount = read_money(item.get("amount"), self.units)
        return ExpectedLine(name, item.get("from").day(), amount, item.get("quantity").number())

    def _is_known(self, name: str, clause: Clause) -> bool:
        if name not in self.known:
            clause.refuse(
                "unknown-name",
                f"The bill has no component “{name}”.",
                guess(name, self.known) + f"Components: {', '.join(self.known)}.",
            )
        return name in self.known
