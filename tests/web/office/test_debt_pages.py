"""Debts and credits in the browser: proposed on the account's page by one person, decided on Proposals by another."""

import pytest

from mains.customers.queries.records import find_account_id
from mains.debt.models import Movement
from mains.debt.queries.movements import list_movements
from mains.ledger.queries.open_items import open_items
from mains.staff.models import Proposal
from mains.staff.values import EVERYTHING


@pytest.fixture
def signed_in(own_office):
    def sign_in(role):
        client = own_office.sign_in(role)
        client.cookies["django_language"] = "en"
        return client

    return sign_in


def first_debt(own_office) -> tuple[int, int, int]:
    account = find_account_id(number=own_office.central)
    assert account is not None
    row = open_items(account_ids=[account]).row(0, named=True)
    return account, row["item_id"], row["outstanding_minor"]


def told(**change: object) -> dict[str, object]:
    return {"amount": "1,50", "reason": "Court ruling", "document": "Ruling 5"} | change


def test_a_clerk_proposes_and_the_accountant_approves(own_office, signed_in) -> None:
    _account, item, minor = first_debt(own_office)
    page = f"/accounts/{own_office.central}/debts/"
    clerk = signed_in("clerk")
    assert "Write a debt off" in clerk.get(page).content.decode()
    shown = clerk.post(f"{page}write-off/", told(debt=item, amount="99999999")).content.decode()
    assert "Less than this is open of the debt." in shown
    assert Movement.objects.count() == 0
    assert clerk.post(f"{page}write-off/", told(debt=item)).status_code == 302
    proposal = Proposal.objects.get()
    assert proposal.amount_minor == 150
    decide = f"/proposals/{proposal.pk}/decide/"
    assert clerk.post(decide, {"decision": "agree"}).status_code == 403, "clerks do not approve"
    accountant = signed_in("accountant")
    assert "Court ruling" in accountant.get("/proposals/").content.decode()
    accountant.post(decide, {"decision": "agree"})
    account, _item, after = first_debt(own_office)
    assert after == minor - 150
    movement = list_movements(scope=EVERYTHING, account_id=account)[0]
    assert movement.state == "posted"
    assert "Write-off" in clerk.get(f"/accounts/{own_office.central}/money/").content.decode()
    accountant.post(f"/proposals/movements/{movement.id}/undo/", {"reason": "Paid"})
    assert first_debt(own_office)[2] == minor


def test_nobody_approves_their_own_proposal_in_the_office(own_office, signed_in) -> None:
    _account, item, minor = first_debt(own_office)
    accountant = signed_in("accountant")
    accountant.post(f"/accounts/{own_office.central}/debts/write-off/", told(debt=item))
    proposal = Proposal.objects.get()
    answer = accountant.post(f"/proposals/{proposal.pk}/decide/", {"decision": "agree"}, follow=True)
    assert "Nobody approves what they proposed themselves." in answer.content.decode()
    assert first_debt(own_office)[2] == minor
    accountant.post(f"/proposals/{proposal.pk}/decide/", {"decision": "refuse"})
    assert list_movements(scope=EVERYTHING)[0].state == "refused"


def test_a_debt_moves_to_an_account_that_the_person_sees(own_office, signed_in) -> None:
    _account, item, _minor = first_debt(own_office)
    clerk = signed_in("clerk")
    url = f"/accounts/{own_office.central}/debts/transfer/"
    unseen = clerk.post(url, told(what=f"debt:{item}", to_account="000")).content.decode()
    assert "There is no account 000 that you may see." in unseen
    own = clerk.post(url, told(what=f"debt:{item}")).content.decode()
    assert "Nothing would move." in own
    assert Movement.objects.count() == 0


def test_the_pages_of_debts_say_what_is_empty(office) -> None:
    client = office.sign_in("accountant")
    client.cookies["django_language"] = "en"
    assert "No rule is stated" in client.get("/debts/?by=nonsense&service=x").content.decode()
    assert "Nothing waits here" in client.get("/proposals/").content.decode()
