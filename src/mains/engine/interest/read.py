"""Interest document → `InterestRule`. Faults are collected with clause and line, as in tariffs."""

from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction

from mains.engine.interest.model import (
    BASES,
    COMPOUND,
    COUNTS,
    EACH,
    PAYMENT_DAY,
    RATE_ON,
    DatedRate,
    InterestRule,
    InterestStep,
    Moratorium,
)
from mains.engine.tariff.clauses import Clause, Problems
from mains.engine.tariff.document import Value, read_document
from mains.engine.tariff.errors import UnableToReadTariff
from mains.engine.tariff.model import Rounding
from mains.engine.tariff.money import read_minor_digits
from mains.kernel.rounding import RoundingMode

_KEYS = (
    "interest", "title", "currency", "currency_digits", "rates", "steps", "moratoria", "base", "count", "rate_on",
    "payment_day", "compound", "cap", "each", "round", "source", "confidence", "note",
)  # fmt: skip


class UnableToReadInterest(UnableToReadTariff):
    """The document is no rule of interest. `problems` lists every fault found."""


def read_interest(document: Value) -> InterestRule:
    """A checked rule from a document. Raises UnableToReadInterest with every fault, each named by its clause."""
    if isinstance(document, str):
        document = read_document(document)
    problems = Problems(document)
    root = Clause(document, problems)
    if not isinstance(document, Mapping):
        root.refuse("not-a-mapping", "A rule is a set of named entries.", "Start with `interest: <code>`.")
        raise UnableToReadInterest(tariff="?", problems=problems.in_order())
    root.only(_KEYS)
    code, currency = root.get("interest").text(required=True), root.get("currency").text(required=True)
    digits = read_minor_digits(root, currency)
    coin = Fraction(1, 10**digits)
    rule = InterestRule(
        code=code,
        currency=currency,
        minor_digits=digits,
        rates=_read_rates(root.get("rates")),
        steps=_read_steps(root.get("steps")),
        moratoria=_read_moratoria(root.get("moratoria")),
        base=root.get("base").choice(BASES, default="unpaid"),
        count=root.get("count").choice(COUNTS, default="days"),
        rate_on=root.get("rate_on").choice(RATE_ON, default="day"),
        payment_day=root.get("payment_day").choice(PAYMENT_DAY, default="counts"),
        compound=root.get("compound").choice(COMPOUND, default="never"),
        each=root.get("each").choice(EACH, default="item"),
        cap=root.get("cap").number(),
        rounding=root.get("round").rounding(smallest=coin) or Rounding(coin, RoundingMode.HALF_UP),
        source=root.get("source").text() if not isinstance(root.get("source").value, list) else "",
    )
    _check_together(rule, root)
    if problems.found:
        raise UnableToReadInterest(tariff=code or "?", problems=problems.in_order())
    return rule


def _check_together(rule: InterestRule, root: Clause) -> None:
    """Choices that contradict each other, or that no known rule combines."""
    if rule.cap is not None and (rule.cap <= 0 or rule.each == "step"):
        root.get("cap").refuse(
            "interest-cap",
            "A cap is a share above zero of each item, rounded per item.",
            "Write cap: 100 %, and each: item.",
        )
    plain = (rule.base, rule.count, rule.rate_on, rule.each) == ("unpaid", "days", "day", "item")
    if rule.compound != "never" and not plain:
        root.get("compound").refuse(
            "interest-compound",
            "Compound interest is counted by days, on the unpaid rest, at each day's rate, per item.",
            "Leave base, count, rate_on and each out.",
        )


