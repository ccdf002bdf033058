"""What late interest is computed on: debts as they should have been billed, and the money that met them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from mains.base.columns import fetch_frame
from mains.debt.values import BEARING
from mains.ledger.queries.deferrals import list_deferrals
from mains.ledger.queries.order import SUPPLY, in_order, taken_back, without
from mains.ledger.queries.policies import list_policies
from mains.ledger.values import EntryKind

# A payment of a closed day is posted on the first open one; interest counts from when the money was there.
_ENTRIES = """
    SELECT e.id, e.account_id, e.organisation_id, e.provider_id, e.service, e.kind, e.amount_minor, e.due_date,
           e.business_date, coalesce(c.paid_on, e.business_date), e.document_id, b.month
    FROM ledger_entry e
    LEFT JOIN payments_receipt c ON c.id = e.document_id AND e.kind = 'payment'
    LEFT JOIN billing_bill b ON b.id = e.document_id AND e.kind = 'bill' AND b.account_id = e.account_id
    WHERE e.account_id = ANY(%(account_ids)s) AND e.amount_minor <> 0
      AND e.recorded_at < coalesce(%(as_of)s::timestamptz, 'infinity')
    ORDER BY e.id
"""
_SCHEMA: dict[str, type[pl.DataType]] = {
    "entry_id": pl.Int64,
    "account_id": pl.Int64,
    "organisation_id": pl.Int64,
    "provider_id": pl.Int64,
    "service": pl.String,
    "kind": pl.String,
    "amount_minor": pl.Int64,
    "due_date": pl.Date,
    "business_date": pl.Date,
    "paid_on": pl.Date,
    "document_id": pl.Int64,
    "month": pl.Date,
}
# What later bills took off earlier months. What they added is due with the later bill: nobody was late with it.
_REDUCED = """
    SELECT b.account_id, g.provider_id, p.service, l.bill_id, l.service_month, sum(l.amount_minor)::bigint
    FROM billing_bill b JOIN billing_billline l ON l.month = b.month AND l.bill_id = b.id
    JOIN customers_agreement g ON g.id = l.agreement_id
    JOIN network_servicepoint p ON p.id = l.service_point_id
    WHERE b.account_id = ANY(%(account_ids)s) AND b.correction_minor <> 0
      AND l.service_month < l.month AND l.kind <> 'tax_included'
      AND b.recorded_at < coalesce(%(as_of)s::timestamptz, 'infinity')
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(l.amount_minor) < 0 ORDER BY 4, 5
"""
_REDUCED_SCHEMA: dict[str, type[pl.DataType]] = {
    "account_id": pl.Int64,
    "provider_id": pl.Int64,
    "service": pl.String,
    "bill_id": pl.Int64,
    "service_month": pl.Date,
    "reduced_minor": pl.Int64,
}
_FIXED = """
    SELECT account_id, item_id, credit_id, sum(amount_minor)::bigint FROM ledger_fixedallocation
    WHERE account_id = ANY(%(account_ids)s) AND recorded_at < coalesce(%(as_of)s::timestamptz, 'infinity')
    GROUP BY 1, 2, 3 HAVING sum(amount_minor) <> 0
