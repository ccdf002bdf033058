"""Interpreter two: walks a resolved formula for a whole group of items at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

import polars as pl

from mains.engine.columns import rational
from mains.engine.columns.group import Group, day_number
from mains.engine.columns.rational import Rational, join_bad
from mains.engine.columns.roots import apparent
from mains.engine.language import tree
from mains.engine.tariff.model import Component
from mains.kernel.rounding import RoundingMode


@dataclass(frozen=True)
class Flags:
    """Yes or no in each row, and reasons of the rows without an answer."""

    values: pl.Series
    bad: pl.Series | None


@dataclass(frozen=True)
class Texts:
    values: pl.Series
    bad: pl.Series | None


@dataclass(frozen=True)
class View:
    """Where formulas are evaluated.

    `measured` are the segments whose use and days count, `priced` those whose prices hold (averaged by days
    when several), `amounts` the components known so far as (posted, unrounded).
    """

    group: Group
    measured: tuple[int, ...]
    priced: tuple[int, ...]
    component: Component
    amounts: Mapping[str, tuple[Rational, Rational]]
    defaults: Mapping[str, Fraction | str | bool | None]

    @property
    def is_part(self) -> bool:
        return bool(len(self.measured) < self.group.segments)


def find_flags(node: tree.Node, view: View) -> Flags:
    """Value of a condition."""
    match node:
        case tree.FlagLiteral():
            return Flags(pl.Series([node.value]), None)
        case tree.Attribute():
            values, bad = view.group.values(node.name, view.priced[-1], view.defaults.get(node.name))
            return Flags(values, _join_lacking(node.name, view, bad))
        case tree.Inverse():
            inner = find_flags(node.operand, view)
            return Flags(~inner.values, inner.bad)
        case tree.Logic():
            left, right = find_flags(node.left, view), find_flags(node.right, view)
            both = left.values & right.values if node.operator == "and" else left.values | right.values
            return Flags(both, join_bad(left.bad, right.bad))
        case tree.Membership():
            texts = _find_texts(node.subject, view)
            return Flags(texts.values.is_in(list(node.values)), texts.bad)
        case tree.Comparison():
            return _compared(node, view)
        case tree.Choice():
            condition, then, otherwise = (
                find_flags(part, view) for part in (node.condition, node.then, node.otherwise)
            )
            values = (condition.values & then.values) | (~condition.values & otherwise.values)
            bad = rational.pick_bad(condition.values, then.bad, otherwise.bad)
            return Flags(values, join_bad(condition.bad, bad))
    raise AssertionError(f"{type(node).__name__} is not a condition")


def _join_lacking(name: str, view: View, bad: pl.Series | None) -> pl.Series | None:
    """Averaged prices read the attribute in every segment, though only the last one counts."""
    for at in view.priced[:-1]:
        bad = join_bad(bad, view.group.values(name, at, view.defaults.get(name))[1])
    return bad


def _find_texts(node: tree.Node, view: View) -> Texts:
    match node:
        case tree.TextLiteral():
            return Texts(pl.Series([node.value]), None)
        case tree.Attribute():
            values, bad = view.group.values(node.name, view.priced[-1], view.defaults.get(node.name))
            return Texts(values, _join_lacking(node.name, view, bad))
    raise AssertionError(f"{type(node).__name__} is not a text")


def _compared(node: tree.Comparison, view: View) -> Flags:
    unit = str(node.left.unit)
    if unit in ("text", "yes/no"):
        find = _find_texts if unit == "text" else find_flags
        left, right = find(node.left, view), find(node.right, view)
        same = left.values == right.values
        return Flags(same if node.operator == "==" else ~same, join_bad(left.bad, right.bad))
    first, second = find_number(node.left, view), find_number(node.right, view)
    return Flags(rational.compare(node.operator, first, second), join_bad(first.bad, second.bad))


def find_number(node: tree.Node, view: View) -> Rational:
    """Value of a numeric formula."""
    match node:
        case tree.Literal():
            return rational.constant(node.value)
        case tree.DateLiteral():
            return rational.constant(day_number(node.value))
        case tree.Choice():
            condition = find_flags(node.condition, view)
            chosen = rational.pick(
                condition.values, find_number(node.then, view), find_number(node.otherwise, view)
            )
            return _with_bad(chosen, condition.bad)
        case tree.Tiered():
            return _tiered(node, view)
    fact = _fact(node, view)
    return fact if fact is not None else _computed(node, view)


def _fact(node: tree.Node, view: View) -> Rational | None:
    """The value of a name; None for a node that is computed."""
    match node:
        case tree.Use():
            return view.group.use(f"usage_{node.zone}_micro" if node.zone else "usage_micro", view.measured)
        case tree.Measured():
            return view.group.use(f"{node.name}_micro", view.measured)
        case tree.Time():
            return view.group.time(node.name, node.basis, view.measured)
        case tree.Attribute():
            return _attribute(node, view)
        case tree.Parameter():
            figures = [view.group.figure(node.name, node.key, at) for at in view.priced]
            return figures[0] if len(figures) == 1 else _averaged(figures, view)
        case tree.ComponentValue():
            return view.amounts[node.name][1 if node.unrounded else 0]
    return None


def _computed(node: tree.Node, view: View) -> Rational:
    match node:
        case tree.Negation():
            return rational.negate(find_number(node.operand, view))
        case tree.Apparent():
            return apparent(find_number(node.active, view), find_number(node.reactive, view))
        case tree.Magnitude():
            return rational.magnitude(find_number(node.operand, view))
        case tree.Rounded():
            return rational.round_to(find_number(node.operand, view), step=node.step, mode=node.mode)
        case tree.Arithmetic():
            return _arithmetic(node, view)
        case tree.Extreme():
            first, *others = (find_number(operand, view) for operand in node.operands)
            return reduce(lambda chosen, value: rational.extreme(node.operator, chosen, value), others, first)
    raise AssertionError(f"{type(node).__name__} is not a number")


def _with_bad(value: Rational, bad: pl.Series | None) -> Rational:
    if bad is None:
        return value
    return Rational(
        value.num, value.scale, value.top, value.den, value.den_top, join_bad(value.bad, bad), value.constant
    )


def _attribute(node: tree.Attribute, view: View) -> Rational:
    default = view.defaults.get(node.name)
    number = default if isinstance(default, Fraction) else None
    values = [view.group.number(node.name, at, number) for at in view.priced]
    return values[0] if len(values) == 1 else weighted(values, view.group)


def weighted(values: list[Rational], group: Group) -> Rational:
    """Mean of one value per segment, each counting by its days."""
    total = rational.constant(0)
    for at, value in enumerate(values):
        total = rational.add(total, rational.multiply(value, group.days_of(at)))
    return rational.divide(total, group.time("period_days", Fraction(1), (0,)), reason=0)


def _averaged(figures: list[Rational], view: View) -> Rational:
    mean, rounding = weighted(figures, view.group), view.component.average_rounding
    return mean if rounding is None else rational.round_to(mean, step=rounding.step, mode=rounding.mode)


def _arithmetic(node: tree.Arithmetic, view: View) -> Rational:
    left, right = find_number(node.left, view), find_number(node.right, view)
    match node.operator:
        case "+":
            return rational.add(left, right)
        case "-":
            return rational.subtract(left, right)
        case "*":
            return rational.multiply(left, right)
    reason = view.group.reasons.number("division-by-zero", f"“{node.text}” divides by zero.")
    return rational.divide(left, right, reason=reason)


# --- tiers


@dataclass(frozen=True)
class _Ladder:
    """Scaled limits and figures; one figure more than limits."""

    limits: list[Rational]
    figures: list[Rational]


def _tiered(node: tree.Tiered, view: View) -> Rational:
    amount = find_number(node.amount, view)
    ladder, scale_bad = _ladder(node, view)
    if node.method != "tiers":
        reached = _reached(ladder, rational.magnitude(amount), within="<" if node.exclusive else "<=")
        result = reached if node.method == "step" else rational.multiply(amount, reached)
        result = _with_bad(result, amount.bad)
    elif node.of is not None:
        whole = rational.magnitude(find_number(node.of, view))
        if node.parts_step is None:
            result = _shared(ladder, amount, whole)
        else:
            result = _shared_by_parts(ladder, amount, whole, step=node.parts_step, mode=node.parts_mode)
    elif node.start is not None:
        start = find_number(node.start, view)
        result = rational.subtract(_priced(ladder, rational.add(start, amount)), _priced(ladder, start))
    elif node.parts_step is not None:
        result = _rounded_parts(ladder, amount, step=node.parts_step, mode=node.parts_mode)
    else:
        result = _priced(ladder, amount)
    return _with_bad(result, scale_bad)


def _ladder(node: tree.Tiered, view: View) -> tuple[_Ladder, pl.Series | None]:
    limits, figures = _limits_and_figures(node, view)
    factor = rational.constant(1) if node.scale is None else find_number(node.scale, view)
    bad = factor.bad
    if factor.num.min() is not None and (factor.num < 0).any():
        reason = view.group.reasons.number(
            "scale-negative", f"“{node.text}” scales its limits by a negative number."
        )
        bad = join_bad(bad, (factor.num < 0).cast(pl.Int16) * pl.Series([reason], dtype=pl.Int16))
    if node.by_share and view.is_part:
        factor = rational.multiply(factor, view.group.time("share", Fraction(1), view.measured))
    scaled = [rational.multiply(limit, factor) for limit in limits]
    if node.limits_step is not None:
        scaled = [rational.round_to(limit, step=node.limits_step, mode=node.limits_mode) for limit in scaled]
    return _Ladder(scaled, figures), bad


def _limits_and_figures(node: tree.Tiered, view: View) -> tuple[list[Rational], list[Rational]]:
    ladders = [view.group.tiers(node.table, node.key, at) for at in view.priced]
    if len(ladders) == 1:
        return ladders[0]
    count = max(len(figures) for _, figures in ladders)
    padded = [(_pad(limits, count - 1), _pad(figures, count)) for limits, figures in ladders]
    figures = [_averaged([figures[tier] for _, figures in padded], view) for tier in range(count)]
    differ = view.group.tiers_differ(node.table, node.key, view.priced)
    figures = [_with_bad(figure, differ) for figure in figures]
    return [
        weighted([limits[tier] for limits, _ in padded], view.group) for tier in range(count - 1)
    ], figures


def _pad(values: list[Rational], count: int) -> list[Rational]:
    return values + [values[-1] if values else rational.constant(0)] * (count - len(values))


def _reached(ladder: _Ladder, amount: Rational, *, within: str) -> Rational:
    figure = ladder.figures[-1]
    for limit, lower in zip(reversed(ladder.limits), reversed(ladder.figures[:-1]), strict=True):
        figure = rational.pick(rational.compare(within, amount, limit), lower, figure)
    return figure


def _priced(ladder: _Ladder, amount: Rational) -> Rational:
    """Slab price by summation from above: the last price for all, and each lower price's difference for what
    lies below its limit.
    """
    size = rational.magnitude(amount)
    total = rational.multiply(size, ladder.figures[-1])
    for tier, limit in enumerate(ladder.limits):
        difference = rational.subtract(ladder.figures[tier], ladder.figures[tier + 1])
        if difference.constant != 0 or difference.bad is not None:
            total = rational.add(total, rational.multiply(difference, rational.extreme("min", size, limit)))
    negative = amount.num < 0
    return rational.pick(negative, rational.negate(total), total) if negative.any() else total


def _rounded_parts(ladder: _Ladder, amount: Rational, *, step: Fraction, mode: RoundingMode) -> Rational:
    """Slab price with the price of each tier's part rounded by itself."""
    size = rational.magnitude(amount)
    total, below = rational.constant(0), rational.constant(0)
    for tier, figure in enumerate(ladder.figures):
        upto = rational.extreme("min", size, ladder.limits[tier]) if tier < len(ladder.limits) else size
        part = rational.multiply(rational.subtract(upto, below), figure)
        total = rational.add(total, rational.round_to(part, step=step, mode=mode))
        below = upto
    negative = amount.num < 0
    return rational.pick(negative, rational.negate(total), total) if negative.any() else total


