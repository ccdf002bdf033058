"""Who looked at a customer, and why: the trace of every page that was opened."""

from datetime import datetime
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from mains.customers.queries.records import find_account
from mains.staff.queries.looks import list_lookers, list_looks
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.looking import keep_reason
from mains.web.office.page_names import page_name
from mains.web.office.views.account import book_page, open_book

PAGE = 50


@needs(Permission.SEE_LOOKS)
def account_looks(request: OfficeRequest, number: str) -> HttpResponse:
    """Who opened the account's pages, when, from where and why; one person's looks by `who`."""
    book = open_book(request, number)
    who = request.GET.get("who", "")
    found = list_looks(
        account_ids=[book.account.id],
        before=_instant(request.GET.get("before", "")),
        user_id=int(who) if who.isdecimal() and len(who) < 18 else None,
        limit=PAGE + 1,
    )
    kept = {"who": who} if who else {}
    return book_page(
        book,
        "office/account/looks.html",
        "account_looks",
        looks=[(one, page_name(one.page)) for one in found[:PAGE]],
        lookers=list_lookers(account_id=book.account.id),
        who=who,
        next_url="?" + urlencode(kept | {"before": found[PAGE - 1].at.isoformat()})
        if len(found) > PAGE
        else "",
    )


@needs(Permission.SEE_ACCOUNTS)
def say_why(request: OfficeRequest, number: str) -> HttpResponse:
    """Ask why somebody looks at an account, before they see it."""
    if find_account(number=number, scope=request.scope, on_date=request.today) is None:
        raise Http404(_("There is no account %(number)s that you may see.") % {"number": number})
    onward = request.POST.get("next") or request.GET.get("next") or ""
    if not url_has_allowed_host_and_scheme(onward, allowed_hosts={request.get_host()}):
        onward = ""
    reason = " ".join(request.POST.get("reason", "").split())
    if request.method == "POST" and reason:
        keep_reason(request, number=number, reason=reason)
        return redirect(onward) if onward else redirect("office:account", number=number)
    return render(request, "office/say_why.html", {"number": number, "next": onward})


def _instant(text: str) -> datetime | None:
    try:
        found = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        return None
    return found if found and found.tzinfo else None
