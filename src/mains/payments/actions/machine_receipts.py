"""Receive money that somebody's machine reports: once per key, on its account or in suspense."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from mains.base.prepared_rows import fetch_prepared
from mains.kernel.errors import MainsError
from mains.ledger.actions.allocation import KEY_BITS
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, TransactionKind
from mains.payments.actions.receipts import suspense_place
from mains.payments.actions.single_receipt import book_single_receipt
from mains.payments.queries.supply import utility_id
from mains.payments.values.places import MoneyPlace

# One statement: the receipt, once per key, and its order as paid; then, for what `book_single_receipt` needs, the locks
# of `lock_allocation` for its account in the same order, the open days, and the partition of the month.
_RECEIVE = """
    WITH receipt AS (
        INSERT INTO payments_receipt (idempotency_key, channel_id, order_id, account_id, account_number, payer,
                                      reference, paid_on, amount_minor, money_control, money_unit_id, recorded_at)
        SELECT %(key)s::text, %(channel_id)s::bigint, %(order_id)s::bigint, a.id, %(number)s::text, %(payer)s::text,
               %(reference)s::text, %(paid_on)s::date, %(amount_minor)s::bigint, %(control)s::text,
               coalesce((SELECT id FROM staff_organisation WHERE kind = 'utility' ORDER BY id LIMIT 1), 0),
               %(now)s::timestamptz
        FROM (SELECT) AS once LEFT JOIN customers_account a ON a.number = %(number)s::text
        ON CONFLICT (idempotency_key) DO NOTHING
        RETURNING id, account_id, money_unit_id
    ), paid AS (
        UPDATE payments_paymentorder o
        SET state = 'paid', external_id = %(external_id)s::text, receipt_id = receipt.id, next_try_at = NULL,
            changed_at = %(now)s::timestamptz
        FROM receipt WHERE o.id = %(order_id)s::bigint AND o.external_id = ''
    ), everybody AS MATERIALIZED (
        SELECT receipt.*, pg_advisory_xact_lock_shared(hashtext('ledger_allocation')) AS held FROM receipt
    ), own AS MATERIALIZED (
        SELECT everybody.*, pg_advisory_xact_lock(hashtext('ledger_allocation_of'),
                                                  (account_id & %(key_bits)s::bigint)::int) AS locked
        FROM everybody
    ), days AS MATERIALIZED (
        SELECT own.*, pg_advisory_xact_lock_shared(hashtext('ledger_period')) AS open FROM own
    )
    SELECT id, account_id, money_unit_id, set_config('plan_cache_mode', 'force_generic_plan', true),
           mains_month_partition('ledger_entry', date_trunc('month', %(paid_on)s::date::timestamp)::date)
    FROM days
"""
_KNOWN = """
    SELECT id, account_id, account_number, amount_minor FROM payments_receipt WHERE idempotency_key = %(key)s::text
"""


class UnableToReceive(MainsError):
    """The key is known with another amount or account; nothing was booked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """The receipt of a key; `is_new` False when it was here before, and then nothing changed."""

    receipt_id: int
    account_id: int | None
    is_new: bool


def receive_by_machine(
    *,
    channel_id: int,
    channel_code: str,
    external_id: str,
    account_number: str,
    amount_minor: int,
    paid_on: date,
    now: datetime,
    payer: str = "",
    order_id: int | None = None,
) -> Received:
    """Book money that a channel has collected, on the account of that number, else in suspense.

    `external_id` is the channel's own number of the payment: the same one is received once, whoever reports it how
    often, also at the same moment. An order (`order_id`, locked by the caller) that had no payment is paid by it. The
    money is due from the channel until it pays out. Within the caller's database
    transaction. Raises UnableToReceive when the number is known with another amount or account.
    """
    key = machine_key(channel_code=channel_code, external_id=external_id)
    params: dict[str, Any] = {
        "key": key,
        "channel_id": channel_id,
        "order_id": order_id,
        "number": account_number[:40],
        "payer": payer[:200],
        "reference": external_id[:60],
        "paid_on": paid_on,
        "amount_minor": amount_minor,
        "control": Control.AGENTS.value,
        "external_id": external_id,
        "key_bits": KEY_BITS,
        "now": now,
    }
    made = fetch_prepared(_RECEIVE, params)
    if not made:
        return _known(key, account_number=account_number, amount_minor=amount_minor)
    ((receipt_id, account_id, unit_id, *_),) = made
    if account_id is None:
        _keep_in_suspense(receipt_id, amount_minor=amount_minor, paid_on=paid_on, now=now)
    else:
        book_single_receipt(
            receipt_id=receipt_id,
            account_id=account_id,
            amount_minor=amount_minor,
            paid_on=paid_on,
            kind=TransactionKind.ONLINE_PAYMENT,
            money=MoneyPlace(control=Control.AGENTS, organisation_id=unit_id),
            now=now,
            narrative=f"{channel_code}: {external_id}"[:200],
        )
    return Received(receipt_id=receipt_id, account_id=account_id, is_new=True)


def machine_key(*, channel_code: str, external_id: str) -> str:
    """The key under which a payment of a channel is received once; registers' keys never begin so."""
    return f"channel:{channel_code}:{external_id}"


def _known(key: str, *, account_number: str, amount_minor: int) -> Received:
    ((receipt_id, account_id, known_number, known_minor),) = fetch_prepared(_KNOWN, {"key": key})
    if known_minor != amount_minor:
        raise UnableToReceive(
            code="amount-differs",
            message="This payment is known with another amount.",
            place=f"receipt {receipt_id}",
            remedy="Nothing was changed. Compare both amounts with the payer's proof.",
            params={"known_minor": known_minor, "amount_minor": amount_minor, "receipt_id": receipt_id},
        )
    if known_number != account_number[:40]:
        raise UnableToReceive(
            code="account-differs",
            message="This payment is known for another account.",
            place=f"receipt {receipt_id}",
            remedy="Nothing was changed. Send a payment of another account under another number.",
            params={"known_account": known_number, "receipt_id": receipt_id},
        )
    return Received(receipt_id=receipt_id, account_id=account_id, is_new=False)


def _keep_in_suspense(receipt_id: int, *, amount_minor: int, paid_on: date, now: datetime) -> None:
    opened = hold_open_days(kind=TransactionKind.ONLINE_PAYMENT)
    sides = pl.DataFrame(
        {
            "control": [Control.AGENTS.value, Control.SUSPENSE.value],
            "amount_minor": [amount_minor, -amount_minor],
        }
    )
    post_transaction(
        kind=TransactionKind.ONLINE_PAYMENT,
        source_id=receipt_id,
        business_date=max(paid_on, opened or paid_on),
        entries=pl.DataFrame(schema=ENTRY_SCHEMA),
        counterparts=sides.with_columns(suspense_place(utility_id())).select(*POSTING_SCHEMA),
        now=now,
        narrative=f"Receipt {receipt_id} of nobody known",
    )
