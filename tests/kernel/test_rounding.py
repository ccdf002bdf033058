from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
)
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mains.kernel.rounding import RoundingMode, round_to_step

DECIMAL_NAMES = {
    RoundingMode.HALF_UP: ROUND_HALF_UP,
    RoundingMode.HALF_EVEN: ROUND_HALF_EVEN,
    RoundingMode.HALF_DOWN: ROUND_HALF_DOWN,
    RoundingMode.UP: ROUND_UP,
    RoundingMode.DOWN: ROUND_DOWN,
    RoundingMode.CEILING: ROUND_CEILING,
    RoundingMode.FLOOR: ROUND_FLOOR,
}
HALVES = {
    RoundingMode.HALF_UP: [-3, -2, -1, 1, 2, 3],
    RoundingMode.HALF_EVEN: [-2, -2, 0, 0, 2, 2],
    RoundingMode.HALF_DOWN: [-2, -1, 0, 0, 1, 2],
    RoundingMode.UP: [-3, -2, -1, 1, 2, 3],
    RoundingMode.DOWN: [-2, -1, 0, 0, 1, 2],
    RoundingMode.CEILING: [-2, -1, 0, 1, 2, 3],
    RoundingMode.FLOOR: [-3, -2, -1, 0, 1, 2],
}
modes = st.sampled_from(RoundingMode)
tie_rich = st.integers(-(10**24), 10**24).map(lambda whole: Decimal(whole) * 5 / 1000)


@pytest.mark.parametrize("mode", RoundingMode)
def test_halves(mode: RoundingMode) -> None:
    halves = [Decimal(text) for text in ("-2.5", "-1.5", "-0.5", "0.5", "1.5", "2.5")]
    assert [round_to_step(half, step=1, mode=mode) for half in halves] == HALVES[mode]


@given(value=tie_rich, mode=modes)
def test_agrees_with_decimal(value: Decimal, mode: RoundingMode) -> None:
    expected = value.quantize(Decimal("0.01"), rounding=DECIMAL_NAMES[mode], context=Context(prec=60))
    assert round_to_step(value, step=Decimal("0.01"), mode=mode) == Fraction(expected)


@given(
    value=st.fractions(),
    step=st.fractions(min_value=Fraction(1, 10**6), max_value=1000),
    mode=modes,
)
def test_result_is_a_step_within_one_step(value: Fraction, step: Fraction, mode: RoundingMode) -> None:
    rounded = round_to_step(value, step=step, mode=mode)
    assert (rounded / step).denominator == 1
    assert abs(rounded - value) < step
    if mode.value.startswith("half"):
        assert abs(rounded - value) * 2 <= step


@given(value=st.fractions(), step=st.fractions(min_value=Fraction(1, 1000), max_value=10), mode=modes)
def test_rounding_twice_changes_nothing(value: Fraction, step: Fraction, mode: RoundingMode) -> None:
    once = round_to_step(value, step=step, mode=mode)
    assert round_to_step(once, step=step, mode=mode) == once


def test_five_centime_step() -> None:
    step = Decimal("0.05")
    assert round_to_step(Decimal("12.37"), step=step, mode=RoundingMode.HALF_UP) == Fraction("12.35")
    assert round_to_step(Decimal("12.375"), step=step, mode=RoundingMode.HALF_UP) == Fraction("12.40")


@pytest.mark.parametrize(("value", "step"), [(0.5, 1), (1, 0.01)])
def test_floats_are_refused(value: float, step: float) -> None:
    with pytest.raises(TypeError, match="not exact"):
        round_to_step(value, step=step, mode=RoundingMode.HALF_UP)


@pytest.mark.parametrize("step", [0, -1])
def test_a_step_is_positive(step: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        round_to_step(1, step=step, mode=RoundingMode.HALF_UP)
