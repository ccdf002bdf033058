"""The parts of an invoice as CSV and spreadsheet: a row for each account, bill and service, and the total."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from mains.invoicing.queries.invoices import InvoiceRecord, PartRecord, list_parts
from mains.network.values import Service

BYTE_ORDER_MARK = "\ufeff"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def invoice_csv(*, invoice: InvoiceRecord) -> bytes:
    """UTF-8 with byte order mark, comma, amounts with a point and two decimals, the total as the last line."""
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_headings())
    for part in list_parts(invoice_id=invoice.id):
        texts = [_harmless(text) for text in _texts(invoice, part)]
        writer.writerow([*texts, f"{_units(part.amount_minor):.2f}"])
    writer.writerow([invoice.number, *[""] * 4, _("Total"), f"{_units(invoice.amount_minor):.2f}"])
    return out.getvalue().encode("utf-8")


def invoice_xlsx(*, invoice: InvoiceRecord) -> bytes:
    """A workbook with one sheet; numbers of accounts and bills are text, amounts are numbers."""
    from xlsxwriter import Workbook

    out = io.BytesIO()
    with Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False}
    ) as book:
        sheet = book.add_worksheet(invoice.number)
        bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
        sheet.write_row(0, 0, _headings(), bold)
        parts = list_parts(invoice_id=invoice.id)
        for row, part in enumerate(parts, start=1):
            sheet.write_row(row, 0, list(_texts(invoice, part)))
            sheet.write_number(row, 6, _units(part.amount_minor), money)
        sheet.write(len(parts) + 1, 5, _("Total"), bold)
        sheet.write_number(len(parts) + 1, 6, _units(invoice.amount_minor), money)
        sheet.freeze_panes(1, 0)
        for column, width in enumerate((14, 14, 40, 14, 10, 20, 14)):
            sheet.set_column(column, column, width)
    return out.getvalue()


def _headings() -> list[str]:
    return [
        _("Invoice"),
        _("Account no."),
        _("Address"),
        _("Bill"),
        _("Month"),
        _("Service"),
        _("Amount"),
    ]


def _texts(invoice: InvoiceRecord, part: PartRecord) -> Iterator[str]:
    yield invoice.number
    yield part.account_number
    yield part.address
    yield part.bill
    yield f"{part.bill_month or invoice.month:%Y-%m}"
    yield str(Service(part.service).label)


def _units(minor: int) -> Any:
    """An exact amount; XlsxWriter takes decimals for numbers, and its types do not say so."""
    return Decimal(minor).scaleb(-2)


def _harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
