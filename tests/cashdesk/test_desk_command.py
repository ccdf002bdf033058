"""`mains desk` and `mains ledger check`, and hledger's own sums of a cashier's day."""

import csv
import io
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from desk_cast import Desks, on_control
from mains.cashdesk.models import CashDesk
from mains.cashdesk.values import Means
from mains.config.cli.desk import app
from mains.config.cli.ledger import app as ledger_app
from mains.integrations.plain_accounting import HLEDGER, write_journal
from mains.ledger.values import CODE_OF_CONTROL, Control
from money_cast import NOW


def run(*arguments: str) -> str:
    called = CliRunner().invoke(app, list(arguments))
    assert called.exit_code == 0, called.output
    return called.output


def test_a_desk_is_added_and_its_shifts_are_listed(desks: Desks) -> None:
    assert "Cash desk W-2 is added." in run("add", "W-2", "--unit", "south", "--void-limit", "100.50")
    added = CashDesk.objects.get(code="W-2")
    assert (added.void_limit_minor, added.organisation_id) == (10_050, desks.cast.units["South"])
    again = CliRunner().invoke(app, ["add", "W-2", "--unit", "south"])
    assert "There is a desk with this code." in str(again.exception)
    for wrong in (
        ["--unit", "nowhere"],
        ["--unit", "south", "--void-limit", "ten"],
        ["--unit", "south", "--bank-account", "1"],
    ):
        assert CliRunner().invoke(app, ["add", "W-3", *wrong]).exit_code == 2
    assert "1,000.00" in run("safe", "south", "--put", "1000.00", "--reason", "Counted")
    desks.open()
    desks.take("nora", ("anna", 12_345))
    assert "123.45" in run("list")
    desks.close("nora", {10_000: 1, 1_000: 2, 200: 1, 100: 1, 10: 4}, reason="Coins")
    assert "-0.05" in run("shifts")


def test_the_check_finds_cash_that_the_ledger_does_not_have(desks: Desks) -> None:
    assert CliRunner().invoke(ledger_app, ["check"]).exit_code == 0
    desks.open()
    payment = desks.take("nora", ("anna", 500)).payment
    # Somebody who owns the database gives the payment a line more.
    payment.lines.create(
        position=2,
        receipt_id=10**9,
        account_id=1,
        account_number="1",
        customer="",
        amount_minor=7,
        owed_minor=0,
    )
    found = CliRunner().invoke(ledger_app, ["check"])
    assert found.exit_code == 1
    broken = {line.split()[-1] for line in found.stdout.splitlines() if line.startswith("BROKEN")}
    assert broken == {"tills-equal-ledger", "tills-are-all-cash", "desk-payments-equal-receipts"}


def test_hledger_sums_the_day_as_the_ledger_does(desks: Desks, tmp_path: Path) -> None:
    desks.open(pieces={10_000: 10}, from_safe_minor=100_000)
    desks.take("nora", ("anna", 40_000), ("chen", 1_050))
    desks.take("nora", ("boris", 8_000), means=Means.CARD, slip="1")
    desks.close("nora", {10_000: 14, 1_000: 1}, reason="Coins", to_bank_minor=100_000, slip="B-1")
    journal = tmp_path / "day.journal"
    with journal.open("w", encoding="utf-8") as out:
        write_journal(out=out, notation=HLEDGER, as_of=desks.clock)
    assert desks.clock > NOW
    program = shutil.which("hledger")
    if program is None:
        pytest.skip("hledger is not installed: apt-get install hledger")
    said = subprocess.run(
        [program, "-f", str(journal), "balance", "--flat", "-N", "-E", "-O", "csv", "--depth", "2"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    sums = {name.split(":")[1]: amount for name, amount in list(csv.reader(io.StringIO(said)))[1:]}
    controls = (Control.CASH_DESK, Control.SAFE, Control.IN_TRANSIT, Control.CARDS, Control.CASH_DIFFERENCES)
    for control in controls:
        minor = round(float(sums[CODE_OF_CONTROL[control]].split()[0]) * 100)
        assert minor == on_control(control.value) != 0, control


@pytest.mark.parametrize("put", ["0", "-5.00", "1.005"])
def test_a_safe_takes_only_amounts(desks: Desks, put: str) -> None:
    assert CliRunner().invoke(app, ["safe", "south", "--put", put]).exit_code != 0
