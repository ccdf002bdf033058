"""`mains rate`: the bill, the explanation, and messages that say what is wrong, where, and what to do."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from mains.config.cli.rate import app
from mains.kernel.errors import MainsError

CASES = Path(__file__).parent.parent / "cases"
CASE = (CASES / "kr-kepco-2024-350.yaml").read_text(encoding="utf-8")


def run(tmp_path: Path, text: str, *options: str) -> Result:
    path = tmp_path / "case.yaml"
    path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(app, [str(path), *options])


def test_bill_and_explanation(tmp_path: Path) -> None:
    result = run(tmp_path, CASE)
    assert result.exit_code == 0
    for text in (
        "71,260.00",
        "up to 200 = 24000 KRW",
        "versions[2023-05-16].prices.energy.other",
        "rounded from 2319.53 (to 10, down)",
    ):
        assert text in result.output


def test_a_different_total_ends_with_1_and_the_difference(tmp_path: Path) -> None:
    result = run(tmp_path, CASE.replace("total: 71260", "total: 71270"))
    assert result.exit_code == 1
    assert "total should be 71270, is 71260" in result.output


def test_use_of_a_zone_that_no_line_charges_is_told(tmp_path: Path) -> None:
    text = (CASES / "us-school-time-of-use.yaml").read_text(encoding="utf-8")
    assert "Note:" not in run(tmp_path, text).output
    without = text.replace("    - {name: on_peak, formula: usage.on_peak * energy.on_peak}\n", "")
    assert without != text
    without = without.replace(" on_peak: 300,", "").replace("total: 1326.20", "total: 1026.20")
    result = run(tmp_path, without)
    assert result.exit_code == 0
    assert "Note: No line of small-tou reads usage.on_peak" in result.output
    assert len(json.loads(run(tmp_path, without, "--json").output)["remarks"]) == 1


def test_a_tax_above_all_charges_is_told(tmp_path: Path) -> None:
    text = (CASES / "gb-bitesize-quarter-1800.yaml").read_text(encoding="utf-8")
    assert "Note:" not in run(tmp_path, text).output
    assert "Note: The tax vat is more than all charges." in run(tmp_path, text.replace("5 %}", "5}")).output


def test_a_case_without_expectations_says_so(tmp_path: Path) -> None:
    assert "As expected; both interpreters agree." in run(tmp_path, CASE).output
    silent = run(tmp_path, CASE.partition("expect:")[0]).output
    assert "Nothing is expected of this case; both interpreters agree." in silent


def test_machine_form(tmp_path: Path) -> None:
    result = run(tmp_path, CASE, "--json")
    data = json.loads(result.output)
    assert data["total"] == "71260"
    service = data["services"][0]
    assert service["total_minor"] == sum(line["amount_minor"] for line in service["lines"])
    vat = next(line for line in service["lines"] if line["component"] == "vat")
    assert vat["explanation"]["formula"] == "vat * charges"
    fund = next(line for line in service["lines"] if line["component"] == "fund")
    assert (fund["value"], fund["unrounded"]) == ("2310", "2319.53")


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("climate: 9 KRW/kWh", "climate: 9 KRW/m3", "unit-mismatch", "usage * climate"),
        ("usage: 350", "usage: many", "not-a-number", "usage: many"),
        ("usage: 350", "usage: 0.1234567", "too-precise", "usage: 0.1234567"),
        ("to: 2024-06-01}", "to: 2024-04-01}", "period-empty", "period:"),
        ("  usage: 350", "  usage: 350\n  wind: 3", "unknown-key", "wind: 3"),
        ("total: 71260", "total: 71260\n  lines: [{component: sun}]", "unknown-name", "lines:"),
        ("[400, 214.6], [null", "[400, 214.6], [500", "missing-tier", "400, 214.6"),
    ],
)
def test_faults_name_file_line_and_remedy(tmp_path: Path, old: str, new: str, code: str, line: str) -> None:
    assert old in CASE
    text = CASE.replace(old, new)
    error = run(tmp_path, text).exception
    assert isinstance(error, MainsError)
    assert error.code == code
    number = next(at for at, content in enumerate(text.splitlines(), 1) if line in content)
    assert f"case.yaml, line {number}" in error.place
    assert error.remedy


def test_machine_form_of_an_error_ends_with_2(tmp_path: Path) -> None:
    result = run(tmp_path, CASE.replace("climate: 9 KRW/kWh", "climate: 9 KRW/m3"), "--json")
    assert result.exit_code == 2
    assert json.loads(result.output)["error"]["code"] == "unit-mismatch"


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    error = run(tmp_path, "case: a\ntariff: [1, 2\n").exception
    assert isinstance(error, MainsError)
    assert error.code == "document-syntax"
    assert "case.yaml" in error.place


def test_a_missing_file_is_told() -> None:
    error = CliRunner().invoke(app, ["/nowhere/case.yaml"]).exception
    assert isinstance(error, MainsError)
    assert "no such file" in error.message


def test_tariff_in_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "flat.yaml").write_text(
        "tariff: flat\ncurrency: EUR\nunit: kWh\nprices: {p: 0.3 EUR/kWh}\n"
        "components: [{name: energy, formula: usage * p}]\n",
        encoding="utf-8",
    )
    case = "case: x\ntariff: flat.yaml\nfacts: {period: {from: 2024-05-01, days: 31}, usage: 10}\nexpect: {total: 3}\n"
    assert run(tmp_path, case).exit_code == 0
    (tmp_path / "flat.yaml").write_text("tariff: flat\ncurrency: EUR\nunit: kWh\n", encoding="utf-8")
    error = run(tmp_path, case).exception
    assert isinstance(error, MainsError)
    assert error.place.startswith("flat.yaml")
