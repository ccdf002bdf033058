"""The entries and postings of a movement, and those that undo it."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from mains.base.columns import fetch_frame
from mains.debt.models import Movement
from mains.debt.values import MovementKind
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, PostedTransaction, post_transaction
from mains.ledger.actions.reallocation import fix_allocations, reallocate
from mains.ledger.queries.open_items import fixed_allocations
from mains.ledger.values import Control, TransactionKind

_PAIRS: dict[str, type[pl.DataType]] = {
    "account_id": pl.Int64,
    "item_id": pl.Int64,
    "credit_id": pl.Int64,
    "amount_minor": pl.Int64,
}


@dataclass(frozen=True)
class Posted:
    """The transaction that a movement, or its undoing, became."""

    transaction_id: int
    is_counter: bool


def post_movement(movement: Movement, *, day: date, now: datetime, narrative: str) -> Posted:
    """Post a movement that another person approved, and let the accounts' credits cover their debts anew.

    A write-off is taken from the allowance for doubtful debts; a refund waits to be paid; what moves between providers
    and services passes the control account of offsets. The caller holds the allocation's lock.
    """
    amount = movement.amount_minor
    here = _entry(movement)
    if movement.kind == MovementKind.WRITE_OFF:
        entries, others = [here | {"amount_minor": -amount}], [(Control.ALLOWANCE, here, amount)]
    elif movement.kind == MovementKind.REFUND:
        entries, others = [here | {"amount_minor": amount}], [(Control.REFUNDS, here, -amount)]
    else:
        # A debt that moves is credited here and owed there; a credit the other way round.
        sign = -1 if movement.item_id is not None else 1
        there = _entry(movement) | {
            "account_id": movement.to_account_id,
            "organisation_id": movement.to_organisation_id,
            "provider_id": movement.to_provider_id,
            "service": movement.to_service,
            "due_date": movement.due_date,
        }
        entries = [here | {"amount_minor": sign * amount}, there | {"amount_minor": -sign * amount}]
        others = [(Control.OFFSET, here, -sign * amount), (Control.OFFSET, there, sign * amount)]
    posted = post_transaction(
        kind=TransactionKind(movement.kind),
        source_id=movement.pk,
        business_date=day,
        entries=pl.DataFrame(entries, schema=ENTRY_SCHEMA),
        counterparts=pl.DataFrame(
            [
                {"control": control.value, "amount_minor": minor}
                | {name: place[name] for name in ("organisation_id", "provider_id", "service")}
                for control, place, minor in others
            ],
            schema=POSTING_SCHEMA,
        ),
        now=now,
        narrative=narrative,
    )
    _cover(movement, posted, now=now)
    return Posted(posted.transaction_id, is_counter=False)


def post_back(movement: Movement, transaction_id: int, *, day: date, now: datetime, narrative: str) -> Posted:
    """Post the opposite of a movement's transaction; each entry and its opposite cover each other and nothing else."""
    entries = fetch_frame(
        """
        SELECT id, account_id, organisation_id, provider_id, service, kind, amount_minor FROM ledger_entry
        WHERE account_id = ANY(%(account_ids)s) AND transaction_id = %(transaction_id)s ORDER BY id
        """,
        {"account_ids": _accounts(movement), "transaction_id": transaction_id},
        schema={"entry_id": pl.Int64} | {name: ENTRY_SCHEMA[name] for name in _KEPT},
    )
    postings = fetch_frame(
        """
        SELECT control, organisation_id, provider_id, service, -amount_minor FROM ledger_posting
        WHERE transaction_id = %(transaction_id)s AND control <> 'receivable' ORDER BY id
        """,
        {"transaction_id": transaction_id},
        schema=POSTING_SCHEMA,
    )
    posted = post_transaction(
        kind=TransactionKind.COUNTER,
        source_id=movement.pk,
        business_date=day,
        entries=entries.with_columns(
            -pl.col("amount_minor"),
            correction_minor=pl.lit(0, pl.Int64),
            due_date=pl.lit(None, pl.Date),
            document_id=pl.lit(movement.pk, pl.Int64),
        ).select(*ENTRY_SCHEMA),
        counterparts=postings,
        now=now,
        narrative=narrative,
    )
    ids = posted.entry_ids
    both = entries.with_columns(counter_id=pl.int_range(ids.start, ids.stop, dtype=pl.Int64))
    is_debt = pl.col("amount_minor") > 0
    pairs = both.select(
        "account_id",
        item_id=pl.when(is_debt).then("entry_id").otherwise("counter_id"),
        credit_id=pl.when(is_debt).then("counter_id").otherwise("entry_id"),
        amount_minor=pl.col("amount_minor").abs(),
    )
    held = fixed_allocations(account_ids=_accounts(movement)).filter(
        pl.col("credit_id").is_in(entries["entry_id"].implode())
    )
    fix_allocations(pairs=pl.concat([pairs, held.with_columns(-pl.col("amount_minor"))]), now=now)
    return Posted(posted.transaction_id, is_counter=True)


_KEPT = ("account_id", "organisation_id", "provider_id", "service", "kind", "amount_minor")


def _entry(movement: Movement) -> dict[str, object]:
    return {
        "account_id": movement.account_id,
        "organisation_id": movement.organisation_id,
        "provider_id": movement.provider_id,
        "service": movement.service,
        "kind": movement.kind,
        "correction_minor": 0,
        "due_date": None,
        "document_id": movement.pk,
    }


def _accounts(movement: Movement) -> list[int]:
    return sorted({movement.account_id, movement.to_account_id or movement.account_id})


def _cover(movement: Movement, posted: PostedTransaction, *, now: datetime) -> None:
    if movement.item_id is None:
        reallocate(account_ids=_accounts(movement), now=now)
        return
    pair = (movement.account_id, movement.item_id, posted.entry_ids[0], movement.amount_minor)
    fix_allocations(pairs=pl.DataFrame([pair], schema=_PAIRS, orient="row"), now=now)
    if movement.to_account_id is not None:
        reallocate(account_ids=[movement.to_account_id], now=now)
