"""Seller, buyer, place of supply and way to pay: the registry's part, and what both state of themselves."""

from dataclasses import replace

from django.utils.translation import gettext as _
from stdnum import iban

from mains.customers.values import CustomerKind
from mains.integrations.einvoice.values.codes import CREDIT_TRANSFER, SEPA_CREDIT_TRANSFER, SET_OFF
from mains.integrations.einvoice.values.invoice import Address, Contact, InvoiceParty, PaymentMeans
from mains.integrations.einvoice.values.legal import BuyerData, SellerData
from mains.reporting.queries.bill_paper import BillContent
from mains.reporting.queries.bill_paper.registry import Payee, Place

_SEPA_CURRENCY = "EUR"


def make_seller(payee: Payee, data: SellerData) -> InvoiceParty:
    """The supplier. Its tax number is the registry's."""
    contact = Contact(name=data.contact_name, phone=data.contact_phone, email=data.contact_email)
    return InvoiceParty(
        name=data.legal_name or payee.name,
        address=Address(
            street=data.street,
            city=data.city,
            postal_code=data.postal_code,
            subdivision=data.subdivision,
            country=data.country,
        ),
        registration=data.registration,
        registration_scheme=data.registration_scheme,
        vat_number=data.vat_number,
        tax_number=payee.tax_number,
        tax_office=data.tax_office,
        legal_form=data.legal_form,
        endpoint=data.endpoint,
        endpoint_scheme=data.endpoint_scheme,
        contact=contact if contact != Contact() else None,
    )


def make_buyer(
    content: BillContent, data: BuyerData, *, customer: tuple[int, str, str, str, str], country: str
) -> InvoiceParty:
    """The customer, known to the seller by the number of the account; at the place of supply where no other address is
    stated, in the seller's `country` where no other is. `customer` is id, kind, tax number, phone, e-mail."""
    _id, kind, tax_number, _phone, _email = customer
    own = Address(
        street=data.street,
        city=data.city,
        postal_code=data.postal_code,
        subdivision=data.subdivision,
        country=data.country or country,
    )
    at_home = make_delivery(content.place, country=data.country or country)
    has_own = data.street or data.city or data.postal_code
    return InvoiceParty(
        name=data.legal_name or content.addressee.customer_name,
        address=own if has_own else replace(at_home, subdivision=data.subdivision),
        identifier=content.addressee.account_number,
        registration=data.registration,
        registration_scheme=data.registration_scheme,
        vat_number=data.vat_number,
        tax_number=tax_number,
        endpoint=data.endpoint,
        endpoint_scheme=data.endpoint_scheme,
        is_person=kind == CustomerKind.PERSON,
    )


def make_delivery(place: Place, *, country: str) -> Address:
    """Where the service point is."""
    return Address(
        street=" ".join(part for part in (place.street, place.house) if part),
        more=_("flat %(number)s") % {"number": place.flat} if place.flat else "",
        city=place.city,
        postal_code=place.postal_code,
        country=country,
    )


def make_payment(content: BillContent, data: SellerData, *, is_refund: bool) -> PaymentMeans:
    """How to pay: by transfer to the supplier's account. What gives money back is set off."""
    reference = f"{content.addressee.account_number} {content.number}"
    if is_refund:
        return PaymentMeans(code=SET_OFF, reference=reference)
    return make_payee_means(content.payee, data, reference=reference, currency=content.currency)


def make_payee_means(payee: Payee, data: SellerData, *, reference: str, currency: str) -> PaymentMeans:
    """A transfer to the supplier's account, in its own form where it is SEPA's."""
    account = (data.iban or payee.bank_account).replace(" ", "")
    is_sepa = currency == _SEPA_CURRENCY and iban.is_valid(account)
    return PaymentMeans(
        code=SEPA_CREDIT_TRANSFER if is_sepa else CREDIT_TRANSFER,
        reference=reference,
        account=account,
        holder=data.legal_name or payee.name,
        bic=(data.bic or payee.bank_code).replace(" ", ""),
    )
