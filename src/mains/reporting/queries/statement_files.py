"""A statement as CSV, spreadsheet and PDF: one table with a total; the same table gives the same bytes."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.utils.translation import get_language
from django.utils.translation import gettext as translate

from mains.base.formats import amount_text
from mains.reporting.queries.bill_paper.typeset import set_statement

BYTE_ORDER_MARK = "\ufeff"
WRITTEN = datetime(2000, 1, 1, tzinfo=UTC)
"""What a spreadsheet says of when it was made: the same figures are the same bytes."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | Decimal | None
"""Words; minor units; a percentage; nothing."""


@dataclass(frozen=True, kw_only=True)
class StatementTable:
    """`head` are facts above the table; the first `texts` cells of a row are words, the others figures or None."""

    title: str
    head: Sequence[tuple[str, str]]
    headings: Sequence[str]
    texts: int
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell]


def statement_csv(table: StatementTable) -> bytes:
    """UTF-8 with byte order mark, comma, amounts with a point and two decimals, the total as the last line."""
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(table.headings)
    writer.writerows([_plain(cell) for cell in row] for row in (*table.rows, table.total))
    return out.getvalue().encode("utf-8")


def statement_xlsx(table: StatementTable) -> bytes:
    """A workbook with one sheet; words are text, so that leading zeros stay; figures are numbers."""
    from xlsxwriter import Workbook

    out = io.BytesIO()
    with Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False}
    ) as book:
        book.set_properties({"created": WRITTEN})
        sheet = book.add_worksheet()
        bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
        sheet.write_string(0, 0, table.title, bold)
        for line, (label, text) in enumerate(table.head, start=1):
            sheet.write_string(line, 0, f"{label}: {text}")
        first = len(table.head) + 1
        sheet.write_row(first, 0, table.headings, bold)
        for line, row in enumerate((*table.rows, table.total), start=first + 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(line, column, cell)
                elif cell is not None:
                    sheet.write_number(line, column, _units(cell), money)
        sheet.freeze_panes(first + 1, table.texts)
        sheet.set_column(0, table.texts - 1, 30)
        sheet.set_column(table.texts, len(table.headings) - 1, 18)
    return out.getvalue()


def statement_pdf(table: StatementTable) -> bytes:
    """A4, PDF/UA-1. Raises UnableToPrintBill when no font prints a letter of it."""
    language = get_language() or "en"

    def shown(cell: Cell) -> str:
        if cell is None:
            return "—"
        if isinstance(cell, int):
            return amount_text(cell, language=language)
        return f"{cell:f}" if isinstance(cell, Decimal) else cell

    return set_statement(
        {
            "language": language.split("-")[0],
            "title": table.title,
            "number": table.title,
            "page": translate("Page"),
            "texts": table.texts,
            "head": [list(fact) for fact in table.head],
            "columns": list(table.headings),
            "rows": [[shown(cell) for cell in row] for row in (*table.rows, table.total)],
            "sums": [],
        }
    )


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        # A name that a spreadsheet would take for a formula gets an apostrophe before it.
        return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
    return f"{_units(cell):.2f}"


def _units(cell: int | Decimal) -> Decimal:
    return Decimal(cell).scaleb(-2) if isinstance(cell, int) else cell
