"""`mains recalculate` and `mains settle` as a person runs them: what they print, what they refuse, what they keep."""

import json
import os
import subprocess
import sys
from datetime import date, timedelta

import pytest

from billing.test_recalculation import LATER, another_resident
from billing.test_recalculation_by_itself import dearer
from billing.test_runs import assert_sound
from billing.test_settlement import JUNE, LAST, agreements, billed_in_june, final
from mains.billing.actions.runs import plan_run
from mains.billing.models import Bill, BillRun
from mains.billing.values import bill_number
from mains.customers.models import Account, Agreement
from mains.staff.models import User

HOUR = timedelta(hours=1)
AS_OF = ("--as-of", "2021-06-07T09:00")


@pytest.fixture
def mains(billed_utility, monkeypatch):
    """Runs a command on the test's own database on 25 June 2021: exit code, output, errors."""
    monkeypatch.setenv("MAINS_TODAY", "2021-06-25")

    def run(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "mains", *arguments],
            env=os.environ | {"MAINS_DATABASE": billed_utility, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        return done.returncode, done.stdout, done.stderr

    return run


def test_one_account_is_recalculated(mains):
    another_resident(12, since=date(2021, 3, 20), now=LATER - HOUR)
    code, seen, _ = mains("recalculate", "--account", "12", "--preview", *AS_OF)
    assert code == 0
    assert "Nothing was posted." in seen
    assert "accounts to correct: 1, 384.28 in all" in seen
    assert not BillRun.objects.filter(kind="recalculation").exists()
    code, told, _ = mains("recalculate", "--account", "12", *AS_OF)
    run = BillRun.objects.get(kind="recalculation")
    assert (code, run.account_id) == (0, 12)
    assert_sound(run)
    assert Bill.objects.get(run_id=run.pk).amount_minor == 38428
    assert f"account 12: run {run.pk} in 2021-06, accounts corrected: 1, 384.28 in all." in told
    march = next(line for line in told.splitlines() if "2021-03" in line and "supply" in line)
    assert "61.74" in march
    code, again, _ = mains("recalculate", "--account", "12", "--as-of", "2021-06-07T10:00")
    assert "account 12: there is nothing to correct. Nothing was posted." in again


def test_every_touched_account_is_recalculated(mains):
    another_resident(12, since=date(2021, 3, 20), now=LATER - HOUR)
    code, told, _ = mains("recalculate", "--json", *AS_OF)
    assert code == 0
    (found,) = json.loads(told)
    assert (found["of"], found["month"], found["amount_minor"]) == ("cycle monthly", "2021-06", 38428)
    supply = {
        row["service_month"]: row["amount_minor"]
        for row in found["differences"]
        if row["component"] == "supply"
    }
    assert supply == {"2021-05": 16304, "2021-04": 15950, "2021-03": 6174}
    assert BillRun.objects.get(kind="recalculation").pk == found["run"]
    code, told, _ = mains("recalculate", "--as-of", "2021-06-07T10:00")
    assert (code, told) == (
        0,
        "Nobody is touched by what became known since the last run. Nothing was posted.\n",
    )


def test_a_price_of_the_past_is_previewed_for_all(mains):
    dearer()
    code, told, _ = mains("recalculate", "--preview", *AS_OF)
    assert code == 0
    assert "Nothing was posted." in told
    assert not BillRun.objects.filter(kind="recalculation").exists()


def test_what_recalculate_refuses(mains):
    for arguments, told in (
        (("--account", "999999"), ("There is no account 999999.", "--account", "subscriber book")),
        (("--as-of", "soon"), ("soon",)),
        (("--as-of", "2021-06-01T00:00"), ("counts facts up to", "Plan the run at a later time.")),
    ):
        code, out, errors = mains("recalculate", *arguments)
        assert (code, out) == (2, "")
        for text in ("Error: ", *told):
            assert text in errors
    assert not BillRun.objects.filter(kind="recalculation").exists()


def test_an_unfinished_month_comes_first(mains):
    run = plan_run(month=JUNE, now=LATER.replace(month=7, day=3))
    code, _, errors = mains("recalculate", "--as-of", "2021-07-04T00:00")
    assert code == 2
    assert f"Run {run.pk} (Monthly, 2021-06) is not finished." in errors
    assert "mains bill run" in errors


def test_an_account_is_settled(mains):
    User.objects.create_user("clara")
    asked = ("settle", "14", "--on", "2021-06-20", "--reading", f"14={final().text_value}", "--next", "15")
    code, seen, errors = mains(*asked, "--preview")
    assert (code, errors) == (0, "")
    assert "Last day 2021-06-20; 15 begins the day after." in seen
    assert "Nothing was kept." in seen
    assert agreements() == [(14, date(2020, 1, 1), None)]
    code, told, _ = mains(*asked, "--by", "clara", "--proof", "act 3")
    assert code == 0
    (bill,) = billed_in_june(14)
    run = BillRun.objects.get(pk=bill.run_id)
    assert run.created_by.username == "clara"
    assert f"Final bill {bill_number(bill.month, bill.id)} (run {run.pk})" in told
    assert agreements()[1] == (15, LAST + timedelta(days=1), None)
    code, again, _ = mains(*asked)
    assert code == 0
    assert "There was nothing to post." in again
    code, data, _ = mains("settle", "14", "--on", "2021-06-22", "--estimate", "--json")
    moved = json.loads(data)
    assert moved["next_terms"] == [{"service_point": "SP14", "tariff": "home", "category": "household"}]
    assert (code, moved["last_day"], moved["next_account"], moved["amount_minor"] > 0) == (
        0,
        "2021-06-22",
        "15",
        True,
    )
    assert len(billed_in_june(14)) == 2


def test_a_new_customer_is_named_on_the_command_line(mains):
    from django.db import connection

    with connection.cursor() as cursor:  # the population numbers its customers itself
        for table in ("customers_customer", "customers_account"):
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 20000000)", [table])
    code, told, _ = mains("settle", "14", "--on", "2021-06-20", "--estimate", "--next-name", "Nadia")
    account = Account.objects.get(customer__name="Nadia")
    assert code == 0
    assert f"Last day 2021-06-20; {account.number} begins the day after." in told
    assert "5 days are estimated" in told


