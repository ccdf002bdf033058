"""Channels, orders, dead letters and days as people read them, and what an agent may know of an account."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from mains.base.rows import fetch_row, fetch_rows
from mains.payments.models import ChannelDay, ChannelToken, DeadLetter, PaymentChannel
from mains.payments.values.online import LetterState
from mains.staff.values import Permission, Scope

_CHANNELS = """
    SELECT c.code, c.title, c.kind, c.adapter, c.is_active,
           (SELECT count(*) FROM payments_receipt r WHERE r.channel_id = c.id AND r.paid_on = %(today)s),
           coalesce((SELECT sum(r.amount_minor) FROM payments_receipt r
                     WHERE r.channel_id = c.id AND r.paid_on = %(today)s), 0)::bigint,
           {owed},
           (SELECT count(*) FROM payments_deadletter l WHERE l.channel_id = c.id AND l.state = 'open')
    FROM payments_paymentchannel c WHERE %(code)s = '' OR c.code = %(code)s ORDER BY c.title, c.id
"""
# Collected less taken back less passed on.
_OWED = """(
    coalesce((SELECT sum(r.amount_minor) FROM payments_receipt r WHERE (r.channel_id = c.id
              OR r.id IN (SELECT d.receipt_id FROM payments_acquirerdue d WHERE d.channel_id = c.id))
              AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = r.id)), 0)
    - coalesce((SELECT sum(p.amount_minor + p.fee_minor) FROM payments_payout p WHERE p.channel_id = c.id), 0)
)::bigint"""
_ORDERS = """
    SELECT o.id, o.number, c.title, o.account_number, o.amount_minor, o.instalments, o.state, o.external_id,
           o.pay_url, o.receipt_id, o.tries, o.next_try_at, o.created_at, o.expires_at
    FROM payments_paymentorder o
    JOIN payments_paymentchannel c ON c.id = o.channel_id
    JOIN customers_account a ON a.id = o.account_id
    WHERE (%(units)s::bigint[] IS NULL OR a.organisation_id = ANY(%(units)s))
      AND (%(state)s = '' OR o.state = %(state)s) AND (%(id)s = 0 OR o.id = %(id)s)
      AND (%(before)s = 0 OR o.id < %(before)s)
    ORDER BY o.id DESC LIMIT %(limit)s
"""
_DEBT = """
    SELECT a.id, a.number, u.name, a.closed_on,
           coalesce((SELECT sum(e.amount_minor) FROM ledger_entry e WHERE e.account_id = a.id), 0)::bigint,
           coalesce((SELECT jsonb_object_agg(service, minor) FROM (
               SELECT service, sum(amount_minor)::bigint AS minor FROM ledger_entry
               WHERE account_id = a.id GROUP BY 1 HAVING sum(amount_minor) > 0) s), '{}')::text
    FROM customers_account a JOIN customers_customer u ON u.id = a.customer_id WHERE a.number = %(number)s
"""
_RECEIPT = """
    SELECT c.id, c.account_id, c.account_number, c.amount_minor, c.paid_on, c.recorded_at, v.recorded_at
    FROM payments_receipt c LEFT JOIN payments_receiptreversal v ON v.receipt_id = c.id
    WHERE c.idempotency_key = %(key)s
"""


@dataclass(frozen=True)
class ChannelRecord:
    """A channel today; `owed_minor` is what it has collected and not passed on."""

    code: str
    title: str
    kind: str
    adapter: str
    is_active: bool
    today_count: int
    today_minor: int
    owed_minor: int
    open_letters: int


@dataclass(frozen=True)
class OrderRecord:
    """An order as a line of the list."""

    id: int
    number: str
    channel: str
    account_number: str
    amount_minor: int
    instalments: int
    state: str
    external_id: str
    pay_url: str
    receipt_id: int | None
    tries: int
    next_try_at: datetime | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Debt:
    """What an agent may know of an account: the customer's name is masked. Minor units, negative is credit."""

    account_id: int
    number: str
    name: str
    closed_on: date | None
    balance_minor: int
    by_service: str


