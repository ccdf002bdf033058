"""Heat is counted in kilowatt-hours, megajoules, gigajoules or gigacalories; prices in any of them are converted
exactly."""

from datetime import date
from fractions import Fraction

import polars as pl
import pytest

from mains.engine.columns import compile_tariffs, rate_columns
from mains.engine.exact import rate_exact
from mains.engine.facts import Facts, Stretch
from mains.engine.segments import cut_segments
from mains.engine.tariff import UnableToReadTariff, read_tariff

MARCH, APRIL = date(2021, 3, 1), date(2021, 4, 1)
IN_KWH = {
    "kWh": Fraction(1),
    "MWh": Fraction(1000),
    "MJ": Fraction(10, 36),
    "GJ": Fraction(10_000, 36),
    "Gcal": Fraction(1163),
}
TARIFF = """
tariff: heat
service: heat
currency: RUB
unit: {unit}
versions:
  - valid_from: 2020-01-01
    prices: {{heat: {price} RUB/{per}}}
    components:
      - {{name: heat, formula: usage * heat}}
"""


@pytest.mark.parametrize("unit", IN_KWH)
@pytest.mark.parametrize("per", IN_KWH)
def test_a_price_of_any_unit_is_converted_exactly_by_both_ways(unit: str, per: str) -> None:
    tariff = read_tariff(TARIFF.format(unit=unit, price="2311.54", per=per))
    micro = 7_321_987
    amount = Fraction(micro, 10**6) * IN_KWH[unit] / IN_KWH[per] * Fraction("2311.54")
    facts = Facts(period_from=MARCH, period_to=APRIL, use={"usage": (Stretch(MARCH, APRIL, micro),)})
    (line,) = rate_exact(tariff=tariff, facts=facts).lines
    assert line.unrounded == amount
    tariffs = compile_tariffs([tariff])
    items = pl.DataFrame({"item_id": [1], "tariff": ["heat"], "period_from": [MARCH], "period_to": [APRIL]})
    days = [micro] + [0] * 30
    usage = pl.DataFrame({"item_id": [1], "first_date": [MARCH], "days_micro": [days]})
    segments = cut_segments(items=items, tariffs=tariffs, attributes={}, usage={"usage_micro": usage})
    assert rate_columns(tariffs=tariffs, segments=segments).lines["amount_minor"].to_list() == [
        line.amount_minor
    ]


def test_a_gigacalorie_is_1163_kilowatt_hours_and_4_1868_gigajoules() -> None:
    tariff = read_tariff(TARIFF.format(unit="Gcal", price="1", per="kWh"))
    assert tariff.units.parse("kWh")[1] == Fraction(1, 1163)
    assert tariff.units.parse("GJ")[1] == 1 / Fraction("4.1868")


def test_a_calorific_value_stands_between_the_units_of_a_gas_tariff() -> None:
    gas = TARIFF.replace("service: heat", "service: gas").format(unit="kWh", price="2", per="GJ")
    with pytest.raises(UnableToReadTariff, match="unit"):
        read_tariff(gas)
