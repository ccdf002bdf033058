"""Money collected for others: who owes whom, down to the receipt; settlements and payment orders."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.integrations.payment_orders.settlement_orders import write_settlement_orders
from mains.kernel.errors import MainsError
from mains.reporting.queries.settlement_files import settlement_csv, settlement_pdf, settlement_xlsx
from mains.settlement.actions.orders import approve_order, refuse_order
from mains.settlement.actions.settling import settle
from mains.settlement.queries.flows import (
    Span,
    list_accounts,
    list_flows,
    list_houses,
    list_payee_figures,
    list_receipts,
)
from mains.settlement.queries.parties import list_contracts, names_of_parties
from mains.settlement.queries.statements import find_settlement, list_settlements
from mains.settlement.values import OrderState
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.fact_forms import DayField
from mains.web.office.parts import Crumb
from mains.web.office.settlement_pictures import flow_picture

PAGE = 100
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class SettleForm(forms.Form):
    through = DayField(
        label=gettext_lazy("Settle through"),
        help_text=gettext_lazy("With the parties whose cycle ends on this day."),
    )


class OrderForm(forms.Form):
    execute_on = DayField(label=gettext_lazy("Executed on"))


@dataclass(frozen=True, kw_only=True)
class _Asked:
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
    name = _party_name(party_id)
    asked = _asked(request)
    after = request.GET.get("after", "")
    houses = list_houses(
        scope=request.scope,
        span=asked.span,
        party_id=party_id,
        after=int(after) if _is_key(after) else -1,
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
        "first_column": _("House"),
        "next_url": f"?{urlencode(asked.query | {'after': houses[PAGE - 1].key})}"
        if len(houses) > PAGE
        else "",
        "settlements": list_settlements(party_id=party_id) if _sees_all(request) else [],
        "crumbs": [Crumb(_("Settlement"), f"{reverse('office:settlement')}?{query}"), Crumb(name)],
    }
    return render(request, "office/settlement_party.html", context | _common(request, asked))


@needs(Permission.SEE_REPORTS, Permission.SETTLE)
def house(request: OfficeRequest, party_id: int, building_id: int) -> HttpResponse:
    """The accounts of a house that paid for a party; with `account`, the receipts of one of them."""
    name = _party_name(party_id)
    asked = _asked(request)
    (line,) = list_houses(
        scope=request.scope, span=asked.span, party_id=party_id, after=building_id - 1, limit=1
    ) or (None,)
    if line is None or line.key != building_id:
        raise Http404(_("Nothing was collected in this house."))
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
        after=int(account) - 1 if _is_key(account) else int(after) if _is_key(after) else 0,
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
    }
    return render(request, "office/settlement_party.html", context | _common(request, asked))


@require_POST
@needs(Permission.SETTLE)
def settle_through(request: OfficeRequest) -> HttpResponse:
    """Draw up settlements through a day and prepare their payment orders."""
    _check_whole(request)
    form = SettleForm(request.POST)
    if not form.is_valid():
        return _overview(request, settle_form=form)
    return _after(
        request,
        lambda: settle(through=form.cleaned_data["through"], now=now(), actor_id=request.user.pk),
        _("The settlements are drawn up. A colleague approves the payment orders."),
    )


@require_POST
@needs(Permission.SETTLE)
def decide(request: OfficeRequest, order_id: int) -> HttpResponse:
    """Approve a payment order that somebody else prepared, or refuse it."""
    _check_whole(request)
    if request.POST.get("decision") == "approve":
        form = OrderForm(request.POST)
        if not form.is_valid():
            return _overview(request, order_form=form)
        return _after(
            request,
            lambda: approve_order(
                order_id=order_id,
                execute_on=form.cleaned_data["execute_on"],
                now=now(),
                actor_id=request.user.pk,
            ),
            _("The payment order is approved."),
        )
    return _after(
        request,
        lambda: refuse_order(
            order_id=order_id, reason=request.POST.get("reason", ""), now=now(), actor_id=request.user.pk
        ),
        _("The payment order is refused."),
    )


@needs(Permission.SETTLE)
def orders_file(request: OfficeRequest) -> HttpResponse:
    """The approved orders that no bank statement has shown yet, as pain.001."""
    _check_whole(request)
    try:
        content = write_settlement_orders(currency=currency_of_utility())
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect("office:settlement")
    return _file(content, "payment-orders.xml", "application/xml")


@needs(Permission.SEE_REPORTS, Permission.SETTLE)
def statement(request: OfficeRequest, settlement_id: int, form: str) -> HttpResponse:
    """A settlement as it was drawn up: pdf, xlsx or csv, the same bytes each time."""
    _check_whole(request)
    found = find_settlement(settlement_id=settlement_id)
    if found is None or form not in ("pdf", "xlsx", "csv"):
        raise Http404(_("There is no such settlement."))
    name = f"settlement-{settlement_id}.{form}"
    if form == "pdf":
        return _file(settlement_pdf(found, currency=currency_of_utility()), name, "application/pdf")
    if form == "xlsx":
        return _file(settlement_xlsx(found), name, SPREADSHEET)
    return _file(settlement_csv(found), name, "text/csv; charset=utf-8")


def _overview(request: OfficeRequest, **given: Any) -> HttpResponse:
    asked = _asked(request)
    flows = list_flows(scope=request.scope, span=asked.span)
    payees = list_payee_figures(scope=request.scope, span=asked.span, flows=flows)
    currency = currency_of_utility()
    query = urlencode(asked.query)
    settlements = list_settlements() if _sees_all(request) else []
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
        "settlements": settlements,
        "undecided": [row for row in settlements if row.state == OrderState.PREPARED],
        "settle_form": SettleForm(initial={"through": request.today.replace(day=1) - timedelta(days=1)}),
        "order_form": OrderForm(initial={"execute_on": request.today}),
        "may_settle": _sees_all(request) and Permission.SETTLE in request.rights.permissions,
    }
    return render(request, "office/settlement.html", context | _common(request, asked) | given)


def _common(request: OfficeRequest, asked: _Asked) -> dict[str, Any]:
    return {
        "span": asked.span,
        "as_of_text": asked.query.get("as_of", ""),
        "currency": currency_of_utility(),
        "sees_all": _sees_all(request),
    }


def _asked(request: OfficeRequest) -> _Asked:
    """The days asked for; without them from the first of the month before this one."""
    through = _day(request.GET.get("to", "")) or request.today
    usual = (request.today.replace(day=1) - timedelta(days=1)).replace(day=1)
    since = _day(request.GET.get("from", "")) or min(usual, through)
    as_of = _instant(request.GET.get("as_of", ""))
    query = {"from": since.isoformat(), "to": through.isoformat()}
    if as_of is not None:
        query["as_of"] = f"{timezone.localtime(as_of):%Y-%m-%dT%H:%M}"
    return _Asked(span=Span(since=min(since, through), through=through, as_of=as_of), query=query)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _instant(text: str) -> datetime | None:
    """A local time as the browser's field writes it."""
    try:
        return timezone.make_aware(datetime.fromisoformat(text).replace(tzinfo=None))
    except (ValueError, OverflowError):
        return None


def _party_name(party_id: int) -> str:
    found = names_of_parties().get(party_id)
    if found is None:
        raise Http404(_("There is no such party."))
    return found[1]


def _is_key(text: str) -> bool:
    return text.isdecimal() and len(text) < 18


def _sees_all(request: OfficeRequest) -> bool:
    return request.scope.organisation_ids is None


def _check_whole(request: OfficeRequest) -> None:
    """Settlements and orders are those of the whole utility."""
    if not _sees_all(request):
        raise PermissionDenied("Settlements are for people of the whole utility.")


def _after(request: OfficeRequest, act: Callable[[], object], done: str) -> HttpResponse:
    """Act, say what came of it, and show the page again."""
    try:
        act()
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, done)
    return redirect("office:settlement")


def _file(content: bytes, name: str, kind: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