@dataclass(frozen=True)
class MachineReceipt:
    """A payment that a channel reported; `cancelled_at` when it was taken back."""

    receipt_id: int
    account_id: int | None
    account_number: str
    amount_minor: int
    paid_on: date
    recorded_at: datetime
    cancelled_at: datetime | None


def may_see_channels(scope: Scope) -> bool:
    """Channels, their money and their failures are for people of the whole utility who import payments."""
    return scope.may(Permission.IMPORT_PAYMENTS) and scope.organisation_ids is None


def list_channels(*, scope: Scope, today: date, code: str = "") -> list[ChannelRecord]:
    """All channels, or the one of that code, with what they collected today and owe."""
    if not may_see_channels(scope):
        return []
    return fetch_rows(ChannelRecord, _CHANNELS.format(owed=_OWED), {"today": today, "code": code})


def owed_by_channel(*, channel_id: int) -> int:
    """What a channel has collected and not passed on, in minor units; negative when it paid in advance."""
    found = fetch_row(
        int, f"SELECT {_OWED} FROM payments_paymentchannel c WHERE c.id = %(id)s", {"id": channel_id}
    )
    return found or 0


def list_tokens(*, code: str) -> list[ChannelToken]:
    """Tokens of an agent, those in force first. The caller has checked the right to administer."""
    tokens = ChannelToken.objects.filter(channel__code=code).select_related("issued_by", "revoked_by")
    return list(tokens.order_by("revoked_at", "-pk")[:100])


def list_days(*, code: str, limit: int = 60) -> list[ChannelDay]:
    """Reconciled days of a channel, the latest first. The caller has checked `may_see_channels`."""
    return list(ChannelDay.objects.filter(channel__code=code).order_by("-day", "-pk")[:limit])


def find_channel(*, code: str, scope: Scope) -> PaymentChannel | None:
    return PaymentChannel.objects.filter(code=code).first() if may_see_channels(scope) else None


def list_orders(
    *, scope: Scope, state: str = "", before_id: int = 0, order_id: int = 0, limit: int = 50
) -> list[OrderRecord]:
    """Orders of accounts within the scope, the latest first."""
    units = None if scope.organisation_ids is None else sorted(scope.organisation_ids)
    params = {"units": units, "state": state, "before": before_id, "id": order_id, "limit": limit}
    return fetch_rows(OrderRecord, _ORDERS, params)


def list_letters(*, scope: Scope, state: str = LetterState.OPEN, limit: int = 200) -> list[DeadLetter]:
    """Calls that came to nothing, the latest first."""
    if not may_see_channels(scope):
        return []
    letters = DeadLetter.objects.filter(state=state).select_related("channel", "closed_by")
    return list(letters.order_by("-last_at", "-pk")[:limit])


def count_open_letters(*, scope: Scope) -> int:
    return DeadLetter.objects.filter(state=LetterState.OPEN).count() if may_see_channels(scope) else 0


def find_account_of_order(*, number: str, scope: Scope) -> int | None:
    """Id of the account, if it lies within the scope."""
    found = fetch_row(
        lambda account_id, unit: (account_id, unit),
        "SELECT id, organisation_id FROM customers_account WHERE number = %(number)s",
        {"number": number},
    )
    return int(found[0]) if found and scope.covers(found[1]) else None


def find_debt(*, number: str) -> Debt | None:
    """What an account owes, for an agent."""
    with connection.cursor() as cursor:
        cursor.execute(_DEBT, {"number": number})
        row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:
        return None
    return Debt(row[0], row[1], _masked(row[2]), row[3], row[4], row[5])


def find_machine_receipt(*, key: str) -> MachineReceipt | None:
    """The payment of a key, see `machine_key`."""
    return fetch_row(MachineReceipt, _RECEIPT, {"key": key})


def _masked(name: str) -> str:
    """Enough to recognise, not enough to learn: I*** P***."""
    return " ".join(f"{part[0]}***" for part in name.split()[:3])
