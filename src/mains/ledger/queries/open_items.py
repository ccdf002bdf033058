"""What is open: debts that no credit covers yet, and credits that no debt has used yet."""

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from mains.base.columns import fetch_frame
from mains.ledger.queries.deferrals import HELD_PARTS
from mains.ledger.values import AGE_LIMITS_DAYS, Age

_ITEM_SCHEMA: dict[str, type[pl.DataType]] = {
    "account_id": pl.Int64,
    "item_id": pl.Int64,
    "due_date": pl.Date,
    "outstanding_minor": pl.Int64,
    "service": pl.String,
    "provider_id": pl.Int64,
    "business_date": pl.Date,
    "kind": pl.String,
}
_CREDIT_SCHEMA: dict[str, type[pl.DataType]] = {
    "account_id": pl.Int64,
    "credit_id": pl.Int64,
    "paid_on": pl.Date,
    "available_minor": pl.Int64,
    "service": pl.String,
    "provider_id": pl.Int64,
}

_ITEMS = """
    SELECT e.account_id, e.id, coalesce(e.due_date, e.business_date),
           e.amount_minor - coalesce(a.covered_minor, 0), e.service, e.provider_id, e.business_date, e.kind
    FROM ledger_entry e
    LEFT JOIN (
        SELECT item_id, sum(amount_minor)::bigint AS covered_minor FROM ledger_allocation
        WHERE account_id = ANY(%(account_ids)s) GROUP BY item_id
    ) a ON a.item_id = e.id
    WHERE e.account_id = ANY(%(account_ids)s) AND e.amount_minor > coalesce(a.covered_minor, 0)
      AND e.amount_minor > 0
    ORDER BY 1, 3, 2
"""
_CREDITS = """
    SELECT e.account_id, e.id, e.business_date,
           -e.amount_minor - coalesce(a.used_minor, 0), e.service, e.provider_id
    FROM ledger_entry e
    LEFT JOIN (
        SELECT credit_id, sum(amount_minor)::bigint AS used_minor FROM ledger_allocation
        WHERE account_id = ANY(%(account_ids)s) GROUP BY credit_id
    ) a ON a.credit_id = e.id
    WHERE e.account_id = ANY(%(account_ids)s) AND -e.amount_minor > coalesce(a.used_minor, 0)
      AND e.amount_minor < 0
    ORDER BY 1, 3, 2
"""
# Items and credits of every account at a date, as known at an instant; `over` is items less what covers them.
_AGES = """
    WITH covered AS (
        SELECT item_id AS id, sum(amount_minor) AS minor FROM ledger_allocation
        WHERE business_date <= %(on_date)s AND recorded_at <= %(as_of)s GROUP BY item_id
        UNION ALL
        SELECT credit_id, -sum(amount_minor) FROM ledger_allocation
        WHERE business_date <= %(on_date)s AND recorded_at <= %(as_of)s GROUP BY credit_id
    ), open AS (
        SELECT e.id, e.organisation_id, e.account_id, e.amount_minor - coalesce(c.minor, 0) AS minor,
               coalesce(e.due_date, e.business_date) AS due_date
        FROM ledger_entry e LEFT JOIN covered c ON c.id = e.id
        WHERE e.business_date <= %(on_date)s AND e.recorded_at <= %(as_of)s
          AND e.amount_minor <> coalesce(c.minor, 0)
    ), {held_parts}, aged AS (
        SELECT o.organisation_id, o.account_id, p.minor, %(on_date)s - p.due_date AS days
        FROM parts p JOIN open o ON o.id = p.id WHERE p.minor <> 0
    )
    SELECT organisation_id, {age} AS age, sum(minor)::bigint, count(DISTINCT account_id)
    FROM aged GROUP BY 1, 2 ORDER BY 1, 2
"""


def open_items(*, account_ids: Sequence[int]) -> pl.DataFrame:
    """Debts not fully covered: account_id, item_id, due_date, outstanding_minor (> 0), service, provider_id,
    business_date, kind.

    Sorted by account, due date and item. An item without a due date counts from its business date.
    """
    return fetch_frame(_ITEMS, {"account_ids": list(account_ids)}, schema=_ITEM_SCHEMA)


def open_credits(*, account_ids: Sequence[int]) -> pl.DataFrame:
    """Credits not fully used: account_id, credit_id, paid_on, available_minor (> 0), service, provider_id."""
    return fetch_frame(_CREDITS, {"account_ids": list(account_ids)}, schema=_CREDIT_SCHEMA)


