"""Agents and acquirers pass on what they collected, less their fee; what they still owe is what is left."""

from datetime import date, datetime

import polars as pl
from django.db import IntegrityError, transaction

from mains.kernel.errors import MainsError
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, TransactionKind
from mains.payments.actions.receipts import suspense_place
from mains.payments.models import BankBooking, BankTransaction, PaymentChannel, Payout, PayoutPart
from mains.payments.queries.acquirer_dues import find_fitting_gross, list_acquirer_lines, list_due_parts
from mains.payments.queries.supply import utility_id
from mains.payments.values import LineState, RegisterStatus
from mains.payments.values.online import ChannelKind

_ALL = 1_000_000


class UnableToRecordPayout(MainsError):
    """Nothing was booked."""


def record_payout(
    *,
    channel_code: str,
    reference: str,
    paid_on: date,
    amount_minor: int,
    fee_minor: int = 0,
    bank_line_id: int | None = None,
    now: datetime,
    actor_id: int | None = None,
) -> Payout:
    """Book money that a channel passed on: the bank has `amount_minor`, and `fee_minor` are charges.

    Where statements are imported, name the bank's waiting line: it is booked as this payout, so that the balance with
    the bank agrees; without it the bank is debited on `paid_on`. One payout per reference. Raises UnableToRecordPayout.
    """
    reference = reference.strip()
    channel = PaymentChannel.objects.filter(code=channel_code).first()
    if channel is None or not 1 <= len(reference) <= 80 or amount_minor <= 0 or fee_minor < 0:
        raise _refusal(
            "payout",
            "A payout is of a known channel, has a reference, an amount, and a fee or none.",
            channel_code,
        )
    with transaction.atomic():
        opened = hold_open_days(kind=TransactionKind.PAYOUT)
        line = _take_line(bank_line_id, amount_minor, reference, now, actor_id) if bank_line_id else None
        try:
            with transaction.atomic():
                payout = Payout.objects.create(
                    channel=channel,
                    reference=reference,
                    paid_on=line.booked_on if line else paid_on,
                    amount_minor=amount_minor,
                    fee_minor=fee_minor,
                    transaction=line,
                    recorded_at=now,
                    recorded_by_id=actor_id,
                )
        except IntegrityError as error:
            raise _refusal("payout-known", "This payout is recorded already.", reference) from error
        _post(payout, opened=opened, now=now, narrative=f"{channel.code}: {reference}"[:200])
        return payout


def match_transfers(*, now: datetime) -> int:
    """Book the lines of accepted bank files that acquirers paid and whose amount is just that of card payments that
    were due, less the commission; how many. What fits nothing waits for a person."""
    made = 0
    for channel in (
        PaymentChannel.objects.filter(kind=ChannelKind.CARD).exclude(payer_accounts=[]).order_by("pk")
    ):
        for line_id, booked_on, net_minor, text in list_acquirer_lines(code=channel.code):
            parts = list_due_parts(code=channel.code, on_date=booked_on, limit=_ALL)
            gross = find_fitting_gross(channel=channel, parts=parts, net_minor=net_minor, booked_on=booked_on)
            if gross is None:
                continue
            record_payout(
                channel_code=channel.code,
                reference=f"{text[:60]} #{line_id}".strip(),
                paid_on=booked_on,
                amount_minor=net_minor,
                fee_minor=gross - net_minor,
                bank_line_id=line_id,
                now=now,
            )
            made += 1
    return made


def _post(payout: Payout, *, opened: date | None, now: datetime, narrative: str) -> None:
    """One transaction, of the bank's line or of the payout: bank and charges against what the channel owes, for cards
    taken at desks where their claims stand."""
    gross = payout.amount_minor + payout.fee_minor
    claims = _lay(payout, gross)
    rest = gross - sum(claims.values())
    utility = utility_id()
    sides = [
        (Control.BANK.value, utility, payout.amount_minor),
        (Control.BANK_CHARGES.value, utility, payout.fee_minor),
        (Control.AGENTS.value, utility, -rest),
        *((control, unit or utility, -minor) for (control, unit), minor in sorted(claims.items())),
    ]
    by_line = payout.transaction_id is not None
    post_transaction(
        kind=TransactionKind.BANK_LINE if by_line else TransactionKind.PAYOUT,
        source_id=payout.transaction_id if payout.transaction_id is not None else payout.pk,
        business_date=max(payout.paid_on, opened or payout.paid_on),
        entries=pl.DataFrame(schema=ENTRY_SCHEMA),
        counterparts=pl.concat(
            pl.DataFrame({"control": [control], "amount_minor": [minor]})
            .with_columns(suspense_place(unit))
            .select(*POSTING_SCHEMA)
            for control, unit, minor in sides
            if minor
        ),
        now=now,
        narrative=narrative,
    )


def _lay(payout: Payout, gross_minor: int) -> dict[tuple[str, int], int]:
    """Lay a payout along the open parts, those due first first; what it pays of claims that stand elsewhere than with
    the channel: minor units by control account and unit."""
    claims: dict[tuple[str, int], int] = {}
    left, parts = gross_minor, []
    # Parts that fall due later are paid too where the acquirer pays ahead.
    for part in list_due_parts(code=payout.channel.code, on_date=date.max, limit=_ALL):
        taken = min(left, part.left_minor)
        if not taken:
            break
        left -= taken
        parts.append(PayoutPart(payout=payout, due_id=part.id, amount_minor=taken))
        if part.control == Control.CARDS:
            key = part.control, part.unit_id
            claims[key] = claims.get(key, 0) + taken
    PayoutPart.objects.bulk_create(parts)
    return claims


def _take_line(
    line_id: int, amount_minor: int, reference: str, now: datetime, actor_id: int | None
) -> BankTransaction:
    line = BankTransaction.objects.select_for_update().filter(pk=line_id).first()
    waits = line is not None and line.state == LineState.WAITING and line.amount_minor == amount_minor
    if line is None or not waits or line.statement.file.status != RegisterStatus.ACCEPTED:
        raise _refusal(
            "payout-line", "No line of the bank of this amount waits under that number.", str(line_id)
        )
    try:
        with transaction.atomic():
            BankBooking.objects.create(
                transaction=line,
                control=Control.AGENTS.value,
                note=reference[:200],
                recorded_at=now,
                recorded_by_id=actor_id,
            )
    except IntegrityError as error:
        raise _refusal("payout-line", "This line is booked already.", str(line_id)) from error
    return line


def _refusal(code: str, message: str, place: str) -> UnableToRecordPayout:
    return UnableToRecordPayout(code=code, message=message, place=place, remedy="Nothing was booked.")
