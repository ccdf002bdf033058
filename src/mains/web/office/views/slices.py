"""Turnover by any dimension within any slice, down to accounts; collection against targets. As of any recorded time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from mains.billing.queries.records import latest_month
from mains.reporting.actions.kept_statements import printed_statement
from mains.reporting.queries.collection_targets import CollectionLine, collection_lines
from mains.reporting.queries.slice_tables import LABELS, collection_table, slice_table
from mains.reporting.queries.statement_files import (
    StatementTable,
)
from mains.reporting.queries.turnover import UnableToReportTurnover
from mains.reporting.queries.turnover_slices import (
    Dimension,
    Slice,
    SliceLevel,
    SliceRow,
    count_untallied,
    name_of,
    turnover_accounts,
    turnover_by,
)
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.acting import FORMS, file_response, instant_of, is_key
from mains.web.office.clock import now
from mains.web.office.parts import Crumb
from mains.web.office.views.turnover import parse_month

_FILTERS = ("unit", "node", "service", "provider", "class", "tariff", "person")
_NUMBERS = frozenset({"unit", "node", "provider", "tariff", "person"})


@needs(Permission.SEE_REPORTS)
def slices(request: OfficeRequest) -> HttpResponse:
    """The slice by one dimension; each row opens what is below it, or narrows the slice to it."""
    level, query = _level(request)
    by = level.by
    address = reverse("office:turnover_slices")
    here = query | {"by": by.value}
    context = {
        "level": level,
        "rows": [(row, _row_url(address, query, by, row)) for row in level.rows],
        "tabs": _tabs(address, query, by, list(Dimension)),
        "chips": _chips(address, query, by),
        "query": [(name, value) for name, value in here.items() if name not in ("from", "to", "as_of")],
        "last_month": (level.asked.month_to - timedelta(days=1)).replace(day=1),
        "as_of_text": query.get("as_of", ""),
        "currency": currency_of_utility(),
        "files": _files("office:turnover_slices_file", here),
        "next_url": f"?{urlencode(here | {'after': level.next_after})}" if level.next_after else "",
        "is_first_page": not request.GET.get("after"),
        "untallied": count_untallied(),
        "crumbs": [Crumb(_("Turnover"), reverse("office:turnover")), Crumb(str(LABELS[by]))],
    }
    return render(request, "office/turnover_slices.html", context)


@needs(Permission.SEE_REPORTS)
def slices_file(request: OfficeRequest, form: str) -> HttpResponse:
    """The same, all pages of it, as CSV, spreadsheet or PDF; closed months print to the same bytes."""
    level, query = _level(request)
    within = ", ".join(label for label, _url in _chips("", query, level.by))
    return _file(
        request,
        form,
        name=f"turnover by {level.by}",
        asked=level.asked,
        make=lambda: slice_table(level, scope=request.scope, within=within),
    )


@needs(Permission.SEE_REPORTS)
def collection(request: OfficeRequest) -> HttpResponse:
    """Billed, collected, target: by unit, level by level, or by the person who answers for the accounts."""
    asked, query, by = _collection(request)
    address, slices_url = reverse("office:collection"), reverse("office:turnover_slices")
    lines = _lines(request, asked, by)
    context = {
        "asked": asked,
        "rows": [
            (
                line,
                f"{address}?{urlencode(query | {'unit': line.key, 'by': by.value})}"
                if line.is_open
                else f"{slices_url}?{urlencode(query | {by.value: line.key, 'by': 'account'})}"
                if line.key
                else "",
                _tone(line),
            )
            for line in lines
        ],
        "tabs": _tabs(address, query, by, [Dimension.UNIT, Dimension.PERSON]),
        "chips": [
            (
                name_of(Dimension.UNIT, asked.unit),
                f"{address}?{urlencode(_without(query, 'unit') | {'by': by.value})}",
            )
        ]
        if asked.unit
        else [],
        "query": [(name, query[name]) for name in ("unit",) if name in query] + [("by", by.value)],
        "last_month": (asked.month_to - timedelta(days=1)).replace(day=1),
        "as_of_text": query.get("as_of", ""),
        "currency": currency_of_utility(),
        "files": _files("office:collection_file", query | {"by": by.value}),
        "untallied": count_untallied(),
    }
    return render(request, "office/collection.html", context)


@needs(Permission.SEE_REPORTS)
def collection_file(request: OfficeRequest, form: str) -> HttpResponse:
    """The same as CSV, spreadsheet or PDF; closed months print to the same bytes."""
    asked, _query, by = _collection(request)
    lines = _lines(request, asked, by)
    return _file(
        request, form, name=f"collection by {by}", asked=asked, make=lambda: collection_table(lines, asked)
    )


def _lines(request: OfficeRequest, asked: Slice, by: Dimension) -> list[CollectionLine]:
    try:
        return collection_lines(scope=request.scope, asked=asked, by=by)
    except UnableToReportTurnover as error:
        raise Http404(_("There is no such unit that you may see.")) from error


def _collection(request: OfficeRequest) -> tuple[Slice, dict[str, str], Dimension]:
    asked, query = _asked(request)
    query = {name: value for name, value in query.items() if name in ("from", "to", "as_of", "unit")}
    by = Dimension.PERSON if request.GET.get("by") == Dimension.PERSON else Dimension.UNIT
    return (
        replace(asked, node=None, service=None, provider=None, category=None, tariff=None, person=None),
        query,
        by,
    )


def _level(request: OfficeRequest) -> tuple[SliceLevel, dict[str, str]]:
    asked, query = _asked(request)
    word, after = request.GET.get("by", ""), request.GET.get("after", "")
    by = next((one for one in Dimension if one.value == word), Dimension.NODE)
    try:
        if by is Dimension.ACCOUNT:
            first = int(after) if is_key(after) else 0
            return turnover_accounts(scope=request.scope, asked=asked, after=first), query
        return turnover_by(scope=request.scope, asked=asked, by=by), query
    except UnableToReportTurnover as error:
        raise Http404(_("There is no such unit that you may see.")) from error


def _asked(request: OfficeRequest) -> tuple[Slice, dict[str, str]]:
    """The slice that the address asks for, and the same as its query; without months the latest billed one."""
    usual = latest_month() or request.today.replace(day=1)
    first = parse_month(request.GET.get("from", "")) or usual
    last = max(parse_month(request.GET.get("to", "")) or first, first)
    told: dict[str, Any] = {}
    query = {"from": f"{first:%Y-%m}", "to": f"{last:%Y-%m}"}
    as_of = instant_of(request.GET.get("as_of", ""))
    if as_of is not None:
        query["as_of"] = f"{timezone.localtime(as_of):%Y-%m-%dT%H:%M}"
    for name in _FILTERS:
        value = request.GET.get(name)
        if value is None or (name in _NUMBERS and not is_key(value)) or len(value) > 40 or "\x00" in value:
            continue
        told["category" if name == "class" else name] = int(value) if name in _NUMBERS else value
        query[name] = value
    return Slice(month_from=first, month_to=_following(last), as_of=as_of, **told), query


def _chips(address: str, query: dict[str, str], by: Dimension) -> list[tuple[str, str]]:
    """What the slice is narrowed to, in words, each with the address without it."""
    return [
        (
            name_of(Dimension(name), int(query[name]) if name in _NUMBERS else query[name]),
            f"{address}?{urlencode(_without(query, name) | {'by': by.value})}",
        )
        for name in _FILTERS
        if name in query
    ]


def _row_url(address: str, query: dict[str, str], by: Dimension, row: SliceRow) -> str:
    """A unit or node opens the level below it, or at the bottom its accounts; other parts narrow the slice."""
    if by is Dimension.ACCOUNT:
        return reverse("office:account_money", args=[row.code])
    if by is Dimension.MONTH:
        return f"{address}?{urlencode(query | {'from': row.key, 'to': row.key, 'by': 'node'})}"
    if by in (Dimension.UNIT, Dimension.NODE):
        if not row.key:
            return ""
        following = by.value if row.is_open else Dimension.ACCOUNT.value
        return f"{address}?{urlencode(query | {by.value: row.key, 'by': following})}"
    return f"{address}?{urlencode(query | {by.value: row.key, 'by': 'node'})}"


def _file(
    request: OfficeRequest, form: str, *, name: str, asked: Slice, make: Callable[[], StatementTable]
) -> HttpResponse:
    if form not in FORMS:
        raise Http404(_("There is no such kind of file."))
    write, kind = FORMS[form]
    reach = request.scope.organisation_ids
    content = printed_statement(
        asked={"name": name, "slice": str(asked), "reach": None if reach is None else sorted(reach)},
        form=form,
        month_to=asked.month_to,
        make=partial(_made, write, make),
        now=now(),
    )
    return file_response(content, f"{name.replace(' ', '-')}-{asked.month_from:%Y-%m}.{form}", kind)


def _made(write: Callable[[StatementTable], bytes], make: Callable[[], StatementTable]) -> bytes:
    return write(make())


def _files(url_name: str, query: dict[str, str]) -> list[tuple[str, str]]:
    return [(form, f"{reverse(url_name, args=[form])}?{urlencode(query)}") for form in FORMS]


def _tone(line: CollectionLine) -> str:
    if line.short_minor is None:
        return "quiet"
    return "good" if line.short_minor == 0 else "warn"


def _tabs(
    address: str, query: dict[str, str], by: Dimension, all_of: list[Dimension]
) -> list[dict[str, Any]]:
    return [
        {
            "label": LABELS[one],
            "url": f"{address}?{urlencode(query | {'by': one.value})}",
            "is_current": one is by,
            "count": None,
        }
        for one in all_of
    ]


def _without(query: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in query.items() if key != name}


def _following(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)
