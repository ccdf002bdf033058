"""Runs of equal neighbours: where they begin, and places within them."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mains.base.column_runs import begins_run, place_in_run

values = st.one_of(st.none(), st.integers(0, 2))


def _runs(frame: pl.DataFrame) -> tuple[list[bool], list[int]]:
    chosen = frame.select(begins=begins_run(*frame.columns), place=place_in_run(*frame.columns))
    return chosen["begins"].to_list(), chosen["place"].to_list()


@given(st.lists(st.tuples(values, values), max_size=30))
def test_runs_of_two_columns_are_those_that_a_loop_finds(rows: list[tuple[int | None, int | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"account": pl.Int64, "month": pl.Int64}, orient="row")
    begins, places, place = [], [], 0
    for number, row in enumerate(rows):
        is_new = number == 0 or row != rows[number - 1]
        place = 0 if is_new else place + 1
        begins.append(is_new)
        places.append(place)
    assert _runs(frame) == (begins, places)


def test_a_run_that_comes_again_later_is_another_run() -> None:
    assert _runs(pl.DataFrame({"account": [1, 1, 2, 1]})) == ([True, False, True, True], [0, 1, 0, 0])
