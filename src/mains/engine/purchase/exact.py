"""What one account gets for its money: the largest use whose bill, with everything on it, the money still covers."""

from dataclasses import dataclass, replace
from fractions import Fraction

from mains.engine.exact import Line, Protocol, Step, UnableToRate, rate_exact, show_short
from mains.engine.facts import MICRO, Facts, Stretch
from mains.engine.tariff import Tariff

MOST_MICRO = 10**15
"""A purchase stays below 10^9 units."""


@dataclass(frozen=True)
class Purchase:
    """`units_micro` bought, the bill of that use, and the money left over, which buys no further step."""

    units_micro: int
    remainder_minor: int
    protocol: Protocol


def buy_exact(*, tariff: Tariff, facts: Facts, money_minor: int, step_micro: int) -> Purchase:
    """The most whole steps of use that `money_minor` pays for in the period of `facts`, with all taxes and charges.

    Found by halving, as a bill does not fall when use grows. Where a tariff prices the whole of a larger use lower, the
    money may buy more than one amount, and one of them is found. `facts` carry no use. What was bought before in the
    period, if tiers go on from it, is an attribute which the tariff reads (`start: bought`). Raises UnableToRate when
    the money does not cover the bill of no use, when it buys without end, and when the tariff reads use by zone.
    """
    if tariff.zones:
        raise UnableToRate(
            code="purchase-by-zone",
            message=f"Tariff {tariff.code} reads use by zone; money does not say in which zone it will be used.",
            place=f"usage.{tariff.zones[0]}",
            remedy="Sell under a tariff with one price for all hours.",
        )
    buyer = _Buyer(tariff, facts, step_micro)
    if buyer.total(0) > money_minor:
        raise UnableToRate(
            code="purchase-too-small",
            message=f"The bill of no use is {_text(buyer.total(0), tariff)}, the money {_text(money_minor, tariff)}.",
            place="total",
            remedy="Take at least the fixed charges.",
        )
    low, high = 0, MOST_MICRO // step_micro
    if buyer.total(high) <= money_minor:
        raise UnableToRate(
            code="purchase-without-end",
            message=f"{_text(money_minor, tariff)} buys {MOST_MICRO // MICRO} units and more.",
            place="components",
            remedy="Check the price: use must cost something.",
        )
    while high - low > 1:
        middle = (low + high) // 2
        if buyer.total(middle) <= money_minor:
            low = middle
        else:
            high = middle
    protocol = buyer.bill(low)
    remainder = money_minor - protocol.total_minor
    return Purchase(
        low * step_micro, remainder, _with_purchase(protocol, low * step_micro, money_minor, tariff)
    )


class _Buyer:
    def __init__(self, tariff: Tariff, facts: Facts, step_micro: int) -> None:
        self._tariff, self._facts, self._step = tariff, facts, step_micro

    def bill(self, steps: int) -> Protocol:
        first, end = self._facts.period_from, self._facts.period_to
        use = (Stretch(first, end, steps * self._step, "bought"),)
        return rate_exact(
            tariff=self._tariff, facts=replace(self._facts, use={**self._facts.use, "usage": use})
        )

    def total(self, steps: int) -> int:
        return self.bill(steps).total_minor


def _text(minor: int, tariff: Tariff) -> str:
    return f"{show_short(Fraction(minor, tariff.posting_scale))} {tariff.currency}"


def _with_purchase(protocol: Protocol, units: int, money_minor: int, tariff: Tariff) -> Protocol:
    """The bill with two more lines: what was bought, and what is left of the money."""
    money, total = (Fraction(minor, protocol.posting_scale) for minor in (money_minor, protocol.total_minor))
    bought, unit = Fraction(units, MICRO), str(tariff.units.use)
    left = money - total
    paid = Step("money", money, protocol.currency)
    lines = (
        ("purchased", "quantity", units, None, bought, unit, "most use whose bill the money covers"),
        (
            "remainder",
            "info",
            None,
            money_minor - protocol.total_minor,
            left,
            protocol.currency,
            "money − total",
        ),
    )
    added = tuple(
        Line(
            component=name,
            kind=kind,
            segment=-1,
            from_date=protocol.period_from,
            to_date=protocol.period_to,
            quantity_micro=quantity,
            amount_minor=amount,
            value=value,
            unrounded=value,
            unit=shown,
            explanation=Step(
                name, value, shown, how, children=(paid, Step("total", total, protocol.currency))
            ),
        )
        for name, kind, quantity, amount, value, shown, how in lines
    )
    return replace(protocol, lines=(*protocol.lines, *added))
