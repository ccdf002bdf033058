"""Let credits cover debts, oldest first, and keep a record of which covered which."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from django.db import connection, transaction

from mains.base.columns import append_frame
from mains.ledger.actions.days import hold_open_days
from mains.ledger.queries.deferrals import list_deferrals
from mains.ledger.queries.open_items import accounts_with_open_credit, open_credits, open_items
from mains.ledger.queries.order import SUPPLY, allocate_with_plans
from mains.ledger.queries.policies import list_policies
from mains.ledger.values import TransactionKind

# So many accounts are held in memory at once, some hundred megabytes with years of history.
_CHUNK = 50_000
# More accounts than these are locked all at once; a lock for each would fill the server's table of locks.
_LOCKED_ONE_BY_ONE = 100
# Accounts whose ids differ above these bits share a lock, which is safe and only makes one wait for the other.
KEY_BITS = 2**31 - 1
# One statement, so that everybody takes the lock of all accounts, shared, before those of single ones;
# `payments/actions/machine_receipts.py` does the same.
_ALLOCATION_LOCK = """
    WITH everybody AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(hashtext('ledger_allocation')) AS held)
    SELECT pg_advisory_xact_lock(hashtext('ledger_allocation_of'), key)
    FROM everybody, unnest(%(keys)s::int[]) AS key
"""


@dataclass(frozen=True, kw_only=True)
class Allocated:
    """How many allocations were made, over how many accounts, for how much in minor units."""

    count: int
    accounts: int
    amount_minor: int


def allocate_credits(*, account_ids: Sequence[int] | None = None, now: datetime) -> Allocated:
    """Let the open credits of these accounts, or of all that have any, cover open items, oldest first.

    A credit covers items of its own provider and service only: it is that provider's money. Run it after each
    bill run, so that advances meet the new bills. Doing it again allocates nothing more.
    """
    with transaction.atomic():
        lock_allocation(account_ids=account_ids)
        accounts = accounts_with_open_credit() if account_ids is None else list(account_ids)
        chunks = [accounts[start : start + _CHUNK] for start in range(0, len(accounts), _CHUNK)]
        made = [_allocate_chunk(chunk, now=now) for chunk in chunks]
    return Allocated(
        count=sum(part.count for part in made),
        accounts=sum(part.accounts for part in made),
        amount_minor=sum(part.amount_minor for part in made),
    )


def _allocate_chunk(accounts: Sequence[int], *, now: datetime) -> Allocated:
    items, funds = open_items(account_ids=accounts), open_credits(account_ids=accounts)
    if items.is_empty() or funds.is_empty():
        return Allocated(count=0, accounts=0, amount_minor=0)
    # The engine knows accounts only: here one provider's service at an account is what it allocates within.
    supplies = pl.concat([items.select(SUPPLY), funds.select(SUPPLY)]).unique(maintain_order=True)
    supplies = supplies.with_row_index("supply_id").cast({"supply_id": pl.Int64})
    made = allocate_with_plans(
        items=items.join(supplies, on=SUPPLY, maintain_order="left")
        .drop("account_id")
        .rename({"supply_id": "account_id"}),
        funds=funds.join(supplies, on=SUPPLY, maintain_order="left").select(
            "credit_id", "paid_on", "available_minor", account_id="supply_id"
        ),
        policies=list_policies(),
        among_services=False,
        deferrals=list_deferrals(account_ids=accounts),
    )
    return store_allocations(
        made.select("item_id", "credit_id", "amount_minor")
        .join(items.select("account_id", "item_id", "business_date"), on="item_id", maintain_order="left")
        .join(funds.select("credit_id", "paid_on"), on="credit_id", maintain_order="left")
        .with_columns(business_date=pl.max_horizontal("business_date", "paid_on"))
        .drop("paid_on"),
        now=now,
    )


def lock_allocation(*, account_ids: Sequence[int] | None = None) -> None:
    """Until the end of the database transaction nobody else allocates on these accounts, or on any when they are None
    or many, so nothing open is given away twice.

    Accounts are locked in one order. Whoever allocates in several steps of one database transaction locks all of
    their accounts first: two that lock step by step would wait for each other.
    """
    with connection.cursor() as cursor:
        if account_ids is None or len(account_ids) > _LOCKED_ONE_BY_ONE:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ledger_allocation'))")
        else:
            keys = sorted({account_id & KEY_BITS for account_id in account_ids})
            cursor.execute(_ALLOCATION_LOCK, {"keys": keys})


def store_allocations(made: pl.DataFrame, *, now: datetime) -> Allocated:
    """Keep allocations: account_id, item_id, credit_id, amount_minor, business_date.

    The business date is the later one of item and credit: before it one of the two did not exist, so what was
    open at the end of any past day can be told; where that day is closed, it is the first open one. The caller holds
    `lock_allocation`.
    """
    opened = hold_open_days(kind=TransactionKind.PAYMENT_REGISTER)
    if opened is not None:
        made = made.with_columns(pl.max_horizontal("business_date", pl.lit(opened)))
    append_frame(
        made.select("account_id", "item_id", "credit_id", "amount_minor", "business_date").with_columns(
            recorded_at=pl.lit(now)
        ),
        "ledger_allocation",
    )
    return Allocated(
        count=made.height,
        accounts=made["account_id"].n_unique(),
        amount_minor=int(made["amount_minor"].cast(pl.Int128).sum()),
    )
