"""Allocation against a plain reference, and its invariants."""

from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mains.engine.allocation import (
    OLDEST_FIRST,
    AllocationOrder,
    UnableToAllocate,
    allocate,
    proportional_by,
    ranked_by,
)

DAY = date(2026, 1, 31)
SERVICES = ["electricity", "water", "heat"]
Row = tuple[int, int, date, int, str]


def items_frame(rows: list[Row]) -> pl.DataFrame:
    schema = {
        "account_id": pl.Int64,
        "item_id": pl.Int64,
        "due_date": pl.Date,
        "outstanding_minor": pl.Int64,
        "service": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def credits_frame(rows: list[tuple[int, int, date, int]]) -> pl.DataFrame:
    schema = {"account_id": pl.Int64, "credit_id": pl.Int64, "paid_on": pl.Date, "available_minor": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def allocate_one_by_one(
    items: list[Row], credits_: list[tuple[int, int, date, int]], services: list[str]
) -> tuple[list[tuple[int, int, int, int]], dict[int, int]]:
    """The reference: each credit in turn pays the first item that is still open."""
    debts: dict[int, list[list[int]]] = defaultdict(list)
    places = {service: place for place, service in enumerate(services)}
    for account, item, _, amount, _ in sorted(
        items, key=lambda row: (places.get(row[4], 99), row[2], row[1])
    ):
        debts[account].append([item, amount])
    found, left = [], {}
    for account, credit, _, amount in sorted(credits_, key=lambda row: (row[0], row[2], row[1])):
        rest = amount
        while rest and debts[account]:
            debt = debts[account][0]
            paid = min(rest, debt[1])
            found.append((account, credit, debt[0], paid))
            rest -= paid
            debt[1] -= paid
            if not debt[1]:
                debts[account].pop(0)
        if rest:
            left[credit] = rest
    return found, left


amounts = st.one_of(st.integers(1, 5), st.integers(1, 10**6), st.integers(10**14, 10**15))
days = st.integers(0, 5).map(lambda offset: DAY + timedelta(days=offset))
item_rows = st.lists(st.tuples(st.integers(1, 5), days, amounts, st.sampled_from(SERVICES)), max_size=25)
credit_rows = st.lists(st.tuples(st.integers(1, 6), days, amounts), max_size=15)


@settings(max_examples=400, deadline=None)
@given(item_rows, credit_rows, st.sampled_from([[], ["water"], ["heat", "electricity"]]), st.randoms())
def test_equals_one_by_one(item_rows, credit_rows, services, random) -> None:
    items = [(row[0], number, *row[1:]) for number, row in enumerate(item_rows, start=1)]
    credits_ = [(row[0], number, *row[1:]) for number, row in enumerate(credit_rows, start=1)]
    random.shuffle(items)
    random.shuffle(credits_)
    order: AllocationOrder = ranked_by(column="service", values=services) if services else OLDEST_FIRST

    result = allocate(items=items_frame(items), funds=credits_frame(credits_), order=order)

    expected, left = allocate_one_by_one(items, credits_, services)
    assert result.allocations.rows() == expected
    assert dict(result.advances.select("credit_id", "remaining_minor").rows()) == left


def test_oldest_debt_is_paid_first_and_the_rest_is_an_advance() -> None:
    items = items_frame(
        [
            (1, 11, date(2026, 10, 10), 500_00, "water"),
            (1, 10, date(2026, 9, 10), 300_00, "water"),
            (2, 20, date(2026, 9, 10), 100_00, "heat"),
        ]
    )
    credits_ = credits_frame([(1, 7, date(2026, 10, 20), 400_00), (2, 8, date(2026, 10, 20), 150_00)])
    result = allocate(items=items, funds=credits_)
    assert result.allocations.rows() == [(1, 7, 10, 300_00), (1, 7, 11, 100_00), (2, 8, 20, 100_00)]
    assert result.advances.rows() == [(2, 8, 50_00)]


def test_nothing_to_allocate_is_all_advance() -> None:
    result = allocate(items=items_frame([]), funds=credits_frame([(1, 7, DAY, 5)]))
    assert result.allocations.is_empty()
    assert result.advances.rows() == [(1, 7, 5)]
    assert allocate(items=items_frame([(1, 1, DAY, 5, "heat")]), funds=credits_frame([])).advances.is_empty()


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([(1, 1, DAY, 0, "heat")], "allocation-amount"),
        ([(1, 1, DAY, -5, "heat")], "allocation-amount"),
        ([(1, 1, DAY, 5, "heat"), (2, 1, DAY, 5, "heat")], "allocation-twice"),
        ([(1, 1, None, 5, "heat")], "allocation-null"),
        ([(1, 1, DAY, 2**61, "heat"), (1, 2, DAY, 2**61, "heat")], "allocation-too-large"),
    ],
)
def test_bad_items_are_refused(items, code) -> None:
    with pytest.raises(UnableToAllocate) as refused:
        allocate(items=items_frame(items), funds=credits_frame([(1, 7, DAY, 5)]))
    assert refused.value.code == code


