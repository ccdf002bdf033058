"""Record and withdraw what readings do not tell: errors of meters, acts of unmetered use, absences, conditions of
supply."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.formats import date_text
from mains.base.wording import error_text
from mains.billing.actions.conditions import tell_condition
from mains.kernel.errors import MainsError
from mains.metering.actions.findings import (
    record_meter_error,
    record_unmetered_use,
    withdraw_meter_error,
    withdraw_unmetered_use,
)
from mains.network.actions.absences import record_absence, withdraw_absence
from mains.network.queries.absences import list_absences
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.conditions import told_by_conditions
from mains.web.office.fact_forms import (
    AbsenceForm,
    ConditionForm,
    MeterErrorForm,
    UnmeteredUseForm,
    day_after,
    hundredths_of,
    micro_of,
)
from mains.web.office.views.account import Book, meters_page, open_book, premise_page


@require_POST
@needs(Permission.RECORD_READINGS)
def add_meter_error(request: OfficeRequest, number: str) -> HttpResponse:
    """Record that a register counted wrongly."""
    book = open_book(request, number)
    form = MeterErrorForm(request.POST, meters=book.meters)
    if form.is_valid():
        told = form.cleaned_data
        try:
            record_meter_error(
                register_id=told["register"],
                percent_hundredths=hundredths_of(told["percent"]),
                valid_from=told["first_day"],
                valid_to=day_after(told["last_day"]),
                proof=told["proof"],
                actor=request.user,
                now=now(),
            )
        except MainsError as error:
            form.refuse(error)
        else:
            messages.success(
                request, _("The error is recorded. The next recalculation corrects the use of these days.")
            )
            return redirect("office:account_meters", number=number)
    return meters_page(book, error_form=form)


@require_POST
@needs(Permission.RECORD_READINGS)
def add_unmetered_use(request: OfficeRequest, number: str) -> HttpResponse:
    """Record use that no meter counted, by an act."""
    book = open_book(request, number)
    form = UnmeteredUseForm(request.POST, points=book.points, meters=book.meters)
    if form.is_valid():
        told = form.cleaned_data
        point_id, zone = (int(part) for part in told["place"].split(":"))
        end = day_after(told["last_day"])
        assert end is not None
        try:
            record_unmetered_use(
                service_point_id=point_id,
                zone=zone,
                amount_micro=micro_of(told["quantity"]),
                reason=told["reason"],
                valid_from=told["first_day"],
                valid_to=end,
                proof=told["proof"],
                actor=request.user,
                now=now(),
            )
        except MainsError as error:
            form.refuse(error)
        else:
            messages.success(request, _("The act is recorded. The next recalculation adds its use."))
            return redirect("office:account_meters", number=number)
    return meters_page(book, act_form=form)


@require_POST
@needs(Permission.RECORD_READINGS)
def add_absence(request: OfficeRequest, number: str) -> HttpResponse:
    """Record that residents were away, and say which days count."""
    book = open_book(request, number)
    if book.current is None:
        raise Http404(_("There is no account %(number)s that you may see.") % {"number": number})
    form = AbsenceForm(request.POST)
    if form.is_valid():
        try:
            absence = record_absence(
                premise_id=book.current.premise_id, actor=request.user, now=now(), **form.cleaned_data
            )
        except MainsError as error:
            form.refuse(error)
        else:
            first, end = absence.valid.lower, absence.valid.upper
            days = (end - first).days
            language = get_language() or "en"
            counted = ngettext(
                "The absence is recorded: %(days)s full day counts, %(first)s – %(last)s.",
                "The absence is recorded: %(days)s full days count, %(first)s – %(last)s.",
                days,
            )
            shown = {
                "days": days,
                "first": date_text(first, language=language),
                "last": date_text(end - timedelta(days=1), language=language),
            }
            messages.success(request, counted % shown)
            return redirect("office:account_premise", number=number)
    return premise_page(book, form=form)


@require_POST
@needs(Permission.RECORD_READINGS)
def add_condition(request: OfficeRequest, number: str) -> HttpResponse:
    """Record what tariffs read of a service point over some days."""
    book = open_book(request, number)
    form = ConditionForm(request.POST, told=told_by_conditions(book.points, today=request.today))
    if form.is_valid():
        told = form.cleaned_data
        point_id, name = told["what"].split(":")
        try:
            tell_condition(
                service_point_id=int(point_id),
                name=name,
                text=told["value"],
                valid_from=told["first_day"],
                valid_to=day_after(told["last_day"]),
                proof=told["proof"],
                actor=request.user,
                now=now(),
            )
        except MainsError as error:
            form.refuse(error)
        else:
            messages.success(
                request, _("The condition is recorded. The next recalculation corrects what is billed.")
            )
            return redirect("office:account_premise", number=number)
    return premise_page(book, condition_form=form)


@require_POST
@needs(Permission.RECORD_READINGS)
def drop_meter_error(request: OfficeRequest, number: str, fact_id: int) -> HttpResponse:
    """Withdraw a found error."""
    book = open_book(request, number)
    known = {finding.id for finding in book.findings if finding.is_error}
    _withdraw(book, fact_id, known, lambda **told: withdraw_meter_error(error_id=fact_id, **told))
    return redirect("office:account_meters", number=number)


@require_POST
@needs(Permission.RECORD_READINGS)
def drop_unmetered_use(request: OfficeRequest, number: str, fact_id: int) -> HttpResponse:
    """Withdraw an act."""
    book = open_book(request, number)
    known = {finding.id for finding in book.findings if not finding.is_error}
    _withdraw(book, fact_id, known, lambda **told: withdraw_unmetered_use(act_id=fact_id, **told))
    return redirect("office:account_meters", number=number)


@require_POST
@needs(Permission.RECORD_READINGS)
def drop_absence(request: OfficeRequest, number: str, fact_id: int) -> HttpResponse:
    """Withdraw an absence."""
    book = open_book(request, number)
    premise = book.current.premise_id if book.current else 0
    known = {absence.id for absence in list_absences(premise_id=premise)}
    _withdraw(book, fact_id, known, lambda **told: withdraw_absence(absence_id=fact_id, **told))
    return redirect("office:account_premise", number=number)


def _withdraw(book: Book, fact_id: int, known: set[int], withdraw: Callable[..., Any]) -> None:
    """Withdraw a fact of the book with the reason sent; what was refused is shown as a message."""
    request = book.request
    if fact_id not in known:
        messages.error(request, _("There is no such record that you may see."))
        return
    try:
        withdraw(reason=request.POST.get("reason", ""), actor=request.user, now=now())
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("It is withdrawn. The next recalculation takes it back."))
