"""Orders: ask a provider to collect, and follow each to its end, also when the provider stays silent."""

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from mains.kernel.errors import MainsError
from mains.payments.actions.channels import provider_of
from mains.payments.actions.letters import keep_letter
from mains.payments.actions.machine_receipts import UnableToReceive
from mains.payments.actions.order_notices import settle_order
from mains.payments.actions.reversals import reverse_receipt
from mains.payments.models import PaymentChannel, PaymentOrder
from mains.payments.queries.online import find_account_of_order
from mains.payments.values.online import (
    LetterOperation,
    OrderAsked,
    OrderState,
    ProviderRefusal,
    UnableToReachProvider,
)
from mains.staff.values import EVERYTHING, Scope

TRIES_MAX = 10
_PAUSE_MAX_MINUTES = 60
_LEASE = timedelta(minutes=5)
_ORDER_MINUTES = 30
_WATCHED = (OrderState.OPEN, OrderState.UNCLEAR, OrderState.REFUNDING)


class UnableToOrder(MainsError):
    """Nothing was asked of the provider, or not again."""


def create_order(
    *,
    channel_code: str,
    account_number: str,
    amount_minor: int,
    notify_base: str,
    now: datetime,
    instalments: int = 1,
    minutes: int = _ORDER_MINUTES,
    payer_id: str = "",
    scope: Scope = EVERYTHING,
    actor_id: int | None = None,
) -> PaymentOrder:
    """Keep an order, then ask the provider for the address at which the customer pays.

    A provider that stays silent leaves the order unclear: it is asked later what became of it, and never asked to
    collect a second time. `notify_base` is our own address, such as https://pay.example. Raises UnableToOrder before
    anything is kept, ProviderRefusal when the provider refuses (the order then stands as refused).
    """
    channel = PaymentChannel.objects.filter(code=channel_code, is_active=True).exclude(adapter="").first()
    account_id = find_account_of_order(number=account_number, scope=scope)
    if channel is None or account_id is None:
        raise _refusal("There is no such channel or account.", channel_code, "See `mains online list`.")
    if amount_minor < channel.least_minor or amount_minor > (channel.most_minor or amount_minor):
        raise _refusal("The amount is outside the channel's limits.", channel_code, "Ask for another amount.")
    if instalments != 1 and instalments not in channel.settings.get("instalments", ()):
        raise _refusal(
            "The acquirer offers no such number of instalments.", channel_code, "Choose one that it offers."
        )
    order = PaymentOrder.objects.create(
        channel=channel,
        number=secrets.token_hex(16),
        account_id=account_id,
        account_number=account_number,
        amount_minor=amount_minor,
        instalments=instalments,
        state=OrderState.OPEN,
        expires_at=now + timedelta(minutes=minutes),
        next_try_at=now + timedelta(minutes=minutes),
        created_at=now,
        changed_at=now,
        created_by_id=actor_id,
    )
    _start(order, notify_base=notify_base, payer_id=payer_id, now=now)
    order.refresh_from_db()
    return order


def _start(order: PaymentOrder, *, notify_base: str, payer_id: str, now: datetime) -> None:
    asked = OrderAsked(
        number=order.number,
        amount_minor=order.amount_minor,
        currency=order.channel.currency,
        subject=order.account_number,
        notify_url=f"{notify_base.rstrip('/')}/callbacks/{order.channel.code}/",
        expires_at=order.expires_at,
        instalments=order.instalments,
        payer_id=payer_id,
    )
    try:
        started = provider_of(order.channel).start(asked)
    except UnableToReachProvider:
        _change(order, now=now, state=OrderState.UNCLEAR, next_try_at=now + timedelta(minutes=1))
        return
    except ProviderRefusal:
        _change(order, now=now, state=OrderState.FAILED, next_try_at=None)
        raise
    if started.pay_url:
        PaymentOrder.objects.filter(pk=order.pk).update(pay_url=started.pay_url[:2000])
    if started.notice is not None:
        settle_order(channel=order.channel, notice=started.notice, now=now, is_asked=True)


def ask_about(*, order_id: int, now: datetime) -> PaymentOrder:
    """Ask the provider what became of an order, and book what it says it has.

    Raises UnableToReachProvider or ProviderRefusal; the failure is listed after the last try.
    """
    order = PaymentOrder.objects.select_related("channel").get(pk=order_id)
    try:
        if order.state == OrderState.REFUNDING:
            _ask_for_refund(order, reason="", now=now)
        else:
            notice = provider_of(order.channel).query(order.number)
            settle_order(channel=order.channel, notice=notice, now=now, is_asked=True)
    except (UnableToReachProvider, ProviderRefusal, UnableToReceive) as error:
        _postpone(order, error, now=now)
        raise
    order.refresh_from_db()
    return order


