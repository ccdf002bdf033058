"""The cashier's counter: find, take, print, next; all of it by keyboard (docs/cash-desk.md)."""

from dataclasses import replace

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.cashdesk.actions.payments import take_payment
from mains.cashdesk.actions.voids import void_payment
from mains.cashdesk.queries.records import (
    PaymentRecord,
    ShiftRecord,
    find_open_shift,
    find_payment,
    list_lines,
    list_payments,
)
from mains.cashdesk.queries.till import most_instalments
from mains.cashdesk.values import VoidState
from mains.kernel.errors import MainsError
from mains.reporting.queries.desk_paper import receipt_pdf, receipt_picture
from mains.reporting.queries.desk_paper.receipt import Paper
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.desk_basket import Basket, add_account, find_into, new_basket, read_basket
from mains.web.office.parts import Crumb
from mains.web.office.views.banks import is_key

LATEST = 8


@needs(Permission.TAKE_PAYMENTS)
def desk(request: OfficeRequest) -> HttpResponse:
    """The counter of the cashier's open shift. Enter goes on: search, cash given, take."""
    shift = find_open_shift(cashier_id=request.user.pk)
    if shift is None:
        if request.method == "POST":
            messages.error(request, _("You have no open shift; nothing was booked. Open one."))
        return _go(request, reverse("office:open_shift"))
    if request.method != "POST":
        return _counter(request, shift, new_basket(), done=_done(request))
    basket = _next_step(request, read_basket(request.POST, scope=request.scope))
    if isinstance(basket, HttpResponse):
        return basket
    return _counter(request, shift, basket)


def _next_step(request: OfficeRequest, basket: Basket) -> Basket | HttpResponse:
    """What the key that was pressed means: choose, search, go on to the cash given, or take the money."""
    picked = request.POST.get("pick", "")
    if is_key(picked):
        return add_account(basket, account_id=int(picked), scope=request.scope)
    if request.POST.get("drop"):
        return basket
    if request.POST.get("do") == "take" or (not basket.text and basket.is_ready):
        return _take(request, basket)
    if basket.text:
        found = find_into(basket, scope=request.scope)
        if found.text and not found.hits:
            return replace(
                found, problem=_("Nothing found. Check the number, or type name, phone or address.")
            )
        return found
    return replace(basket, focus="pay" if basket.rows else "search")


def _take(request: OfficeRequest, basket: Basket) -> Basket | HttpResponse:
    shift = find_open_shift(cashier_id=request.user.pk)
    if shift is None or not basket.rows:
        return replace(basket, problem=_("Find an account first."))
    try:
        taken = take_payment(
            shift_id=shift.id, asked=basket.asked(), now=now(), actor_id=request.user.pk, scope=request.scope
        )
    except MainsError as error:
        known = error.params.get("payment")
        shown = basket.seen_anew() if error.code == "desk-owes-other" else basket
        return replace(shown, problem=error_text(error), focus="pay", notice=str(known or ""))
    if taken.was_known:
        messages.info(
            request, _("This form was sent before: the payment is booked once, and this is its receipt.")
        )
    return _go(request, f"{reverse('office:desk')}?done={taken.payment.pk}")


def _counter(
    request: OfficeRequest, shift: ShiftRecord, basket: Basket, *, done: PaymentRecord | None = None
) -> HttpResponse:
    context = {
        "shift": shift,
        "basket": basket,
        "max_instalments": most_instalments(desk_id=shift.desk_id),
        "done": done,
        "latest": [] if request.htmx else list_payments(shift_id=shift.id, limit=LATEST),
        "currency": currency_of_utility(),
    }
    template = "office/desk/_counter.html" if request.htmx else "office/desk/counter.html"
    return render(request, template, context)


def _go(request: OfficeRequest, url: str) -> HttpResponse:
    """To another page, also from within a part of one."""
    if request.htmx:
        response = HttpResponse(status=200)
        response["HX-Redirect"] = url
        return response
    return redirect(url)


def _done(request: OfficeRequest) -> PaymentRecord | None:
    payment_id = request.GET.get("done", "")
    if not is_key(payment_id):
        return None
    return find_payment(
        payment_id=int(payment_id),
        actor_id=request.user.pk,
        supervised=request.rights.scope(Permission.SUPERVISE_DESKS),
    )


@needs(Permission.TAKE_PAYMENTS, Permission.SUPERVISE_DESKS)
def desk_payment(request: OfficeRequest, payment_id: int) -> HttpResponse:
    """One payment with its accounts; its cashier may take it back while the shift is open."""
    payment = _payment(request, payment_id)
    context = {
        "payment": payment,
        "lines": list_lines(payment_id=payment_id),
        "may_void": payment.cashier_id == request.user.pk
        and payment.is_shift_open
        and payment.void in ("", VoidState.REFUSED),
        "currency": currency_of_utility(),
        "crumbs": [
            Crumb(_("Cash desk"), reverse("office:desk")),
            Crumb(_("Shift"), reverse("office:desk_shift", args=[payment.shift_id])),
        ],
    }
    return render(request, "office/desk/payment.html", context)


@require_POST
@needs(Permission.TAKE_PAYMENTS)
def void_desk_payment(request: OfficeRequest, payment_id: int) -> HttpResponse:
    """Take a payment back, or ask a supervisor for it."""
    _payment(request, payment_id)
    try:
        void = void_payment(
            payment_id=payment_id,
            reason=request.POST.get("reason", ""),
            now=now(),
            actor_id=request.user.pk,
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        if void.state == VoidState.DONE:
            messages.success(request, _("The payment is taken back. Give the money to the customer."))
        else:
            messages.info(request, _("A supervisor is asked. Give nothing back before they agree."))
    return redirect("office:desk_payment", payment_id=payment_id)


@needs(Permission.TAKE_PAYMENTS, Permission.SUPERVISE_DESKS)
def desk_receipt(request: OfficeRequest, payment_id: int) -> HttpResponse:
    """The receipt on A4."""
    return _receipt(request, payment_id, "a4")


@needs(Permission.TAKE_PAYMENTS, Permission.SUPERVISE_DESKS)
def desk_slip(request: OfficeRequest, payment_id: int) -> HttpResponse:
    """The receipt on the 80 mm of a receipt printer."""
    return _receipt(request, payment_id, "80mm")


@needs(Permission.TAKE_PAYMENTS, Permission.SUPERVISE_DESKS)
def desk_slip_picture(request: OfficeRequest, payment_id: int) -> HttpResponse:
    """The same paper as a picture, which the counter prints at once."""
    payment = _payment(request, payment_id)
    picture = receipt_picture(
        payment=payment,
        lines=list_lines(payment_id=payment_id),
        currency=currency_of_utility(),
        language=get_language() or "en",
    )
    return HttpResponse(picture, content_type="image/svg+xml")


def _receipt(request: OfficeRequest, payment_id: int, paper: Paper) -> HttpResponse:
    payment = _payment(request, payment_id)
    content = receipt_pdf(
        payment=payment,
        lines=list_lines(payment_id=payment_id),
        currency=currency_of_utility(),
        language=get_language() or "en",
        paper=paper,
    )
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{payment.number_text}.pdf"'
    return response


def _payment(request: OfficeRequest, payment_id: int) -> PaymentRecord:
    found = find_payment(
        payment_id=payment_id,
        actor_id=request.user.pk,
        supervised=request.rights.scope(Permission.SUPERVISE_DESKS),
    )
    if found is None:
        raise Http404(_("There is no such payment that you may see."))
    return found
