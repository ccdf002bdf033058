"""`mains bill on-site` and `mains invoice` as a person runs them."""

import json

from billing.test_moving_commands import mains
from billing.test_settlement import final
from invoicing.invoice_play import breaches
from mains.billing.models import OnSiteBill
from mains.invoicing.models import Invoice
from mains.metering.models import Register

__all__ = ["mains"]


def test_a_visit_is_previewed_billed_once_and_printed(mains):
    serial = Register.objects.get(pk=140).meter.serial
    visit = (
        "bill",
        "on-site",
        "14",
        "--reading",
        f"{serial}={final().text_value}",
        "--at",
        "2021-06-20T08:40",
    )
    place = ("--place", "56.8377,60.5975,8", "--officer", "Anna", "--key", "visit-77")
    code, seen, _ = mains(*visit, *place, "--preview")
    assert code == 0
    assert "Nothing was kept." in seen
    assert not OnSiteBill.objects.exists()
    code, slip, errors = mains(*visit, *place, "--printed", "400.00")
    assert code == 0, errors
    assert "more than the bill that was printed at the door" in slip
    made = OnSiteBill.objects.get()
    assert (made.accuracy_m, made.printed_minor) == (8, 400_00)
    code, again, _ = mains(*visit, *place, "--printed", "400.00", "--json", "--paper", "80")
    told = json.loads(again)
    assert (told["was_made"], told["amount_minor"]) == (True, made.amount_minor)
    assert max(len(line) for line in told["slip"].splitlines()) <= 48
    code, _out, refused = mains(*visit, "--key", "visit-78", "--place", "north")
    assert code == 2
    assert "is no place" in refused


def test_invoices_by_command(mains, tmp_path):
    steps = [
        ("group", "shops", "--name", "Corner Shops", "--payer", "14"),
        ("member", "shops", "14", "15", "--from", "2021-05-01"),
        ("issue", "shops", "--month", "2021-05", "--preview"),
        ("issue", "shops", "--month", "2021-05"),
        ("share", "16", "--to", "17=33.3333%", "--to", "18:electricity=5.00", "--from", "2021-05-01"),
        ("advance", "14", "--service", "electricity", "--amount", "500.00"),
        ("every", "3", "--account", "20", "--from", "2021-07-01", "--instalment", "electricity=10.00"),
        ("every", "2", "--class", "household", "--from", "2021-07-01"),
        ("waiting",),
        ("follow",),
    ]
    told = []
    for step in steps:
        code, out, errors = mains("invoice", *step)
        assert code == 0, (step, errors)
        told.append(out)
    assert "2 bills of 2 accounts" in told[2]
    assert "1 bills shared" in told[-1]
    number = told[3].split(":")[0]
    listed = mains("invoice", "list")[1]
    assert number in listed
    assert all(kind in listed for kind in ("collective", "shared", "advance"))
    path = tmp_path / "may.csv"
    assert mains("invoice", "write", number, "--out", str(path))[0] == 0
    assert number in path.read_text()
    code, _out, refused = mains("invoice", "cancel", number, "--reason", "Mistake")
    assert code == 2
    assert "Only an advance invoice" in refused
    assert Invoice.objects.count() == 4
    assert breaches() == []
