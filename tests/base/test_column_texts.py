"""Texts put together from columns."""

import polars as pl
import pytest

from mains.base.column_texts import text_of


def test_each_place_takes_its_value() -> None:
    frame = pl.DataFrame({"days": [1, 2, None], "name": ["a", "b", "c"]})
    texts = frame.select(text_of("{}: {} of {}.", "name", "days", pl.lit(31)))
    assert texts.to_series().to_list() == ["a: 1 of 31.", "b: 2 of 31.", None]


def test_no_rows_give_no_texts() -> None:
    frame = pl.DataFrame(schema={"days": pl.Int64})
    assert frame.select("days", text=text_of("{} days", "days")).height == 0


def test_places_and_values_are_counted() -> None:
    with pytest.raises(AssertionError, match="places"):
        text_of("{} of {}", "days")
