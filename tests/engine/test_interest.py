"""Interest on open items: the day-by-day way and the columns agree, and a faulty rule is refused with its clause."""

from datetime import date, timedelta
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mains.engine.exact import UnableToRate
from mains.engine.facts import MICRO
from mains.engine.interest import (
    InterestRule,
    OpenItem,
    Payment,
    UnableToReadInterest,
    interest_columns,
    interest_exact,
    read_interest,
)

FIRST = date(2023, 11, 1)
DAYS = st.integers(0, 400).map(lambda offset: FIRST + timedelta(days=offset))
MONEY = st.one_of(st.sampled_from([0, 1, -5_000, 10**11, 2**53 + 1]), st.integers(1, 10**7))

HOUSING = """
interest: housing
currency: RUB
rates: 9.5 %
steps: [{upto: 30, factor: 0}, {upto: 90, factor: 1/300}, {factor: 1/130}]
"""


@st.composite
def rules(draw) -> dict[str, object]:
    starts = sorted(draw(st.sets(st.integers(-40, 300), min_size=1, max_size=3)))
    rates = [
        {
            "from": (FIRST + timedelta(days=at)).isoformat(),
            "rate": draw(st.sampled_from(["0", "7.25 %", "21 %"])),
        }
        for at in starts
    ]
    limits = sorted(draw(st.sets(st.integers(1, 120), max_size=2)))
    factors = st.sampled_from(["0", "1", "1/300", "1/130", "1.5/365"])
    steps = [*({"upto": limit, "factor": draw(factors)} for limit in limits), {"factor": draw(factors)}]
    pauses = sorted(draw(st.sets(st.integers(0, 300), max_size=2)))
    made: dict[str, object] = {
        "interest": "generated",
        "currency": draw(st.sampled_from(["RUB", "JPY", "KWD"])),
        "rates": rates,
        "steps": steps,
        "moratoria": [
            {
                "from": FIRST + timedelta(days=at),
                "to": FIRST + timedelta(days=at + (9 if at == pauses[0] else 40)),
            }
            for at in pauses
            if at == pauses[0] or at >= pauses[0] + 9
        ],
        "payment_day": draw(st.sampled_from(["counts", "free"])),
        "round": draw(st.sampled_from([None, "1", {"to": "0.05", "mode": "down"}, "half_even"])),
    }
    if draw(st.integers(0, 3)) == 0:
        return made | {"compound": draw(st.sampled_from(["month", "year"]))}
    made |= {
        "base": draw(st.sampled_from(["unpaid", "original"])),
        "count": draw(st.sampled_from(["days", "months"])),
        "rate_on": draw(st.sampled_from(["day", "payment"])),
        "each": draw(st.sampled_from(["item", "step"])),
    }
    return made | ({"cap": "50 %"} if made["each"] == "item" and draw(st.booleans()) else {})


@st.composite
def items(draw, number: int) -> OpenItem:
    payments = draw(st.lists(st.tuples(DAYS, st.integers(1, 10**7)), max_size=4))
    return OpenItem(str(number), draw(MONEY), draw(DAYS), tuple(Payment(*payment) for payment in payments))


def frames(open_items: list[OpenItem]) -> tuple[pl.DataFrame, pl.DataFrame]:
    owed = [(at, item.amount_minor, item.due_date) for at, item in enumerate(open_items)]
    paid = [
        (at, each.paid_date, each.amount_minor)
        for at, item in enumerate(open_items)
        for each in item.payments
    ]
    return (
        pl.DataFrame(
            owed, schema={"item_id": pl.Int64, "amount_minor": pl.Int64, "due_date": pl.Date}, orient="row"
        ),
        pl.DataFrame(
            paid, schema={"item_id": pl.Int64, "paid_date": pl.Date, "amount_minor": pl.Int64}, orient="row"
        ),
    )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=rules(), data=st.data(), until=DAYS)
