"""Every kind of invoice above the bills as one of EN 16931."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from django.utils import translation
from django.utils.translation import gettext as _

from mains.base.rows import fetch_row
from mains.customers.values import CustomerKind
from mains.integrations.einvoice.queries.collective import make_collective_invoice
from mains.integrations.einvoice.queries.invoices import make_portion
from mains.integrations.einvoice.queries.legal_data import find_buyer_data, find_seller_data
from mains.integrations.einvoice.queries.lines import percent_of
from mains.integrations.einvoice.queries.parties import make_delivery, make_payee_means, make_seller
from mains.integrations.einvoice.values.codes import ONE
from mains.integrations.einvoice.values.invoice import (
    PREPAYMENT,
    Address,
    Invoice,
    InvoiceLine,
    InvoiceParty,
    VatBreakdown,
    VatCategory,
)
from mains.integrations.einvoice.values.legal import BuyerData, SellerData
from mains.invoicing.queries.invoices import InvoiceRecord, PartRecord, list_parts
from mains.invoicing.values import WHOLE_PPM, InvoiceKind, vat_inside
from mains.network.values import Service
from mains.reporting.queries.bill_paper.registry import Place, get_payee, list_places
from mains.tariffs.queries.records import currency_of_utility


def make_invoice_document(*, invoice: InvoiceRecord) -> Invoice:
    """The invoice as one of EN 16931, or as a credit note where it gives money back: whole bills with all their lines,
    a payer's share with a line for each service and rate of VAT, an advance as an invoice in advance (type 386) with
    the VAT that falls due with it. Raises UnableToMakeInvoice; and as `make_invoice` does."""
    if invoice.has_whole_bills:
        return make_collective_invoice(invoice=invoice)
    with translation.override(invoice.language):
        if invoice.kind == InvoiceKind.ADVANCE:
            return _advance(invoice)
        return _share(invoice)


def _share(invoice: InvoiceRecord) -> Invoice:
    assert invoice.source_month is not None, "A share is of a bill."
    assert invoice.source_bill_id is not None, "A share is of a bill."
    assert invoice.account_id is not None, "A share has a payer."
    part = make_portion(
        month=invoice.source_month,
        bill_id=invoice.source_bill_id,
        payer_id=invoice.account_id,
        language=invoice.language,
    )
    buyer, data = _buyer(invoice, country=part.seller.address.country)
    if not part.seller.vat_number:
        buyer = replace(buyer, vat_number="")
    made = replace(
        part,
        number=invoice.number,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        buyer=buyer,
        buyer_reference=data.reference or invoice.account_number,
        object_id=invoice.account_number,
        payment=replace(part.payment, reference=invoice.number),
        terms=_("Nothing to pay. It is set off against your next bills.") if invoice.amount_minor < 0 else "",
        notes=(_("Share of bill %(number)s") % {"number": invoice.source_number},),
    )
    assert made.total_minor == invoice.amount_minor, "an invoice asks for what the payer owes"
    return made.turned() if invoice.amount_minor < 0 else made


def _advance(invoice: InvoiceRecord) -> Invoice:
    (part,) = list_parts(invoice_id=invoice.id)
    seller = find_seller_data(party_id=part.provider_id, on_date=invoice.issued_on) or SellerData()
    payee = get_payee(provider_id=part.provider_id)
    buyer, data = _buyer(invoice, country=seller.country)
    currency = currency_of_utility()
    group, net = _vat(part, seller)
    made = Invoice(
        type_code=PREPAYMENT,
        number=invoice.number,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        currency=currency,
        buyer_reference=data.reference or invoice.account_number,
        contract="",
        object_id=invoice.account_number,
        terms="",
        notes=tuple(filter(None, (_("Advance invoice"), invoice.note))),
        seller=make_seller(payee, seller),
        buyer=buyer,
        delivery=make_delivery(_place(invoice), country=data.country or seller.country),
        period=(invoice.issued_on, invoice.due_on),
        payment=make_payee_means(payee, seller, reference=invoice.number, currency=currency),
        preceding=(),
        breakdown=(group,),
        lines=(
            InvoiceLine(
                identifier="1",
                name=_("Advance for %(service)s") % {"service": Service(part.service).label},
                quantity=Decimal(1),
                unit=ONE,
                net_minor=net,
                price=Decimal(net).scaleb(-2),
                category=group.category,
                rate=group.rate,
            ),
        ),
        language=invoice.language,
    )
    assert made.total_minor == invoice.amount_minor, "an invoice asks for its advance"
    if group.category == VatCategory.OUT_OF_SCOPE:
        made = replace(made, seller=replace(made.seller, vat_number=""), buyer=replace(buyer, vat_number=""))
    return made


def _vat(part: PartRecord, seller: SellerData) -> tuple[VatBreakdown, int]:
    """The VAT that the advance includes, and its net amount."""
    if part.vat_ppm:
        tax = vat_inside(gross_minor=part.amount_minor, rate_ppm=part.vat_ppm)
        net = part.amount_minor - tax
        rate = percent_of(Fraction(part.vat_ppm, WHOLE_PPM))
        return VatBreakdown(
            category=VatCategory.STANDARD, rate=rate, taxable_minor=net, tax_minor=tax, postings=1
        ), net
    category = VatCategory.ZERO if part.vat_ppm == 0 else VatCategory(seller.untaxed_category)
    group = VatBreakdown(category=category, rate=Decimal(0), taxable_minor=part.amount_minor, tax_minor=0)
    if category == VatCategory.OUT_OF_SCOPE:
        code = seller.exemption_code or "VATEX-EU-O"
        group = replace(group, reason=seller.exemption_reason, reason_code=code)
    elif category == VatCategory.EXEMPT:
        group = replace(group, reason=seller.exemption_reason, reason_code=seller.exemption_code)
    return group, part.amount_minor


def _buyer(invoice: InvoiceRecord, *, country: str) -> tuple[InvoiceParty, BuyerData]:
    """The customer who pays, at the address that it states or where its own account is supplied."""
    data = find_buyer_data(customer_id=invoice.customer_id, on_date=invoice.issued_on) or BuyerData()
    kind, tax_number = fetch_row(
        _kind_and_number,
        "SELECT kind, tax_number FROM customers_customer WHERE id = %(id)s",
        {"id": invoice.customer_id},
    ) or ("", "")
    own = Address(
        street=data.street,
        city=data.city,
        postal_code=data.postal_code,
        subdivision=data.subdivision,
        country=data.country or country,
    )
    has_own = data.street or data.city or data.postal_code
    at_home = replace(
        make_delivery(_place(invoice), country=data.country or country), subdivision=data.subdivision
    )
    return InvoiceParty(
        name=data.legal_name or invoice.customer_name,
        address=own if has_own else at_home,
        identifier=invoice.account_number,
        registration=data.registration,
        registration_scheme=data.registration_scheme,
        vat_number=data.vat_number,
        tax_number=tax_number,
        endpoint=data.endpoint,
        endpoint_scheme=data.endpoint_scheme,
        is_person=kind == CustomerKind.PERSON,
    ), data


def _place(invoice: InvoiceRecord) -> Place:
    assert invoice.account_id is not None, "Shares and advances have an account."
    return list_places(agreement_ids=(), account_id=invoice.account_id)[0]


def _kind_and_number(kind: str, tax_number: str) -> tuple[str, str]:
    return kind, tax_number
