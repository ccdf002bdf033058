"""What an advance may ask for: a stated amount, or an expected use at the prices in force."""

from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl

from mains.base.columns import fetch_frame
from mains.base.units import UNIT_OF_SERVICE
from mains.billing.queries.explain.evidence import Item, load_items
from mains.billing.queries.explain.facts import facts_of
from mains.billing.queries.explain.usage import DailyUse
from mains.billing.values import COMMON_USE
from mains.engine.exact import rate_exact
from mains.engine.facts import Stretch
from mains.kernel.errors import MainsError
from mains.kernel.period import next_month

MAX_MONTHS = 36


class UnableToExpect(MainsError):
    """The price of a use that is still to come cannot be told."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is asked for in minor units, and the use in micro-units that it was computed for, if it was."""

    amount_minor: int
    quantity_micro: int | None = None


def supplies_of_account(*, account_id: int, on_date: date) -> dict[str, int]:
    """The provider of each service that the account pays for on the day."""
    found = fetch_frame(
        """
        SELECT DISTINCT ON (p.service) p.service, g.provider_id
        FROM customers_agreement g JOIN network_servicepoint p ON p.id = g.service_point_id
        WHERE g.account_id = %(account)s AND g.superseded_at IS NULL AND g.valid @> %(day)s::date
        ORDER BY p.service, g.id
        """,
        {"account": account_id, "day": on_date},
        schema={"service": pl.String, "provider_id": pl.Int64},
    )
    return dict(found.iter_rows())


def expect_use(
    *, account_id: int, service: str, quantity_micro: int, months: int, on_date: date, now: datetime
) -> Expected:
    """What `quantity_micro` of use in each of `months` costs the account by the tariff in force in the month of
    `on_date`, taxes with it, as a bill of that month would charge it.

    Raises UnableToExpect: no such agreement, several of them, or a tariff that reads zones, intervals or other
    quantities than the use; what the tariff itself refuses.
    """
    month = on_date.replace(day=1)
    items = [
        item
        for item in load_items(account_ids=[account_id], month=month, as_of=now)
        if item.point["service"] == service
    ]
    if len(items) != 1 or items[0].edition is None:
        raise _unable(
            "expect-agreement",
            "The use of a month has no single price: the account has no agreement for the service, or several.",
            account_id,
        )
    if not 1 <= months <= MAX_MONTHS or quantity_micro < 0:
        raise _unable(
            "expect-months",
            f"An advance is for 1 to {MAX_MONTHS} months, and for no negative use.",
            account_id,
        )
    minor = _cost(items[0], quantity_micro, account_id)
    return Expected(amount_minor=minor * months, quantity_micro=quantity_micro * months)


def _cost(item: Item, quantity_micro: int, account_id: int) -> int:
    assert item.edition is not None  # asked before
    tariff = item.edition.tariff
    # Shares of a house's remainder are drawn up with the month: nobody expects them here.
    if tariff.needs_intervals or set(tariff.quantities) - {COMMON_USE}:
        raise _unable(
            "expect-tariff",
            "The tariff reads more than the use of a month, such as zones by the hour.",
            account_id,
        )
    following = next_month(item.service_month)
    whole = replace(item, period_from=item.service_month, period_to=following)
    use = DailyUse(item.service_month, (), {}, {}, UNIT_OF_SERVICE[item.point["service"]])
    facts = facts_of(whole, use)
    stretch = Stretch(item.service_month, following, quantity_micro, "expected use")
    return rate_exact(tariff=tariff, facts=replace(facts, use={**facts.use, "usage": (stretch,)})).total_minor


def _unable(code: str, message: str, account_id: int) -> UnableToExpect:
    return UnableToExpect(
        code=code,
        message=message,
        place=f"account {account_id}",
        remedy="State the amount of the advance instead.",
        params={"field": "quantity"},
    )
