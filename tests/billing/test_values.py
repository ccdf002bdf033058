"""Bill numbers that people type, and the cut of a utility into slices."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mains.billing.values import (
    UnableToReadBillNumber,
    bill_number,
    count_slices,
    parse_bill_number,
    slice_buckets,
)

MONTHS = st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(lambda day: day.replace(day=1))
IDS = st.integers(1, 10**15)


@given(MONTHS, IDS)
def test_number_leads_back_to_the_bill(month, bill_id):
    number = bill_number(month, bill_id)
    assert parse_bill_number(number) == (month, bill_id)
    assert parse_bill_number(f" {number.replace('-', '')} ") == (month, bill_id)


@given(MONTHS, IDS, st.data())
def test_wrong_digit_is_noticed(month, bill_id, data):
    number = bill_number(month, bill_id)
    place = data.draw(st.sampled_from([at for at, sign in enumerate(number) if sign != "-"]))
    digit = data.draw(st.sampled_from([sign for sign in "0123456789" if sign != number[place]]))
    with pytest.raises(UnableToReadBillNumber):
        parse_bill_number(number[:place] + digit + number[place + 1 :])


@pytest.mark.parametrize("text", ["", "2113-15", "bill", "2103-", "2103–15", "２１０３-15"])
def test_other_texts_are_refused_with_a_remedy(text):
    with pytest.raises(UnableToReadBillNumber) as refusal:
        parse_bill_number(text)
    assert refusal.value.remedy


@given(st.integers(0, 3_000_000), st.integers(1, 100_000))
def test_slices_cover_every_bucket_once(accounts, per_slice):
    slices = slice_buckets(count_slices(accounts, accounts_per_slice=per_slice))
    assert [bucket for part in slices for bucket in part] == list(range(1024))
    assert all(len(part) for part in slices)


@pytest.mark.parametrize(
    ("accounts", "slices"), [(0, 1), (25_000, 1), (75_001, 4), (100_001, 8), (823_000, 36)]
)
def test_large_runs_are_cut_into_fours(accounts, slices):
    assert count_slices(accounts) == slices
