"""Why one amount differs from another: effects that sum to the difference, each under its own cause."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.engine import generated

from mains.engine.exact import UnableToRate
from mains.engine.exact.change import Effect, Situation, Weather, split_change
from mains.engine.facts import MICRO, DatedValue, Facts, Stretch
from mains.engine.tariff import UnableToReadTariff, read_tariff

TARIFF = read_tariff(
    {
        "tariff": "home",
        "currency": "EUR",
        "unit": "kWh",
        "attributes": {"residents": "person"},
        "seasons": {"summer": {"from": "04-01", "to": "09-30"}, "winter": "rest"},
        "prices": {
            "energy": {"unit": "EUR/kWh", "tiers": [["100", "0.20"], [None, "0.30"]]},
            "standing": "0.40 EUR/day",
            "water": "2 EUR/person/month",
        },
        "components": [
            {"name": "energy", "formula": "tiers(usage, energy, scale: months)"},
            {"name": "standing", "formula": "standing * days"},
            {"name": "water", "formula": "water * residents * months"},
        ],
        "versions": [
            {"valid_from": "2024-01-01"},
            {"valid_from": "2024-03-01", "prices": {"standing": "0.50 EUR/day"}},
        ],
    }
)
JANUARY, FEBRUARY, MARCH, APRIL = (date(2024, month, 1) for month in (1, 2, 3, 4))


def facts(period_from: date, period_to: date, kwh: int, residents: int = 2) -> Facts:
    return Facts(
        period_from=period_from,
        period_to=period_to,
        use={"usage": (Stretch(period_from, period_to, kwh * MICRO),)},
        attributes={"residents": (DatedValue(Fraction(residents)),)},
    )


def effects_of(before: Facts, after: Facts) -> dict[str, int]:
    change = split_change(before=Situation(TARIFF, before), after=Situation(TARIFF, after))
    assert change.after_minor - change.before_minor == sum(effect.amount_minor for effect in change.effects)
    return {effect.name or effect.cause: effect.amount_minor for effect in change.effects}


def test_more_use_is_valued_at_the_tier_it_reaches() -> None:
    assert effects_of(facts(JANUARY, FEBRUARY, 90), facts(JANUARY, FEBRUARY, 120)) == {
        "use": 10 * 20 + 20 * 30
    }


def test_fewer_days_take_their_fixed_charge_and_their_use() -> None:
    """31 kWh in January is 1 a day; 29 days of February at the same use a day: 2 kWh and 2 days less."""
    assert effects_of(facts(JANUARY, FEBRUARY, 31), facts(FEBRUARY, MARCH, 29)) == {"days": -2 * 20 - 2 * 40}


def test_colder_weather_is_told_apart_from_use() -> None:
    """31 kWh in January's 620 degree days; February had 725, a quarter more a day: 36.25 kWh by the weather, 40 in
    fact."""
    before, after = (
        Situation(TARIFF, facts(*days)) for days in ((JANUARY, FEBRUARY, 31), (FEBRUARY, MARCH, 40))
    )
    change = split_change(before=before, after=after, weather=Weather(Fraction(620), Fraction(725)))
    assert change.effects == (
        Effect("days", -2 * 20 - 2 * 40),
        Effect("weather", (3625 - 2900) * 20 // 100),
        Effect("use", (4000 - 3625) * 20 // 100),
    )


def test_weather_says_nothing_of_the_same_days() -> None:
    before, after = (Situation(TARIFF, facts(JANUARY, FEBRUARY, kwh)) for kwh in (90, 120))
    weather = Weather(Fraction(600), Fraction(700))
    assert {e.cause for e in split_change(before=before, after=after, weather=weather).effects} == {"use"}


def test_each_cause_stands_by_itself() -> None:
    assert effects_of(facts(FEBRUARY, MARCH, 29, residents=2), facts(MARCH, APRIL, 41, residents=3)) == {
        "days": 2 * 20 + 2 * 40,
        "use": 10 * 20,
        "residents": 200,
        "price": 31 * 10,
    }


def test_a_change_inside_the_earlier_period_is_told_as_such() -> None:
    moved_in = replace(
        facts(JANUARY, FEBRUARY, 31),
        attributes={
            "residents": (
                DatedValue(Fraction(1), valid_to=date(2024, 1, 17)),
                DatedValue(Fraction(2), valid_from=date(2024, 1, 17)),
            )
        },
    )
    found = effects_of(moved_in, facts(FEBRUARY, MARCH, 29))
    assert found == {"residents": 400 - round(200 * (16 + 2 * 15) / 31), "days": -2 * 20 - 2 * 40}


def test_facts_told_month_by_month_are_no_change() -> None:
    """Where each month's facts end with the month, the value of its last day goes on into the next."""

    def dated(month: Facts) -> Facts:
        value = DatedValue(Fraction(2), month.period_from, month.period_to)
        return replace(month, attributes={"residents": (value,)})

    found = effects_of(dated(facts(JANUARY, FEBRUARY, 31)), dated(facts(FEBRUARY, MARCH, 29)))
    assert found == {"days": -2 * 20 - 2 * 40}


def test_nothing_changed() -> None:
    same = facts(JANUARY, FEBRUARY, 90)
    assert effects_of(same, same) == {}


def test_a_step_that_cannot_be_rated_leaves_its_effect_to_the_next() -> None:
    """Before, nobody counted residents, and the tariff did not ask."""
    plain = read_tariff(
        {
            "tariff": "plain",
            "currency": "EUR",
            "unit": "kWh",
            "prices": {"energy": "0.10 EUR/kWh"},
            "components": [{"name": "energy", "formula": "usage * energy"}],
        }
    )
    before = Situation(plain, replace(facts(JANUARY, FEBRUARY, 31), attributes={}))
    after = Situation(TARIFF, facts(JANUARY, FEBRUARY, 31))
    change = split_change(before=before, after=after)
    assert change.effects == (Effect("price", 31 * 10 + 31 * 40 + 400),)


def test_an_end_that_cannot_be_rated_is_refused() -> None:
    unknown = replace(facts(JANUARY, FEBRUARY, 31), attributes={})
    with pytest.raises(UnableToRate):
        split_change(before=Situation(TARIFF, facts(JANUARY, FEBRUARY, 31)), after=Situation(TARIFF, unknown))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_effects_sum_to_the_difference_for_any_tariff(data: st.DataObject) -> None:
    try:
        tariffs = [read_tariff(data.draw(generated.tariffs())) for _ in range(2)]
    except UnableToReadTariff:
        assume(False)
    before, after = (Situation(tariff, data.draw(generated.facts())) for tariff in tariffs)
    weather = data.draw(st.none() | st.builds(Weather, st.fractions(0, 900), st.fractions(0, 900)))
    try:
        change = split_change(before=before, after=after, weather=weather)
    except UnableToRate:
        return
    assert change.after_minor - change.before_minor == sum(effect.amount_minor for effect in change.effects)
    assert all(effect.amount_minor for effect in change.effects)
