"""What people write before they have read the manual is taken when it can mean only one thing, and otherwise
refused with the right spelling."""

from fractions import Fraction

import pytest

from mains.engine.case import UnableToReadCase, read_case, run_case
from mains.engine.language.units import UnitSystem

CASE = """
case: household
kind: derived
source: computed here
tariff:
  tariff: household
  currency: EUR
  unit: kWh
  attributes: {load: kW, poor: yes/no}
  prices:
    energy: {unit: EUR/kWh, tiers: [[100, 0.20], [null, 0.30]]}
    power: {unit: EUR/kW/day, value: 0.01}
    credit: {unit: EUR, by: poor, yes: 1, no: 0}
    vat: 10 %
  components:
    - {name: energy, formula: "tiers(usage, energy)"}
    - {name: power, formula: power * load * days}
    - {name: social, kind: subsidy, formula: -credit}
    - {name: vat, kind: tax, round: {to: 0.01}, formula: vat * charges}
facts:
  period: {from: 2024-05-01, to: 2024-06-01}
  usage: 150
  attributes: {load: 3, poor: yes}
expect:
  total: 38.52
"""
TIERS = "[[100, 0.20], [null, 0.30]]"


def replaced(old: str, new: str) -> str:
    assert old in CASE
    return CASE.replace(old, new)


def mismatches(text: str) -> list[str]:
    result = run_case(read_case(text, name="case.yaml", open_tariff=lambda file: file))
    return [str(mismatch) for mismatch in result.mismatches]


def refusal(text: str) -> UnableToReadCase:
    with pytest.raises(UnableToReadCase) as caught:
        read_case(text, name="case.yaml", open_tariff=lambda file: file)
    return caught.value


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("EUR/kWh, tiers", "€/kWh, tiers"),
        ("EUR/kWh, tiers", "EUR per kWh, tiers"),
        ("EUR/kWh, tiers", "eur/KWH, tiers"),
        ("{unit: EUR/kWh, tiers: [[100, 0.20], [null, 0.30]]}", "[[100, 20 ct/kWh], [rest, 30 ct/kWh]]"),
        ("EUR/kW/day", "EUR/(kW*day)"),
        ("EUR/kW/day", "EUR/(kW·d)"),
        ("{unit: EUR/kW/day, value: 0.01}", "{unit: EUR/100 kW/day, value: 1}"),
        ("vat: 10 %", "vat: 10%"),
        ("vat: 10 %", "vat: 10 percent"),
        ("vat: 10 %", "vat: 0.1"),
        (TIERS, "[{upto: 100, price: 0.20}, {price: 0.30}]"),
        (TIERS, "[{from: 0, to: 100, price: 0.20}, {from: 101, price: 0.30}]"),
        (TIERS, "[[0, 100, 0.20], [100, inf, 0.30]]"),
        (TIERS, "{100: 0.20, rest: 0.30}"),
        (TIERS, "[[100 kWh, 0.20], [null, 0.30]]"),
        ('- {name: energy, formula: "tiers(usage, energy)"}', "- name: energy\n      formula: TIERS(usage, energy)"),
        ("formula: power * load * days", 'formula: "power × load · days"'),
        ("formula: -credit", 'formula: "if(usage ≥ 100 AND usage <> 0, −1, 0)"'),
        ("round: {to: 0.01}", "round: half-up"),
        ("round: {to: 0.01}", "round: {mode: Half up}"),
        ("kind: tax", "kind: Tax"),
        ("usage: 150", "usage: 0.15 MWh"),
        ("load: 3,", "load: 3000 W,"),
        ("poor: yes}", "poor: true}"),
        ("{from: 2024-05-01, to: 2024-06-01}", "2024-05"),
        ("{from: 2024-05-01, to: 2024-06-01}", '{first_day: "2024/5/1", last_day: 2024-5-31}'),
        ("  period: {from: 2024-05-01, to: 2024-06-01}\n  usage: 150",
         "  readings: {2024-04-30: 1000, 2024-05-31: 1150}"),
        ("total: 38.52", "total: 38.52 EUR"),
    ],
)  # fmt: skip
def test_unambiguous_spelling_is_taken(old: str, new: str) -> None:
    assert mismatches(CASE) == []
    assert mismatches(replaced(old, new)) == []


