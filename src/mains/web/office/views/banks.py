"""Statements of banks: checked whole, shown with what becomes of their lines, accepted; the balance with banks."""

from datetime import date

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.debt.actions.refunds import book_refund_line
from mains.integrations.payment_orders.status_reports import take_status_report
from mains.kernel.errors import MainsError
from mains.ledger.values import Control
from mains.payments.actions.bank_acceptance import accept_bank_file
from mains.payments.actions.bank_booking import BOOKABLE, book_bank_line
from mains.payments.actions.bank_returns import explain_by_reversal
from mains.payments.queries.bank_balance import list_bank_balances
from mains.payments.queries.bank_files import (
    find_bank_file,
    list_bank_files,
    list_bank_lines,
    list_statements,
    may_see_banks,
    sum_states,
)
from mains.payments.queries.status_reports import list_status_reports
from mains.payments.values import LineState, place_of
from mains.payments.values.states import TAKEN_BACK
from mains.reporting.actions.ageing import rebuild_ageing
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.parts import Crumb

PAGE = 100
REPORT_BYTES_MAX = 20_000_000


@needs(Permission.IMPORT_PAYMENTS)
def bank_files(request: OfficeRequest) -> HttpResponse:
    """Bank files, latest first."""
    before = request.GET.get("before", "")
    found = list_bank_files(
        scope=request.scope, before_id=int(before) if is_key(before) else None, limit=PAGE + 1
    )
    context = {
        "files": found[:PAGE],
        "sees_all": may_see_banks(request.scope),
        "reports": list_status_reports() if may_see_banks(request.scope) else [],
        "next_url": f"?before={found[PAGE - 1].id}" if len(found) > PAGE else "",
        "crumbs": [Crumb(_("Payments"), reverse("office:registers")), Crumb(_("Statements of banks"))],
    }
    return render(request, "office/bank_files.html", context)


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def status_report(request: OfficeRequest) -> HttpResponse:
    """Take in what a bank answered to our orders (pain.002)."""
    if not may_see_banks(request.scope):
        raise Http404(_("Statements are for people of the whole utility"))
    file = request.FILES.get("file")
    if file is None or file.size is None or file.size > REPORT_BYTES_MAX:
        messages.error(request, _("Choose the report of the bank, of 20 MB at most."))
        return redirect("office:bank_files")
    try:
        taken = take_status_report(
            content=file.read(), file_name=file.name or "", now=now(), actor_id=request.user.pk
        )
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect("office:bank_files")
    said = _(
        "Accepted: %(accepted)s. Refused: %(rejected)s. Undecided: %(pending)s. Not ours: %(unknown)s."
    ) % {
        "accepted": taken.accepted,
        "rejected": taken.rejected,
        "pending": taken.pending,
        "unknown": len(taken.unknown),
    }
    if taken.was_known:
        said = f"{_('This report was taken in before; nothing was changed.')} {said}"
    (messages.warning if taken.rejected or taken.unknown else messages.success)(request, said)
    return redirect("office:bank_files")


@needs(Permission.IMPORT_PAYMENTS)
def bank_file(request: OfficeRequest, file_id: int) -> HttpResponse:
    """A bank file with its statements and its lines, or with its faults."""
    found = find_bank_file(file_id=file_id, scope=request.scope)
    if found is None:
        raise Http404(_("There is no such bank file."))
    after, state = request.GET.get("after", ""), request.GET.get("state", "")
    state = state if state in LineState else ""
    lines = list_bank_lines(
        file_id=file_id,
        scope=request.scope,
        state=state,
        after_id=int(after) if is_key(after) else 0,
        limit=PAGE + 1,
    )
    kept = f"&state={state}" if state else ""
    context = {
        "file": found,
        "faults": [(fault, place_of(fault, file_name=found.file_name)) for fault in found.faults],
        "statements": list_statements(file_id=file_id, scope=request.scope),
        "states": sum_states(file_id=file_id),
        "state": state,
        "lines": lines[:PAGE],
        "next_url": f"?after={lines[PAGE - 1].id}{kept}" if len(lines) > PAGE else "",
        "crumbs": [
            Crumb(_("Payments"), reverse("office:registers")),
            Crumb(_("Statements of banks"), reverse("office:bank_files")),
            Crumb(found.file_name),
        ],
    }
    return render(request, "office/bank_file.html", context)


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def accept(request: OfficeRequest, file_id: int) -> HttpResponse:
    """Accept a checked bank file; people of one branch do not see any."""
    if find_bank_file(file_id=file_id, scope=request.scope) is None:
        raise Http404(_("There is no such bank file."))
    try:
        accepted = accept_bank_file(file_id=file_id, now=now(), actor_id=request.user.pk)
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        rebuild_ageing(on_date=request.today, now=now())
        messages.success(
            request,
            _("Accepted: %(count)s payments, %(unknown)s of them to suspense.")
            % {"count": accepted.receipt_count, "unknown": accepted.suspense_count},
        )
    return redirect("office:bank_file", file_id=file_id)


@needs(Permission.IMPORT_PAYMENTS)
def bank_balance(request: OfficeRequest) -> HttpResponse:
    """At the end of a day: what each bank says, what the ledger says, and what makes the difference."""
    on_date = read_date(request.GET.get("on", "")) or request.today
    context = {
        "on_date": on_date,
        "balances": list_bank_balances(scope=request.scope, on_date=on_date),
        "sees_all": may_see_banks(request.scope),
        "bookable": [
            *((control.value, control.label) for control in (*BOOKABLE, Control.REFUNDS)),
            (TAKEN_BACK, _("A receipt that was taken back")),
        ],
        "currency": currency_of_utility(),
        "crumbs": [Crumb(_("Payments"), reverse("office:registers")), Crumb(_("Balance with banks"))],
    }
    return render(request, "office/bank_balance.html", context)


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def book_line(request: OfficeRequest, transaction_id: int) -> HttpResponse:
    """Say what a waiting line of a statement is."""
    if not may_see_banks(request.scope):
        raise Http404(_("There is no such line."))
    try:
        _book(request, transaction_id)
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        booked = Control(request.POST["control"]).label
        messages.success(request, _("The line is booked: %(control)s.") % {"control": booked})
    back = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return redirect(back if is_ours and back.startswith("/") else reverse("office:bank_balance"))


def _book(request: OfficeRequest, transaction_id: int) -> None:
    """Book the line; as a refund only where an order of its amount waits."""
    control = request.POST.get("control", "")
    if control == TAKEN_BACK:
        explain_by_reversal(transaction_id=transaction_id, now=now(), actor_id=request.user.pk)
        return
    if control == Control.REFUNDS:
        book_refund_line(transaction_id=transaction_id, now=now(), actor_id=request.user.pk)
        return
    book_bank_line(
        transaction_id=transaction_id,
        control=control,
        note=request.POST.get("note", ""),
        now=now(),
        actor_id=request.user.pk,
    )


def is_key(text: str) -> bool:
    """Whether a text of the address is an id."""
    return text.isascii() and text.isdecimal() and len(text) < 18


def read_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