def test_columns_equal_the_day_by_day_way(
    document: dict[str, object], data: st.DataObject, until: date
) -> None:
    rule = read_interest(document)
    open_items = [data.draw(items(at)) for at in range(data.draw(st.integers(1, 4)))]
    owed, paid = frames(open_items)
    lines, refused = interest_columns(rule=rule, items=owed, payments=paid, until=until)
    steps = {step.name: at for at, step in enumerate(rule.steps)} if rule.each == "step" else {}
    expected, lacking = [], set()
    for at, item in enumerate(open_items):
        try:
            protocol = interest_exact(rule=rule, items=(item,), until=until)
        except UnableToRate:
            lacking.add(at)
            continue
        expected += [
            (at, steps.get(line.component, -1), (line.quantity_micro or 0) // MICRO, line.amount_minor)
            for line in protocol.lines
        ]
    assert set(refused["item_id"].to_list()) == lacking
    assert lines.rows() == expected


def housing(**more: object) -> InterestRule:
    return read_interest(
        {
            "interest": "housing",
            "currency": "RUB",
            "rates": "9.5 %",
            "steps": [{"upto": 30, "factor": 0}, {"upto": 90, "factor": "1/300"}, {"factor": "1/130"}],
            **more,
        }
    )


def test_interest_never_grows_on_interest_unless_the_rule_says_so() -> None:
    item = OpenItem("item", 1_000_000, date(2024, 1, 10))
    plain, grown = (
        interest_exact(
            rule=read_interest(
                {
                    "interest": "x",
                    "currency": "EUR",
                    "rates": "1 %",
                    **({"compound": "month"} if grows else {}),
                }
            ),
            items=(item,),
            until=date(2024, 4, 19),
        ).total_minor
        for grows in (False, True)
    )
    assert plain == 100 * 10_000
    assert grown > plain


def test_every_stretch_is_explained_and_sums_to_the_line() -> None:
    item = OpenItem("item", 1_000_000, date(2024, 1, 10), (Payment(date(2024, 3, 10), 400_000),))
    line = interest_exact(rule=housing(), items=(item,), until=date(2024, 4, 19)).lines[0]
    parts = [step.value for step in line.explanation.children]
    assert sum(part for part in parts if isinstance(part, Fraction)) == line.unrounded
    assert "4000 × 0.095 × 1/300 × 30 days" in [step.formula for step in line.explanation.children]


def test_days_without_a_rate_are_refused_alone() -> None:
    rule = housing(rates=[{"from": "2024-01-01", "rate": "10 %"}])
    owed, paid = frames(
        [OpenItem("old", 10_000, date(2023, 6, 10)), OpenItem("new", 10_000, date(2024, 1, 10))]
    )
    lines, refused = interest_columns(rule=rule, items=owed, payments=paid, until=date(2024, 6, 30))
    assert refused["item_id"].to_list() == [0]
    assert lines["item_id"].unique().to_list() == [1]
    with pytest.raises(UnableToRate, match="no rate on 2023"):
        interest_exact(
            rule=rule, items=(OpenItem("old", 10_000, date(2023, 6, 10)),), until=date(2024, 6, 30)
        )


@pytest.mark.parametrize(
    ("old", "new", "code", "clause"),
    [
        ("rates: 9.5 %", "rates: -1 %", "interest-negative", "rates"),
        ("rates: 9.5 %", "rates: 9.5", "interest-rate", "rates"),
        ("rates: 9.5 %", "rates: many", "not-a-number", "rates"),
        ("rates: 9.5 %", "rates: [{from: 2024-01-01}]", "missing", "rates[0]"),
        ("rates: 9.5 %", "rates: [{from: 2024-02-01, rate: 1 %}, {from: 2024-01-01, rate: 2 %}]",
         "rates-order", "rates[1]"),
        ("{upto: 90, factor: 1/300}", "{upto: 20, factor: 1/300}", "steps-order", "steps[1]"),
        ("{factor: 1/130}", "{upto: 120, factor: 1/130}", "steps-order", "steps[2]"),
        ("{upto: 90, factor: 1/300}", "{upto: 90}", "missing", "steps[1]"),
        ("currency: RUB", "currency: RUB\nmoratoria: [{from: 2024-01-01}]", "period-empty", "moratoria[0]"),
        ("currency: RUB", "currency: RUB\nbase: rest", "unknown-choice", "base"),
        ("currency: RUB", "currency: RUB\ncap: 0", "interest-cap", "cap"),
        ("currency: RUB", "currency: RUB\ncompound: month\ncount: months", "interest-compound", "compound"),
        ("currency: RUB", "currency: RUB\nmoratorium: []", "unknown-key", "moratorium"),
    ],
)  # fmt: skip
def test_a_faulty_rule_is_refused_with_its_clause(old: str, new: str, code: str, clause: str) -> None:
    assert old in HOUSING
    with pytest.raises(UnableToReadInterest) as caught:
        read_interest(HOUSING.replace(old, new))
    assert (code, clause) in {(problem.code, problem.clause) for problem in caught.value.problems}
    assert all(problem.remedy for problem in caught.value.problems)