def test_components_may_be_named_entries() -> None:
    head, tail = CASE.split("  components:\n")
    facts = tail[tail.index("facts:") :]
    named = """  components:
    energy: tiers(usage, energy)
    power: {formula: power * load * days}
    social: {kind: subsidy, formula: -credit}
    vat: {kind: tax, formula: vat * charges}
"""
    assert mismatches(head + named + facts) == []


@pytest.mark.parametrize(
    ("old", "new", "remedy"),
    [
        ("EUR/kW/day", "EUR/kW*day", "EUR/(kW*day)"),
        ("usage: 150", "usage: 1,500", "without a comma"),
        ("usage: 150", "usage: 1e309", "digits"),
        ("usage: 150", "usage: 150 m3", "Give it in kWh"),
        ("round: {to: 0.01}", "round: 2", "{to: 2}"),
        ("formula: -credit", 'formula: "-round(credit, 2)"', "0.01"),
        ("formula: -credit", 'formula: "credit ? 1 : 0"', "if(condition, a, b)"),
        ("formula: -credit", "formula: -1 EUR", "1 [EUR]"),
        ("formula: -credit", "formula: \"if(season == 'summer', -credit, 0)\"", "by: season"),
        ("formula: -credit", "formula: -crdit", "Did you mean “credit”?"),
        ("formula: -credit", "formula: tiers(usage, energy)", "needs quotes"),
        ("kind: subsidy", "kind: discount", "Did you mean “subsidy”?"),
        ("credit: {", "share: {", "is a word of the language"),
        ("by: poor, yes: 1, no: 0", "by: poor, yes: 1", "Add it"),
        ("by: poor", "by: por", "Did you mean “poor”?"),
        (TIERS, "[[0, 100, 0.20], [150, null, 0.30]]", "upper limits are inclusive"),
        ('"tiers(usage, energy)"', '"tiers(usage, energy) * (1 + vat)"', "prices.energy or prices.vat"),
        (TIERS, "[[100, 0,20], [null, 0.30]]", "Decimals have a point"),
        (TIERS, "[{upto: 100, rate: 0.20}, {rate: 0.30}]", "Did you mean “price”?"),
        ("energy: {unit: EUR/kWh,", "energy: {unit: EUR/kWh, limit_unit: kWh/month,", "scale: months(30)"),
        ("energy: {unit: EUR/kWh,", "energy: {unit: EUR/kWh, limit_unit: kWh/day,", "scale: days"),
        ("energy: {unit: EUR/kWh,", "energy: {unit: EUR/kWh, limit_unit: kWh/person,", "a figure in person"),
        ('"tiers(usage, energy)"', '"tiers(load, energy) * 1 [kWh/kW]"', "limit_unit: kW"),
        ("energy: {unit: EUR/kWh, tiers: [[100, 0.20], [null, 0.30]]}",
         "energy: {unit: EUR/kWh, by: zone, day: 0.30, night: 0.20}", "energy.day or energy.night"),
        ("energy: {unit: EUR/kWh, tiers: [[100, 0.20], [null, 0.30]]}",
         "energy: {unit: EUR/kWh, by: zone, day: 0.30, off-peak: 0.20}", "such as off_peak"),
        ("currency: EUR", "currency: eur", "Write EUR."),
        ("period: {from: 2024-05-01, to:", "period: {start: 2024-05-01, to:", "Did you mean “from”?"),
        ("usage: 150", "usage: 150\n  readings: {2024-04-30: 1, 2024-05-31: 151}", "Keep one"),
        ("  usage: 150", "  readings: {2024-04-30: 1, 2024-05-20: 151}", "Cover every day"),
        ("usage: 150", "usage: [{from: 2024-05-01, to: 2024-05-20, value: 150}]", "Cover every day"),
    ],
)  # fmt: skip
def test_doubtful_spelling_is_refused_with_the_right_one(old: str, new: str, remedy: str) -> None:
    error = refusal(replaced(old, new))
    assert remedy in f"{error.message} {error.remedy}"
    assert "case.yaml, line " in error.place


