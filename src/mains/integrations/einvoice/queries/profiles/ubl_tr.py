"""UBL-TR 1.2, the e-Fatura and e-Arşiv Fatura of the Turkish revenue administration (GİB), from the same invoice.

The seal (XAdES with the taxpayer's mali mühür) is put into the `ext:ExtensionContent` by the signing program of the
utility or its integrator; the block that names the signer is written here, with the reference that the seal carries.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import NAMESPACE_URL, uuid5

from django.utils.translation import gettext as _

from mains.integrations.einvoice.queries.checks import Problem
from mains.integrations.einvoice.queries.xml import Element, XmlWriter
from mains.integrations.einvoice.values.codes import CREDIT_TRANSFER
from mains.integrations.einvoice.values.invoice import (
    PREPAYMENT,
    Address,
    Invoice,
    InvoiceLine,
    InvoiceParty,
    VatCategory,
    minor_text,
    number_text,
)
from mains.kernel.rounding import RoundingMode, round_quotient

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_NAMESPACES = {
    "": f"{_UBL}Invoice-2",
    "cac": f"{_UBL}CommonAggregateComponents-2",
    "cbc": f"{_UBL}CommonBasicComponents-2",
    "ext": f"{_UBL}CommonExtensionComponents-2",
}
_VAT_NAME, _VAT_CODE = "KDV", "0015"
_EXEMPT = "351"
"""Exemption code of GİB's list for supplies without VAT outside the law's exemptions."""
_TAX_NAMES = {"4071": "ELK.HAVAGAZ.TÜK.VER.", "0071": "ÖTV 1.LİSTE"}
_SERIES = "MNS"
_E_INVOICE_ALIAS = "urn:mail:"


@dataclass(frozen=True, kw_only=True)
class _UblTr:
    """`scenario` is TEMELFATURA, TICARIFATURA or EARSIVFATURA; empty: chosen by whether the buyer has
    a mailbox at GİB."""

    name: str
    title: str
    scenario: str = ""

    def suits(self, invoice: Invoice) -> bool:
        return invoice.currency == "TRY" or invoice.seller.address.country == "TR"

    def list_problems(self, invoice: Invoice) -> Sequence[Problem]:
        if invoice.type_code == PREPAYMENT:
            message = _("UBL-TR has no invoice in advance.")
            return [Problem("InvoiceTypeCode", message, _("Send the bill when the supply is billed."))]
        return list(_problems(invoice, self.scenario_of(invoice)))

    def scenario_of(self, invoice: Invoice) -> str:
        if self.scenario:
            return self.scenario
        if not invoice.buyer.endpoint.startswith(_E_INVOICE_ALIAS):
            return "EARSIVFATURA"
        return "TEMELFATURA" if invoice.is_credit_note else "TICARIFATURA"

    def write(self, invoice: Invoice) -> bytes:
        return _Document(invoice, self.scenario_of(invoice)).write()


UBL_TR_PROFILES = (
    _UblTr(name="ubl-tr", title="UBL-TR 1.2 (e-Fatura / e-Arşiv)"),
    _UblTr(name="ubl-tr-temel", title="UBL-TR 1.2 TEMELFATURA", scenario="TEMELFATURA"),
    _UblTr(name="ubl-tr-ticari", title="UBL-TR 1.2 TICARIFATURA", scenario="TICARIFATURA"),
    _UblTr(name="ubl-tr-earsiv", title="UBL-TR 1.2 EARSIVFATURA", scenario="EARSIVFATURA"),
)


def invoice_id(invoice: Invoice) -> str:
    """The sixteen characters that GİB wants: three of the series, the year, nine digits; of the bill's own number."""
    return _id_of(invoice.number, invoice.issued_on)


def _id_of(number: str, issued_on: date) -> str:
    digits = number.rpartition("-")[2]
    return f"{_SERIES}{issued_on:%Y}{digits:0>9}"


def ettn(invoice: Invoice) -> str:
    """The UUID by which GİB knows the document (ETTN): always the same for the same bill."""
    return str(uuid5(NAMESPACE_URL, f"urn:mains:einvoice:{invoice.seller.tax_number}:{invoice.number}"))


