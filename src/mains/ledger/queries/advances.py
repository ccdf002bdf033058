"""Advances of customers: what came in, what bills used, and what is left."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from mains.base.columns import fetch_frame

_LEFT_SCHEMA: dict[str, type[pl.DataType]] = {
    "advance_id": pl.Int64,
    "account_id": pl.Int64,
    "organisation_id": pl.Int64,
    "provider_id": pl.Int64,
    "service": pl.String,
    "left_minor": pl.Int64,
    "paid_on": pl.Date,
}


@dataclass(frozen=True, kw_only=True)
class AdvanceUse:
    """Of one bill: how much of the account's advances it used, and how much was left of them after it; minor units."""

    used_minor: int
    left_minor: int


def accounts_with_advance() -> list[int]:
    """Ids of the accounts of whose advances something is left."""
    found = fetch_frame(
        "SELECT account_id FROM ledger_advancemovement GROUP BY advance_id, account_id HAVING sum(amount_minor) > 0",
        schema={"account_id": pl.Int64},
    )
    return sorted(set(found["account_id"]))


def advances_left(
    *, account_ids: Sequence[int] | None = None, advance_ids: Sequence[int] | None = None
) -> pl.DataFrame:
    """What is left of advances, where anything is: advance_id, account_id, organisation_id, provider_id, service,
    left_minor (> 0), paid_on; those paid first come first."""
    return fetch_frame(
        """
        SELECT advance_id, account_id, organisation_id, provider_id, service, sum(amount_minor)::bigint,
               min(business_date) FILTER (WHERE kind = 'paid')
        FROM ledger_advancemovement
        WHERE (%(accounts)s::bigint[] IS NULL OR account_id = ANY(%(accounts)s))
          AND (%(advances)s::bigint[] IS NULL OR advance_id = ANY(%(advances)s))
        GROUP BY 1, 2, 3, 4, 5 HAVING sum(amount_minor) > 0
        ORDER BY 7, 1
        """,
        {
            "accounts": None if account_ids is None else list(account_ids),
            "advances": None if advance_ids is None else list(advance_ids),
        },
        schema=_LEFT_SCHEMA,
    )


def list_uses(*, advance_id: int) -> pl.DataFrame:
    """What an advance paid and still pays, the last use first: account_id, organisation_id, provider_id, service,
    amount_minor (> 0), due_date of the debt that it covered."""
    return fetch_frame(
        """
        SELECT m.account_id, m.organisation_id, m.provider_id, m.service, -m.amount_minor,
               coalesce(e.due_date, e.business_date)
        FROM ledger_advancemovement m
        JOIN ledger_entry e ON e.account_id = m.account_id AND e.id = m.item_id
        WHERE m.advance_id = %(advance)s AND m.kind = 'drawn' ORDER BY m.id DESC
        """,
        {"advance": advance_id},
        schema={
            "account_id": pl.Int64,
            "organisation_id": pl.Int64,
            "provider_id": pl.Int64,
            "service": pl.String,
            "amount_minor": pl.Int64,
            "due_date": pl.Date,
        },
    )


def used_again(*, advance_id: int) -> int:
    """How much of an advance's uses was taken back, in minor units: it is owed again."""
    found = fetch_frame(
        """
        SELECT coalesce(sum(e.amount_minor), 0)::bigint FROM ledger_entry e
        WHERE e.account_id IN (SELECT account_id FROM ledger_advancemovement WHERE advance_id = %(advance)s)
          AND e.kind = 'advance' AND e.amount_minor > 0 AND e.document_id = %(advance)s
        """,
        {"advance": advance_id},
        schema={"minor": pl.Int64},
    )
    return int(found["minor"][0])


def advance_totals(*, advance_ids: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    """Paid in less what went back, used, and left of each advance that money came in for; minor units."""
    found = fetch_frame(
        """
        SELECT advance_id, (sum(amount_minor) FILTER (WHERE kind <> 'drawn'))::bigint,
               (-coalesce(sum(amount_minor) FILTER (WHERE kind = 'drawn'), 0))::bigint, sum(amount_minor)::bigint
        FROM ledger_advancemovement WHERE advance_id = ANY(%(advances)s) GROUP BY 1
        """,
        {"advances": list(advance_ids)},
        schema={"advance_id": pl.Int64, "paid": pl.Int64, "used": pl.Int64, "left": pl.Int64},
    )
    return {row[0]: (row[1], row[2], row[3]) for row in found.iter_rows()}


def advance_use_of_bill(*, account_id: int, bill_id: int) -> AdvanceUse | None:
    """What a bill used of the account's advances, and what was left of them then; None where it used nothing."""
    found = fetch_frame(
        """
        WITH own AS (
            SELECT m.id, m.amount_minor,
                   coalesce(e.document_id = %(bill)s AND e.kind = 'bill', false) AS is_of_bill
            FROM ledger_advancemovement m
            LEFT JOIN ledger_entry e ON e.account_id = m.account_id AND e.id = m.item_id
            WHERE m.account_id = %(account)s
        ), last AS (SELECT max(id) AS id FROM own WHERE is_of_bill)
        SELECT (-sum(amount_minor) FILTER (WHERE is_of_bill))::bigint, sum(amount_minor)::bigint
        FROM own CROSS JOIN last WHERE own.id <= last.id
        """,
        {"account": account_id, "bill": bill_id},
        schema={"used": pl.Int64, "left": pl.Int64},
    )
    used, left = found.row(0)
    return AdvanceUse(used_minor=used, left_minor=left) if used else None
