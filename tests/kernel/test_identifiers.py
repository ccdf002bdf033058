from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mains.kernel.identifiers import (
    BUCKET_COUNT,
    bucket_of,
    check_digit,
    has_valid_check_digit,
    with_check_digit,
)

numbers = st.text("0123456789", min_size=1, max_size=18)


@given(numbers)
def test_a_number_with_its_check_digit_is_valid(digits: str) -> None:
    assert has_valid_check_digit(with_check_digit(digits))


@given(numbers, st.data())
def test_one_wrong_digit_is_found(digits: str, data: st.DataObject) -> None:
    number = with_check_digit(digits)
    place = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[place]]))
    assert not has_valid_check_digit(number[:place] + wrong + number[place + 1 :])


@given(numbers, st.data())
def test_swapped_neighbours_are_found(digits: str, data: st.DataObject) -> None:
    number = with_check_digit(digits)
    place = data.draw(st.integers(0, len(number) - 2))
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert has_valid_check_digit(swapped) == (swapped == number)


def test_published_example() -> None:
    assert check_digit("572") == "4"


@pytest.mark.parametrize("text", ["", "4", "57x4", "５７２４", "572 4"])
def test_texts_that_are_no_numbers(text: str) -> None:
    assert not has_valid_check_digit(text)


def test_consecutive_ids_fill_buckets_evenly() -> None:
    counts = Counter(map(bucket_of, range(1, 823_001)))
    assert len(counts) == BUCKET_COUNT
    assert max(counts.values()) - min(counts.values()) <= 10


@pytest.mark.parametrize("identifier", [-1, 2**63])
def test_identifiers_are_not_negative(identifier: int) -> None:
    with pytest.raises(ValueError, match="63 bits"):
        bucket_of(identifier)
