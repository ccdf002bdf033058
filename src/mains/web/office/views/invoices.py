"""Invoices above the bills: groups that are invoiced together, and every invoice with its parts, payments and files."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.integrations.einvoice.queries.invoice_documents import make_invoice_document
from mains.integrations.einvoice.queries.profiles import get_profile, write_document
from mains.invoicing.actions.advance_vat import state_advance_vat
from mains.invoicing.actions.advances import cancel_advance
from mains.invoicing.actions.collective import issue_collective, preview_collective
from mains.invoicing.actions.groups import add_member, create_group, remove_member
from mains.invoicing.actions.intervals import state_class_interval
from mains.invoicing.queries.advance_vat import list_advance_vat
from mains.invoicing.queries.groups import GroupRecord, find_group, list_groups, list_members
from mains.invoicing.queries.intervals import list_class_intervals, list_waiting_spans, open_month
from mains.invoicing.queries.invoices import (
    InvoiceRecord,
    find_invoice,
    get_invoice,
    list_invoices,
    list_parts,
    list_payments,
    standing_of,
)
from mains.invoicing.values import InvoiceKind
from mains.kernel.errors import MainsError
from mains.kernel.invoice_numbers import parse_invoice_number
from mains.reporting.queries.invoice_paper import bills_of_invoice_pdf, invoice_csv, invoice_pdf, invoice_xlsx
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs, sees
from mains.web.office.clock import now
from mains.web.office.invoice_forms import (
    AdvanceVatForm,
    ClassIntervalForm,
    GroupForm,
    IssueForm,
    MemberForm,
    account_of,
)
from mains.web.office.parts import Crumb

PAGE = 100
_TYPES = {
    "pdf": "application/pdf",
    "bills": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
}


@needs(Permission.SEE_MONEY)
def invoices(request: OfficeRequest) -> HttpResponse:
    """Groups and invoices, latest first."""
    return _invoices_page(request, GroupForm(scope=request.scope))


def _invoices_page(
    request: OfficeRequest,
    form: GroupForm,
    *,
    interval_form: ClassIntervalForm | None = None,
    vat_form: AdvanceVatForm | None = None,
) -> HttpResponse:
    kind = request.GET.get("kind", "")
    before = request.GET.get("before", "")
    found = list_invoices(
        scope=request.scope,
        kind=kind if kind in InvoiceKind.values else "",
        before_id=int(before) if before.isdecimal() and len(before) < 18 else None,
        limit=PAGE + 1,
    )
    context = {
        "groups": list_groups(scope=request.scope),
        "invoices": found[:PAGE],
        "kinds": InvoiceKind.choices,
        "kind": kind,
        "form": form,
        "waiting": list_waiting_spans(scope=request.scope),
        "intervals": list_class_intervals(),
        "interval_form": interval_form
        or ClassIntervalForm(initial={"valid_from": open_month(today=request.today), "months": 3}),
        "advance_vat": list_advance_vat(),
        "vat_form": vat_form or AdvanceVatForm(initial={"valid_from": request.today}),
        "may_bill_all": _bills_everywhere(request),
        "may_bill": Permission.RUN_BILLING in request.rights.permissions,
        "currency": currency_of_utility(),
        "next_url": f"?kind={kind}&before={found[PAGE - 1].id}" if len(found) > PAGE else "",
    }
    return render(request, "office/invoices.html", context)


@require_POST
@needs(Permission.RUN_BILLING)
def add_group(request: OfficeRequest) -> HttpResponse:
    """Begin a group."""
    form = GroupForm(request.POST, scope=request.scope)
    if form.is_valid():
        try:
            made = create_group(
                code=form.cleaned_data["code"],
                name=form.cleaned_data["name"],
                payer=account_of(form, "payer"),
                actor=request.user,
                now=now(),
            )
        except MainsError as error:
            form.add_error(_field(form, error), error_text(error))
        else:
            return redirect("office:invoice_group", code=made.code)
    return _invoices_page(request, form)


@require_POST
@needs(Permission.RUN_BILLING)
def state_interval(request: OfficeRequest) -> HttpResponse:
    """Say how many months one invoice covers of the accounts of a class, in the whole utility."""
    if not _bills_everywhere(request):
        raise PermissionDenied
    form = ClassIntervalForm(request.POST)
    if form.is_valid():
        try:
            state_class_interval(**form.cleaned_data, actor=request.user, now=now())
        except MainsError as error:
            form.add_error(_field(form, error), error_text(error))
        else:
            return redirect("office:invoices")
    return _invoices_page(request, GroupForm(scope=request.scope), interval_form=form)


@require_POST
@needs(Permission.RUN_BILLING)
def state_vat(request: OfficeRequest) -> HttpResponse:
    """State the VAT that falls due with advances for a supplier's service, in the whole utility."""
    if not _bills_everywhere(request):
        raise PermissionDenied
    form = AdvanceVatForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            state_advance_vat(
                provider_id=int(data["provider"]),
                service=data["service"],
                rate_ppm=int(Decimal(data["percent"]).scaleb(4)),
                valid_from=data["valid_from"],
                actor=request.user,
                now=now(),
                proof=data["proof"],
            )
        except MainsError as error:
            form.add_error(_field(form, error), error_text(error))
        else:
            return redirect("office:invoices")
    return _invoices_page(request, GroupForm(scope=request.scope), vat_form=form)


def _bills_everywhere(request: OfficeRequest) -> bool:
    return Permission.RUN_BILLING in request.rights.permissions and request.scope.organisation_ids is None


@needs(Permission.SEE_MONEY)
def invoice_group(request: OfficeRequest, code: str) -> HttpResponse:
    """A group: its accounts, what the next invoice would have, and its invoices."""
    group = _group(request, code)
    return _group_page(request, group)