def tend_orders(*, now: datetime, limit: int = 100) -> int:
    """Ask about all orders whose time has come; how many. Safe to run twice at once, and to be killed."""
    for order_id in (due := _claim(now, limit)):
        try:
            ask_about(order_id=order_id, now=now)
        except (UnableToReachProvider, ProviderRefusal, UnableToReceive):
            continue  # postponed or listed; the others go on
    return len(due)


def refund_order(*, order_id: int, reason: str, now: datetime, actor_id: int | None = None) -> PaymentOrder:
    """Ask the provider to give all of a payment back; the receipt is taken back once the provider has done so.

    Asking again never gives back twice: the refund has one number. Raises UnableToOrder when the order is not paid,
    ProviderRefusal when the provider refuses.
    """
    if not reason.strip():
        raise _refusal("A refund needs its reason.", f"order {order_id}", "Write why the money goes back.")
    with transaction.atomic():
        order = (
            PaymentOrder.objects.select_for_update(of=("self",)).select_related("channel").get(pk=order_id)
        )
        if order.state not in (OrderState.PAID, OrderState.REFUNDING):
            raise _refusal(
                "Only a paid order can be refunded.", f"order {order.number}", "Nothing was changed."
            )
        _change(order, now=now, state=OrderState.REFUNDING, next_try_at=now + timedelta(minutes=1), tries=0)
    try:
        _ask_for_refund(order, reason=reason, now=now, actor_id=actor_id)
    except UnableToReachProvider:
        order.refresh_from_db()
        return order  # asked again by itself
    except ProviderRefusal as error:
        _change(order, now=now, state=OrderState.PAID, next_try_at=None)
        _list(order, LetterOperation.REFUND, error, now=now)
        raise
    order.refresh_from_db()
    return order


def _ask_for_refund(order: PaymentOrder, *, reason: str, now: datetime, actor_id: int | None = None) -> None:
    is_done = provider_of(order.channel).refund(
        order.number,
        refund_number=f"R{order.number[:31]}",
        amount_minor=order.amount_minor,
        reason=reason or "refund",
    )
    if not is_done:
        _change(order, now=now, next_try_at=now + _pause(order.tries), tries=order.tries + 1)
        return
    with transaction.atomic():
        locked = PaymentOrder.objects.select_for_update().get(pk=order.pk)
        if locked.state != OrderState.REFUNDING or locked.receipt_id is None:
            return
        reverse_receipt(
            receipt_id=locked.receipt_id,
            reason=f"Refund of order {order.number}. {reason}".strip()[:200],
            business_date=timezone.localdate(now),
            now=now,
            actor_id=actor_id,
        )
        _change(locked, now=now, state=OrderState.REFUNDED, next_try_at=None)


def _postpone(order: PaymentOrder, error: MainsError, *, now: datetime) -> None:
    """Ask again after a longer pause, or, after the last try, leave it to a person."""
    order.refresh_from_db(fields=["state", "tries"])
    if order.state not in _WATCHED:
        return
    is_last = order.tries + 1 >= TRIES_MAX or isinstance(error, UnableToReceive)
    _change(
        order,
        now=now,
        state=OrderState.UNCLEAR if order.state == OrderState.OPEN else order.state,
        tries=min(order.tries + 1, TRIES_MAX),
        next_try_at=None if is_last else now + _pause(order.tries),
    )
    if is_last:
        operation = LetterOperation.REFUND if order.state == OrderState.REFUNDING else LetterOperation.QUERY
        _list(order, operation, error, now=now)


def _list(order: PaymentOrder, operation: LetterOperation, error: MainsError, *, now: datetime) -> None:
    keep_letter(
        channel_id=order.channel_id,
        operation=operation,
        subject=order.number,
        reason=error.code,
        message=error.message,
        now=now,
    )


def _pause(tries: int) -> timedelta:
    """1, 2, 4 … minutes, an hour at most."""
    return timedelta(minutes=min(2**tries, _PAUSE_MAX_MINUTES))


def _claim(now: datetime, limit: int) -> list[int]:
    """Orders whose time has come, put off for some minutes: whoever dies while asking leaves them to the next."""
    with transaction.atomic():
        due = (
            PaymentOrder.objects.select_for_update(skip_locked=True)
            .filter(next_try_at__lte=now, state__in=_WATCHED)
            .order_by("next_try_at")[:limit]
        )
        ids = [order.pk for order in due]
        PaymentOrder.objects.filter(pk__in=ids).update(next_try_at=now + _LEASE)
    return ids


def _change(order: PaymentOrder, *, now: datetime, **fields: object) -> None:
    PaymentOrder.objects.filter(pk=order.pk).update(changed_at=now, **fields)
    for name, value in fields.items():
        setattr(order, name, value)


def _refusal(message: str, place: str, remedy: str) -> UnableToOrder:
    return UnableToOrder(code="order", message=message, place=place, remedy=remedy)
