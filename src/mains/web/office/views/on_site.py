"""A bill at the door, as the field app sends it: seen first, then posted once, with the slip that is printed there."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_POST

from mains.base.wording import error_text, translate_message
from mains.billing.actions.on_site import (
    OnSiteOrder,
    OnSiteResult,
    Position,
    bill_on_site,
    preview_on_site,
)
from mains.billing.actions.settlements import FinalReading, list_supplies
from mains.billing.actions.settlements.orders import registers_on
from mains.kernel.errors import MainsError
from mains.reporting.queries.bill_paper import slip
from mains.reporting.queries.bill_paper.slip import WIDTH_OF_PAPER
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.invoice_forms import OnSiteForm
from mains.web.office.steps import sentences_by_month
from mains.web.office.views.account import Book, book_page, open_book
from mains.web.office.views.recalculation import lines_by_month


@needs(Permission.RECORD_READINGS)
def on_site(request: OfficeRequest, number: str) -> HttpResponse:
    """The form; sent, the bill that it would make. Nothing is kept. Who bills at the door sees what is owed there."""
    book = open_book(request, number)
    form = _form(request, book)
    if not form.is_valid():
        return _page(book, form)
    try:
        found = preview_on_site(order=_order(book, form), now=now())
    except MainsError as error:
        return _refused(book, form, error)
    return _page(book, form, **_shown(found))


@require_POST
@needs(Permission.RECORD_READINGS)
def post_on_site(request: OfficeRequest, number: str) -> HttpResponse:
    """Post the bill, once a key, and show the slip; another amount than was seen is shown again instead."""
    book = open_book(request, number)
    form = _form(request, book)
    seen = request.POST.get("seen", "")
    if not form.is_valid() or not re.fullmatch(r"-?\d{1,18}", seen, re.ASCII):
        return _page(book, form)
    try:
        found = bill_on_site(
            order=_order(book, form), now=now(), actor=request.user, expected_minor=int(seen)
        )
    except MainsError as error:
        return _refused(book, form, error)
    return _page(book, form, made=found, slips=_slips(found))


def _slips(found: OnSiteResult) -> list[dict[str, Any]]:
    if found.bill_id is None:
        return []
    return [
        {"paper": paper, "text": slip(month=found.month, bill_id=found.bill_id, width=width)}
        for paper, width in WIDTH_OF_PAPER.items()
    ]


def _form(request: OfficeRequest, book: Book) -> OnSiteForm:
    try:
        day = datetime.fromisoformat(request.POST.get("captured_at", "")).date()
    except ValueError:
        day = request.today
    supplies = list_supplies(account=book.account, on=day)
    local = timezone.localtime(now()) - timedelta(minutes=1)
    return OnSiteForm(
        request.POST or None,
        meters=registers_on([row.service_point_id for row in supplies], day),
        initial={
            "captured_at": local,
            "key": f"office-{secrets.token_hex(12)}",
            "officer": request.user.get_full_name() or request.user.username,
        },
    )


def _order(book: Book, form: OnSiteForm) -> OnSiteOrder:
    data = form.cleaned_data
    position = None
    if data["latitude"] is not None:
        position = Position(
            latitude_micro=int(data["latitude"].scaleb(6)), longitude_micro=int(data["longitude"].scaleb(6))
        )
    return OnSiteOrder(
        account=book.account,
        readings=tuple(FinalReading(register_id=register, text_value=text) for register, text in form.said()),
        captured_at=data["captured_at"],
        idempotency_key=data["key"],
        position=position,
        officer=data["officer"],
        is_estimate=data["is_estimate"],
    )


def _refused(book: Book, form: OnSiteForm, error: MainsError) -> HttpResponse:
    """The form with the refusal at the field that it is about, or above it."""
    named = error.params.get("field")
    if isinstance(named, str) and named in form.fields:
        form.add_error(named, error_text(error))
        return _page(book, form)
    return _page(book, form, problem=translate_message(error.message), remedy=translate_message(error.remedy))


def _shown(found: OnSiteResult) -> dict[str, Any]:
    facts = sentences_by_month(found.causes, language=get_language() or "en")
    return {"found": found, "months": lines_by_month(found.lines, facts)}


def _page(book: Book, form: OnSiteForm, **context: Any) -> HttpResponse:
    return book_page(book, "office/account/on_site.html", "account_money", form=form, **context)