"""
_PAIR: dict[str, type[pl.DataType]] = {
    "account_id": pl.Int64,
    "item_id": pl.Int64,
    "credit_id": pl.Int64,
    "amount_minor": pl.Int64,
}


@dataclass(frozen=True)
class Basis:
    """`items`: item_id, account_id, organisation_id, provider_id, service, due_date, amount_minor (> 0) of debts that
    bear interest; `payments`: item_id, paid_date, amount_minor (> 0)."""

    items: pl.DataFrame
    payments: pl.DataFrame


@dataclass(frozen=True)
class Facts:
    """Entries as they should have been, fixed allocations and deferrals of some accounts as known at `as_of` (None:
    now)."""

    account_ids: Sequence[int]
    as_of: datetime | None
    entries: pl.DataFrame
    fixed: pl.DataFrame
    deferrals: pl.DataFrame


def read_facts(*, account_ids: Sequence[int], as_of: datetime | None = None) -> Facts:
    """Read what was recorded before `as_of` (None: all), once for several days."""
    params = {"account_ids": list(account_ids), "as_of": as_of}
    entries = fetch_frame(_ENTRIES, params, schema=_SCHEMA)
    reduced = fetch_frame(_REDUCED, params, schema=_REDUCED_SCHEMA)
    fixed = fetch_frame(_FIXED, params, schema=_PAIR)
    deferrals = list_deferrals(account_ids=account_ids, as_of=as_of)
    return Facts(account_ids, as_of, _as_billed_rightly(entries, reduced), fixed, deferrals)


def basis_of_interest(facts: Facts, *, until: date) -> Basis:
    """Debts and what covered them when, at the end of `until`, laid out anew.

    A bill that was recalculated counts with what it should have been, a payment from the day it was made, a payment
    taken back not at all; a write-off ends interest on its day.
    """
    entries = facts.entries.filter(_counts(until))
    kept = entries.select("entry_id")
    fixed = facts.fixed.join(kept, left_on="item_id", right_on="entry_id", how="semi").join(
        kept, left_on="credit_id", right_on="entry_id", how="semi"
    )
    undone = taken_back(entries)
    rest = without(entries, pl.concat([fixed, undone]))
    made = in_order(
        entries=rest,
        policies=list_policies(as_of=facts.as_of),
        deferrals=facts.deferrals,
    )
    pairs = pl.concat([fixed, made])
    items = entries.filter(
        (pl.col("amount_minor") > 0)
        & pl.col("kind").is_in([kind.value for kind in BEARING])
        & pl.col("due_date").is_not_null()
    ).select(
        "account_id",
        "organisation_id",
        "provider_id",
        "service",
        "due_date",
        "amount_minor",
        item_id="entry_id",
    )
    items = _asked_for_later(items, facts.deferrals, until=until)
    # A debt that was moved elsewhere takes all of its interest along: here it counts as never overdue.
    moved = pl.col("kind") == EntryKind.TRANSFER.value
    is_fixed = pl.col("credit_id").is_in(fixed["credit_id"].implode())
    payments = (
        pairs.join(items.select("item_id", "due_date"), on="item_id")
        .join(entries.select("paid_on", "kind", credit_id="entry_id"), on="credit_id", maintain_order="left")
        .with_columns(paid_date=pl.when(moved & is_fixed).then("due_date").otherwise("paid_on"))
        .select("item_id", "amount_minor", "paid_date")
        .sort("item_id", "paid_date", maintain_order=True)
    )
    return Basis(items, payments)


def _asked_for_later(items: pl.DataFrame, deferrals: pl.DataFrame, *, until: date) -> pl.DataFrame:
    """Charges that a later invoice asks for are overdue from its due date on. (Instalment plans let interest rest.)"""
    held = (
        deferrals.filter(pl.col("plan_id").is_null() & (pl.col("business_date") <= pl.lit(until)))
        .group_by("item_id", "due_date")
        .agg(pl.col("amount_minor").sum())
        .filter(pl.col("amount_minor") > 0)
        .group_by("item_id")
        .agg(asked_for=pl.col("due_date").max())
    )
    if held.is_empty():
        return items
    return (
        items.join(held, on="item_id", how="left", maintain_order="left")
        .with_columns(due_date=pl.coalesce("asked_for", "due_date"))
        .drop("asked_for")
    )


def _counts(until: date) -> pl.Expr:
    """What was there at the end of the day. Interest that is posted on it or later is what is being counted: it must
    not take money from the debts that bear it, or the same facts would give another amount the second time."""
    is_debt = pl.col("amount_minor") > 0
    is_there = pl.when(is_debt).then("business_date").otherwise("paid_on") <= pl.lit(until)
    is_counted_now = (pl.col("kind") == EntryKind.INTEREST.value) & (pl.col("business_date") >= pl.lit(until))
    return is_there & ~is_counted_now


def _as_billed_rightly(entries: pl.DataFrame, reduced: pl.DataFrame) -> pl.DataFrame:
    """Move what a later bill took off an earlier month to the bill of that month, as far as that goes."""
    if reduced.is_empty():
        return entries.drop("month")
    bills = entries.filter(pl.col("kind") == EntryKind.BILL.value)
    first = bills.sort("entry_id").unique([*SUPPLY, "month"], keep="first", maintain_order=True)
    moved = (
        reduced.join(
            first.select(*SUPPLY, "month", "amount_minor", item_id="entry_id"),
            left_on=[*SUPPLY, "service_month"],
            right_on=[*SUPPLY, "month"],
            how="inner",
            maintain_order="left",
        )
        .join(
            bills.select(*SUPPLY, bill_id="document_id", later_id="entry_id"),
            on=[*SUPPLY, "bill_id"],
            maintain_order="left",
        )
        .filter(pl.col("item_id") != pl.col("later_id"))
    )
    upto = pl.min_horizontal(
        -pl.col("reduced_minor").cum_sum().over("item_id"), pl.max_horizontal("amount_minor", 0)
    )
    moved = moved.with_columns(upto=upto).with_columns(
        taken=pl.col("upto") - pl.col("upto").shift(1).over("item_id").fill_null(0)
    )
    changes = pl.concat(
        [
            moved.select(entry_id="item_id", change=-pl.col("taken")),
            moved.select(entry_id="later_id", change=pl.col("taken")),
        ]
    )
    return (
        entries.join(
            changes.group_by("entry_id").agg(pl.col("change").sum()),
            on="entry_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(amount_minor=pl.col("amount_minor") + pl.col("change").fill_null(0))
        .drop("change", "month")
        .filter(pl.col("amount_minor") != 0)
    )
