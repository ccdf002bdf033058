"""A posted bill as an invoice of EN 16931: the door from billing to all documents that are made of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from django.utils import translation
from django.utils.translation import gettext as _

from mains.base.formats import month_inside_text
from mains.base.rows import fetch_row
from mains.billing.queries.explain import LineExplanation
from mains.billing.queries.records import BillRecord
from mains.integrations.einvoice.queries.amounts import Amounts, Posted, RateTotals, split_amounts
from mains.integrations.einvoice.queries.legal_data import find_buyer_data, find_seller_data
from mains.integrations.einvoice.queries.lines import make_lines
from mains.integrations.einvoice.queries.parties import make_buyer, make_delivery, make_payment, make_seller
from mains.integrations.einvoice.queries.portions import (
    ServiceAmounts,
    amounts_by_service,
    divide_amounts,
    with_portions,
)
from mains.integrations.einvoice.queries.preceding import list_preceding
from mains.integrations.einvoice.queries.vat import find_rule, is_vat
from mains.integrations.einvoice.values.invoice import (
    INVOICE,
    Invoice,
    InvoiceLine,
    PrecedingInvoice,
    VatBreakdown,
    VatCategory,
    minor_text,
)
from mains.integrations.einvoice.values.legal import BuyerData, SellerData, UnableToMakeInvoice
from mains.invoicing.queries.advance_vat import list_used_advances
from mains.invoicing.queries.shares import divided_of_bill
from mains.reporting.queries.bill_paper import BillContent, get_content
from mains.reporting.queries.bill_paper.content import customer_language
from mains.tariffs.queries.records import tariff_of_edition

_CUSTOMER = """
SELECT c.id, c.kind, c.tax_number, c.phone, c.email
FROM customers_account a JOIN customers_customer c ON c.id = a.customer_id WHERE a.id = %(id)s
"""


def make_invoice(*, month: date, bill_id: int) -> Invoice:
    """The bill as an invoice, or as a credit note where it gives money back; its texts in the customer's language. Of a
    bill that is shared it is the account's own part; what advances have paid of it is deducted (BT-113).

    Net amounts, VAT and rounding sum to the bill exactly, and the VAT is what was posted. Raises UnableToPrintBill when
    there is no such bill, UnableToExplain when it does not follow from its facts, UnableToMakeInvoice when it has no
    form in EN 16931. What the norm wants beyond that, `queries.checks` finds.
    """
    with translation.override(customer_language(month=month, bill_id=bill_id)):
        content = get_content(month=month, bill_id=bill_id)
        made = _invoice(content, language=translation.get_language() or "en")
    return made.turned() if made.total_minor < 0 else made


def make_portion(*, month: date, bill_id: int, payer_id: int, language: str) -> Invoice:
    """A payer's part of a shared bill, with amounts below zero where it gives money back, still addressed to the
    account that is supplied. Raises as `make_invoice` does."""
    with translation.override(language):
        return _invoice(get_content(month=month, bill_id=bill_id), language=language, payer_id=payer_id)


def make_signed_invoice(*, month: date, bill_id: int, language: str) -> Invoice:
    """The bill as an invoice also where it gives money back, with amounts below zero: a part of a larger one. Raises as
    `make_invoice` does."""
    with translation.override(language):
        return _invoice(get_content(month=month, bill_id=bill_id), language=language)


def _invoice(content: BillContent, *, language: str, payer_id: int | None = None) -> Invoice:
    bill = content.bill
    _refuse_what_has_no_form(content)
    provider_id = content.place.provider_id
    customer = fetch_row(_customer, _CUSTOMER, {"id": bill.account_id})
    assert customer is not None  # a bill's account is never deleted
    seller_data = find_seller_data(party_id=provider_id, on_date=bill.issued_on) or SellerData()
    buyer_data = find_buyer_data(customer_id=customer[0], on_date=bill.issued_on) or BuyerData()
    posted = [_posted(line, seller_data) for line in content.explained.lines]
    amounts = split_amounts(posted)
    lines = tuple(make_lines(content, amounts, seller=seller_data, buyer=buyer_data))
    made = Invoice(
        type_code=INVOICE,
        number=content.number,
        issued_on=bill.issued_on,
        due_on=bill.due_on,
        currency=content.currency,
        buyer_reference=buyer_data.reference or content.addressee.account_number,
        contract="",
        object_id=content.addressee.account_number,
        terms=_terms(bill),
        notes=_notes(bill, language=language),
        seller=make_seller(content.payee, seller_data),
        buyer=make_buyer(content, buyer_data, customer=customer, country=seller_data.country),
        delivery=make_delivery(content.place, country=buyer_data.country or seller_data.country),
        period=_period(lines, bill),
        payment=make_payment(content, seller_data, is_refund=bill.amount_minor < 0),
        preceding=tuple(list_preceding(bill=bill, lines=content.explained.lines)),
        breakdown=tuple(_breakdown(lines, amounts, seller_data)),
        lines=lines,
        rounding_minor=amounts.rounding_minor,
        language=language,
    )
    assert made.total_minor == bill.amount_minor, "an invoice asks for what its bill asks for"
    if content.passed_on_minor or payer_id is not None:
        by_service = amounts_by_service(content, lines, posted, amounts)
        made = _portion(made, content, by_service, payer_id or bill.account_id)
    if content.advance is not None and payer_id is None:
        made = _with_advances(made, content)
    if {each.category for each in made.breakdown} == {VatCategory.OUT_OF_SCOPE}:
        # BR-O-02 to BR-O-04: outside the scope of VAT nobody states a VAT number.
        made = replace(
            made, seller=replace(made.seller, vat_number=""), buyer=replace(made.buyer, vat_number="")
        )
    return made


def _portion(
    whole: Invoice, content: BillContent, by_service: Mapping[str, ServiceAmounts], payer_id: int
) -> Invoice:
    bill, portions = content.bill, {}
    divided = divided_of_bill(bill_id=bill.id)
    for service, amounts in by_service.items():
        parts = dict(divided.get((content.place.provider_id, service), {}))
        parts[bill.account_id] = amounts.total_minor - sum(parts.values())
        if payer_id in parts:
            portions[service] = divide_amounts(amounts, parts)[payer_id]
    return with_portions(whole, portions, number=content.number)


def _with_advances(made: Invoice, content: BillContent) -> Invoice:
    """What advances have paid is deducted, each invoice in advance named with its VAT (BT-22, BG-3)."""
    used = list_used_advances(account_id=content.bill.account_id, bill_id=content.bill.id)
    notes = [
        _("Advance invoice %(number)s: %(amount)s, of which VAT %(vat)s.")
        % {
            "number": one.number,
            "amount": f"{minor_text(one.used_minor)} {made.currency}",
            "vat": f"{minor_text(one.vat_minor)} {made.currency}",
        }
        for one in used
    ]
    return replace(
        made,
        prepaid_minor=sum(one.used_minor for one in used),
        notes=(*made.notes, *notes),
        preceding=(
            *made.preceding,
            *(PrecedingInvoice(number=one.number, issued_on=one.issued_on) for one in used),
        ),
    )


def _customer(
    customer_id: int, kind: str, tax_number: str, phone: str, email: str
) -> tuple[int, str, str, str, str]:
    return customer_id, kind, tax_number, phone, email


def _refuse_what_has_no_form(content: BillContent) -> None:
    place = f"bill {content.number}"
    if not any(line.amount_minor for line in content.explained.lines):
        raise UnableToMakeInvoice(
            code="invoice-without-lines",
            message="The bill charges nothing, and an invoice needs a line.",
            place=place,
            remedy="Nothing is to be sent for this month.",
        )
    billed = {line.posted.agreement_id for line in content.explained.lines}
    if len({content.places[agreement].provider_id for agreement in billed}) > 1:
        raise UnableToMakeInvoice(
            code="invoice-several-sellers",
            message="The bill has charges of several suppliers, and an invoice has one seller.",
            place=place,
            remedy="Bill each supplier's services on an account of its own.",
        )
    scales = {
        tariff_of_edition(edition_id=line.posted.tariff_edition_id).posting_scale
        for line in content.explained.lines
    }
    if scales != {100}:
        raise UnableToMakeInvoice(
            code="invoice-decimals",
            message="The bill's currency has three decimals, and EN 16931 states amounts with two.",
            place=place,
            remedy="Send this bill on paper.",
        )


def _posted(line: LineExplanation, seller: SellerData) -> Posted:
    row = line.posted
    named = frozenset(seller.vat_components.split())
    rule = None
    if row.kind in ("tax", "tax_included") and is_vat(row.component, named=named):
        tariff = tariff_of_edition(edition_id=row.tariff_edition_id)
        rule = find_rule(tariff=tariff, component=row.component, day=row.from_date)
    return Posted(
        item=(row.agreement_id, row.service_month),
        component=row.component,
        kind=row.kind,
        amount_minor=row.amount_minor,
        period=(row.from_date, row.to_date),
        rule=rule,
    )


def _terms(bill: BillRecord) -> str:
    if bill.amount_minor >= 0:
        return ""
    if bill.is_settlement:
        return _("Nothing to pay. Tell us where to pay it out.")
    return _("Nothing to pay. It is set off against your next bills.")


def _notes(bill: BillRecord, *, language: str) -> tuple[str, ...]:
    month = month_inside_text(bill.month, language=language)
    if bill.is_settlement:
        return (_("Final bill, %(month)s") % {"month": month},)
    if bill.is_on_site:
        return (_("On-site bill, %(month)s") % {"month": month},)
    if bill.is_recalculation:
        return (_("Recalculation posted in %(month)s") % {"month": month},)
    return (_("Bill for %(month)s") % {"month": month},)


def _period(lines: tuple[InvoiceLine, ...], bill: BillRecord) -> tuple[date, date]:
    """The days of all lines: those of a line must lie within the invoice's (PEPPOL-EN16931-R110, R111)."""
    periods = [line.period for line in lines if line.period is not None]
    if not periods:
        following = (bill.month + timedelta(days=31)).replace(day=1)
        return bill.month, following - timedelta(days=1)
    return min(first for first, _last in periods), max(last for _first, last in periods)


