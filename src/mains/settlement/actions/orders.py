"""Decide payment orders: a second person approves; the money leaves what is payable for what is at the bank."""

import re
from collections.abc import Sequence
from datetime import date, datetime

import polars as pl
from django.db import IntegrityError, transaction

from mains.kernel.errors import MainsError
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, TransactionKind
from mains.payments.queries.supply import utility_id
from mains.payments.values.answers import BankAnswer
from mains.settlement.models import OrderEvent, PaymentOrder
from mains.settlement.values import OrderState

_FILE = re.compile(r"MAINS-(\d{1,18})-(\d{1,18})-(\d{1,9})", re.ASCII)


class UnableToDecideOrder(MainsError):
    """The order does not wait for this person's approval."""


def approve_order(*, order_id: int, execute_on: date, now: datetime, actor_id: int | None) -> PaymentOrder:
    """Approve an order that somebody else prepared, to be executed by the bank on a day; post it as on its way.

    Raises UnableToDecideOrder: unknown, decided already, prepared by the same person, or a day before today.
    """
    with transaction.atomic():
        order = _waiting(order_id)
        if actor_id is None or order.settlement.recorded_by_id == actor_id:
            raise _refusal(order_id, "An order is approved by another person than the one who prepared it.",
                           "Ask a colleague who may settle with providers.")  # fmt: skip
        if execute_on < now.date():
            raise _refusal(
                order_id, "The bank cannot execute an order on a past day.", "Choose a day from today on."
            )
        opened = hold_open_days(kind=TransactionKind.PAYMENT_ORDER)
        _record(order, OrderState.APPROVED, now=now, actor_id=actor_id, execute_on=execute_on)
        post_transaction(
            kind=TransactionKind.PAYMENT_ORDER,
            source_id=order.pk,
            business_date=max(now.date(), opened or now.date()),
            entries=pl.DataFrame(schema=ENTRY_SCHEMA),
            counterparts=_postings(order),
            now=now,
            narrative=order.end_to_end_id,
        )
        return order


def refuse_order(*, order_id: int, reason: str, now: datetime, actor_id: int | None) -> PaymentOrder:
    """Refuse an order: its money stays payable and is in the next settlement. Raises UnableToDecideOrder."""
    with transaction.atomic():
        order = _waiting(order_id)
        if not reason.strip():
            raise _refusal(order_id, "Refusing an order needs a reason.", "Say what is wrong with it.")
        _record(order, OrderState.REFUSED, now=now, actor_id=actor_id, reason=reason.strip()[:200])
        return order


def take_bank_answers(*, answers: Sequence[BankAnswer], now: datetime) -> set[str]:
    """Note what the bank answered to payment orders; the money of a refused one is payable again and is in the next
    settlement. The end-to-end ids that are orders of ours; what was noted before, or paid meanwhile, stays as it is."""
    known = set()
    for answer in answers:
        order = PaymentOrder.objects.select_for_update().filter(end_to_end_id=answer.end_to_end_id).first()
        if order is None:
            continue
        known.add(answer.end_to_end_id)
        states = set(order.events.values_list("state", flat=True))
        state = OrderState.ACCEPTED if answer.is_accepted else OrderState.RETURNED
        if OrderState.APPROVED not in states or states & {state, OrderState.BOOKED, OrderState.RETURNED}:
            continue
        _record(order, state, now=now, actor_id=None, reason=answer.reason[:200])
        if state == OrderState.RETURNED:
            opened = hold_open_days(kind=TransactionKind.PAYMENT_ORDER)
            post_transaction(
                kind=TransactionKind.PAYMENT_ORDER,
                source_id=order.pk,
                part=1,
                business_date=max(now.date(), opened or now.date()),
                entries=pl.DataFrame(schema=ENTRY_SCHEMA),
                counterparts=_postings(order).with_columns(-pl.col("amount_minor")),
                now=now,
                narrative=f"{order.end_to_end_id}: refused by the bank",
            )
    return known


def orders_of_file(*, identifier: str) -> list[str]:
    """End-to-end ids of the orders that a file of `write_settlement_orders` has, by its identifier; none where they
    cannot be told any more."""
    named = _FILE.fullmatch(identifier)
    if named is None:
        return []
    first, last, count = (int(part) for part in named.groups())
    found = list(
        PaymentOrder.objects.filter(pk__range=(first, last), events__state=OrderState.APPROVED)
        .exclude(events__state__in=(OrderState.BOOKED, OrderState.RETURNED))
        .order_by("pk")
        .values_list("end_to_end_id", flat=True)
    )
    return found if len(found) == count else []


def _postings(order: PaymentOrder) -> pl.DataFrame:
    """What the payee was owed, place by place, is on its way as one sum."""
    places = pl.DataFrame(
        order.settlement.content["places"],
        schema={"organisation_id": pl.Int64, "service": pl.String, "amount_minor": pl.Int64},
        orient="row",
    ).filter(pl.col("amount_minor") != 0)
    provider = pl.lit(order.party_id, pl.Int64)
    owed = places.with_columns(provider_id=provider, control=pl.lit(Control.PAYABLE.value))
    on_its_way = pl.DataFrame(
        {
            "control": [Control.TRANSIT.value],
            "organisation_id": [utility_id()],
            "service": [""],
            "amount_minor": [-order.amount_minor],
        }
    ).with_columns(provider_id=provider)
    return pl.concat([side.select(*POSTING_SCHEMA) for side in (owed, on_its_way)])


def _waiting(order_id: int) -> PaymentOrder:
    order = PaymentOrder.objects.select_for_update().filter(pk=order_id).first()
    if order is None:
        raise _refusal(order_id, "There is no such payment order.", "See the list under Settlement.")
    if order.events.exclude(state=OrderState.PREPARED).exists():
        raise _refusal(order_id, "This payment order is decided already.", "Nothing was changed.")
    return order


def _record(
    order: PaymentOrder,
    state: OrderState,
    *,
    now: datetime,
    actor_id: int | None,
    execute_on: date | None = None,
    reason: str = "",
) -> None:
    try:
        with transaction.atomic():
            OrderEvent.objects.create(
                order=order,
                state=state,
                execute_on=execute_on,
                reason=reason,
                recorded_at=now,
                recorded_by_id=actor_id,
            )
    except IntegrityError as error:
        raise _refusal(order.pk, "This payment order is decided already.", "Nothing was changed.") from error


def _refusal(order_id: int, message: str, remedy: str) -> UnableToDecideOrder:
    return UnableToDecideOrder(
        code="payment-order", message=message, place=f"payment order {order_id}", remedy=remedy
    )