def accounts_with_open_credit() -> list[int]:
    """Ids of the accounts that have a credit not fully used."""
    frame = fetch_frame(
        """
        SELECT DISTINCT e.account_id FROM ledger_entry e
        LEFT JOIN (
            SELECT credit_id, sum(amount_minor) AS used_minor FROM ledger_allocation GROUP BY credit_id
        ) a ON a.credit_id = e.id
        WHERE e.amount_minor < 0 AND -e.amount_minor > coalesce(a.used_minor, 0)
        ORDER BY 1
        """,
        schema={"account_id": pl.Int64},
    )
    return frame["account_id"].to_list()


def age_open_items(*, on_date: date, as_of: datetime) -> pl.DataFrame:
    """What is open at the end of `on_date`, by how long it is overdue.

    Columns organisation_id, age, amount_minor, accounts; `age` is a value of `Age`. Credits count as negative
    amounts, so an organisation's rows sum to what its customers owe in all. Only what was recorded by `as_of`
    counts. It reads the whole ledger: for jobs, not for pages.
    """
    steps = " ".join(f"WHEN days <= {limit} THEN '{age.value}'" for age, limit in AGE_LIMITS_DAYS.items())
    ladder = f"CASE WHEN minor < 0 THEN '{Age.CREDIT.value}' {steps} ELSE '{Age.OLDER.value}' END"
    return fetch_frame(
        _AGES.format(age=ladder, held_parts=HELD_PARTS),
        {"on_date": on_date, "as_of": as_of},
        schema={
            "organisation_id": pl.Int64,
            "age": pl.String,
            "amount_minor": pl.Int64,
            "accounts": pl.Int64,
        },
    )


def list_entries_of(*, account_ids: Sequence[int]) -> pl.DataFrame:
    """All entries of the accounts that are not nought: entry_id, account_id, provider_id, service, kind, amount_minor,
    due_date, business_date, document_id."""
    return fetch_frame(
        """
        SELECT id, account_id, provider_id, service, kind, amount_minor, due_date, business_date, document_id
        FROM ledger_entry WHERE account_id = ANY(%(account_ids)s) AND amount_minor <> 0 ORDER BY id
        """,
        {"account_ids": list(account_ids)},
        schema={
            "entry_id": pl.Int64,
            "account_id": pl.Int64,
            "provider_id": pl.Int64,
            "service": pl.String,
            "kind": pl.String,
            "amount_minor": pl.Int64,
            "due_date": pl.Date,
            "business_date": pl.Date,
            "document_id": pl.Int64,
        },
    )


def held_allocations(*, account_ids: Sequence[int]) -> pl.DataFrame:
    """What credits cover now, reversals taken into account: account_id, item_id, credit_id, amount_minor (> 0)."""
    return fetch_frame(
        """
        SELECT account_id, item_id, credit_id, sum(amount_minor)::bigint FROM ledger_allocation
        WHERE account_id = ANY(%(account_ids)s) GROUP BY 1, 2, 3 HAVING sum(amount_minor) <> 0
        """,
        {"account_ids": list(account_ids)},
        schema={"account_id": pl.Int64, "item_id": pl.Int64, "credit_id": pl.Int64, "amount_minor": pl.Int64},
    )


def last_credit_days(*, account_ids: Sequence[int], since: date) -> dict[int, date]:
    """The latest business date of a credit, of those accounts that have one dated `since` or later."""
    found = fetch_frame(
        """
        SELECT account_id, max(business_date) FROM ledger_entry
        WHERE account_id = ANY(%(account_ids)s) AND amount_minor < 0 AND business_date >= %(since)s
          AND month >= date_trunc('month', %(since)s::date)
        GROUP BY 1
        """,
        {"account_ids": list(account_ids), "since": since},
        schema={"account_id": pl.Int64, "last": pl.Date},
    )
    return dict(found.iter_rows())


def fixed_allocations(*, account_ids: Sequence[int]) -> pl.DataFrame:
    """Which credit covers which item whatever the order: account_id, item_id, credit_id, amount_minor (> 0)."""
    return fetch_frame(
        """
        SELECT account_id, item_id, credit_id, sum(amount_minor)::bigint FROM ledger_fixedallocation
        WHERE account_id = ANY(%(account_ids)s) GROUP BY 1, 2, 3 HAVING sum(amount_minor) <> 0
        """,
        {"account_ids": list(account_ids)},
        schema={"account_id": pl.Int64, "item_id": pl.Int64, "credit_id": pl.Int64, "amount_minor": pl.Int64},
    )
