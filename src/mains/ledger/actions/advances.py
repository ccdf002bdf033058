"""Advances of customers: money that waits on a control account of its own until bills use it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from django.db import transaction

from mains.base.columns import append_frame, reserve_ids
from mains.ledger.actions.allocation import allocate_credits, lock_allocation, store_allocations
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.models import AdvanceMovement
from mains.ledger.queries.advances import accounts_with_advance, advances_left, list_uses, used_again
from mains.ledger.queries.open_items import open_items
from mains.ledger.values import AdvanceMovementKind, Control, EntryKind, TransactionKind

_PLACE = ["organisation_id", "provider_id", "service"]
_SUPPLY = ["account_id", "provider_id", "service"]


@dataclass(frozen=True, kw_only=True)
class AdvancePlace:
    """Whose advance it is, and for which provider's service: a bill of another one does not use it."""

    advance_id: int
    account_id: int
    organisation_id: int
    provider_id: int
    service: str


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """How many debts used advances, of how many accounts, and how much in minor units."""

    count: int
    accounts: int
    amount_minor: int


def receive_advance(
    *,
    place: AdvancePlace,
    amount_minor: int,
    other_side: pl.DataFrame,
    source_id: int,
    business_date: date,
    now: datetime,
    narrative: str,
) -> None:
    """Keep money as an advance: a debit of `other_side` (`POSTING_SCHEMA`) against the control account of advances.

    Nothing is owed or paid on the customer's account by it. Posted once a `source_id`, the receipt. Raises
    UnableToPost.
    """
    assert amount_minor > 0, "An advance is more than nothing."
    with transaction.atomic():
        posted = post_transaction(
            kind=TransactionKind.ADVANCE_RECEIVED,
            source_id=source_id,
            business_date=business_date,
            entries=pl.DataFrame(schema=ENTRY_SCHEMA),
            counterparts=pl.concat(
                [other_side.select(*POSTING_SCHEMA), _advance_side(place, -amount_minor)], how="vertical"
            ),
            now=now,
            narrative=narrative,
        )
        _keep(
            place,
            kind=AdvanceMovementKind.PAID,
            amount_minor=amount_minor,
            transaction_id=posted.transaction_id,
            business_date=business_date,
            now=now,
        )


def draw_advances(*, account_ids: Sequence[int] | None = None, now: datetime) -> Drawn:
    """Let the advances of these accounts, or of all that have any, cover what is owed: each account's oldest debt
    first, with the money that came first. Credits of the account itself go before.

    Doing it again draws nothing more.
    """
    with transaction.atomic():
        lock_allocation()
        accounts = accounts_with_advance()
        if account_ids is not None:
            accounts = sorted(set(accounts) & set(account_ids))
        if not accounts:
            return Drawn(count=0, accounts=0, amount_minor=0)
        allocate_credits(account_ids=accounts, now=now)
        items, left = open_items(account_ids=accounts), advances_left(account_ids=accounts)
        uses = _uses(items, left)
        if uses.is_empty():
            return Drawn(count=0, accounts=0, amount_minor=0)
        opened = hold_open_days(kind=TransactionKind.ADVANCE_DRAWN)
        if opened is not None:
            uses = uses.with_columns(pl.max_horizontal("business_date", pl.lit(opened)))
        source_id = reserve_ids("ledger_advancemovement_id_seq", 1).start
        for part, day in enumerate(sorted(set(uses["business_date"]))):
            _draw_day(uses.filter(pl.col("business_date") == day), source_id, part, day, now=now)
        return Drawn(
            count=uses.height,
            accounts=uses["account_id"].n_unique(),
            amount_minor=int(uses["amount_minor"].cast(pl.Int128).sum()),
        )


@dataclass(frozen=True, kw_only=True)
class GivenBack:
    """What an advance that goes back takes out of the control account, and out of uses that do not hold any more."""

    from_advance_minor: int
    entries: pl.DataFrame


def uses_to_take_back(*, advance_id: int, amount_minor: int) -> GivenBack:
    """How `amount_minor` of an advance can go back: first what is left of it, then what the last uses paid.

    `entries` (`ENTRY_SCHEMA`) make that owed again, with the due dates that the debts had.
    """
    left = advances_left(advance_ids=[advance_id])
    available = int(left["left_minor"].sum())
    missing, rows = max(0, amount_minor - available), []
    # The last uses may have been taken back with another payment before.
    before = used_again(advance_id=advance_id)
    for use in list_uses(advance_id=advance_id).iter_rows(named=True):
        passed = min(before, use["amount_minor"])
        before -= passed
        taken = min(missing, use["amount_minor"] - passed)
        if taken:
            rows.append(use | {"amount_minor": taken})
            missing -= taken
    assert not missing, "No more goes back than was paid in."
    entries = pl.DataFrame(rows, schema=_USE_SCHEMA).with_columns(
        kind=pl.lit(EntryKind.ADVANCE.value),
        correction_minor=pl.lit(0, pl.Int64),
        document_id=pl.lit(advance_id, pl.Int64),
    )
    return GivenBack(from_advance_minor=min(amount_minor, available), entries=entries.select(*ENTRY_SCHEMA))


_USE_SCHEMA = {
    "account_id": pl.Int64,
    "organisation_id": pl.Int64,
    "provider_id": pl.Int64,
    "service": pl.String,
    "amount_minor": pl.Int64,
    "due_date": pl.Date,
}


