"""Money in suspense: filtered, owned, identified with proposals, split, returned; and the payers it teaches."""

import csv
import io
from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.kernel.errors import MainsError
from mains.kernel.money import Currency, Money
from mains.payments.actions.learning import forget_payer
from mains.payments.actions.suspense import Share, own_suspense, return_receipt, split_receipt
from mains.payments.queries.learned import is_learned_within, list_learned
from mains.payments.queries.receipts import sum_suspense
from mains.payments.queries.suspense import (
    SuspenseFilter,
    SuspenseItem,
    find_suspense_item,
    list_suspense_items,
    propose_accounts,
)
from mains.reporting.queries.search import find_accounts
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.parts import Crumb
from mains.web.office.views.banks import is_key

PAGE = 50
CSV_ROWS = 50_000
SHARES = 6
_AGES = (0, 3, 10, 30, 90)
_KEPT = ("q", "owner", "age", "from")
_REMEMBERED = "suspense_filters"


@needs(Permission.IMPORT_PAYMENTS)
def suspense(request: OfficeRequest) -> HttpResponse:
    """The list. Its filters live in the address and are remembered until they are changed."""
    given = {name: request.GET[name] for name in _KEPT if request.GET.get(name)}
    remembered = request.session.get(_REMEMBERED)
    if not request.GET and remembered:
        return redirect(f"{reverse('office:suspense')}?{urlencode(remembered)}")
    request.session[_REMEMBERED] = given
    after = request.GET.get("after", "")
    items = list_suspense_items(
        scope=request.scope,
        chosen=_chosen(request),
        today=request.today,
        after_id=int(after) if is_key(after) else 0,
        limit=PAGE + 1,
    )
    kept = urlencode(given)
    context = {
        "items": [(item, (request.today - item.paid_on).days) for item in items[:PAGE]],
        "total": sum_suspense(),
        "chosen": {name: request.GET.get(name, "") for name in _KEPT},
        "ages": [(str(days) if days else "", _age_label(days)) for days in _AGES],
        "owners": [("", _("Anybody")), ("none", _("Nobody yet")), (str(request.user.pk), _("Me"))],
        "currency": currency_of_utility(),
        "csv_url": f"{reverse('office:suspense_csv')}?{kept}",
        "next_url": f"?{kept}&after={items[PAGE - 1].id}" if len(items) > PAGE else "",
        "crumbs": [Crumb(_("Payments"), reverse("office:registers")), Crumb(_("Suspense"))],
    }
    return render(request, "office/suspense.html", context)


