"""From the posted lines of a bill to net amounts and VAT by rate, without a minor unit lost or won.

What was posted stays what it is: VAT on top is the posted VAT; of a price with VAT inside the posted VAT is taken out
and the rest is net. So net + VAT + rounding is the bill, and the VAT stated is the VAT in the ledger.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from mains.billing.values import LineKind
from mains.integrations.einvoice.queries.vat import VatRule
from mains.integrations.einvoice.values.legal import UnableToMakeInvoice
from mains.kernel.rounding import RoundingMode, round_quotient


@dataclass(frozen=True, kw_only=True)
class Posted:
    """A line of a bill. `item`: its agreement and month of use; `period` is half-open; `rule` where it is VAT."""

    item: tuple[int, date]
    component: str
    kind: str
    amount_minor: int
    period: tuple[date, date]
    rule: VatRule | None = None


@dataclass(frozen=True, kw_only=True)
class RateTotals:
    """What a rate of VAT comes to; `bound_minor` is how far roundings may have moved the VAT from the rate."""

    taxable_minor: int
    tax_minor: int
    postings: int
    bound_minor: Fraction


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """`nets` by position among the posted lines: net amount and rate, None where no VAT is on it. `rates` by rate."""

    nets: Mapping[int, tuple[int, Fraction | None]]
    rates: Mapping[Fraction, RateTotals]
    rounding_minor: int


def split_amounts(posted: Sequence[Posted]) -> Amounts:
    """Net amounts of all lines that are neither VAT nor rounding, and VAT by rate.

    Raises UnableToMakeInvoice where a line is under two rates at once, or VAT was posted on nothing.
    """
    rate_of = {place: _rate_on(line, posted) for place, line in enumerate(posted) if _is_net(line)}
    nets = {place: posted[place].amount_minor for place in rate_of}
    for rule_line in posted:
        if rule_line.rule is not None and rule_line.rule.is_included:
            _take_out(rule_line, nets, posted)
    return Amounts(
        nets={place: (net, rate_of[place]) for place, net in nets.items()},
        rates=_totals(posted, nets, rate_of),
        rounding_minor=sum(line.amount_minor for line in posted if line.kind == LineKind.ROUNDING),
    )


def _is_net(line: Posted) -> bool:
    return line.rule is None and line.kind in (LineKind.CHARGE, LineKind.TAX, LineKind.SUBSIDY)


def _is_on(vat: Posted, line: Posted) -> bool:
    """Whether a line of VAT was computed on another line."""
    return (
        vat.rule is not None
        and vat.item == line.item
        and line.component in vat.rule.covers
        and vat.period[0] < line.period[1]
        and line.period[0] < vat.period[1]
    )


def _rate_on(line: Posted, posted: Sequence[Posted]) -> Fraction | None:
    rates = {vat.rule.rate for vat in posted if vat.rule is not None and _is_on(vat, line)}
    if len(rates) > 1:
        raise UnableToMakeInvoice(
            code="vat-two-rates",
            message=f"{line.component} is under several rates of VAT at once.",
            place=f"{line.item[1]:%Y-%m}, {line.component}",
            remedy="Cut the charge where the rate changes, so that each line has one rate.",
        )
    return next(iter(rates), None)


def _take_out(vat: Posted, nets: dict[int, int], posted: Sequence[Posted]) -> None:
    """Take VAT out of the amounts that hold it, each by its share; what roundings leave is the largest one's."""
    assert vat.rule is not None
    places = [place for place in nets if _is_on(vat, posted[place])]
    share = vat.rule.rate / (1 + vat.rule.rate)
    parts = {place: _half_up(posted[place].amount_minor * share) for place in places}
    left = vat.amount_minor - sum(parts.values())
    if left and not places:
        raise _without_base(vat)
    if left:
        largest = max(places, key=lambda place: (abs(posted[place].amount_minor), -place))
        parts[largest] += left
    for place, part in parts.items():
        nets[place] -= part


def _totals(
    posted: Sequence[Posted], nets: Mapping[int, int], rate_of: Mapping[int, Fraction | None]
) -> dict[Fraction, RateTotals]:
    taxes: dict[Fraction, list[Posted]] = defaultdict(list)
    for vat in posted:
        if vat.rule is not None and (vat.amount_minor or any(_is_on(vat, posted[place]) for place in nets)):
            taxes[vat.rule.rate].append(vat)
    found = {}
    for rate, lines in taxes.items():
        totals = RateTotals(
            taxable_minor=sum(net for place, net in nets.items() if rate_of[place] == rate),
            tax_minor=sum(vat.amount_minor for vat in lines),
            postings=len(lines),
            bound_minor=sum((vat.rule.step_minor for vat in lines if vat.rule), Fraction(0)) * (1 + rate),
        )
        if abs(totals.tax_minor - totals.taxable_minor * rate) > totals.bound_minor:
            raise _without_base(lines[0])
        found[rate] = totals
    return found


def _half_up(value: Fraction) -> int:
    return round_quotient(value.numerator, value.denominator, RoundingMode.HALF_UP)


def _without_base(vat: Posted) -> UnableToMakeInvoice:
    return UnableToMakeInvoice(
        code="vat-without-base",
        message="VAT was posted that is not the rate of the amounts on this bill, as when only VAT was corrected.",
        place=f"{vat.item[1]:%Y-%m}, {vat.component}",
        remedy="An invoice states the amounts that VAT is on: correct these too, or issue this one by hand.",
    )
