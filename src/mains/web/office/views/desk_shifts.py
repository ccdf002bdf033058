"""Shifts of cash desks: opened on a count, looked at, closed with one; and what their supervisor sees of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.formats import money_text
from mains.base.wording import error_text
from mains.cashdesk.actions.movements import deposit_from_safe
from mains.cashdesk.actions.shifts import Count, Leaving, close_shift, move_from_till, open_shift
from mains.cashdesk.actions.voids import decide_void
from mains.cashdesk.queries.records import (
    ShiftRecord,
    count_waiting_voids,
    find_open_shift,
    find_shift,
    list_deposits_on_the_way,
    list_desks,
    list_payments,
    list_safes,
    list_shifts,
    list_waiting_voids,
)
from mains.cashdesk.queries.reports import sum_shifts
from mains.cashdesk.queries.till import till_minor
from mains.cashdesk.values import MovementKind, denominations_of
from mains.kernel.errors import MainsError
from mains.reporting.queries.desk_paper import shift_report_pdf
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.desk_basket import new_key, read_amount, read_count
from mains.web.office.parts import Crumb
from mains.web.office.views.banks import is_key

PAGE = 50
_MOVES = (MovementKind.FROM_SAFE, MovementKind.TO_SAFE, MovementKind.TO_BANK)


@dataclass(frozen=True, kw_only=True)
class CountRow:
    """A note or coin of the counting form, with the pieces as typed."""

    minor: int
    typed: str


@needs(Permission.TAKE_PAYMENTS)
def open_desk_shift(request: OfficeRequest) -> HttpResponse:
    """Count the till and begin."""
    if find_open_shift(cashier_id=request.user.pk) is not None:
        return redirect("office:desk")
    problem = ""
    desks = list_desks(scope=request.scope)
    if request.method == "POST":
        desk_id = request.POST.get("desk", "")
        try:
            open_shift(
                desk_id=int(desk_id) if is_key(desk_id) else 0,
                count=_count(request),
                from_safe_minor=_amount(request, "from_safe"),
                reason=request.POST.get("reason", ""),
                now=now(),
                actor_id=request.user.pk,
                scope=request.scope,
            )
        except MainsError as error:
            problem = _said(error)
        else:
            return redirect("office:desk")
    context = {
        "desks": desks,
        "free": [one for one in desks if one.shift_id is None],
        "chosen": request.POST.get("desk", ""),
        "rows": _rows(request),
        "typed": request.POST,
        "problem": problem,
        "currency": currency_of_utility(),
        "crumbs": [Crumb(_("Cash desk"))],
    }
    return render(request, "office/desk/open.html", context)


@needs(Permission.TAKE_PAYMENTS, Permission.SUPERVISE_DESKS)
def close_desk_shift(request: OfficeRequest, shift_id: int) -> HttpResponse:
    """Count the till and end the shift."""
    shift = _shift(request, shift_id)
    if not shift.is_open:
        messages.info(request, _("This shift is closed."))
        return redirect("office:desk_shift", shift_id=shift_id)
    problem = ""
    if request.method == "POST":
        try:
            close_shift(
                shift_id=shift_id,
                count=_count(request),
                leaving=Leaving(
                    to_bank_minor=_amount(request, "to_bank"),
                    slip=request.POST.get("slip", ""),
                    to_safe_minor=_amount(request, "to_safe"),
                ),
                reason=request.POST.get("reason", ""),
                now=now(),
                actor_id=request.user.pk,
                supervised=request.rights.scope(Permission.SUPERVISE_DESKS),
            )
        except MainsError as error:
            problem = _said(error)
        else:
            messages.success(request, _("The shift is closed. Print its report and sign it."))
            return redirect("office:desk_shift", shift_id=shift_id)
    context = {
        "shift": shift,
        "waiting": count_waiting_voids(shift_id=shift_id),
        "rows": _rows(request),
        "typed": request.POST,
        "problem": problem,
        "currency": currency_of_utility(),
        "crumbs": [
            Crumb(_("Cash desk"), reverse("office:desk")),
            Crumb(_("Shift"), reverse("office:desk_shift", args=[shift_id])),
        ],
    }
    return render(request, "office/desk/close.html", context)


@needs(Permission.TAKE_PAYMENTS, Permission.SUPERVISE_DESKS)
def desk_shift(request: OfficeRequest, shift_id: int) -> HttpResponse:
    """A shift: what it took, what moved, its payments."""
    shift = _shift(request, shift_id)
    before = request.GET.get("before", "")
    payments = list_payments(
        shift_id=shift_id, before_id=int(before) if is_key(before) else None, limit=PAGE + 1
    )
    context = {
        "shift": shift,
        "sums": sum_shifts(shift_ids=[shift_id])[shift_id],
        "till_minor": till_minor(desk_id=shift.desk_id) if shift.is_open else shift.report.get("left_minor"),
        "payments": payments[:PAGE],
        "next_url": f"?before={payments[PAGE - 1].id}" if len(payments) > PAGE else "",
        "is_mine": shift.cashier_id == request.user.pk,
        "moves": [(kind.value, kind.label) for kind in _MOVES],
        "key": new_key(),
        "currency": currency_of_utility(),
        "crumbs": [Crumb(_("Cash desk"), reverse("office:desk"))],
    }
    return render(request, "office/desk/shift.html", context)


@require_POST
@needs(Permission.TAKE_PAYMENTS)
def move_desk_cash(request: OfficeRequest, shift_id: int) -> HttpResponse:
    """Bring cash from the safe, put it there, or hand it in to the bank, within a shift of one's own."""
    _shift(request, shift_id)
    kind = request.POST.get("kind", "")
    try:
        move_from_till(
            shift_id=shift_id,
            kind=MovementKind(kind) if kind in _MOVES else MovementKind.TO_SAFE,
            amount_minor=_amount(request, "amount"),
            slip=request.POST.get("slip", ""),
            key=request.POST.get("key", "")[:64],
            now=now(),
            actor_id=request.user.pk,
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("The cash is moved."))
    return redirect("office:desk_shift", shift_id=shift_id)