def _problems(invoice: Invoice, scenario: str) -> Iterator[Problem]:
    seller_page = _("Fill it in on the page E-invoices of the supplier.")
    buyer_page = _("Fill it in on the account's page, under E-invoices.")
    seller, buyer = invoice.seller, invoice.buyer
    if len(invoice_id(invoice)) != 16:
        yield Problem("InvoiceIDCheck", _("The bill's number is too long for GİB."), _("Issue it on paper."))
    if len(seller.tax_number) not in (10, 11):
        yield Problem(
            "VKN", _("The seller's VKN or TCKN is missing."), _("Correct it in the registry of suppliers.")
        )
    if not seller.tax_office:
        yield Problem("PartyTaxScheme", _("The seller's tax office is missing."), seller_page)
    if len(buyer.tax_number) not in (0, 10, 11):
        yield Problem(
            "VKN", _("The buyer's VKN or TCKN is wrong."), _("Correct it in the registry of customers.")
        )
    if scenario != "EARSIVFATURA" and not buyer.tax_number:
        yield Problem(
            "VKN", _("The buyer's VKN or TCKN is missing."), _("Correct it in the registry of customers.")
        )
    for party, page in ((seller, seller_page), (buyer, buyer_page)):
        if not (party.address.city and party.address.subdivision):
            message = _("Province and district of %(name)s are missing.") % {"name": party.name}
            yield Problem("PostalAddress", message, page)
    if scenario == "TICARIFATURA" and invoice.is_credit_note:
        yield Problem("IADE", _("What gives money back cannot be a TICARIFATURA."), _("Choose TEMELFATURA."))
    if invoice.is_credit_note and not invoice.preceding:
        yield Problem(
            "IADE",
            _("A return invoice names the invoice that it corrects, and this bill corrects none."),
            _("Issue it on paper."),
        )
    named = [line.other_tax for line in invoice.lines if line.other_tax and not line.other_tax.isdigit()]
    if named:
        message = _("The tax %(name)s has no code of GİB.") % {"name": ", ".join(dict.fromkeys(named))}
        yield Problem("TaxTypeCode", message, seller_page)


