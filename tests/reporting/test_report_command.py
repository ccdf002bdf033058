"""`mains report` prints, exports and refuses."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mains.config.cli import report
from mains.kernel.errors import MainsError
from money_cast import Cast


@pytest.fixture
def run(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs the command on the test's own database, which is up already."""
    cast.bill("anna", 125_040, on=date(2021, 4, 30))
    monkeypatch.setattr(report, "start_django", lambda: None)

    def run_one(*arguments: str) -> str:
        result = CliRunner().invoke(report.app, list(arguments))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return run_one


def test_the_statement_is_printed_by_level(run: Callable[..., str], cast: Cast) -> None:
    top = run("turnover", "--month", "2021-04").splitlines()
    assert top[0] == "Lumen"
    assert top[1].split() == ["Code", "Name", "Opening", "Accrued", "Recalculated", "Paid", "Closing"]
    assert top[2].split() == ["north", "North", "0.00", "1,250.40", "0.00", "0.00", "1,250.40"]
    assert top[-1].split() == ["Total", "0.00", "1,250.40", "0.00", "0.00", "1,250.40"]
    alder = run("turnover", "--month", "2021-05", "--organisation", "alder")
    assert alder.splitlines()[0] == "Lumen / North / Alder"
    assert f"{cast.numbers['anna']}  Anna   1,250.40" in alder


def test_files_are_written(run: Callable[..., str], tmp_path: Path) -> None:
    table, sheet = tmp_path / "t.csv", tmp_path / "t.xlsx"
    out = run("turnover", "--month", "2021-03", "--to", "2021-04", "--csv", str(table), "--xlsx", str(sheet))
    assert out == f"Written: {table}\nWritten: {sheet}\n"
    assert table.read_bytes().startswith(b"\xef\xbb\xbf")
    assert sheet.read_bytes().startswith(b"PK")
    assert json.loads(run("turnover", "--month", "2021-04", "--json"))["total"]["closing_minor"] == 125_040


def test_a_past_statement(run: Callable[..., str]) -> None:
    assert "1,250.40" not in run("turnover", "--month", "2021-04", "--as-of", "2021-06-07T08:59Z")
    assert "1,250.40" in run("turnover", "--month", "2021-04", "--as-of", "2021-06-07T09:00Z")


def test_ageing_is_kept_and_printed(run: Callable[..., str]) -> None:
    lines = run("ageing", "--date", "2021-05-31").splitlines()
    # Due on 30 April: 31 days.
    assert [line.split()[-2:] for line in lines if line.startswith("31–60 days")] == [["1,250.40", "1"]]
    assert [line.split()[-2:] for line in lines if line.startswith("Not yet due")] == [["0.00", "0"]]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("turnover", "--month", "May"), "period-unreadable"),
        (("turnover", "--month", "2021-05", "--to", "2021-04"), "period-invalid"),
        (("turnover", "--month", "2021-05", "--organisation", "nowhere"), "organisation-unknown"),
        (("turnover", "--month", "2021-05", "--as-of", "2021-06-07T09:00"), "period-unreadable"),
        (("ageing", "--date", "31.05.2021"), "period-unreadable"),
    ],
)
def test_refusals_name_the_cause(run: Callable[..., str], arguments: tuple[str, ...], code: str) -> None:
    with pytest.raises(MainsError) as refusal:
        run(*arguments)
    assert refusal.value.code == code
    assert refusal.value.remedy
