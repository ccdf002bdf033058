"""Items of bills rated exactly, with the facts that they were rated from, and what their parts are called."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.base.units import UNIT_OF_SERVICE
from mains.billing.queries.explain.evidence import Item
from mains.billing.queries.explain.facts import facts_of, intervals_of
from mains.billing.queries.explain.intervals.items import ItemIntervals
from mains.billing.queries.explain.usage import DailyUse, daily_use
from mains.billing.values import LineKind
from mains.engine.exact import rate_exact
from mains.engine.exact.protocol import Line, Protocol
from mains.engine.facts import Facts
from mains.staff.values import Scope

Key = tuple[int, date, str, str]
"""Agreement, month of use, component, kind: what a posted amount is counted under."""


@dataclass(frozen=True)
class RatedItem:
    """An item with its exact protocol and the facts that it was rated from.

    `reader`: whose scope says which neighbours the trees may name; None is the customer, who is shown none. `intervals`
    are there where the tariff reads them.
    """

    item: Item
    use: DailyUse
    facts: Facts
    protocol: Protocol
    reader: Scope | None = None
    intervals: ItemIntervals | None = None

    def lines(self) -> Iterator[Line]:
        """The protocol's lines that a bill keeps, in the bill's order."""
        return (line for line in self.protocol.lines if line.kind in LineKind.values)

    def left(self) -> dict[str, Fraction]:
        """What the item leaves of each balance of its tariff."""
        assert self.item.edition is not None  # only items with a tariff are rated
        found = dict.fromkeys(self.item.edition.tariff.balances, Fraction(0))
        for line in self.protocol.lines:
            if line.kind == "balance":
                found[line.component] += line.value
        return found

    def effective(self) -> dict[Key, int]:
        """Amount in minor units under each key of the item."""
        sums: dict[Key, int] = {}
        for line in self.lines():
            key = (self.item.agreement_id, self.item.service_month, line.component, line.kind)
            sums[key] = sums.get(key, 0) + (line.amount_minor or 0)
        return sums


def rate_items(items: Sequence[Item], *, reader: Scope | None = None) -> dict[int, RatedItem]:
    """Rate items exactly; by agreement. Items without a tariff in force are left out."""
    rated = {}
    for item in items:
        if item.edition is not None:
            use = daily_use(item, unit=UNIT_OF_SERVICE[item.point["service"]])
            intervals = intervals_of(item)
            facts = facts_of(item, use, intervals)
            protocol = rate_exact(tariff=item.edition.tariff, facts=facts)
            rated[item.agreement_id] = RatedItem(item, use, facts, protocol, reader, intervals)
    return rated


def fact_title(rated: RatedItem, name: str) -> str:
    """What a fact that the tariff reads is called: of a balance the component's title, else the name itself."""
    if rated.item.edition is None or name not in rated.item.edition.tariff.balances:
        return name
    return _("carried: %(title)s") % {"title": title_of(rated, name)}


def title_of(rated: RatedItem | None, component: str) -> str:
    """The component's name in the reader's language, as the tariff gives it."""
    if rated is None or rated.item.edition is None:
        return component
    for version in reversed(rated.item.edition.tariff.versions):
        found = version.by_name.get(component)
        if found is not None and found.title:
            language = (get_language() or "en").split("-")[0]
            return found.title.get(language) or found.title.get("en") or component
    return component
