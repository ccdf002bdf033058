"""Propose write-offs, refunds, transfers and offsets; post what another person approves; post it back."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from django.db import transaction
from django.utils import timezone

from mains.base.columns import fetch_frame
from mains.debt.actions.movement_entries import Posted, post_back, post_movement
from mains.debt.models import Movement, MovementPosting, RefundOrder, RefundPayment
from mains.debt.values import MovementKind, RefundWay
from mains.kernel.errors import MainsError
from mains.ledger.actions.allocation import lock_allocation
from mains.ledger.actions.days import hold_open_days
from mains.ledger.queries.current_account import balance_of
from mains.ledger.queries.open_items import open_credits, open_items
from mains.ledger.values import TransactionKind
from mains.staff.actions.approvals import decide, propose
from mains.staff.values import EVERYTHING, ProposalKind, Scope


class UnableToMove(MainsError):
    """The debt or credit is not there, or the movement is incomplete; nothing was posted."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One provider's service at an account: whose debt or credit it is."""

    account_id: int
    provider_id: int
    service: str


@dataclass(frozen=True, kw_only=True)
class Payee:
    """Who gets a refund, and how; the account is an IBAN where it is paid by bank."""

    way: RefundWay
    name: str = ""
    account: str = ""


@dataclass(frozen=True)
class _Open:
    provider_id: int
    service: str
    due_date: date
    outstanding_minor: int


def propose_write_off(
    *, item_id: int, account_id: int, amount_minor: int, reason: str, document: str, now: datetime,
    actor_id: int | None, scope: Scope = EVERYTHING,
) -> Movement:  # fmt: skip
    """Propose to give up a debt, or part of it. Raises UnableToMove, UnableToPropose."""
    item = _open_item(account_id, item_id)
    place = Place(account_id=account_id, provider_id=item.provider_id, service=item.service)
    return _propose(
        Movement(kind=MovementKind.WRITE_OFF, item_id=item_id, amount_minor=amount_minor),
        place, None, reason=reason, document=document, now=now, actor_id=actor_id, scope=scope,
    )  # fmt: skip


def propose_refund(
    *, place: Place, amount_minor: int, payee: Payee, reason: str, document: str, now: datetime,
    actor_id: int | None, scope: Scope = EVERYTHING,
) -> Movement:  # fmt: skip
    """Propose to pay a credit out. Raises UnableToMove, UnableToPropose."""
    if payee.way == RefundWay.BANK and not (payee.name.strip() and payee.account.strip()):
        raise _refusal(
            "refund-payee",
            "A refund by bank needs the payee's name and account.",
            place,
            "Take them from the customer's application.",
        )
    movement = Movement(
        kind=MovementKind.REFUND,
        amount_minor=amount_minor,
        way=payee.way,
        payee=payee.name.strip()[:140],
        payee_account="".join(payee.account.split())[:40],
    )
    return _propose(
        movement, place, None, reason=reason, document=document, now=now, actor_id=actor_id, scope=scope
    )


def propose_transfer(
    *, place: Place, to: Place, amount_minor: int, item_id: int | None = None, reason: str, document: str,
    now: datetime, actor_id: int | None, scope: Scope = EVERYTHING,
) -> Movement:  # fmt: skip
    """Propose to move a credit, or with `item_id` a debt, to another place: a transfer to another account, or an offset
    between the services and providers of one. A debt keeps its due date, and takes its interest along. Raises
    UnableToMove, UnableToPropose."""
    if place == to:
        raise _refusal(
            "movement-same", "Nothing would move.", place, "Name another account, service or provider."
        )
    kind = MovementKind.OFFSET if place.account_id == to.account_id else MovementKind.TRANSFER
    if item_id is not None and kind == MovementKind.OFFSET:
        raise _refusal(
            "movement-debt",
            "A debt moves between accounts; within one, move the credit that pays it.",
            place,
            "Name the credit's service first.",
        )
    due_date = _open_item(place.account_id, item_id).due_date if item_id is not None else None
    movement = Movement(kind=kind, item_id=item_id, amount_minor=amount_minor, due_date=due_date)
    return _propose(
        movement, place, to, reason=reason, document=document, now=now, actor_id=actor_id, scope=scope
    )


def _propose(
    movement: Movement, place: Place, to: Place | None, *, reason: str, document: str, now: datetime,
    actor_id: int | None, scope: Scope,
) -> Movement:  # fmt: skip
    with transaction.atomic():
        movement.account_id, movement.provider_id, movement.service = (
            place.account_id,
            place.provider_id,
            place.service,
        )
        movement.organisation_id = _organisation(place, scope)
        if to is not None:
            movement.to_account_id, movement.to_provider_id, movement.to_service = (
                to.account_id,
                to.provider_id,
                to.service,
            )
            movement.to_organisation_id = _organisation(to, scope)
        movement.recorded_at, movement.recorded_by_id = now, actor_id
        check_movement(movement)
        if not document.strip():
            raise _refusal(
                "movement-document",
                "The document is missing.",
                place,
                "Name the act, the application or the decision.",
            )
        movement.save(force_insert=True)
        propose(
            kind=ProposalKind(movement.kind),
            subject_id=movement.pk,
            organisation_id=movement.organisation_id,
            amount_minor=movement.amount_minor,
            reason=reason,
            document=document,
            now=now,
            actor_id=actor_id,
        )
        return movement


