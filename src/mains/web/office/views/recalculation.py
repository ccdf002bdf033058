"""Recalculate one account now: what the facts change in its billed months, seen first, then posted."""

import re
from collections.abc import Mapping
from datetime import date
from itertools import groupby
from typing import Any

import polars as pl
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text, translate_message
from mains.billing.actions.recalculations import preview_account, recalculate_account
from mains.billing.values import bill_number
from mains.kernel.errors import MainsError
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.steps import sentences_by_month
from mains.web.office.views.account import Book, book_page, open_book


@needs(Permission.SEE_REPORTS)
def recalculation(request: OfficeRequest, number: str) -> HttpResponse:
    """The differences by month and component, each month with the facts that it comes from. Nothing is written."""
    book = _open(request, number)
    try:
        found = preview_account(account_id=book.account.id, now=now())
    except MainsError as error:
        problem, remedy = translate_message(error.message), translate_message(error.remedy)
        return _page(book, problem=problem, remedy=remedy)
    return _page(
        book,
        month=found.month,
        known_since=found.known_since,
        months=lines_by_month(found.lines, sentences_by_month(found.causes, language=get_language() or "en")),
        total_minor=found.amount_minor,
        exceptions=found.exceptions["message"].to_list(),
    )


@require_POST
@needs(Permission.SEE_REPORTS)
def post_recalculation(request: OfficeRequest, number: str) -> HttpResponse:
    """Post the difference as a bill of corrections, and open it."""
    book = _open(request, number)
    seen = request.POST.get("seen", "")
    if not re.fullmatch(r"-?\d{1,18}", seen, re.ASCII):
        # Nobody posts what nobody has seen.
        return redirect("office:recalculation", number=number)
    try:
        found = recalculate_account(
            account_id=book.account.id, now=now(), created_by_id=request.user.pk, expected_minor=int(seen)
        )
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect("office:recalculation", number=number)
    if found.bill_id is None:
        messages.info(request, _("There was nothing to recalculate."))
        return redirect("office:account_money", number=number)
    messages.success(request, _("The recalculation is posted."))
    return redirect(reverse("office:bill", args=[bill_number(found.month, found.bill_id)]))


def _open(request: OfficeRequest, number: str) -> Book:
    """The book, for a supervisor: whoever sees reports and money there."""
    book = open_book(request, number)
    if not book.may_see_money:
        raise Http404(_("There is no account %(number)s that you may see.") % {"number": number})
    return book


def _page(book: Book, **context: Any) -> HttpResponse:
    return book_page(book, "office/account/recalculation.html", "account_money", **context)


def lines_by_month(lines: pl.DataFrame, facts: Mapping[date, list[str]]) -> list[dict[str, Any]]:
    """Lines of all service points by month of use, the latest first, each with the facts behind it."""
    ordered = (
        lines.group_by("service_month", "component", "kind", maintain_order=True)
        .agg(pl.col("quantity_micro", "amount_minor").sum(), pl.col("tariff_edition_id").max())
        .sort("service_month", descending=True, maintain_order=True)
    )
    groups = []
    for month, members in groupby(ordered.to_dicts(), key=lambda line: line["service_month"]):
        rows = list(members)
        total = sum(line["amount_minor"] for line in rows if line["kind"] != "tax_included")
        groups.append({"month": month, "facts": facts.get(month, []), "lines": rows, "total_minor": total})
    return groups
