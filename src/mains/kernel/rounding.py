"""The one rounding function of the scalar side: exact, to any step, in any mode a tariff may state."""

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import cast


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


class TracedNumber(Fraction):
    """A number that stands for a whole calculation: it has to be told when it is rounded or made an int, for there its
    value would go on alone.
    """

    def rounded_to_step(self, *, step: Fraction, mode: RoundingMode) -> Fraction:
        """As `round_to_step`."""
        raise NotImplementedError

    def as_whole(self) -> Fraction:
        """The number where an int is wanted; it is whole."""
        raise NotImplementedError


def as_int(value: Fraction) -> int:
    """A whole number as an int."""
    if isinstance(value, TracedNumber):
        return cast("int", value.as_whole())
    return int(value)


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
    if isinstance(value, TracedNumber):
        return value.rounded_to_step(step=exact_step, mode=mode)
    steps = Fraction(value) / exact_step
    return exact_step * round_quotient(steps.numerator, steps.denominator, mode)


def round_quotient(dividend: int, divisor: int, mode: RoundingMode) -> int:
    """The whole number that `mode` makes of `dividend / divisor` (the divisor positive), decided on its size without
    the sign where the mode is symmetric.
    """
    if mode is RoundingMode.CEILING:
        return -(-dividend // divisor)
    if mode is RoundingMode.FLOOR:
        return dividend // divisor
    lower, rest = divmod(abs(dividend), divisor)
    size = lower + _steps_up(lower, rest, divisor, mode)
    return -size if dividend < 0 else size


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
