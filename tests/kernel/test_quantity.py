from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mains.kernel.quantity import Quantity, UnableToMixUnits
from mains.kernel.rounding import RoundingMode


@given(st.integers(-(2**63), 2**63 - 1))
def test_value_and_back(micro: int) -> None:
    assert Quantity.exactly(Quantity(micro, "kWh").value, "kWh") == Quantity(micro, "kWh")


def test_more_than_six_decimals_are_refused() -> None:
    with pytest.raises(ValueError, match="6 decimals"):
        Quantity.exactly(Decimal("0.0000001"), "kWh")
    with pytest.raises(TypeError):
        Quantity.exactly(0.1, "kWh")


def test_rounding_is_stated() -> None:
    assert Quantity.rounded(Fraction(2, 3), "m3") == Quantity(666_667, "m3")
    assert Quantity.rounded(Fraction(2, 3), "m3", mode=RoundingMode.DOWN) == Quantity(666_666, "m3")


def test_units_do_not_mix() -> None:
    with pytest.raises(UnableToMixUnits):
        Quantity(1, "kWh") + Quantity(1, "m3")
    assert Quantity(5, "kWh") - Quantity(7, "kWh") == Quantity(-2, "kWh")
    assert -Quantity(5, "kWh") < Quantity(0, "kWh") <= Quantity(0, "kWh")


def test_shown_in_messages() -> None:
    assert str(Quantity(1_234_500_000, "kWh")) == "1,234.5 kWh"
    assert str(Quantity(100_000_000, "m3")) == "100 m3"
