"""Columns of exact fractions: a numerator over a fixed number and, where rows differ, a denominator column.

Integers only: multiply first, divide never, round once. Every column carries a bound on its size; an
operation whose result could
pass 2^127 raises `TooLarge` before it is done, so nothing ever wraps. Columns of one row stand for all rows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import gcd

import polars as pl

from mains.kernel.rounding import RoundingMode

_SMALL, _LARGE = 2**63, 2**127


class TooLarge(Exception):
    """A result might not fit 128 bits; the caller rates fewer or smaller rows, or rates exactly."""


@dataclass(frozen=True)
class Rational:
    """`num / (scale × den)`. `top` and `den_top` bound |num| and den. `bad` marks rows without a value by
    reason number (0 is good).
    """

    num: pl.Series
    scale: int
    top: int
    den: pl.Series | None = None
    den_top: int = 1
    bad: pl.Series | None = None
    constant: Fraction | None = None


def integers(value: int) -> pl.Series:
    """One row holding an integer."""
    return _one_row(value, _dtype(abs(value)))


@lru_cache(maxsize=4096)
def _one_row(value: int, dtype: type[pl.DataType]) -> pl.Series:
    """Kept, because a formula needs the same few numbers for every group, and making a column of one is slow."""
    return pl.Series([value], dtype=dtype)


def constant(value: Fraction | int, *, bad: pl.Series | None = None) -> Rational:
    value = Fraction(value)
    return Rational(
        integers(value.numerator), value.denominator, abs(value.numerator), bad=bad, constant=value
    )


def column(num: pl.Series, *, scale: int, bad: pl.Series | None = None) -> Rational:
    """A column of integers over a fixed denominator; its bound is measured."""
    return Rational(num, scale, _measure(num), bad=bad)


def _dtype(bound: int) -> type[pl.Int64] | type[pl.Int128]:
    if bound < _SMALL:
        return pl.Int64
    if bound < _LARGE:
        return pl.Int128
    raise TooLarge


def _measure(series: pl.Series) -> int:
    if not len(series):
        return 0
    low, high = series.min(), series.max()
    assert isinstance(low, int)
    assert isinstance(high, int)
    return max(abs(low), abs(high))


def _tight(value: Rational) -> Rational:
    """The same column with measured bounds."""
    den_top = value.den_top if value.den is None else _measure(value.den)
    return replace(value, top=_measure(value.num), den_top=den_top)


def _guarded(
    operation: Callable[[Rational, Rational], Rational], left: Rational, right: Rational
) -> Rational:
    """Does the operation on propagated bounds; where these are too wide, once more on measured ones."""
    try:
        return operation(left, right)
    except TooLarge:
        return operation(_tight(left), _tight(right))


def _times(series: pl.Series, other: pl.Series | int, bound: int) -> pl.Series:
    dtype = _dtype(bound)
    if isinstance(other, int):
        if other == 1:
            return series
        other = _one_row(other, dtype)
    return series.cast(dtype) * other.cast(dtype)


def _minus(series: pl.Series) -> pl.Series:
    # Polars has no negation of Int128.
    return series * pl.Series([-1], dtype=series.dtype)


def join_bad(*flags: pl.Series | None) -> pl.Series | None:
    """The first reason of each row."""
    joined: pl.Series | None = None
    for flag in flags:
        if flag is None or flag is joined:
            continue
        joined = flag if joined is None else _pick(joined != 0, joined, flag)
    return joined


def _pick(mask: pl.Series, then: pl.Series, otherwise: pl.Series) -> pl.Series:
    size = max(len(mask), len(then), len(otherwise))
    if size > 1:
        mask, then, otherwise = (
            item if len(item) == size else item.new_from_index(0, size) for item in (mask, then, otherwise)
        )
    return then.zip_with(mask, otherwise)


def pick_bad(mask: pl.Series, then: pl.Series | None, otherwise: pl.Series | None) -> pl.Series | None:
    """Reasons of the branch taken."""
    if then is None and otherwise is None:
        return None
    good = _one_row(0, pl.Int16)
    return _pick(mask, then if then is not None else good, otherwise if otherwise is not None else good)


def _aligned(left: Rational, right: Rational) -> tuple[Rational, Rational]:
    """Both over the same denominator."""
    common = left.scale * right.scale // gcd(left.scale, right.scale)
    left, right = _rescaled(left, common), _rescaled(right, common)
    if left.den is right.den:
        return left, right
    return _spread(left, right), _spread(right, left)


def _rescaled(value: Rational, scale: int) -> Rational:
    factor = scale // value.scale
    top = value.top * factor
    return (
        value
        if factor == 1
        else replace(value, num=_times(value.num, factor, max(top, factor)), top=top, scale=scale)
    )


def _spread(value: Rational, other: Rational) -> Rational:
    """The value over its own denominator times the other's."""
    if other.den is None:
        return value
    top = value.top * other.den_top
    num = _times(value.num, other.den, max(top, other.den_top))
    den, den_top = _product_den(value, other)
    return replace(value, num=num, top=top, den=den, den_top=den_top)


