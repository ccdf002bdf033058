"""Texts of readings: what is taken, what is refused, and that the column parser says the same."""

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mains.engine.usage import UnableToReadValue, parse_reading_value, parse_reading_values
from mains.engine.usage.values import FAULTS

CASES = [
    ("12345", 12_345_000_000),
    (" 00012 ", 12_000_000),
    ("12 345,6", 12_345_600_000),
    ("12\u00a0345.678", 12_345_678_000),
    ("0", 0),
    ("7.", 7_000_000),
    ("7.5000000", 7_500_000),
    ("000123456", "reading-too-many-digits"),
    ("1,2345", "reading-too-many-decimals"),
    ("12a45", "reading-not-a-number"),
    ("1.234.567", "reading-not-a-number"),
    ("1e3", "reading-not-a-number"),
    ("٣٤", "reading-not-a-number"),
    (".5", "reading-not-a-number"),
    ("-5", "reading-negative"),
    ("", "reading-empty"),
    ("   ", "reading-empty"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_one_value(text: str, expected: int | str) -> None:
    if isinstance(expected, int):
        assert parse_reading_value(text, digits=5, decimals=3) == expected
        return
    with pytest.raises(UnableToReadValue) as refused:
        parse_reading_value(text, digits=5, decimals=3)
    assert refused.value.code == expected
    assert (refused.value.message, refused.value.remedy) == FAULTS[expected]


@given(
    st.lists(st.text(alphabet="0123456789.,- \u00a0\t\nax٣−", max_size=8), max_size=20),
    st.integers(1, 12),
    st.integers(0, 6),
)
@example([text for text, _ in CASES], 5, 3)
def test_the_column_parser_says_the_same(texts: list[str], digits: int, decimals: int) -> None:
    found = parse_reading_values(
        texts=pl.Series(texts, dtype=pl.String),
        digits=pl.Series([digits] * len(texts), dtype=pl.Int64),
        decimals=pl.Series([decimals] * len(texts), dtype=pl.Int64),
    )
    assert found.rows() == [alone(text, digits, decimals) for text in texts]


def alone(text: str, digits: int, decimals: int) -> tuple[int | None, str | None]:
    try:
        return parse_reading_value(text, digits=digits, decimals=decimals), None
    except UnableToReadValue as fault:
        return None, fault.code
