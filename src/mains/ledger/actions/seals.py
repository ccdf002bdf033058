"""Seal transactions: a fingerprint of each, chained to the one before."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl
from django.db import connection, transaction

from mains.base.columns import append_frame
from mains.ledger.queries.seals import chain_head, fingerprints, linked, list_unsealed


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """How many transactions were sealed, and the head of the chain after them, in hexadecimal digits."""

    count: int
    head: str


def seal_transactions(*, now: datetime) -> Sealed:
    """Seal every transaction that is committed and not sealed yet; two sealers come one after the other."""
    count = 0
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ledger_seal'))")
        head = chain_head()
        while not (waiting := list_unsealed()).is_empty():
            ids = waiting["transaction_id"].to_list()
            content = fingerprints(transaction_ids=ids, months=waiting["month"].unique().to_list())
            links = []
            for one in ids:
                head = linked(head, content[one])
                links.append(head)
            append_frame(
                pl.DataFrame(
                    {
                        "transaction_id": ids,
                        "content": [content[one] for one in ids],
                        "chain": links,
                        "sealed_at": [now] * len(ids),
                    }
                ),
                "ledger_seal",
            )
            count += len(ids)
    return Sealed(count=count, head=head.hex())
