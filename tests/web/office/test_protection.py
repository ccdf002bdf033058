"""Personal data: masked by role, looks noted, handed out, erased as far as the law lets go; the audit log."""

import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from pypdf import PdfReader

from mains.customers.actions.erasure import UnableToErase
from mains.customers.models import Account, Customer
from mains.reporting.actions.erasure import erase_personal_data
from mains.reporting.queries.personal_data import find_erasable
from mains.staff.actions.looks import forget_looks, note_look
from mains.staff.models import AuditChange, AuditEntry, Role
from mains.staff.queries.audit import check_audit, list_entries
from mains.staff.queries.looks import list_looks

NOW = datetime(2021, 6, 7, 12, tzinfo=UTC)


def _customer(number: str, **fields: str) -> Customer:
    customer = Account.objects.get(number=number).customer
    for name, value in fields.items():
        setattr(customer, name, value)
    customer.save()
    return customer


def _take(role: str, *permissions: str) -> None:
    found = Role.objects.get(code=role)
    found.permissions = [each for each in found.permissions if each not in permissions]
    found.save()


def test_contacts_and_names_are_masked_on_pages_lists_search_and_documents(own_office) -> None:
    number = own_office.central
    customer = _customer(number, phone="+79781234567", email="ivan@example.org", tax_number="910200000012")
    path, secrets = f"/accounts/{number}/", ("+79781234567", "ivan@example.org", "910200000012")
    page = own_office.sign_in("supervisor").get(path).content.decode()
    assert all(secret in page for secret in secrets[:2])
    page = own_office.sign_in("tariff_specialist").get(path).content.decode()
    assert customer.name in page
    assert not any(secret in page for secret in secrets)
    _take("tariff_specialist", "see_names")
    client = own_office.sign_in("tariff_specialist")
    words = customer.name.split()
    addresses = [path, "/accounts/", f"/accounts/{number}/money/", f"/accounts/{number}/debts/"]
    addresses += [f"/bills/{own_office.central_bill}/", "/plans/", "/reports/turnover.csv"]
    for address in addresses:
        shown = client.get(address)
        assert shown.status_code == 200, address
        assert customer.name not in shown.content.decode(), address
    assert f"{customer.name[0]}•••" in client.get(path).content.decode()
    assert (
        number not in client.get(f"/search?q={words[0]}+{words[1]}", HTTP_HX_REQUEST="true").content.decode()
    )
    assert number in client.get(f"/search?q={number}", HTTP_HX_REQUEST="true").content.decode()
    for document in (
        f"/bills/{own_office.central_bill}.pdf",
        f"/bills/{own_office.central_bill}-protocol.pdf",
    ):
        assert client.get(document).status_code == 403
    # The mask ends with the request: the same connection shows the next person everything.
    assert customer.name in own_office.sign_in("supervisor").get(path).content.decode()


def test_each_opening_is_noted_and_shown_to_those_who_may_see_it(own_office) -> None:
    clerk = own_office.sign_in("clerk")
    page = clerk.get("/accounts/").content.decode()
    number = page.split("/accounts/")[-1].split("/")[0]
    clerk.get(f"/accounts/{number}/", REMOTE_ADDR="10.1.2.3")
    clerk.get(f"/accounts/{number}/meters/", REMOTE_ADDR="10.1.2.3")
    account = Account.objects.get(number=number)
    looks = list_looks(account_ids=[account.pk])
    assert [(one.page, one.address, one.username) for one in looks] == [
        ("account_meters", "10.1.2.3", own_office.people["clerk"]),
        ("account", "10.1.2.3", own_office.people["clerk"]),
    ]
    shown = own_office.sign_in("supervisor").get(f"/accounts/{number}/looks/").content.decode()
    assert "10.1.2.3" in shown
    assert "Meters and readings" in shown
    assert clerk.get(f"/accounts/{number}/looks/").status_code == 403


def test_looks_are_dropped_by_whole_months(own_office) -> None:
    told = {"user_id": 1, "account_id": 1, "page": "account", "address": ""}
    for month in (1, 2, 3):
        note_look(at=datetime(2020, month, 5, tzinfo=UTC), **told)
    assert forget_looks(before=date(2020, 3, 1)) == 2
    assert [one.at.month for one in list_looks(account_ids=[1])] == [3]
    note_look(at=datetime(2020, 1, 6, tzinfo=UTC), **told)
    assert len(list_looks(account_ids=[1])) == 2


def test_a_reason_is_asked_for_where_the_utility_wants_one(own_office, settings) -> None:
    settings.ASK_WHY = True
    client, path = own_office.sign_in("supervisor"), f"/accounts/{own_office.central}/"
    asked = client.get(f"{path}meters/")
    assert asked["Location"] == f"{path}why/?next=%2Faccounts%2F{own_office.central}%2Fmeters%2F"
    assert client.get(asked["Location"]).status_code == 200
    evil = client.post(f"{path}why/", {"reason": "Call of 7 June", "next": "https://evil.example/"})
    assert evil["Location"] == path
    assert client.get(f"{path}meters/").status_code == 200
    (look,) = list_looks(account_ids=[Account.objects.get(number=own_office.central).pk])
    assert look.reason == "Call of 7 June"


def test_everything_about_a_customer_comes_as_one_file(own_office) -> None:
    number = own_office.central
    customer = _customer(number, phone="+79781234567")
    answer = own_office.sign_in("administrator").post(f"/accounts/{number}/personal-data/export/")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    names = set(archive.namelist())
    assert {
        "personal-data.pdf",
        "customers_customer.json",
        "billing_bill.json",
        "metering_reading.json",
    } <= names
    assert json.loads(archive.read("customers_customer.json"))[0]["phone"] == "+79781234567"
    text = "".join(
        page.extract_text() for page in PdfReader(io.BytesIO(archive.read("personal-data.pdf"))).pages
    )
    assert customer.name in text
    bills = json.loads(archive.read("billing_bill.json"))
    account = Account.objects.get(number=number)
    assert {bill["account_id"] for bill in bills} == {account.pk}
    assert own_office.sign_in("clerk").post(f"/accounts/{number}/personal-data/export/").status_code == 403


