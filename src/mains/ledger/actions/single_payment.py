"""Post one payment of one account in one statement: what `post_transaction` and `store_allocations` do for many.

Both ways write the same rows; tests/payments/test_single_receipt.py compares them on histories of chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mains.base.prepared_rows import fetch_prepared
from mains.ledger.values import Control, EntryKind, TransactionKind

_POST = """
    WITH posted AS (
        INSERT INTO ledger_transaction (kind, source_id, part, business_date, recorded_at, narrative)
        VALUES (%(kind)s::text, %(source_id)s::bigint, 0, %(day)s::date, %(now)s::timestamptz, %(narrative)s::text)
        RETURNING id
    ), share AS (
        SELECT * FROM unnest(%(providers)s::bigint[], %(services)s::text[], %(amounts)s::bigint[])
                      AS share (provider_id, service, amount_minor)
    ), entry AS (
        INSERT INTO ledger_entry (month, id, transaction_id, account_id, organisation_id, provider_id, service, kind,
                                  amount_minor, correction_minor, business_date, due_date, document_id, recorded_at)
        SELECT date_trunc('month', %(day)s::date::timestamp)::date, nextval('ledger_entry_id_seq'), posted.id,
               %(account_id)s::bigint, %(organisation_id)s::bigint, provider_id, service, %(entry_kind)s::text,
               -amount_minor, 0, %(day)s::date, NULL, %(source_id)s::bigint, %(now)s::timestamptz
        FROM posted, share
        RETURNING id, provider_id, service
    ), receivable AS (
        INSERT INTO ledger_posting (transaction_id, control, organisation_id, provider_id, service, amount_minor)
        SELECT posted.id, 'receivable', %(organisation_id)s::bigint, provider_id, service, -amount_minor
        FROM posted, share
        UNION ALL
        SELECT id, %(control)s::text, %(unit_id)s::bigint, 0, '', %(amount_minor)s::bigint FROM posted
    )
    INSERT INTO ledger_allocation (account_id, item_id, credit_id, amount_minor, business_date, recorded_at)
    SELECT %(account_id)s::bigint, item_id, coalesce(nullif(cover.credit_id, 0), entry.id), cover.amount_minor,
           cover.day, %(now)s::timestamptz
    FROM unnest(%(items)s::bigint[], %(credits)s::bigint[], %(item_providers)s::bigint[], %(item_services)s::text[],
                %(covered)s::bigint[], %(days)s::date[])
         AS cover (item_id, credit_id, provider_id, service, amount_minor, day)
    LEFT JOIN entry USING (provider_id, service)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cover:
    """So much of the payment, or of the earlier credit of that id, pays this item; `day` is the later one of item and
    payment, or the first open one."""

    item_id: int
    credit_id: int | None = None
    provider_id: int
    service: str
    amount_minor: int
    day: date


def post_single_payment(
    *,
    kind: TransactionKind,
    source_id: int,
    business_date: date,
    account_id: int,
    organisation_id: int,
    shares: Sequence[tuple[int, str, int]],
    covers: Sequence[Cover],
    control: Control,
    unit_id: int,
    now: datetime,
    narrative: str,
) -> None:
    """Credit an account with `shares` (provider, service, minor units, each supply once), debit `control` at a unit,
    and keep which items they and earlier credits cover.

    The caller holds the account's allocation lock and the open days, has checked the day, has seen to the partition of
    its month, and posts each source once: the database refuses a second time with IntegrityError.
    """
    assert all(amount > 0 for _, _, amount in shares), "A payment is more than nothing."
    params: dict[str, Any] = {
        "kind": kind.value,
        "source_id": source_id,
        "day": business_date,
        "now": now,
        "narrative": narrative[:200],
        "providers": [provider for provider, _, _ in shares],
        "services": [service for _, service, _ in shares],
        "amounts": [amount for _, _, amount in shares],
        "amount_minor": sum(amount for _, _, amount in shares),
        "account_id": account_id,
        "organisation_id": organisation_id,
        "entry_kind": EntryKind.PAYMENT.value,
        "control": control.value,
        "unit_id": unit_id,
        "items": [cover.item_id for cover in covers],
        "credits": [cover.credit_id or 0 for cover in covers],
        "item_providers": [cover.provider_id for cover in covers],
        "item_services": [cover.service for cover in covers],
        "covered": [cover.amount_minor for cover in covers],
        "days": [cover.day for cover in covers],
    }
    fetch_prepared(_POST, params)
