"""When an acquirer pays what cards were charged: its schedule, part by part."""

from collections.abc import Sequence
from datetime import date, timedelta

from mains.payments.models import AcquirerDue, PaymentChannel

EVERY_DAYS = 30


def add_dues(
    *,
    channel: PaymentChannel,
    receipts: Sequence[tuple[int, int]],
    instalments: int,
    paid_on: date,
) -> None:
    """Note when the acquirer pays these card payments (receipt, minor units): each in equal parts, the odd minor units
    in the first ones; the first part `first_days` after the payment, the others every `every_days` (settings of the
    channel; without them the next day and every 30 days)."""
    first = int(channel.settings.get("first_days", 1))
    every = int(channel.settings.get("every_days", EVERY_DAYS))
    AcquirerDue.objects.bulk_create(
        AcquirerDue(
            receipt_id=receipt_id,
            channel_id=channel.pk,
            part=part + 1,
            due_on=paid_on + timedelta(days=first + part * every),
            amount_minor=amount_minor // instalments + (part < amount_minor % instalments),
        )
        for receipt_id, amount_minor in receipts
        for part in range(instalments)
        if amount_minor // instalments + (part < amount_minor % instalments)
    )


def expect_dues(
    *, channel_id: int, receipts: Sequence[tuple[int, int]], instalments: int, paid_on: date
) -> None:
    """The same by the channel's id, of cards taken at a desk."""
    channel = PaymentChannel.objects.get(pk=channel_id)
    add_dues(channel=channel, receipts=receipts, instalments=instalments, paid_on=paid_on)
