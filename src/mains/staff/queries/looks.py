"""Who looked at an account, when, from where and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mains.base.rows import fetch_rows

LOOKS = """
SELECT l.at, l.user_id, coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username), u.username, l.page,
    coalesce(host(l.address), ''), l.reason
FROM staff_look l JOIN staff_user u ON u.id = l.user_id
WHERE l.account_id = ANY(%(accounts)s) AND (%(before)s::timestamptz IS NULL OR l.at < %(before)s)
    AND (%(user_id)s::bigint IS NULL OR l.user_id = %(user_id)s)
ORDER BY l.at DESC LIMIT %(limit)s
"""
SUMMARY = """
SELECT l.user_id, coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username), count(*), max(l.at)
FROM staff_look l JOIN staff_user u ON u.id = l.user_id
WHERE l.account_id = %(account)s GROUP BY 1, 2 ORDER BY 4 DESC LIMIT 100
"""


@dataclass(frozen=True)
class LookRecord:
    """A page of the account that a person opened."""

    at: datetime
    user_id: int
    person: str
    username: str
    page: str
    address: str
    reason: str


@dataclass(frozen=True)
class Looker:
    """A person who looked, how often and when last."""

    user_id: int
    person: str
    looks: int
    last_at: datetime


def list_looks(
    *, account_ids: list[int], before: datetime | None = None, user_id: int | None = None, limit: int = 51
) -> list[LookRecord]:
    """Looks at the accounts, the latest first; the caller has checked that the accounts are in reach."""
    params: dict[str, Any] = {"accounts": account_ids, "before": before, "user_id": user_id, "limit": limit}
    return fetch_rows(LookRecord, LOOKS, params)


def list_lookers(*, account_id: int) -> list[Looker]:
    """Who looked at the account, the latest first."""
    return fetch_rows(Looker, SUMMARY, {"account": account_id})
