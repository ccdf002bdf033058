"""State and withdraw what is carried into a month by something else than a bill; what it changes is seen first."""

import hashlib
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.billing.actions.opening_previews import OpeningOrder, OpeningPreview, preview_opening_balance
from mains.billing.actions.openings import (
    UnableToRecordOpening,
    record_opening_balance,
    withdraw_opening_balance,
)
from mains.billing.queries.openings import list_openings
from mains.kernel.errors import MainsError
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.fact_forms import OpeningBalanceForm, micro_of
from mains.web.office.steps import sentences_by_month
from mains.web.office.views.account import Book, money_page, open_book, opening_form
from mains.web.office.views.recalculation import lines_by_month


@require_POST
@needs(Permission.RECORD_READINGS)
def add_opening_balance(request: OfficeRequest, number: str) -> HttpResponse:
    """Show what an opening balance would change; sent again from there, record it."""
    book = _open(request, number)
    form = opening_form(book, request.POST)
    if form is None:
        raise Http404(_("No tariff of this account carries a balance."))
    if form.is_valid():
        order = _order(book, form)
        if request.POST.get("mark") != _mark(order):
            return _preview(book, form, order)
        try:
            record_opening_balance(
                account_id=order.account.id,
                service_point_id=order.service_point_id,
                balance=order.balance,
                month=order.month,
                value_micro=order.value_micro,
                proof=order.proof,
                actor=request.user,
                now=now(),
            )
        except MainsError as error:
            form.refuse(error)
        else:
            messages.success(request, _("The opening balance is recorded."))
            return _next(book)
    return money_page(book, form=form)


def _order(book: Book, form: OpeningBalanceForm) -> OpeningOrder:
    point_id, balance = form.chosen()
    return OpeningOrder(
        account=book.account,
        service_point_id=point_id,
        balance=balance,
        month=form.cleaned_data["month"],
        value_micro=micro_of(form.cleaned_data["value"]),
        proof=form.cleaned_data["proof"],
    )


def _mark(order: OpeningOrder) -> str:
    """A short text that is another one for every other order: what is recorded is what was seen."""
    told = repr(
        (order.account.id, order.service_point_id, order.balance, order.month, order.value_micro, order.proof)
    )
    return hashlib.sha256(told.encode()).hexdigest()[:20]


def _preview(book: Book, form: OpeningBalanceForm, order: OpeningOrder) -> HttpResponse:
    """The page with what it would change, and the form again. Where that cannot be computed now, it says why: the
    balance may be recorded all the same."""
    shown: dict[str, Any] = {"order": order, "mark": _mark(order)}
    try:
        shown |= _shown(preview_opening_balance(order=order, now=now()))
    except UnableToRecordOpening as error:
        form.refuse(error)
        return money_page(book, form=form)
    except MainsError as error:
        shown["problem"] = error_text(error)
    return money_page(book, form=form, opening_preview=shown)


def _shown(found: OpeningPreview) -> dict[str, Any]:
    if found.corrections is None:
        return {"bill": found.bill}
    causes = sentences_by_month(found.corrections.causes, language=get_language() or "en")
    return {
        "months": lines_by_month(found.corrections.lines, causes),
        "total_minor": found.corrections.amount_minor,
        "is_correction": True,
    }


@require_POST
@needs(Permission.RECORD_READINGS)
def drop_opening_balance(request: OfficeRequest, number: str, fact_id: int) -> HttpResponse:
    """Withdraw an opening balance of the account."""
    book = _open(request, number)
    known = {opening.id for opening in list_openings(account_id=book.account.id, scope=request.scope)}
    if fact_id not in known:
        messages.error(request, _("There is no such record that you may see."))
        return redirect("office:account_money", number=number)
    try:
        withdraw_opening_balance(
            opening_id=fact_id, reason=request.POST.get("reason", ""), actor=request.user, now=now()
        )
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect("office:account_money", number=number)
    messages.success(request, _("It is withdrawn. The next recalculation takes it back."))
    return _next(book)


def _open(request: OfficeRequest, number: str) -> Book:
    """The book, for whoever records facts and sees money there."""
    book = open_book(request, number)
    if not book.may_see_money:
        raise Http404(_("There is no account %(number)s that you may see.") % {"number": number})
    return book


def _next(book: Book) -> HttpResponse:
    """What it changes in billed months, for those who may post it; else the bills and payments."""
    shows_change = book.bills and book.may_recalculate
    return redirect(
        "office:recalculation" if shows_change else "office:account_money", number=book.account.number
    )
