"""Interpreter one: walks a resolved formula for one account, in fractions, and keeps every step."""

from collections.abc import Callable
from fractions import Fraction
from math import isqrt
from typing import Any

from mains.engine.exact.explanation import Step, TierStep, show_short, unit_text
from mains.engine.exact.scope import Scope
from mains.engine.facts import MICRO
from mains.engine.language import tree
from mains.engine.language.names import DATE
from mains.engine.tariff.model import Tier
from mains.kernel.rounding import RoundingMode, round_to_step

_COMPARE: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_COMPARE_DATES: dict[str, Callable[[str, str], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def evaluate(node: tree.Node, *, scope: Scope) -> Step:
    """Value of a formula in a scope, with everything it was made of. Raises UnableToRate."""
    found = _BY_KIND.get(type(node))
    if found is not None:
        return found(node, scope)
    children = tuple([evaluate(child, scope=scope) for child in tree.children(node)])
    value = _judge(node, children) if _is_condition(node) else _compute(node, children, scope)
    return Step(node.text, value, unit_text(node.unit), node.text, children=_flat(node, children))


def _is_condition(node: tree.Node) -> bool:
    return isinstance(node, tree.Comparison | tree.Membership | tree.Logic | tree.Inverse)


def _flat(node: tree.Node, children: tuple[Step, ...]) -> tuple[Step, ...]:
    """A long sum reads better as one list than as pairs of pairs; `charges` and `subtotal` are such sums."""
    if isinstance(node, tree.Arithmetic) and node.operator == "+":
        left = node.left
        if (
            isinstance(left, tree.Arithmetic)
            and left.operator == "+"
            and (left.text == node.text or node.text.startswith(left.text))
        ):
            return (*children[0].children, *children[1:])
    return children


def number(step: Step) -> Fraction:
    """The value of a numeric step; the resolver has made sure that it is one."""
    assert isinstance(step.value, Fraction)
    return step.value


def _judge(node: tree.Node, children: tuple[Step, ...]) -> bool:
    """Truth of a condition, its parts being known."""
    match node:
        case tree.Membership():
            truth = children[0].value in node.values
        case tree.Comparison(operator="==" | "!="):
            truth = (children[0].value == children[1].value) == (node.operator == "==")
        case tree.Comparison() if node.left.unit == DATE:
            # Year-month-day stands in the order of the calendar as text too.
            truth = _COMPARE_DATES[node.operator](str(children[0].value), str(children[1].value))
        case tree.Comparison():
            truth = _COMPARE[node.operator](number(children[0]), number(children[1]))
        case tree.Logic(operator="and"):
            truth = bool(children[0].value) and bool(children[1].value)
        case tree.Logic():
            truth = bool(children[0].value) or bool(children[1].value)
        case _:
            truth = not children[0].value
    return truth


def _compute(node: tree.Node, children: tuple[Step, ...], scope: Scope) -> Fraction:
    """Number of an operation, its operands being known."""
    values = [number(child) for child in children]
    match node:
        case tree.Negation():
            return -values[0]
        case tree.Magnitude():
            return abs(values[0])
        case tree.Apparent():
            return _apparent(values[0], values[1])
        case tree.Rounded():
            return round_to_step(values[0], step=node.step, mode=node.mode)
        case tree.Extreme():
            return min(values) if node.operator == "min" else max(values)
        case tree.Arithmetic():
            return _arithmetic(node, values[0], values[1], scope)
    raise AssertionError(f"unknown node {type(node).__name__}")


def _apparent(active: Fraction, reactive: Fraction) -> Fraction:
    """√(active² + reactive²) in whole millionths, half up. Of whole numbers no root lies half way."""
    sides = [
        int(round_to_step(side * MICRO, step=1, mode=RoundingMode.HALF_UP)) for side in (active, reactive)
    ]
    square = sum(side * side for side in sides)
    root = isqrt(square)
    return Fraction(root + 1 if square - root * root > root else root, MICRO)


def _arithmetic(node: tree.Arithmetic, left: Fraction, right: Fraction, scope: Scope) -> Fraction:
    match node.operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    if right == 0:
        raise scope.refuse("division-by-zero", f"“{node.text}” divides by zero.", "Guard it with if(…).")
    return left / right


def _literal(node: tree.Literal | tree.TextLiteral | tree.FlagLiteral, _scope: Scope) -> Step:
    return Step(node.text, node.value, unit_text(node.unit))


def _choice(node: tree.Choice, scope: Scope) -> Step:
    condition = evaluate(node.condition, scope=scope)
    taken = evaluate(node.then if condition.value else node.otherwise, scope=scope)
    return Step(node.text, taken.value, unit_text(node.unit), node.text, children=(condition, taken))


def _tiered(node: tree.Tiered, scope: Scope) -> Step:
    amount = evaluate(node.amount, scope=scope)
    clause, tiers = scope.tiers(node)
    scale = evaluate(node.scale, scope=scope) if node.scale is not None else None
    factor = (number(scale) if scale is not None else Fraction(1)) * (scope.share if node.by_share else 1)
    if factor < 0:
        raise scope.refuse("scale-negative", f"“{node.text}” scales its limits by a negative number.", "")
    limits = [None if tier.upto is None else _limit(tier.upto * factor, node) for tier in tiers]
    scaled = tuple(Tier(limit, tier.figure) for limit, tier in zip(limits, tiers, strict=True))
    steps = [amount, *([scale] if scale is not None else [])]
    result, parts = _apply(node, number(amount), scaled, scope, steps)
    return Step(node.text, result, unit_text(node.unit), node.text, clause, children=(*steps, *parts))


def _limit(limit: Fraction, node: tree.Tiered) -> Fraction:
    return (
        limit
        if node.limits_step is None
        else round_to_step(limit, step=node.limits_step, mode=node.limits_mode)
    )


def _apply(
    node: tree.Tiered, amount: Fraction, tiers: tuple[Tier, ...], scope: Scope, steps: list[Step]
) -> tuple[Fraction, tuple[Step, ...]]:
    if node.method == "step":
        return _reached(abs(amount), tiers, exclusive=node.exclusive).figure, ()
    if node.method == "block":
        tier = _reached(abs(amount), tiers, exclusive=node.exclusive)
        return amount * tier.figure, (_part(node, amount, tier.figure, tier.upto),)
    if node.of is not None:
        whole = evaluate(node.of, scope=scope)
        steps.append(whole)
        return _shared(node, amount, abs(number(whole)), tiers)
    if node.start is not None:
        start = evaluate(node.start, scope=scope)
        steps.append(start)
        before, _ = _slab(node, number(start), tiers)
        after, parts = _slab(node, number(start) + amount, tiers)
        return after - before, (*parts, Step("already used before", -before, unit_text(node.unit)))
    return _slab(node, amount, tiers)


def _reached(amount: Fraction, tiers: tuple[Tier, ...], *, exclusive: bool) -> Tier:
    return next(
        tier
        for tier in tiers
        if tier.upto is None or amount < tier.upto or (amount == tier.upto and not exclusive)
    )


def _slab(node: tree.Tiered, amount: Fraction, tiers: tuple[Tier, ...]) -> tuple[Fraction, tuple[Step, ...]]:
    """Each part of the amount at the price of its tier; a negative amount mirrors the positive one."""
    sign = -1 if amount < 0 else 1
    total, parts = Fraction(0), []
    for part, tier in _fill(abs(amount), tiers):
        price = part * tier.figure
        if node.parts_step is not None:
            price = round_to_step(price, step=node.parts_step, mode=node.parts_mode)
        total += sign * price
        parts.append(_part(node, sign * part, tier.figure, tier.upto, price=sign * price))
    return total, tuple(parts)


def _fill(amount: Fraction, tiers: tuple[Tier, ...]) -> list[tuple[Fraction, Tier]]:
    """How much of a positive amount falls into each tier; empty tiers are left out."""
    lower, filled = Fraction(0), []
    for tier in tiers:
        upper = amount if tier.upto is None else min(amount, tier.upto)
        if upper > lower:
            filled.append((upper - lower, tier))
            lower = upper
    return filled


def _shared(
    node: tree.Tiered, amount: Fraction, whole: Fraction, tiers: tuple[Tier, ...]
) -> tuple[Fraction, tuple[Step, ...]]:
    """The amount split over the tiers in the proportion in which the whole fills them."""
    filled = _fill(whole, tiers) if whole != 0 else [(Fraction(1), tiers[0])]
    sign = -1 if amount < 0 else 1
    total, parts = Fraction(0), []
    for part, tier in filled:
        own = abs(amount) * part / (whole if whole != 0 else 1)
        price = own * tier.figure
        if node.parts_step is not None:
            price = round_to_step(price, step=node.parts_step, mode=node.parts_mode)
        total += sign * price
        parts.append(_part(node, sign * own, tier.figure, tier.upto, price=sign * price))
    return total, tuple(parts)


def _part(
    node: tree.Tiered,
    part: Fraction,
    figure: Fraction,
    upto: Fraction | None,
    *,
    price: Fraction | None = None,
) -> Step:
    limit = "above the last limit" if upto is None else f"up to {show_short(upto)}"
    return TierStep(
        limit,
        part * figure if price is None else price,
        unit_text(node.unit),
        f"{show_short(part)} × {show_short(figure)}",
        part=part,
        figure=figure,
        upto=upto,
    )


_BY_KIND: dict[type[tree.Node], Callable[[Any, Scope], Step]] = {
    tree.Literal: _literal,
    tree.TextLiteral: _literal,
    tree.FlagLiteral: _literal,
    tree.DateLiteral: lambda node, _scope: Step(node.text, node.value.isoformat()),
    tree.Tiered: _tiered,
    tree.Choice: _choice,
    tree.Use: lambda node, scope: scope.use(node),
    tree.Measured: lambda node, scope: scope.use(node),
    tree.Time: lambda node, scope: scope.time(node),
    tree.Attribute: lambda node, scope: scope.attribute(node),
    tree.Parameter: lambda node, scope: scope.parameter(node),
    tree.ComponentValue: lambda node, scope: scope.amount(node),
}
"""How what is no operation gets its value."""
