"""`docs/features.md` names a state for every row, and only tests and documents that exist."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATES = {"works", "partly", "not yet"}


def feature_rows() -> list[list[str]]:
    lines = (ROOT / "docs/features.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return cells[1:]


@pytest.mark.parametrize("row", feature_rows(), ids=lambda row: row[0])
def test_a_row_says_where_and_by_which_test(row):
    _id, _what, state, where, shown_by = row
    assert state in STATES
    if state == "not yet":
        assert not where
        assert not shown_by
    else:
        assert where
        assert all((ROOT / path.strip()).exists() for path in shown_by.split(","))


def test_no_row_stands_twice():
    ids = [row[0] for row in feature_rows()]
    assert len(ids) == len(set(ids)) > 80
