from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mains.kernel.money import Currency, Money, UnableToMixCurrencies, UnableToReadMoney
from mains.kernel.rounding import RoundingMode

NAIRA = Currency("NGN")
ROUBLE = Currency("RUB")
minors = st.integers(-(2**63), 2**63 - 1)


@given(minors)
def test_text_and_back(minor: int) -> None:
    money = Money(minor, NAIRA)
    assert Money.parse(f"{money.units:f}", NAIRA) == money
    assert money.units * 100 == minor


@given(minors, minors)
def test_sums_and_differences_are_exact(left: int, right: int) -> None:
    total = Money(left, NAIRA) + Money(right, NAIRA)
    assert total.minor == left + right
    assert total - Money(right, NAIRA) == Money(left, NAIRA)
    assert (Money(left, NAIRA) < Money(right, NAIRA)) == (left < right)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(UnableToMixCurrencies):
        Money(1, NAIRA) + Money(1, ROUBLE)
    with pytest.raises(UnableToMixCurrencies):
        _ = Money(1, NAIRA) < Money(1, ROUBLE)
    assert Money(1, NAIRA) != Money(1, ROUBLE)


def test_rounding_is_stated() -> None:
    third = Fraction(1, 3)
    assert Money.rounded(third, NAIRA) == Money(33, NAIRA)
    assert Money.rounded(third, NAIRA, mode=RoundingMode.UP) == Money(34, NAIRA)
    assert Money.rounded(Decimal("-0.005"), NAIRA) == Money(-1, NAIRA)


@pytest.mark.parametrize("text", ["", "1,50", "1.505", "1e3", "--1", "٣", "NaN", "+1"])
def test_texts_that_are_not_money(text: str) -> None:
    with pytest.raises(UnableToReadMoney) as caught:
        Money.parse(text, NAIRA)
    assert caught.value.params["text"] == text


@pytest.mark.parametrize(("text", "minor"), [("0", 0), ("-0.05", -5), ("1234.5", 123450), (" 7 ", 700)])
def test_texts_that_are_money(text: str, minor: int) -> None:
    assert Money.parse(text, NAIRA) == Money(minor, NAIRA)


def test_only_whole_minor_units() -> None:
    with pytest.raises(TypeError):
        Money(1.5, NAIRA)
    with pytest.raises(TypeError):
        _ = Money(1, NAIRA) * 0.5
    assert 3 * Money(2, NAIRA) == Money(6, NAIRA)


def test_shown_in_messages() -> None:
    assert str(Money(-123456789, ROUBLE)) == "RUB -1,234,567.89"


@pytest.mark.parametrize("code", ["", "ngn", "NGNN", "N1N", "ЖЖЖ"])
def test_currency_codes(code: str) -> None:
    with pytest.raises(ValueError, match="three capital letters"):
        Currency(code)