def _read_rates(clause: Clause) -> tuple[DatedRate, ...]:
    """A plain rate, or a list of {from, rate} in rising order; each holds until the next."""
    if clause.value is None:
        clause.refuse("missing", "The rate is missing.", "Write rates: 9.5 %, or a list of {from, rate}.")
        return ()
    if not isinstance(clause.value, list):
        rate = _rate(clause)
        return () if rate is None else (DatedRate(date.min, rate),)
    rates: list[DatedRate] = []
    for item in clause.items():
        item.only(("from", "rate", "source", "note"))
        day, rate = item.get("from").day(), _rate(item.get("rate"))
        if item.get("from").value is None or item.get("rate").value is None:
            item.refuse("missing", "A dated rate needs both.", "Write {from: 2024-07-29, rate: 18 %}.")
        if day is None or rate is None:
            continue
        if rates and day <= rates[-1].valid_from:
            item.refuse(
                "rates-order", f"The rate of {day} is not after the one before.", "Put them in order."
            )
        rates.append(DatedRate(day, rate))
    return tuple(rates)


def _rate(clause: Clause) -> Fraction | None:
    """A share of the debt. More than the whole of it is meant only where it is written as a percentage."""
    number = _not_negative(clause)
    if number is None or number <= 1 or "%" in str(clause.value):
        return number
    clause.refuse(
        "interest-rate",
        f"A rate of {clause.value} is {clause.value} times the debt.",
        f"Write {clause.value} %. A rate above the whole debt is written in percent, too.",
    )
    return None


def _not_negative(clause: Clause) -> Fraction | None:
    number = clause.number()
    if number is not None and number < 0:
        clause.refuse("interest-negative", f"{clause.value} is below zero.", "Give a rate of zero or more.")
        return None
    return number


def _read_steps(clause: Clause) -> tuple[InterestStep, ...]:
    """Steps by days overdue; without any, every day carries the whole rate."""
    if clause.value is None:
        return (InterestStep("interest", None, Fraction(1)),)
    steps: list[InterestStep] = []
    items = clause.items()
    for at, item in enumerate(items):
        item.only(("upto", "factor", "name"))
        upto, factor = item.get("upto").number(), _not_negative(item.get("factor"))
        if factor is None:
            if item.get("factor").value is None:
                item.refuse("missing", "The factor is missing.", "Write {upto: 30, factor: 0}.")
            continue
        before = steps[-1].upto if steps else 0
        last = at == len(items) - 1
        if (upto is None) != last:
            item.refuse(
                "steps-order", "The last step, and only that, is without `upto`.", "End with {factor: 1/130}."
            )
        elif upto is not None and (upto.denominator != 1 or upto <= (before or 0)):
            item.refuse("steps-order", "Days overdue must rise in whole numbers.", "Write upto: 30, then 90.")
        first = (before or 0) + 1
        name = item.get("name").text(default=f"days_{first}" if upto is None else f"days_{first}_{upto}")
        if name in {step.name for step in steps}:
            item.get("name").refuse("name-taken", f"Two steps are called {name}.", "Rename one.")
        steps.append(InterestStep(name, int(upto) if upto is not None else None, factor))
    if not items:
        clause.refuse("missing", "There are no steps.", "Leave `steps` out, or write {factor: 1/300}.")
    return tuple(steps)


def _read_moratoria(clause: Clause) -> tuple[Moratorium, ...]:
    found: list[Moratorium] = []
    for item in clause.items():
        item.only(("from", "to", "last_day", "source", "note"))
        first, end, last = item.get("from").day(), item.get("to").day(), item.get("last_day").day()
        if last is not None and end is None:
            end = last + timedelta(days=1)
        if first is None or end is None or end <= first:
            item.refuse(
                "period-empty",
                "A moratorium needs its days.",
                "Write {from: 2020-04-06, last_day: 2021-01-01}.",
            )
        elif found and first < found[-1].to_date:
            item.refuse("moratoria-overlap", f"{first} is in two moratoria.", "Put them in order, apart.")
        elif found and first == found[-1].to_date:
            found[-1] = Moratorium(found[-1].from_date, end)
        else:
            found.append(Moratorium(first, end))
    return tuple(found)
