"""Days on which the late interest of a debt rests, because an instalment plan holds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl

from mains.base.columns import fetch_frame
from mains.engine.exact import Protocol, Step
from mains.engine.interest import InterestRule, OpenItem, interest_exact

_ONE = timedelta(days=1)


def list_rests(*, account_ids: Sequence[int], as_of: datetime | None = None) -> pl.DataFrame:
    """Half-open spans of days without late interest, as believed now or at an instant: item_id, from_date, to_date
    (null: open). A plan rests interest from the day after it was made until the day on which it breaks or ends."""
    return fetch_frame(
        """
        WITH changes AS (
            SELECT item_id, plan_id, business_date, sum(amount_minor) AS minor FROM ledger_deferral
            WHERE account_id = ANY(%(account_ids)s) AND rests
              AND recorded_at < coalesce(%(as_of)s::timestamptz, 'infinity')
            GROUP BY 1, 2, 3 HAVING sum(amount_minor) <> 0
        )
        SELECT item_id, min(business_date) FILTER (WHERE minor > 0) + 1, max(business_date) FILTER (WHERE minor < 0)
        FROM changes GROUP BY item_id, plan_id
        HAVING coalesce(max(business_date) FILTER (WHERE minor < 0), 'infinity')
               > min(business_date) FILTER (WHERE minor > 0) + 1
        ORDER BY 1, 2
        """,
        {"account_ids": list(account_ids), "as_of": as_of},
        schema={"item_id": pl.Int64, "from_date": pl.Date, "to_date": pl.Date},
    )


def without_rests(
    protocol: Protocol, rests: pl.DataFrame, *, rule: InterestRule, item: OpenItem, until: date
) -> Protocol:
    """The protocol of an item with a line for each span (`list_rests`) that takes back the interest of its days."""
    for span in rests.filter(pl.col("from_date") <= pl.lit(until)).iter_rows(named=True):
        first, after = span["from_date"], span["to_date"]
        last = until if after is None else min(until, after - _ONE)
        whole = interest_exact(rule=rule, items=(item,), until=last)
        before = interest_exact(rule=rule, items=(item,), until=first - _ONE)
        rested = whole.total_minor - before.total_minor
        if not rested:
            continue
        line = whole.lines[-1]
        value = -sum((one.value for one in whole.lines), start=0 * line.value) + sum(
            (one.value for one in before.lines), start=0 * line.value
        )
        step = Step(
            label="instalment plan",
            value=value,
            unit=line.unit,
            formula="before the plan − until its last day",
            children=tuple(one.explanation for one in (*before.lines, *whole.lines)),
        )
        protocol = replace(
            protocol,
            lines=(
                *protocol.lines,
                replace(
                    line,
                    component="instalment plan",
                    from_date=first,
                    to_date=last + _ONE,
                    amount_minor=-rested,
                    value=value,
                    unrounded=value,
                    explanation=step,
                ),
            ),
            total_minor=protocol.total_minor - rested,
        )
    return protocol
