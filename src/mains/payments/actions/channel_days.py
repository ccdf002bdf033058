"""A day compared with an agent's own list: every payment that the two sides do not have alike."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.db import connection

from mains.kernel.errors import MainsError
from mains.payments.models import ChannelDay, PaymentChannel
from mains.payments.values.online import DayDifference

LINES_MAX = 200_000
_SHOWN = 1_000
_OURS = """
    SELECT reference, idempotency_key, account_number, c.amount_minor, v.id IS NOT NULL
    FROM payments_receipt c LEFT JOIN payments_receiptreversal v ON v.receipt_id = c.id
    WHERE c.channel_id = %(channel_id)s AND c.paid_on = %(day)s
"""


class UnableToReconcileDay(MainsError):
    """The agent's list cannot be compared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentLine:
    """A payment in the agent's list, in minor units."""

    payment_id: str
    account: str
    amount_minor: int
    is_cancelled: bool = False


def reconcile_day(
    *, channel_code: str, day: date, lines: Sequence[AgentLine], now: datetime, actor_id: int | None = None
) -> ChannelDay:
    """Compare a day with the agent's list, and keep both sums and every difference (at most 1,000 by name).

    Nothing is booked or changed. Raises UnableToReconcileDay for an unknown channel, a payment listed twice, or more
    than 200,000 lines.
    """
    channel = PaymentChannel.objects.filter(code=channel_code).first()
    theirs = {line.payment_id: line for line in lines}
    if channel is None or len(theirs) < len(lines) or len(lines) > LINES_MAX:
        raise UnableToReconcileDay(
            code="day-list",
            message="The list names an unknown agent, has a payment twice, or is too long.",
            place=f"agent {channel_code}, {day.isoformat()}",
            remedy="Send each payment of the day once, 200,000 at most.",
        )
    ours = _ours(channel, day)
    differences = [found for number in sorted(theirs.keys() | ours.keys())
                   if (found := _difference(number, ours.get(number), theirs.get(number)))]  # fmt: skip
    return ChannelDay.objects.create(
        channel=channel,
        day=day,
        our_count=sum(not line.is_cancelled for line in ours.values()),
        our_minor=sum(line.amount_minor for line in ours.values() if not line.is_cancelled),
        their_count=sum(not line.is_cancelled for line in lines),
        their_minor=sum(line.amount_minor for line in lines if not line.is_cancelled),
        differences=differences[:_SHOWN],
        recorded_at=now,
        recorded_by_id=actor_id,
    )


def read_agent_list(content: bytes, *, place: str) -> list[AgentLine]:
    """A CSV file with the columns payment_id, account, amount and perhaps cancelled (yes). Raises
    UnableToReconcileDay with the line."""
    try:
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        return [_line(row, f"{place}, line {rows.line_num}") for row in rows]
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(place, str(error)) from error


def _line(row: dict[str, str | None], place: str) -> AgentLine:
    number, account, amount = row.get("payment_id"), row.get("account"), row.get("amount")
    if not number or account is None or amount is None:
        raise _unreadable(place, "a column is missing")
    try:
        minor = Decimal(amount) * 100
    except InvalidOperation as error:
        raise _unreadable(place, f"{amount} is no amount") from error
    if not minor.is_finite() or minor != int(minor) or minor < 0:
        raise _unreadable(place, f"{amount} is no amount")
    is_cancelled = (row.get("cancelled") or "").strip().lower() in ("yes", "true", "1")
    return AgentLine(
        payment_id=number, account=account.strip(), amount_minor=int(minor), is_cancelled=is_cancelled
    )


def _ours(channel: PaymentChannel, day: date) -> dict[str, AgentLine]:
    start = len(f"channel:{channel.code}:")
    with connection.cursor() as cursor:
        cursor.execute(_OURS, {"channel_id": channel.pk, "day": day})
        return {
            key[start:]: AgentLine(
                payment_id=key[start:], account=account, amount_minor=minor, is_cancelled=cancelled
            )
            for _reference, key, account, minor, cancelled in cursor.fetchall()
        }


def _difference(number: str, ours: AgentLine | None, theirs: AgentLine | None) -> dict[str, object] | None:
    kind = _kind(ours, theirs)
    if kind is None:
        return None
    return {
        "payment_id": number,
        "kind": kind.value,
        "our_account": ours.account if ours else "",
        "our_minor": ours.amount_minor if ours else None,
        "their_account": theirs.account if theirs else "",
        "their_minor": theirs.amount_minor if theirs else None,
    }


def _kind(ours: AgentLine | None, theirs: AgentLine | None) -> DayDifference | None:
    if ours is None or theirs is None:
        one = ours or theirs
        if one is None or one.is_cancelled:
            return None
        return DayDifference.MISSING_HERE if ours is None else DayDifference.MISSING_THERE
    if ours.is_cancelled != theirs.is_cancelled:
        return DayDifference.CANCELLED_HERE if ours.is_cancelled else DayDifference.CANCELLED_THERE
    if ours.amount_minor != theirs.amount_minor:
        return DayDifference.AMOUNT
    return None if ours.account == theirs.account[:40] else DayDifference.ACCOUNT


def _unreadable(place: str, what: str) -> UnableToReconcileDay:
    return UnableToReconcileDay(
        code="day-list-unreadable",
        message=f"The list cannot be read: {what}.",
        place=place,
        remedy="Send CSV in UTF-8 with the columns payment_id, account, amount, cancelled.",
        params={"what": what},
    )
