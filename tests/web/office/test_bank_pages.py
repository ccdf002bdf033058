"""A statement goes in by the page Payments; its lines, the balance, suspense and learned payers are worked on there."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from bank_samples import CLIENT_BANK, ROUBLES, client_bank
from mains.payments.actions.bank_accounts import add_bank_account
from mains.payments.models import BankFile, BankTransaction, LearnedPayer, Receipt


@pytest.fixture
def accountant(own_office) -> Client:
    add_bank_account(number=ROUBLES, title="РНКБ", currency="RUB")
    return own_office.sign_in("accountant")


def send(client: Client, content: bytes, *, name: str = "april.csv"):
    """The name says nothing: the format is known by the content."""
    return client.post(
        "/payments/", {"file": SimpleUploadedFile(name, content), "mapping": "bank_csv"}, follow=True
    )


def test_a_statement_is_sent_accepted_and_balanced(own_office, accountant: Client) -> None:
    text = CLIENT_BANK.replace("0310000017", own_office.central)
    page = send(accountant, client_bank(text))
    file = BankFile.objects.get()
    assert page.redirect_chain == [(f"/payments/banks/{file.pk}/", 302)]
    assert own_office.central in page.content.decode()
    page = accountant.post(f"/payments/banks/{file.pk}/accept/", follow=True)
    assert Receipt.objects.filter(bank_transaction_id__isnull=False).count() == 2
    balance = accountant.get("/payments/balance/?on=2021-05-03")
    (found,) = balance.context["balances"]
    assert (found.bank_minor, found.ledger_minor, found.unexplained_minor) == (630_040, 655_040, 0)
    fee = BankTransaction.objects.get(state="waiting")
    accountant.post(f"/payments/banks/lines/{fee.pk}/book/", {"control": "bank_charges", "back": "//evil"})
    (found,) = accountant.get("/payments/balance/?on=2021-05-03").context["balances"]
    assert found.difference_minor == 0
    assert own_office.sign_in("clerk").get("/payments/balance/").status_code == 403


def test_a_refused_statement_shows_every_fault(accountant: Client) -> None:
    broken = CLIENT_BANK.replace("КонечныйОстаток=6300.40", "КонечныйОстаток=1.00")
    page = send(accountant, client_bank(broken)).content.decode()
    assert "6300.40" in page
    assert "1.00" in page
    assert BankTransaction.objects.count() == 0


def test_suspense_is_worked_off(own_office, accountant: Client) -> None:
    send(accountant, client_bank())
    accountant.post(f"/payments/banks/{BankFile.objects.get().pk}/accept/")
    first, second = Receipt.objects.filter(bank_transaction_id__isnull=False).order_by("pk")
    page = accountant.get("/payments/suspense/?q=Иванова")
    assert [item.id for item, _age in page.context["items"]] == [first.pk]
    # The filter is remembered until it is changed.
    again = accountant.get("/payments/suspense/", follow=True)
    assert [item.id for item, _age in again.context["items"]] == [first.pk]
    table = accountant.get("/payments/suspense.csv?q=Петров").content.decode("utf-8-sig")
    assert table.splitlines()[1].startswith(f"{second.pk},2021-05-03,300.00,Петров Пётр")
    accountant.post(f"/payments/suspense/{first.pk}/own/")
    page = accountant.get(f"/payments/suspense/{first.pk}/?q={own_office.central}")
    assert page.context["is_mine"]
    assert [one.number for one in page.context["found"]] == [own_office.central]
    accountant.post(f"/payments/suspense/{first.pk}/identify/", {"account": own_office.central})
    assert {one.kind for one in LearnedPayer.objects.all()} == {"account", "name"}
    known = accountant.get("/payments/learned/").context["learned"]
    assert {one.number for one in known} == {own_office.central}
    accountant.post(f"/payments/learned/{known[0].id}/forget/")
    assert len(accountant.get("/payments/learned/").context["learned"]) == 1
    shares = {"account": [own_office.central, own_office.northern, ""], "amount": ["100,00", "200.00", ""]}
    accountant.post(f"/payments/suspense/{second.pk}/split/", shares)
    assert accountant.get(f"/payments/suspense/{second.pk}/").status_code == 404
