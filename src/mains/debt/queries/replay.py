"""Prove posted interest: the exact implementation, on what was known when it was posted, gives the same amounts."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from mains.base.columns import fetch_frame
from mains.debt.models import InterestRun
from mains.debt.queries.interest import explain_items, posted_by_item
from mains.engine.exact import UnableToRate


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """An item whose posted interest is not what the exact implementation gives, in minor units."""

    account_id: int
    item_id: int
    posted_minor: int
    exact_minor: int


def replay_interest(*, account_ids: Sequence[int], run_id: int | None = None) -> list[Deviation]:
    """Compare the interest posted up to a run, the last one by default, item by item, with what the facts known at its
    moment give day by day in fractions."""
    run = (
        InterestRun.objects.filter(pk=run_id).first()
        if run_id
        else InterestRun.objects.order_by("-id").first()
    )
    if run is None:
        return []
    found = []
    for account_id in account_ids:
        posted = {
            row["item_id"]: row["posted_minor"]
            for row in posted_by_item(account_ids=[account_id], run_id=run.pk).iter_rows(named=True)
        }
        try:
            protocols = explain_items(account_id=account_id, until=run.until, as_of=run.recorded_at)
        except UnableToRate:
            # No rate is in force on a day, so nothing was posted for the run either; the run named it.
            continue
        exact = {item: protocol.total_minor for item, protocol in protocols.items()}
        found += [
            Deviation(
                account_id=account_id,
                item_id=item,
                posted_minor=posted.get(item, 0),
                exact_minor=exact.get(item, 0),
            )
            for item in sorted({*posted, *exact})
            if posted.get(item, 0) != exact.get(item, 0)
        ]
    return found


def list_accounts_with_interest(*, limit: int) -> list[int]:
    """Accounts to which interest was posted, spread over all of them by a hash of their ids."""
    frame = fetch_frame(
        """
        SELECT account_id FROM (SELECT DISTINCT account_id FROM debt_interestline) found
        ORDER BY hashint8(account_id), account_id LIMIT %(limit)s
        """,
        {"limit": limit},
        schema={"account_id": pl.Int64},
    )
    return frame["account_id"].to_list()