def _breakdown(lines: tuple[InvoiceLine, ...], amounts: Amounts, seller: SellerData) -> list[VatBreakdown]:
    """One group for each category and rate that a line has (BR-CO-18), in the order of rates."""
    keys = sorted({(line.category, line.rate) for line in lines}, key=lambda key: (-key[1], key[0]))
    return [
        _group(
            VatBreakdown(
                category=category,
                rate=rate,
                taxable_minor=sum(
                    line.net_minor for line in lines if (line.category, line.rate) == (category, rate)
                ),
                tax_minor=0,
            ),
            amounts.rates.get(Fraction(rate) / 100) if category == VatCategory.STANDARD else None,
            seller=seller,
        )
        for category, rate in keys
    ]


def _group(group: VatBreakdown, totals: RateTotals | None, *, seller: SellerData) -> VatBreakdown:
    if totals is not None:
        return replace(group, tax_minor=totals.tax_minor, postings=totals.postings)
    if group.category == VatCategory.REVERSE_CHARGE:
        return replace(group, reason="Reverse charge", reason_code="VATEX-EU-AE")
    if group.category == VatCategory.OUT_OF_SCOPE:
        return replace(
            group, reason=seller.exemption_reason, reason_code=seller.exemption_code or "VATEX-EU-O"
        )
    if group.category == VatCategory.EXEMPT:
        return replace(group, reason=seller.exemption_reason, reason_code=seller.exemption_code)
    return group
