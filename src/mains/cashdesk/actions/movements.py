"""Move cash without a customer: between till, safe and bank, and what a count finds short or over."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl
from django.db import connection, transaction
from django.utils import timezone

from mains.cashdesk.actions.refusals import refusal
from mains.cashdesk.models import CashDesk, CashMovement, Shift
from mains.cashdesk.queries.till import safe_minor, till_minor
from mains.cashdesk.values import SIDES, MovementKind
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, TransactionKind
from mains.payments.actions.deposits import hand_in

AMOUNT_MAX_MINOR = 10**12
_REASON_MAX = 200
_LOCK_SAFE = "SELECT pg_advisory_xact_lock(hashtext('cashdesk_safe'), %s)"


@dataclass(frozen=True, kw_only=True)
class Mover:
    """Whose cash it is and who moves it."""

    organisation_id: int
    desk: CashDesk | None
    shift: Shift | None
    actor_id: int | None


def move_cash(
    *,
    kind: MovementKind,
    amount_minor: int,
    key: str,
    mover: Mover,
    now: datetime,
    reason: str = "",
    slip: str = "",
) -> CashMovement:
    """Move cash and post it, once a key. The caller holds the desk's row.

    Raises UnableAtDesk: no amount, more than there is in the till or the safe, a deposit without the number of its
    slip, the same key with something else.
    """
    place = mover.desk.code if mover.desk else f"unit {mover.organisation_id}"
    if not 0 < amount_minor <= AMOUNT_MAX_MINOR:
        raise refusal("amount", "The amount is not more than nothing.", place, "Write what is moved.")
    with transaction.atomic():
        if Control.SAFE in SIDES[kind]:
            _lock_safe(mover.organisation_id)
        known = CashMovement.objects.filter(key=key).first()
        if known is not None:
            return _same(known, kind, amount_minor, place)
        _refuse_more_than_there_is(kind, amount_minor, mover, place)
        today = timezone.localdate(now)
        deposit_id = None
        if SIDES[kind][0] == Control.IN_TRANSIT:
            deposit_id = hand_in(
                slip=slip,
                organisation_id=mover.organisation_id,
                amount_minor=amount_minor,
                handed_on=today,
                bank_account_id=mover.desk.bank_account_id if mover.desk else None,
                now=now,
                actor_id=mover.actor_id,
            )
        moved = CashMovement.objects.create(
            kind=kind,
            key=key,
            organisation_id=mover.organisation_id,
            desk=mover.desk,
            shift=mover.shift,
            amount_minor=amount_minor,
            reason=" ".join(reason.split())[:_REASON_MAX],
            deposit_id=deposit_id,
            moved_on=today,
            recorded_at=now,
            recorded_by_id=mover.actor_id,
        )
        _post(moved, now=now, narrative=" ".join(part for part in (place, slip, moved.reason) if part))
        return moved


def fill_safe(
    *, organisation_id: int, amount_minor: int, key: str, now: datetime, reason: str, actor_id: int | None
) -> CashMovement:
    """Record what lies in a unit's safe when Mains begins to keep its books. Raises UnableAtDesk as `move_cash`."""
    mover = Mover(organisation_id=organisation_id, desk=None, shift=None, actor_id=actor_id)
    return move_cash(
        kind=MovementKind.SAFE_BROUGHT,
        amount_minor=amount_minor,
        key=key,
        mover=mover,
        now=now,
        reason=reason,
    )


def deposit_from_safe(
    *, organisation_id: int, amount_minor: int, key: str, slip: str, now: datetime, actor_id: int | None
) -> CashMovement:
    """Hand cash of a unit's safe in to the bank. Raises UnableAtDesk as `move_cash`."""
    mover = Mover(organisation_id=organisation_id, desk=None, shift=None, actor_id=actor_id)
    return move_cash(
        kind=MovementKind.SAFE_TO_BANK, amount_minor=amount_minor, key=key, mover=mover, now=now, slip=slip
    )


def _same(known: CashMovement, kind: MovementKind, amount_minor: int, place: str) -> CashMovement:
    if (known.kind, known.amount_minor) != (kind.value, amount_minor):
        raise refusal(
            "key-other",
            "This form was sent before with something else, which is booked.",
            place,
            "Open the page anew and look at what is booked.",
        )
    return known


def _refuse_more_than_there_is(kind: MovementKind, amount_minor: int, mover: Mover, place: str) -> None:
    source = SIDES[kind][1]
    if source == Control.CASH_DESK:
        assert mover.desk is not None
        if amount_minor > till_minor(desk_id=mover.desk.pk):
            raise refusal(
                "till-less", "There is less in the till.", place, "Count the till, and write what is moved."
            )
    if source == Control.SAFE and amount_minor > safe_minor(organisation_id=mover.organisation_id):
        raise refusal(
            "safe-less",
            "There is less in the safe of this unit.",
            place,
            "Ask the administrator to record what lies in it: mains desk safe.",
        )


def _lock_safe(organisation_id: int) -> None:
    """One movement of a unit's safe after the other: a form that comes twice at once is found by the second."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_SAFE, [organisation_id % 2**31])


def _post(moved: CashMovement, *, now: datetime, narrative: str) -> None:
    debit, credit = SIDES[moved.kind]
    opened = hold_open_days(kind=TransactionKind.CASH_MOVEMENT)
    sides = pl.DataFrame(
        {
            "control": [debit.value, credit.value],
            "amount_minor": [moved.amount_minor, -moved.amount_minor],
        }
    ).with_columns(
        pl.lit(moved.organisation_id, pl.Int64).alias("organisation_id"),
        pl.lit(0, pl.Int64).alias("provider_id"),
        pl.lit("").alias("service"),
    )
    post_transaction(
        kind=TransactionKind.CASH_MOVEMENT,
        source_id=moved.pk,
        business_date=max(moved.moved_on, opened or moved.moved_on),
        entries=pl.DataFrame(schema=ENTRY_SCHEMA),
        counterparts=sides.select(*POSTING_SCHEMA),
        now=now,
        narrative=narrative[:200],
    )
