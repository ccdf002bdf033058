"""Book receipts on customers' accounts: split by supply, post, and let them cover the oldest debts."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from mains.ledger.actions.allocation import allocate_credits, lock_allocation, store_allocations
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.actions.reallocation import reallocate
from mains.ledger.queries.deferrals import list_deferrals
from mains.ledger.queries.open_items import last_credit_days, open_items
from mains.ledger.queries.order import allocate_with_plans
from mains.ledger.queries.policies import list_policies
from mains.ledger.values import Control, EntryKind, TransactionKind
from mains.payments.queries.supply import supply_of_accounts, utility_id
from mains.payments.values.places import MoneyPlace

RECEIPT_SCHEMA: dict[str, type[pl.DataType]] = {
    "receipt_id": pl.Int64,
    "account_id": pl.Int64,
    "business_date": pl.Date,
    "amount_minor": pl.Int64,
}
NO_OTHER_SIDE: dict[str, type[pl.DataType]] = {**POSTING_SCHEMA, "business_date": pl.Date}
_SUPPLY = ["organisation_id", "provider_id", "service"]
_PART = ["receipt_id", "provider_id", "service"]


@dataclass(frozen=True, kw_only=True)
class BookedReceipts:
    """What covered debts, and what is left on the accounts as advance, in minor units."""

    allocated_minor: int
    advance_minor: int


def book_receipts(
    *,
    receipts: pl.DataFrame,
    kind: TransactionKind,
    source_id: int,
    other_side: pl.DataFrame,
    now: datetime,
    narrative: str,
    first_part: int = 0,
    money: MoneyPlace | None = None,
) -> BookedReceipts:
    """Book receipts (`RECEIPT_SCHEMA`, all with an account) as payments, one transaction per business date.

    A receipt pays the account's open items by the policy of its day; it becomes one entry per provider and service that
    it paid, and what is left belongs to the account's own supply. `other_side` are postings (`POSTING_SCHEMA`
    and business_date) of receipts that have no account. Receivables are credited against the bank, against suspense
    when `kind` clears it, or against the place of `money`. What belongs to a closed day is posted on the first open
    one. `first_part` numbers the transactions of a source that posts in several calls. The caller's database
    transaction keeps all or nothing.
    """
    lock_allocation(account_ids=receipts["account_id"].unique().to_list())
    opened = hold_open_days(kind=kind)
    if opened is not None:
        on_open_day = pl.max_horizontal("business_date", pl.lit(opened))
        receipts, other_side = receipts.with_columns(on_open_day), other_side.with_columns(on_open_day)
    accounts = receipts["account_id"].unique().to_list()
    # Credits that were there before come first: they are older money.
    allocate_credits(account_ids=accounts, now=now)
    late = _late_accounts(receipts)
    shares = _shares(receipts, open_items(account_ids=accounts))
    parts = _parts(receipts, shares, on_date=receipts["business_date"].max())
    entry_ids = [
        _post_day(
            day,
            parts=parts.filter(pl.col("business_date") == day),
            others=other_side.filter(pl.col("business_date") == day),
            kind=kind,
            source_id=source_id,
            part=part,
            now=now,
            narrative=narrative,
            money=money,
        )
        for part, day in enumerate(_days(receipts, other_side), start=first_part)
    ]
    made = (
        shares.join(pl.concat(entry_ids), on=_PART, maintain_order="left")
        .with_columns(business_date=pl.max_horizontal("business_date", "paid_on"))
        .select(
            "account_id", "item_id", pl.col("entry_id").alias("credit_id"), "amount_minor", "business_date"
        )
    )
    allocated_minor = store_allocations(made, now=now).amount_minor
    if late:
        reallocate(account_ids=late, now=now)
    return BookedReceipts(
        allocated_minor=allocated_minor,
        advance_minor=int(receipts["amount_minor"].cast(pl.Int128).sum()) - allocated_minor,
    )


def suspense_place(utility_id: int) -> list[pl.Expr]:
    """Where suspense is kept: at the utility, of no provider and no service, because nobody knows whose it
    is.
    """
    return [
        pl.lit(utility_id, pl.Int64).alias("organisation_id"),
        pl.lit(0, pl.Int64).alias("provider_id"),
        pl.lit("").alias("service"),
    ]


def suspense_postings(unknown: pl.DataFrame) -> pl.DataFrame:
    """Bank debit and suspense credit of each day, for receipts (`RECEIPT_SCHEMA`) that have no account."""
    by_day = unknown.group_by("business_date").agg(pl.col("amount_minor").sum()).sort("business_date")
    sides = [(Control.BANK, pl.col("amount_minor")), (Control.SUSPENSE, -pl.col("amount_minor"))]
    return pl.concat(
        by_day.with_columns(
            pl.lit(control.value).alias("control"),
            amount.alias("amount_minor"),
            *suspense_place(utility_id()),
        ).select(*POSTING_SCHEMA, "business_date")
        for control, amount in sides
    )


def _days(receipts: pl.DataFrame, other_side: pl.DataFrame) -> list[date]:
    return sorted(set(receipts["business_date"]) | set(other_side["business_date"]))


def _shares(receipts: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """How much of each receipt covers which item, with the item's supply and business date."""
    made = allocate_with_plans(
        items=items,
        funds=receipts.select(
            "account_id",
            pl.col("receipt_id").alias("credit_id"),
            pl.col("business_date").alias("paid_on"),
            pl.col("amount_minor").alias("available_minor"),
        ),
        policies=list_policies(),
        among_services=True,
        deferrals=list_deferrals(account_ids=receipts["account_id"].unique().to_list()),
    )
    return (
        made.select("item_id", pl.col("credit_id").alias("receipt_id"), "amount_minor")
        .join(items.drop("due_date", "outstanding_minor", "kind"), on="item_id", maintain_order="left")
        .join(
            receipts.select("receipt_id", pl.col("business_date").alias("paid_on")),
            on="receipt_id",
            maintain_order="left",
        )
    )


