"""Of one account: who else pays its bills, its advances, and the invoices that it pays."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.invoicing.actions.advances import issue_advance
from mains.invoicing.actions.intervals import state_account_interval
from mains.invoicing.actions.sharing import state_shares
from mains.invoicing.queries.advances import Expected, expect_use, supplies_of_account
from mains.invoicing.queries.intervals import list_account_intervals, list_held_bills, open_month
from mains.invoicing.queries.invoices import get_invoice, list_invoices
from mains.invoicing.queries.payments import numbers_of_accounts
from mains.invoicing.queries.shares import PlanRecord, list_plans
from mains.invoicing.values import Share
from mains.kernel.errors import MainsError
from mains.ledger.queries.advances import advances_left
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.invoice_forms import AccountIntervalForm, AdvanceForm, ShareForm, account_of
from mains.web.office.views.account import Book, book_page, open_book


@needs(Permission.SEE_MONEY)
def account_invoicing(request: OfficeRequest, number: str) -> HttpResponse:
    """Shares, advances and invoices of the account."""
    return _page(open_book(request, number))


@require_POST
@needs(Permission.RUN_BILLING)
def add_share(request: OfficeRequest, number: str) -> HttpResponse:
    """Let one more account pay a part from a day on, beside those that pay on that day; or let nobody else pay."""
    book = _open(request, number)
    form = ShareForm(request.POST, scope=request.scope)
    if request.POST.get("ends"):
        form.fields["payer"].required = False
    if not form.is_valid() and not (request.POST.get("ends") and "valid_from" in form.cleaned_data):
        return _page(book, share_form=form)
    day = form.cleaned_data["valid_from"]
    shares: tuple[Share, ...] = ()
    if not request.POST.get("ends"):
        known = [plan for plan in list_plans(account_id=book.account.id) if _holds(plan, day)]
        shares = (*(known[0].shares if known else ()), _share(form))
    try:
        state_shares(
            account=book.account,
            shares=shares,
            valid_from=day,
            actor=request.user,
            now=now(),
            proof=form.cleaned_data.get("proof", ""),
        )
    except MainsError as error:
        form.add_error(None, error_text(error))
        return _page(book, share_form=form)
    return redirect("office:account_invoicing", number=number)


@require_POST
@needs(Permission.RUN_BILLING)
def add_advance(request: OfficeRequest, number: str) -> HttpResponse:
    """Ask the account for an advance and open the invoice."""
    book = _open(request, number)
    form = AdvanceForm(request.POST, services=_services(book))
    if not form.is_valid():
        return _page(book, advance_form=form)
    data = form.cleaned_data
    try:
        made = issue_advance(
            account=book.account,
            service=data["service"],
            expected=_expected(book, data),
            issued_on=request.today,
            due_on=data["due_on"],
            note=data["note"],
            actor=request.user,
            now=now(),
        )
    except MainsError as error:
        named = error.params.get("field")
        form.add_error(named if named in form.fields else None, error_text(error))
        return _page(book, advance_form=form)
    messages.success(request, _("The invoice is issued."))
    return redirect("office:invoice", number=get_invoice(invoice_id=made).number)


@require_POST
@needs(Permission.RUN_BILLING)
def state_interval(request: OfficeRequest, number: str) -> HttpResponse:
    """Say how many months one invoice of the account covers, since when."""
    book = _open(request, number)
    form = AccountIntervalForm(request.POST, services=_services(book))
    if not form.is_valid():
        return _page(book, interval_form=form)
    data = form.cleaned_data
    amount = data["instalment"]
    try:
        state_account_interval(
            account=book.account,
            months=data["months"],
            valid_from=data["valid_from"],
            closes_in=data["closes_in"],
            instalments={} if amount is None else {data["service"]: int(Decimal(amount).scaleb(2))},
            actor=request.user,
            now=now(),
            proof=data["proof"],
        )
    except MainsError as error:
        named = error.params.get("field")
        form.add_error(named if named in form.fields else None, error_text(error))
        return _page(book, interval_form=form)
    return redirect("office:account_invoicing", number=number)


def _expected(book: Book, data: dict[str, Any]) -> Expected:
    if data["amount"] is not None:
        return Expected(amount_minor=int(Decimal(data["amount"]).scaleb(2)))
    return expect_use(
        account_id=book.account.id,
        service=data["service"],
        quantity_micro=int(Decimal(data["use"]).scaleb(6)),
        months=data["months"],
        on_date=book.request.today,
        now=now(),
    )


def _share(form: ShareForm) -> Share:
    data = form.cleaned_data
    share = Share(
        payer_id=account_of(form, "payer").id, service=data["service"], component=data["component"].strip()
    )
    if data["percent"] is not None:
        return replace(share, parts_ppm=int(Decimal(data["percent"]).scaleb(4)))
    return replace(share, amount_minor=int(Decimal(data["amount"]).scaleb(2)))


def _open(request: OfficeRequest, number: str) -> Book:
    """The book, for whoever bills and sees money there."""
    book = open_book(request, number)
    if not book.may_see_money:
        raise Http404(_("There is no account %(number)s that you may see.") % {"number": number})
    return book


def _holds(plan: PlanRecord, day: Any) -> bool:
    return bool(plan.valid_from <= day and (plan.valid_to is None or day < plan.valid_to))


def _services(book: Book) -> list[str]:
    return sorted(supplies_of_account(account_id=book.account.id, on_date=book.request.today))


def _page(book: Book, **given: forms.Form) -> HttpResponse:
    request, account = book.request, book.account
    plans = list_plans(account_id=account.id)
    payers = numbers_of_accounts(sorted({share.payer_id for plan in plans for share in plan.shares}))
    context = {
        "plans": [
            {
                "plan": plan,
                "last": plan.valid_to - timedelta(days=1) if plan.valid_to else None,
                "shares": [
                    {
                        "share": share,
                        "payer": payers[share.payer_id],
                        "percent": None if share.parts_ppm is None else Decimal(share.parts_ppm).scaleb(-4),
                    }
                    for share in plan.shares
                ],
            }
            for plan in plans
        ],
        "left_minor": int(advances_left(account_ids=[account.id])["left_minor"].sum()),
        "invoices": list_invoices(scope=request.scope, account_id=account.id),
        "may_bill": request.rights.may(Permission.RUN_BILLING, account.organisation_id),
        "share_form": ShareForm(scope=request.scope, initial={"valid_from": request.today.replace(day=1)}),
        "advance_form": AdvanceForm(services=_services(book)),
        "has_supplies": bool(_services(book)),
        "intervals": list_account_intervals(account_id=account.id),
        "held": list_held_bills(account_id=account.id),
        "interval_form": AccountIntervalForm(
            services=_services(book), initial={"valid_from": open_month(today=request.today), "months": 3}
        ),
    }
    return book_page(book, "office/account/invoicing.html", "account_money", **(context | given))
