"""The rules of EN 16931 and Peppol that depend on what people fill in, checked before anything is written.

Sums hold by construction; the tests hold what is written against the published rule sets. Here stands what a person
can mend, and where.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from django.utils.translation import gettext as _

from mains.integrations.einvoice.values.codes import ADDRESS_SCHEMES, CREDIT_TRANSFER, SEPA_CREDIT_TRANSFER
from mains.integrations.einvoice.values.invoice import Invoice, InvoiceParty, VatCategory

_OFFICIAL_TOLERANCE_MINOR = 100
"""By how much BT-117 may differ from BT-116 × BT-119 in the official rule set (BR-CO-17 and BR-S-09)."""
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True)
class Problem:
    """A rule that the invoice would break, in the active language, and what mends it."""

    rule: str
    message: str
    remedy: str


def list_problems(invoice: Invoice) -> list[Problem]:
    """What keeps the invoice from conforming to EN 16931."""
    return [*_seller(invoice), *_buyer(invoice), *_vat(invoice), *_payment(invoice)]


def list_peppol_problems(invoice: Invoice) -> list[Problem]:
    """What keeps the invoice from conforming to Peppol BIS Billing 3, the norm's own rules included."""
    found = [*list_problems(invoice), *_endpoints(invoice)]
    if invoice.seller.address.country == invoice.buyer.address.country == "DE":
        found += _german(invoice)
    return found


def _seller_page() -> str:
    return _("Fill it in on the page E-invoices of the supplier.")


def _buyer_page() -> str:
    return _("Fill it in on the account's page, under E-invoices.")


def _seller(invoice: Invoice) -> Iterator[Problem]:
    seller = invoice.seller
    if not seller.name:
        yield Problem("BR-06", _("The seller's name is missing."), _seller_page())
    if not _COUNTRY.fullmatch(seller.address.country):
        yield Problem("BR-09", _("The seller's country is missing."), _seller_page())
    if not (seller.registration or seller.vat_number or (seller.tax_number and _has_only(invoice, "O"))):
        yield Problem(
            "BR-CO-26",
            _("The seller has neither a VAT number nor a number in the register of companies."),
            _seller_page(),
        )
    yield from _vat_number("BT-31", seller, _seller_page())


def _buyer(invoice: Invoice) -> Iterator[Problem]:
    buyer = invoice.buyer
    if not buyer.name:
        yield Problem("BR-07", _("The buyer's name is missing."), _buyer_page())
    if not _COUNTRY.fullmatch(buyer.address.country):
        yield Problem("BR-11", _("The buyer's country is missing."), _buyer_page())
    yield from _vat_number("BT-48", buyer, _buyer_page())


def _vat_number(term: str, party: InvoiceParty, remedy: str) -> Iterator[Problem]:
    if party.vat_number and not re.fullmatch(r"[A-Z]{2}[0-9A-Za-z+*.]{2,}", party.vat_number):
        yield Problem(
            "BR-CO-09",
            _("The VAT number %(number)s (%(term)s) does not begin with the letters of its country.")
            % {"number": party.vat_number, "term": term},
            remedy,
        )


def _has_only(invoice: Invoice, category: str) -> bool:
    return {each.category for each in invoice.breakdown} == {category}


def _vat(invoice: Invoice) -> Iterator[Problem]:
    categories = {each.category for each in invoice.breakdown}
    seller, buyer = invoice.seller, invoice.buyer
    if categories - {VatCategory.OUT_OF_SCOPE} and not (seller.vat_number or seller.tax_number):
        yield Problem("BR-S-02", _("The seller's VAT number is missing."), _seller_page())
    if VatCategory.OUT_OF_SCOPE in categories and len(categories) > 1:
        yield Problem(
            "BR-O-11",
            _("Charges outside the scope of VAT cannot stand on one invoice with others."),
            _("Choose “exempt” for what the supplier charges without VAT."),
        )
    if VatCategory.REVERSE_CHARGE in categories and not (buyer.vat_number or buyer.registration):
        yield Problem("BR-AE-02", _("The buyer's VAT number is missing."), _buyer_page())
    for each in invoice.breakdown:
        if each.category.needs_reason and not (each.reason or each.reason_code):
            yield Problem(
                f"BR-{each.category}-10", _("The reason for charging no VAT is missing."), _seller_page()
            )
        exact = Fraction(each.taxable_minor) * Fraction(each.rate) / 100
        if abs(each.tax_minor - exact) >= _OFFICIAL_TOLERANCE_MINOR:
            yield Problem(
                "BR-CO-17",
                _("The VAT posted is not the rate of what it is on."),
                _("Report this bill; `mains replay` shows how it was computed."),
            )


def _payment(invoice: Invoice) -> Iterator[Problem]:
    payment = invoice.payment
    if payment.code in (CREDIT_TRANSFER, SEPA_CREDIT_TRANSFER) and not payment.account:
        yield Problem("BR-61", _("The seller's bank account is missing."), _seller_page())


def _endpoints(invoice: Invoice) -> Iterator[Problem]:
    parties = (
        (
            "PEPPOL-EN16931-R020",
            invoice.seller,
            _("The seller's electronic address is missing."),
            _seller_page(),
        ),
        (
            "PEPPOL-EN16931-R010",
            invoice.buyer,
            _("The buyer's electronic address is missing."),
            _buyer_page(),
        ),
    )
    for rule, party, message, remedy in parties:
        if not party.endpoint or not party.endpoint_scheme:
            yield Problem(rule, message, remedy)
        elif party.endpoint_scheme not in ADDRESS_SCHEMES:
            yield Problem(
                "PEPPOL-EN16931-CL008",
                _("%(code)s is not a scheme of electronic addresses.") % {"code": party.endpoint_scheme},
                remedy,
            )


def _german(invoice: Invoice) -> Iterator[Problem]:
    """The rules DE-R of Peppol for sellers and buyers in Germany."""
    contact = invoice.seller.contact
    if contact is None or not (contact.name and contact.phone and contact.email):
        yield Problem(
            "DE-R-002", _("The seller's contact is missing: name, phone and e-mail."), _seller_page()
        )
    for rule, party, remedy in (
        ("DE-R-003", invoice.seller, _seller_page()),
        ("DE-R-008", invoice.buyer, _buyer_page()),
    ):
        if not (party.address.city and party.address.postal_code):
            yield Problem(
                rule, _("Town and postal code of %(name)s are missing.") % {"name": party.name}, remedy
            )