def _product_den(left: Rational, right: Rational) -> tuple[pl.Series | None, int]:
    if left.den is None or right.den is None:
        return (left.den, left.den_top) if right.den is None else (right.den, right.den_top)
    bound = left.den_top * right.den_top
    return _times(left.den, right.den, bound), bound


def add(left: Rational, right: Rational) -> Rational:
    if left.constant is not None and right.constant is not None:
        return constant(left.constant + right.constant, bad=join_bad(left.bad, right.bad))
    for value, other in ((left, right), (right, left)):
        if value.constant == 0 and value.bad is None:
            return other
    return _guarded(_add, left, right)


def _add(left: Rational, right: Rational) -> Rational:
    left, right = _same_den(left, right)
    top = left.top + right.top
    dtype = _dtype(top)
    return replace(
        left,
        num=left.num.cast(dtype) + right.num.cast(dtype),
        top=top,
        bad=join_bad(left.bad, right.bad),
        constant=None,
    )


def _same_den(left: Rational, right: Rational) -> tuple[Rational, Rational]:
    if _alike(left.den, right.den):
        return _aligned(left, replace(right, den=left.den, den_top=left.den_top))
    left, right = _aligned(left, right)
    # Both denominators are the same product; keeping one object keeps later sums cheap.
    return left, replace(right, den=left.den, den_top=left.den_top)


def _alike(den: pl.Series | None, other: pl.Series | None) -> bool:
    """Whether two denominator columns are equal: shares of one whole then add up without growing."""
    if den is other:
        return True
    return den is not None and other is not None and len(den) == len(other) and bool((den == other).all())


def negate(value: Rational) -> Rational:
    if value.constant is not None:
        return constant(-value.constant, bad=value.bad)
    return replace(value, num=_times(value.num, -1, max(value.top, 1)))


def subtract(left: Rational, right: Rational) -> Rational:
    return add(left, negate(right))


def multiply(left: Rational, right: Rational) -> Rational:
    if left.constant is not None and right.constant is not None:
        return constant(left.constant * right.constant, bad=join_bad(left.bad, right.bad))
    if left.constant is not None:
        left, right = right, left
    return _guarded(_multiply, left, right)


def _multiply(left: Rational, right: Rational) -> Rational:
    if right.constant is not None and right.constant != 0:
        # Cancelling against the fixed denominator keeps numbers small.
        shared = gcd(right.constant.numerator, left.scale)
        factor = right.constant.numerator // shared
        top = left.top * abs(factor)
        num = _times(left.num, factor, max(top, abs(factor)))
        scale = left.scale // shared * right.constant.denominator
        return replace(left, num=num, top=top, scale=scale, bad=join_bad(left.bad, right.bad))
    top = left.top * right.top
    den, den_top = _product_den(left, right)
    num = _times(left.num, right.num, max(top, left.top, right.top))
    return Rational(num, left.scale * right.scale, top, den, den_top, join_bad(left.bad, right.bad))


def divide(left: Rational, right: Rational, *, reason: int) -> Rational:
    """Rows whose divisor is zero are bad for `reason`."""
    if right.constant is not None and right.constant != 0:
        return multiply(left, constant(1 / right.constant, bad=right.bad))
    return _guarded(lambda over, under: _divide(over, under, reason), left, right)


