"""Direct debits in the browser: a mandate on the account, a collection proposed by one and approved by another."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from mains.base.target_days import is_target_day
from mains.customers.queries.records import find_account_id
from mains.directdebit.actions.mandates import state_creditor, suspend_mandate
from mains.directdebit.models import Collection, Mandate
from mains.staff.models import Proposal
from mains.web.office.clock import now

CREDITOR = {"name": "Lumen", "creditor_id": "DE98ZZZ09999999999", "iban": "DE02120300000000202051"}
FORM = {
    "identifier": "M-1", "debtor_name": "Anna Berg", "bic": "", "scheme": "CORE", "use": "RCUR", "creditor": "1",
    "proof": "Form 7",
}  # fmt: skip


@pytest.fixture
def signed_in(own_office):
    def sign_in(role):
        client = own_office.sign_in(role)
        client.cookies["django_language"] = "en"
        return client

    return sign_in


def today() -> date:
    return timezone.localdate(now())


def test_a_mandate_is_recorded_and_what_is_due_is_collected_by_two_people(own_office, signed_in) -> None:
    accountant, head = signed_in("accountant"), signed_in("administrator")
    page = f"/accounts/{own_office.central}/mandates/"
    assert "No mandate" in accountant.get(page).content.decode()
    assert "Nobody collects yet" in accountant.get("/direct-debits/").content.decode()
    state_creditor(**CREDITOR, notice_days=1, valid_from=date(2015, 1, 1), actor=None, now=now())
    told = FORM | {"signed_on": today().isoformat(), "iban": "NL91ABNA0417164301"}
    assert "is not an IBAN" in accountant.post(f"{page}add/", told).content.decode()
    shown = accountant.post(
        f"{page}add/", told | {"iban": "NL91 ABNA 0417 1643 00"}, follow=True
    ).content.decode()
    assert "M-1" in shown
    assert "Active" in shown

    day = next(one for step in range(1, 9) if is_target_day(one := today() + timedelta(days=step)))
    ask = {"day": day.isoformat(), "creditor": "1", "reason": "June"}
    refused = accountant.post("/direct-debits/propose/", ask | {"day": today().isoformat()}).content.decode()
    assert "1 days before" in refused or "nothing on that day" in refused
    proposed = accountant.post("/direct-debits/propose/", ask, follow=True).content.decode()
    collection = Collection.objects.get()
    assert own_office.central in proposed
    assert "Withdraw" in proposed
    decide = f"/proposals/{_proposal(collection)}/decide/"
    assert "themselves" in accountant.post(decide, {"decision": "agree"}, follow=True).content.decode()
    assert "not approved" in head.post(f"/direct-debits/{collection.pk}/file/", follow=True).content.decode()
    head.post(decide, {"decision": "agree"})
    answer = head.post(f"/direct-debits/{collection.pk}/file/")
    assert answer.headers["Content-Type"] == "application/xml"
    assert b"<MndtId>M-1</MndtId>" in answer.content
    assert "File written" in head.get("/direct-debits/").content.decode()


def test_a_suspended_mandate_is_resumed_and_revoked(own_office, signed_in) -> None:
    accountant = signed_in("accountant")
    page = f"/accounts/{own_office.central}/mandates/"
    state_creditor(**CREDITOR, valid_from=date(2015, 1, 1), actor=None, now=now())
    told = FORM | {"signed_on": "2021-05-31", "iban": "NL91ABNA0417164300"}
    accountant.post(f"{page}add/", told)
    mandate = Mandate.objects.get(account_id=find_account_id(number=own_office.central))
    suspend_mandate(mandate_id=mandate.pk, reason="Returned 3 times", now=now())
    assert "Returned 3 times" in accountant.get(page).content.decode()
    resumed = accountant.post(
        f"{page}{mandate.pk}/resume/", {"reason": "Letter"}, follow=True
    ).content.decode()
    assert "active again" in resumed
    assert "Revoked" in accountant.post(f"{page}revoke/", follow=True).content.decode()
    assert signed_in("cashier").post(f"{page}add/", told).status_code == 403


def _proposal(collection: Collection) -> int:
    return int(Proposal.objects.get(kind="collection", subject_id=collection.pk).pk)
