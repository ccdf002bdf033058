"""A clerk sees the final bill of who moves out, then posts it; recalculation by itself is shown, and waits."""

import re
from datetime import UTC, date, datetime

import pytest

from mains.billing.models import Bill, BillRun, RecalculationLook
from mains.customers.models import Account, Agreement, Customer
from mains.metering.models import Installation, Reading, Register
from mains.tariffs.models import Tariff
from web.office.test_recalculation_pages import hidden, late_correction

LAST = date(2021, 6, 5)


def register_of(number: str) -> Register:
    points = Account.objects.get(number=number).agreements.values_list("service_point_id", flat=True)
    meters = Installation.objects.filter(
        service_point_id__in=points, superseded_at=None, valid__contains=LAST
    )
    return Register.objects.filter(meter_id__in=meters.values("meter_id")).order_by("zone").first()


@pytest.fixture
def typed(own_office) -> dict[str, str]:
    """What a clerk types for the account of the central district."""
    register = register_of(own_office.central)
    last = Reading.objects.filter(register=register, superseded_at=None).latest("reading_date")
    return {
        "last_date": LAST.isoformat(),
        f"reading_{register.pk}": str(last.value_micro // 1_000_000 + 9),
        "source": "40",
        "next_number": "",
        "next_name": "Надія Коваль",
        "next_phone": "+7 978 000 00 00",
        "proof": "act 12",
    }


def test_the_final_bill_is_seen_and_then_posted(own_office, typed) -> None:
    client, account = own_office.sign_in("clerk"), f"/accounts/{own_office.central}"
    assert f"{account}/move-out/" in client.get(f"{account}/").content.decode()
    assert "Show the final bill" in client.get(f"{account}/move-out/").content.decode()
    page = client.post(f"{account}/move-out/", typed).content.decode()
    assert "Final bill, last day 5 June 2021" in page or "Final bill, last day" in page
    assert not BillRun.objects.filter(kind="settlement").exists()
    assert not Customer.objects.filter(name="Надія Коваль").exists()
    seen = {"seen": hidden(page, "seen"), "mark": hidden(page, "mark")}
    posted = client.post(f"{account}/move-out/post/", typed | seen, follow=True).content.decode()
    assert "The final bill is posted." in posted
    assert "Final bill, June 2021" in posted
    (run,) = BillRun.objects.filter(kind="settlement")
    (bill,) = Bill.objects.filter(run_id=run.pk)
    assert str(bill.amount_minor) == seen["seen"]
    assert run.created_by.username == own_office.people["clerk"]
    newcomer = Account.objects.get(customer__name="Надія Коваль")
    point = Account.objects.get(number=own_office.central).agreements.first().service_point_id
    follows = Agreement.objects.get(service_point_id=point, superseded_at=None, account=newcomer)
    assert (follows.valid.lower, follows.proof) == (date(2021, 6, 6), "act 12")
    assert "Final bill" in client.get(f"{account}/money/").content.decode()
    runs = own_office.sign_in("accountant").get("/bill-runs/?show=settlements").content.decode()
    assert own_office.central in runs
    pdf = client.get(re.search(r'href="(/bills/[^"]+\.pdf)"', posted)[1])
    assert pdf.content.startswith(b"%PDF")
    history = client.get(f"{account}/history/").content.decode()
    assert "Final bill, June 2021" in history


def test_nothing_unseen_is_posted(own_office, typed) -> None:
    client, account = own_office.sign_in("clerk"), f"/accounts/{own_office.central}"
    page = client.post(f"{account}/move-out/", typed).content.decode()
    seen = {"seen": hidden(page, "seen"), "mark": hidden(page, "mark")}
    for changed in (
        {"seen": "1"},
        {"mark": ""},
        {"next_name": "Somebody else"},
        {"last_date": "2021-06-04"},
        {"seen": "soon"},
    ):
        answer = client.post(f"{account}/move-out/post/", typed | seen | changed)
        assert answer.status_code == 200
        assert "The final bill is posted." not in answer.content.decode()
    assert not BillRun.objects.filter(kind="settlement").exists()


def test_what_is_wrong_is_said_at_its_field(own_office, typed) -> None:
    client, address = own_office.sign_in("clerk"), f"/accounts/{own_office.central}/move-out/"
    register = next(name for name in typed if name.startswith("reading_"))
    for changed, told in (
        ({register: ""}, "settle by estimate"),
        ({register: "1"}, "is lower than"),
        ({register: "abc"}, "A reading has digits only"),
        ({"last_date": "2021-06-09"}, "is still to come"),
        ({"last_date": "never"}, "Enter a valid date"),
        ({"next_number": own_office.northern, "next_name": ""}, "that you may see"),
        ({"next_number": own_office.central}, "not both"),
    ):
        page = client.post(address, typed | changed).content.decode()
        assert told in page, (changed, re.findall(r'field-error".*?</ul>', page, re.DOTALL))
        assert "Post the final bill" not in page


def test_who_may_not_see_money_settles_nothing(own_office) -> None:
    account = f"/accounts/{own_office.central}"
    assert own_office.sign_in("field_officer").get(f"{account}/move-out/").status_code == 404
    assert own_office.sign_in("cashier").get(f"{account}/move-out/").status_code == 403
    assert "move-out" not in own_office.sign_in("cashier").get(f"{account}/").content.decode()


def test_recalculation_by_itself_is_shown_and_waits_for_a_person(own_office) -> None:
    accountant, clerk = own_office.sign_in("accountant"), own_office.sign_in("clerk")
    page = accountant.get("/bill-runs/").content.decode()
    assert "Recalculation by itself" in page
    assert "Not yet" in page
    RecalculationLook.objects.create(
        cycle="monthly", outcome="waits", touched=600, at_most=30, looked_at=datetime(2026, 11, 27, tzinfo=UTC),
        message="600 accounts are touched, and at most 30 are corrected unasked.",
    )  # fmt: skip
    page = accountant.get("/bill-runs/").content.decode()
    assert "600 accounts wait to be recalculated" in page
    assert "waits for a person" in accountant.get("/exceptions/").content.decode()
    assert "waits for a person" not in clerk.get("/exceptions/").content.decode()
    answer = accountant.post("/bill-runs/agree/", {"cycle": "monthly", "touched": "599"}, follow=True)
    assert "By now this is not what waits." in answer.content.decode()
    assert RecalculationLook.objects.get().agreed_at is None
    answer = accountant.post(
        "/bill-runs/agree/", {"cycle": "monthly", "touched": hidden(page, "touched")}, follow=True
    )
    assert "A worker will post what waits" in answer.content.decode()
    kept = RecalculationLook.objects.get()
    assert kept.agreed_by.username == own_office.people["accountant"]
    assert clerk.post("/bill-runs/look/", {"cycle": "monthly"}).status_code == 403
    assert accountant.post("/bill-runs/look/", {"cycle": "weekly"}).status_code == 404


def test_a_wrong_setting_is_told(own_office, settings) -> None:
    settings.RECALCULATE = "often"
    page = own_office.sign_in("accountant").get("/bill-runs/").content.decode()
    assert "says neither how often nor when to recalculate" in page


def test_looking_now_is_asked_of_a_worker(own_office) -> None:
    late_correction(own_office.central)
    accountant = own_office.sign_in("accountant")
    first = accountant.post("/bill-runs/look/", {"cycle": "monthly"}, follow=True).content.decode()
    again = accountant.post("/bill-runs/look/", {"cycle": "monthly"}, follow=True).content.decode()
    assert "A worker looks now" in first
    assert "about to look already" in again


def test_who_takes_over_may_pay_otherwise(own_office, typed) -> None:
    """Tariff and category of the one who comes next are offered, shown before anything is kept, and agreed."""
    client, account = own_office.sign_in("clerk"), f"/accounts/{own_office.central}"
    point = Account.objects.get(number=own_office.central).agreements.first().service_point_id
    before = Agreement.objects.get(service_point_id=point, superseded_at=None)
    other = Tariff.objects.filter(service="electricity").exclude(pk=before.tariff_id).order_by("pk")[0]
    form = client.get(f"{account}/move-out/").content.decode()
    assert f'<option value="{other.pk}">' in form
    told = typed | {"next_tariff_electricity": str(other.pk), "next_category": "commercial"}
    page = client.post(f"{account}/move-out/", told)
    (terms,) = page.context["next_terms"]
    assert terms["category"] == "commercial"
    assert f"{terms['tariff']}, Commercial" in page.content.decode()
    seen = {"seen": hidden(page.content.decode(), "seen"), "mark": hidden(page.content.decode(), "mark")}
    # Nobody agrees on what was not seen.
    client.post(f"{account}/move-out/post/", typed | seen)
    assert not BillRun.objects.filter(kind="settlement").exists()
    client.post(f"{account}/move-out/post/", told | seen)
    follows = Agreement.objects.get(
        service_point_id=point, superseded_at=None, valid__contains=date(2021, 6, 7)
    )
    assert (follows.tariff_id, follows.category) == (other.pk, "commercial")
    refused = client.post(f"{account}/move-out/", told | {"next_tariff_electricity": "999999"})
    assert "next_tariff_electricity" in refused.context["form"].errors
