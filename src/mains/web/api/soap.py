"""The SOAP interface of agents: the same operations as REST, at one address."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from mains.base.business_day import now as business_now
from mains.integrations.agents import UnableToReadSoap, read_call, write_answer, write_fault, write_wsdl
from mains.kernel.errors import MainsError
from mains.payments.actions.agents import cancel, inquire_debt, pay
from mains.payments.actions.channel_days import AgentLine, reconcile_day
from mains.payments.actions.tokens import Caller
from mains.payments.values.online import TokenScope
from mains.web.api.callers import caller_of, status_of

Fields = Mapping[str, Any]
_XML = "text/xml; charset=utf-8"


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "POST"])
def soap(request: HttpRequest) -> HttpResponse:
    """Carry out one operation; a GET gives the WSDL."""
    if request.method == "GET":
        return HttpResponse(write_wsdl(request.build_absolute_uri(reverse("agents_soap"))), content_type=_XML)
    try:
        call = read_call(request.body)
        scope, carry_out = OPERATIONS[call.operation]
        values = carry_out(caller_of(request, scope=scope), call.fields)
        return HttpResponse(write_answer(call.operation, values), content_type=_XML)
    except MainsError as error:
        fault = write_fault(code=error.code, message=error.message, place=error.place, remedy=error.remedy)
        status = status_of(error)
        is_unreadable = isinstance(error, UnableToReadSoap)
        # SOAP 1.1 sends faults with 500; who may not call at all gets the status that says so.
        return HttpResponse(
            fault,
            status=status if status in (401, 403, 429) and not is_unreadable else 500,
            content_type=_XML,
        )


def _inquire(caller: Caller, fields: Fields) -> Fields:
    found = inquire_debt(caller=caller, account=str(fields["account"]))
    return {
        "account": found.account,
        "name": found.name,
        "currency": caller.currency,
        "owed_minor": found.owed_minor,
        "credit_minor": found.credit_minor,
        "service": [{"code": code, "owed_minor": minor} for code, minor in sorted(found.by_service.items())],
        "least_minor": found.least_minor,
        "most_minor": found.most_minor,
    }


def _pay(caller: Caller, fields: Fields) -> Fields:
    return asdict(
        pay(
            caller=caller,
            payment_id=str(fields["payment_id"]),
            account=str(fields["account"]),
            amount_minor=fields["amount_minor"],
            paid_on=fields["paid_on"],
            now=business_now(),
        )
    )


def _cancel(caller: Caller, fields: Fields) -> Fields:
    return asdict(
        cancel(
            caller=caller,
            payment_id=str(fields["payment_id"]),
            reason=str(fields["reason"] or ""),
            now=business_now(),
        )
    )


def _reconcile(caller: Caller, fields: Fields) -> Fields:
    lines = [
        AgentLine(
            payment_id=one["payment_id"],
            account=one["account"],
            amount_minor=one["amount_minor"],
            is_cancelled=bool(one["cancelled"]),
        )
        for one in fields["payment"]
    ]
    found = reconcile_day(
        channel_code=caller.code,
        day=fields["day"],
        lines=lines,
        now=business_now(),
    )
    names = ("day", "our_count", "our_minor", "their_count", "their_minor")
    return {name: getattr(found, name) for name in names} | {"difference": found.differences}


OPERATIONS: Mapping[str, tuple[TokenScope, Callable[[Caller, Fields], Fields]]] = {
    "InquireDebt": (TokenScope.INQUIRE, _inquire),
    "Pay": (TokenScope.PAY, _pay),
    "CancelPayment": (TokenScope.CANCEL, _cancel),
    "ReconcileDay": (TokenScope.RECONCILE, _reconcile),
}
"""Every operation with the scope that it needs; the test of all addresses reads it."""
