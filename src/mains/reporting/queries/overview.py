"""The utility's month in a few figures, for the dashboard. All sums are of the person's scope."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from django.core.cache import cache
from django.db import connection

from mains.base.rows import fetch_row, fetch_rows
from mains.customers.queries.records import count_accounts, count_unmapped
from mains.staff.values import Scope

Figures = TypeVar("Figures")
FRESH_S = 60  # counts of what waits may be a minute old


@dataclass(frozen=True)
class MonthUse:
    """Bills of a month: how many, the use that they billed, and their days that are not measured."""

    month: date
    bills: int
    quantity_micro: int
    estimated_days: int


def _within(scope: Scope) -> dict[str, Any]:
    return {"everything": scope.organisation_ids is None, "reached": sorted(scope.organisation_ids or ())}


def list_month_use(*, scope: Scope, months: int = 13) -> list[MonthUse]:
    """The last billed months, oldest first. A posted month never changes, so its sums are remembered."""
    posted = fetch_rows(
        _month_of_run,
        "SELECT month, id FROM billing_billrun WHERE status = 'posted' AND kind = 'monthly'"
        " ORDER BY month DESC LIMIT %(months)s",
        {"months": months},
    )
    return [use for month, run_id in reversed(posted) for use in _month_use(month, run_id, scope)]


def _month_use(month: date, run_id: int, scope: Scope) -> list[MonthUse]:
    params = {"month": month, "run": run_id} | _within(scope)
    kept = fetch_rows(_kept_use, _KEPT_USE, params)
    if kept and kept[0] is not None:
        return [kept[0]]
    return remember(f"month-use:{run_id}", scope, lambda: fetch_rows(MonthUse, _BILLED_USE, params))


_BILLED_USE = """
    SELECT %(month)s::date, count(*), coalesce(sum(quantity_micro), 0)::bigint,
           coalesce(sum(estimated_days), 0)::bigint
    FROM billing_bill
    WHERE month = %(month)s AND run_id = %(run)s AND (%(everything)s OR organisation_id = ANY(%(reached)s))
"""
_KEPT_USE = """
    SELECT count(*), %(month)s::date, coalesce(sum(bills) FILTER (WHERE seen), 0)::bigint,
           coalesce(sum(quantity_micro) FILTER (WHERE seen), 0)::bigint,
           coalesce(sum(estimated_days) FILTER (WHERE seen), 0)::bigint
    FROM (SELECT *, %(everything)s OR organisation_id = ANY(%(reached)s) AS seen
          FROM reporting_monthfigure WHERE run_id = %(run)s) figure
"""


def _kept_use(units: int, *figures: Any) -> MonthUse | None:
    return MonthUse(*figures) if units else None


@dataclass(frozen=True)
class AccountCounts:
    """Open accounts of a scope, and those of them without a field officer."""

    accounts: int
    unmapped: int


def count_open_accounts(*, scope: Scope, on_date: date) -> AccountCounts:
    """The counts as last kept; counted anew, and remembered for a minute, when none are kept."""
    kept = fetch_rows(
        _kept_counts,
        """
        SELECT count(*), coalesce(sum(accounts) FILTER (WHERE seen), 0)::bigint,
               coalesce(sum(unmapped) FILTER (WHERE seen), 0)::bigint
        FROM (SELECT *, %(everything)s OR organisation_id = ANY(%(reached)s) AS seen
              FROM reporting_accountfigure) figure
        """,
        _within(scope),
    )
    if kept[0] is not None:
        return kept[0]
    return remember("accounts", scope, lambda: _count(scope, on_date), seconds=FRESH_S)


def _count(scope: Scope, on_date: date) -> AccountCounts:
    return AccountCounts(count_accounts(scope=scope), count_unmapped(scope=scope, on_date=on_date))


def _kept_counts(units: int, *figures: Any) -> AccountCounts | None:
    return AccountCounts(*figures) if units else None


def _month_of_run(month: date, run_id: int) -> tuple[date, int]:
    return month, run_id


@dataclass(frozen=True)
class LedgerState:
    """The last transaction and the months between which money moved; figures are the same until it changes."""

    last_transaction_id: int
    first_month: date
    last_month: date


def ledger_state() -> LedgerState | None:
    """How far the ledger goes; None when nothing was posted yet."""
    statement = """
        SELECT max(id), date_trunc('month', min(business_date))::date, date_trunc('month', max(business_date))::date
        FROM ledger_transaction HAVING count(*) > 0
    """
    return fetch_row(LedgerState, statement, {})


def remember(key: str, scope: Scope, make: Callable[[], Figures], *, seconds: int | None = None) -> Figures:
    """`make()`, kept under the key for this scope: for ever, when nothing can change it, or for some seconds."""
    units = "all" if scope.organisation_ids is None else hash(scope.organisation_ids)
    full_key = f"{connection.settings_dict['NAME']}:{key}:{units}"
    kept: Figures | None = cache.get(full_key)
    if kept is None:
        kept = make()
        cache.set(full_key, kept, timeout=seconds)
    return kept