def advance_posting(*, advance_id: int, amount_minor: int) -> pl.DataFrame:
    """The debit of the control account for what goes back (`POSTING_SCHEMA`); none for nothing."""
    if not amount_minor:
        return pl.DataFrame(schema=POSTING_SCHEMA)
    return _advance_side(_place_of(advance_id), amount_minor)


def record_return(
    *, advance_id: int, amount_minor: int, transaction_id: int, business_date: date, now: datetime
) -> None:
    """Note what went back of an advance, posted by `transaction_id`."""
    if amount_minor:
        _keep(
            _place_of(advance_id),
            kind=AdvanceMovementKind.RETURNED,
            amount_minor=-amount_minor,
            transaction_id=transaction_id,
            business_date=business_date,
            now=now,
        )


def _place_of(advance_id: int) -> AdvancePlace:
    row = AdvanceMovement.objects.filter(advance_id=advance_id).order_by("id").first()
    assert row is not None, "Money came in before it goes back."
    return AdvancePlace(
        advance_id=advance_id,
        account_id=row.account_id,
        organisation_id=row.organisation_id,
        provider_id=row.provider_id,
        service=row.service,
    )


def _uses(items: pl.DataFrame, left: pl.DataFrame) -> pl.DataFrame:
    """Which debt uses how much of which advance: the columns of both, amount_minor and business_date."""
    funds: dict[tuple[int, int, str], list[list[object]]] = {}
    for row in left.iter_rows(named=True):
        key = (row["account_id"], row["provider_id"], row["service"])
        funds.setdefault(key, []).append([row["left_minor"], row])
    rows = []
    # Row by row: few accounts have advances, and of each only what is open counts.
    for item in items.iter_rows(named=True):
        owed = item["outstanding_minor"]
        for fund in funds.get((item["account_id"], item["provider_id"], item["service"]), ()):
            available, advance = fund
            assert isinstance(available, int)
            assert isinstance(advance, dict)
            used = min(owed, available)
            if used:
                rows.append(_use(item, advance, used))
                fund[0], owed = available - used, owed - used
    return pl.DataFrame(rows, schema=_DRAW_SCHEMA)


_DRAW_SCHEMA = {
    "advance_id": pl.Int64,
    "account_id": pl.Int64,
    "organisation_id": pl.Int64,
    "provider_id": pl.Int64,
    "service": pl.String,
    "item_id": pl.Int64,
    "amount_minor": pl.Int64,
    "business_date": pl.Date,
}


def _use(item: dict[str, object], advance: dict[str, object], amount_minor: int) -> dict[str, object]:
    days = [day for day in (item["business_date"], advance["paid_on"]) if isinstance(day, date)]
    return {
        "advance_id": advance["advance_id"],
        "account_id": item["account_id"],
        "organisation_id": advance["organisation_id"],
        "provider_id": item["provider_id"],
        "service": item["service"],
        "item_id": item["item_id"],
        "amount_minor": amount_minor,
        "business_date": max(days),
    }


def _draw_day(uses: pl.DataFrame, source_id: int, part: int, day: date, *, now: datetime) -> None:
    amount = pl.col("amount_minor")
    entries = uses.with_columns(
        -amount,
        kind=pl.lit(EntryKind.ADVANCE.value),
        correction_minor=pl.lit(0, pl.Int64),
        due_date=pl.lit(None, pl.Date),
        document_id="advance_id",
    ).select(*ENTRY_SCHEMA)
    debits = (
        uses.group_by(_PLACE)
        .agg(amount.sum())
        .sort(_PLACE)
        .with_columns(control=pl.lit(Control.ADVANCES.value))
        .select(*POSTING_SCHEMA)
    )
    posted = post_transaction(
        kind=TransactionKind.ADVANCE_DRAWN,
        source_id=source_id,
        part=part,
        business_date=day,
        entries=entries,
        counterparts=debits,
        now=now,
    )
    made = uses.with_columns(
        entry_id=pl.int_range(posted.entry_ids.start, posted.entry_ids.stop, dtype=pl.Int64)
    )
    append_frame(
        made.select(
            "advance_id",
            *_SUPPLY,
            "organisation_id",
            "item_id",
            "entry_id",
            "business_date",
            amount_minor=-amount,
            kind=pl.lit(AdvanceMovementKind.DRAWN.value),
            transaction_id=pl.lit(posted.transaction_id, pl.Int64),
            recorded_at=pl.lit(now),
        ),
        "ledger_advancemovement",
    )
    store_allocations(
        made.select("account_id", "item_id", "amount_minor", "business_date", credit_id="entry_id"), now=now
    )


def _advance_side(place: AdvancePlace, amount_minor: int) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "control": Control.ADVANCES.value,
                "organisation_id": place.organisation_id,
                "provider_id": place.provider_id,
                "service": place.service,
                "amount_minor": amount_minor,
            }
        ],
        schema=POSTING_SCHEMA,
    )


def _keep(
    place: AdvancePlace,
    *,
    kind: AdvanceMovementKind,
    amount_minor: int,
    transaction_id: int,
    business_date: date,
    now: datetime,
) -> None:
    AdvanceMovement.objects.create(
        advance_id=place.advance_id,
        account_id=place.account_id,
        organisation_id=place.organisation_id,
        provider_id=place.provider_id,
        service=place.service,
        kind=kind,
        amount_minor=amount_minor,
        transaction_id=transaction_id,
        business_date=business_date,
        recorded_at=now,
    )
