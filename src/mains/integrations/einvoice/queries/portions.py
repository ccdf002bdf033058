"""A payer's part of a bill as an invoice of its own: net amounts and VAT of each service and rate, divided so that all
payers' invoices sum to the bill, and their VAT to what was posted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from django.utils.translation import gettext as _

from mains.integrations.einvoice.queries.amounts import Amounts, Posted
from mains.integrations.einvoice.queries.lines import percent_of
from mains.integrations.einvoice.values.codes import ONE
from mains.integrations.einvoice.values.invoice import Invoice, InvoiceLine, VatBreakdown, VatCategory
from mains.integrations.einvoice.values.legal import UnableToMakeInvoice
from mains.invoicing.values import in_proportion, round_shares
from mains.network.values import Service
from mains.reporting.queries.bill_paper import BillContent

_Rate = tuple[VatCategory, Decimal]


@dataclass(frozen=True)
class ServiceAmounts:
    """What a bill asks for of one service: net amount and VAT by category and rate, and its rounding; minor units."""

    rates: Mapping[_Rate, tuple[int, int]]
    rounding_minor: int

    @property
    def total_minor(self) -> int:
        return self.rounding_minor + sum(net + tax for net, tax in self.rates.values())


@dataclass(frozen=True)
class Portion:
    """One payer's part of a service's amounts."""

    rates: Mapping[_Rate, tuple[int, int]]
    rounding_minor: int


def amounts_by_service(
    content: BillContent, lines: Sequence[InvoiceLine], posted: Sequence[Posted], amounts: Amounts
) -> dict[str, ServiceAmounts]:
    """The bill's lines, VAT and rounding by service."""
    kept = [place for place, (net, _rate) in amounts.nets.items() if net] or sorted(amounts.nets)
    rates: dict[str, dict[_Rate, list[int]]] = {}
    rounding: dict[str, int] = {}
    for place, line in zip(kept, lines, strict=True):
        service = content.places[posted[place].item[0]].service
        rates.setdefault(service, {}).setdefault((line.category, line.rate), [0, 0])[0] += line.net_minor
    for one in posted:
        service = content.places[one.item[0]].service
        if one.rule is not None and one.amount_minor:
            key = VatCategory.STANDARD, percent_of(one.rule.rate)
            rates.setdefault(service, {}).setdefault(key, [0, 0])[1] += one.amount_minor
        elif one.kind == "rounding":
            rounding[service] = rounding.get(service, 0) + one.amount_minor
    return {
        service: ServiceAmounts(
            {key: (net, tax) for key, (net, tax) in rates.get(service, {}).items()}, rounding.get(service, 0)
        )
        for service in sorted({*rates, *rounding})
    }


def divide_amounts(whole: ServiceAmounts, parts: Mapping[int, int]) -> dict[int, Portion]:
    """Divide a service's amounts among payers whose `parts` (minor units, VAT included) sum to it.

    VAT and rounding go in proportion to the parts, whole units to the largest remainders; so do net amounts, but that
    of the largest rate is what is left of each part. Everything sums to the whole by rate, and to each payer's
    part.
    """
    assert sum(parts.values()) == whole.total_minor, "The parts are the bill."
    ordered = sorted(whole.rates, key=lambda key: (-abs(whole.rates[key][0]), key))
    rounding = _divided(whole.rounding_minor, parts)
    taxes = {key: _divided(whole.rates[key][1], parts) for key in ordered}
    nets = {key: _divided(whole.rates[key][0], parts) for key in ordered[1:]}
    found = {}
    for payer, minor in parts.items():
        rates = {key: (nets[key][payer], taxes[key][payer]) for key in ordered[1:]}
        rest = minor - rounding[payer] - sum(net + tax for net, tax in rates.values())
        if ordered:
            tax = taxes[ordered[0]][payer]
            rates = {ordered[0]: (rest - tax, tax)} | rates
        found[payer] = Portion(rates, rounding[payer])
    return found


def with_portions(whole: Invoice, portions: Mapping[str, Portion], *, number: str) -> Invoice:
    """The invoice with a line for each service and rate of a payer's part instead of the bill's lines; `number` is the
    bill's. Its breakdown keeps the reasons of the bill's."""
    lines = tuple(_lines(whole, portions, number))
    if not lines:
        raise UnableToMakeInvoice(
            code="invoice-without-lines",
            message="The bill charges nothing, and an invoice needs a line.",
            place=f"bill {number}",
            remedy="Nothing is to be sent for this month.",
        )
    taxes: dict[_Rate, int] = {}
    for portion in portions.values():
        for key, (_net, tax) in portion.rates.items():
            taxes[key] = taxes.get(key, 0) + tax
    return replace(
        whole,
        lines=lines,
        breakdown=tuple(_groups(whole.breakdown, lines, taxes)),
        rounding_minor=sum(portion.rounding_minor for portion in portions.values()),
        preceding=(),
    )


def _lines(whole: Invoice, portions: Mapping[str, Portion], number: str) -> Iterator[InvoiceLine]:
    count = 0
    for service, portion in portions.items():
        for (category, rate), (net, tax) in portion.rates.items():
            if not net and not tax:
                continue
            count += 1
            yield InvoiceLine(
                identifier=str(count),
                name=_("Share of bill %(number)s: %(service)s")
                % {"number": number, "service": Service(service).label},
                quantity=Decimal(-1 if net < 0 else 1),
                unit=ONE,
                net_minor=net,
                price=Decimal(abs(net)).scaleb(-2),
                category=category,
                rate=rate,
                period=whole.period,
            )


def _groups(
    groups: Sequence[VatBreakdown], lines: Sequence[InvoiceLine], taxes: Mapping[_Rate, int]
) -> Iterator[VatBreakdown]:
    for group in groups:
        key = group.category, group.rate
        own = [line.net_minor for line in lines if (line.category, line.rate) == key]
        if own:
            yield replace(group, taxable_minor=sum(own), tax_minor=taxes.get(key, 0))


def _divided(total: int, parts: Mapping[int, int]) -> dict[int, int]:
    return round_shares(in_proportion(parts, total=total), total=total)
