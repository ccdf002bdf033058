"""A receipt in the browser: what it pays, taking it back, and whose it is."""

from datetime import date

import pytest

from mains.customers.models import Account
from mains.ledger.queries.current_account import balance_of
from mains.payments.models import Receipt, ReceiptReversal


@pytest.fixture
def paid(own_office):
    """The latest receipt of the central account."""
    account = Account.objects.get(number=own_office.central)
    return own_office, account, Receipt.objects.filter(account_id=account.pk).latest("id")


def test_the_receipt_shows_what_it_pays_and_is_taken_back(paid) -> None:
    office, account, receipt = paid
    before = balance_of(account_id=account.pk)
    client = office.sign_in("accountant")
    client.cookies["django_language"] = "en"
    address = f"/payments/receipts/{receipt.pk}/"
    assert address in client.get(f"/accounts/{account.number}/money/").content.decode()
    assert "Take the receipt back" in client.get(address).content.decode()
    told = {"reason": "Returned by the bank", "day": "2021-06-07"}
    shown = client.post(address, told, follow=True).content.decode()
    assert "Returned by the bank" in shown
    assert "Take the receipt back" not in shown
    assert balance_of(account_id=account.pk) == before + receipt.amount_minor
    assert ReceiptReversal.objects.get().business_date == date(2021, 6, 7)
    client.post(address, told)
    assert ReceiptReversal.objects.count() == 1


def test_who_only_sees_money_takes_nothing_back_and_other_districts_see_nothing(paid) -> None:
    office, _account, receipt = paid
    address = f"/payments/receipts/{receipt.pk}/"
    clerk = office.sign_in("supervisor_central")
    assert clerk.get(address).status_code == 200
    clerk.post(address, {"reason": "Mine", "day": "2021-06-07"})
    assert not ReceiptReversal.objects.exists()
    assert office.sign_in("supervisor_northern").get(address).status_code == 404


def test_a_day_before_the_payment_is_refused(paid) -> None:
    office, _account, receipt = paid
    client = office.sign_in("accountant")
    client.cookies["django_language"] = "en"
    told = {"reason": "Returned", "day": "2021-01-01"}
    shown = client.post(f"/payments/receipts/{receipt.pk}/", told, follow=True).content.decode()
    assert "The day lies before the payment." in shown
    assert not ReceiptReversal.objects.exists()
