"""Contracts and rules in the browser: from a day on, seen before they hold, by two people where money moves."""

from datetime import UTC, date, datetime

import pytest

from mains.debt.models import TermsChange
from mains.debt.queries.terms import list_key_rates, list_limitation_terms, list_terms
from mains.packs.definition import read_pack
from mains.packs.late_money import state_late_money
from mains.packs.settlement import state_settlement
from mains.reporting.queries.collection_targets import list_targets
from mains.settlement.actions.splitting import split_payments
from mains.settlement.queries.parties import list_contracts, list_payees
from mains.staff.queries.approvals import list_limits
from mains.staff.values import EVERYTHING, ProposalKind

NOON = datetime(2021, 6, 7, 12, tzinfo=UTC)
CONTRACT = {
    "provider": "PES",
    "manager": "",
    "service": "electricity",
    "number": "AG-2/2021",
    "fee_percent": "3",
    "rounding": "half_up",
    "shares": "OPT:50; SET:50",
    "passes_through": "no",
    "valid_from": "2021-04-01",
    "proof": "Agreement AG-2/2021",
}
PAYEE = {
    "party": "OPT",
    "cycle": "weekly",
    "minimum": "250.50",
    "holder": "OPT",
    "account": "40702810700000000101",
    "bank_code": "043500001",
    "valid_from": "2021-07-01",
    "proof": "Letter 4",
}


@pytest.fixture
def utility(own_office):
    pack = read_pack("ru_communal")
    state_settlement(pack=pack, now=NOON)
    state_late_money(pack=pack, now=NOON)
    return own_office


def client_of(office, role: str):
    client = office.sign_in(role)
    client.cookies["django_language"] = "en"
    return client


def texts(answer) -> str:
    return answer.content.decode()


def test_a_contract_is_seen_asked_for_agreed_to_by_another_and_ended(utility) -> None:
    split_payments(now=NOON)
    accountant, administrator = client_of(utility, "accountant"), client_of(utility, "administrator")
    page, before = "/terms/contracts/", list_contracts()
    shown = texts(accountant.post(f"{page}state/", CONTRACT))
    assert "What would change" in shown
    assert "payments of these days are split anew" in shown
    assert list_contracts() == before, "looking keeps nothing"
    accountant.post(f"{page}state/", CONTRACT | {"seen": "1"})
    assert list_contracts() == before, "one person is not enough"
    change = TermsChange.objects.get()
    decision = f"{page}{change.pk}/decide/"
    assert "themselves" in texts(accountant.post(decision, {"decision": "agree"}, follow=True))
    administrator.post(decision, {"decision": "agree"})
    held = [one for one in list_contracts() if not one.manager]
    assert [(one.number, one.valid_from, one.valid_to) for one in held] == [
        ("AG-2/2021", date(2021, 4, 1), None),
        ("АГ-1/2021", date(2021, 1, 1), date(2021, 4, 1)),
    ], "the earlier one stands until then"
    told = {"fact": str(held[0].contract_id), "day": "2021-08-01", "proof": "Notice 9"}
    administrator.post(f"{page}end/", told)
    ending = TermsChange.objects.latest("id")
    accountant.post(f"{page}{ending.pk}/decide/", {"decision": "agree"})
    ended = next(one for one in list_contracts() if one.number == "AG-2/2021")
    assert (ended.valid_from, ended.valid_to) == (date(2021, 4, 1), date(2021, 8, 1))
    assert "Notice 9" in texts(accountant.get(page))


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_asked_for(utility) -> None:
    accountant = client_of(utility, "accountant")
    wrong = CONTRACT | {"shares": "OPT:50; SET:40", "seen": "1"}
    answer = texts(accountant.post("/terms/contracts/state/", wrong))
    assert 'id="id_shares_error"' in answer
    assert "do not sum to 100 percent" in answer
    wrong = PAYEE | {"account": "40702810700000000102", "seen": "1"}
    answer = texts(accountant.post("/terms/payees/state/", wrong))
    assert 'id="id_account_error"' in answer
    rule = {"document": "interest: x\ncurrency: RUB\nrates: 9.5\nsteps: [{upto: 30}]", "proof": "Law"}
    answer = texts(accountant.post("/terms/interest/state/", rule | {"valid_from": "2021-01-01"}))
    assert answer.count("field-error") == 1
    assert "9.5 times the debt" in answer
    assert "The factor is missing." in answer
    assert not TermsChange.objects.exists()


