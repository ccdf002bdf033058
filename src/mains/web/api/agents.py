"""The REST interface of agents, version 1: OpenAPI 3.1 at openapi.json, errors as problem details."""

import json
from dataclasses import asdict
from datetime import date
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema, Status
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import HttpBearer
from pydantic import Field

from mains.base.business_day import now as business_now
from mains.kernel.errors import MainsError
from mains.payments.actions.agents import cancel, find_payment, inquire_debt, pay
from mains.payments.actions.channel_days import AgentLine, reconcile_day
from mains.payments.actions.tokens import Caller
from mains.payments.values.online import TokenScope
from mains.web.api.callers import caller_of, problem, problem_of

Text = Annotated[str, Field(min_length=1, max_length=80)]
Minor = Annotated[int, Field(description="Minor units, such as kopecks.", lt=10**15)]
LINES_MAX = 15_000


class Token(HttpBearer):
    """A bearer token of the scope; the caller becomes `request.auth`."""

    openapi_name = "token"

    def __init__(self, scope: TokenScope) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        del token  # the header is read where Basic is understood too
        return caller_of(request, scope=self.scope)


class AgentRequest(HttpRequest):
    """A request whose token was recognised."""

    auth: Caller


class Debt(Schema):
    """What an account owes; `by_service` only what is owed."""

    account: str
    name: Annotated[str, Field(description="Masked: I*** P***.")]
    currency: str
    owed_minor: Minor
    credit_minor: Minor
    by_service: dict[str, int]
    least_minor: Minor
    most_minor: int | None


class PaymentIn(Schema):
    """`payment_id` is the agent's own number of the payment: the same number is received once."""

    payment_id: Text
    account: Annotated[str, Field(min_length=1, max_length=40)]
    amount_minor: Annotated[int, Field(gt=0, lt=10**15)]
    paid_on: date | None = None


class Payment(Schema):
    """`state` is booked, suspense (nobody has the account) or cancelled; `is_new` false when it was known."""

    payment_id: str
    account: str
    amount_minor: Minor
    paid_on: date
    receipt_id: int
    state: str
    is_new: bool


class Cancellation(Schema):
    reason: Annotated[str, Field(max_length=120)] = ""


class ListedPayment(Schema):
    payment_id: Text
    account: Annotated[str, Field(max_length=40)]
    amount_minor: Annotated[int, Field(ge=0, lt=10**15)]
    cancelled: bool = False


class DayIn(Schema):
    payments: Annotated[list[ListedPayment], Field(max_length=LINES_MAX)]


class Difference(Schema):
    payment_id: str
    kind: str
    our_account: str
    our_minor: int | None
    their_account: str
    their_minor: int | None


class Day(Schema):
    """Both sides' counts and sums without cancelled payments, and every payment that differs."""

    day: date
    our_count: int
    our_minor: Minor
    their_count: int
    their_minor: Minor
    differences: list[Difference]


api = NinjaAPI(
    title="Mains for agents",
    version="1",
    description="Ask what an account owes, pay, cancel, and compare the day. Amounts are whole minor units.",
    urls_namespace="agents",
    docs_url=None,
)


@api.get("/debt", response=Debt, auth=Token(TokenScope.INQUIRE), url_name="debt")
def debt(request: AgentRequest, account: Text) -> dict[str, object]:
    """What an account owes."""
    found = inquire_debt(caller=request.auth, account=account)
    return {"currency": request.auth.currency} | asdict(found)


@api.post("/payments", response={200: Payment, 201: Payment}, auth=Token(TokenScope.PAY), url_name="payments")
def receive(request: AgentRequest, payment: PaymentIn) -> Status[dict[str, object]]:
    """Receive a payment: 201 the first time, 200 with the same answer when it was received before."""
    made = pay(
        caller=request.auth,
        payment_id=payment.payment_id,
        account=payment.account,
        amount_minor=payment.amount_minor,
        paid_on=payment.paid_on,
        now=business_now(),
    )
    return Status(201 if made.is_new else 200, asdict(made))


@api.get("/payments/{payment_id}", response=Payment, auth=Token(TokenScope.PAY), url_name="payment")
def look_up(request: AgentRequest, payment_id: str) -> dict[str, object]:
    """A payment that this agent sent: ask here when a call ended without an answer."""
    return asdict(find_payment(caller=request.auth, payment_id=payment_id))


@api.post(
    "/payments/{payment_id}/cancel",
    response=Payment,
    auth=Token(TokenScope.CANCEL),
    url_name="cancel_payment",
)
def take_back(request: AgentRequest, payment_id: str, cancellation: Cancellation) -> dict[str, object]:
    """Cancel a payment within 24 hours; a second time changes nothing."""
    done = cancel(caller=request.auth, payment_id=payment_id, reason=cancellation.reason, now=business_now())
    return asdict(done)


@api.post("/days/{day}/reconcile", response=Day, auth=Token(TokenScope.RECONCILE), url_name="reconcile_day")
def compare(request: AgentRequest, day: date, listed: DayIn) -> dict[str, object]:
    """Compare a day: the differences are kept and shown to the utility's accountant too."""
    found = reconcile_day(
        channel_code=request.auth.code,
        day=day,
        lines=[
            AgentLine(
                payment_id=one.payment_id,
                account=one.account,
                amount_minor=one.amount_minor,
                is_cancelled=one.cancelled,
            )
            for one in listed.payments
        ],
        now=business_now(),
    )
    names = ("day", "our_count", "our_minor", "their_count", "their_minor", "differences")
    return {name: getattr(found, name) for name in names}


@api.exception_handler(MainsError)
def say_error(request: HttpRequest, error: MainsError) -> HttpResponse:
    del request
    return problem(error)


@api.exception_handler(AuthenticationError)
def say_nobody(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    del request, error
    return problem_of(
        status=401,
        code="token-unknown",
        message="The token is missing, unknown, expired or revoked.",
        place="header Authorization",
        remedy="Send Authorization: Bearer and the token.",
    )


@api.exception_handler(ValidationError)
def say_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    del request
    first = error.errors[0] if error.errors else {"loc": (), "msg": ""}
    return problem_of(
        status=422,
        code="request-invalid",
        message=f"{'.'.join(str(part) for part in first['loc'][1:])}: {first['msg']}",
        place=json.dumps([str(part) for part in first["loc"]]),
        remedy="See openapi.json for the fields and their types.",
    )


@api.exception_handler(HttpError)
def say_http(request: HttpRequest, error: HttpError) -> HttpResponse:
    del request
    return problem_of(status=error.status_code, code="request-unreadable", message=str(error))
