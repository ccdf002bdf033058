"""Losses by node of the network: a level as a table with its chart, the way down, and a node's month by day."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from mains.balance.queries.loss_files import losses_csv, losses_xlsx, lost_percent
from mains.balance.queries.losses import (
    LossRow,
    NodeDays,
    find_node_days,
    latest_balanced_month,
    list_losses,
)
from mains.balance.queries.seen_nodes import get_node_path
from mains.balance.values import Key, Negative, UnableToShowBalance
from mains.base.units import UNIT_OF_SERVICE
from mains.network.queries.records import find_node
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.loss_pictures import days_chart, level_chart
from mains.web.office.parts import Crumb

SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@needs(Permission.SEE_REPORTS)
def losses(request: OfficeRequest) -> HttpResponse:
    """The level below a node, or the sources; each row opens the level below it."""
    month, node_id = _asked(request)
    path = _path(request, month, node_id)
    rows = list_losses(scope=request.scope, month=month, node_id=node_id)
    address = reverse("office:losses")
    chosen = {"month": f"{month:%Y-%m}"}
    days = find_node_days(month=month, node_id=node_id) if node_id else None
    node = find_node(node_id=node_id) if node_id else None
    unit = UNIT_OF_SERVICE[node.service] if node else UNIT_OF_SERVICE[rows[0].service] if rows else ""
    here = chosen | ({"node": str(node_id)} if node_id else {})
    context: dict[str, Any] = {
        "month": month,
        "node": node,
        "rows": [
            (row, lost_percent(row), _tone(row), f"{address}?{urlencode(chosen | {'node': row.node_id})}")
            for row in rows
        ],
        "unit": unit,
        "level_chart": level_chart(rows=rows, unit=unit) if len(rows) > 1 else None,
        "days": days,
        "days_chart": days_chart(days=days, month=month, unit=unit) if days else None,
        "rule": _rule(days) if days else [],
        "crumbs": _crumbs(path, address, chosen),
        "csv_url": f"{reverse('office:losses_csv')}?{urlencode(here)}",
        "xlsx_url": f"{reverse('office:losses_xlsx')}?{urlencode(here)}",
    }
    return render(request, "office/losses.html", context)


@needs(Permission.SEE_REPORTS)
def losses_csv_file(request: OfficeRequest) -> HttpResponse:
    """The same level as CSV."""
    return _file(request, losses_csv, "csv", "text/csv; charset=utf-8")


@needs(Permission.SEE_REPORTS)
def losses_xlsx_file(request: OfficeRequest) -> HttpResponse:
    """The same level as a spreadsheet."""
    return _file(request, losses_xlsx, "xlsx", SPREADSHEET)


def _file(request: OfficeRequest, make: Any, ending: str, kind: str) -> HttpResponse:
    month, node_id = _asked(request)
    _path(request, month, node_id)
    rows = list_losses(scope=request.scope, month=month, node_id=node_id)
    response = HttpResponse(make(rows), content_type=kind)
    name = f"losses-{month:%Y-%m}-{node_id or 'all'}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _asked(request: OfficeRequest) -> tuple[date, int | None]:
    """The month asked for, or the latest with a balance, and the node."""
    try:
        month = date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        month = latest_balanced_month() or request.today.replace(day=1)
    node = request.GET.get("node", "")
    return month, int(node) if node.isdecimal() and len(node) < 18 else None


def _path(request: OfficeRequest, month: date, node_id: int | None) -> list[tuple[int, str]]:
    if node_id is None:
        return []
    try:
        return get_node_path(scope=request.scope, month=month, node_id=node_id)
    except UnableToShowBalance as error:
        raise Http404(_("There is no such node that you may see.")) from error


def _crumbs(path: list[tuple[int, str]], address: str, chosen: dict[str, str]) -> list[Crumb]:
    if not path:
        return []
    top = Crumb(_("All sources"), f"{address}?{urlencode(chosen)}")
    above = [Crumb(name, f"{address}?{urlencode(chosen | {'node': key})}") for key, name in path[:-1]]
    return [top, *above, Crumb(path[-1][1])]


def _tone(row: LossRow) -> str:
    """A loss above 15 % is suspicious, and so is less than nothing."""
    percent = lost_percent(row)
    if percent is None:
        return "quiet"
    return "bad" if percent > 15 else "warn" if percent > 8 or percent < 0 else "good"


def _rule(days: NodeDays) -> list[tuple[str, str]]:
    """How the node's remainder is shared, in words."""
    found = [(_("How the remainder is shared"), str(Key(days.key).label))]
    if days.key != Key.NONE:
        found.append((_("When members used more than the node"), str(Negative(days.negative).label)))
        found.append((_("Who bears what is over the cap"), days.bearer or _("Nobody: a loss of the utility")))
        if days.cap_micro is not None:
            billed = days.rest_point or _("Nowhere: the balance rule names no service point")
            found.append((_("Billed at the service point"), billed))
    return found
