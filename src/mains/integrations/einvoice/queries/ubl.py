"""UBL 2.1 Invoice and CreditNote of an invoice: the syntax binding CEN/TS 16931-3-2, as Peppol BIS Billing 3 has it."""

from dataclasses import dataclass

from mains.integrations.einvoice.queries.xml import Element, XmlWriter
from mains.integrations.einvoice.values.invoice import (
    Address,
    Invoice,
    InvoiceLine,
    InvoiceParty,
    VatBreakdown,
    VatCategory,
    minor_text,
    number_text,
)

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_INNER = {"cac": f"{_UBL}CommonAggregateComponents-2", "cbc": f"{_UBL}CommonBasicComponents-2"}
_INVOICED_OBJECT = "130"


@dataclass(frozen=True, kw_only=True)
class Specification:
    """BT-24 and BT-23: what the document conforms to."""

    customization: str
    process: str = ""


def write_ubl(invoice: Invoice, *, specification: Specification) -> bytes:
    """The XML of an invoice or a credit note, in UTF-8."""
    return _Ubl(invoice, specification).write()


class _Ubl:
    def __init__(self, invoice: Invoice, specification: Specification) -> None:
        self.invoice, self.specification = invoice, specification
        self.name = "CreditNote" if invoice.is_credit_note else "Invoice"
        self.xml = XmlWriter(root=self.name, namespaces={"": f"{_UBL}{self.name}-2", **_INNER})

    def write(self) -> bytes:
        root = self.xml.root
        self._head(root)
        self._references(root)
        self._party(self.xml.group(root, "cac:AccountingSupplierParty"), self.invoice.seller, is_seller=True)
        self._party(self.xml.group(root, "cac:AccountingCustomerParty"), self.invoice.buyer, is_seller=False)
        place = self.xml.group(self.xml.group(root, "cac:Delivery"), "cac:DeliveryLocation")
        self._address(self.xml.group(place, "cac:Address"), self.invoice.delivery)
        self._payment(root)
        self._tax_total(root)
        self._monetary_total(root)
        for line in self.invoice.lines:
            self._line(root, line)
        return self.xml.content()

    def _head(self, root: Element) -> None:
        xml, invoice = self.xml, self.invoice
        xml.text(root, "cbc:CustomizationID", self.specification.customization)
        xml.text(root, "cbc:ProfileID", self.specification.process)
        xml.text(root, "cbc:ID", invoice.number)
        xml.day(root, "cbc:IssueDate", invoice.issued_on)
        if not invoice.is_credit_note:
            xml.day(root, "cbc:DueDate", invoice.due_on)
        xml.text(root, f"cbc:{self.name}TypeCode", invoice.type_code)
        for note in invoice.notes:
            xml.text(root, "cbc:Note", note)
        xml.text(root, "cbc:DocumentCurrencyCode", invoice.currency)
        xml.text(root, "cbc:BuyerReference", invoice.buyer_reference)
        period = xml.group(root, "cac:InvoicePeriod")
        xml.day(period, "cbc:StartDate", invoice.period[0])
        xml.day(period, "cbc:EndDate", invoice.period[1])

    def _references(self, root: Element) -> None:
        xml = self.xml
        for each in self.invoice.preceding:
            reference = xml.group(xml.group(root, "cac:BillingReference"), "cac:InvoiceDocumentReference")
            xml.text(reference, "cbc:ID", each.number)
            xml.day(reference, "cbc:IssueDate", each.issued_on)
        xml.text(xml.group(root, "cac:ContractDocumentReference"), "cbc:ID", self.invoice.contract)
        billed = xml.group(root, "cac:AdditionalDocumentReference")
        xml.text(billed, "cbc:ID", self.invoice.object_id)
        if self.invoice.object_id:
            xml.text(billed, "cbc:DocumentTypeCode", _INVOICED_OBJECT)

    def _party(self, parent: Element, party: InvoiceParty, *, is_seller: bool) -> None:
        xml = self.xml
        inner = xml.group(parent, "cac:Party")
        xml.text(inner, "cbc:EndpointID", party.endpoint, schemeID=party.endpoint_scheme)
        xml.text(xml.group(inner, "cac:PartyIdentification"), "cbc:ID", party.identifier)
        self._address(xml.group(inner, "cac:PostalAddress"), party.address)
        numbers = [(party.vat_number, "VAT")]
        if is_seller and not party.vat_number:
            numbers.append((party.tax_number, "TAX"))
        for number, scheme in numbers:
            if number:
                known = xml.group(inner, "cac:PartyTaxScheme")
                xml.text(known, "cbc:CompanyID", number)
                xml.text(xml.group(known, "cac:TaxScheme"), "cbc:ID", scheme)
        legal = xml.group(inner, "cac:PartyLegalEntity")
        xml.text(legal, "cbc:RegistrationName", party.name)
        xml.text(legal, "cbc:CompanyID", party.registration, schemeID=party.registration_scheme)
        if is_seller:
            xml.text(legal, "cbc:CompanyLegalForm", party.legal_form)
        if party.contact is not None:
            contact = xml.group(inner, "cac:Contact")
            xml.text(contact, "cbc:Name", party.contact.name)
            xml.text(contact, "cbc:Telephone", party.contact.phone)
            xml.text(contact, "cbc:ElectronicMail", party.contact.email)

    def _address(self, parent: Element, address: Address) -> None:
        xml = self.xml
        xml.text(parent, "cbc:StreetName", address.street)
        xml.text(parent, "cbc:AdditionalStreetName", address.more)
        xml.text(parent, "cbc:CityName", address.city)
        xml.text(parent, "cbc:PostalZone", address.postal_code)
        xml.text(parent, "cbc:CountrySubentity", address.subdivision)
        xml.text(xml.group(parent, "cac:Country"), "cbc:IdentificationCode", address.country)

    def _payment(self, root: Element) -> None:
        xml, payment = self.xml, self.invoice.payment
        means = xml.group(root, "cac:PaymentMeans")
        xml.text(means, "cbc:PaymentMeansCode", payment.code)
        if self.invoice.is_credit_note:
            xml.day(means, "cbc:PaymentDueDate", self.invoice.due_on)
        xml.text(means, "cbc:PaymentID", payment.reference)
        if payment.account:
            account = xml.group(means, "cac:PayeeFinancialAccount")
            xml.text(account, "cbc:ID", payment.account)
            xml.text(account, "cbc:Name", payment.holder)
            xml.text(xml.group(account, "cac:FinancialInstitutionBranch"), "cbc:ID", payment.bic)
        xml.text(xml.group(root, "cac:PaymentTerms"), "cbc:Note", self.invoice.terms)

    def _tax_total(self, root: Element) -> None:
        total = self.xml.group(root, "cac:TaxTotal")
        self._amount(total, "cbc:TaxAmount", self.invoice.tax_minor)
        for each in self.invoice.breakdown:
            part = self.xml.group(total, "cac:TaxSubtotal")
            self._amount(part, "cbc:TaxableAmount", each.taxable_minor)
            self._amount(part, "cbc:TaxAmount", each.tax_minor)
            self._category(self.xml.group(part, "cac:TaxCategory"), each)

    def _category(self, parent: Element, found: VatBreakdown | InvoiceLine) -> None:
        xml = self.xml
        xml.text(parent, "cbc:ID", found.category)
        if found.category != VatCategory.OUT_OF_SCOPE:
            xml.text(parent, "cbc:Percent", number_text(found.rate))
        if isinstance(found, VatBreakdown):
            xml.text(parent, "cbc:TaxExemptionReasonCode", found.reason_code)
            xml.text(parent, "cbc:TaxExemptionReason", found.reason)
        xml.text(xml.group(parent, "cac:TaxScheme"), "cbc:ID", "VAT")

    def _monetary_total(self, root: Element) -> None:
        invoice, total = self.invoice, self.xml.group(root, "cac:LegalMonetaryTotal")
        self._amount(total, "cbc:LineExtensionAmount", invoice.net_minor)
        self._amount(total, "cbc:TaxExclusiveAmount", invoice.net_minor)
        self._amount(total, "cbc:TaxInclusiveAmount", invoice.gross_minor)
        if invoice.prepaid_minor:
            self._amount(total, "cbc:PrepaidAmount", invoice.prepaid_minor)
        if invoice.rounding_minor:
            self._amount(total, "cbc:PayableRoundingAmount", invoice.rounding_minor)
        self._amount(total, "cbc:PayableAmount", invoice.payable_minor)

    def _line(self, root: Element, line: InvoiceLine) -> None:
        xml = self.xml
        inner = xml.group(root, f"cac:{self.name}Line")
        xml.text(inner, "cbc:ID", line.identifier)
        xml.text(inner, "cbc:Note", line.note)
        measured = "cbc:CreditedQuantity" if self.invoice.is_credit_note else "cbc:InvoicedQuantity"
        xml.text(inner, measured, number_text(line.quantity), unitCode=line.unit)
        self._amount(inner, "cbc:LineExtensionAmount", line.net_minor)
        if line.period is not None:
            period = xml.group(inner, "cac:InvoicePeriod")
            xml.day(period, "cbc:StartDate", line.period[0])
            xml.day(period, "cbc:EndDate", line.period[1])
        if line.object_id:
            billed = xml.group(inner, "cac:DocumentReference")
            xml.text(billed, "cbc:ID", line.object_id)
            xml.text(billed, "cbc:DocumentTypeCode", _INVOICED_OBJECT)
        item = xml.group(inner, "cac:Item")
        xml.text(item, "cbc:Name", line.name)
        self._category(xml.group(item, "cac:ClassifiedTaxCategory"), line)
        for name, value in line.attributes:
            known = xml.group(item, "cac:AdditionalItemProperty")
            xml.text(known, "cbc:Name", name)
            xml.text(known, "cbc:Value", value)
        price = xml.group(inner, "cac:Price")
        xml.text(price, "cbc:PriceAmount", number_text(line.price), currencyID=self.invoice.currency)
        if line.price_base != 1:
            xml.text(price, "cbc:BaseQuantity", str(line.price_base), unitCode=line.unit)

    def _amount(self, parent: Element, name: str, minor: int) -> None:
        self.xml.text(parent, name, minor_text(minor), currencyID=self.invoice.currency)
