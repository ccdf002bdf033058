"""The turnover statement on the screen, with the way down to one account, and as CSV."""

from datetime import date, timedelta
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from mains.billing.queries.records import latest_month
from mains.reporting.queries.turnover import (
    RowKind,
    TurnoverLevel,
    TurnoverRow,
    UnableToReportTurnover,
    turnover,
    turnover_by_supply,
)
from mains.reporting.queries.turnover_files import turnover_csv
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.acting import is_key
from mains.web.office.parts import Crumb


@needs(Permission.SEE_REPORTS)
def statement(request: OfficeRequest) -> HttpResponse:
    """One level: each row opens the level below, and the rows sum to the total."""
    level = _level(request)
    query = {"from": f"{level.month_from:%Y-%m}", "to": f"{_last_month(level):%Y-%m}"}
    address = reverse("office:turnover")
    unit = {"unit": str(level.unit.id)} if level.unit else {}
    here = {"own": "1"} if request.GET.get("own") == "1" else {}
    path = [*level.path]
    context = {
        "level": level,
        "rows": [(row, _row_url(address, query, row)) for row in level.rows],
        "last_month": _last_month(level),
        "currency": currency_of_utility(),
        "supply": turnover_by_supply(
            scope=request.scope,
            month_from=level.month_from,
            month_to=level.month_to,
            organisation_id=level.unit.id if level.unit else None,
        ),
        "crumbs": [
            Crumb(one.name, f"{address}?{urlencode(query | {'unit': one.id})}" if one is not path[-1] else "")
            for one in path
        ]
        if len(path) > 1
        else [],
        "csv_url": f"{reverse('office:turnover_csv')}?{urlencode(query | unit | here)}",
        "next_url": f"?{urlencode(query | unit | here | {'after': level.next_after})}"
        if level.next_after
        else "",
        "is_first_page": not request.GET.get("after"),
    }
    return render(request, "office/turnover.html", context)


@needs(Permission.SEE_REPORTS)
def statement_csv(request: OfficeRequest) -> HttpResponse:
    """The same level, all pages of it, as CSV."""
    level = _level(request)
    response = HttpResponse(turnover_csv(level), content_type="text/csv; charset=utf-8")
    name = f"turnover-{level.month_from:%Y-%m}-{level.unit.code if level.unit else 'all'}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _level(request: OfficeRequest) -> TurnoverLevel:
    month_from, month_to = _months(request)
    unit = request.GET.get("unit", "")
    after = request.GET.get("after", "")
    try:
        return turnover(
            scope=request.scope,
            month_from=month_from,
            month_to=month_to,
            organisation_id=int(unit) if is_key(unit) else None,
            own_accounts=request.GET.get("own") == "1",
            after=int(after) if is_key(after) else 0,
        )
    except UnableToReportTurnover as error:
        raise Http404(_("There is no such unit that you may see.")) from error


def _months(request: OfficeRequest) -> tuple[date, date]:
    """The months asked for, [from, to); without them the latest billed month."""
    usual = latest_month() or request.today.replace(day=1)
    first = parse_month(request.GET.get("from", "")) or usual
    last = parse_month(request.GET.get("to", "")) or first
    return first, _following(max(first, last))


def parse_month(text: str) -> date | None:
    """First day of a month written as 2021-05; None for anything else."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


def _following(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def _last_month(level: TurnoverLevel) -> date:
    return (level.month_to - timedelta(days=1)).replace(day=1)


def _row_url(address: str, query: dict[str, str], row: TurnoverRow) -> str:
    if row.kind == RowKind.ACCOUNT:
        return reverse("office:account_money", args=[row.code])
    own = {"own": "1"} if row.kind == RowKind.OWN_ACCOUNTS else {}
    return f"{address}?{urlencode(query | {'unit': str(row.id)} | own)}"