@needs(Permission.IMPORT_PAYMENTS)
def suspense_csv(request: OfficeRequest) -> HttpResponse:
    """The same rows, all of them, as CSV."""
    items = list_suspense_items(
        scope=request.scope, chosen=_chosen(request), today=request.today, limit=CSV_ROWS
    )
    response = HttpResponse(_csv(items), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="suspense-{request.today}.csv"'
    return response


def _csv(items: Sequence[SuspenseItem]) -> str:
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(
        ["receipt", "paid_on", "amount", "payer", "payer_account", "reference", "text", "file", "owner"]
    )
    currency = Currency("XXX")
    for item in items:
        amount = Money(item.amount_minor, currency).units
        row = [item.payer, item.payer_account, item.reference, item.said, item.file_name, item.owner]
        # What a spreadsheet would compute stays text.
        safe = [f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text for text in row]
        writer.writerow([item.id, item.paid_on.isoformat(), amount, *safe])
    return out.getvalue()


@needs(Permission.IMPORT_PAYMENTS)
def suspense_item(request: OfficeRequest, receipt_id: int) -> HttpResponse:
    """One receipt: proposals, search, split, return, owner."""
    item = _item(request, receipt_id)
    text = request.GET.get("q", "").strip()
    proposals = propose_accounts(item=item, scope=request.scope, today=request.today)
    context = {
        "item": item,
        "age": (request.today - item.paid_on).days,
        "proposals": proposals,
        "text": text,
        "found": find_accounts(text=text or item.payer, scope=request.scope, limit=10)
        if text or item.payer
        else [],
        "is_mine": item.owner_id == request.user.pk,
        "shares": range(1, SHARES + 1),
        "currency": currency_of_utility(),
        "crumbs": [
            Crumb(_("Payments"), reverse("office:registers")),
            Crumb(_("Suspense"), reverse("office:suspense")),
            Crumb(_("Payment %(number)s") % {"number": item.id}),
        ],
    }
    return render(request, "office/suspense_item.html", context)


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def split(request: OfficeRequest, receipt_id: int) -> HttpResponse:
    """Split a receipt over several accounts."""
    _item(request, receipt_id)
    try:
        split_receipt(
            receipt_id=receipt_id,
            shares=_shares(request),
            business_date=request.today,
            now=now(),
            scope=request.scope,
            actor_id=request.user.pk,
        )
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect("office:suspense_item", receipt_id=receipt_id)
    messages.success(request, _("The payment is split over the accounts."))
    return redirect("office:suspense")


def _shares(request: OfficeRequest) -> list[Share]:
    currency = Currency(currency_of_utility() or "XXX")
    pairs = zip(request.POST.getlist("account"), request.POST.getlist("amount"), strict=False)
    return [
        Share(
            account_number=account.strip(),
            amount_minor=Money.parse(amount.strip().replace(",", ".").replace(" ", ""), currency).minor,
        )
        for account, amount in pairs
        if account.strip() or amount.strip()
    ]


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def give_back(request: OfficeRequest, receipt_id: int) -> HttpResponse:
    """Decide that the money goes back to its payer."""
    _item(request, receipt_id)
    try:
        return_receipt(
            receipt_id=receipt_id,
            reason=request.POST.get("reason", ""),
            business_date=request.today,
            now=now(),
            actor_id=request.user.pk,
        )
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect("office:suspense_item", receipt_id=receipt_id)
    messages.success(request, _("The payment goes back to its payer; the bank's line will settle it."))
    return redirect("office:suspense")


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def own(request: OfficeRequest, receipt_id: int) -> HttpResponse:
    """Take a receipt for oneself, or leave it to others."""
    item = _item(request, receipt_id)
    owner_id = None if item.owner_id == request.user.pk else request.user.pk
    try:
        own_suspense(receipt_id=receipt_id, owner_id=owner_id, now=now(), actor_id=request.user.pk)
    except MainsError as error:
        messages.error(request, error_text(error))
    return redirect("office:suspense_item", receipt_id=receipt_id)


@needs(Permission.IMPORT_PAYMENTS)
def learned(request: OfficeRequest) -> HttpResponse:
    """Payers that were learned from money that people identified."""
    after, text = request.GET.get("after", ""), request.GET.get("q", "").strip()
    found = list_learned(
        scope=request.scope, text=text, after_id=int(after) if is_key(after) else 0, limit=PAGE + 1
    )
    context = {
        "learned": found[:PAGE],
        "text": text,
        "next_url": f"?{urlencode({'q': text, 'after': found[PAGE - 1].id})}" if len(found) > PAGE else "",
        "crumbs": [Crumb(_("Payments"), reverse("office:registers")), Crumb(_("Learned payers"))],
    }
    return render(request, "office/learned.html", context)


@require_POST
@needs(Permission.IMPORT_PAYMENTS)
def forget(request: OfficeRequest, learned_id: int) -> HttpResponse:
    """Stop using a learned payer."""
    if not is_learned_within(learned_id=learned_id, scope=request.scope):
        raise Http404(_("There is no such learned payer."))
    forget_payer(learned_id=learned_id, now=now(), actor_id=request.user.pk)
    messages.success(request, _("The payer is forgotten."))
    return redirect("office:learned")


def _item(request: OfficeRequest, receipt_id: int) -> SuspenseItem:
    item = find_suspense_item(receipt_id=receipt_id, scope=request.scope)
    if item is None:
        raise Http404(_("This receipt is not in suspense."))
    return item


def _chosen(request: OfficeRequest) -> SuspenseFilter:
    age, owner, least = (request.GET.get(name, "") for name in ("age", "owner", "from"))
    return SuspenseFilter(
        text=request.GET.get("q", "").strip()[:100],
        owner=owner if owner == "none" or is_key(owner) else "",
        older_than_days=int(age) if is_key(age) and len(age) < 5 else 0,
        amount_from_minor=int(least) * 100 if is_key(least) and len(least) < 12 else 0,
    )


def _age_label(days: int) -> str:
    return _("%(days)s days and more") % {"days": days} if days else _("Any age")
