"""Receipts by machine: channels with their tokens, orders, and calls that wait for a person."""

from decimal import Decimal

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from mains.base.clock import read_clock
from mains.base.wording import error_text, translate_message
from mains.kernel.errors import MainsError
from mains.payments.actions.orders import ask_about, refund_order
from mains.payments.actions.payouts import record_payout
from mains.payments.actions.resending import close_letter, resend_letter
from mains.payments.actions.tokens import issue_token, revoke_token
from mains.payments.queries.acquirer_dues import list_due_parts, list_transfers, list_waiting_lines
from mains.payments.queries.online import (
    count_open_letters,
    find_channel,
    list_channels,
    list_days,
    list_letters,
    list_orders,
    list_tokens,
    may_see_channels,
)
from mains.payments.values.online import (
    ChannelKind,
    DayDifference,
    LetterOperation,
    LetterState,
    OrderState,
    TokenScope,
)
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.parts import Crumb
from mains.web.office.views.banks import is_key

PAGE = 50
_TONES = {
    OrderState.OPEN: "quiet",
    OrderState.UNCLEAR: "warn",
    OrderState.PAID: "good",
    OrderState.EXPIRED: "quiet",
    OrderState.FAILED: "bad",
    OrderState.REFUNDING: "warn",
    OrderState.REFUNDED: "quiet",
}


@needs(Permission.IMPORT_PAYMENTS)
def online_channels(request: OfficeRequest) -> HttpResponse:
    """Who collects by machine, and what each owes."""
    found = list_channels(scope=request.scope, today=request.today)
    context = {
        "channels": [(one, ChannelKind(one.kind).label) for one in found],
        "sees_all": may_see_channels(request.scope),
        "letters": count_open_letters(scope=request.scope),
        "currency": currency_of_utility(),
        "crumbs": [Crumb(_("Payments"), reverse("office:registers")), Crumb(_("Agents and wallets"))],
    }
    return render(request, "office/online_channels.html", context)


@never_cache
@needs(Permission.IMPORT_PAYMENTS)
def online_channel(request: OfficeRequest, code: str) -> HttpResponse:
    """A channel: tokens, days compared, what the acquirer still has to pay."""
    return _show_channel(request, code)


@never_cache
@require_POST
@needs(Permission.ADMINISTER)
def issue_channel_token(request: OfficeRequest, code: str) -> HttpResponse:
    """Make a token; the page shows it this one time."""
    if find_channel(code=code, scope=request.scope) is None:
        raise Http404(_("There is no such channel."))
    try:
        issued = issue_token(
            channel_code=code,
            name=request.POST.get("name", ""),
            scopes=request.POST.getlist("scopes"),
            now=read_clock(),
            actor_id=request.user.pk,
        )
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect("office:online_channel", code=code)
    return _show_channel(request, code, token=issued.token)


@require_POST
@needs(Permission.ADMINISTER)
def revoke_channel_token(request: OfficeRequest, code: str, token_id: int) -> HttpResponse:
    """The token opens nothing from now on."""
    if find_channel(code=code, scope=request.scope) is None or token_id not in {
        token.pk for token in list_tokens(code=code)
    }:
        raise Http404(_("There is no such token."))
    revoke_token(token_id=token_id, now=read_clock(), actor_id=request.user.pk)
    messages.success(request, _("The token is revoked."))
    return redirect("office:online_channel", code=code)


@needs(Permission.IMPORT_PAYMENTS)
def payment_orders(request: OfficeRequest) -> HttpResponse:
    """Orders of accounts within the person's reach, the latest first."""
    before, state = request.GET.get("before", ""), request.GET.get("state", "")
    state = state if state in OrderState else ""
    found = list_orders(
        scope=request.scope, state=state, before_id=int(before) if is_key(before) else 0, limit=PAGE + 1
    )
    kept = f"&state={state}" if state else ""
    context = {
        "orders": [(one, OrderState(one.state).label, _TONES[OrderState(one.state)]) for one in found[:PAGE]],
        "states": OrderState.choices,
        "state": state,
        "next_url": f"?before={found[PAGE - 1].id}{kept}" if len(found) > PAGE else "",
        "sees_letters": may_see_channels(request.scope),
        "currency": currency_of_utility(),
        "crumbs": [
            Crumb(_("Payments"), reverse("office:registers")),
            Crumb(_("Agents and wallets"), reverse("office:online_channels")),
            Crumb(_("Orders")),
        ],
    }
    return render(request, "office/payment_orders.html", context)


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def ask_about_order(request: OfficeRequest, order_id: int) -> HttpResponse:
    """Ask the provider what became of an order."""
    _within(request, order_id)
    try:
        order = ask_about(order_id=order_id, now=now())
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(
            request, _("The provider answered: %(state)s.") % {"state": OrderState(order.state).label}
        )
    return redirect("office:payment_orders")


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def refund_payment_order(request: OfficeRequest, order_id: int) -> HttpResponse:
    """Ask the provider to give the money of an order back."""
    _within(request, order_id)
    try:
        order = refund_order(
            order_id=order_id, reason=request.POST.get("reason", ""), now=now(), actor_id=request.user.pk
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, OrderState(order.state).label)
    return redirect("office:payment_orders")


