"""An accountant groups, shares and asks in advance in the office; a field officer bills at the door, once."""

import html
import re
from datetime import date

import pytest

from mains.billing.models import BillRun, OnSiteBill
from mains.customers.models import Account
from mains.invoicing.models import Invoice, InvoiceGroup
from mains.metering.models import Installation, Reading, Register
from web.office.test_recalculation_pages import hidden

DAY = date(2021, 6, 5)


@pytest.fixture
def grouped(own_office):
    client = own_office.sign_in("accountant")
    made = {"code": "chain", "name": "Corner shops", "payer": own_office.central}
    assert client.post("/invoices/groups/", made).url == "/invoices/groups/chain/"
    joined = {"account": own_office.central, "valid_from": "2021-05-01", "proof": "Contract 7"}
    assert client.post("/invoices/groups/chain/member/", joined).status_code == 302
    return own_office, client


def test_a_group_is_invoiced_and_its_papers_are_there(grouped) -> None:
    office, client = grouped
    page = client.get("/invoices/groups/chain/").content.decode()
    assert office.central in page
    assert "1 bill is on no invoice yet." in page
    answer = client.post("/invoices/groups/chain/issue/", {"month": "2021-05", "due_on": ""})
    invoice = Invoice.objects.get()
    shown = client.get(answer.url).content.decode()
    assert re.search(r"CI-\d+", shown)
    assert "Nothing came in by its number yet" in shown
    number = re.search(r"/invoices/(CI-\d+)/", answer.url)[1]
    kinds = {"pdf": b"%PDF", "bills": b"%PDF", "xlsx": b"PK", "csv": "\ufeff".encode()}
    for form, begins in kinds.items():
        assert client.get(f"/invoices/{number}/file/{form}/").content.startswith(begins), form
    table = client.get(f"/invoices/{number}/file/csv/").content.decode()
    assert f"{invoice.amount_minor / 100:.2f}" in table.splitlines()[-1]
    again = client.post("/invoices/groups/chain/issue/", {"month": "2021-05", "due_on": ""})
    assert "is left to invoice" in again.content.decode()
    assert Invoice.objects.count() == 1


def test_another_district_neither_sees_the_group_nor_takes_part(grouped) -> None:
    office, client = grouped
    InvoiceGroup.objects.update(organisation_id=Account.objects.get(number=office.northern).organisation_id)
    central = office.sign_in("supervisor_central")
    assert central.get("/invoices/groups/chain/").status_code == 404
    assert "Corner shops" not in central.get("/invoices/").content.decode()
    assert client.get("/invoices/groups/chain/").status_code == 200


def test_payers_and_advances_are_stated_on_the_account(own_office) -> None:
    client, page = own_office.sign_in("accountant"), f"/accounts/{own_office.central}/invoicing/"
    share = {"payer": own_office.northern, "percent": "33.3333", "amount": "", "service": "", "component": "",
             "valid_from": "2021-06-01", "proof": "Contract 9"}  # fmt: skip
    assert client.post(f"{page}share/", share).status_code == 302
    shown = client.get(page).content.decode()
    assert own_office.northern in shown
    assert "33.3333 %" in shown
    too_much = client.post(f"{page}share/", share | {"percent": "70"}).content.decode()
    assert "The shares are more than a whole." in too_much
    assert client.post(f"{page}share/", {"valid_from": "2021-07-01", "ends": "1"}).status_code == 302
    assert "The account pays all itself" in client.get(page).content.decode()
    every = {"months": "3", "valid_from": "2021-07-01", "closes_in": "", "instalment": "50", "proof": "Letter 4",
             "service": "electricity"}  # fmt: skip
    refused = client.post(f"{page}interval/", every | {"valid_from": "2021-05-01"}).content.decode()
    assert "are billed and asked for already" in refused
    assert client.post(f"{page}interval/", every).status_code == 302
    shown = client.get(page).content.decode()
    assert "Letter 4" in shown
    assert "first for September 2021" in shown
    of_class = {"category": "household", "months": "2", "valid_from": "2021-07-01", "closes_in": "2021-08"}
    assert client.post("/invoices/interval/", of_class).status_code == 302
    assert "first for August 2021" in client.get("/invoices/").content.decode()
    asked = {"service": "electricity", "amount": "", "use": "150", "months": "3", "due_on": "", "note": ""}
    invoice = client.post(f"{page}advance/", asked)
    assert invoice.status_code == 302, invoice.content.decode()
    made = Invoice.objects.get(kind="advance")
    assert made.amount_minor > 0
    cancelled = client.post(f"{invoice.url}cancel/", {"reason": "Not needed"}, follow=True).content.decode()
    assert "Cancelled: Not needed" in cancelled


def test_an_officer_bills_at_the_door_and_prints_the_slip(own_office) -> None:
    client, page = own_office.sign_in("field_officer"), f"/accounts/{own_office.central}/on-site/"
    points = Account.objects.get(number=own_office.central).agreements.values_list(
        "service_point_id", flat=True
    )
    meters = Installation.objects.filter(service_point_id__in=points, superseded_at=None, valid__contains=DAY)
    registers = Register.objects.filter(meter_id__in=meters.values("meter_id"))
    typed = {"captured_at": "2021-06-05T10:15", "officer": "Anna", "latitude": "44.95", "longitude": "34.1"}
    for register in registers:
        last = Reading.objects.filter(register=register, superseded_at=None).latest("reading_date")
        typed[f"reading_{register.pk}"] = str(last.value_micro // 1_000_000 + 9)
    typed["key"] = hidden(client.get(page).content.decode(), "key")
    seen = client.post(page, typed).content.decode()
    assert "On-site bill up to" in seen
    assert not BillRun.objects.filter(kind="on_site").exists()
    posted = client.post(f"{page}post/", typed | {"seen": hidden(seen, "seen")}).content.decode()
    assert "Slip, 58 mm" in posted
    slip = re.findall(r"<pre[^>]*>(.*?)</pre>", posted, re.DOTALL)
    assert max(len(html.unescape(line)) for line in slip[0].splitlines()) <= 32
    made = OnSiteBill.objects.get()
    assert (made.latitude_micro, made.longitude_micro, made.officer) == (44_950_000, 34_100_000, "Anna")
    again = client.post(f"{page}post/", typed | {"seen": hidden(seen, "seen")}).content.decode()
    assert "is posted" in again
    assert OnSiteBill.objects.count() == 1
