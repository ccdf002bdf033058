"""Formulas: precedence, units, functions, and what they give on one account."""

from datetime import date
from fractions import Fraction

import pytest

from mains.engine.exact import UnableToRate, rate_exact
from mains.engine.facts import DatedValue, Facts, Stretch
from mains.engine.language.errors import UnableToReadFormula
from mains.engine.language.names import Names
from mains.engine.language.resolve import resolve_formula
from mains.engine.language.syntax import parse_formula
from mains.engine.language.units import UnitSystem
from mains.engine.tariff import Tariff, read_tariff

MAY, JUNE = date(2024, 5, 1), date(2024, 6, 1)


def tariff_of(formula: str, *, unit: str = "number", kind: str = "info") -> Tariff:
    return read_tariff(
        {
            "tariff": "t",
            "currency": "RUB",
            "unit": "kWh",
            "attributes": {"band": "text", "residents": "number", "metered": "yes/no", "area": "m2"},
            "prices": {
                "energy": {"unit": "RUB/kWh", "tiers": [["100", "1"], ["200", "2"], [None, "3"]]},
                "stairs": {"unit": "number", "tiers": [["100", "10"], [None, "20"]]},
                "price": "2.5 RUB/kWh",
                "cents": "250 kop/kWh",
            },
            "components": [{"name": "x", "kind": kind, "unit": unit, "formula": formula}],
        }
    )


def value_of(
    formula: str,
    *,
    use: str = "150",
    unit: str = "number",
    period: tuple[date, date] = (MAY, JUNE),
    **attributes: object,
) -> Fraction:
    first, end = period
    facts = Facts(
        first,
        end,
        {"usage": (Stretch(first, end, int(Fraction(use) * 10**6)),)},
        {name: (DatedValue(value),) for name, value in attributes.items()},  # type: ignore[arg-type]
    )
    return rate_exact(tariff=tariff_of(formula, unit=unit), facts=facts).values["x"]


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("1 + 2 * 3 - 4 / 2", "5"),
        ("-(1 + 2) * -3", "9"),
        ("10 - 3 - 2", "5"),
        ("12 / 3 / 2", "2"),
        ("25 % + 1/4", "1/2"),
        ("if(1 < 2 and not 2 < 1, 7, 8)", "7"),
        ("if(1 > 2 or 2 >= 3, 7, 8)", "8"),
        ("if(true, 1, 0)", "1"),
        ("min(3, 1, 2) + max(3, 1, 2)", "4"),
        ("round(2.5) + round(-2.5)", "0"),
        ("round(2.5, 1, mode: half_even)", "2"),
        ("floor(-1.5) + ceil(-1.5) + trunc(-1.5)", "-4"),
        ("round(7.3, 0.5)", "15/2"),
        ("step(usage, stairs)", "20"),
        ("1_000.5", "2001/2"),
    ],
)  # fmt: skip
def test_arithmetic(formula: str, value: str) -> None:
    assert value_of(formula) == Fraction(value)


@pytest.mark.parametrize(
    ("use", "slab", "block"),
    [
        ("0", 0, 0),
        ("100", 100, 100),
        ("100.000001", "100000002/1000000", "200000002/1000000"),
        ("250", 450, 750),
        ("-150", -200, -300),
    ],
)
def test_tiers_and_blocks(use: str, slab: object, block: object) -> None:
    assert value_of("tiers(usage, energy)", use=use, unit="RUB") == round_kopeck(slab)
    assert value_of("block(usage, energy)", use=use, unit="RUB") == round_kopeck(block)


def round_kopeck(value: object) -> Fraction:
    exact = Fraction(value)  # type: ignore[arg-type]
    return Fraction(round(exact * 100), 100)


def test_hundredths_of_the_currency() -> None:
    assert value_of("usage * cents", unit="RUB") == value_of("usage * price", unit="RUB") == 375


def test_attributes_in_conditions() -> None:
    formula = "if(band in ('A', 'B') and metered and residents >= 2, 1, 2)"
    assert value_of(formula, band="B", metered=True, residents=Fraction(2)) == 1
    assert value_of(formula, band="C", metered=True, residents=Fraction(2)) == 2


def test_a_missing_attribute_is_named_with_its_clause() -> None:
    with pytest.raises(UnableToRate) as caught:
        value_of("if(band == 'A', 1, 2)")
    assert caught.value.code == "attribute-missing"
    assert "components[x]" in caught.value.place


def test_division_by_zero_is_refused_unless_not_taken() -> None:
    assert value_of("if(residents > 0, 6 / residents, 1)", residents=Fraction(0)) == 1
    with pytest.raises(UnableToRate) as caught:
        value_of("6 / residents", residents=Fraction(0))
    assert caught.value.code == "division-by-zero"


@pytest.mark.parametrize(
    ("period", "months", "whole", "days"),
    [
        ((date(2024, 2, 1), date(2024, 3, 1)), "1", 1, 29),
        ((date(2024, 2, 29), date(2024, 3, 1)), "1/29", 0, 1),
        ((date(2023, 1, 15), date(2023, 3, 15)), "17/31 + 1 + 14/31", 2, 59),
        ((date(2024, 1, 31), date(2024, 2, 29)), "1/31 + 28/29", 1, 29),
        ((date(2023, 12, 20), date(2024, 1, 10)), "12/31 + 9/31", 0, 21),
    ],
)
def test_time(period: tuple[date, date], months: str, whole: int, days: int) -> None:
    assert value_of("months / 1 [month]", period=period) == sum(
        Fraction(part) for part in months.split(" + ")
    )
    assert value_of("whole_months / 1 [month]", period=period) == whole
    assert value_of("days / 1 [day]", period=period) == days


@pytest.mark.parametrize(
    "formula",
    [
        "",
        "1 +",
        "(1",
        "1 2",
        "a..b",
        "1 < 2 < 3",
        "tiers(",
        "'open",
        "§",
        "in",
        "(1, 2)",
        "min(,)",
        "x(1:2)",
        "(" * 80 + "1" + ")" * 80,
        "1+" * 3000 + "1",
    ],
)
def test_broken_formulas_are_refused(formula: str) -> None:
    with pytest.raises(UnableToReadFormula):
        resolve_formula(formula=parse_formula(formula), names=Names(UnitSystem("RUB", "kWh"), {}, {}, {}))


def test_units_are_products() -> None:
    units = UnitSystem("RUB", "kWh")
    assert units.parse("RUB/kWh")[0] * units.parse("kWh")[0] == units.money
    assert units.parse("MWh") == (units.parse("kWh")[0], 1000)
    assert str(units.parse("kWh/person/month")[0]) == "kWh/month/person"
    assert UnitSystem("EUR", "MWh").parse("EUR/kWh")[1] == 1000
    for text in ("", "RUB//kWh", "3", "RUB kWh", "/kWh"):
        with pytest.raises(ValueError, match="not a unit"):
            units.parse(text)
