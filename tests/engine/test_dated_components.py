"""A component that starts or ends by itself is the same as versions written out by hand."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from mains.engine.exact import rate_exact
from mains.engine.facts import Facts, Stretch
from mains.engine.tariff import Tariff, read_tariff
from mains.engine.tariff.differences import first_difference

FIRST = date(2024, 1, 1)
DAYS = st.integers(0, 120).map(lambda offset: FIRST + timedelta(days=offset))
ENERGY = {"name": "energy", "formula": "usage * 1 [EUR/kWh]"}
VAT = {"name": "vat", "kind": "tax", "formula": "19 % * charges"}


def levy(**dates: date) -> dict[str, object]:
    return {"name": "levy", "formula": "days * 0.37 [EUR/day] + usage * 0.05 [EUR/kWh]", **dates}


def tariff_of(**more: object) -> Tariff:
    return read_tariff({"tariff": "t", "currency": "EUR", "unit": "kWh", **more})


def bill(tariff: Tariff, first: date, days: int) -> list[tuple[str, date, date, int | None]]:
    end = first + timedelta(days=days)
    facts = Facts(first, end, {"usage": (Stretch(first, end, 12_345_678_901),)})
    lines = rate_exact(tariff=tariff, facts=facts).lines
    return sorted((line.component, line.from_date, line.to_date, line.amount_minor) for line in lines)


@settings(max_examples=60, deadline=None)
@given(since=DAYS, length=st.integers(1, 90), first=DAYS, days=st.integers(1, 120))
def test_dates_of_a_component_are_versions_written_out(
    since: date, length: int, first: date, days: int
) -> None:
    until = since + timedelta(days=length)
    dated = tariff_of(components=[ENERGY, levy(since=since, until=until), VAT])
    by_hand = tariff_of(
        versions=[
            {"valid_from": "2000-01-01", "components": [ENERGY, VAT]},
            {"valid_from": since, "components": [ENERGY, levy(), VAT]},
            {"valid_from": until, "components": [ENERGY, VAT]},
        ]
    )
    assert bill(dated, first, days) == bill(by_hand, first, days)


def test_an_end_in_the_future_changes_nothing_before_it() -> None:
    end = date(2025, 1, 1)
    open_ended, ended = (
        tariff_of(components=[ENERGY, levy(**dates), VAT])
        for dates in ({"since": FIRST}, {"since": FIRST, "until": end})
    )
    assert first_difference(open_ended, ended) == end
    assert first_difference(ended, ended) is None


def test_a_clause_is_named_as_it_is_written() -> None:
    tariff = tariff_of(components=[ENERGY, levy(since=FIRST), VAT])
    facts = Facts(
        FIRST, FIRST + timedelta(days=1), {"usage": (Stretch(FIRST, FIRST + timedelta(days=1), 0),)}
    )
    sources = {line.explanation.source for line in rate_exact(tariff=tariff, facts=facts).lines}
    assert sources == {"components[energy]", "components[levy]", "components[vat]"}