@needs(Permission.IMPORT_PAYMENTS)
def dead_letters(request: OfficeRequest) -> HttpResponse:
    """Calls that came to nothing."""
    state = request.GET.get("state", "")
    state = state if state in LetterState else LetterState.OPEN.value
    context = {
        "letters": [
            (one, LetterOperation(one.operation).label, translate_message(one.message))
            for one in list_letters(scope=request.scope, state=state)
        ],
        "states": LetterState.choices,
        "state": state,
        "sees_all": may_see_channels(request.scope),
        "crumbs": [
            Crumb(_("Payments"), reverse("office:registers")),
            Crumb(_("Agents and wallets"), reverse("office:online_channels")),
            Crumb(_("Calls that came to nothing")),
        ],
    }
    return render(request, "office/dead_letters.html", context)


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def resend_dead_letter(request: OfficeRequest, letter_id: int) -> HttpResponse:
    """Do the call again."""
    _sees_letters(request)
    try:
        resend_letter(letter_id=letter_id, now=now(), actor_id=request.user.pk)
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("It was done again and is settled."))
    return redirect("office:dead_letters")


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def close_dead_letter(request: OfficeRequest, letter_id: int) -> HttpResponse:
    """Nothing is left to do, says a person with a note."""
    _sees_letters(request)
    try:
        close_letter(
            letter_id=letter_id, note=request.POST.get("note", ""), now=now(), actor_id=request.user.pk
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("Closed."))
    return redirect("office:dead_letters")


def _show_channel(request: OfficeRequest, code: str, *, token: str = "") -> HttpResponse:
    found = list_channels(scope=request.scope, today=request.today, code=code)
    if not found:
        raise Http404(_("There is no such channel."))
    may_administer = Permission.ADMINISTER in request.rights.permissions
    context = {
        "channel": found[0],
        "kind": ChannelKind(found[0].kind).label,
        "is_agent": found[0].kind == ChannelKind.AGENT,
        "token": token,
        "tokens": [
            (one, [TokenScope(scope).label for scope in one.scopes]) for one in list_tokens(code=code)
        ],
        "may_administer": may_administer,
        "scopes": TokenScope.choices,
        "days": [
            (day, [(one, DayDifference(one["kind"]).label) for one in day.differences[:20]])
            for day in list_days(code=code)
        ],
        "is_acquirer": found[0].kind == ChannelKind.CARD,
        "transfers": list_transfers(code=code, limit=50),
        "waiting_lines": list_waiting_lines(code=code),
        "may_book": Permission.IMPORT_PAYMENTS in request.rights.permissions,
        "dues": list_due_parts(code=code, on_date=request.today, limit=100),
        "today": request.today,
        "currency": currency_of_utility(),
        "crumbs": [
            Crumb(_("Payments"), reverse("office:registers")),
            Crumb(_("Agents and wallets"), reverse("office:online_channels")),
            Crumb(found[0].title),
        ],
    }
    return render(request, "office/online_channel.html", context)


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def book_transfer(request: OfficeRequest, code: str) -> HttpResponse:
    """Book a line of the bank as a transfer of the acquirer, with the commission that a person states."""
    if not list_channels(scope=request.scope, today=request.today, code=code):
        raise Http404(_("There is no such channel."))
    form = TransferForm(request.POST)
    line = next(
        (one for one in list_waiting_lines(code=code) if str(one.id) == request.POST.get("line", "")), None
    )
    if line is None or not form.is_valid():
        messages.error(request, _("State the commission as an amount, of a line that waits."))
        return redirect("office:online_channel", code=code)
    try:
        record_payout(
            channel_code=code,
            reference=f"{line.text[:60]} #{line.id}".strip(),
            paid_on=line.booked_on,
            amount_minor=line.net_minor,
            fee_minor=int(Decimal(form.cleaned_data["fee"]).scaleb(2)),
            bank_line_id=line.id,
            now=now(),
            actor_id=request.user.pk,
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("The transfer is booked."))
    return redirect("office:online_channel", code=code)


class TransferForm(forms.Form):
    """The commission that an acquirer kept of a transfer."""

    fee = forms.DecimalField(max_digits=14, decimal_places=2, min_value=0)


def _within(request: OfficeRequest, order_id: int) -> None:
    if not list_orders(scope=request.scope, order_id=order_id):
        raise Http404(_("There is no such order."))


def _sees_letters(request: OfficeRequest) -> None:
    if not may_see_channels(request.scope):
        raise Http404(_("There is no such call."))