def divide_one_by_one(
    items: list[Row], credits_: list[tuple[int, int, date, int]]
) -> tuple[dict[tuple[int, int], int], dict[int, int]]:
    """The reference: each credit in turn, divided among services by fractions, whole units to the largest rests."""
    debts: dict[int, dict[str, list[list[int]]]] = defaultdict(lambda: defaultdict(list))
    for account, item, _, amount, service in sorted(items, key=lambda row: (row[2], row[1])):
        debts[account][service].append([item, amount])
    found: dict[tuple[int, int], int] = defaultdict(int)
    left = {}
    for account, credit, _, amount in sorted(credits_, key=lambda row: (row[0], row[2], row[1])):
        owed = {service: sum(rest for _, rest in rows) for service, rows in sorted(debts[account].items())}
        whole = sum(owed.values())
        paid = min(amount, whole)
        exact = {service: Fraction(paid * part, whole) for service, part in owed.items() if part}
        shares = {service: int(share) for service, share in exact.items()}
        by_rest = sorted(exact, key=lambda service: (shares[service] - exact[service], service))
        for service in by_rest[: paid - sum(shares.values())]:
            shares[service] += 1
        for service, share in shares.items():
            rest = share
            for debt in debts[account][service]:
                part = min(rest, debt[1])
                if part:
                    found[credit, debt[0]] += part
                debt[1] -= part
                rest -= part
            assert rest == 0, "no service gets more than it owes"
        if amount > paid:
            left[credit] = amount - paid
    return dict(found), left


@settings(max_examples=300, deadline=None)
@given(item_rows, credit_rows, st.randoms())
def test_proportional_equals_one_by_one(item_rows, credit_rows, random) -> None:
    items = [(row[0], number, *row[1:]) for number, row in enumerate(item_rows, start=1)]
    credits_ = [(row[0], number, *row[1:]) for number, row in enumerate(credit_rows, start=1)]
    random.shuffle(items)

    result = allocate(
        items=items_frame(items), funds=credits_frame(credits_), order=proportional_by(column="service")
    )

    expected, left = divide_one_by_one(items, credits_)
    rows = result.allocations.select("credit_id", "item_id", "amount_minor").rows()
    assert {(credit, item): amount for credit, item, amount in rows} == expected
    assert len(rows) == len(expected)
    assert dict(result.advances.select("credit_id", "remaining_minor").rows()) == left


def test_a_payment_is_divided_by_what_is_owed() -> None:
    items = [(1, 1, DAY, 300, "heat"), (1, 2, DAY, 100, "water"), (1, 3, DAY, 100, "electricity")]
    made = allocate(
        items=items_frame(items),
        funds=credits_frame([(1, 7, DAY, 101)]),
        order=proportional_by(column="service"),
    ).allocations
    # 101 · 3/5 = 60.6, 101 · 1/5 = 20.2 twice: the largest rest gets the unit that is left.
    assert dict(made.select("item_id", "amount_minor").rows()) == {1: 61, 2: 20, 3: 20}