@pytest.mark.parametrize(
    ("currency", "unit", "text", "base", "factor"),
    [
        ("CHF", "kWh", "Rp/kWh", "CHF/kWh", Fraction(1, 100)),
        ("IDR", "m3", "Rp/m³", "IDR/m3", Fraction(1)),
        ("KWD", "kWh", "fils/kWh", "KWD/kWh", Fraction(1, 1000)),
        ("AED", "kWh", "fils/kWh", "AED/kWh", Fraction(1, 100)),
        ("ZAR", "kl", "R/kL", "ZAR/kl", Fraction(1)),
        ("AUD", "kl", "l/day", "kl/day", Fraction(1, 1000)),
        ("USD", "gal", "USD per 1000 gallons", "USD/gal", Fraction(1, 1000)),
        ("USD", "ccf", "$/hcf", "USD/ccf", Fraction(1)),
        ("INR", "kWh", "paise/unit", "INR/kWh", Fraction(1, 100)),
        ("INR", "kWh", "Rs./kWh", "INR/kWh", Fraction(1)),
        ("RUB", "Gcal", "руб./Гкал/мес.", "RUB/Gcal/month", Fraction(1)),
        ("EUR", "kWh", "kWh/m^2/month", "kWh/m2/month", Fraction(1)),
    ],
)
def test_units_of_price_lists(currency: str, unit: str, text: str, base: str, factor: Fraction) -> None:
    found, size = UnitSystem(currency, unit).parse(text)
    assert (str(found), size) == (base, factor)


def test_megalitre_and_millilitre_are_not_mistaken_for_each_other() -> None:
    units = UnitSystem("AUD", "m3")
    assert (units.parse("ML")[1], units.parse("ml")[1]) == (1000, Fraction(1, 10**6))
    assert units.parse("Ml")[0] != units.use


def test_a_meter_exchanged_in_the_period_is_two_registers() -> None:
    registers = """  readings:
    - {meter: A, digits: 4, list: [{date: 2024-04-30, value: 9990}, {date: 2024-05-14, value: 90}]}
    - {meter: B, multiplier: 10, list: [{date: 2024-05-14, value: 0}, {date: 2024-05-31, value: 5}]}"""
    assert mismatches(replaced("  usage: 150", registers)) == []


@pytest.mark.parametrize(
    ("currency", "unit", "price", "limit", "fee"),
    [
        ("RUB", "кВт·ч", "руб/кВт·ч", "кВт·ч/мес", "руб/мес"),
        ("RUB", "кВтч", "коп/кВт*ч", "кВт-ч/месяц", "руб/месяц"),
        ("TRY", "kWh", "TL/kWh", "kWh/ay", "₺/ay"),
        ("CNY", "千瓦时", "元/千瓦时", "kWh/月", "元/月"),
        ("EUR", "kW·h", "€/kW·h", "kWh/Monat", "€/mois"),
    ],
)
def test_units_are_read_in_the_languages_of_price_lists(
    currency: str, unit: str, price: str, limit: str, fee: str
) -> None:
    units = UnitSystem(currency, unit)
    kwh, month = units.parse("kWh")[0], units.parse("month")[0]
    assert units.use == kwh
    assert units.parse(price) == (units.money / kwh, Fraction(1, 100 if "коп" in price else 1))
    assert units.parse(limit)[0] == kwh / month
    assert units.parse(fee)[0] == units.money / month
    assert units.parse(f"{currency}/unit")[0] == units.money / kwh
