"""The one rounding function of the scalar side: exact, to any step, in any mode a tariff may state."""

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction


class RoundingMode(StrEnum):
    """How a value between two steps is rounded. The first three go to the nearest step and differ on ties."""

    HALF_UP = "half_up"
    """Ties away from zero: commercial rounding, and `round(numeric)` of PostgreSQL."""
    HALF_EVEN = "half_even"
    HALF_DOWN = "half_down"
    """Ties toward zero."""
    UP = "up"
    """Away from zero."""
    DOWN = "down"
    """Toward zero: truncation."""
    CEILING = "ceiling"
    FLOOR = "floor"


def round_to_step(
    value: Fraction | Decimal | int, *, step: Fraction | Decimal | int, mode: RoundingMode
) -> Fraction:
    """`value` rounded to a whole multiple of `step`, exactly.

    `step` is positive and of the value's unit: `Decimal("0.01")` for two decimals, 1 for whole numbers,
    `Decimal("0.05")` for Swiss cash. Floats are refused: a binary fraction is not the number that was
    written. Raises TypeError, ValueError.
    """
    if isinstance(value, float) or isinstance(step, float):
        raise TypeError("Floats are not exact; pass an int, a Decimal or a Fraction.")
    exact_step = Fraction(step)
    if exact_step <= 0:
        raise ValueError(f"The rounding step must be positive, not {step}.")
    return exact_step * _whole(Fraction(value) / exact_step, mode)


def _whole(value: Fraction, mode: RoundingMode) -> int:
    """The whole number that `mode` makes of `value`, decided on its size without the sign where the mode is
    symmetric.
    """
    if mode is RoundingMode.CEILING:
        return -(-value.numerator // value.denominator)
    if mode is RoundingMode.FLOOR:
        return value.numerator // value.denominator
    lower, rest = divmod(abs(value.numerator), value.denominator)
    size = lower + _steps_up(lower, rest, value.denominator, mode)
    return -size if value < 0 else size


def _steps_up(lower: int, rest: int, whole: int, mode: RoundingMode) -> int:
    """1 when `lower + rest/whole`, not negative, goes to `lower + 1`, else 0."""
    if mode is RoundingMode.DOWN or rest == 0:
        return 0
    if mode is RoundingMode.UP:
        return 1
    if rest * 2 != whole:
        return int(rest * 2 > whole)
    if mode is RoundingMode.HALF_UP:
        return 1
    if mode is RoundingMode.HALF_DOWN:
        return 0
    return lower % 2