def test_bank_details_change_by_two_people_and_a_refusal_changes_nothing(utility) -> None:
    accountant, administrator = client_of(utility, "accountant"), client_of(utility, "administrator")
    for decision in ("refuse", "agree"):
        accountant.post("/terms/payees/state/", PAYEE | {"seen": "1"})
        change = TermsChange.objects.latest("id")
        administrator.post(f"/terms/payees/{change.pk}/decide/", {"decision": decision, "note": "Seen"})
    found = [one for one in list_payees() if one.code == "OPT"]
    assert [(one.cycle, one.minimum_minor, one.valid_from) for one in found] == [
        ("monthly", 100_000, date(2021, 1, 1)),
        ("weekly", 25_050, date(2021, 7, 1)),
    ]


def test_rules_and_rates_say_what_they_touch(utility) -> None:
    accountant, administrator = client_of(utility, "accountant"), client_of(utility, "administrator")
    rule = {
        "document": list_terms()[0].document,
        "key_rate": "cbr",
        "service": "electricity",
        "proof": "Order 3",
    }
    shown = texts(accountant.post("/terms/interest/state/", rule | {"valid_from": "2021-01-01"}))
    assert "open debts are due on these days" in shown
    rate = {"code": "cbr", "percent": "5,5", "valid_from": "2021-06-15", "proof": "Bank of Russia"}
    accountant.post("/terms/rates/state/", rate | {"seen": "1"})
    administrator.post(f"/terms/rates/{TermsChange.objects.get().pk}/decide/", {"decision": "agree"})
    assert [str(one.percent.normalize()) for one in list_key_rates()] == ["4.25", "4.5", "5", "5.5"]
    assert "To come" in texts(accountant.get("/terms/rates/"))
    years = {"years": "2", "interruption": "never", "valid_from": "2021-01-01", "proof": "Law 5"}
    accountant.post("/terms/limitation/state/", years | {"seen": "1"})
    assert [one.years for one in list_limitation_terms()] == [3, 2], "no money moves: one person is enough"


def test_nobody_raises_a_limit_alone(utility) -> None:
    accountant, administrator = client_of(utility, "accountant"), client_of(utility, "administrator")
    told = {
        "role": "accountant",
        "what": "refund",
        "amount": "1000",
        "valid_from": "2021-06-07",
        "proof": "Order 8",
    }
    assert "is not a number" in texts(accountant.post("/terms/limits/state/", told | {"amount": "1.005"}))
    own = accountant.post("/terms/limits/state/", told | {"seen": "1"})
    assert "Nobody moves the limit of a role that they hold." in texts(own)
    told |= {"role": "supervisor"}
    accountant.post("/terms/limits/state/", told | {"seen": "1"})
    decision = f"/terms/limits/{TermsChange.objects.get().pk}/decide/"
    accountant.post(decision, {"decision": "agree"})
    assert not list_limits()
    administrator.post(decision, {"decision": "agree"})
    limit = list_limits()[0]
    assert (limit.role_code, limit.kind, limit.amount_minor) == ("supervisor", ProposalKind.REFUND, 100_000)


def test_targets_are_stated_within_ones_own_units(utility) -> None:
    of_central = client_of(utility, "supervisor_central")
    told = {"unit": "PES-C1", "percent": "97.5", "valid_from": "2021-06-01", "proof": "Order 2"}
    of_central.post("/terms/targets/state/", told | {"seen": "1"})
    refused = of_central.post("/terms/targets/state/", told | {"unit": "PES-N1", "seen": "1"})
    assert 'id="id_unit_error"' in texts(refused)
    assert [(one.name, one.rate_ppm) for one in list_targets(scope=EVERYTHING)] == [
        (list_targets(scope=EVERYTHING)[0].name, 975_000)
    ]
    assert of_central.get("/terms/contracts/").status_code == 403
    assert of_central.get("/terms/").headers["Location"] == "/terms/targets/"
