"""The page that teaches the tariff language: what it shows is what Mains reads."""

import re
from pathlib import Path

import pytest

from mains.engine.case import read_case, run_case
from mains.engine.language.syntax import parse_formula
from mains.engine.tariff import read_document, read_tariff

PAGE = (Path(__file__).parent.parent.parent / "docs" / "tariff-language.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
FORMULAS = sorted(set(re.findall(r'formula: "([^"]+)"', PAGE)))
TARIFF = """
tariff: page
currency: RUB
unit: kWh
attributes: {location: text, stove: text}
components: {energy: "usage * 1 [RUB/kWh]"}
"""


def block(start: str) -> str:
    return next(text for text in BLOCKS if text.startswith(start))


@pytest.mark.parametrize(
    "text", [text for text in BLOCKS if text.startswith("case:")], ids=lambda text: text[6:30]
)
def test_every_case_comes_out_as_it_says(text: str) -> None:
    case = read_case(text, name="page", open_tariff=lambda file: file)
    assert run_case(case).mismatches == ()


def test_there_are_cases_of_every_kind() -> None:
    cases = [text for text in BLOCKS if text.startswith("case:")]
    for word in ("tiers:", "balances:", "purchase:", "interest:"):
        assert any(word in text for text in cases), word


@pytest.mark.parametrize("start", ["prices:", "attributes:", "seasons:", "versions:", "time_zone:"])
def test_clauses_of_a_tariff_are_read(start: str) -> None:
    without = (
        TARIFF.replace("attributes: {location: text, stove: text}\n", "")
        if start == "attributes:"
        else TARIFF
    )
    tariff = read_tariff(without + block(start))
    assert tariff.versions


def test_parts_of_registers_are_read() -> None:
    hours = 'time_zone: UTC\ntime_of_use: {peak: {hours: "08:00-20:00"}, night: rest}\n'
    assert len(read_tariff(TARIFF + hours + block("quantities:")).parts) == 3


def test_facts_are_a_document() -> None:
    for start in ("facts:", "  readings:", "  intervals:", "expect:"):
        assert read_document(block(start).replace("  # or by register:\n  readings:", "  registers:").replace(
            "  # or shorter:\n  readings:", "  shorter:"))  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_are_read(formula: str) -> None:
    assert parse_formula(formula)


def test_there_are_formulas() -> None:
    assert len(FORMULAS) > 10