def _group_page(
    request: OfficeRequest,
    group: GroupRecord,
    *,
    member_form: MemberForm | None = None,
    issue_form: IssueForm | None = None,
) -> HttpResponse:
    month = (request.today.replace(day=1)).isoformat()[:7]
    waiting = preview_collective(group=group, month=request.today.replace(day=1))
    context = {
        "group": group,
        "members": list_members(group_id=group.id),
        "invoices": list_invoices(scope=request.scope, group_id=group.id),
        "waiting_bills": waiting["bill_id"].n_unique(),
        "waiting_minor": int(waiting["amount_minor"].sum()),
        "member_form": member_form or MemberForm(scope=request.scope, initial={"valid_from": request.today}),
        "issue_form": issue_form or IssueForm(initial={"month": month}),
        "may_bill": request.rights.may(Permission.RUN_BILLING, group.organisation_id),
        "currency": currency_of_utility(),
        "crumbs": [Crumb(_("Invoices"), reverse("office:invoices")), Crumb(group.code)],
    }
    return render(request, "office/invoice_group.html", context)


@require_POST
@needs(Permission.RUN_BILLING)
def change_member(request: OfficeRequest, code: str) -> HttpResponse:
    """Let an account join the group, or leave it."""
    group = _group(request, code)
    form = MemberForm(request.POST, scope=request.scope)
    if not form.is_valid():
        return _group_page(request, group, member_form=form)
    account, day = account_of(form, "account"), form.cleaned_data["valid_from"]
    try:
        if request.POST.get("leaves"):
            remove_member(account=account, valid_from=day, now=now())
        else:
            add_member(
                group=group,
                account=account,
                valid_from=day,
                actor=request.user,
                now=now(),
                proof=form.cleaned_data["proof"],
            )
    except MainsError as error:
        form.add_error(_field(form, error), error_text(error))
        return _group_page(request, group, member_form=form)
    return redirect("office:invoice_group", code=group.code)


@require_POST
@needs(Permission.RUN_BILLING)
def issue_invoice(request: OfficeRequest, code: str) -> HttpResponse:
    """Issue the group's invoice of a month and open it."""
    group = _group(request, code)
    form = IssueForm(request.POST)
    if form.is_valid():
        try:
            made = issue_collective(
                group=group,
                month=form.cleaned_data["month"],
                issued_on=request.today,
                due_on=form.cleaned_data["due_on"],
                actor=request.user,
                now=now(),
            )
        except MainsError as error:
            form.add_error(_field(form, error), error_text(error))
        else:
            messages.success(request, _("The invoice is issued."))
            return redirect("office:invoice", number=get_invoice(invoice_id=made).number)
    return _group_page(request, group, issue_form=form)


@needs(Permission.SEE_MONEY)
def invoice(request: OfficeRequest, number: str) -> HttpResponse:
    """An invoice: what it asks for of whom, what came in, and what is open."""
    found = _invoice(request, number)
    context = {
        "invoice": found,
        "parts": list_parts(invoice_id=found.id),
        "payments": list_payments(invoice_id=found.id),
        "standing": standing_of(invoice=found),
        "may_bill": request.rights.may(Permission.RUN_BILLING, found.organisation_id),
        "currency": currency_of_utility(),
        "crumbs": [Crumb(_("Invoices"), reverse("office:invoices")), Crumb(found.number)],
    }
    return render(request, "office/invoice.html", context)


@needs(Permission.SEE_MONEY)
def invoice_file(request: OfficeRequest, number: str, form: str) -> HttpResponse:
    """The invoice as pdf, csv, xlsx or xml (e-invoice, Peppol), or `bills`: the bills that it names."""
    sees(request, Permission.SEE_NAMES)
    found = _invoice(request, number)
    if form not in _TYPES or (form == "bills" and found.is_advance):
        raise Http404(_("There is no such file."))
    try:
        content = _content(found, form)
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect("office:invoice", number=found.number)
    name = f"{found.number}-bills.pdf" if form == "bills" else f"{found.number}.{form}"
    response = HttpResponse(content, content_type=_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
@needs(Permission.RUN_BILLING)
def cancel_invoice(request: OfficeRequest, number: str) -> HttpResponse:
    """Ask no more for an advance that nobody has paid."""
    found = _invoice(request, number)
    try:
        cancel_advance(
            invoice_id=found.id, reason=request.POST.get("reason", ""), actor=request.user, now=now()
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("The invoice is cancelled."))
    return redirect("office:invoice", number=found.number)


def _content(found: InvoiceRecord, form: str) -> bytes:
    if form == "pdf":
        return invoice_pdf(invoice=found)
    if form == "bills":
        return bills_of_invoice_pdf(invoice=found)
    if form == "csv":
        return invoice_csv(invoice=found)
    if form == "xlsx":
        return invoice_xlsx(invoice=found)
    return write_document(make_invoice_document(invoice=found), profile=get_profile("peppol"))


def _group(request: OfficeRequest, code: str) -> GroupRecord:
    found = find_group(code=code, scope=request.scope)
    if found is None:
        raise Http404(_("There is no such group."))
    return found


def _invoice(request: OfficeRequest, number: str) -> InvoiceRecord:
    read = parse_invoice_number(number)
    found = find_invoice(invoice_id=read[1], scope=request.scope) if read else None
    if found is None or read is None or found.kind != read[0]:
        raise Http404(_("There is no such invoice."))
    return found


def _field(form: forms.Form, error: MainsError) -> str | None:
    named: Any = error.params.get("field")
    return named if isinstance(named, str) and named in form.fields else None