@needs(Permission.TAKE_PAYMENTS, Permission.SUPERVISE_DESKS)
def desk_shift_report(request: OfficeRequest, shift_id: int) -> HttpResponse:
    """The report of a closed shift as PDF."""
    shift = _shift(request, shift_id)
    if shift.is_open:
        raise Http404(_("The shift is open; its report is made when it is closed."))
    content = shift_report_pdf(
        report=shift.report, currency=currency_of_utility(), language=get_language() or "en"
    )
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="shift-{shift.code}-{shift.number}.pdf"'
    return response


@needs(Permission.SUPERVISE_DESKS)
def desks(request: OfficeRequest) -> HttpResponse:
    """What the supervisor sees: open shifts, wishes to take payments back, closed shifts, safes, cash on its way."""
    before = request.GET.get("before", "")
    open_shifts = list_shifts(scope=request.scope, is_open=True)
    closed = list_shifts(
        scope=request.scope, is_open=False, before_id=int(before) if is_key(before) else None, limit=PAGE + 1
    )
    sums = sum_shifts(shift_ids=[one.id for one in [*open_shifts, *closed]])
    context = {
        "open": [(one, sums[one.id], till_minor(desk_id=one.desk_id)) for one in open_shifts],
        "closed": [(one, sums[one.id]) for one in closed[:PAGE]],
        "voids": list_waiting_voids(scope=request.scope),
        "safes": [(one, new_key()) for one in list_safes(scope=request.scope)],
        "deposits": list_deposits_on_the_way(scope=request.scope),
        "next_url": f"?before={closed[PAGE - 1].id}" if len(closed) > PAGE else "",
        "currency": currency_of_utility(),
        "crumbs": [Crumb(_("Cash desks"))],
    }
    return render(request, "office/desk/desks.html", context)


@require_POST
@needs(Permission.SUPERVISE_DESKS)
def decide_desk_void(request: OfficeRequest, void_id: int) -> HttpResponse:
    """Agree to take a payment back, or refuse."""
    try:
        decide_void(
            void_id=void_id,
            agrees=request.POST.get("decision") == "agree",
            now=now(),
            actor_id=request.user.pk,
            supervised=request.scope,
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("Decided; the cashier sees it."))
    return redirect("office:desks")


@require_POST
@needs(Permission.SUPERVISE_DESKS)
def deposit_safe(request: OfficeRequest, unit_id: int) -> HttpResponse:
    """Hand cash of a unit's safe in to the bank."""
    if not request.scope.covers(unit_id):
        raise Http404(_("There is no such safe that you may see."))
    try:
        deposit_from_safe(
            organisation_id=unit_id,
            amount_minor=_amount(request, "amount"),
            key=request.POST.get("key", "")[:64],
            slip=request.POST.get("slip", ""),
            now=now(),
            actor_id=request.user.pk,
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("The cash is on its way; the bank's file will bring it."))
    return redirect("office:desks")


def _shift(request: OfficeRequest, shift_id: int) -> ShiftRecord:
    found = find_shift(
        shift_id=shift_id,
        actor_id=request.user.pk,
        supervised=request.rights.scope(Permission.SUPERVISE_DESKS),
    )
    if found is None:
        raise Http404(_("There is no such shift that you may see."))
    return found


def _count(request: OfficeRequest) -> Count:
    """The counted till; a field that holds no number counts as a wrong note, which the action refuses."""
    pieces, wrong = read_count(request.POST.dict(), denominations_of(currency_of_utility()))
    return Count(pieces=pieces | dict.fromkeys(wrong, -1))


def _rows(request: OfficeRequest) -> Sequence[CountRow]:
    return [
        CountRow(minor=minor, typed=request.POST.get(f"n-{minor}", ""))
        for minor in denominations_of(currency_of_utility())
    ]


def _amount(request: OfficeRequest, name: str) -> int:
    """An amount of the form; nothing where the field is empty. What is no amount is less than nothing, and refused."""
    text = request.POST.get(name, "").strip()
    amount = read_amount(text) if text else 0
    return -1 if amount is None else amount


def _said(error: MainsError) -> str:
    """The refusal, with the difference where a count found one."""
    text = error_text(error)
    difference = error.params.get("difference_minor")
    if not isinstance(difference, int):
        return text
    shown: dict[str, Any] = {
        "amount": money_text(abs(difference), currency=currency_of_utility(), language=get_language() or "en")
    }
    told = _("Over by %(amount)s.") % shown if difference > 0 else _("Short by %(amount)s.") % shown
    return f"{told} {text}"
