"""Money collected for others: who owes whom, down to the receipt; settlements and payment orders."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from mains.integrations.payment_orders.settlement_orders import is_for_russian_banks
from mains.settlement.actions.orders import approve_order, refuse_order
from mains.settlement.actions.settling import settle
from mains.settlement.queries.flows import (
    Line,
    Span,
    list_accounts,
    list_flows,
    list_houses,
    list_payee_figures,
    list_receipts,
)
from mains.settlement.queries.parties import list_contracts, names_of_parties
from mains.settlement.queries.statements import list_settlements
from mains.settlement.values import OrderState
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.acting import act_and_return, check_whole, day_of, instant_of, is_key, sees_whole
from mains.web.office.clock import now
from mains.web.office.fact_forms import DayField
from mains.web.office.parts import Crumb
from mains.web.office.settlement_pictures import flow_picture

PAGE = 100
PAGE_NAME = "office:settlement"


class SettleForm(forms.Form):
    through = DayField(
        label=gettext_lazy("Settle through"),
        help_text=gettext_lazy("With the parties whose cycle ends on this day."),
    )


class OrderForm(forms.Form):
    execute_on = DayField(label=gettext_lazy("Executed on"))


@dataclass(frozen=True, kw_only=True)
class AskedSpan:
    """The span that an address asks for, and the same as its query."""

    span: Span
    query: dict[str, str]


@needs(Permission.SEE_REPORTS, Permission.SETTLE)
def settlement(request: OfficeRequest) -> HttpResponse:
    """Who owes whom in the days asked for, as of any recorded time; the settlements and their orders."""
    return _overview(request)


@needs(Permission.SEE_REPORTS, Permission.SETTLE)
def party(request: OfficeRequest, party_id: int) -> HttpResponse:
    """What was collected for a party, house by house."""
    name = party_name(party_id)
    asked = asked_span(request)
    after = request.GET.get("after", "")
    houses = list_houses(
        scope=request.scope,
        span=asked.span,
        party_id=party_id,
        after=int(after) if is_key(after) else -1,
        limit=PAGE + 1,
    )
    query = urlencode(asked.query)
    context = {
        "heading": name,
        "rows": [
            (
                line,
                line.title or _("No house"),
                f"{reverse('office:settlement_house', args=[party_id, line.key])}?{query}",
            )
            for line in houses[:PAGE]
        ],
        "first_column": _("Building"),
        "next_url": f"?{urlencode(asked.query | {'after': houses[PAGE - 1].key})}"
        if len(houses) > PAGE
        else "",
        "settlements": list_settlements(party_id=party_id) if sees_whole(request) else [],
        "crumbs": [Crumb(_("Settlement"), f"{reverse('office:settlement')}?{query}"), Crumb(name)],
        "files": _files("office:settlement_houses_file", [party_id], query),
    }
    return render(request, "office/settlement_party.html", context | _common(request, asked))


@needs(Permission.SEE_REPORTS, Permission.SETTLE)
def house(request: OfficeRequest, party_id: int, building_id: int) -> HttpResponse:
    """The accounts of a house that paid for a party; with `account`, the receipts of one of them."""
    name = party_name(party_id)
    asked = asked_span(request)
    line = find_house(request, asked, party_id, building_id)
    here = reverse("office:settlement_house", args=[party_id, building_id])
    query = urlencode(asked.query)
    account, after = request.GET.get("account", ""), request.GET.get("after", "")
    crumbs = [
        Crumb(_("Settlement"), f"{reverse('office:settlement')}?{query}"),
        Crumb(name, f"{reverse('office:settlement_party', args=[party_id])}?{query}"),
        Crumb(line.title or _("No house"), f"{here}?{query}" if account else ""),
    ]
    accounts = list_accounts(
        scope=request.scope,
        span=asked.span,
        party_id=party_id,
        building_id=building_id,
        after=int(account) - 1 if is_key(account) else int(after) if is_key(after) else 0,
        limit=1 if account else PAGE + 1,
    )
    rows: list[tuple[Any, str, str]]
    if account:
        if not accounts or str(accounts[0].key) != account:
            raise Http404(_("This account paid nothing for the party."))
        receipts = list_receipts(
            scope=request.scope, span=asked.span, party_id=party_id, account_id=accounts[0].key
        )
        rows = [
            (
                one,
                one.title if one.key else _("Moved credit"),
                reverse("office:receipt", args=[one.key])
                if one.key
                else reverse("office:account_money", args=[accounts[0].title]),
            )
            for one in receipts
        ]
        crumbs.append(Crumb(accounts[0].title))
    else:
        rows = [
            (one, one.title, f"{here}?{urlencode(asked.query | {'account': one.key})}")
            for one in accounts[:PAGE]
        ]
    is_cut = not account and len(accounts) > PAGE
    context = {
        "heading": accounts[0].title if account else line.title or _("No house"),
        "rows": rows,
        "first_column": _("Receipt") if account else _("Account"),
        "next_url": f"?{urlencode(asked.query | {'after': accounts[PAGE - 1].key})}" if is_cut else "",
        "account": accounts[0] if account else None,
        "crumbs": crumbs,
        "files": [] if account else _files("office:settlement_house_file", [party_id, building_id], query),
    }
    return render(request, "office/settlement_party.html", context | _common(request, asked))


@require_POST
@needs(Permission.SETTLE)
def settle_through(request: OfficeRequest) -> HttpResponse:
    """Draw up settlements through a day and prepare their payment orders."""
    check_whole(request)
    form = SettleForm(request.POST)
    if not form.is_valid():
        return _overview(request, settle_form=form)
    return act_and_return(
        request,
        lambda: settle(through=form.cleaned_data["through"], now=now(), actor_id=request.user.pk),
        done=_("The settlements are drawn up. A colleague approves the payment orders."),
        page=PAGE_NAME,
    )


@require_POST
@needs(Permission.SETTLE)
def decide(request: OfficeRequest, order_id: int) -> HttpResponse:
    """Approve a payment order that somebody else prepared, or refuse it."""
    check_whole(request)
    if request.POST.get("decision") == "approve":
        form = OrderForm(request.POST)
        if not form.is_valid():
            return _overview(request, order_form=form)
        return act_and_return(
            request,
            lambda: approve_order(
                order_id=order_id,
                execute_on=form.cleaned_data["execute_on"],
                now=now(),
                actor_id=request.user.pk,
            ),
            done=_("The payment order is approved."),
            page=PAGE_NAME,
        )
    return act_and_return(
        request,
        lambda: refuse_order(
            order_id=order_id, reason=request.POST.get("reason", ""), now=now(), actor_id=request.user.pk
        ),
        done=_("The payment order is refused."),
        page=PAGE_NAME,
    )


def find_house(request: OfficeRequest, asked: AskedSpan, party_id: int, building_id: int) -> Line:
    """The house in which something was collected for the party."""
    found = list_houses(
        scope=request.scope, span=asked.span, party_id=party_id, after=building_id - 1, limit=1
    )
    if not found or found[0].key != building_id:
        raise Http404(_("Nothing was collected in this house."))
    return found[0]


def _files(name: str, arguments: list[int], query: str) -> list[tuple[str, str]]:
    """The forms in which a table is taken away, with their addresses."""
    return [(form, f"{reverse(name, args=[*arguments, form])}?{query}") for form in ("csv", "xlsx", "pdf")]


def _overview(request: OfficeRequest, **given: Any) -> HttpResponse:
    asked = asked_span(request)
    flows = list_flows(scope=request.scope, span=asked.span)
    payees = list_payee_figures(scope=request.scope, span=asked.span, flows=flows)
    currency = currency_of_utility()
    query = urlencode(asked.query)
    settlements = list_settlements() if sees_whole(request) else []
    context = {
        "picture": flow_picture(flows=flows, payees=payees, currency=currency),
        "payees": [
            (row, f"{reverse('office:settlement_party', args=[row.party_id])}?{query}") for row in payees
        ],
        "chains": [flow for flow in flows if flow.payee_id != flow.party_id],
        "received_minor": sum(row.collected_minor - row.taken_back_minor for row in payees),
        "fee_minor": sum(row.fee_minor for row in payees),
        "ordered_minor": sum(row.ordered_minor for row in payees),
        "at_bank_minor": sum(row.at_bank_minor for row in payees),
        "waiting_minor": sum(row.waiting_minor for row in payees),
        "contracts": list_contracts(),
        "has_russian_form": is_for_russian_banks(),
        "settlements": settlements,
        "undecided": [row for row in settlements if row.state == OrderState.PREPARED],
        "settle_form": SettleForm(initial={"through": request.today.replace(day=1) - timedelta(days=1)}),
        "order_form": OrderForm(initial={"execute_on": request.today}),
        "may_settle": sees_whole(request) and Permission.SETTLE in request.rights.permissions,
    }
    return render(request, "office/settlement.html", context | _common(request, asked) | given)


def _common(request: OfficeRequest, asked: AskedSpan) -> dict[str, Any]:
    return {
        "span": asked.span,
        "as_of_text": asked.query.get("as_of", ""),
        "currency": currency_of_utility(),
        "sees_all": sees_whole(request),
    }


def asked_span(request: OfficeRequest) -> AskedSpan:
    """The days asked for; without them from the first of the month before this one."""
    through = day_of(request.GET.get("to", "")) or request.today
    usual = (request.today.replace(day=1) - timedelta(days=1)).replace(day=1)
    since = day_of(request.GET.get("from", "")) or min(usual, through)
    as_of = instant_of(request.GET.get("as_of", ""))
    query = {"from": since.isoformat(), "to": through.isoformat()}
    if as_of is not None:
        query["as_of"] = f"{timezone.localtime(as_of):%Y-%m-%dT%H:%M}"
    return AskedSpan(span=Span(since=min(since, through), through=through, as_of=as_of), query=query)


def party_name(party_id: int) -> str:
    found = names_of_parties().get(party_id)
    if found is None:
        raise Http404(_("There is no such party."))
    return found[1]
