"""The semantic model of EN 16931-1 as far as a utility's bill fills it; each field names its business term.

Amounts are whole minor units, hundredths of the currency (the norm knows no more decimals); quantities and prices are
exact decimals. A credit note's amounts are those that are given back, above zero.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

INVOICE, CREDIT_NOTE, PREPAYMENT = "380", "381", "386"
"""BT-3 by UNTDID 1001."""


class VatCategory(StrEnum):
    """BT-118 and BT-151 by UNTDID 5305."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    OUT_OF_SCOPE = "O"

    @property
    def needs_reason(self) -> bool:
        """Whether BT-120 or BT-121 must say why there is no VAT (BR-E-10, BR-AE-10, BR-O-10)."""
        return self in (VatCategory.EXEMPT, VatCategory.REVERSE_CHARGE, VatCategory.OUT_OF_SCOPE)


@dataclass(frozen=True, kw_only=True)
class Address:
    """BG-5, BG-8, BG-15. `country` is the code of ISO 3166-1 with two letters (BT-40, BT-55, BT-80)."""

    street: str = ""
    more: str = ""
    city: str = ""
    postal_code: str = ""
    subdivision: str = ""
    country: str = ""


@dataclass(frozen=True, kw_only=True)
class Contact:
    """BG-6, BG-9."""

    name: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, kw_only=True)
class InvoiceParty:
    """BG-4 the seller, BG-7 the buyer.

    `identifier` BT-29, BT-46; `registration` BT-30, BT-47 with its scheme of ISO 6523; `vat_number` BT-31, BT-48 with
    the country's letters; `tax_number` BT-32 as the tax office knows the seller; `legal_form` BT-33; `endpoint` BT-34,
    BT-49 with a scheme of the list EAS.
    """

    name: str
    address: Address
    identifier: str = ""
    registration: str = ""
    registration_scheme: str = ""
    vat_number: str = ""
    tax_number: str = ""
    tax_office: str = ""
    legal_form: str = ""
    endpoint: str = ""
    endpoint_scheme: str = ""
    contact: Contact | None = None
    is_person: bool = False


@dataclass(frozen=True, kw_only=True)
class PaymentMeans:
    """BG-16, BG-17: `code` BT-81 by UNTDID 4461, `reference` BT-83, `iban` BT-84, `holder` BT-85, `bic` BT-86."""

    code: str
    reference: str
    account: str = ""
    holder: str = ""
    bic: str = ""


@dataclass(frozen=True, kw_only=True)
class PrecedingInvoice:
    """BG-3: `number` BT-25, `issued_on` BT-26."""

    number: str
    issued_on: date


@dataclass(frozen=True, kw_only=True)
class InvoiceLine:
    """BG-25.

    `identifier` BT-126, `note` BT-127, `object_id` BT-128 (the service point), `quantity` BT-129 in `unit` BT-130 (a
    code of UN/ECE recommendation 20), `net_minor` BT-131, `period` BT-134 and BT-135 with its last day, `price` BT-146
    of `price_base` BT-149 units, `category` BT-151, `rate` BT-152 in percent, `name` BT-153, `attributes` BG-32.
    `other_tax` names a tax that is not VAT and stands as a line: national documents state it among their taxes.
    """

    identifier: str
    name: str
    quantity: Decimal
    unit: str
    net_minor: int
    price: Decimal
    price_base: int = 1
    category: VatCategory
    rate: Decimal
    period: tuple[date, date] | None = None
    note: str = ""
    object_id: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    other_tax: str = ""


@dataclass(frozen=True, kw_only=True)
class VatBreakdown:
    """BG-23: `taxable_minor` BT-116, `tax_minor` BT-117, `category` BT-118, `rate` BT-119, `reason` BT-120,
    `reason_code` BT-121. `postings` is how many rounded amounts of VAT were added up."""

    category: VatCategory
    rate: Decimal
    taxable_minor: int
    tax_minor: int
    reason: str = ""
    reason_code: str = ""
    postings: int = 0


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """An invoice (BT-3 380), a credit note (381), or an invoice in advance (386).

    `currency` BT-5, `buyer_reference` BT-10, `contract` BT-12, `object_id` BT-18 (the customer's account), `terms`
    BT-20, `notes` BT-22, `period` BG-14 with its last day, `rounding_minor` BT-114,
    `prepaid_minor` BT-113: what advances have paid of it.
    """

    type_code: str
    number: str
    issued_on: date
    due_on: date
    currency: str
    buyer_reference: str
    contract: str
    object_id: str
    terms: str
    notes: tuple[str, ...]
    seller: InvoiceParty
    buyer: InvoiceParty
    delivery: Address
    period: tuple[date, date]
    payment: PaymentMeans
    preceding: tuple[PrecedingInvoice, ...]
    breakdown: tuple[VatBreakdown, ...]
    lines: tuple[InvoiceLine, ...]
    rounding_minor: int = 0
    prepaid_minor: int = 0
    language: str = "en"

    @property
    def is_credit_note(self) -> bool:
        return self.type_code == CREDIT_NOTE

    @property
    def net_minor(self) -> int:
        """BT-106 and BT-109: there are no allowances and charges of the document."""
        return sum(line.net_minor for line in self.lines)

    @property
    def tax_minor(self) -> int:
        """BT-110."""
        return sum(each.tax_minor for each in self.breakdown)

    @property
    def gross_minor(self) -> int:
        """BT-112."""
        return self.net_minor + self.tax_minor

    @property
    def total_minor(self) -> int:
        """What is asked for in all, before advances are deducted."""
        return self.gross_minor + self.rounding_minor

    @property
    def payable_minor(self) -> int:
        """BT-115."""
        return self.total_minor - self.prepaid_minor

    def turned(self) -> "Invoice":
        """The same with all signs turned: what asks for less than nothing gives back more than nothing."""
        return replace(
            self,
            type_code=INVOICE if self.is_credit_note else CREDIT_NOTE,
            lines=tuple(
                replace(line, quantity=-line.quantity, net_minor=-line.net_minor) for line in self.lines
            ),
            breakdown=tuple(
                replace(each, taxable_minor=-each.taxable_minor, tax_minor=-each.tax_minor)
                for each in self.breakdown
            ),
            rounding_minor=-self.rounding_minor,
            prepaid_minor=-self.prepaid_minor,
        )


def minor_text(minor: int) -> str:
    """An amount with its two decimals and a point."""
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def number_text(value: Decimal) -> str:
    """A quantity, price or rate without an exponent and without zeros at the end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
