"""Cut by the calendar, a long bill is the bills of its months: the independent way to compute it."""

from datetime import date
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.engine import generated

from mains.engine.calendar import start_of_next_unit, start_of_unit
from mains.engine.exact import UnableToRate, rate_exact
from mains.engine.facts import Facts, Stretch
from mains.engine.tariff import Tariff, UnableToReadTariff, read_tariff

Line = tuple[str, date, date, int | None, int | None]


def by_month(document: dict[str, object], unit: str) -> Tariff | None:
    """The generated tariff with every component cut by the unit, and nothing that belongs to the whole bill."""
    components = [
        {key: value for key, value in component.items() if key != "cut"}
        for component in document["components"]  # type: ignore[attr-defined]
        if component.get("on_change") != "rerate" and component["name"] != "saved"
    ]
    versions = [
        {key: value for key, value in version.items() if key != "total"}
        for version in document["versions"]  # type: ignore[attr-defined]
    ]
    plain = {key: value for key, value in document.items() if key not in ("balances", "split_usage")}
    try:
        return read_tariff({**plain, "cut": unit, "components": components, "versions": versions})
    except UnableToReadTariff:
        return None


def lines_of(tariff: Tariff, facts: Facts) -> list[Line]:
    return [
        (line.component, line.from_date, line.to_date, line.quantity_micro, line.amount_minor)
        for line in rate_exact(tariff=tariff, facts=facts).lines
    ]


def parts_of(facts: Facts, unit: str) -> list[Facts]:
    """The same facts as one bill for each unit; use stays on its days."""
    days = [facts.period_from]
    while (following := start_of_next_unit(days[-1], unit)) < facts.period_to:
        days.append(following)
    return [
        Facts(first, end, {key: cut(use, first, end) for key, use in facts.use.items()}, facts.attributes)
        for first, end in pairwise([*days, facts.period_to])
    ]


def cut(stretches: tuple[Stretch, ...], first: date, end: date) -> tuple[Stretch, ...]:
    """Day by day, so that no part of a month is spread anew."""
    one = [date.fromordinal(number) for number in range(first.toordinal(), end.toordinal() + 1)]
    return tuple(
        Stretch(day, following, sum(stretch.between(day, following) for stretch in stretches))
        for day, following in pairwise(one)
    )


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(document=generated.tariffs(), facts=generated.facts(), unit=st.sampled_from(generated.CALENDAR))
def test_a_long_bill_is_the_bills_of_its_months(document: dict[str, object], facts: Facts, unit: str) -> None:
    tariff = by_month(document, unit)
    assume(tariff is not None)
    assert tariff is not None
    parts = parts_of(facts, unit)
    try:
        expected = [line for part in parts for line in lines_of(tariff, part)]
    except UnableToRate:
        with pytest.raises(UnableToRate):
            rate_exact(tariff=tariff, facts=facts)
        return
    # The bill prints component by component, the bills of the months month by month.
    assert sorted(lines_of(tariff, facts), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    ("unit", "first", "following"),
    [
        ("month", date(2024, 2, 1), date(2024, 3, 1)),
        ("quarter", date(2024, 1, 1), date(2024, 4, 1)),
        ("year", date(2024, 1, 1), date(2025, 1, 1)),
    ],
)
def test_units_of_the_calendar(unit: str, first: date, following: date) -> None:
    day = date(2024, 2, 29)
    assert start_of_unit(day, unit) == first
    assert start_of_next_unit(day, unit) == following
    assert start_of_next_unit(date(2024, 12, 31), unit) == date(2025, 1, 1)


def test_a_cut_that_differs_between_versions_is_refused() -> None:
    components = "[{name: energy, formula: usage * price%s}]"
    text = f"""
tariff: t
currency: EUR
unit: kWh
prices: {{price: 0.30 EUR/kWh}}
versions:
  - {{valid_from: 2024-01-01, components: {components % ""}}}
  - {{valid_from: 2024-02-01, components: {components % ", cut: month"}}}
"""
    with pytest.raises(UnableToReadTariff) as caught:
        read_tariff(text)
    assert [(problem.code, problem.clause) for problem in caught.value.problems] == [
        ("version-mismatch", "versions[2024-02-01].components[energy]")
    ]


def test_a_flat_fee_is_charged_once_in_each_month() -> None:
    tariff = read_tariff(
        {
            "tariff": "t",
            "currency": "EUR",
            "unit": "kWh",
            "components": [{"name": "fee", "formula": "7 [EUR]", "cut": "month"}],
        }
    )
    facts = Facts(
        date(2024, 1, 31), date(2024, 3, 2), {"usage": (Stretch(date(2024, 1, 31), date(2024, 3, 2), 0),)}
    )
    protocol = rate_exact(tariff=tariff, facts=facts)
    assert [line.value for line in protocol.lines] == [Fraction(7)] * 3
