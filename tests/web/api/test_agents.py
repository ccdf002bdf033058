"""Agents by REST and by SOAP: the same operations, the same books; and what is refused, by which code."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import zeep
from django.test import Client
from lxml import etree
from requests import Response

from mains.integrations.agents import UnableToReadSoap, read_call
from mains.integrations.agents.operations import NAMESPACE
from mains.ledger.queries import invariants as ledger_invariants
from mains.ledger.queries.current_account import balance_of
from mains.payments.actions.channels import state_channel
from mains.payments.actions.tokens import issue_token, revoke_token
from mains.payments.models import ChannelDay, ChannelToken, DeadLetter, PaymentChannel, Receipt
from mains.payments.queries import invariants as payment_invariants
from mains.payments.queries.receipts import sum_suspense
from mains.payments.values.online import TokenScope
from money_cast import NOW, Cast, build_cast

TODAY = "2021-06-07"


@pytest.fixture
def cast(db: None, monkeypatch) -> Iterator[Cast]:
    monkeypatch.setenv("MAINS_TODAY", TODAY)
    yield build_cast()
    assert ledger_invariants.find_breaches() == []
    assert payment_invariants.find_breaches() == []


@pytest.fixture
def kiosk(cast: Cast) -> PaymentChannel:
    return agent()


def agent(code: str = "kiosk", **limits) -> PaymentChannel:
    return state_channel(code=code, title="Kiosks", kind="agent", currency="RUB", now=NOW, **limits)


def token_of(code: str = "kiosk", scopes: tuple[str, ...] = tuple(TokenScope.values), **more) -> str:
    return issue_token(channel_code=code, name="till 1", scopes=scopes, now=datetime.now(UTC), **more).token


def client(token: str, **more) -> Client:
    return Client(HTTP_HOST="localhost", HTTP_AUTHORIZATION=f"Bearer {token}", **more)


def pay(
    caller: Client, cast: Cast, payment_id: str = "K-1", amount: int = 10_000, name: str = "anna", **more
):
    body = {"payment_id": payment_id, "account": cast.numbers.get(name, name), "amount_minor": amount} | more
    return caller.post("/agents/v1/payments", body, content_type="application/json")


def test_inquire_pay_and_cancel(cast: Cast, kiosk) -> None:
    cast.bill("anna", 25_000, on=NOW.date())
    caller, account = client(token_of()), cast.numbers["anna"]
    debt = caller.get("/agents/v1/debt", {"account": account}).json()
    assert (debt["owed_minor"], debt["by_service"], debt["name"]) == (25_000, {"electricity": 25_000}, "A***")
    first, again = pay(caller, cast), pay(caller, cast)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() | {"is_new": False} == again.json()
    assert first.json()["state"] == "booked"
    assert balance_of(account_id=cast.accounts["anna"]) == 15_000
    for is_new in (True, False):
        done = caller.post(
            "/agents/v1/payments/K-1/cancel", {"reason": "wrong account"}, content_type="application/json"
        )
        assert (done.status_code, done.json()["state"], done.json()["is_new"]) == (200, "cancelled", is_new)
    assert balance_of(account_id=cast.accounts["anna"]) == 25_000
    assert caller.get("/agents/v1/payments/K-1").json()["state"] == "cancelled"


def test_another_amount_under_the_same_number_is_refused_and_listed(cast: Cast, kiosk) -> None:
    caller = client(token_of())
    assert pay(caller, cast).status_code == 201
    refused = pay(caller, cast, amount=9_999)
    assert (refused.status_code, refused["Content-Type"]) == (409, "application/problem+json")
    assert refused.json()["code"] == "amount-differs"
    assert pay(caller, cast, name="boris").json()["code"] == "account-differs"
    assert Receipt.objects.count() == 1
    assert set(DeadLetter.objects.values_list("subject", "reason")) == {
        ("K-1", "amount-differs"),
        ("K-1", "account-differs"),
    }


def test_money_of_an_unknown_account_waits_in_suspense_and_can_be_cancelled(cast: Cast, kiosk) -> None:
    caller = client(token_of())
    assert pay(caller, cast, name="9900000000").json()["state"] == "suspense"
    assert sum_suspense().amount_minor == 10_000
    caller.post("/agents/v1/payments/K-1/cancel", {}, content_type="application/json")
    assert sum_suspense().amount_minor == 0


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"amount": 0}, 422, "request-invalid"),
        ({"amount": -5}, 422, "request-invalid"),
        ({"amount": 10**16}, 422, "request-invalid"),
        ({"amount": 99}, 422, "amount-limit"),
        ({"amount": 60_000}, 422, "amount-limit"),
        ({"payment_id": ""}, 422, "request-invalid"),
        ({"payment_id": "K\x00"}, 422, "number-unreadable"),
        ({"payment_id": "K" * 81}, 422, "request-invalid"),
        ({"paid_on": "2021-06-08"}, 422, "paid-on"),
        ({"paid_on": "2021-01-01"}, 422, "paid-on"),
        ({"paid_on": "yesterday"}, 422, "request-invalid"),
    ],
)
def test_what_is_refused(cast: Cast, change, status, code) -> None:
    agent(least_minor=100, most_minor=50_000)
    refused = pay(client(token_of()), cast, **change)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert Receipt.objects.count() == 0


def test_broken_bodies_get_an_answer(cast: Cast, kiosk) -> None:
    caller = client(token_of())
    for body in (b"", b"{", b"[" * 60_000, b'{"payment_id": 1}', b"\xff"):
        answer = caller.generic("POST", "/agents/v1/payments", body, content_type="application/json")
        assert answer.status_code in (400, 422)
        assert answer["Content-Type"] == "application/problem+json"


def test_an_agent_who_pays_in_advance_stops_at_its_balance(cast: Cast) -> None:
    from mains.payments.actions.payouts import record_payout

    agent(credit_minor=0)
    caller = client(token_of())
    assert pay(caller, cast).json()["code"] == "credit-limit"
    record_payout(channel_code="kiosk", reference="D-1", paid_on=NOW.date(), amount_minor=15_000, now=NOW)
    assert pay(caller, cast).status_code == 201
    assert (pay(caller, cast, "K-2").status_code, pay(caller, cast, "K-3", 5_000).status_code) == (402, 201)
    assert Receipt.objects.count() == 2


def test_who_may_call(cast: Cast, kiosk) -> None:
    debt = f"/agents/v1/debt?account={cast.numbers['anna']}"
    assert Client(HTTP_HOST="localhost").get(debt).status_code == 401
    assert client("mains_guess").get(debt).json()["code"] == "token-unknown"
    late = token_of(expires_at=datetime.now(UTC) - timedelta(minutes=1))
    assert client(late).get(debt).status_code == 401
    token = token_of()
    assert client(token).get(debt).status_code == 200
    revoke_token(token_id=ChannelToken.objects.latest("pk").pk, now=datetime.now(UTC))
    assert client(token).get(debt).status_code == 401
    assert token not in repr(list(ChannelToken.objects.values()))


def test_addresses_and_rates(cast: Cast, monkeypatch) -> None:
    agent(allowed_addresses=["203.0.113.0/24"], per_minute=3)
    token, debt = token_of(), f"/agents/v1/debt?account={cast.numbers['anna']}"
    assert client(token).get(debt).json()["code"] == "address-refused"
    # What a caller says of its own address counts only behind a proxy that is trusted.
    forged = client(token, HTTP_X_FORWARDED_FOR="203.0.113.9")
    assert forged.get(debt).status_code == 403
    monkeypatch.setenv("MAINS_TRUSTED_PROXIES", "127.0.0.1/32")
    assert [forged.get(debt).status_code for _ in range(4)] == [200, 200, 200, 429]


OPERATIONS = {
    "agents:debt": ("get", "/agents/v1/debt?account=1", TokenScope.INQUIRE),
    "agents:payments": ("post", "/agents/v1/payments", TokenScope.PAY),
    "agents:payment": ("get", "/agents/v1/payments/K-1", TokenScope.PAY),
    "agents:cancel_payment": ("post", "/agents/v1/payments/K-1/cancel", TokenScope.CANCEL),
    "agents:reconcile_day": ("post", "/agents/v1/days/2021-06-07/reconcile", TokenScope.RECONCILE),
}


@pytest.mark.parametrize("scope", TokenScope.values)
def test_every_operation_needs_its_scope(cast: Cast, kiosk, scope) -> None:
    from mains.web.api.agents import api
    from mains.web.api.soap import OPERATIONS as SOAP

    offered = {f"agents:{pattern.name}" for pattern in api.urls[0] if pattern.name}
    assert offered - {"agents:openapi-json", "agents:api-root"} == set(OPERATIONS)
    caller = client(token_of(scopes=(scope,)))
    for method, address, needed in OPERATIONS.values():
        sent = getattr(caller, method)(address, content_type="application/json")
        is_refused = sent.status_code == 403 and sent.json()["code"] == "scope-missing"
        assert is_refused == (needed.value != scope), address
    bodies = {
        "InquireDebt": "<account>1</account>",
        "Pay": "<payment_id>K</payment_id><account>1</account><amount_minor>0</amount_minor>",
        "CancelPayment": "<payment_id>K</payment_id>",
        "ReconcileDay": "<day>2021-06-07</day>",
    }
    assert set(SOAP) == set(bodies)
    for operation, body in bodies.items():
        sent = caller.post("/agents/v1/soap", envelope(operation, body), content_type="text/xml")
        assert (b"scope-missing" in sent.content) == (SOAP[operation][0].value != scope), operation
    for address in ("/agents/v1/soap",):
        nobody = Client(HTTP_HOST="localhost").post(
            address, envelope("InquireDebt", bodies["InquireDebt"]), content_type="text/xml"
        )
        assert nobody.status_code == 401


def test_the_day_is_compared_and_every_difference_is_named(cast: Cast, kiosk) -> None:
    caller = client(token_of())
    for number in ("K-1", "K-2", "K-3", "K-4", "K-5"):
        pay(caller, cast, number)
    caller.post("/agents/v1/payments/K-5/cancel", {}, content_type="application/json")
    anna, boris = cast.numbers["anna"], cast.numbers["boris"]

    def line(number: str, account: str = anna, amount: int = 10_000, **more) -> dict:
        return {"payment_id": number, "account": account, "amount_minor": amount} | more

    listed = [line("K-1"), line("K-2", boris), line("K-3", amount=1), line("K-5"), line("K-9")]
    address = f"/agents/v1/days/{TODAY}/reconcile"
    found = caller.post(address, {"payments": listed}, content_type="application/json").json()
    assert [(one["payment_id"], one["kind"]) for one in found["differences"]] == [
        ("K-2", "account"),
        ("K-3", "amount"),
        ("K-4", "missing_there"),
        ("K-5", "cancelled_here"),
        ("K-9", "missing_here"),
    ]
    assert (found["our_count"], found["our_minor"], found["their_count"]) == (4, 40_000, 5)
    agreed = [line(f"K-{place}") for place in range(1, 5)] + [line("K-5", cancelled=True)]
    found = caller.post(address, {"payments": agreed}, content_type="application/json").json()
    assert found["differences"] == []
    # What both sides agreed on is not cancelled any more.
    late = caller.post("/agents/v1/payments/K-1/cancel", {}, content_type="application/json")
    assert late.json()["code"] == "cancel-late"
    assert ChannelDay.objects.count() == 2


def test_the_description_is_openapi_3_1(cast: Cast) -> None:
    found = Client(HTTP_HOST="localhost").get("/agents/v1/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    assert set(found["paths"]) == {
        "/agents/v1/debt",
        "/agents/v1/payments",
        "/agents/v1/payments/{payment_id}",
        "/agents/v1/payments/{payment_id}/cancel",
        "/agents/v1/days/{day}/reconcile",
    }


def envelope(operation: str, fields: str, *, before: str = "") -> bytes:
    return (
        f'{before}<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<{operation} xmlns="{NAMESPACE}">{fields}</{operation}></s:Body></s:Envelope>'
    ).encode()


class WithinDjango(zeep.Transport):
    """Carries zeep's requests to Django within the test's transaction."""

    def __init__(self, caller: Client) -> None:
        super().__init__()
        self.caller = caller

    def load(self, url: str) -> bytes:
        return self.caller.get(url.removeprefix("http://localhost")).content

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> Response:
        sent = self.caller.post(
            address.removeprefix("http://localhost"), message, content_type=headers["Content-Type"]
        )
        answer = Response()
        answer.status_code, answer._content, answer.encoding = sent.status_code, sent.content, "utf-8"
        answer.headers["Content-Type"] = sent["Content-Type"]
        return answer


def test_zeep_reads_the_wsdl_and_carries_out_every_operation(cast: Cast, kiosk) -> None:
    cast.bill("anna", 25_000, on=NOW.date())
    transport = WithinDjango(client(token_of()))
    with transport.session:
        soap = zeep.Client("http://localhost/agents/v1/soap?wsdl", transport=transport).service
        account = cast.numbers["anna"]
        debt = soap.InquireDebt(account=account)
        assert (debt.owed_minor, debt.currency, debt.service[0].owed_minor) == (25_000, "RUB", 25_000)
        paid = soap.Pay(payment_id="S-1", account=account, amount_minor=10_000)
        again = soap.Pay(payment_id="S-1", account=account, amount_minor=10_000, paid_on=NOW.date())
        assert (paid.is_new, again.is_new, paid.receipt_id == again.receipt_id) == (True, False, True)
        with pytest.raises(zeep.exceptions.Fault) as fault:
            soap.Pay(payment_id="S-1", account=account, amount_minor=10_001)
        assert fault.value.detail.find(f".//{{{NAMESPACE}}}code").text == "amount-differs"
        day = soap.ReconcileDay(
            day=NOW.date(), payment=[{"payment_id": "S-1", "account": account, "amount_minor": 9_000}]
        )
        assert [(one.payment_id, one.kind, one.their_minor) for one in day.difference] == [
            ("S-1", "amount", 9_000)
        ]
        assert soap.CancelPayment(payment_id="S-1").state == "cancelled"


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (envelope("InquireDebt", "<account>&b;</account>", before=BOMB), "soap-doctype"),
        (
            envelope(
                "InquireDebt",
                "<account>&x;</account>",
                before='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
            ),
            "soap-doctype",
        ),
        (("<?xml version='1.0' encoding='utf-16'?>" + BOMB + "<a/>").encode("utf-16"), "soap-doctype"),
        (envelope("InquireDebt", "<account>" * 100 + "</account>" * 100), "soap-doctype"),
        (b"<a>" * 200_000, "soap-xml"),
        (b"x" * 3_000_000, "soap-size"),
        (b"", "soap-xml"),
        (b"<a/>", "soap-body"),
        (envelope("DropTables", ""), "soap-operation"),
        (envelope("InquireDebt", ""), "soap-field"),
        (envelope("InquireDebt", "<account>1</account><account>2</account>"), "soap-field"),
        (envelope("InquireDebt", "<other>1</other>"), "soap-field"),
        (
            envelope("Pay", "<payment_id>K</payment_id><account>1</account><amount_minor>1.5</amount_minor>"),
            "soap-value",
        ),
        (
            envelope("Pay", "<payment_id>K</payment_id><account>1</account><amount_minor>9e9</amount_minor>"),
            "soap-value",
        ),
    ],
)
def test_bad_requests_are_refused_by_name(content: bytes, code: str) -> None:
    with pytest.raises(UnableToReadSoap) as error:
        read_call(content)
    assert error.value.code == code


def test_a_fault_says_what_where_and_what_to_do(cast: Cast, kiosk) -> None:
    sent = client(token_of()).post(
        "/agents/v1/soap", envelope("InquireDebt", "<account>nobody</account>"), content_type="text/xml"
    )
    assert sent.status_code == 500
    detail = etree.fromstring(sent.content).find(f".//{{{NAMESPACE}}}Error")
    assert detail is not None
    assert [child.text for child in detail] == ["account-unknown", "nobody", "Check the number."]
