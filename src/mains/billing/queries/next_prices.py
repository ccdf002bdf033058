"""Whether tariffs have a price for whoever pays from a day on, before there is any use to price."""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from mains.base.units import UNIT_OF_SERVICE
from mains.billing.queries.explain.evidence import Item, load_items
from mains.billing.queries.explain.facts import facts_of
from mains.billing.queries.explain.usage import DailyUse
from mains.engine.exact import rate_exact
from mains.engine.facts import DatedValue, Facts, Stretch
from mains.engine.tariff.model import Tariff
from mains.kernel.errors import MainsError
from mains.kernel.period import month_start, next_month

_OF_PRICES = ("no-version", "value-missing", "attribute-missing")
"""Refusals that are about tariff and payer; others are about use, of which nothing is known yet."""


@dataclass(frozen=True)
class Unpriced:
    """A supply whose tariff cannot price the payer: the service point's code, the tariff's, why and what to do."""

    point_code: str
    tariff: str
    message: str
    remedy: str


def list_unpriced(*, account_id: int, first_day: date, as_of: datetime) -> tuple[Unpriced, ...]:
    """The account's supplies from `first_day` to the end of its month that no bill could price, by the facts believed
    at `as_of`: tried without any use."""
    items = load_items(account_ids=[account_id], month=month_start(first_day), as_of=as_of)
    found = []
    for item in items:
        if item.edition is None or item.period_to <= first_day:
            continue
        try:
            rate_exact(tariff=item.edition.tariff, facts=_without_use(item, item.edition.tariff))
        except MainsError as error:
            if error.code in _OF_PRICES:
                code = str(item.point["point_code"])
                found.append(Unpriced(code, item.edition.code, error.message, error.remedy))
    return tuple(found)


def _without_use(item: Item, tariff: Tariff) -> Facts:
    """The item's facts with use, demands and balances of nought."""
    month = item.service_month
    unit = UNIT_OF_SERVICE[item.point["service"]]
    known = facts_of(item, DailyUse(month=month, series=(), registers={}, readings={}, unit=unit))
    nothing = (Stretch(month, next_month(month), 0),)
    names = ("usage", *(f"usage.{zone}" for zone in tariff.zones), *tariff.quantities)
    nought = (DatedValue(Fraction(0)),)
    return Facts(
        period_from=item.period_from,
        period_to=item.period_to,
        use=dict.fromkeys(names, nothing),
        attributes={**known.attributes, **dict.fromkeys((*tariff.demands, *tariff.balances), nought)},
    )
