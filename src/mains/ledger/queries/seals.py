"""Fingerprints of transactions, computed from what the tables hold."""

from collections.abc import Sequence
from datetime import date
from hashlib import sha256

import polars as pl

from mains.base.columns import fetch_frame
from mains.base.rows import fetch_rows
from mains.ledger.queries.invariants import MAX_SHOWN, Breach

# A slice of a bill run is one transaction of some ten thousand entries.
_BATCH = 200
FIRST_LINK = bytes(32)
"""What the first seal is chained to."""

SEAL_CHECKS = ("transactions-as-sealed", "seals-chained", "closings-in-chain")

# Texts of rows in the order of their ids, joined by line feeds. A narrative is the only free text and stands last.
_CONTENT = """
    WITH sealed AS (
        SELECT * FROM ledger_transaction WHERE id = ANY(%(ids)s)
    ), posted AS (
        SELECT transaction_id, string_agg(concat_ws('|', id, control, organisation_id, provider_id, service,
                                                    amount_minor, correction_minor), E'\n' ORDER BY id) AS text
        FROM ledger_posting WHERE transaction_id = ANY(%(ids)s) GROUP BY 1
    ), entered AS (
        SELECT transaction_id, string_agg(concat_ws('|', id, account_id, organisation_id, provider_id, service, kind,
                   amount_minor, correction_minor, business_date - DATE '1970-01-01',
                   coalesce((due_date - DATE '1970-01-01')::text, '-'), document_id,
                   extract(epoch FROM recorded_at)), E'\n' ORDER BY id) AS text
        FROM ledger_entry
        WHERE month = ANY(%(months)s) AND transaction_id BETWEEN %(first)s AND %(last)s
          AND transaction_id = ANY(%(ids)s)
        GROUP BY 1
    )
    SELECT s.id, sha256(convert_to(concat_ws(E'\n',
               concat_ws('|', s.id, s.kind, s.source_id, s.part, s.business_date - DATE '1970-01-01',
                         extract(epoch FROM s.recorded_at), s.narrative),
               coalesce(p.text, ''), '--', coalesce(e.text, '')), 'UTF8'))
    FROM sealed s LEFT JOIN posted p ON p.transaction_id = s.id LEFT JOIN entered e ON e.transaction_id = s.id
"""
_CONTENT_SCHEMA = {"transaction_id": pl.Int64, "content": pl.Binary}


def list_unsealed(*, limit: int = _BATCH) -> pl.DataFrame:
    """Transactions that have no seal yet, at most `limit`, by id: transaction_id, month."""
    return fetch_frame(
        """
        SELECT t.id, date_trunc('month', t.business_date)::date FROM ledger_transaction t
        WHERE NOT EXISTS (SELECT FROM ledger_seal s WHERE s.transaction_id = t.id) ORDER BY t.id LIMIT %(limit)s
        """,
        {"limit": limit},
        schema={"transaction_id": pl.Int64, "month": pl.Date},
    )


def fingerprints(*, transaction_ids: Sequence[int], months: Sequence[date]) -> dict[int, bytes]:
    """SHA-256 of each transaction with its postings and entries; `months` are those of their business dates."""
    found = fetch_frame(
        _CONTENT,
        {
            "ids": list(transaction_ids),
            "months": list(months),
            "first": min(transaction_ids),
            "last": max(transaction_ids),
        },
        schema=_CONTENT_SCHEMA,
    )
    return dict(found.iter_rows())


def linked(before: bytes, content: bytes) -> bytes:
    """The next link of the chain."""
    return sha256(before + content).digest()


def chain_head() -> bytes:
    """The last link; `FIRST_LINK` before the first seal."""
    found = fetch_frame("SELECT chain FROM ledger_seal ORDER BY id DESC LIMIT 1", schema={"chain": pl.Binary})
    return found["chain"][0] if found.height else FIRST_LINK


def check_seals() -> list[Breach]:
    """Compute every seal again: transactions that are not as they were sealed, links that do not hold, and closings
    whose head is not in the chain. At most `MAX_SHOWN`. It reads the whole ledger."""
    breaches: list[Breach] = []
    before, after_id, heads = FIRST_LINK, 0, {FIRST_LINK.hex()}
    while len(breaches) < MAX_SHOWN and not (seals := _list_seals(after_id)).is_empty():
        content = fingerprints(
            transaction_ids=seals["transaction_id"].to_list(), months=seals["month"].unique().to_list()
        )
        for one in seals.iter_rows(named=True):
            place = f"transaction {one['transaction_id']}"
            if content[one["transaction_id"]] != one["content"]:
                breaches.append(Breach(check="transactions-as-sealed", place=place, off_by_minor=0))
            if linked(before, one["content"]) != one["chain"]:
                breaches.append(Breach(check="seals-chained", place=place, off_by_minor=0))
            before = one["chain"]
            heads.add(before.hex())
        after_id = int(seals["id"][-1])
    for through, head in _list_heads():
        if head not in heads:
            breaches.append(
                Breach(check="closings-in-chain", place=f"closing through {through}", off_by_minor=0)
            )
    return breaches[:MAX_SHOWN]


def _list_seals(after_id: int) -> pl.DataFrame:
    return fetch_frame(
        """
        SELECT s.id, s.transaction_id, s.content, s.chain, date_trunc('month', t.business_date)::date
        FROM ledger_seal s JOIN ledger_transaction t ON t.id = s.transaction_id
        WHERE s.id > %(after)s ORDER BY s.id LIMIT %(limit)s
        """,
        {"after": after_id, "limit": _BATCH},
        schema={
            "id": pl.Int64,
            "transaction_id": pl.Int64,
            "content": pl.Binary,
            "chain": pl.Binary,
            "month": pl.Date,
        },
    )


def _list_heads() -> list[tuple[date, str]]:
    statement = "SELECT through, head FROM ledger_periodevent WHERE kind = 'closed' ORDER BY id"
    return fetch_rows(_closing, statement, {})


def _closing(through: date, head: str) -> tuple[date, str]:
    return through, head
