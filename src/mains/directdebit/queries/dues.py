"""What may be collected on a day: by which mandate, how much, as which of its collections."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from mains.base.columns import fetch_frame
from mains.directdebit.queries.mandates import MandateRecord, list_mandates
from mains.directdebit.values import MandateState, MandateUse
from mains.directdebit.values import Sequence as Which
from mains.ledger.queries.current_account import balances_of
from mains.ledger.queries.deferrals import due_parts
from mains.ledger.queries.open_items import open_items

# What is on its way to banks and neither collected nor returned nor refused.
_PENDING = """
    SELECT i.account_id, sum(i.amount_minor)::bigint
    FROM directdebit_collectionitem i
    WHERE i.account_id = ANY(%(account_ids)s)
      AND NOT EXISTS (SELECT FROM directdebit_itemevent e WHERE e.item_id = i.id AND e.kind <> 'accepted')
      AND NOT EXISTS (
          SELECT FROM directdebit_collectiondecision d WHERE d.collection_id = i.collection_id AND NOT d.agrees)
    GROUP BY 1
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What one mandate may collect. `changed_from` is the account of its collection before, when it is another."""

    mandate: MandateRecord
    amount_minor: int
    sequence: Which
    changed_from: str


def list_dues(*, creditor_number: int, collect_on: date) -> list[Due]:
    """Debts due by a day of accounts with a mandate that is active on it, less what they have in credit and what is on
    its way to banks already; by account."""
    mandates = [
        one
        for one in list_mandates(creditor_number=creditor_number, day=collect_on)
        if one.state_on(collect_on) is MandateState.ACTIVE
    ]
    amounts = _amounts([one.account_id for one in mandates], collect_on)
    return [
        Due(
            mandate=one,
            amount_minor=amounts[one.account_id],
            sequence=_sequence(one, collect_on),
            changed_from=one.last_iban if one.last_iban != one.iban else "",
        )
        for one in mandates
        if amounts.get(one.account_id, 0) > 0
    ]


def _amounts(account_ids: Sequence[int], collect_on: date) -> dict[int, int]:
    due = (
        due_parts(open_items(account_ids=account_ids), on_date=collect_on)
        .filter(pl.col("due_date") <= collect_on)
        .group_by("account_id")
        .agg(pl.col("outstanding_minor").sum())
    )
    balances = balances_of(account_ids=account_ids)
    pending = dict(
        fetch_frame(
            _PENDING,
            {"account_ids": list(account_ids)},
            schema={"account_id": pl.Int64, "amount_minor": pl.Int64},
        ).iter_rows()
    )
    return {
        account: min(minor, balances[account]) - pending.get(account, 0) for account, minor in due.iter_rows()
    }


def _sequence(mandate: MandateRecord, collect_on: date) -> Which:
    if mandate.use == MandateUse.ONE_OFF:
        return Which.ONE_OFF
    if mandate.account_closed_on is not None and mandate.account_closed_on <= collect_on:
        return Which.FINAL
    return Which.RECURRENT if mandate.times else Which.FIRST
