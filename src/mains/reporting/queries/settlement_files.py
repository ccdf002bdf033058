"""A settlement's statement as CSV, spreadsheet and PDF, from what was kept when it was drawn up.

It has the same bytes whenever it is printed in the same language.
"""

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as translate

from mains.base.formats import date_text, money_text
from mains.network.values import Service
from mains.reporting.queries.bill_paper.typeset import set_statement
from mains.settlement.queries.statements import SettlementRecord

BYTE_ORDER_MARK = "\ufeff"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_FIGURES = ("collected_minor", "taken_back_minor", "fee_minor", "due_minor")


def settlement_csv(settlement: SettlementRecord) -> bytes:
    """UTF-8 with byte order mark, comma, amounts with a point and two decimals."""
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(headings())
    for line in settlement.content["lines"]:
        names = (line["provider"], _service(line["service"]), line["owner"])
        writer.writerow([*map(_harmless, names), *(f"{_units(line[name]):.2f}" for name in _FIGURES)])
    for label, minor in _sums(settlement.content):
        writer.writerow([label, "", "", "", "", "", f"{_units(minor):.2f}"])
    return out.getvalue().encode("utf-8")


def settlement_xlsx(settlement: SettlementRecord) -> bytes:
    """A workbook with one sheet; amounts are numbers."""
    from xlsxwriter import Workbook

    out = io.BytesIO()
    with Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False}
    ) as book:
        book.set_properties({"created": settlement.recorded_at.replace(tzinfo=None)})
        sheet = book.add_worksheet(translate("Settlement"))
        bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
        sheet.write_string(0, 0, _title(settlement), bold)
        sheet.write_row(1, 0, headings(), bold)
        row = 2
        for line in settlement.content["lines"]:
            names = (line["provider"], _service(line["service"]), line["owner"])
            for column, name in enumerate(names):
                sheet.write_string(row, column, name)
            for column, figure in enumerate(_FIGURES, start=3):
                sheet.write_number(row, column, _units(line[figure]), money)
            row += 1
        for label, minor in _sums(settlement.content):
            sheet.write_string(row, 0, label, bold)
            sheet.write_number(row, 6, _units(minor), money)
            row += 1
        sheet.freeze_panes(2, 0)
        sheet.set_column(0, 2, 34)
        sheet.set_column(3, 6, 18)
    return out.getvalue()


def settlement_pdf(settlement: SettlementRecord, *, currency: str) -> bytes:
    """A4, PDF/UA-1, in the active language. Raises UnableToPrintBill when no font prints a letter of it."""
    language = get_language() or "en"

    def money(minor: int) -> str:
        return money_text(minor, currency=currency, language=language)

    content = settlement.content
    return set_statement(
        {
            "language": language.split("-")[0],
            "title": _title(settlement),
            "number": str(settlement.settlement_id),
            "page": translate("Page"),
            "texts": 3,
            "head": [
                [translate("Recipient"), content["holder"]],
                [
                    translate("Account at the bank"),
                    " ".join(filter(None, (content["account"], content["bank_code"]))),
                ],
                [translate("Period"), _period(content["since"], settlement.through, language)],
                [translate("Drawn up"), date_text(_day(settlement.recorded_at), language=language)],
            ],
            "columns": headings(),
            "rows": [
                [
                    line["provider"],
                    _service(line["service"]),
                    line["owner"],
                    *(money(line[figure]) for figure in _FIGURES),
                ]
                for line in content["lines"]
            ],
            "sums": [[label, money(minor)] for label, minor in _sums(content)],
        }
    )


def headings() -> list[str]:
    """Titles of the statement's columns in the reader's language."""
    return [
        translate("Provider"),
        translate("Service"),
        translate("For whom"),
        translate("Collected"),
        translate("Taken back"),
        translate("Agent's fee"),
        translate("To be passed on"),
    ]


def _sums(content: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [
        (translate("Brought forward"), content["opening_minor"]),
        (translate("Due in all"), content["due_minor"]),
        (translate("Ordered"), content["ordered_minor"]),
        (translate("Carried forward"), content["due_minor"] - content["ordered_minor"]),
    ]


def _title(settlement: SettlementRecord) -> str:
    return translate("Settlement %(number)s with %(party)s") % {
        "number": settlement.settlement_id,
        "party": settlement.content["party"],
    }


def _period(since: str | None, through: date, language: str) -> str:
    """The days after the settlement before, through this one."""
    if since is None:
        return translate("through %(day)s") % {"day": date_text(through, language=language)}
    return translate("after %(first)s, through %(last)s") % {
        "first": date_text(date.fromisoformat(since), language=language),
        "last": date_text(through, language=language),
    }


def _day(instant: datetime) -> date:
    from django.utils import timezone

    return timezone.localdate(instant)


def _service(code: str) -> str:
    return str(Service(code).label) if code in Service.values else code


def _units(minor: int) -> Decimal:
    return Decimal(minor).scaleb(-2)


def _harmless(text: str) -> str:
    """A name that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
