"""Losses of one level as CSV, spreadsheet and JSON: the same rows as on the screen, quantities in units."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _

from mains.balance.queries.losses import LossRow
from mains.base.units import UNIT_OF_SERVICE

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def headings() -> list[str]:
    """Titles of the columns in the reader's language."""
    return [
        _("Code"),
        _("Node"),
        _("Unit of measure"),
        _("Flowed in"),
        _("Of this fed in by consumers"),
        _("Used"),
        _("Lost"),
        _("Share lost, percent"),
        _("Lost at this node"),
        _("Shared among consumers"),
        _("Over the cap"),
        _("Billed to managing companies"),
    ]


def losses_csv(rows: Sequence[LossRow]) -> bytes:
    """UTF-8 with byte order mark, comma, decimal point."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(headings())
    for row in rows:
        code, name, unit, *figures = _cells(row)
        writer.writerow(
            [_harmless(code), _harmless(name), unit, *("" if f is None else f"{f:f}" for f in figures)]
        )
    return out.getvalue().encode("utf-8")


def losses_xlsx(rows: Sequence[LossRow]) -> bytes:
    """A workbook with one sheet; codes are text, quantities numbers."""
    from xlsxwriter import Workbook

    out = io.BytesIO()
    with Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False}
    ) as book:
        sheet = book.add_worksheet(_("Losses"))
        sheet.write_row(0, 0, headings(), book.add_format({"bold": True}))
        number = book.add_format({"num_format": "#,##0.###"})
        for line, row in enumerate(rows, start=1):
            for column, cell in enumerate(_cells(row)):
                if isinstance(cell, Decimal):
                    sheet.write_number(line, column, cell, number)
                elif cell is not None:
                    sheet.write_string(line, column, cell)
        sheet.freeze_panes(1, 2)
        sheet.set_column(0, 0, 14)
        sheet.set_column(1, 1, 40)
        sheet.set_column(2, 11, 16)
    return out.getvalue()


def losses_json(rows: Sequence[LossRow], *, month: date, path: Sequence[str]) -> str:
    """Quantities in micro-units of the service's unit."""
    document = {
        "month": f"{month:%Y-%m}",
        "path": list(path),
        "rows": [
            {
                "code": row.code,
                "name": row.name,
                "kind": row.kind,
                "unit": UNIT_OF_SERVICE[row.service],
                "is_measured": row.is_measured,
                "meters": row.meters,
                "in_micro": row.in_micro,
                "fed_in_micro": row.fed_in_micro,
                "used_micro": row.used_micro,
                "lost_micro": row.lost_micro,
                "own_lost_micro": row.own_lost_micro,
                "shared_micro": row.shared_micro,
                "over_cap_micro": row.over_cap_micro,
                "rest_micro": row.rest_micro,
            }
            for row in rows
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def shown_rows(rows: Sequence[LossRow]) -> list[list[str]]:
    """The same as texts for a table of the command line, quantities in whole units."""
    return [
        [*texts, *("" if figure is None else f"{figure:,.1f}" for figure in figures)]
        for *texts, figures in (
            (cells[0], cells[1], cells[2], cells[3:]) for cells in (_cells(row) for row in rows)
        )
    ]


def lost_percent(row: LossRow) -> Decimal | None:
    """Loss in hundredths of what flowed in, to one decimal; None where nothing flowed."""
    if row.in_micro <= 0:
        return None
    tenths = round(Fraction(row.lost_micro * 1000, row.in_micro))
    return Decimal(tenths).scaleb(-1)


def _cells(row: LossRow) -> list[Any]:
    figures = (row.in_micro, row.fed_in_micro, row.used_micro, row.lost_micro)
    own = (
        row.own_lost_micro if row.is_measured else None,
        row.shared_micro,
        row.over_cap_micro,
        row.rest_micro,
    )
    return [
        row.code,
        row.name,
        UNIT_OF_SERVICE[row.service],
        *(Decimal(micro).scaleb(-6) for micro in figures),
        lost_percent(row),
        *(None if micro is None else Decimal(micro).scaleb(-6) for micro in own),
    ]


def _harmless(text: str) -> str:
    """A name that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
