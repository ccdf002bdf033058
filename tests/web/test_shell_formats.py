"""Numbers, money and dates as readers of six languages write them."""

from datetime import date
from decimal import Decimal

import pytest
from django.template import engines
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from mains.base import formats

LANGUAGES = ["en", "ru", "tr", "zh-hans", "de", "fr"]
NBSP = "\N{NO-BREAK SPACE}"
THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", f"{MINUS}₽1,234,567.50"),
        ("ru", f"{MINUS}1{NBSP}234{NBSP}567,50{NBSP}₽"),
        ("tr", f"{MINUS}₽1.234.567,50"),
        ("zh-hans", f"{MINUS}₽1,234,567.50"),
        ("de", f"{MINUS}1.234.567,50{NBSP}₽"),
        ("fr", f"{MINUS}1{THIN}234{THIN}567,50{NBSP}₽"),
    ],
)
def test_money_follows_the_language(language: str, text: str) -> None:
    assert formats.money_text(-123_456_750, currency="RUB", language=language) == text


@given(minor=st.integers(-(10**18), 10**18), language=st.sampled_from(LANGUAGES))
def test_no_digit_of_an_amount_is_lost(minor: int, language: str) -> None:
    text = formats.amount_text(minor, language=language)
    digits = "".join(character for character in text if character.isdigit())
    assert int(digits) == abs(minor)
    assert (MINUS in text) == (minor < 0)
    assert "-" not in text


@pytest.mark.parametrize(
    ("micro", "decimals", "text"),
    [
        (1_234_500_000, 6, "1,234.5"),
        (1, 6, "0.000001"),
        (5_000_000, 6, "5"),
        (2_500_000, 0, "3"),
        (-2_500_000, 0, f"{MINUS}3"),
        (2_499_999, 0, "2"),
        (1_005_000, 2, "1.01"),
    ],
)
def test_quantities_drop_zeros_and_round_half_up(micro: int, decimals: int, text: str) -> None:
    assert formats.quantity_text(micro, unit="", language="en", decimals=decimals) == text


def test_units_are_written_in_the_readers_language() -> None:
    with translation.override("ru"):
        assert formats.quantity_text(1_500_000, unit="kWh", language="ru") == f"1,5{NBSP}кВт·ч"
    with translation.override("de"):
        assert formats.quantity_text(1_500_000, unit="m3", language="de") == f"1,5{NBSP}m³"
    assert formats.unit_text("NGN/kWh") == "NGN/kWh"


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "97.3%"), ("ru", f"97,3{NBSP}%"), ("tr", "%97,3"), ("zh-hans", "97.3%"), ("de", f"97,3{NBSP}%")],
)
def test_shares_become_percentages(language: str, text: str) -> None:
    assert formats.percent_text(Decimal("0.9734"), language=language) == text


def test_a_period_is_shown_by_its_last_day_and_a_whole_month_by_name() -> None:
    assert formats.period_text(date(2026, 2, 1), date(2026, 3, 1), language="en") == "February 2026"
    assert formats.period_text(date(2026, 2, 1), date(2026, 2, 28), language="en") == "1–27 Feb 2026"
    assert formats.period_text(date(2026, 2, 5), date(2026, 2, 6), language="en") == "5 Feb 2026"
    assert formats.month_text(date(2026, 10, 5), language="de") == "Oktober 2026"


def test_short_money_keeps_the_sign_of_the_currency_at_its_place() -> None:
    assert formats.money_short_text(-123_456_789_000, currency="NGN", language="en") == f"{MINUS}₦1.2B"
    assert formats.money_short_text(123_456_789_000, currency="RUB", language="ru") == f"1,2{NBSP}млрд{NBSP}₽"


def test_filters_isolate_numbers_and_accept_nothing() -> None:
    source = '{{ minor|money:"NGN" }}|{{ none|money:"NGN" }}|{{ none|quantity:"kWh" }}|{{ none|local_date }}'
    shown = engines["django"].from_string(source).render({"minor": -5, "none": None})
    assert shown == f'<bdi class="amount">{MINUS}₦0.05</bdi>|||'


def test_filters_escape_what_they_are_given() -> None:
    shown = (
        engines["django"]
        .from_string("{{ 1|quantity:unit }}{% state label %}")
        .render({"unit": "<b>", "label": "<i>"})
    )
    assert "<b>" not in shown
    assert "<i>" not in shown
