"""What a provider says of an order, and the call-backs that bring it: booked once, whatever comes how often."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from mains.base.prepared_rows import fetch_prepared
from mains.payments.actions.acquirer_schedule import add_dues
from mains.payments.actions.channels import provider_of
from mains.payments.actions.letters import close_letters, keep_letter
from mains.payments.actions.machine_receipts import UnableToReceive, receive_by_machine
from mains.payments.models import PaymentChannel, PaymentOrder
from mains.payments.values.online import (
    Acknowledgement,
    LetterOperation,
    Notice,
    OrderState,
    Outcome,
    UnableToTrustCallback,
)

_LOCK_ORDER = """
    SELECT id, account_number, amount_minor, instalments, state, external_id, expires_at
    FROM payments_paymentorder WHERE number = %(number)s::text AND channel_id = %(channel_id)s::bigint FOR UPDATE
"""
_CHANNEL = """
    SELECT id, code, adapter, currency, settings::text FROM payments_paymentchannel
    WHERE code = %(code)s::text AND is_active AND adapter <> ''
"""
_ASK_AGAIN = timedelta(minutes=5)
_TEXT_MAX = 80
_AMOUNT_MAX = 10**15


@dataclass(frozen=True, slots=True)
class _Order:
    id: int
    account_number: str
    amount_minor: int
    instalments: int
    state: str
    external_id: str
    expires_at: datetime


def take_callback(
    *, channel_code: str, headers: Mapping[str, str], body: bytes, now: datetime, clock: datetime
) -> Acknowledgement:
    """Book what a provider reports, and the answer that it wants.

    `clock` is the true time, against which a call-back's age counts; `now` is that of the books. What is not signed,
    too old, or names another amount is refused and listed; the same twice changes nothing and is acknowledged. Raises
    UnableToTrustCallback for an unknown channel.
    """
    found = fetch_prepared(_CHANNEL, {"code": channel_code[:40]})
    if not found:
        raise UnableToTrustCallback(
            code="channel-unknown", message="There is no such channel.", place=channel_code[:40], remedy=""
        )
    id_, code, adapter, currency, settings = found[0]
    channel = PaymentChannel(
        pk=id_, code=code, adapter=adapter, currency=currency, settings=json.loads(settings)
    )
    provider, subject = provider_of(channel), ""
    try:
        notice = provider.read_callback(headers=headers, body=body, now=clock)
        subject = notice.order_number if notice.order_number.isprintable() else ""
        settle_order(channel=channel, notice=notice, now=now)
    except (UnableToTrustCallback, UnableToReceive) as error:
        keep_letter(
            channel_id=channel.pk,
            operation=LetterOperation.CALLBACK,
            subject=subject,
            reason=error.code,
            message=error.message,
            now=now,
            body=body,
        )
        return provider.acknowledge(is_taken=False)
    return provider.acknowledge(is_taken=True)


def settle_order(*, channel: PaymentChannel, notice: Notice, now: datetime, is_asked: bool = False) -> None:
    """Follow what a provider says of an order: book money once, whenever it comes, also after the order expired.

    Of an order that nobody knows, money goes to the account of that number or to suspense. A call-back with another
    amount than ordered is refused, and the provider is asked; what it then says (`is_asked`) is booked. Raises
    UnableToReceive.
    """
    _refuse_unprintable(notice)
    try:
        with transaction.atomic():
            order = _lock(channel, notice.order_number)
            if notice.outcome is Outcome.PAID:
                _check_amount(channel, order, notice, is_asked=is_asked)
                _receive(channel, order, notice, now=now)
            elif order is not None:
                _end_unpaid(channel, order, notice, now=now)
    except UnableToReceive:
        if not is_asked:
            PaymentOrder.objects.filter(
                number=notice.order_number,
                channel_id=channel.pk,
                state__in=(OrderState.OPEN, OrderState.EXPIRED),
            ).update(state=OrderState.UNCLEAR, next_try_at=now, changed_at=now)
        raise


def _lock(channel: PaymentChannel, number: str) -> _Order | None:
    rows = fetch_prepared(_LOCK_ORDER, {"number": number, "channel_id": channel.pk})
    return _Order(*rows[0]) if rows else None


def _check_amount(channel: PaymentChannel, order: _Order | None, notice: Notice, *, is_asked: bool) -> None:
    if not 0 < notice.amount_minor < _AMOUNT_MAX or not notice.external_id:
        raise _refusal("amount-missing", "A payment has an amount above nothing and a number.", notice)
    if notice.currency != channel.currency:
        raise _refusal("currency-differs", "The payment is in another currency.", notice)
    if order is not None and order.amount_minor != notice.amount_minor and not is_asked:
        raise _refusal("amount-not-ordered", "The payment has another amount than the order.", notice)


def _receive(channel: PaymentChannel, order: _Order | None, notice: Notice, *, now: datetime) -> None:
    today = timezone.localdate(now)
    paid_on = min(notice.paid_on or today, today)
    received = receive_by_machine(
        channel_id=channel.pk,
        channel_code=channel.code,
        external_id=notice.external_id,
        account_number=order.account_number if order else notice.order_number,
        amount_minor=notice.amount_minor,
        paid_on=paid_on,
        now=now,
        payer=notice.payer,
        order_id=order.id if order else None,
    )
    if not received.is_new:
        return
    if channel.settings.get("first_days") is not None:
        add_dues(
            channel=channel,
            receipts=[(received.receipt_id, notice.amount_minor)],
            instalments=order.instalments if order else 1,
            paid_on=paid_on,
        )
    if order is None:
        return
    if order.external_id:
        keep_letter(
            channel_id=channel.pk,
            operation=LetterOperation.CALLBACK,
            subject=notice.order_number,
            reason="order-paid-again",
            message="The order was paid a second time; the money is booked. Refund one of the payments.",
            now=now,
        )
        return
    if order.state != OrderState.OPEN:
        close_letters(channel_id=channel.pk, subject=notice.order_number, now=now)


def _end_unpaid(channel: PaymentChannel, order: _Order, notice: Notice, *, now: datetime) -> None:
    """The provider has no money of it. News that are older than what is known change nothing."""
    if order.state == OrderState.PAID and notice.outcome is Outcome.REFUNDED:
        keep_letter(
            channel_id=channel.pk,
            operation=LetterOperation.CALLBACK,
            subject=notice.order_number,
            reason="refunded-there",
            message="The provider gave this payment back without being asked by us. Take the receipt back.",
            now=now,
        )
    if order.state not in (OrderState.OPEN, OrderState.UNCLEAR):
        return
    is_over = now >= order.expires_at and notice.outcome is not Outcome.PENDING
    if notice.outcome is Outcome.CLOSED or is_over:
        PaymentOrder.objects.filter(pk=order.id).update(
            state=OrderState.EXPIRED, next_try_at=None, changed_at=now
        )
        close_letters(channel_id=channel.pk, subject=notice.order_number, now=now)
    else:
        PaymentOrder.objects.filter(pk=order.id).update(next_try_at=now + _ASK_AGAIN, changed_at=now)


def _refuse_unprintable(notice: Notice) -> None:
    """Numbers go into the books and onto pages: they are short, and of characters that can be seen."""
    for text in (notice.order_number, notice.external_id, notice.payer):
        if len(text) > _TEXT_MAX or not text.isprintable():
            raise _refusal("number-unreadable", "A number of the payment is too long or unreadable.", notice)


def _refusal(code: str, message: str, notice: Notice) -> UnableToReceive:
    return UnableToReceive(
        code=code,
        message=message,
        place=f"order {notice.order_number[:40]!r}",
        remedy="Nothing was booked. The provider is asked what it has.",
        params={"amount_minor": notice.amount_minor, "currency": notice.currency},
    )
