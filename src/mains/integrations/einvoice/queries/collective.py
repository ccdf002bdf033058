"""An invoice over many accounts or several months as one of EN 16931: the lines of all its bills, each with the account
it is for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from mains.integrations.einvoice.queries.invoices import make_signed_invoice
from mains.integrations.einvoice.values.invoice import (
    INVOICE,
    Invoice,
    InvoiceLine,
    VatBreakdown,
    VatCategory,
)
from mains.integrations.einvoice.values.legal import UnableToMakeInvoice
from mains.invoicing.queries.invoices import InvoiceRecord, bills_of, list_parts


def make_collective_invoice(*, invoice: InvoiceRecord) -> Invoice:
    """The invoice with the lines of its bills, or as a credit note where they give money back.

    The buyer is that of the first bill, under the group's customer; each line says its account (BT-127). Net amounts,
    VAT and rounding are the sums of the bills', so that it asks for exactly what they do. Raises UnableToMakeInvoice:
    several sellers or currencies; and as `make_invoice` does.
    """
    place = f"invoice {invoice.number}"
    assert invoice.has_whole_bills, "Shares and advances have documents of their own."
    made = [
        (account, make_signed_invoice(month=month, bill_id=bill_id, language=invoice.language))
        for account, month, bill_id in _bills(invoice)
    ]
    first = made[0][1]
    for _account, each in made:
        if (each.seller, each.currency) != (first.seller, first.currency):
            raise _refusal(
                place,
                "invoice-several-sellers",
                "The bills are of several suppliers or currencies, and an invoice has one seller.",
                "Group the accounts by supplier.",
            )
    invoices = [each for _account, each in made]
    whole = replace(
        first,
        type_code=INVOICE,
        number=invoice.number,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        object_id=invoice.group_code or invoice.account_number,
        notes=(invoice.group_name,) if invoice.group_name else (),
        terms="",
        buyer=replace(first.buyer, name=invoice.customer_name),
        payment=replace(first.payment, reference=invoice.number),
        period=(min(each.period[0] for each in invoices), max(each.period[1] for each in invoices)),
        preceding=tuple(dict.fromkeys(before for each in invoices for before in each.preceding)),
        lines=tuple(_numbered(made)),
        breakdown=tuple(_summed(invoices)),
        rounding_minor=sum(each.rounding_minor for each in invoices),
        prepaid_minor=sum(each.prepaid_minor for each in invoices),
    )
    assert whole.total_minor == invoice.amount_minor, "an invoice asks for what its bills ask for"
    return whole.turned() if invoice.amount_minor < 0 else whole


def _bills(invoice: InvoiceRecord) -> list[tuple[str, date, int]]:
    parts = list_parts(invoice_id=invoice.id)
    of_bill = {(part.bill_month, part.bill_id): part.account_number for part in parts}
    return [(of_bill[bill], *bill) for bill in bills_of(parts)]


def _numbered(made: Sequence[tuple[str, Invoice]]) -> list[InvoiceLine]:
    lines = [
        replace(line, note=" ".join(part for part in (account, line.note) if part))
        for account, each in made
        for line in each.lines
    ]
    return [replace(line, identifier=str(number)) for number, line in enumerate(lines, start=1)]


def _summed(invoices: Sequence[Invoice]) -> list[VatBreakdown]:
    groups: dict[tuple[VatCategory, Decimal], VatBreakdown] = {}
    for each in (group for invoice in invoices for group in invoice.breakdown):
        key = each.category, each.rate
        known = groups.get(key)
        groups[key] = (
            each
            if known is None
            else replace(
                known,
                taxable_minor=known.taxable_minor + each.taxable_minor,
                tax_minor=known.tax_minor + each.tax_minor,
                postings=known.postings + each.postings,
            )
        )
    return [groups[key] for key in sorted(groups, key=lambda key: (-key[1], key[0]))]


def _refusal(place: str, code: str, message: str, remedy: str) -> UnableToMakeInvoice:
    return UnableToMakeInvoice(code=code, message=message, place=place, remedy=remedy)
