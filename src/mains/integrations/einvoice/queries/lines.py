"""The lines of an invoice: each charge with quantity and price, net of VAT; corrections as whole amounts."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

from django.utils.translation import gettext as _

from mains.base.units import UNIT_OF_SERVICE
from mains.billing.queries.explain import LineExplanation
from mains.billing.values import LineKind
from mains.integrations.einvoice.queries.amounts import Amounts
from mains.integrations.einvoice.values.codes import ONE, UNIT_CODES
from mains.integrations.einvoice.values.invoice import InvoiceLine, VatCategory
from mains.integrations.einvoice.values.legal import BuyerData, SellerData, UnableToMakeInvoice
from mains.kernel.rounding import RoundingMode, round_quotient
from mains.reporting.queries.bill_paper import BillContent
from mains.reporting.queries.bill_paper.charges import Charge, readable_title

_PRICE_DECIMALS = range(2, 16)


def make_lines(
    content: BillContent, amounts: Amounts, *, seller: SellerData, buyer: BuyerData
) -> Iterator[InvoiceLine]:
    """The lines in the bill's order; those of nothing are left out. Raises UnableToMakeInvoice."""
    charges = _charges(content)
    codes = dict(part.split("=", 1) for part in seller.tax_codes.split() if "=" in part)
    kept = [place for place, (net, _rate) in amounts.nets.items() if net]
    for number, place in enumerate(kept or sorted(amounts.nets), start=1):
        line = content.explained.lines[place]
        net, rate = amounts.nets[place]
        category, percent = _category(rate, seller=seller, buyer=buyer)
        charge = charges.get(line.line)
        quantity, unit, price, base = _priced(charge, line, content, net, has_vat_inside=rate is not None)
        posted = line.posted
        component = posted.component
        yield InvoiceLine(
            identifier=str(number),
            name=_name(line, charge, is_correction=line.computed is None),
            quantity=quantity,
            unit=unit,
            net_minor=net,
            price=price,
            price_base=base,
            category=category,
            rate=percent,
            period=(posted.from_date, max(posted.from_date, posted.to_date - timedelta(days=1))),
            note=_("Mean price over the tariff's ranges.") if charge and len(charge.tiers) > 1 else "",
            object_id=content.places[posted.agreement_id].point_code,
            other_tax=codes.get(component, component) if posted.kind == LineKind.TAX else "",
        )


def _charges(content: BillContent) -> dict[int, Charge]:
    """The bill's own charges, with quantity and price, by number of line."""
    found: dict[int, Charge] = {}
    for section in content.sections:
        lines = [
            line
            for line in content.explained.lines
            if line.computed is not None and line.posted.agreement_id == section.agreement_id
        ]
        found |= {line.line: charge for line, charge in zip(lines, section.charges, strict=True)}
    return found


def _name(line: LineExplanation, charge: Charge | None, *, is_correction: bool) -> str:
    title = charge.title if charge else readable_title(line)
    if not is_correction:
        return title
    return _("Correction of %(month)s: %(title)s") % {
        "month": f"{line.service_month:%Y-%m}",
        "title": title,
    }


def _category(rate: Fraction | None, *, seller: SellerData, buyer: BuyerData) -> tuple[VatCategory, Decimal]:
    if rate and buyer.is_reverse_charge:
        raise UnableToMakeInvoice(
            code="reverse-charge-with-vat",
            message="The customer owes the VAT itself (reverse charge), and the bill charges VAT.",
            place="customer",
            remedy="Put the account on a tariff without VAT, or take reverse charge off the customer's e-invoice data.",
        )
    if rate:
        return VatCategory.STANDARD, percent_of(rate)
    if rate is None and buyer.is_reverse_charge:
        return VatCategory.REVERSE_CHARGE, Decimal(0)
    return (VatCategory.ZERO if rate is not None else VatCategory(seller.untaxed_category)), Decimal(0)


def percent_of(rate: Fraction) -> Decimal:
    """A share in percent, exactly. Raises UnableToMakeInvoice where it has more than four decimals."""
    scaled = rate * 100 * 10**4
    if scaled.denominator != 1:
        raise UnableToMakeInvoice(
            code="vat-rate",
            message="The rate of VAT has more than four decimals.",
            place=str(rate),
            remedy="State the rate in the tariff as a percentage.",
        )
    return Decimal(scaled.numerator).scaleb(-4)


def _priced(
    charge: Charge | None,
    line: LineExplanation,
    content: BillContent,
    net_minor: int,
    *,
    has_vat_inside: bool,
) -> tuple[Decimal, str, Decimal, int]:
    """Quantity, unit, net price and its base. Where no quantity has a price the line is one of its amount."""
    sign = -1 if net_minor < 0 else 1
    whole = Decimal(sign), ONE, Decimal(abs(net_minor)).scaleb(-2), 1
    service = content.places[line.posted.agreement_id].service
    if charge is None or not charge.quantity or not (charge.tiers or charge.price):
        return whole
    if service not in UNIT_OF_SERVICE or UNIT_OF_SERVICE[service] not in UNIT_CODES:
        return whole
    unit, base = UNIT_CODES[UNIT_OF_SERVICE[service]]
    own = None if has_vat_inside and charge.price is None else charge.price
    price = find_price(quantity=abs(charge.quantity), net_minor=abs(net_minor), wanted=own)
    if price is None:
        return whole
    micro = int(abs(charge.quantity) * 10**6)
    with localcontext() as context:
        context.prec = 40
        quantity = Decimal(micro).scaleb(-6) * base
    return quantity * sign, unit, price, base


def find_price(*, quantity: Fraction, net_minor: int, wanted: Fraction | None) -> Decimal | None:
    """The price that gives the net amount when it is multiplied and rounded: the `wanted` one, else the shortest mean.

    None where the quantity is so small that no price of fifteen decimals does.
    """
    if wanted is not None and wanted >= 0 and _gives(wanted, quantity, net_minor):
        scaled = wanted * 10**15
        if scaled.denominator == 1:
            return _decimal(scaled.numerator, 15)
    mean = Fraction(net_minor, 100) / quantity
    for decimals in _PRICE_DECIMALS:
        scaled = mean * 10**decimals
        digits = round_quotient(scaled.numerator, scaled.denominator, RoundingMode.HALF_UP)
        if _gives(Fraction(digits, 10**decimals), quantity, net_minor):
            return _decimal(digits, decimals)
    return None


def _gives(price: Fraction, quantity: Fraction, net_minor: int) -> bool:
    amount = price * quantity * 100
    return round_quotient(amount.numerator, amount.denominator, RoundingMode.HALF_UP) == net_minor


def _decimal(digits: int, decimals: int) -> Decimal:
    with localcontext() as context:
        context.prec, context.rounding = 60, ROUND_HALF_UP
        return Decimal(digits).scaleb(-decimals).normalize()
