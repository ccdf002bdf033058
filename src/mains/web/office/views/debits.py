"""Direct debits: the mandates of an account, collections with what banks made of them, and who collects."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from mains.base.masking import NAMES, is_masked
from mains.base.wording import error_text
from mains.directdebit.actions.collections import propose_collection
from mains.directdebit.actions.mandates import record_mandate, resume_mandate, revoke_mandate
from mains.directdebit.queries.collections import find_collection, list_collections, list_items
from mains.directdebit.queries.dues import list_dues
from mains.directdebit.queries.mandates import list_creditors, list_mandates
from mains.directdebit.values import MandateState, MandateUse, Scheme
from mains.integrations.payment_orders.collections import order_collection
from mains.kernel.errors import MainsError
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.acting import act_and_return, check_whole
from mains.web.office.clock import now
from mains.web.office.fact_forms import DayField, FactForm
from mains.web.office.parts import Crumb
from mains.web.office.views.account import Book, book_page, open_book

_PAGE = 100


class MandateForm(FactForm):
    """What stands on the signed form."""

    name = "mandate"
    field_order = (
        "identifier",
        "signed_on",
        "debtor_name",
        "iban",
        "bic",
        "scheme",
        "use",
        "valid_from",
        "creditor",
        "proof",
    )
    identifier = forms.CharField(label=gettext_lazy("Mandate reference"), max_length=35)
    signed_on = DayField(label=gettext_lazy("Signed on"))
    debtor_name = forms.CharField(label=gettext_lazy("Account holder"), max_length=70)
    iban = forms.CharField(label=gettext_lazy("IBAN"), max_length=42)
    bic = forms.CharField(label=gettext_lazy("BIC"), max_length=11, required=False)
    scheme = forms.ChoiceField(label=gettext_lazy("Scheme"), choices=Scheme.choices)
    use = forms.ChoiceField(label=gettext_lazy("Use"), choices=MandateUse.choices)
    valid_from = DayField(
        label=gettext_lazy("Valid from"),
        required=False,
        help_text=gettext_lazy("Empty: the day of the signature. Later when the customer changed banks."),
    )
    creditor = forms.TypedChoiceField(label=gettext_lazy("Creditor"), coerce=int)


class CollectForm(forms.Form):
    """When and for whom to collect."""

    day = DayField(label=gettext_lazy("Collect on"))
    creditor = forms.TypedChoiceField(label=gettext_lazy("Creditor"), coerce=int)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)


@needs(Permission.SEE_MONEY)
def account_mandates(request: OfficeRequest, number: str) -> HttpResponse:
    """The mandates of an account with their states, and a form for another one."""
    return _mandates(open_book(request, number))


@require_POST
@needs(Permission.PROPOSE_MONEY)
def add_mandate(request: OfficeRequest, number: str) -> HttpResponse:
    """Record a mandate."""
    book = _open(request, number)
    form = _mandate_form(request, request.POST)
    if form.is_valid():
        told = form.cleaned_data
        try:
            record_mandate(
                account_id=book.account.id,
                identifier=told["identifier"],
                signed_on=told["signed_on"],
                debtor_name=told["debtor_name"],
                iban=told["iban"],
                bic=told["bic"],
                scheme=Scheme(told["scheme"]),
                use=MandateUse(told["use"]),
                creditor_number=told["creditor"],
                valid_from=told["valid_from"],
                proof=told["proof"],
                actor=request.user,
                now=now(),
            )
        except MainsError as error:
            form.refuse(error)
        else:
            messages.success(request, _("The mandate is recorded."))
            return redirect("office:account_mandates", number=number)
    return _mandates(book, form)


@require_POST
@needs(Permission.PROPOSE_MONEY)
def drop_mandate(request: OfficeRequest, number: str) -> HttpResponse:
    """Revoke the mandate of an account from today on."""
    book = _open(request, number)
    return act_and_return(
        request,
        lambda: revoke_mandate(account_id=book.account.id, revoked_on=request.today, now=now()),
        done=_("The mandate is revoked. Nothing more is collected by it."),
        page=reverse("office:account_mandates", args=[number]),
    )


@require_POST
@needs(Permission.PROPOSE_MONEY)
def resume(request: OfficeRequest, number: str, mandate_id: int) -> HttpResponse:
    """Let a suspended mandate of the account collect again."""
    book = _open(request, number)
    if mandate_id not in {one.id for one in list_mandates(account_id=book.account.id)}:
        messages.error(request, _("There is no such mandate that you may see."))
        return redirect("office:account_mandates", number=number)
    return act_and_return(
        request,
        lambda: resume_mandate(
            mandate_id=mandate_id, reason=request.POST.get("reason", ""), now=now(), actor_id=request.user.pk
        ),
        done=_("The mandate is active again."),
        page=reverse("office:account_mandates", args=[number]),
    )


@needs(Permission.PROPOSE_MONEY, Permission.APPROVE_MONEY)
def collections(request: OfficeRequest) -> HttpResponse:
    """Collections, latest first, and a form that proposes the next."""
    return _collections(request)


@require_POST
@needs(Permission.PROPOSE_MONEY)
def propose(request: OfficeRequest) -> HttpResponse:
    """Propose to collect what is due on a day."""
    check_whole(request)
    form = _collect_form(request, request.POST)
    if form.is_valid():
        told = form.cleaned_data
        try:
            made = propose_collection(
                collect_on=told["day"],
                creditor_number=told["creditor"],
                reason=told["reason"],
                now=now(),
                actor_id=request.user.pk,
                scope=request.rights.scope(Permission.PROPOSE_MONEY),
            )
        except MainsError as error:
            form.add_error("day", error_text(error))
        else:
            messages.success(request, _("Proposed. A colleague who may approve it decides."))
            return redirect("office:debit_collection", collection_id=made.pk)
    return _collections(request, form)


@needs(Permission.PROPOSE_MONEY, Permission.APPROVE_MONEY)
def collection(request: OfficeRequest, collection_id: int) -> HttpResponse:
    """One collection with its direct debits."""
    found = find_collection(collection_id=collection_id, scope=request.scope)
    if found is None:
        raise Http404(_("There is no such collection that you may see."))
    after = request.GET.get("after", "")
    after_id = int(after) if after.isascii() and after.isdecimal() and len(after) < 18 else 0
    items = list_items(collection_id=collection_id, after_id=after_id, limit=_PAGE + 1)
    address = reverse("office:debit_collection", args=[collection_id])
    context = {
        "collection": found,
        "items": items[:_PAGE],
        "next_url": f"{address}?after={items[_PAGE - 1].id}" if len(items) > _PAGE else "",
        "may_approve": Permission.APPROVE_MONEY in request.rights.permissions,
        "currency": currency_of_utility(),
        "crumbs": [Crumb(_("Direct debits"), reverse("office:debit_collections")), Crumb(str(collection_id))],
    }
    return render(request, "office/debit_collection.html", context)


@require_POST
@needs(Permission.APPROVE_MONEY)
def collection_file(request: OfficeRequest, collection_id: int) -> HttpResponse:
    """The file for the bank; written at the first time."""
    check_whole(request)
    try:
        name, content = order_collection(
            collection_id=collection_id, now=now(), actor_id=request.user.pk, scope=request.scope
        )
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect("office:debit_collections")
    headers = {"Content-Disposition": f'attachment; filename="{name}.xml"'}
    return HttpResponse(content, content_type="application/xml", headers=headers)


def _mandates(book: Book, form: MandateForm | None = None) -> HttpResponse:
    if not book.may_see_money:
        raise PermissionDenied("This page needs the permission see_money.")
    today = book.request.today
    mandates = list_mandates(account_id=book.account.id)
    may_record = book.request.rights.may(Permission.PROPOSE_MONEY, book.account.organisation_id)
    creditors = list_creditors(day=today)
    if may_record and creditors and form is None:
        form = _mandate_form(
            book.request, None, holder="" if is_masked(NAMES) else book.account.customer_name
        )
    return book_page(
        book,
        "office/account/mandates.html",
        "account_mandates",
        mandates=[(one, one.state_on(today)) for one in mandates],
        holds=any(one.state_on(today) in (MandateState.ACTIVE, MandateState.SUSPENDED) for one in mandates),
        form=form if may_record else None,
        may_record=may_record,
        creditors=creditors,
    )


def _mandate_form(request: OfficeRequest, data: Mapping[str, Any] | None, *, holder: str = "") -> MandateForm:
    form = MandateForm(data, initial={"debtor_name": holder})
    field = form.fields["creditor"]
    assert isinstance(field, forms.TypedChoiceField)
    field.choices = [
        (one.number, f"{one.name}, {one.creditor_id}") for one in list_creditors(day=request.today)
    ]
    return form


def _collections(request: OfficeRequest, form: CollectForm | None = None) -> HttpResponse:
    is_whole = request.scope.organisation_ids is None
    may_propose = is_whole and Permission.PROPOSE_MONEY in request.rights.permissions
    creditors = list_creditors(day=request.today)
    if form is None and may_propose and creditors:
        form = _collect_form(request, None)
    dues = (
        [
            one
            for creditor in creditors
            for one in list_dues(creditor_number=creditor.number, collect_on=request.today)
        ]
        if may_propose
        else []
    )
    context = {
        "collections": list_collections(scope=request.scope),
        "creditors": creditors,
        "form": form if may_propose else None,
        "due_count": len(dues),
        "due_minor": sum(one.amount_minor for one in dues),
        "is_whole": is_whole,
        "currency": currency_of_utility(),
        "crumbs": [Crumb(_("Payments"), reverse("office:registers")), Crumb(_("Direct debits"))],
    }
    return render(request, "office/debit_collections.html", context)


def _collect_form(request: OfficeRequest, data: Mapping[str, Any] | None) -> CollectForm:
    creditors = list_creditors(day=request.today)
    days = max((one.notice_days for one in creditors), default=14)
    form = CollectForm(data, initial={"day": request.today + timedelta(days=days)})
    field = form.fields["creditor"]
    assert isinstance(field, forms.TypedChoiceField)
    field.choices = [(one.number, f"{one.name}, {one.creditor_id}") for one in creditors]
    return form


def _open(request: OfficeRequest, number: str) -> Book:
    """The book, for whoever records mandates and sees money there."""
    book = open_book(request, number)
    may = book.request.rights.may(Permission.PROPOSE_MONEY, book.account.organisation_id)
    if not (book.may_see_money and may):
        raise Http404(_("There is no account %(number)s that you may see.") % {"number": number})
    return book
