"""Words of the context, and how a bill is divided among payers: pure, exact to the minor unit."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from typing import TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from mains.kernel.period import next_month
from mains.kernel.rounding import RoundingMode, round_quotient

MAX_INTERVAL = 12
WHOLE_PPM = 1_000_000
Key = TypeVar("Key", bound=Hashable)


class InvoiceKind(models.TextChoices):
    """What an invoice is made of."""

    COLLECTIVE = "collective", _("Collective invoice")
    SHARED = "shared", _("Share of a bill")
    ADVANCE = "advance", _("Advance invoice")
    PERIOD = "period", _("Invoice for several months")


class ShareRule(models.TextChoices):
    """How a payer's share is stated."""

    PERCENT = "percent", _("Percent")
    AMOUNT = "amount", _("Fixed amount a month")


@dataclass(frozen=True, kw_only=True)
class Interval:
    """How many months one bill covers, over [valid_from, valid_to) and drawn up for `closes_in` and every `months`
    before and after."""

    months: int
    closes_in: date
    valid_to: date | None

    def closing(self, month: date) -> date:
        """The month (its first day) with which charges of `month` are asked for: the next one for which a bill is drawn
        up, or the last one in which the interval holds. What holds for a month is what holds on its last day."""
        to_go = (_number(self.closes_in) - _number(month)) % self.months
        closing = months_after(month, to_go)
        if self.valid_to is None:
            return closing
        ends = self.valid_to.replace(day=1)
        last = ends if next_month(ends) - timedelta(days=1) < self.valid_to else months_after(ends, -1)
        return max(month, min(closing, last))


def months_after(month: date, count: int) -> date:
    """The first day of the month so many months later, or earlier where the count is below nought."""
    number = _number(month) + count
    return date(number // 12, number % 12 + 1, 1)


def _number(month: date) -> int:
    return month.year * 12 + month.month - 1


@dataclass(frozen=True, kw_only=True)
class Share:
    """What of an account's bill another account pays.

    By `parts_ppm`, millionths of the charges of `service` and `component` (empty: of all), or a fixed `amount_minor` of
    each month's bill. Of several rules for a charge the one that names the component goes before the one that names the
    service, and that before the one for all.
    """

    payer_id: int
    parts_ppm: int | None = None
    amount_minor: int | None = None
    service: str = ""
    component: str = ""

    @property
    def closeness(self) -> int:
        return 2 if self.component else 1 if self.service else 0

    def is_about(self, *, service: str, component: str) -> bool:
        return self.service in ("", service) and self.component in ("", component)


@dataclass(frozen=True, kw_only=True)
class Charge:
    """A part of a bill with the shares of the day it is about."""

    provider_id: int
    service: str
    component: str
    amount_minor: int
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Part:
    """Of whom, for which provider's service."""

    payer_id: int
    provider_id: int
    service: str


def divide_bill(charges: Sequence[Charge], *, own_id: int, fixed: Sequence[Share] = ()) -> dict[Part, int]:
    """What each payer pays of a bill, by provider and service; what is left is `own_id`'s. Minor units.

    `fixed` are the shares by amount: they take of what the bill asks for before the percentages do, and never more than
    that. Each provider's service sums to what the bill asks for it: whole units go to the largest remainders.
    """
    totals: dict[tuple[int, str], int] = {}
    for charge in charges:
        place = charge.provider_id, charge.service
        totals[place] = totals.get(place, 0) + charge.amount_minor
    taken = _fixed_amounts(totals, fixed)
    divided: dict[Part, int] = {}
    for place, total in totals.items():
        own = [charge for charge in charges if (charge.provider_id, charge.service) == place]
        by_amount = {payer: minor for (payer, at), minor in taken.items() if at == place}
        rest = total - sum(by_amount.values())
        exact = _percentages(own, scale=Fraction(rest, total) if total else Fraction(1))
        exact[own_id] = exact.get(own_id, Fraction(0)) + rest - sum(exact.values())
        for payer, minor in round_shares(exact, total=rest).items():
            both = minor + by_amount.pop(payer, 0)
            if both:
                divided[Part(payer, *place)] = both
        for payer, minor in by_amount.items():
            divided[Part(payer, *place)] = minor
    return divided


def vat_inside(*, gross_minor: int, rate_ppm: int) -> int:
    """The VAT that an amount includes, half a minor unit up."""
    return round_quotient(gross_minor * rate_ppm, WHOLE_PPM + rate_ppm, RoundingMode.HALF_UP)


def round_shares(exact: Mapping[Key, Fraction], *, total: int) -> dict[Key, int]:
    """Whole shares that sum to `total`, each within one unit of its exact one: the largest remainders get the rest."""
    assert sum(exact.values()) == total, "Exact shares sum to the total."
    whole = {key: floor(value) for key, value in exact.items()}
    missing = total - sum(whole.values())
    ordered = sorted(exact, key=lambda key: whole[key] - exact[key])  # stable: the first of equal ones
    for key in ordered[:missing]:
        whole[key] += 1
    return whole


def in_proportion(weights: Mapping[Key, int], *, total: int) -> dict[Key, Fraction]:
    """`total` divided by weights, exactly; evenly where all weights are nought."""
    whole = sum(weights.values())
    if not whole:
        return {key: Fraction(total, len(weights)) for key in weights}
    return {key: Fraction(total * weight, whole) for key, weight in weights.items()}


def _percentages(charges: Sequence[Charge], *, scale: Fraction) -> dict[int, Fraction]:
    exact: dict[int, Fraction] = {}
    for charge in charges:
        about = [
            share
            for share in charge.shares
            if share.parts_ppm is not None
            and share.is_about(service=charge.service, component=charge.component)
        ]
        closest = max((share.closeness for share in about), default=0)
        for share in about:
            if share.closeness == closest:
                part = Fraction(charge.amount_minor * (share.parts_ppm or 0), WHOLE_PPM) * scale
                exact[share.payer_id] = exact.get(share.payer_id, Fraction(0)) + part
    return exact


def _fixed_amounts(
    totals: Mapping[tuple[int, str], int], fixed: Sequence[Share]
) -> dict[tuple[int, tuple[int, str]], int]:
    """Fixed amounts by payer and place, in the order in which they are stated; never more than is asked for."""
    open_minor = {place: max(0, total) for place, total in totals.items()}
    taken: dict[tuple[int, tuple[int, str]], int] = {}
    for share in fixed:
        places = [place for place in open_minor if share.service in ("", place[1]) and open_minor[place]]
        whole = sum(open_minor[place] for place in places)
        amount = min(share.amount_minor or 0, whole)
        if not amount:
            continue
        exact = {place: Fraction(amount * open_minor[place], whole) for place in places}
        for place, minor in round_shares(exact, total=amount).items():
            open_minor[place] -= minor
            key = share.payer_id, place
            taken[key] = taken.get(key, 0) + minor
    return taken
