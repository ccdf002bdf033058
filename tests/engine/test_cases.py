"""Every case file: the bill is as expected, and both interpreters give it."""

from pathlib import Path

import pytest

from mains.engine import segments
from mains.engine.case import read_case, run_case

CASES = Path(__file__).parent.parent / "cases"
FILES = sorted(CASES.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = read_case(
        path.read_text(encoding="utf-8"),
        name=path.name,
        open_tariff=lambda file: (CASES / file).read_text(encoding="utf-8"),
    )
    result = run_case(case)
    assert [str(mismatch) for mismatch in result.mismatches] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_case_as_one_of_many(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many segments are given their attributes step by step, few in one query; the bill is the same."""
    monkeypatch.setattr(segments, "_FEW_SEGMENTS", -1)
    test_case(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_case_says_where_its_figures_come_from(path: Path) -> None:
    case = read_case(
        path.read_text(encoding="utf-8"),
        name=path.name,
        open_tariff=lambda file: (CASES / file).read_text(encoding="utf-8"),
    )
    assert case.kind in {"published", "derived"}
    assert case.source
    expected = [service.expected for service in case.services]
    assert case.total is not None or any(
        e.total is not None or e.components or e.quantities or e.lines for e in expected
    )