def decide_movement(
    *, proposal_id: int, agrees: bool, now: datetime, actor_id: int | None, note: str = "",
    scope: Scope = EVERYTHING,
) -> Movement:  # fmt: skip
    """Approve a movement, which posts it on today's date or the first open day, or refuse it.

    Raises UnableToDecide; UnableToMove when the debt or credit is no longer there.
    """
    with transaction.atomic():
        lock_allocation()
        proposal = decide(
            proposal_id=proposal_id, agrees=agrees, note=note, now=now, actor_id=actor_id, scope=scope
        )
        movement = Movement.objects.get(pk=proposal.subject_id)
        if not _is_reached(movement, scope):
            raise _unknown(movement.pk)
        if agrees:
            check_movement(movement)
            day = _day(now, kind=TransactionKind(movement.kind))
            _keep(
                movement,
                post_movement(movement, day=day, now=now, narrative=proposal.reason),
                day=day,
                now=now,
                actor_id=actor_id,
            )
        return movement


def undo_movement(
    *, movement_id: int, reason: str, now: datetime, actor_id: int | None, scope: Scope = EVERYTHING
) -> Movement:
    """Post a movement back, whole and once: debts are owed again with their old due dates, credits return.

    Raises UnableToMove: unknown or out of `scope`, not posted, posted back, a refund that is paid, or
    ordered and not refused by the bank, no reason.
    """
    reason = " ".join(reason.split())
    with transaction.atomic():
        lock_allocation()
        movement = Movement.objects.select_for_update().filter(pk=movement_id).first()
        if movement is None or not _is_reached(movement, scope):
            raise _unknown(movement_id)
        posted = MovementPosting.objects.filter(movement=movement, is_counter=False).first()
        orders = RefundOrder.objects.filter(movement=movement)
        is_paid = not orders.filter(answers__is_accepted=False).exists() and (
            orders.exists() or RefundPayment.objects.filter(movement=movement).exists()
        )
        if posted is None or is_paid or not reason or len(reason) > 200:
            raise UnableToMove(
                code="movement-undo",
                message="Only a posted movement is posted back, with a reason, and no refund that was ordered or paid.",
                place=f"movement {movement_id}",
                remedy="Give a reason of at most 200 characters.",
            )
        day = _day(now, kind=TransactionKind.COUNTER)
        if MovementPosting.objects.filter(movement=movement, is_counter=True).exists():
            raise UnableToMove(
                code="movement-undone",
                message="This movement is posted back already.",
                place=f"movement {movement_id}",
                remedy="Nothing was changed.",
            )
        counter = post_back(movement, posted.transaction_id, day=day, now=now, narrative=reason)
        _keep(movement, counter, day=day, now=now, actor_id=actor_id, reason=reason)
        return movement


def check_movement(movement: Movement) -> None:
    """Whether the debt or credit that moves is there, now. Raises UnableToMove."""
    place = Place(account_id=movement.account_id, provider_id=movement.provider_id, service=movement.service)
    if movement.amount_minor <= 0:
        raise _refusal("movement-amount", "The amount is not above zero.", place, "Give what is to move.")
    if movement.item_id is not None:
        item = _open_item(movement.account_id, movement.item_id)
        if movement.amount_minor > item.outstanding_minor:
            raise _refusal(
                "movement-debt-less",
                "Less than this is open of the debt.",
                place,
                "Give at most what is open.",
            )
        return
    funds = open_credits(account_ids=[movement.account_id]).filter(
        (pl.col("provider_id") == movement.provider_id) & (pl.col("service") == movement.service)
    )
    available = int(funds["available_minor"].sum())
    if movement.kind == MovementKind.REFUND:
        # Who owes for another service gets no money out: that is what an offset is for.
        available = min(available, -balance_of(account_id=movement.account_id))
    if movement.amount_minor > available:
        raise _refusal(
            "movement-credit-less",
            "The account has less credit than this.",
            place,
            "Give at most the credit, less what the account owes for other services when it is paid out.",
        )


def _keep(
    movement: Movement, posted: Posted, *, day: date, now: datetime, actor_id: int | None, reason: str = ""
) -> None:
    MovementPosting.objects.create(
        movement=movement,
        is_counter=posted.is_counter,
        transaction_id=posted.transaction_id,
        business_date=day,
        reason=reason,
        recorded_at=now,
        recorded_by_id=actor_id,
    )


def _day(now: datetime, *, kind: TransactionKind) -> date:
    today = timezone.localdate(now)
    return max(today, hold_open_days(kind=kind) or today)


def _open_item(account_id: int, item_id: int | None) -> _Open:
    found = open_items(account_ids=[account_id]).filter(pl.col("item_id") == item_id)
    if found.is_empty():
        raise UnableToMove(
            code="movement-no-debt",
            message="This debt is not open.",
            place=f"account {account_id}, item {item_id}",
            remedy="Look at the open debts of the account.",
        )
    row = found.row(0, named=True)
    return _Open(row["provider_id"], row["service"], row["due_date"], row["outstanding_minor"])


def _organisation(place: Place, scope: Scope) -> int:
    found = fetch_frame(
        "SELECT organisation_id FROM customers_account WHERE id = %(id)s",
        {"id": place.account_id},
        schema={"organisation_id": pl.Int64},
    )
    if found.is_empty() or not scope.covers(int(found["organisation_id"][0])):
        raise _refusal("movement-account", "There is no such account.", place, "Give the account's number.")
    return int(found["organisation_id"][0])


def _is_reached(movement: Movement, scope: Scope) -> bool:
    """Whoever decides what moves between two units answers for both."""
    there = movement.to_organisation_id
    return scope.covers(movement.organisation_id) and (there is None or scope.covers(there))


def _unknown(movement_id: int) -> UnableToMove:
    return UnableToMove(
        code="movement-unknown",
        message="There is no such movement.",
        place=f"movement {movement_id}",
        remedy="Look at the list.",
    )


def _refusal(code: str, message: str, place: Place, remedy: str) -> UnableToMove:
    return UnableToMove(
        code=code, message=message, place=f"account {place.account_id}, {place.service}", remedy=remedy
    )
