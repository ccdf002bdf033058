"""Net amounts and VAT of random bills sum to the bill, to the minor unit; VAT is what was posted."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mains.engine.tariff import read_tariff
from mains.integrations.einvoice.queries.amounts import Posted, split_amounts
from mains.integrations.einvoice.queries.lines import find_price
from mains.integrations.einvoice.queries.vat import VatRule, find_rule, is_vat
from mains.integrations.einvoice.values.legal import UnableToMakeInvoice
from mains.kernel.rounding import RoundingMode, round_quotient

MONTH = (date(2024, 5, 1), date(2024, 6, 1))
RATES = st.sampled_from(
    [Fraction(19, 100), Fraction(20, 100), Fraction(15, 200), Fraction(7, 100), Fraction(0)]
)


def half_up(value: Fraction) -> int:
    return round_quotient(value.numerator, value.denominator, RoundingMode.HALF_UP)


@st.composite
def posted_bills(draw: st.DrawFn) -> list[Posted]:
    """Items with charges, subsidies and corrections, VAT on top or inside, lines without VAT, and a rounding."""
    lines: list[Posted] = []
    for agreement in range(draw(st.integers(1, 4))):
        item = (agreement, MONTH[0])
        amounts = draw(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=5))
        for place, amount in enumerate(amounts):
            kind = draw(st.sampled_from(["charge", "subsidy", "tax"]))
            lines.append(
                Posted(item=item, component=f"c{place}", kind=kind, amount_minor=amount, period=MONTH)
            )
        if draw(st.booleans()):
            rate, is_included = draw(RATES), draw(st.booleans())
            covered = draw(st.sets(st.integers(0, len(amounts) - 1), min_size=1))
            base = sum(amounts[place] for place in covered)
            rule = VatRule(
                rate=rate, covers=frozenset(f"c{place}" for place in covered), is_included=is_included
            )
            share = rate / (1 + rate) if is_included else rate
            kind = "tax_included" if is_included else "tax"
            lines.append(
                Posted(
                    item=item,
                    component="vat",
                    kind=kind,
                    amount_minor=half_up(base * share),
                    period=MONTH,
                    rule=rule,
                )
            )
    if draw(st.booleans()):
        lines.append(
            Posted(
                item=(0, MONTH[0]),
                component="rounding",
                kind="rounding",
                amount_minor=draw(st.integers(-99, 99)),
                period=MONTH,
            )
        )
    return lines


@settings(max_examples=300, deadline=None)
@given(posted_bills())
def test_net_and_vat_and_rounding_are_the_bill(posted):
    amounts = split_amounts(posted)
    net = sum(value for value, _rate in amounts.nets.values())
    vat = sum(totals.tax_minor for totals in amounts.rates.values())
    billed = sum(line.amount_minor for line in posted if line.kind != "tax_included")
    assert net + vat + amounts.rounding_minor == billed
    assert vat == sum(line.amount_minor for line in posted if line.rule is not None)
    for rate, totals in amounts.rates.items():
        assert totals.taxable_minor == sum(value for value, of in amounts.nets.values() if of == rate)
        assert abs(totals.tax_minor - totals.taxable_minor * rate) <= totals.bound_minor
    assert set(amounts.nets) == {
        place for place, line in enumerate(posted) if line.rule is None and line.kind != "rounding"
    }


@given(st.integers(1, 10**15), st.integers(0, 10**11))
def test_a_price_is_found_that_gives_the_line(micro, net_minor):
    quantity = Fraction(micro, 10**6)
    price = find_price(quantity=quantity, net_minor=net_minor, wanted=None)
    if price is None:
        assert quantity * Fraction(1, 10**15) * 100 > 1 or quantity < Fraction(1, 100)
    else:
        assert price >= 0
        assert half_up(quantity * Fraction(price) * 100) == net_minor


def test_the_tariffs_own_price_is_kept_where_it_gives_the_line():
    assert str(find_price(quantity=Fraction(350), net_minor=10_931, wanted=Fraction("0.3123"))) == "0.3123"
    assert str(find_price(quantity=Fraction(350), net_minor=10_930, wanted=Fraction("0.3123"))) != "0.3123"


def test_vat_without_its_base_is_refused():
    rule = VatRule(rate=Fraction(1, 5), covers=frozenset({"energy"}), is_included=False)
    alone = Posted(item=(1, MONTH[0]), component="vat", kind="tax", amount_minor=500, period=MONTH, rule=rule)
    with pytest.raises(UnableToMakeInvoice, match="not the rate of the amounts"):
        split_amounts([alone])


def test_two_rates_on_one_line_are_refused():
    item = (1, MONTH[0])
    rules = [
        VatRule(rate=Fraction(part, 100), covers=frozenset({"energy"}), is_included=False) for part in (5, 20)
    ]
    charge = Posted(item=item, component="energy", kind="charge", amount_minor=100, period=MONTH)
    vats = [
        Posted(item=item, component="vat", kind="tax", amount_minor=5, period=MONTH, rule=rule)
        for rule in rules
    ]
    with pytest.raises(UnableToMakeInvoice, match="several rates"):
        split_amounts([charge, *vats])


TARIFF = """
tariff: test
title: {{en: Test}}
currency: EUR
unit: kWh
prices:
  price: {{unit: EUR/kWh, value: 0.3}}
  base: {{unit: EUR/month, value: 5}}
  vat: 19 %
components:
  - {{name: energy, formula: usage * price}}
  - {{name: fixed, formula: base * months}}
  - {{name: levy, kind: tax, formula: 0.05 * energy}}
  - {{name: vat, kind: {kind}, formula: "{formula}"}}
"""


@pytest.mark.parametrize(
    ("kind", "formula", "rate", "covers"),
    [
        ("tax", "vat * (energy + fixed)", Fraction(19, 100), {"energy", "fixed"}),
        ("tax", "vat * charges", Fraction(19, 100), {"energy", "fixed"}),
        ("tax", "vat * subtotal", Fraction(19, 100), {"energy", "fixed", "levy"}),
        ("tax", "(energy + fixed) * 7 / 100", Fraction(7, 100), {"energy", "fixed"}),
        ("tax_included", "vat / (1 + vat) * (energy + fixed)", Fraction(19, 100), {"energy", "fixed"}),
        ("tax_included", "energy * vat / (1 + vat)", Fraction(19, 100), {"energy"}),
    ],
)
def test_rate_and_base_of_vat_are_read_from_its_formula(kind, formula, rate, covers):
    tariff = read_tariff(TARIFF.format(kind=kind, formula=formula))
    rule = find_rule(tariff=tariff, component="vat", day=date(2024, 5, 1))
    assert (rule.rate, rule.covers, rule.is_included) == (rate, covers, kind == "tax_included")


@pytest.mark.parametrize(
    "formula", ["vat * energy + 0.5 * fixed", "vat * max(energy, fixed)", "vat * energy + base * months"]
)
def test_a_formula_that_is_not_one_rate_is_refused_with_its_place(formula):
    tariff = read_tariff(TARIFF.format(kind="tax", formula=formula))
    with pytest.raises(UnableToMakeInvoice) as refusal:
        find_rule(tariff=tariff, component="vat", day=date(2024, 5, 1))
    assert refusal.value.place == "tariff test, component vat"


def test_what_is_vat_is_told_by_its_name_or_by_the_supplier():
    assert is_vat("vat", named=frozenset())
    assert is_vat("vat_inside", named=frozenset())
    assert not is_vat("levy", named=frozenset())
    assert is_vat("levy", named=frozenset({"levy"}))