class _Document:
    def __init__(self, invoice: Invoice, scenario: str) -> None:
        self.invoice, self.scenario = invoice, scenario
        self.charges = [line for line in invoice.lines if not line.other_tax and line.net_minor >= 0]
        self.allowances = [line for line in invoice.lines if not line.other_tax and line.net_minor < 0]
        self.others = [line for line in invoice.lines if line.other_tax]
        self.xml = XmlWriter(root="Invoice", namespaces=_NAMESPACES)

    def write(self) -> bytes:
        xml, root = self.xml, self.xml.root
        extension = xml.group(
            xml.group(xml.group(root, "ext:UBLExtensions"), "ext:UBLExtension"), "ext:ExtensionContent"
        )
        xml.text(extension, "cbc:Note", f"Signature_{ettn(self.invoice)}")
        self._head(root)
        self._references(root)
        self._signature(root)
        self._party(xml.group(root, "cac:AccountingSupplierParty"), self.invoice.seller)
        self._party(xml.group(root, "cac:AccountingCustomerParty"), self.invoice.buyer)
        self._payment(root)
        for line in self.allowances:
            self._allowance(root, line)
        self._tax_total(root)
        self._monetary_total(root)
        for number, line in enumerate(self.charges, start=1):
            self._line(root, number, line)
        return xml.content()

    def _head(self, root: Element) -> None:
        xml, invoice = self.xml, self.invoice
        xml.text(root, "cbc:UBLVersionID", "2.1")
        xml.text(root, "cbc:CustomizationID", "TR1.2")
        xml.text(root, "cbc:ProfileID", self.scenario)
        xml.text(root, "cbc:ID", invoice_id(invoice))
        xml.text(root, "cbc:CopyIndicator", "false")
        xml.text(root, "cbc:UUID", ettn(invoice))
        xml.day(root, "cbc:IssueDate", invoice.issued_on)
        xml.text(root, "cbc:IssueTime", "00:00:00")
        xml.text(root, "cbc:InvoiceTypeCode", self._type())
        for note in (*invoice.notes, invoice.number, invoice.terms):
            xml.text(root, "cbc:Note", note)
        xml.text(root, "cbc:DocumentCurrencyCode", invoice.currency)
        xml.text(root, "cbc:LineCountNumeric", str(len(self.charges)))
        period = xml.group(root, "cac:InvoicePeriod")
        xml.day(period, "cbc:StartDate", invoice.period[0])
        xml.day(period, "cbc:EndDate", invoice.period[1])

    def _type(self) -> str:
        if self.invoice.is_credit_note:
            return "IADE"
        taxed = any(each.category == VatCategory.STANDARD for each in self.invoice.breakdown)
        return "SATIS" if taxed else "ISTISNA"

    def _references(self, root: Element) -> None:
        xml = self.xml
        for each in self.invoice.preceding:
            reference = xml.group(xml.group(root, "cac:BillingReference"), "cac:InvoiceDocumentReference")
            xml.text(reference, "cbc:ID", _id_of(each.number, each.issued_on))
            xml.day(reference, "cbc:IssueDate", each.issued_on)
            if self.invoice.is_credit_note:
                xml.text(reference, "cbc:DocumentTypeCode", "IADE")
        account = xml.group(root, "cac:AdditionalDocumentReference")
        xml.text(account, "cbc:ID", self.invoice.object_id)
        xml.day(account, "cbc:IssueDate", self.invoice.issued_on)
        xml.text(account, "cbc:DocumentTypeCode", "ABONE_NO")

    def _signature(self, root: Element) -> None:
        xml, seller = self.xml, self.invoice.seller
        signature = xml.group(root, "cac:Signature")
        xml.text(signature, "cbc:ID", seller.tax_number, schemeID="VKN_TCKN")
        signatory = xml.group(signature, "cac:SignatoryParty")
        xml.text(
            xml.group(signatory, "cac:PartyIdentification"),
            "cbc:ID",
            seller.tax_number,
            schemeID=_scheme(seller),
        )
        self._address(xml.group(signatory, "cac:PostalAddress"), seller.address)
        attachment = xml.group(signature, "cac:DigitalSignatureAttachment")
        reference = xml.group(attachment, "cac:ExternalReference")
        xml.text(reference, "cbc:URI", f"#Signature_{ettn(self.invoice)}")

    def _party(self, parent: Element, party: InvoiceParty) -> None:
        xml = self.xml
        inner = xml.group(parent, "cac:Party")
        # Eleven ones are GİB's number for a consumer whose own is not known.
        number = party.tax_number or "1" * 11
        xml.text(xml.group(inner, "cac:PartyIdentification"), "cbc:ID", number, schemeID=_scheme(party))
        if party.identifier:
            xml.text(
                xml.group(inner, "cac:PartyIdentification"), "cbc:ID", party.identifier, schemeID="ABONENO"
            )
        is_person = len(number) == 11
        if not is_person:
            xml.text(xml.group(inner, "cac:PartyName"), "cbc:Name", party.name)
        self._address(xml.group(inner, "cac:PostalAddress"), party.address)
        office = xml.group(xml.group(inner, "cac:PartyTaxScheme"), "cac:TaxScheme")
        xml.text(office, "cbc:Name", party.tax_office)
        if party.contact is not None:
            contact = xml.group(inner, "cac:Contact")
            xml.text(contact, "cbc:Telephone", party.contact.phone)
            xml.text(contact, "cbc:ElectronicMail", party.contact.email)
        if is_person:
            first, _blank, family = party.name.rpartition(" ")
            person = xml.group(inner, "cac:Person")
            xml.text(person, "cbc:FirstName", first or family)
            xml.text(person, "cbc:FamilyName", family)

    def _address(self, parent: Element, address: Address) -> None:
        """In Turkey the town is the province (il), the subdivision the district (ilçe)."""
        xml = self.xml
        xml.text(parent, "cbc:Room", address.more)
        xml.text(parent, "cbc:StreetName", address.street)
        xml.text(parent, "cbc:CitySubdivisionName", address.subdivision)
        xml.text(parent, "cbc:CityName", address.city)
        xml.text(parent, "cbc:PostalZone", address.postal_code)
        country = xml.group(parent, "cac:Country")
        xml.text(country, "cbc:IdentificationCode", address.country)
        xml.text(country, "cbc:Name", "Türkiye" if address.country == "TR" else address.country)

    def _payment(self, root: Element) -> None:
        xml, payment = self.xml, self.invoice.payment
        if payment.account:
            means = xml.group(root, "cac:PaymentMeans")
            xml.text(means, "cbc:PaymentMeansCode", CREDIT_TRANSFER)
            xml.day(means, "cbc:PaymentDueDate", self.invoice.due_on)
            account = xml.group(means, "cac:PayeeFinancialAccount")
            xml.text(account, "cbc:ID", payment.account)
            xml.text(account, "cbc:CurrencyCode", self.invoice.currency)
            xml.text(account, "cbc:PaymentNote", payment.reference)

    def _allowance(self, root: Element, line: InvoiceLine) -> None:
        """UBL-TR knows no lines below nothing; what is taken off is an allowance of the document."""
        inner = self.xml.group(root, "cac:AllowanceCharge")
        self.xml.text(inner, "cbc:ChargeIndicator", "false")
        self.xml.text(inner, "cbc:AllowanceChargeReason", line.name)
        self._amount(inner, "cbc:Amount", -line.net_minor)

    def _tax_total(self, root: Element) -> None:
        total = self.xml.group(root, "cac:TaxTotal")
        self._amount(total, "cbc:TaxAmount", self.invoice.tax_minor + _sum(self.others))
        for code in dict.fromkeys(line.other_tax for line in self.others):
            part = self.xml.group(total, "cac:TaxSubtotal")
            lines = [line for line in self.others if line.other_tax == code]
            self._amount(part, "cbc:TaxAmount", _sum(lines))
            self._scheme(part, lines[0].name if code not in _TAX_NAMES else _TAX_NAMES[code], code)
        for each in self.invoice.breakdown:
            part = self.xml.group(total, "cac:TaxSubtotal")
            self._amount(part, "cbc:TaxableAmount", each.taxable_minor)
            self._amount(part, "cbc:TaxAmount", each.tax_minor)
            self.xml.text(part, "cbc:Percent", number_text(each.rate))
            self._scheme(part, _VAT_NAME, _VAT_CODE, reason=each.reason if not each.tax_minor else "")

    def _scheme(self, part: Element, name: str, code: str, *, reason: str = "") -> None:
        category = self.xml.group(part, "cac:TaxCategory")
        if reason:
            self.xml.text(category, "cbc:TaxExemptionReasonCode", _EXEMPT)
            self.xml.text(category, "cbc:TaxExemptionReason", reason)
        scheme = self.xml.group(category, "cac:TaxScheme")
        self.xml.text(scheme, "cbc:Name", name)
        self.xml.text(scheme, "cbc:TaxTypeCode", code)

    def _monetary_total(self, root: Element) -> None:
        invoice, total = self.invoice, self.xml.group(root, "cac:LegalMonetaryTotal")
        net = _sum(self.charges) + _sum(self.allowances)
        self._amount(total, "cbc:LineExtensionAmount", _sum(self.charges))
        self._amount(total, "cbc:TaxExclusiveAmount", net)
        self._amount(total, "cbc:TaxInclusiveAmount", invoice.gross_minor)
        if self.allowances:
            self._amount(total, "cbc:AllowanceTotalAmount", -_sum(self.allowances))
        if invoice.rounding_minor:
            self._amount(total, "cbc:PayableRoundingAmount", invoice.rounding_minor)
        self._amount(total, "cbc:PayableAmount", invoice.total_minor)

    def _line(self, root: Element, number: int, line: InvoiceLine) -> None:
        xml = self.xml
        inner = xml.group(root, "cac:InvoiceLine")
        xml.text(inner, "cbc:ID", str(number))
        xml.text(inner, "cbc:Note", line.note)
        xml.text(inner, "cbc:InvoicedQuantity", number_text(line.quantity), unitCode=line.unit)
        self._amount(inner, "cbc:LineExtensionAmount", line.net_minor)
        total = xml.group(inner, "cac:TaxTotal")
        tax = _half_up(Fraction(line.net_minor) * Fraction(line.rate) / 100)
        self._amount(total, "cbc:TaxAmount", tax)
        part = xml.group(total, "cac:TaxSubtotal")
        self._amount(part, "cbc:TaxableAmount", line.net_minor)
        self._amount(part, "cbc:TaxAmount", tax)
        xml.text(part, "cbc:Percent", number_text(line.rate))
        reasons = [each.reason for each in self.invoice.breakdown if each.category == line.category]
        self._scheme(part, _VAT_NAME, _VAT_CODE, reason="" if tax else next(iter(reasons), ""))
        xml.text(xml.group(inner, "cac:Item"), "cbc:Name", line.name)
        price = number_text(line.price / Decimal(line.price_base))
        xml.text(xml.group(inner, "cac:Price"), "cbc:PriceAmount", price, currencyID=self.invoice.currency)

    def _amount(self, parent: Element, name: str, minor: int) -> None:
        self.xml.text(parent, name, minor_text(minor), currencyID=self.invoice.currency)


def _scheme(party: InvoiceParty) -> str:
    return "VKN" if len(party.tax_number) == 10 else "TCKN"


def _sum(lines: Sequence[InvoiceLine]) -> int:
    return sum(line.net_minor for line in lines)


def _half_up(value: Fraction) -> int:
    return round_quotient(value.numerator, value.denominator, RoundingMode.HALF_UP)
