"""The utility's month in a few figures, for the dashboard. All sums are of the person's scope."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from django.core.cache import cache

from mains.base.rows import fetch_row, fetch_rows
from mains.staff.values import Scope

Figures = TypeVar("Figures")


@dataclass(frozen=True)
class MonthMoney:
    """What was billed (corrections included) and paid in a month, both positive, and what is owed at its end."""

    month: date
    billed_minor: int
    paid_minor: int
    closing_minor: int


@dataclass(frozen=True)
class MonthUse:
    """Bills of a month: how many, the use that they billed, and their days that are not measured."""

    month: date
    bills: int
    quantity_micro: int
    estimated_days: int


def _within(scope: Scope) -> dict[str, Any]:
    return {"everything": scope.organisation_ids is None, "reached": sorted(scope.organisation_ids or ())}


def list_month_money(*, scope: Scope, months: int = 13) -> list[MonthMoney]:
    """The last months with any movement, oldest first, from the receivable control accounts."""
    statement = """
        WITH moved AS (
            SELECT date_trunc('month', t.business_date)::date AS month, t.kind, sum(p.amount_minor) AS minor
            FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
            WHERE p.control = 'receivable' AND (%(everything)s OR p.organisation_id = ANY(%(reached)s))
            GROUP BY 1, 2
        ), monthly AS (
            SELECT month, coalesce(sum(minor) FILTER (WHERE kind = 'bill_run'), 0) AS billed,
                   coalesce(-sum(minor) FILTER (WHERE kind IN ('payment_register', 'suspense_cleared')), 0) AS paid,
                   sum(minor) AS moved
            FROM moved GROUP BY month
        )
        SELECT month, billed::bigint, paid::bigint, (sum(moved) OVER (ORDER BY month))::bigint
        FROM monthly ORDER BY month DESC LIMIT %(months)s
    """
    return fetch_rows(MonthMoney, statement, {"months": months} | _within(scope))[::-1]


def list_month_use(*, scope: Scope, months: int = 13) -> list[MonthUse]:
    """The last billed months, oldest first. A posted month never changes, so its sums are remembered."""
    posted = fetch_rows(
        _month_of_run,
        "SELECT month, id FROM billing_billrun WHERE status = 'posted' ORDER BY month DESC LIMIT %(months)s",
        {"months": months},
    )
    statement = """
        SELECT %(month)s::date, count(*), coalesce(sum(quantity_micro), 0)::bigint,
               coalesce(sum(estimated_days), 0)::bigint
        FROM billing_bill
        WHERE month = %(month)s AND run_id = %(run)s AND (%(everything)s OR organisation_id = ANY(%(reached)s))
    """
    found = []
    for month, run_id in reversed(posted):
        params = {"month": month, "run": run_id} | _within(scope)
        found += remember(
            f"month-use:{run_id}", scope, lambda params=params: fetch_rows(MonthUse, statement, params)
        )
    return found


def _month_of_run(month: date, run_id: int) -> tuple[date, int]:
    return month, run_id


def latest_transaction() -> int:
    """Id of the last ledger transaction: figures of the ledger are the same until it moves."""
    found = fetch_row(int, "SELECT coalesce(max(id), 0) FROM ledger_transaction", {})
    return found or 0


def remember(key: str, scope: Scope, make: Callable[[], Figures]) -> Figures:
    """`make()`, kept under the key for this scope; for figures that cannot change under the same key."""
    units = "all" if scope.organisation_ids is None else hash(scope.organisation_ids)
    kept: Figures | None = cache.get(full_key := f"{key}:{units}")
    if kept is None:
        kept = make()
        cache.set(full_key, kept, timeout=None)
    return kept
