"""A customer's current account: entries in order with the running balance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

_ROWS = """
    SELECT id, business_date, due_date, kind, provider_id, service, amount_minor, correction_minor,
           sum(amount_minor) OVER (ORDER BY business_date, id)::bigint AS balance_minor,
           document_id, recorded_at
    FROM ledger_entry
    WHERE account_id = %(account_id)s AND recorded_at <= coalesce(%(as_of)s::timestamptz, 'infinity')
    ORDER BY business_date, id
"""
_BALANCES = """
    SELECT account_id, sum(amount_minor)::bigint FROM ledger_entry
    WHERE account_id = ANY(%(account_ids)s) AND recorded_at <= coalesce(%(as_of)s::timestamptz, 'infinity')
      AND business_date <= coalesce(%(on_date)s::date, 'infinity')
    GROUP BY account_id
"""


@dataclass(frozen=True, kw_only=True)
class CurrentAccountRow:
    """One entry. `amount_minor` is positive when the customer owes more; `balance_minor` is after the entry.

    `document_id` is the bill of a bill entry, the receipt of a payment, the source of an opening balance.
    """

    entry_id: int
    business_date: date
    due_date: date | None
    kind: str
    provider_id: int
    service: str
    amount_minor: int
    correction_minor: int
    balance_minor: int
    document_id: int
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True)
class CurrentAccount:
    """Rows within the asked dates, and the balance before the first and after the last of them."""

    opening_minor: int
    rows: tuple[CurrentAccountRow, ...]
    closing_minor: int


def current_account(
    *,
    account_id: int,
    date_from: date | None = None,
    date_to: date | None = None,
    as_of: datetime | None = None,
) -> CurrentAccount:
    """An account's entries dated in [date_from, date_to), oldest first, with the running balance.

    With `as_of` only what was recorded by then counts, so a past statement can be shown again.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {"account_id": account_id, "as_of": as_of})
        found = [
            CurrentAccountRow(
                entry_id=row[0],
                business_date=row[1],
                due_date=row[2],
                kind=row[3],
                provider_id=row[4],
                service=row[5],
                amount_minor=row[6],
                correction_minor=row[7],
                balance_minor=row[8],
                document_id=row[9],
                recorded_at=row[10],
            )
            for row in cursor.fetchall()
        ]
    before = [row for row in found if date_from and row.business_date < date_from]
    upto = [row for row in found if not date_to or row.business_date < date_to]
    return CurrentAccount(
        opening_minor=before[-1].balance_minor if before else 0,
        rows=tuple(upto[len(before) :]),
        closing_minor=upto[-1].balance_minor if upto else 0,
    )


def balance_of(*, account_id: int, on_date: date | None = None, as_of: datetime | None = None) -> int:
    """What an account owes (negative: has in credit), in minor units, at the end of `on_date`."""
    return balances_of(account_ids=[account_id], on_date=on_date, as_of=as_of)[account_id]


def balances_of(
    *, account_ids: Sequence[int], on_date: date | None = None, as_of: datetime | None = None
) -> dict[int, int]:
    """Balance of each account in one query; accounts without entries have 0."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, {"account_ids": list(account_ids), "on_date": on_date, "as_of": as_of})
        found = dict(cursor.fetchall())
    return {account_id: found.get(account_id, 0) for account_id in account_ids}
