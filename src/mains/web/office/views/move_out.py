"""An account moves out: its last day, final readings and who comes next; the final bill is seen first, then posted."""

import re
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text, translate_message
from mains.billing.actions.settlements import Settlement, list_supplies, preview_settlement, settle
from mains.billing.actions.settlements.orders import registers_on
from mains.billing.values import bill_number
from mains.kernel.errors import MainsError
from mains.staff.values import Permission
from mains.tariffs.queries.records import list_tariff_names
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.moving import MoveOutForm, order_mark
from mains.web.office.steps import sentences_by_month
from mains.web.office.views.account import Book, book_page, open_book
from mains.web.office.views.recalculation import lines_by_month


@needs(Permission.RECORD_READINGS)
def move_out(request: OfficeRequest, number: str) -> HttpResponse:
    """The form; sent, the final bill that it would make. Nothing is kept."""
    book = _open(request, number)
    return _preview(book, _form(request, book))


@require_POST
@needs(Permission.RECORD_READINGS)
def post_move_out(request: OfficeRequest, number: str) -> HttpResponse:
    """Keep it all and open the final bill; whatever differs from what was seen is shown again instead."""
    book = _open(request, number)
    form = _form(request, book)
    seen = request.POST.get("seen", "")
    is_seen = re.fullmatch(r"-?\d{1,18}", seen, re.ASCII)
    if not is_seen or not form.is_valid() or request.POST.get("mark") != order_mark(form.order()):
        # Nobody posts what nobody has seen.
        return _preview(book, form)
    try:
        found = settle(order=form.order(), now=now(), actor=request.user, expected_minor=int(seen))
    except MainsError as error:
        return _refused(book, form, error)
    if found.next_number:
        messages.info(
            request, _("Account %(number)s pays from the day after.") % {"number": found.next_number}
        )
    if found.bill_id is None:
        messages.info(request, _("The move is recorded. There was nothing to bill."))
        return redirect("office:account_money", number=number)
    messages.success(request, _("The final bill is posted."))
    return redirect(reverse("office:bill", args=[bill_number(found.month, found.bill_id)]))


def _preview(book: Book, form: MoveOutForm) -> HttpResponse:
    if not form.is_valid():
        return _page(book, form)
    order = form.order()
    try:
        found = preview_settlement(order=order, now=now())
    except MainsError as error:
        return _refused(book, form, error)
    # A new customer has no account yet: the number that the preview drew is not the one that will be theirs.
    new_name = order.next_payer.name if order.next_payer else ""
    return _page(book, form, **_shown(found), mark=order_mark(order), new_name=new_name)


def _open(request: OfficeRequest, number: str) -> Book:
    """The book, for whoever records readings and sees money there."""
    book = open_book(request, number)
    if not book.may_see_money:
        raise Http404(_("There is no account %(number)s that you may see.") % {"number": number})
    return book


def _form(request: OfficeRequest, book: Book) -> MoveOutForm:
    """The form with the registers that hang there on the day that it names."""
    try:
        day = date.fromisoformat(request.POST.get("last_date", ""))
    except ValueError:
        day = request.today
    supplies = list_supplies(account=book.account, on=day)
    return MoveOutForm(
        request.POST or None,
        account=book.account,
        scope=request.scope,
        supplies=supplies,
        meters=registers_on([row.service_point_id for row in supplies], day),
        initial={"last_date": request.today},
    )


def _refused(book: Book, form: MoveOutForm, error: MainsError) -> HttpResponse:
    """The form with the refusal at the field that it is about, or above it."""
    named = error.params.get("field")
    if isinstance(named, str) and named in form.fields:
        form.add_error(named, error_text(error))
        return _page(book, form)
    return _page(book, form, problem=translate_message(error.message), remedy=translate_message(error.remedy))


def _shown(found: Settlement) -> dict[str, Any]:
    language = get_language() or "en"
    facts = sentences_by_month(found.causes, language=language)
    titles = dict(list_tariff_names(language=language))
    return {
        "found": found,
        "months": lines_by_month(found.lines, facts),
        "next_terms": [
            {"point": point, "tariff": titles.get(tariff, tariff), "category": category}
            for point, tariff, category in found.following.terms
        ],
    }


def _page(book: Book, form: MoveOutForm, **context: Any) -> HttpResponse:
    return book_page(book, "office/account/move_out.html", "account_money", form=form, **context)
