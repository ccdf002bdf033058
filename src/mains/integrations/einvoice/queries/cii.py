"""UN/CEFACT Cross Industry Invoice D22B of an invoice: the syntax binding CEN/TS 16931-3-3, as Factur-X embeds it."""

from datetime import date

from mains.integrations.einvoice.queries.ubl import Specification
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

_CII = "urn:un:unece:uncefact:data:standard:"
_NAMESPACES = {
    "rsm": f"{_CII}CrossIndustryInvoice:100",
    "ram": f"{_CII}ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_CII}UnqualifiedDataType:100",
    "qdt": f"{_CII}QualifiedDataType:100",
}
_INVOICED_OBJECT = "130"


def write_cii(invoice: Invoice, *, specification: Specification) -> bytes:
    """The XML of an invoice or a credit note, in UTF-8."""
    return _Cii(invoice, specification).write()


class _Cii:
    def __init__(self, invoice: Invoice, specification: Specification) -> None:
        self.invoice, self.specification = invoice, specification
        self.xml = XmlWriter(root="rsm:CrossIndustryInvoice", namespaces=_NAMESPACES)

    def write(self) -> bytes:
        xml, invoice, root = self.xml, self.invoice, self.xml.root
        context = xml.group(root, "rsm:ExchangedDocumentContext")
        process = xml.group(context, "ram:BusinessProcessSpecifiedDocumentContextParameter")
        xml.text(process, "ram:ID", self.specification.process)
        guideline = xml.group(context, "ram:GuidelineSpecifiedDocumentContextParameter")
        xml.text(guideline, "ram:ID", self.specification.customization)
        document = xml.group(root, "rsm:ExchangedDocument")
        xml.text(document, "ram:ID", invoice.number)
        xml.text(document, "ram:TypeCode", invoice.type_code)
        self._day(document, "ram:IssueDateTime", invoice.issued_on)
        for note in invoice.notes:
            xml.text(xml.group(document, "ram:IncludedNote"), "ram:Content", note)
        deal = xml.group(root, "rsm:SupplyChainTradeTransaction")
        for line in invoice.lines:
            self._line(deal, line)
        self._agreement(deal)
        place = xml.group(xml.group(deal, "ram:ApplicableHeaderTradeDelivery"), "ram:ShipToTradeParty")
        self._address(place, invoice.delivery)
        self._settlement(deal)
        return xml.content()

    def _agreement(self, deal: Element) -> None:
        xml, invoice = self.xml, self.invoice
        agreement = xml.group(deal, "ram:ApplicableHeaderTradeAgreement")
        xml.text(agreement, "ram:BuyerReference", invoice.buyer_reference)
        self._party(xml.group(agreement, "ram:SellerTradeParty"), invoice.seller, is_seller=True)
        self._party(xml.group(agreement, "ram:BuyerTradeParty"), invoice.buyer, is_seller=False)
        contract = xml.group(agreement, "ram:ContractReferencedDocument")
        xml.text(contract, "ram:IssuerAssignedID", invoice.contract)
        self._invoiced_object(agreement, invoice.object_id)

    def _party(self, parent: Element, party: InvoiceParty, *, is_seller: bool) -> None:
        xml = self.xml
        xml.text(parent, "ram:ID", party.identifier)
        xml.text(parent, "ram:Name", party.name)
        if is_seller:
            xml.text(parent, "ram:Description", party.legal_form)
        legal = xml.group(parent, "ram:SpecifiedLegalOrganization")
        xml.text(legal, "ram:ID", party.registration, schemeID=party.registration_scheme)
        if party.contact is not None:
            contact = xml.group(parent, "ram:DefinedTradeContact")
            xml.text(contact, "ram:PersonName", party.contact.name)
            phone = xml.group(contact, "ram:TelephoneUniversalCommunication")
            xml.text(phone, "ram:CompleteNumber", party.contact.phone)
            mail = xml.group(contact, "ram:EmailURIUniversalCommunication")
            xml.text(mail, "ram:URIID", party.contact.email)
        self._address(parent, party.address)
        endpoint = xml.group(parent, "ram:URIUniversalCommunication")
        xml.text(endpoint, "ram:URIID", party.endpoint, schemeID=party.endpoint_scheme)
        numbers = [(party.vat_number, "VA")]
        if is_seller and not party.vat_number:
            numbers.append((party.tax_number, "FC"))
        for number, scheme in numbers:
            known = xml.group(parent, "ram:SpecifiedTaxRegistration")
            xml.text(known, "ram:ID", number, schemeID=scheme)

    def _address(self, parent: Element, address: Address) -> None:
        xml = self.xml
        inner = xml.group(parent, "ram:PostalTradeAddress")
        xml.text(inner, "ram:PostcodeCode", address.postal_code)
        xml.text(inner, "ram:LineOne", address.street)
        xml.text(inner, "ram:LineTwo", address.more)
        xml.text(inner, "ram:CityName", address.city)
        xml.text(inner, "ram:CountryID", address.country)
        xml.text(inner, "ram:CountrySubDivisionName", address.subdivision)

    def _settlement(self, deal: Element) -> None:
        xml, invoice, payment = self.xml, self.invoice, self.invoice.payment
        settlement = xml.group(deal, "ram:ApplicableHeaderTradeSettlement")
        xml.text(settlement, "ram:PaymentReference", payment.reference)
        xml.text(settlement, "ram:InvoiceCurrencyCode", invoice.currency)
        means = xml.group(settlement, "ram:SpecifiedTradeSettlementPaymentMeans")
        xml.text(means, "ram:TypeCode", payment.code)
        account = xml.group(means, "ram:PayeePartyCreditorFinancialAccount")
        is_iban = payment.account[:2].isalpha()
        xml.text(account, "ram:IBANID", payment.account if is_iban else "")
        xml.text(account, "ram:AccountName", payment.holder)
        xml.text(account, "ram:ProprietaryID", "" if is_iban else payment.account)
        bank = xml.group(means, "ram:PayeeSpecifiedCreditorFinancialInstitution")
        xml.text(bank, "ram:BICID", payment.bic)
        for each in invoice.breakdown:
            self._tax(settlement, each)
        self._period(settlement, invoice.period)
        terms = xml.group(settlement, "ram:SpecifiedTradePaymentTerms")
        xml.text(terms, "ram:Description", invoice.terms)
        self._day(terms, "ram:DueDateDateTime", invoice.due_on)
        self._totals(settlement)
        for preceding in invoice.preceding:
            reference = xml.group(settlement, "ram:InvoiceReferencedDocument")
            xml.text(reference, "ram:IssuerAssignedID", preceding.number)
            issued = xml.group(reference, "ram:FormattedIssueDateTime")
            xml.text(issued, "qdt:DateTimeString", f"{preceding.issued_on:%Y%m%d}", format="102")

    def _tax(self, parent: Element, found: VatBreakdown | InvoiceLine) -> None:
        xml, tax = self.xml, self.xml.group(parent, "ram:ApplicableTradeTax")
        group = found if isinstance(found, VatBreakdown) else None
        xml.text(tax, "ram:CalculatedAmount", minor_text(group.tax_minor) if group else "")
        xml.text(tax, "ram:TypeCode", "VAT")
        xml.text(tax, "ram:ExemptionReason", group.reason if group else "")
        xml.text(tax, "ram:BasisAmount", minor_text(group.taxable_minor) if group else "")
        xml.text(tax, "ram:CategoryCode", found.category)
        xml.text(tax, "ram:ExemptionReasonCode", group.reason_code if group else "")
        if found.category != VatCategory.OUT_OF_SCOPE:
            xml.text(tax, "ram:RateApplicablePercent", number_text(found.rate))

    def _totals(self, settlement: Element) -> None:
        xml, invoice = self.xml, self.invoice
        sums = xml.group(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")
        xml.text(sums, "ram:LineTotalAmount", minor_text(invoice.net_minor))
        xml.text(sums, "ram:TaxBasisTotalAmount", minor_text(invoice.net_minor))
        xml.text(sums, "ram:TaxTotalAmount", minor_text(invoice.tax_minor), currencyID=invoice.currency)
        if invoice.rounding_minor:
            xml.text(sums, "ram:RoundingAmount", minor_text(invoice.rounding_minor))
        xml.text(sums, "ram:GrandTotalAmount", minor_text(invoice.gross_minor))
        if invoice.prepaid_minor:
            xml.text(sums, "ram:TotalPrepaidAmount", minor_text(invoice.prepaid_minor))
        xml.text(sums, "ram:DuePayableAmount", minor_text(invoice.payable_minor))

    def _line(self, deal: Element, line: InvoiceLine) -> None:
        xml = self.xml
        inner = xml.group(deal, "ram:IncludedSupplyChainTradeLineItem")
        document = xml.group(inner, "ram:AssociatedDocumentLineDocument")
        xml.text(document, "ram:LineID", line.identifier)
        xml.text(xml.group(document, "ram:IncludedNote"), "ram:Content", line.note)
        product = xml.group(inner, "ram:SpecifiedTradeProduct")
        xml.text(product, "ram:Name", line.name)
        for name, value in line.attributes:
            known = xml.group(product, "ram:ApplicableProductCharacteristic")
            xml.text(known, "ram:Description", name)
            xml.text(known, "ram:Value", value)
        agreement = xml.group(inner, "ram:SpecifiedLineTradeAgreement")
        price = xml.group(agreement, "ram:NetPriceProductTradePrice")
        xml.text(price, "ram:ChargeAmount", number_text(line.price))
        if line.price_base != 1:
            xml.text(price, "ram:BasisQuantity", str(line.price_base), unitCode=line.unit)
        delivery = xml.group(inner, "ram:SpecifiedLineTradeDelivery")
        xml.text(delivery, "ram:BilledQuantity", number_text(line.quantity), unitCode=line.unit)
        settlement = xml.group(inner, "ram:SpecifiedLineTradeSettlement")
        self._tax(settlement, line)
        if line.period is not None:
            self._period(settlement, line.period)
        sums = xml.group(settlement, "ram:SpecifiedTradeSettlementLineMonetarySummation")
        xml.text(sums, "ram:LineTotalAmount", minor_text(line.net_minor))
        self._invoiced_object(settlement, line.object_id)

    def _invoiced_object(self, parent: Element, object_id: str) -> None:
        if object_id:
            billed = self.xml.group(parent, "ram:AdditionalReferencedDocument")
            self.xml.text(billed, "ram:IssuerAssignedID", object_id)
            self.xml.text(billed, "ram:TypeCode", _INVOICED_OBJECT)

    def _period(self, parent: Element, period: tuple[date, date]) -> None:
        inner = self.xml.group(parent, "ram:BillingSpecifiedPeriod")
        self._day(inner, "ram:StartDateTime", period[0])
        self._day(inner, "ram:EndDateTime", period[1])

    def _day(self, parent: Element, name: str, day: date) -> None:
        self.xml.text(self.xml.group(parent, name), "udt:DateTimeString", f"{day:%Y%m%d}", format="102")
