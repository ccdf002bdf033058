"""The turnover statement as CSV, spreadsheet and JSON: the same rows and sums as on the screen, never cut."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as translate

from mains.reporting.queries.turnover import Figures, RowKind, TurnoverLevel, all_rows

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

WRITTEN = datetime(2000, 1, 1, tzinfo=UTC)
BYTE_ORDER_MARK = "\ufeff"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_FIGURES = ("opening", "accrued", "recalculated", "paid", "closing")


def turnover_csv(level: TurnoverLevel) -> bytes:
    """UTF-8 with byte order mark, comma, amounts with a point and two decimals, the total as the last
    line.
    """
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(headings())
    for code, name, figures in _lines(level):
        writer.writerow(
            [_harmless(code), _harmless(name), *(f"{amount:.2f}" for amount in _amounts(figures))]
        )
    return out.getvalue().encode("utf-8")


def turnover_xlsx(level: TurnoverLevel) -> bytes:
    """A workbook with one sheet. Codes are text, so that leading zeros stay; amounts are numbers."""
    from xlsxwriter import Workbook

    out = io.BytesIO()
    with Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False}
    ) as book:
        # The same figures are the same bytes, whenever they are written.
        book.set_properties({"created": WRITTEN})
        sheet = book.add_worksheet(translate("Turnover"))
        bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
        sheet.write_row(0, 0, headings(), bold)
        for row, (code, name, figures) in enumerate(_lines(level), start=1):
            _write_row(sheet, row, code, name, figures, money)
        sheet.freeze_panes(1, 2)
        sheet.set_column(0, 0, 18)
        sheet.set_column(1, 1, 40)
        sheet.set_column(2, 6, 18)
    return out.getvalue()


def turnover_json(level: TurnoverLevel) -> str:
    """Minor units as whole numbers; `total` is the sum of `rows`."""
    document = {
        "month_from": level.month_from.isoformat(),
        "month_to": level.month_to.isoformat(),
        "as_of": level.as_of.isoformat() if level.as_of else None,
        "unit": level.unit.code if level.unit else None,
        "path": [unit.code for unit in level.path],
        "total": _minor(level.total),
        "rows": [
            {"kind": row.kind.value, "id": row.id, "code": row.code, "name": row.name, **_minor(row.figures)}
            for row in all_rows(level)
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def headings() -> list[str]:
    """Titles of the statement's columns in the reader's language."""
    return [
        translate("Code"),
        translate("Name"),
        translate("Opening"),
        translate("Accrued"),
        translate("Recalculated"),
        translate("Paid"),
        translate("Closing"),
    ]


def _lines(level: TurnoverLevel) -> Iterator[tuple[str, str, Figures]]:
    for row in all_rows(level):
        yield (row.code if row.kind != RowKind.OWN_ACCOUNTS else "", row.name, row.figures)
    yield "", translate("Total"), level.total


def _minor(figures: Figures) -> dict[str, int]:
    return {f"{name}_minor": getattr(figures, f"{name}_minor") for name in _FIGURES}


def _amounts(figures: Figures) -> list[Decimal]:
    return [Decimal(minor).scaleb(-2) for minor in _minor(figures).values()]


def _harmless(text: str) -> str:
    """A name that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _write_row(sheet: "Worksheet", row: int, code: str, name: str, figures: Figures, money: "Format") -> None:
    sheet.write_string(row, 0, code)
    sheet.write_string(row, 1, name)
    amounts: list[Any] = _amounts(figures)
    for column, amount in enumerate(amounts, start=2):
        sheet.write_number(row, column, amount, money)
