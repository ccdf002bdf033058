"""A tape recorded from one account gives another exactly what the interpreter gives it, or nothing."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.engine import generated

from mains.engine.exact import UnableToRate, rate_exact
from mains.engine.exact.amounts import AmountTapes, Shape
from mains.engine.exact.tape import Recorder
from mains.engine.facts import MICRO, Facts
from mains.engine.tariff import Tariff, UnableToReadTariff, read_tariff
from mains.kernel.rounding import RoundingMode, round_to_step


def shape_of(facts: Facts) -> tuple[Shape, list[int]]:
    """Shape and numbers of facts whose attributes are open or half-open."""
    use = tuple((name, tuple((s.from_date, s.to_date) for s in found)) for name, found in facts.use.items())
    numbers = [stretch.micro for found in facts.use.values() for stretch in found]
    attributes = []
    for name, values in facts.attributes.items():
        spans = []
        for value in values:
            is_number = isinstance(value.value, Fraction)
            numbers += [int(value.value * MICRO)] if is_number else []
            days = (value.valid_from or date(1990, 1, 1), value.valid_to or date(2100, 1, 1))
            spans.append((*days, None if is_number else value.value))
        attributes.append((name, tuple(spans)))
    return Shape("alpha", facts.period_from, facts.period_to, use, tuple(attributes)), numbers


def amounts_by_interpreter(tariff: Tariff, facts: Facts) -> list[tuple[str, str, int]] | None:
    try:
        lines = rate_exact(tariff=tariff, facts=facts).lines
    except UnableToRate:
        return None
    return [
        (
            line.component,
            line.kind,
            # What is left of a balance is proved too, be it money or not.
            int(line.value * MICRO)
            if line.kind == "balance" and line.amount_minor is None
            else line.amount_minor or 0,
        )
        for line in lines
    ]


def amounts_by_tapes(tapes: AmountTapes, tariff: Tariff, shape: Shape, numbers: list[int]):
    try:
        found = tapes.amounts(tariff=tariff, shape=shape, numbers=numbers)
    except UnableToRate:
        return None
    return [*found]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(
    document=generated.tariffs(),
    facts=generated.facts(),
    others=st.lists(
        st.tuples(
            st.lists(
                st.one_of(st.sampled_from(generated.EXTREMES), st.integers(0, 10**10)), min_size=2, max_size=2
            ),
            st.lists(st.sampled_from([0, 1, 3, 2_500_000, 10**6]), min_size=2, max_size=2),
        ),
        max_size=6,
    ),
)
def test_tapes_give_what_the_interpreter_gives(document, facts, others):
    try:
        tariff = read_tariff(document)
    except UnableToReadTariff:
        assume(False)
    shape, numbers = shape_of(facts)
    tapes = AmountTapes()
    for use, attributes in [([], []), *others]:
        varied = [*use, *numbers[len(use) :]]
        varied = [*varied[:2], *attributes[: len(varied) - 2], *varied[2 + len(attributes) :]]
        for _again in range(2):  # the first time records, the second plays
            expected = amounts_by_interpreter(tariff, shape.facts(varied))
            assert amounts_by_tapes(tapes, tariff, shape, varied) == expected


TIERED = {
    "tariff": "tiered",
    "currency": "RUB",
    "unit": "kWh",
    "attributes": {"residents": {"type": "number"}},
    "components": [
        {"name": "energy", "formula": "tiers(usage, energy, scale: residents)", "round": "0.01"},
        {"name": "vat", "kind": "tax", "formula": "20 % * energy", "round": "0.01"},
    ],
    "versions": [
        {
            "valid_from": "2020-01-01",
            "prices": {
                "energy": {
                    "unit": "RUB/kWh",
                    "limit_unit": "kWh",
                    "tiers": [{"upto": 100, "price": "2.513"}, {"price": "3.777"}],
                }
            },
        }
    ],
}


def test_items_that_take_the_same_way_share_a_tape():
    tariff, tapes = read_tariff(TIERED), AmountTapes()
    month = (date(2021, 3, 1), date(2021, 4, 1))
    shape = Shape("alpha", *month, (("usage", (month,)),), (("residents", ((*month, None),)),))
    for use in range(1, 400):
        numbers = [use * 1_234_567, 2 * MICRO]
        assert amounts_by_tapes(tapes, tariff, shape, numbers) == amounts_by_interpreter(
            tariff, shape.facts(numbers)
        )
    assert (tapes.recorded, tapes.rated) == (2, 0)  # below and above the limit


def test_a_tape_refuses_numbers_for_which_another_way_would_be_taken():
    recorder = Recorder(1)
    number = recorder.number(0, 5)
    result = number * 3 if number > 4 else number * 2
    tape = recorder.tape([result])
    assert tape.play([7]) == [21]
    assert tape.play([4]) is None


@pytest.mark.parametrize("leak", [int, float, Fraction, hash, str, lambda number: number // 2])
def test_what_cannot_be_recorded_binds_the_tape_to_its_value(leak):
    recorder = Recorder(1)
    number = recorder.number(0, 6)
    leak(number)
    tape = recorder.tape([number])
    assert tape.play([6]) == [6]
    assert tape.play([7]) is None
    assert [*recorder.pinned] == [0]


@given(
    example=st.lists(st.integers(-(10**9), 10**9), min_size=3, max_size=3),
    other=st.lists(st.integers(-(10**9), 10**9), min_size=3, max_size=3),
)
def test_quotients_are_played_as_they_are_computed(example, other):
    def compute(first: Fraction, second: Fraction, third: Fraction) -> Fraction:
        share = first / second + Fraction(1, 3)
        whole = share * (third / 7 - 5) / second - 2 / (third + 1) + share
        return (
            round_to_step(whole / (share - first), step=Fraction(1, 10**6), mode=RoundingMode.HALF_EVEN)
            * 10**6
        )

    recorder = Recorder(3)
    try:
        result = compute(*(recorder.number(at, value, per_unit=10) for at, value in enumerate(example)))
    except ZeroDivisionError:
        assume(False)
    tape = recorder.tape([result])
    assert tape.play(example) == [compute(*(Fraction(value, 10) for value in example))]
    played = tape.play(other)
    if played is not None:
        assert played == [compute(*(Fraction(value, 10) for value in other))]


@pytest.mark.parametrize("mode", RoundingMode)
@given(
    example=st.integers(-(10**9), 10**9),
    other=st.integers(-(10**9), 10**9),
    step=st.sampled_from([1, 5, 7, 1000]),
)
def test_rounding_is_played_as_it_is_done(mode, example, other, step):
    recorder = Recorder(1)
    rounded = round_to_step(recorder.number(0, example, per_unit=1000), step=Fraction(step, 100), mode=mode)
    tape = recorder.tape([rounded * 100])
    assert tape.play([other]) == [
        round_to_step(Fraction(other, 1000), step=Fraction(step, 100), mode=mode) * 100
    ]
