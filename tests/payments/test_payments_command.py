"""`mains payments` and `mains ledger` in processes of their own, on a database of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from mains.ledger.models import Entry, Posting
from mains.payments.models import PaymentRegister, Receipt
from money_cast import Cast, build_cast, register_text, write
from template_databases import connected_copy, migrated


@pytest.fixture
def committed(django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    """The cast in a database where commits are real, for other processes to see."""
    with django_db_blocker.unblock(), connected_copy(migrated()):
        cast = build_cast()
        cast.bill("anna", 5_000, on=date(2021, 3, 31))
        yield cast


def mains(*arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"MAINS_DATABASE": str(connection.settings_dict["NAME"])}
    return subprocess.Popen(
        [sys.executable, "-m", "mains", *arguments],
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_import_identify_and_check(committed: Cast, tmp_path: Path) -> None:
    text = register_text(
        [(committed.numbers["anna"], "2021-04-12", "60.00", "R-1"), ("999999", "2021-04-12", "7.50", "R-2")]
    )
    path = write(tmp_path, text)
    code, out, err = finish(mains("payments", "import", str(path), "--accept"))
    assert (code, err) == (0, "")
    assert "2 payments, 67.50 in all" in out
    assert "1 of them, 7.50" in out
    assert "50.00 paid debts, 10.00 is in credit, 7.50 (1) is in suspense" in out

    code, out, err = finish(
        mains("payments", "import", str(write(tmp_path, text, name="again.csv")), "--accept")
    )
    assert (code, out) == (2, "")
    assert "here already" in err
    assert "Nothing was changed" in err
    assert Receipt.objects.count() == 2

    code, out, _ = finish(mains("payments", "suspense"))
    assert "1 receipts, 7.50 in suspense." in out
    receipt_id = str(Receipt.objects.get(account_id=None).pk)
    assert receipt_id in out
    code, out, err = finish(mains("payments", "identify", receipt_id, committed.numbers["boris"]))
    assert (code, err) == (0, "")
    assert "7.50 is in credit" in out
    code, out, _ = finish(mains("payments", "list"))
    assert "april.csv  accepted" in out
    code, out, err = finish(mains("ledger", "check"))
    assert (code, err) == (0, "")
    assert "BROKEN" not in out
    assert "ok      debits-equal-credits" in out


def test_faults_are_printed_with_file_line_field_and_remedy(committed: Cast, tmp_path: Path) -> None:
    path = write(
        tmp_path, register_text([("0310000017", "2021-04-12", "1.00", "R-1")]).replace("1.00,R", "x,R")
    )
    code, out, err = finish(mains("payments", "import", str(path), "--accept"))
    assert (code, out) == (1, "")
    assert "april.csv is refused; nothing of it is kept." in err
    assert "april.csv, line 2, field amount: “x” is not an amount. Write it with digits" in err
    code, _, err = finish(mains("payments", "import", str(tmp_path / "missing.csv")))
    assert code == 2
    assert "cannot be read" in err
    assert "Traceback" not in err


def test_of_two_simultaneous_imports_of_one_file_one_wins(committed: Cast, tmp_path: Path) -> None:
    numbers = list(committed.numbers.values())
    payments = [(numbers[row % 5], "2021-04-12", "1.00", f"R-{row}") for row in range(3_000)]
    path = write(tmp_path, register_text(payments))
    racers = [mains("payments", "import", str(path), "--accept") for _ in range(3)]
    codes = sorted(finish(racer)[0] for racer in racers)
    assert codes == [0, 2, 2]
    assert (PaymentRegister.objects.count(), Receipt.objects.count()) == (1, 3_000)


def test_of_two_simultaneous_acceptances_one_wins(committed: Cast, tmp_path: Path) -> None:
    numbers = list(committed.numbers.values())
    rows = [(numbers[row % 5], "2021-04-12", "1.00", f"R-{row}") for row in range(3_000)]
    register = committed.stage(register_text(rows))
    racers = [mains("payments", "accept", str(register.pk)) for _ in range(2)]
    results = [finish(racer) for racer in racers]
    assert sorted(code for code, _, _ in results) == [0, 2]
    assert any("accepted already" in err for _, _, err in results)
    assert Receipt.objects.count() == 3_000
    assert sum(Entry.objects.values_list("amount_minor", flat=True)) == 5_000 - 300_000
    assert sum(Posting.objects.filter(control="bank").values_list("amount_minor", flat=True)) == 300_000


@pytest.mark.django_db
def test_the_database_that_is_copied_is_empty():
    # The mark also makes pytest-django build that database when this file runs alone.
    assert not Receipt.objects.exists()
    assert not PaymentRegister.objects.exists()