def _divide(left: Rational, right: Rational, reason: int) -> Rational:
    zero = right.num == 0
    dtype = _dtype(max(right.top, 1))
    one = _one_row(1, dtype)
    under = right.num.cast(dtype)
    size = _pick(zero, one, under.abs())
    sign = _pick(under < 0, _minus(one), one)
    shared = gcd(left.scale, right.scale)
    factor = right.scale // shared
    top = left.top * right.den_top * factor
    num = _times(left.num, factor, max(left.top * factor, factor))
    if right.den is not None:
        num = _times(num, right.den, max(top, right.den_top))
    num = _times(num, sign, max(top, 1))
    inverse = Rational(one, 1, 1, size, max(right.top, 1))
    den, den_top = _product_den(left, inverse)
    bad = join_bad(left.bad, right.bad)
    if zero.any():
        bad = join_bad(bad, _pick(zero, pl.Series([reason], dtype=pl.Int16), pl.Series([0], dtype=pl.Int16)))
    return Rational(num, left.scale // shared, top, den, den_top, bad)


def magnitude(value: Rational) -> Rational:
    if value.constant is not None:
        return constant(abs(value.constant), bad=value.bad)
    return replace(value, num=value.num.cast(_dtype(value.top)).abs())


def compare(operator: str, left: Rational, right: Rational) -> pl.Series:
    """Truth of `left operator right` in each row."""
    try:
        first, second = _same_den(left, right)
    except TooLarge:
        first, second = _same_den(_tight(left), _tight(right))
    dtype = _dtype(max(first.top, second.top))
    one, other = first.num.cast(dtype), second.num.cast(dtype)
    match operator:
        case "<":
            return one < other
        case "<=":
            return one <= other
        case ">":
            return one > other
        case ">=":
            return one >= other
        case "==":
            return one == other
    return one != other


def pick(mask: pl.Series, then: Rational, otherwise: Rational) -> Rational:
    """`then` where the mask holds, else `otherwise`; reasons follow the branch taken."""
    bad = pick_bad(mask, then.bad, otherwise.bad)
    if len(mask) == 1:
        return replace(then if mask[0] else otherwise, bad=bad)
    chosen = _guarded(lambda first, second: _choose(mask, first, second), then, otherwise)
    return replace(chosen, bad=bad)


def _choose(mask: pl.Series, then: Rational, otherwise: Rational) -> Rational:
    then, otherwise = _same_den(then, otherwise)
    top = max(then.top, otherwise.top)
    dtype = _dtype(top)
    num = _pick(mask, then.num.cast(dtype), otherwise.num.cast(dtype))
    return replace(then, num=num, top=top, constant=None)


def extreme(operator: str, left: Rational, right: Rational) -> Rational:
    """The smaller (`min`) or larger (`max`) of two columns."""
    first = compare("<=" if operator == "min" else ">=", left, right)
    chosen = pick(first, replace(left, bad=None), replace(right, bad=None))
    return replace(chosen, bad=join_bad(left.bad, right.bad))


def round_to(value: Rational, *, step: Fraction, mode: RoundingMode) -> Rational:
    """Each row rounded to a multiple of `step`."""
    try:
        return _round_to(value, step, mode)
    except TooLarge:
        return _round_to(_tight(value), step, mode)


def _round_to(value: Rational, step: Fraction, mode: RoundingMode) -> Rational:
    shared = gcd(step.denominator, value.scale)
    up = step.denominator // shared
    under = value.scale // shared * step.numerator
    over_top, under_top = value.top * up, under * value.den_top
    over = _times(value.num, up, max(over_top, up))
    below = integers(under) if value.den is None else _times(value.den, under, max(under_top, under))
    whole = _divide_rounding(over, below, mode, bound=2 * over_top + 2 * under_top)
    top = over_top // under + 1
    num = _times(whole, step.numerator, max(top * step.numerator, step.numerator))
    return Rational(num, step.denominator, top * step.numerator, bad=value.bad)


def _divide_rounding(over: pl.Series, below: pl.Series, mode: RoundingMode, *, bound: int) -> pl.Series:
    """Rounded quotient of integers, `below` positive: each mode as one floor division of shifted numbers."""
    dtype = _dtype(bound)
    over, below = over.cast(dtype), below.cast(dtype)
    one, two = _one_row(1, dtype), _one_row(2, dtype)
    match mode:
        case RoundingMode.FLOOR:
            return over // below
        case RoundingMode.CEILING:
            return _minus(_minus(over) // below)
    size = over.abs()
    match mode:
        case RoundingMode.DOWN:
            whole = size // below
        case RoundingMode.UP:
            whole = (size + below - one) // below
        case RoundingMode.HALF_UP:
            whole = (size * two + below) // (below * two)
        case RoundingMode.HALF_DOWN:
            whole = (size * two + below - one) // (below * two)
        case _:
            floor = size // below
            rest = (size - floor * below) * two
            odd = floor - (floor // two) * two
            up = (rest > below) | ((rest == below) & (odd == one))
            whole = floor + up.cast(dtype)
    return _pick(over < 0, _minus(whole), whole)


def to_int64(value: Rational, *, per_unit: int) -> pl.Series:
    """`value × per_unit`, rounded half up to whole numbers. Raises TooLarge beyond 64 bits."""
    rounded = round_to(value, step=Fraction(1, per_unit), mode=RoundingMode.HALF_UP)
    scaled = _tight(multiply(rounded, constant(per_unit)))
    if scaled.top >= _SMALL or scaled.scale != 1:
        raise TooLarge
    return scaled.num.cast(pl.Int64)
