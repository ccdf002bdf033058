"""The turnover by slices, and collection against targets, as tables for files."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from mains.base.formats import date_text, instant_text
from mains.reporting.queries.collection_targets import CollectionLine
from mains.reporting.queries.statement_files import StatementTable
from mains.reporting.queries.turnover import Figures
from mains.reporting.queries.turnover_files import headings
from mains.reporting.queries.turnover_slices import Dimension, Slice, SliceLevel, SliceRow, turnover_accounts
from mains.staff.values import Scope

LABELS: Mapping[Dimension, str | Promise] = MappingProxyType(
    {
        Dimension.UNIT: _("Units"),
        Dimension.NODE: _("Network"),
        Dimension.SERVICE: _("Services"),
        Dimension.PROVIDER: _("Providers"),
        Dimension.CLASS: _("Tariff classes"),
        Dimension.TARIFF: _("Tariffs"),
        Dimension.PERSON: _("Persons"),
        Dimension.MONTH: _("Months"),
        Dimension.ACCOUNT: _("Accounts"),
    }
)


def slice_table(level: SliceLevel, *, scope: Scope, within: str) -> StatementTable:
    """All rows of a level, later pages of accounts included; `within` says in words what it is narrowed to."""
    return StatementTable(
        title=translate("Turnover by %(dimension)s") % {"dimension": str(LABELS[level.by]).lower()},
        head=[*_dates(level.asked), *([(translate("Within"), within)] if within else [])],
        headings=headings(),
        texts=2,
        rows=[(row.code, row.name, *_amounts(row.figures)) for row in all_slice_rows(level, scope=scope)],
        total=("", translate("Total"), *_amounts(level.total)),
    )


def all_slice_rows(level: SliceLevel, *, scope: Scope) -> Iterator[SliceRow]:
    """Every row, the pages that follow included."""
    yield from level.rows
    after = level.next_after
    while after is not None:
        page = turnover_accounts(scope=scope, asked=level.asked, after=after, limit=2_000)
        yield from page.rows
        after = page.next_after


def collection_table(lines: list[CollectionLine], asked: Slice) -> StatementTable:
    """Collection by unit or person against its targets."""
    return StatementTable(
        title=translate("Collection"),
        head=_dates(asked),
        headings=[
            translate("Code"),
            translate("Name"),
            translate("Billed"),
            translate("Collected"),
            translate("Rate in percent"),
            translate("Target in percent"),
            translate("Short of the target"),
            translate("Owed"),
        ],
        texts=2,
        rows=[
            (
                line.code,
                line.name,
                line.billed_minor,
                line.collected_minor,
                line.rate_percent,
                line.target_percent,
                line.short_minor,
                line.owed_minor,
            )
            for line in lines
        ],
        total=(
            "",
            translate("Total"),
            sum(line.billed_minor for line in lines),
            sum(line.collected_minor for line in lines),
            None,
            None,
            None,
            sum(line.owed_minor for line in lines),
        ),
    )


def _dates(asked: Slice) -> list[tuple[str, str]]:
    language = get_language() or "en"
    last = asked.month_to - timedelta(days=1)
    period = f"{date_text(asked.month_from, language=language)} – {date_text(last, language=language)}"
    told = [(translate("Period"), period)]
    if asked.as_of is not None:
        told.append((translate("As recorded by"), instant_text(asked.as_of, language=language)))
    return told


def _amounts(figures: Figures) -> tuple[int, int, int, int, int]:
    return (
        figures.opening_minor,
        figures.accrued_minor,
        figures.recalculated_minor,
        figures.paid_minor,
        figures.closing_minor,
    )