def _shared_by_parts(
    ladder: _Ladder, amount: Rational, whole: Rational, *, step: Fraction, mode: RoundingMode
) -> Rational:
    """The amount split as the whole fills the tiers, the price of each tier's part rounded by itself."""
    empty = whole.num == 0
    safe = rational.pick(empty, rational.constant(1), whole) if empty.any() else whole
    size = rational.magnitude(amount)
    total, below = rational.constant(0), rational.constant(0)
    for tier, figure in enumerate(ladder.figures):
        upto = rational.extreme("min", safe, ladder.limits[tier]) if tier < len(ladder.limits) else safe
        part = rational.multiply(rational.multiply(size, rational.subtract(upto, below)), figure)
        price = rational.divide(part, safe, reason=0)
        total = rational.add(total, rational.round_to(price, step=step, mode=mode))
        below = upto
    if empty.any():
        first = rational.round_to(rational.multiply(size, ladder.figures[0]), step=step, mode=mode)
        total = rational.pick(empty, first, total)
    negative = amount.num < 0
    result = rational.pick(negative, rational.negate(total), total) if negative.any() else total
    return _with_bad(result, join_bad(amount.bad, whole.bad))


def _shared(ladder: _Ladder, amount: Rational, whole: Rational) -> Rational:
    empty = whole.num == 0
    safe = rational.pick(empty, rational.constant(1), whole) if empty.any() else whole
    result = rational.divide(rational.multiply(amount, _priced(ladder, safe)), safe, reason=0)
    if empty.any():
        result = rational.pick(empty, rational.multiply(amount, ladder.figures[0]), result)
    return _with_bad(result, join_bad(amount.bad, whole.bad))
