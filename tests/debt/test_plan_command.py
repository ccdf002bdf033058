"""`mains plans`: terms, preview, propose, decide, look, show, restructure, cancel, print."""

from datetime import date, timedelta
from pathlib import Path

from django.utils import timezone
from typer.testing import CliRunner

from debt_cast import people
from mains.config.cli.plans import app
from mains.debt.models import InstalmentPlan
from money_cast import Cast
from plan_cast import PLAN_RULE, is_sound


def run(*arguments: str) -> str:
    called = CliRunner().invoke(app, list(arguments))
    assert called.exit_code == 0, called.output or called.exception
    return called.output


def test_a_plan_from_terms_to_its_end(cast: Cast, tmp_path: Path) -> None:
    people()
    rule = tmp_path / "rule.yaml"
    rule.write_text(PLAN_RULE, encoding="utf-8")
    stated = ["--grace", "5", "--from", "2020-01-01", "--proof", "Order 12"]
    run("terms", "--kind", "ordinary", "--above", "100", "--step", "1", *stated)
    assert "by a rule" in run("terms", "--kind", "fixed", "--above", "9000", "--interest", str(rule), *stated)
    cast.bill("anna", 60_050, on=date(2021, 1, 31), due=date(2021, 2, 10))
    first = (timezone.localdate() + timedelta(days=30)).isoformat()
    number = cast.numbers["anna"]
    shown = run("preview", number, "--first", first, "--count", "6", "--service", "electricity")
    assert "100.50" in shown
    assert "Debt 600.50, interest 0.00, in all 600.50. A second person approves it." in shown
    assert not InstalmentPlan.objects.exists()
    agreed = ["--first", first, "--reason", "Asked for", "--by", "alma"]
    assert "waits for approval" in run("propose", number, "--count", "6", *agreed)
    plan = str(InstalmentPlan.objects.get().pk)
    assert "holds" in run("decide", plan, "--by", "bert", "--note", "Fine")
    assert f"{plan} " in run("list", "--state", "running")
    assert "All plans stand as noted." in run("check")
    assert "1 plans, 0 changed, 0 broken" in run("look")
    assert "running since" in run("show", plan)
    fixed = ["--kind", "fixed", "--amount", "150", "--replaces", plan, "--document", "Agreement 2"]
    again = run("propose", number, *agreed, *fixed)
    assert "holds" in again
    assert "replaced since" in run("show", plan)
    paper = tmp_path / "agreement.pdf"
    run("pdf", plan, "--out", str(paper), "--language", "en")
    assert paper.read_bytes().startswith(b"%PDF")
    assert "is cancelled" in run("cancel", again.split()[1], "--reason", "Moved", "--by", "alma")
    assert is_sound()
    wrong = CliRunner().invoke(app, ["preview", number, "--first", first, "--kind", "odd", "--count", "2"])
    assert wrong.exit_code == 2
