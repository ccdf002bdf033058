"""A case of late payment: a rule of interest, open items with what was paid, and the interest expected."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from mains.engine.case.expected import Expected, ExpectedReader, read_money
from mains.engine.exact import Protocol, UnableToRate
from mains.engine.facts import MICRO
from mains.engine.interest import (
    InterestRule,
    OpenItem,
    Payment,
    UnableToReadInterest,
    interest_columns,
    interest_exact,
    read_interest,
)
from mains.engine.language.units import UnitSystem
from mains.engine.tariff import read_document
from mains.engine.tariff.clauses import Clause

_MOST_MINOR = 2**62


@dataclass(frozen=True)
class InterestService:
    """A rule with the open items of an account as of the end of `until`."""

    rule: InterestRule
    items: tuple[OpenItem, ...]
    until: date
    expected: Expected
    file: str

    @property
    def currency(self) -> str:
        return self.rule.currency

    def rate(self) -> tuple[Protocol, str]:
        """The interest by the exact implementation, and how the columns differ from it; empty when they agree."""
        protocol = interest_exact(rule=self.rule, items=self.items, until=self.until)
        steps = {step.name: at for at, step in enumerate(self.rule.steps)} if self.rule.each == "step" else {}
        exact = [
            (
                line.segment,
                steps.get(line.component, -1),
                (line.quantity_micro or 0) // MICRO,
                line.amount_minor,
            )
            for line in protocol.lines
        ]
        lines, refused = interest_columns(
            rule=self.rule, items=self._items(), payments=self._payments(), until=self.until
        )
        columns = lines.rows()
        if exact == columns and not len(refused):
            return protocol, ""
        return protocol, f"{exact} against {columns}"

    def _items(self) -> pl.DataFrame:
        rows = [(at, item.amount_minor, item.due_date) for at, item in enumerate(self.items)]
        schema = {"item_id": pl.Int64, "amount_minor": pl.Int64, "due_date": pl.Date}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _payments(self) -> pl.DataFrame:
        rows = [
            (at, payment.paid_date, payment.amount_minor)
            for at, item in enumerate(self.items)
            for payment in item.payments
        ]
        schema = {"item_id": pl.Int64, "paid_date": pl.Date, "amount_minor": pl.Int64}
        return pl.DataFrame(rows, schema=schema, orient="row")


def read_interest_services(
    root: Clause, *, file: str, open_rule: Callable[[Clause, str], str]
) -> list[InterestService]:
    """The one service of a case of interest; none when it is refused, its faults being in the clause's problems."""
    for key in ("tariff", "services", "bills"):
        if root.get(key).value is not None:
            root.get(key).refuse(
                "key-twice", "A case has a tariff or a rule of interest.", "Keep one of the two."
            )
    document = root.get("interest").value
    if isinstance(document, str):
        # The rule stands in a document of its own, beside the case.
        document = read_document(open_rule(root.get("interest"), document), name=document)
    try:
        rule = read_interest(document)
    except UnableToReadInterest as error:
        for problem in error.problems:
            at = root.get("interest")
            Clause(at.value, at.problems, (*at.path, *problem.path), f"interest.{problem.clause}").refuse(
                problem.code, problem.message, problem.remedy
            )
        return []
    facts = root.get("facts")
    facts.only(("until", "items"))
    until = facts.get("until").day()
    if facts.get("until").value is None:
        facts.refuse(
            "missing", "Nothing says up to which day interest is counted.", "Write `until: 2024-04-19`."
        )
    reader = _ItemReader(UnitSystem(rule.currency, "unit"), rule)
    items = [item for clause in facts.get("items").items() if (item := reader.read(clause)) is not None]
    if not facts.get("items").value:
        facts.refuse("missing", "There are no items.", "Write items: [{amount: 10000, due: 2024-01-10}].")
    expected = _read_expected(root.get("expect"), rule)
    return [InterestService(rule, tuple(items), until, expected, file)] if until is not None else []


def _read_expected(clause: Clause, rule: InterestRule) -> Expected:
    clause.only(("total", "components", "quantities", "lines"))
    units = UnitSystem(rule.currency, "unit")
    names = ("interest",) if rule.each == "item" else tuple(step.name for step in rule.steps)
    reader = ExpectedReader(units, names)
    return Expected(
        read_money(clause.get("total"), units),
        reader.figures(clause.get("components")),
        reader.figures(clause.get("quantities")),
        tuple(reader.line(item) for item in clause.get("lines").items()),
    )


@dataclass(frozen=True)
class _ItemReader:
    units: UnitSystem
    rule: InterestRule

    def read(self, clause: Clause) -> OpenItem | None:
        clause.only(("name", "amount", "due", "payments"))
        before = len(clause.problems.found)
        amount, due = self._minor(clause.get("amount")), clause.get("due").day()
        payments = tuple(
            payment for item in clause.get("payments").items() if (payment := self._payment(item)) is not None
        )
        if due is None and clause.get("due").value is None:
            clause.refuse("missing", "The item has no due date.", "Write {amount: 10000, due: 2024-01-10}.")
        if len(clause.problems.found) > before or amount is None or due is None:
            return None
        name = clause.get("name").text(default=f"the item due on {due}")
        return OpenItem(name, amount, due, payments, f"case, {clause.name}")

    def _payment(self, clause: Clause) -> Payment | None:
        clause.only(("date", "amount"))
        day, amount = clause.get("date").day(), self._minor(clause.get("amount"))
        if amount is not None and amount <= 0:
            clause.refuse("money", "A payment is above zero.", "Leave out what was taken back.")
        if day is None or amount is None:
            if clause.get("date").value is None:
                clause.refuse("missing", "A payment needs its day.", "Write {date: 2024-03-01, amount: 500}.")
            return None
        return Payment(day, amount, f"case, {clause.name}")

    def _minor(self, clause: Clause) -> int | None:
        money = read_money(clause, self.units)
        if money is None:
            if clause.value is None:
                clause.refuse("missing", "The amount is missing.", "Write `amount: 10000`.")
            return None
        minor = money * self.rule.posting_scale
        if minor.denominator != 1 or abs(minor) >= _MOST_MINOR:
            clause.refuse("money", f"{clause.value} cannot be paid.", "Give money in whole coins.")
            return None
        return int(minor)


def refused_place(service: InterestService, error: UnableToRate) -> UnableToRate:
    """The same refusal, with the file of the case."""
    place = ", ".join(filter(None, (service.file, f"interest.{error.place}")))
    return UnableToRate(code=error.code, message=error.message, place=place, remedy=error.remedy)
