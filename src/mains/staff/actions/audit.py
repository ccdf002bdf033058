"""The audit log: one entry for every writing request, each chained to the one before by hash."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from mains.staff.models import AuditChange, AuditEntry
from mains.staff.queries.audit import FIRST_HASH, digest_of_changes, hash_of_entry

# One at a time appends to the chain; the lock lasts from here to the commit.
_CHAIN_LOCK = 7_301_001


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is told of a writing request: `operation` names the address, `path` says of what."""

    request_id: UUID
    at: datetime
    user_id: int | None
    person: str
    channel: str
    operation: str
    path: str
    status: int
    reason: str
    address: str


@contextmanager
def noting_changes(request_id: UUID) -> Iterator[None]:
    """While it lasts, the triggers of watched tables note what this connection writes under the request.

    The setting is of the session and not of a transaction, since a request may use several; it is taken back at the
    end, before the connection returns to its pool.
    """
    _tell(str(request_id))
    try:
        yield
    finally:
        if not connection.needs_rollback:
            try:
                _tell("")
            except DatabaseError:
                connection.close()  # with it ends its setting


def append_entry(request: Request) -> int:
    """Append the entry of a request to the chain, with the digest of what it changed; its number."""
    rows = list(AuditChange.objects.filter(request_id=request.request_id).order_by("pk"))
    told: dict[str, Any] = {
        "request_id": request.request_id,
        "at": request.at,
        "user_id": request.user_id,
        "person": request.person[:150],
        "channel": request.channel,
        "operation": request.operation[:80],
        "path": request.path[:300],
        "status": request.status,
        "reason": " ".join(request.reason.split())[:200],
        "address": request.address[:45],
        "changes": len(rows),
        "changes_hash": digest_of_changes(rows),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        # Nobody waits for the disk behind the lock. A server that crashes may lose the entries of its last half second,
        # while what they changed is there: the check tells of changes without an entry.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(%s)", [_CHAIN_LOCK]
        )
        cursor.execute("SELECT hash FROM staff_auditentry ORDER BY id DESC LIMIT 1")
        last = cursor.fetchone()
        previous = last[0] if last else FIRST_HASH
        entry = AuditEntry(**told, previous_hash=previous, hash=hash_of_entry(told, previous))
        entry.save(force_insert=True)
    return entry.pk


def _tell(request_id: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('mains.request', %s, false)", [request_id])
