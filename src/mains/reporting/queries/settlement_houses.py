"""What was collected for a party house by house, or account by account in one house, as a table for files."""

from collections.abc import Callable

from django.utils.translation import get_language
from django.utils.translation import gettext as translate

from mains.base.formats import date_text, instant_text
from mains.reporting.queries.statement_files import StatementTable
from mains.settlement.queries.flows import Line, Span, list_accounts, list_houses
from mains.staff.values import Scope

_PAGE = 1_000


def houses_table(*, scope: Scope, span: Span, party_id: int, party: str) -> StatementTable:
    """Every house whose customers paid for the party, with the sum over them."""
    lines = _all(
        lambda after: list_houses(scope=scope, span=span, party_id=party_id, after=after, limit=_PAGE),
        first=-1,
    )
    return StatementTable(
        title=translate("Settlement by houses: %(party)s") % {"party": party},
        head=_dates(span),
        headings=[translate("Building"), *_headings()],
        texts=1,
        rows=[(one.title or translate("No house"), *_figures(one)) for one in lines],
        total=(translate("Total"), *_sums(lines)),
    )


def house_table(
    *, scope: Scope, span: Span, party_id: int, party: str, building_id: int, house: str
) -> StatementTable:
    """The accounts of one house that paid for the party, with their sum."""
    lines = _all(
        lambda after: list_accounts(
            scope=scope, span=span, party_id=party_id, building_id=building_id, after=after, limit=_PAGE
        ),
        first=0,
    )
    return StatementTable(
        title=translate("Settlement of a house: %(house)s") % {"house": house},
        head=[(translate("Party"), party), *_dates(span)],
        headings=[translate("Account"), translate("Customer"), *_headings()],
        texts=2,
        rows=[(one.title, one.note, *_figures(one)) for one in lines],
        total=("", translate("Total"), *_sums(lines)),
    )


def _all(page: Callable[[int], list[Line]], *, first: int) -> list[Line]:
    """All pages of a list that is read by keys."""
    lines = found = page(first)
    while len(found) == _PAGE:
        found = page(found[-1].key)
        lines = lines + found
    return lines


def _headings() -> list[str]:
    return [
        translate("Collected"),
        translate("Taken back"),
        translate("Agent's fee"),
        translate("To be passed on"),
    ]


def _figures(one: Line) -> tuple[int, int, int, int]:
    return one.collected_minor, one.taken_back_minor, one.fee_minor, one.due_minor


def _sums(lines: list[Line]) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip(*map(_figures, lines), strict=True)) or (0, 0, 0, 0)


def _dates(span: Span) -> list[tuple[str, str]]:
    language = get_language() or "en"
    period = f"{date_text(span.since, language=language)} – {date_text(span.through, language=language)}"
    told = [(translate("Period"), period)]
    if span.as_of is not None:
        told.append((translate("As recorded by"), instant_text(span.as_of, language=language)))
    return told