def test_who_comes_next_pays_by_other_terms(mains):
    asked = (
        "settle",
        "14",
        "--on",
        "2021-06-20",
        "--estimate",
        "--next",
        "15",
        "--next-category",
        "commercial",
    )
    code, seen, _ = mains(*asked, "--preview")
    assert (code, "SP14 from the day after: tariff home, category commercial." in seen) == (0, True)
    code, _, _ = mains(*asked)
    follows = Agreement.objects.get(service_point_id=14, account_id=15, superseded_at=None)
    assert (code, follows.category, follows.tariff.code) == (0, "commercial", "home")


def test_what_settle_refuses(mains):
    for arguments, told in (
        (("999999",), "There is no account 999999."),
        (("14", "--on", "2021-06-20"), "There is no reading of 2021-06-20 of meter 14."),
        (("14", "--on", "2021-06-20", "--reading", "14"), "does not say which register showed what"),
        (("14", "--on", "2021-06-20", "--reading", "14/dusk=1"), "does not say which register showed what"),
        (("14", "--on", "2021-06-20", "--reading", "nothing=1"), "There is no meter nothing"),
        (("14", "--on", "20 June"), "is not a day of the calendar"),
        (("14", "--estimate", "--next", "15", "--next-name", "Nadia"), "is named twice"),
        (("14", "--estimate", "--next", "999999"), "There is no account 999999."),
        (("14", "--estimate", "--point", "SP999999"), "There is no service point SP999999."),
        (("14", "--estimate", "--on", "2021-06-26"), "2021-06-26 is still to come."),
        (("14", "--estimate", "--by", "nobody"), "There is no active user nobody."),
        (("14", "--estimate", "--next", "15", "--next-tariff", "none"), "There is no tariff none."),
        (("14", "--estimate", "--next", "15", "--next-category", "shop"), "There is no category shop."),
        (("14", "--estimate", "--next-category", "commercial"), "Terms are given, and nobody comes next."),
    ):
        code, out, errors = mains("settle", *arguments)
        assert (code, out) == (2, "")
        assert told in errors
        assert "What to do: " in errors
    assert not BillRun.objects.filter(kind="settlement").exists()
    assert agreements() == [(14, date(2020, 1, 1), None)]
