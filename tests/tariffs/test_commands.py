"""`mains tariff`: the same rules on the command line."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from unittest.mock import patch

import pytest
from psycopg.types.range import DateRange

from mains.config.cli import main
from mains.staff.models import Assignment, Organisation, Role, User
from mains.tariffs.models import TariffEdition
from tariff_cast import HOME, MAY_BILL, NEXT_VERSION, NOW


@pytest.fixture
def mains(monkeypatch):
    """The command line in this process: exit code and all that it told."""
    monkeypatch.setenv("MAINS_TODAY", "2024-06-10")

    def run(*arguments: object, code: int = 0) -> str:
        out, ended = io.StringIO(), 0
        called = patch.object(sys, "argv", ["mains", "tariff", *map(str, arguments)])
        with called, redirect_stdout(out), redirect_stderr(out):
            try:
                main()
            except SystemExit as end:
                ended = int(end.code or 0)
        assert ended == code, out.getvalue()
        return out.getvalue()

    return run


@pytest.fixture
def roles(olga: User, pavel: User) -> None:
    """Olga drafts and publishes, Pavel publishes."""
    utility = Organisation.objects.create(code="LU", name="Lumen", kind="utility")
    both = ["see_tariff_drafts", "draft_tariffs", "publish_tariffs"]
    for person, permissions in ((olga, both), (pavel, both[::2])):
        role = Role.objects.create(code=person.username, name=person.username, permissions=permissions)
        Assignment.objects.create(
            user=person,
            role=role,
            organisation=utility,
            valid=DateRange(date(2020, 1, 1), None),
            recorded_at=NOW,
        )


@pytest.fixture
def next_document(tmp_path):
    path = tmp_path / "next.yaml"
    path.write_text(HOME + NEXT_VERSION, "utf-8")
    return path


def test_one_submits_and_another_publishes(home, roles, next_document, mains) -> None:
    assert "home: no faults; 2 versions, 2 components." in mains("check", next_document)
    assert "0.2 → 0.22  (10 %)" in mains("diff", next_document)
    told = mains("submit", next_document, "--by", "olga", "--note", "Order 57")
    number = told.split("mains tariff publish ")[1].split()[0]
    assert "July" not in mains("list")
    assert "submitted" in mains("list")
    refused = mains("publish", number, "--by", "olga", code=2)
    assert "Who wrote or submitted a draft cannot publish it." in refused
    assert "may not do this" in mains("submit", next_document, "--by", "pavel", "--note", "x", code=2)
    assert "is in force" in mains("publish", number, "--by", "pavel")
    in_force = TariffEdition.objects.get(superseded_at=None)
    assert (in_force.document, in_force.recorded_by.username) == (HOME + NEXT_VERSION, "pavel")
    assert "2024-07-01" in mains("list")
    assert "No difference by meaning." in mains("diff", next_document)


def test_only_a_first_document_is_published_by_one(roles, next_document, mains) -> None:
    assert "Submit the document first" in mains("publish", next_document, "--by", "pavel", code=2)
    assert "is in force" in mains("publish", next_document, "--initial", "--by", "pavel")
    assert "already" in mains("publish", next_document, "--initial", "--by", "pavel", code=2)


def test_faults_are_told_with_their_lines(db, tmp_path, mains) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(HOME.replace("vat * charges", "vat * usage").replace("2024-01-01", "soon"), "utf-8")
    told = mains("check", path, code=2)
    assert "bad.yaml, line 9" in told or "bad.yaml, line 11" in told
    assert "Also:" in told or "is not a date" in told
    path.write_bytes(b"tariff: \xff\n")
    assert "not UTF-8" in mains("check", path, code=2)


def test_a_document_and_case_files_are_checked_where_there_is_no_database(next_document, tmp_path) -> None:
    case = tmp_path / "case.yaml"
    case.write_text("case: May\ntariff: elsewhere.yaml\n" + MAY_BILL, "utf-8")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("case: May\n" + MAY_BILL.replace("42.00", "42.01"), "utf-8")
    home = tmp_path / "home"
    kept_out = ("DATABASE_URL", "MAINS_DATABASE", "DJANGO_SETTINGS_MODULE")
    environment = {name: value for name, value in os.environ.items() if name not in kept_out}

    def check(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mains", "tariff", "check", *map(str, arguments)]
        return subprocess.run(
            command,
            env=environment | {"MAINS_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )

    sound = check(next_document, "--case", case)
    assert sound.returncode == 0, sound.stderr
    assert "home: no faults" in sound.stdout
    assert f"passes  {case}" in sound.stdout
    assert "there is no database here" in sound.stderr
    failed = check(next_document, "--case", case, "--case", wrong)
    assert failed.returncode == 1
    assert f"FAILS   {wrong}" in failed.stdout
    assert not home.exists()
