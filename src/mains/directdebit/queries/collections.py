"""Collections as people read them, and as files to banks need them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import connection

from mains.base.columns import fetch_frame
from mains.directdebit.models import CollectionFile
from mains.directdebit.values import CollectionState
from mains.staff.values import Scope

_COLLECTIONS = """
    SELECT c.id, c.creditor_number, c.collect_on, c.item_count, c.amount_minor, c.recorded_at,
           coalesce(u.username, ''), d.agrees, d.recorded_at, coalesce(w.username, ''), f.identifier,
           coalesce(s.collected, 0), coalesce(s.collected_minor, 0)::bigint, coalesce(s.returned, 0),
           coalesce(s.returned_minor, 0)::bigint, coalesce(s.rejected, 0), coalesce(s.rejected_minor, 0)::bigint,
           coalesce(s.accepted, 0),
           (SELECT id FROM staff_proposal p WHERE p.kind = 'collection' AND p.subject_id = c.id), c.recorded_by_id
    FROM directdebit_collection c
    LEFT JOIN staff_user u ON u.id = c.recorded_by_id
    LEFT JOIN directdebit_collectiondecision d ON d.collection_id = c.id
    LEFT JOIN staff_user w ON w.id = d.recorded_by_id
    LEFT JOIN directdebit_collectionfile f ON f.collection_id = c.id
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE e.kind = 'collected') AS collected,
               sum(i.amount_minor) FILTER (WHERE e.kind = 'collected') AS collected_minor,
               count(*) FILTER (WHERE e.kind = 'returned') AS returned,
               sum(i.amount_minor) FILTER (WHERE e.kind = 'returned') AS returned_minor,
               count(*) FILTER (WHERE e.kind = 'rejected') AS rejected,
               sum(i.amount_minor) FILTER (WHERE e.kind = 'rejected') AS rejected_minor,
               count(*) FILTER (WHERE e.kind = 'accepted') AS accepted
        FROM directdebit_collectionitem i JOIN directdebit_itemevent e ON e.item_id = i.id
        WHERE i.collection_id = c.id) s ON true
    WHERE %(id)s::bigint IS NULL OR c.id = %(id)s
    ORDER BY c.id DESC LIMIT %(limit)s
"""
_ITEMS = """
    SELECT i.id, a.number, m.debtor_name, m.iban, m.bic, m.identifier, m.signed_on, m.scheme, i.sequence,
           i.end_to_end_id, i.batch, i.amount_minor, i.changed_from, p.receipt_id, r.code, coalesce(r.charge_minor, 0),
           x.code
    FROM directdebit_collectionitem i
    JOIN directdebit_mandate m ON m.id = i.mandate_id
    JOIN customers_account a ON a.id = i.account_id
    LEFT JOIN directdebit_itemevent p ON p.item_id = i.id AND p.kind = 'collected'
    LEFT JOIN directdebit_itemevent r ON r.item_id = i.id AND r.kind = 'returned'
    LEFT JOIN directdebit_itemevent x ON x.item_id = i.id AND x.kind = 'rejected'
    WHERE i.collection_id = %(id)s AND i.id > %(after)s ORDER BY i.id LIMIT %(limit)s
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectionRecord:
    """A collection with what people and banks said of it; amounts in minor units."""

    id: int
    creditor_number: int
    collect_on: date
    item_count: int
    amount_minor: int
    proposed_at: datetime
    proposed_by: str
    agrees: bool | None
    decided_at: datetime | None
    decided_by: str
    file_identifier: str | None
    collected_count: int
    collected_minor: int
    returned_count: int
    returned_minor: int
    rejected_count: int
    rejected_minor: int
    accepted_count: int
    proposal_id: int | None
    proposed_by_id: int | None

    @property
    def state(self) -> CollectionState:
        if self.agrees is None:
            return CollectionState.PROPOSED
        if not self.agrees:
            return CollectionState.REFUSED
        return CollectionState.FILED if self.file_identifier else CollectionState.APPROVED

    @property
    def open_count(self) -> int:
        """Ordered, and no bank's file has said anything of them."""
        return 0 if self.agrees is False else self.item_count - self.collected_count - self.rejected_count


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemRecord:
    """A direct debit with its mandate; `return_code` is None unless a bank returned it, `reject_code` unless it
    refused it before its day."""

    id: int
    account_number: str
    debtor_name: str
    iban: str
    bic: str
    mandate: str
    signed_on: date
    scheme: str
    sequence: str
    end_to_end_id: str
    batch: str
    amount_minor: int
    changed_from: str
    receipt_id: int | None
    return_code: str | None
    charge_minor: int
    reject_code: str | None


def may_see_collections(scope: Scope) -> bool:
    """A collection is of the whole utility: a person of one branch sees none."""
    return scope.organisation_ids is None


def list_collections(*, scope: Scope, limit: int = 50) -> list[CollectionRecord]:
    """Collections, latest first."""
    return _collections({"id": None, "limit": limit}) if may_see_collections(scope) else []


def find_collection(*, collection_id: int, scope: Scope) -> CollectionRecord | None:
    """One collection, or None where there is none or the person may not see it."""
    found = _collections({"id": collection_id, "limit": 1}) if may_see_collections(scope) else []
    return found[0] if found else None


def list_items(*, collection_id: int, after_id: int = 0, limit: int = 1_000_000) -> list[ItemRecord]:
    """Direct debits of a collection in its order, keyset-paged by `after_id`."""
    names = list(ItemRecord.__dataclass_fields__)
    rows = _rows(_ITEMS, {"id": collection_id, "after": after_id, "limit": limit})
    return [ItemRecord(**dict(zip(names, row, strict=True))) for row in rows]


def find_file(*, collection_id: int) -> tuple[str, bytes] | None:
    """Identifier and bytes of a collection's file."""
    found = CollectionFile.objects.filter(collection_id=collection_id).first()
    return (found.identifier, bytes(found.content)) if found else None


def accounts_of_debits(end_to_end_ids: Sequence[str]) -> pl.DataFrame:
    """end_to_end_id, account_id, amount_minor of those direct debits that were ordered."""
    return fetch_frame(
        """
        SELECT i.end_to_end_id, i.account_id, i.amount_minor FROM directdebit_collectionitem i
        JOIN directdebit_collectionfile f ON f.collection_id = i.collection_id
        WHERE i.end_to_end_id = ANY(%(ids)s)
        """,
        {"ids": list(end_to_end_ids)},
        schema={"end_to_end_id": pl.String, "account_id": pl.Int64, "amount_minor": pl.Int64},
    )


def debits_of_batches(batches: Sequence[str]) -> dict[str, list[ItemRecord]]:
    """The direct debits that were ordered in each of these batches and that the bank did not refuse, in order."""
    rows = _rows(
        """
        SELECT DISTINCT i.collection_id FROM directdebit_collectionitem i
        JOIN directdebit_collectionfile f ON f.collection_id = i.collection_id
        WHERE i.batch = ANY(%(batches)s) ORDER BY 1
        """,
        {"batches": list(batches)},
    )
    found: dict[str, list[ItemRecord]] = {}
    for (collection_id,) in rows:
        for item in list_items(collection_id=collection_id):
            if item.batch in batches and item.reject_code is None:
                found.setdefault(item.batch, []).append(item)
    return found


def _collections(params: dict[str, Any]) -> list[CollectionRecord]:
    names = list(CollectionRecord.__dataclass_fields__)
    return [CollectionRecord(**dict(zip(names, row, strict=True))) for row in _rows(_COLLECTIONS, params)]


def _rows(statement: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())