def test_erasure_takes_contacts_now_and_the_name_when_the_law_lets_go(own_office) -> None:
    number = own_office.central
    customer = _customer(number, phone="+79781234567", email="ivan@example.org")
    entries = _sums("ledger_entry")
    client = own_office.sign_in("administrator")
    client.post(f"/accounts/{number}/personal-data/erase/", {"reason": ""})
    customer.refresh_from_db()
    assert customer.phone
    client.post(f"/accounts/{number}/personal-data/erase/", {"reason": "Letter of 7 June"})
    customer.refresh_from_db()
    assert (customer.phone, customer.email) == ("", "")
    assert customer.name not in ("", "—")
    page = client.get(f"/accounts/{number}/personal-data/").content.decode()
    assert "Letter of 7 June" in page
    assert "The law keeps everything that is left." in page
    assert _sums("ledger_entry") == entries
    with pytest.raises(UnableToErase):
        erase_personal_data(customer_id=customer.pk, reason="Again", now=NOW, actor_id=None)
    log = json.dumps(list(AuditChange.objects.values("before", "after")), default=str)
    assert "+79781234567" not in log
    assert "ivan@example.org" not in log


def test_the_identity_goes_when_accounts_are_closed_and_even_for_the_years_of_the_law(own_office) -> None:
    customer = Customer.objects.create(kind="person", name="Gone Person", phone="1", tax_number="77")
    other = Account.objects.get(number=own_office.central)
    account = Account.objects.create(
        number="GONE1", customer=customer, organisation=other.organisation, bucket=1,
        opened_on=date(2010, 1, 1), closed_on=date(2015, 5, 1),
    )  # fmt: skip
    assert not find_erasable(customer_id=customer.pk, on_date=date(2020, 12, 31)).identity
    assert find_erasable(customer_id=customer.pk, on_date=date(2021, 1, 1)).identity
    fields, kept = erase_personal_data(customer_id=customer.pk, reason="Letter", now=NOW, actor_id=None)
    assert fields == ["phone", "name", "tax_number"]
    assert kept
    customer.refresh_from_db()
    assert (customer.name, customer.tax_number, customer.phone) == ("—", "", "")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM reporting_searchtoken WHERE account_id = %s AND kind = 'd'", [account.pk]
        )
        assert cursor.fetchone() == (0,)


def test_a_writing_request_leaves_one_entry_with_before_and_after(own_office) -> None:
    client = own_office.sign_in("administrator")
    before = AuditEntry.objects.count()
    client.post(
        "/roles/add/", {"code": "night", "name": "Night", "reason": "Order 5"}, REMOTE_ADDR="10.1.2.3"
    )
    assert AuditEntry.objects.count() == before + 1
    (entry,) = list_entries(limit=1)
    assert (entry.operation, entry.reason, entry.address) == ("office:add_role", "Order 5", "10.1.2.3")
    assert entry.person == own_office.people["administrator"]
    assert {row.table for row in entry.rows} == {"staff_role", "staff_rightschange"}
    client.post("/roles/night/", {"permissions": ["see_reports"], "reason": "Order 6"})
    (entry,) = list_entries(limit=1)
    (role,) = (row for row in entry.rows if row.table == "staff_role")
    assert role.fields == (("permissions", [], ["see_reports"]),)
    client.get("/roles/night/")
    assert AuditEntry.objects.count() == before + 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('mains.request', true)")
        assert cursor.fetchone() == ("",), "the setting ends with the request"
    assert client.get("/audit/?changes=1").content.decode().count("Made a role") >= 1


def test_an_altered_entry_or_change_is_found(own_office) -> None:
    client = own_office.sign_in("administrator")
    for place in range(3):
        client.post("/roles/add/", {"code": f"r{place}", "name": "R", "reason": "Order"})
    count, faults = check_audit()
    assert count >= 3
    assert faults == []
    first, second, third = AuditEntry.objects.order_by("pk")[:3]

    def alter(statement: str, table: str, *params: object) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
            cursor.execute("BEGIN")
            cursor.execute(statement, params)
            found = [fault.what for fault in check_audit()[1]]
            cursor.execute("ROLLBACK")
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only")
        return found

    entry, change = "staff_auditentry", "staff_auditchange"
    assert alter(f"UPDATE {entry} SET person = 'nobody' WHERE id = %s", entry, second.pk) == [
        "the entry was altered"
    ]
    assert alter(f"DELETE FROM {entry} WHERE id = %s", entry, second.pk)[0].startswith("the entry before it")
    what = "what it changed was altered, added to or lost"
    assert alter(f"UPDATE {change} SET after = '{{}}' WHERE request_id = %s", change, third.request_id) == [
        what
    ]
    assert alter(f"DELETE FROM {change} WHERE request_id = %s", change, first.request_id) == [what]
    with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {entry}")


def test_a_change_whose_request_was_cut_off_is_told(own_office) -> None:
    AuditChange.objects.create(
        request_id="7c3f0f04-0000-4000-8000-000000000000", at=NOW - timedelta(hours=1),
        table="staff_role", row_id="1", before={}, after={},
    )  # fmt: skip
    (fault,) = check_audit()[1]
    assert "has no entry" in fault.what


def _sums(table: str) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), sum(amount_minor) FROM {table}")
        return cursor.fetchone()
