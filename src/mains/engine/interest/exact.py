"""Interest of one account, day by day, in fractions, with an explanation of every stretch of days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import groupby

from mains.engine.exact import Line, Protocol, Step, UnableToRate, show_short
from mains.engine.facts import MICRO
from mains.engine.interest.model import DAYS_OF_A_MONTH, InterestRule, InterestStep, OpenItem
from mains.kernel.rounding import round_to_step

_ONE = timedelta(days=1)


@dataclass(frozen=True)
class _Day:
    """One day overdue of a sum of money: how much of the rate it carries, and why."""

    day: date
    base: Fraction
    rate: Fraction
    step: InterestStep
    weight: Fraction
    free: bool

    @property
    def interest(self) -> Fraction:
        return Fraction(0) if self.free else self.base * self.rate * self.step.factor * self.weight

    def alike(self) -> tuple[object, ...]:
        return (self.base, self.rate, self.step.name, self.free)


def interest_exact(*, rule: InterestRule, items: Sequence[OpenItem], until: date) -> Protocol:
    """Interest on the items as of the end of `until`, the last day counted; payments after it are not known yet.

    A line per item, or per item and step where the rule rounds each step. Raises UnableToRate when no rate is in force
    on a day that carries interest.
    """
    lines: list[Line] = []
    for number, item in enumerate(items):
        lines.extend(_ItemCounter(rule, item, until, number).lines())
    first = min((item.due_date + _ONE for item in items), default=until)
    return Protocol(
        tariff=rule.code,
        currency=rule.currency,
        posting_scale=rule.posting_scale,
        period_from=min(first, until),
        period_to=until + _ONE,
        lines=tuple(lines),
        total_minor=sum(line.amount_minor or 0 for line in lines),
        values={},
        document="rule",
    )


class _ItemCounter:
    def __init__(self, rule: InterestRule, item: OpenItem, until: date, number: int) -> None:
        self._rule, self._item, self._until, self._number = rule, item, until, number
        self._amount = Fraction(item.amount_minor, rule.posting_scale)
        # What rounding added to interest when it joined the base.
        self._joined_more = Fraction(0)

    def lines(self) -> Iterator[Line]:
        counted = [day for part in self._parts() for day in part]
        if not counted:
            return
        if self._rule.each == "step":
            for step in self._rule.steps:
                days = [day for day in counted if day.step.name == step.name]
                if days and step.factor:
                    yield self._line(step.name, days)
            return
        yield self._line("interest", counted)

    # --- the days of each part of the money

    def _parts(self) -> Iterator[list[_Day]]:
        """The days overdue of each sum that was paid on one day, and of the rest."""
        if self._rule.compound != "never":
            yield self._compounded()
            return
        for money, end, paid in self._sums():
            days = list(self._days(money, end, paid))
            if days:
                yield days

    def _sums(self) -> Iterator[tuple[Fraction, date, date | None]]:
        """(money, last day overdue, day of payment or None): what each payment took off, and the rest."""
        left, original = self._amount, self._rule.base == "original"
        payments = sorted(self._item.payments, key=lambda payment: payment.paid_date)
        for payment in payments:
            if payment.paid_date > self._until or left <= 0:
                break
            money = min(Fraction(payment.amount_minor, self._rule.posting_scale), left)
            left -= money
            if not original:
                yield money, self._last_day(payment.paid_date), payment.paid_date
            elif left <= 0:
                yield self._amount, self._last_day(payment.paid_date), payment.paid_date
        if left > 0:
            yield self._amount if original else left, self._until, None

    def _last_day(self, paid: date) -> date:
        return paid if self._rule.payment_day == "counts" else paid - _ONE

    def _days(self, money: Fraction, end: date, paid: date | None) -> Iterator[_Day]:
        day = self._item.due_date + _ONE
        while day <= end:
            step = self._step(day)
            free = self._is_free(day)
            rate = self._rate(
                paid or self._until if self._rule.rate_on == "payment" else day, step, is_free=free
            )
            yield _Day(day, money, rate, step, self._weight(day, end), free)
            day += _ONE

    def _step(self, day: date) -> InterestStep:
        overdue = (day - self._item.due_date).days
        return next(step for step in self._rule.steps if step.upto is None or overdue <= step.upto)

    def _is_free(self, day: date) -> bool:
        return any(pause.from_date <= day < pause.to_date for pause in self._rule.moratoria)

    def _rate(self, day: date, step: InterestStep, *, is_free: bool) -> Fraction:
        found = self._rule.find_rate(day)
        if found is not None:
            return found.rate
        if is_free or not step.factor:
            return Fraction(0)
        raise UnableToRate(
            code="no-rate",
            message=f"The rule {self._rule.code} has no rate on {day}.",
            place="rates",
            remedy="Add the rate that was in force then.",
        )

    def _weight(self, day: date, end: date) -> Fraction:
        """1 for a day; counting months, a day is a part of its month: of a whole one overdue, or a thirtieth."""
        if self._rule.count == "days":
            return Fraction(1)
        due = self._item.due_date
        months = 0
        while add_months(due, months + 1) < day:
            months += 1
        first, last = add_months(due, months) + _ONE, add_months(due, months + 1)
        whole = last <= end and len({self._terms(inner) for inner in _each_day(first, last)}) == 1
        return Fraction(1, (last - first).days + 1 if whole else DAYS_OF_A_MONTH)

    def _terms(self, day: date) -> tuple[object, ...]:
        rate = self._rule.find_rate(day) if self._rule.rate_on == "day" else None
        return (rate, self._step(day).name, self._is_free(day))

    # --- compound interest

    def _compounded(self) -> list[_Day]:
        """Days on the unpaid rest and the interest that has joined it on the first day of each month or year."""
        paid: dict[date, Fraction] = {}
        for payment in self._item.payments:
            if payment.paid_date <= self._until:
                day = self._last_day(payment.paid_date) + _ONE
                money = Fraction(payment.amount_minor, self._rule.posting_scale)
                paid[day] = paid.get(day, Fraction(0)) + money
        counted: list[_Day] = []
        base = self._amount - sum(
            (money for day, money in paid.items() if day <= self._item.due_date), Fraction(0)
        )
        since = Fraction(0)
        for day in _each_day(self._item.due_date + _ONE, self._until):
            if day.day == 1 and (self._rule.compound == "month" or day.month == 1):
                joined = self._rounded(since)
                self._joined_more += joined - since
                base, since = base + joined, Fraction(0)
            base = max(base - paid.get(day, Fraction(0)), Fraction(0))
            step, free = self._step(day), self._is_free(day)
            counted.append(_Day(day, base, self._rate(day, step, is_free=free), step, Fraction(1), free))
            since += counted[-1].interest
        return counted

    # --- lines

    def _rounded(self, value: Fraction) -> Fraction:
        return round_to_step(value, step=self._rule.rounding.step, mode=self._rule.rounding.mode)

    def _line(self, name: str, days: Sequence[_Day]) -> Line:
        unrounded = sum((day.interest for day in days), Fraction(0))
        unrounded += self._joined_more
        children = [_stretch(list(group)) for _, group in groupby(days, key=_Day.alike)]
        if self._joined_more:
            children.append(Step("rounded when it joined the debt", self._joined_more))
        if self._rule.cap is not None:
            limit = self._rule.cap * self._amount
            children.append(
                Step("limit", limit, self._rule.currency, f"{show_short(self._rule.cap)} × amount", "cap")
            )
            unrounded = min(unrounded, limit)
        value = self._rounded(unrounded)
        rounding = self._rule.rounding
        step = Step(
            f"{name} on {self._item.key}",
            value,
            self._rule.currency,
            "sum of days",
            self._item.source,
            tuple(replace(child, unit=self._rule.currency) for child in children),
            unrounded,
            f"to {show_short(rounding.step)}, {rounding.mode.value}",
        )
        return Line(
            component=name,
            kind="charge",
            segment=self._number,
            from_date=min(day.day for day in days),
            to_date=max(day.day for day in days) + _ONE,
            quantity_micro=len({day.day for day in days}) * MICRO,
            amount_minor=int(value * self._rule.posting_scale),
            value=value,
            unrounded=unrounded,
            unit=self._rule.currency,
            explanation=step,
        )


def _stretch(days: list[_Day]) -> Step:
    """Days that carry alike, as one product."""
    first = days[0]
    interest = sum((day.interest for day in days), Fraction(0))
    dates = f"{first.day} – {days[-1].day}"
    if first.free:
        return Step(f"{len(days)} days of a moratorium", interest, source=dates)
    weight = sum((day.weight for day in days), Fraction(0))
    formula = f"{show_short(first.base)} × {show_short(first.rate)}"
    if first.step.factor != 1:
        formula += f" × {first.step.factor}"
    unit = "months" if weight != len(days) else "days"
    return Step(first.step.name, interest, "", f"{formula} × {show_short(weight)} {unit}", dates)


def _each_day(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _ONE


def add_months(day: date, months: int) -> date:
    """The same day of a later month; its last day where it has none: 31 January and a month is 28 February."""
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (following - _ONE).day))
