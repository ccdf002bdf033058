"""An account's debts and credits: what is open, the interest on it, limitation, and what may be proposed about it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.customers.queries.records import find_account
from mains.debt.actions.acknowledgements import record_acknowledgement, withdraw_acknowledgement
from mains.debt.actions.movements import (
    Payee,
    propose_refund,
    propose_transfer,
    propose_write_off,
)
from mains.debt.queries.acknowledgements import list_acknowledgements
from mains.debt.queries.interest import explain_items, list_posted
from mains.debt.queries.movements import list_movements
from mains.debt.queries.open_debts import list_open_debts, list_supplies
from mains.debt.values import RefundWay
from mains.engine.exact import UnableToRate
from mains.kernel.errors import MainsError
from mains.staff.values import Permission, Scope
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.debt_forms import (
    AcknowledgementForm,
    RefundForm,
    TransferForm,
    WriteOffForm,
    read_place,
)
from mains.web.office.explanations import tree_of
from mains.web.office.views.account import Book, book_page, open_book, plans_of


@needs(Permission.SEE_MONEY)
def account_debts(request: OfficeRequest, number: str) -> HttpResponse:
    """Open debts with accrued interest and limitation, what was proposed and posted, and forms to propose more."""
    return _page(open_book(request, number))


@needs(Permission.SEE_MONEY)
def item_interest(request: OfficeRequest, number: str, item_id: int) -> HttpResponse:
    """How the interest of one debt comes about: days, rates and clauses until today."""
    book = open_book(request, number)
    try:
        found = explain_items(account_id=book.account.id, until=request.today, item_id=item_id)
    except UnableToRate as error:
        messages.error(request, error_text(error))
        return redirect("office:account_debts", number=number)
    return book_page(
        book,
        "office/account/interest.html",
        "account_debts",
        trees=[
            tree_of(line.explanation)
            for protocol in found.values()
            for line in protocol.lines
            if line.explanation
        ],
        posted=[one for one in list_posted(account_id=book.account.id) if one.item_id == item_id],
        back=reverse("office:account_debts", args=[number]),
    )


@require_POST
@needs(Permission.PROPOSE_MONEY)
def write_off(request: OfficeRequest, number: str) -> HttpResponse:
    """Propose to give up a debt."""
    book = _open(request, number)
    form = _forms(book, request)["write_off"]
    return _propose(
        book,
        form,
        lambda: propose_write_off(
            item_id=form.cleaned_data["debt"],
            account_id=book.account.id,
            amount_minor=form.amount_minor,
            scope=_reach(request),
            now=now(),
            actor_id=request.user.pk,
            **form.told,
        ),
    )


@require_POST
@needs(Permission.PROPOSE_MONEY)
def refund(request: OfficeRequest, number: str) -> HttpResponse:
    """Propose to pay a credit out."""
    book = _open(request, number)
    form = _forms(book, request)["refund"]
    return _propose(
        book,
        form,
        lambda: propose_refund(
            place=read_place(book.account.id, form.cleaned_data["credit"]),
            amount_minor=form.amount_minor,
            payee=Payee(
                way=RefundWay(form.cleaned_data["way"]),
                name=form.cleaned_data["payee"],
                account=form.cleaned_data["payee_account"],
            ),
            scope=_reach(request),
            now=now(),
            actor_id=request.user.pk,
            **form.told,
        ),
    )


@require_POST
@needs(Permission.PROPOSE_MONEY)
def transfer(request: OfficeRequest, number: str) -> HttpResponse:
    """Propose to move a credit or a debt to another account, service or provider."""
    book = _open(request, number)
    form = _forms(book, request)["transfer"]

    def act() -> object:
        here, item_id = form.place(book.account.id)
        told = form.cleaned_data["to_account"].strip()
        there = find_account(number=told, scope=_reach(request), on_date=request.today) if told else None
        if told and there is None:
            raise Http404(_("There is no account %(number)s that you may see.") % {"number": told})
        return propose_transfer(
            place=here,
            to=form.target(here, there.id if there else book.account.id),
            amount_minor=form.amount_minor,
            item_id=item_id,
            scope=_reach(request),
            now=now(),
            actor_id=request.user.pk,
            **form.told,
        )

    return _propose(book, form, act)


@require_POST
@needs(Permission.PROPOSE_MONEY)
def acknowledge(request: OfficeRequest, number: str) -> HttpResponse:
    """Record that the customer acknowledged debts in writing."""
    book = _open(request, number)
    form = _forms(book, request)["acknowledgement"]
    if form.is_valid():
        try:
            record_acknowledgement(
                account=book.account,
                acknowledged_on=form.cleaned_data["acknowledged_on"],
                document=form.cleaned_data["document"],
                item_id=form.item_id,
                today=request.today,
                actor=request.user,
                now=now(),
            )
        except MainsError as error:
            form.add_error(None, error_text(error))
        else:
            return redirect(reverse("office:account_debts", args=[number]) + "#acknowledged")
    return _page(book, acknowledgement=form)


@require_POST
@needs(Permission.PROPOSE_MONEY)
def drop_acknowledgement(request: OfficeRequest, number: str, acknowledgement_id: int) -> HttpResponse:
    """Withdraw an acknowledgement with a reason."""
    book = _open(request, number)
    try:
        withdraw_acknowledgement(
            acknowledgement_id=acknowledgement_id,
            account_id=book.account.id,
            reason=request.POST.get("reason", ""),
            actor=request.user,
            now=now(),
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    return redirect(reverse("office:account_debts", args=[number]) + "#acknowledged")


def _propose(book: Book, form: Any, act: Any) -> HttpResponse:
    if form.is_valid():
        try:
            act()
        except MainsError as error:
            form.add_error(None, error_text(error))
        except Http404 as error:
            form.add_error("to_account", str(error))
        else:
            messages.success(book.request, _("Proposed. A colleague who may approve it decides."))
            return redirect("office:account_debts", number=book.account.number)
    return _page(book, **{form.name: form})


def _page(book: Book, **given: forms.Form) -> HttpResponse:
    if not book.may_see_money:
        raise PermissionDenied("This page needs the permission see_money.")
    account_id = book.account.id
    may_propose = book.request.rights.may(Permission.PROPOSE_MONEY, book.account.organisation_id)
    made = (_forms(book, None) | given) if may_propose else {}
    debts = list_open_debts(account_id=account_id, today=book.request.today)
    return book_page(
        book,
        "office/account/debts.html",
        "account_debts",
        debts=debts,
        open_minor=sum(one.outstanding_minor for one in debts),
        accrued_minor=sum(one.accrued_minor for one in debts),
        supplies=[one for one in list_supplies(account_id=account_id) if one.credit_minor > 0],
        posted=list_posted(account_id=account_id)[:60],
        movements=list_movements(
            scope=Scope(organisation_ids=None, permissions=frozenset()), account_id=account_id
        ),
        may_undo=book.request.rights.may(Permission.APPROVE_MONEY, book.account.organisation_id),
        forms=made,
        acknowledged=list_acknowledgements(account_id=account_id),
        **plans_of(book),
    )


def _forms(book: Book, request: OfficeRequest | None) -> dict[str, Any]:
    data = request.POST if request else None
    debts = list_open_debts(account_id=book.account.id, today=book.request.today)
    supplies = list_supplies(account_id=book.account.id)
    currency = book.currency
    return {
        "write_off": WriteOffForm(data, debts=debts, currency=currency),
        "refund": RefundForm(data, supplies=supplies, currency=currency),
        "acknowledgement": AcknowledgementForm(data, debts=debts, currency=currency),
        "transfer": TransferForm(data, debts=debts, supplies=supplies, currency=currency),
    }


def _reach(request: OfficeRequest) -> Scope:
    return request.rights.scope(Permission.PROPOSE_MONEY)


def _open(request: OfficeRequest, number: str) -> Book:
    """The book, for whoever proposes and sees money there."""
    book = open_book(request, number)
    if not book.may_see_money:
        raise Http404(_("There is no account %(number)s that you may see.") % {"number": number})
    return book
