"""The list of accounts: its filters live in the address, its pages follow the account number."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from mains.customers.queries.records import AccountFilter, AccountLine, list_accounts
from mains.staff.queries.organisations import list_units
from mains.staff.queries.rights import subtree_of
from mains.staff.values import Permission, Scope
from mains.tariffs.queries.records import list_tariff_names
from mains.web.office.access import OfficeRequest, needs

PAGE = 50


@needs(Permission.SEE_ACCOUNTS)
def accounts(request: OfficeRequest) -> HttpResponse:
    """A page of accounts. Whoever may not see money neither sees nor filters by balances."""
    may_see_money = Permission.SEE_MONEY in request.rights.permissions
    scope = request.rights.scope(Permission.SEE_MONEY) if request.GET.get("balance") else request.scope
    lines = _lines(request, scope)
    is_back = bool(request.GET.get("before"))
    has_more = len(lines) > PAGE
    if has_more:
        lines = lines[1:] if is_back else lines[:PAGE]
    first, last = (lines[0].number, lines[-1].number) if lines else ("", "")
    context = {
        "lines": lines,
        "units": list_units(scope=request.scope, on_date=request.today),
        "tariffs": list_tariff_names(language=request.LANGUAGE_CODE),
        "may_see_money": may_see_money,
        "money_scope": request.rights.scope(Permission.SEE_MONEY),
        "balances": [
            ("", _("Any balance")),
            ("owes", _("Owes")),
            ("credit", _("In credit")),
            ("settled", _("Nothing owed")),
        ],
        "chosen": {name: request.GET.get(name, "") for name in ("unit", "balance", "tariff", "unmapped")},
        "previous_url": _page_url(request, before=first)
        if first and (has_more if is_back else _is_later(request))
        else "",
        "next_url": _page_url(request, after=last) if last and (has_more or is_back) else "",
    }
    return render(request, "office/accounts.html", context)


def _lines(request: OfficeRequest, scope: Scope) -> list[AccountLine]:
    unit = request.GET.get("unit", "")
    chosen = AccountFilter(
        organisation_ids=subtree_of(organisation_ids=[int(unit)], on_date=request.today)
        if unit.isdecimal() and len(unit) < 18
        else None,
        balance=request.GET.get("balance", ""),
        tariff_code=request.GET.get("tariff", ""),
        is_unmapped=request.GET.get("unmapped") == "1",
    )
    return list_accounts(
        scope=scope,
        chosen=chosen,
        on_date=request.today,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
        limit=PAGE + 1,
    )


def _is_later(request: HttpRequest) -> bool:
    return bool(request.GET.get("after"))


def _page_url(request: HttpRequest, **key: str) -> str:
    kept = {name: value for name, value in request.GET.items() if value and name not in ("after", "before")}
    return "?" + urlencode(kept | key)
