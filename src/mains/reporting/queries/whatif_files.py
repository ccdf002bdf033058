"""The result of a what-if as CSV and spreadsheet: what the page shows, never cut."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from mains.reporting.queries.turnover_files import BYTE_ORDER_MARK
from mains.reporting.queries.whatif import AccountChange, PartChange

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class WhatIfTables:
    """The parts of a result: revenue by month, class, unit and component, and the accounts that change most."""

    parts: Sequence[tuple[str, Sequence[PartChange]]]
    worst: Sequence[AccountChange]
    best: Sequence[AccountChange]


def whatif_csv(tables: WhatIfTables) -> bytes:
    """UTF-8 with byte order mark; one table with the part in the first column, amounts with a point."""
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_("Part"), *_headings()])
    for title, rows in _sheets(tables):
        for name, detail, *amounts in rows:
            writer.writerow([title, _harmless(name), _harmless(detail), *(f"{one:.2f}" for one in amounts)])
    return out.getvalue().encode("utf-8")


def whatif_xlsx(tables: WhatIfTables) -> bytes:
    """A workbook with a sheet for each part; account numbers are text, amounts are numbers."""
    from xlsxwriter import Workbook

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False}
    with Workbook(out, options) as book:
        bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
        for title, rows in _sheets(tables):
            sheet = book.add_worksheet(title[:31])
            sheet.write_row(0, 0, _headings(), bold)
            for at, (name, detail, *amounts) in enumerate(rows, start=1):
                sheet.write_string(at, 0, name)
                sheet.write_string(at, 1, detail)
                for column, amount in enumerate(amounts, start=2):
                    sheet.write_number(at, column, amount, money)
            sheet.freeze_panes(1, 1)
            sheet.set_column(0, 1, 32)
            sheet.set_column(2, 4, 18)
    return out.getvalue()


def _headings() -> list[str]:
    return [_("Name"), _("Detail"), _("Before"), _("After"), _("Difference")]


def _sheets(tables: WhatIfTables) -> Iterator[tuple[str, list[tuple[str, str, Decimal, Decimal, Decimal]]]]:
    for title, parts in tables.parts:
        yield title, [(part.name, "", *_amounts(part)) for part in parts]
    for title, accounts in ((_("Pay most more"), tables.worst), (_("Pay most less"), tables.best)):
        yield title, [(one.number, one.customer_name, *_amounts(one)) for one in accounts]


def _amounts(row: PartChange | AccountChange) -> tuple[Decimal, Decimal, Decimal]:
    minors = (row.before_minor, row.after_minor, row.change_minor)
    before, after, change = (Decimal(minor).scaleb(-2) for minor in minors)
    return before, after, change


def _harmless(text: str) -> str:
    """A name that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
