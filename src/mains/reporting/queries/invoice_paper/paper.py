"""An invoice as PDF: who asks whom for how much by when, one reference and code to pay by, and its accounts."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from mains.base.formats import (
    amount_text,
    currency_sign,
    date_text,
    money_text,
    month_inside_text,
    month_text,
    quantity_text,
    unit_text,
)
from mains.base.units import UNIT_OF_SERVICE
from mains.invoicing.queries.invoices import InvoiceRecord, PartRecord, bills_of, list_parts
from mains.invoicing.values import InvoiceKind
from mains.network.values import Service
from mains.reporting.queries.bill_paper import bill_texts, spoken_language
from mains.reporting.queries.bill_paper.payment_codes import Payment, codes_of, list_codes, payment_svg
from mains.reporting.queries.bill_paper.registry import Payee, get_payee
from mains.reporting.queries.bill_paper.typeset import set_bills, set_invoice
from mains.tariffs.queries.records import currency_of_utility

Texts = dict[str, Any]


def invoice_pdf(*, invoice: InvoiceRecord, language: str | None = None) -> bytes:
    """The invoice (A4, PDF/UA-1), in the customer's language when none is named; the same invoice gives the same bytes.

    Raises UnableToPrintBill when no font at hand prints it.
    """
    spoken = spoken_language(language or invoice.language)
    with translation.override(spoken):
        return set_invoice(invoice_texts(invoice, language=spoken))


def bills_of_invoice_pdf(*, invoice: InvoiceRecord, language: str | None = None) -> bytes:
    """All bills that the invoice names, each with every amount explained, in one PDF. Raises as `bill_pdf` does."""
    bills = bills_of(list_parts(invoice_id=invoice.id))
    assert bills, "An advance invoice has no bills."
    spoken = language or invoice.language
    return set_bills([bill_texts(month=month, bill_id=bill_id, language=spoken) for month, bill_id in bills])


def invoice_texts(invoice: InvoiceRecord, *, language: str) -> Texts:
    """The texts of the invoice in `language`, which must be the active one, as plain JSON."""
    parts, currency = list_parts(invoice_id=invoice.id), currency_of_utility()
    payee = get_payee(provider_id=parts[0].provider_id)
    return {
        "language": language.partition("-")[0],
        "number": invoice.number,
        "title": title_of(invoice),
        "subtitle": month_text(invoice.month, language=language),
        "supplier": {
            "name": payee.name,
            "lines": [_("Tax no. %(number)s") % {"number": payee.tax_number}] if payee.tax_number else [],
        },
        "customer": invoice.customer_name,
        "facts": list(_facts(invoice, language=language)),
        "pay": _pay(invoice, currency=currency, language=language),
        "codes": _codes(invoice, parts, payee, currency=currency, language=language),
        "summary": list(_summary(parts, language=language)),
        "rows": list(_rows(invoice, parts, language=language)),
        "total": amount_text(invoice.amount_minor, language=language),
        "notes": list(_notes(invoice, parts, currency=currency, language=language)),
        "labels": {
            "customer": _("Customer"),
            "number": _("Invoice %(number)s") % {"number": invoice.number},
            "summary": _("Summary"),
            "annex": _("By account"),
            "account": _("Account no."),
            "bill": _("Bill") if not invoice.is_advance else _("Expected use"),
            "service": _("Service"),
            "amount": _("Amount, %(unit)s") % {"unit": currency_sign(currency, language=language)},
            "total": _("Total"),
            "page": _("Page"),
        },
    }


def title_of(invoice: InvoiceRecord) -> str:
    """What the document is called."""
    return {
        InvoiceKind.COLLECTIVE.value: _("Collective invoice"),
        InvoiceKind.SHARED.value: _("Invoice for a share of a bill"),
        InvoiceKind.ADVANCE.value: _("Advance invoice"),
        InvoiceKind.PERIOD.value: _("Invoice for several months"),
    }[invoice.kind]


def _facts(invoice: InvoiceRecord, *, language: str) -> Iterator[list[str]]:
    if invoice.group_name:
        yield [_("Group"), invoice.group_name]
    if invoice.account_number:
        yield [_("Account no."), invoice.account_number]
    if invoice.source_number:
        yield [_("Share of bill"), invoice.source_number]
    yield [_("Issued"), date_text(invoice.issued_on, language=language)]
    yield [_("Payment reference"), invoice.number]


def _pay(invoice: InvoiceRecord, *, currency: str, language: str) -> Texts:
    amount = money_text(abs(invoice.amount_minor), currency=currency, language=language)
    if invoice.amount_minor < 0:
        return {
            "heading": _("We owe you"),
            "amount": amount,
            "notes": [_("Nothing to pay. It is set off against your next bills.")],
        }
    return {
        "heading": _("Amount to pay"),
        "amount": amount,
        "notes": [
            _("Please pay by %(date)s") % {"date": date_text(invoice.due_on, language=language)},
            _("Name the reference %(number)s; no other number is needed.") % {"number": invoice.number},
        ],
    }


def _codes(
    invoice: InvoiceRecord, parts: Sequence[PartRecord], payee: Payee, *, currency: str, language: str
) -> list[Texts]:
    if len({part.provider_id for part in parts}) > 1:
        return []  # nobody pays several suppliers by one code
    codes = list_codes(
        Payment(
            payee=payee,
            currency=currency,
            amount_minor=invoice.amount_minor,
            account_number=invoice.number,
            bill_number=invoice.number,
            month=invoice.month,
            due_on=invoice.due_on,
            purpose=_("%(title)s, %(month)s, reference %(number)s")
            % {
                "title": title_of(invoice),
                "month": month_inside_text(invoice.month, language=language),
                "number": invoice.number,
            },
        ),
        stated=codes_of(party_id=parts[0].provider_id),
    )
    return [{"svg": payment_svg(code), "caption": _("Scan to pay")} for code in codes]


def _summary(parts: Sequence[PartRecord], *, language: str) -> Iterator[list[str]]:
    ordered = sorted(parts, key=lambda part: part.service)
    for service, rows in groupby(ordered, key=lambda part: part.service):
        minor = sum(part.amount_minor for part in rows)
        yield [str(Service(service).label), amount_text(minor, language=language)]


def _rows(invoice: InvoiceRecord, parts: Sequence[PartRecord], *, language: str) -> Iterator[Texts]:
    for part in parts:
        detail = part.bill
        if part.bill_month is not None and part.bill_month != invoice.month:
            detail = f"{detail}, {month_inside_text(part.bill_month, language=language)}"
        if part.quantity_micro is not None:
            detail = quantity_text(
                part.quantity_micro, unit=unit_text(UNIT_OF_SERVICE[part.service]), language=language
            )
        yield {
            "account": part.account_number,
            "address": part.address,
            "bill": detail,
            "service": str(Service(part.service).label),
            "amount": amount_text(part.amount_minor, language=language),
        }


def _notes(
    invoice: InvoiceRecord, parts: Sequence[PartRecord], *, currency: str, language: str
) -> Iterator[str]:
    if invoice.is_collective:
        yield _("Each account's bill, with its calculation, is enclosed; this invoice adds them up.")
    elif invoice.kind == InvoiceKind.PERIOD:
        yield _("The charges of each month, with their calculation, are enclosed; this invoice adds them up.")
    elif invoice.is_advance:
        yield _("This is no bill: what you pay is an advance, which your next bills use.")
        for part in parts:
            if part.vat_percent is not None:
                yield _("Net %(net)s, VAT %(percent)s %%: %(vat)s.") % {
                    "net": money_text(
                        part.amount_minor - part.vat_minor, currency=currency, language=language
                    ),
                    "percent": f"{part.vat_percent.normalize():f}",
                    "vat": money_text(part.vat_minor, currency=currency, language=language),
                }
    if invoice.note:
        yield invoice.note
    if invoice.cancelled_for:
        yield _("Cancelled: %(reason)s") % {"reason": invoice.cancelled_for}
