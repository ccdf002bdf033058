"""What money buys: the most that it covers, by both ways, and refused where there is no answer."""

from datetime import date
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mains.engine.columns import compile_tariffs
from mains.engine.exact import UnableToRate, rate_exact
from mains.engine.facts import MICRO, DatedValue, Facts, Stretch
from mains.engine.purchase import buy_columns, buy_exact
from mains.engine.tariff import Tariff, read_tariff

FIRST, END = date(2024, 5, 20), date(2024, 6, 9)
TARIFF = """
tariff: prepaid
currency: BDT
unit: kWh
attributes: {bought: {type: kWh, default: 0}}
prices:
  vat: 5 %
  service: 12.50 BDT/bill
components:
  - {name: service, formula: service}
  - {name: energy, formula: "tiers(usage, energy, start: bought)"}
  - {name: vat, kind: tax, formula: prices.vat * charges}
total: {round: {to: 0.05, mode: up}}
versions:
  - {valid_from: 2024-01-01, prices: {energy: {unit: BDT/kWh, tiers: [[75, 4.19], [200, 5.72], [null, 11.46]]}}}
  - {valid_from: 2024-06-01, prices: {energy: {unit: BDT/kWh, tiers: [[75, 4.50], [200, 6.10], [null, 12.00]]}}}
"""


def tariff_of(text: str = TARIFF) -> Tariff:
    return read_tariff(text)


def total_of(tariff: Tariff, micro: int, bought: Fraction) -> int:
    use = {"usage": (Stretch(FIRST, END, micro),)}
    return rate_exact(
        tariff=tariff, facts=Facts(FIRST, END, use, {"bought": (DatedValue(bought),)})
    ).total_minor


def segments_of(accounts: list[int]) -> pl.DataFrame:
    rows = [
        (item, "prepaid", first, end, FIRST, END, bought)
        for item, bought in enumerate(accounts)
        for first, end in ((FIRST, date(2024, 6, 1)), (date(2024, 6, 1), END))
    ]
    schema = {
        "item_id": pl.Int64, "tariff": pl.String, "from_date": pl.Date, "to_date": pl.Date, "period_from": pl.Date,
        "period_to": pl.Date, "bought_micro": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


@settings(max_examples=25, deadline=None)
@given(
    paid=st.lists(
        st.one_of(st.sampled_from([0, 1315, 10**9]), st.integers(0, 500_000)), min_size=1, max_size=4
    ),
    step=st.sampled_from([1, MICRO // 10, MICRO]),
    bought=st.integers(0, 300 * MICRO),
)
def test_the_most_that_the_money_covers_by_both_ways(paid: list[int], step: int, bought: int) -> None:
    tariff, before = tariff_of(), Fraction(bought, MICRO)
    found = buy_columns(
        tariffs=compile_tariffs([tariff]),
        segments=segments_of([bought] * len(paid)),
        money=pl.DataFrame({"item_id": range(len(paid)), "money_minor": paid}),
        step_micro=step,
    )
    by_item = {row[0]: row[1:] for row in found.purchases.rows()}
    refused = dict(found.refused.select("item_id", "code").rows())
    for item, money in enumerate(paid):
        facts = Facts(FIRST, END, {}, {"bought": (DatedValue(before),)})
        if total_of(tariff, 0, before) > money:
            assert refused[item] == "purchase-too-small"
            with pytest.raises(UnableToRate, match="The bill of no use"):
                buy_exact(tariff=tariff, facts=facts, money_minor=money, step_micro=step)
            continue
        bought_now = buy_exact(tariff=tariff, facts=facts, money_minor=money, step_micro=step)
        units = bought_now.units_micro
        assert by_item[item] == (units, money - bought_now.remainder_minor, bought_now.remainder_minor)
        assert units % step == 0
        assert total_of(tariff, units, before) <= money < total_of(tariff, units + step, before)


def test_the_bill_of_a_purchase_names_what_was_bought_and_what_is_left() -> None:
    facts = Facts(FIRST, END, {}, {"bought": (DatedValue(Fraction(0)),)})
    purchase = buy_exact(tariff=tariff_of(), facts=facts, money_minor=50_000, step_micro=MICRO // 10)
    lines = {line.component: line for line in purchase.protocol.lines}
    assert lines["purchased"].quantity_micro == purchase.units_micro
    assert lines["remainder"].amount_minor == purchase.remainder_minor
    assert purchase.protocol.total_minor + purchase.remainder_minor == 50_000


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("tiers(usage, energy, start: bought)", "tiers(usage, energy) * 0", "purchase-without-end"),
        ("tiers(usage, energy, start: bought)", "tiers(usage.day, energy)", "purchase-by-zone"),
        ("tiers(usage, energy, start: bought)", "tiers(usage, energy) * bought / bought", "division-by-zero"),
    ],
)
def test_a_purchase_without_an_answer_is_refused(old: str, new: str, code: str) -> None:
    facts = Facts(FIRST, END, {}, {"bought": (DatedValue(Fraction(0)),)})
    with pytest.raises(UnableToRate) as caught:
        buy_exact(
            tariff=tariff_of(TARIFF.replace(old, new)),
            facts=facts,
            money_minor=50_000,
            step_micro=MICRO // 10,
        )
    assert caught.value.code == code
    assert caught.value.remedy