def _late_accounts(receipts: pl.DataFrame) -> list[int]:
    """Accounts with a credit dated after one of these receipts: theirs came in another order than they were paid."""
    if receipts.is_empty():
        return []
    first = receipts.group_by("account_id").agg(pl.col("business_date").min())
    since = first["business_date"].min()
    assert isinstance(since, date)
    last = last_credit_days(account_ids=first["account_id"].to_list(), since=since)
    return [account for account, day in first.iter_rows() if account in last and last[account] > day]


def _parts(receipts: pl.DataFrame, shares: pl.DataFrame, *, on_date: object) -> pl.DataFrame:
    """Each receipt by provider and service, the rest on the account's own supply; sums equal the receipts."""
    if receipts.is_empty():
        return (
            receipts.with_columns(pl.lit(None, pl.String).alias("service"))
            .clear()
            .with_columns(organisation_id=pl.lit(0, pl.Int64), provider_id=pl.lit(0, pl.Int64))
        )
    assert isinstance(on_date, date)
    supply = supply_of_accounts(account_ids=receipts["account_id"].unique().to_list(), on_date=on_date)
    covered = shares.group_by("receipt_id").agg(pl.col("amount_minor").sum().alias("covered_minor"))
    rest = (
        receipts.join(covered, on="receipt_id", how="left", maintain_order="left")
        .with_columns(amount_minor=pl.col("amount_minor") - pl.col("covered_minor").fill_null(0))
        .filter(pl.col("amount_minor") > 0)
        .join(supply, on="account_id", maintain_order="left")
        .select(*_PART, "amount_minor")
    )
    return (
        pl.concat([shares.select(*_PART, "amount_minor"), rest])
        .group_by(_PART)
        .agg(pl.col("amount_minor").sum())
        .join(receipts.drop("amount_minor"), on="receipt_id")
        .join(supply.select("account_id", "organisation_id"), on="account_id")
        .sort(_PART)
    )


def _post_day(
    day: date,
    *,
    parts: pl.DataFrame,
    others: pl.DataFrame,
    kind: TransactionKind,
    source_id: int,
    part: int,
    now: datetime,
    narrative: str,
    money: MoneyPlace | None,
) -> pl.DataFrame:
    """Post one business date; receipt_id, provider_id, service and the entry_id that each part became."""
    entries = parts.select(
        "account_id",
        *_SUPPLY,
        pl.lit(EntryKind.PAYMENT.value).alias("kind"),
        (-pl.col("amount_minor")).alias("amount_minor"),
        pl.lit(0, pl.Int64).alias("correction_minor"),
        pl.lit(None, pl.Date).alias("due_date"),
        pl.col("receipt_id").alias("document_id"),
    ).select(*ENTRY_SCHEMA)
    control, unit = Control.BANK, None
    if money is not None:
        control, unit = money.control, money.organisation_id
    elif kind == TransactionKind.SUSPENSE_CLEARED:
        control, unit = Control.SUSPENSE, utility_id()
    counterparts = (
        # Suspense is kept at the utility itself, cash at the unit that has it; money in the bank is shown where the
        # customers are.
        (parts if unit is None else parts.with_columns(suspense_place(unit)))
        .group_by(_SUPPLY)
        .agg(pl.col("amount_minor").sum())
        .sort(_SUPPLY)
        .with_columns(pl.lit(control.value).alias("control"))
        .select(*POSTING_SCHEMA)
    )
    posted = post_transaction(
        kind=kind,
        source_id=source_id,
        part=part,
        business_date=day,
        entries=entries,
        counterparts=pl.concat([counterparts, others.select(*POSTING_SCHEMA)]),
        now=now,
        narrative=narrative,
    )
    return parts.select(
        *_PART, pl.int_range(posted.entry_ids.start, posted.entry_ids.stop, dtype=pl.Int64).alias("entry_id")
    )
