"""The audit log as people read it, and the proof that nobody altered it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.utils import timezone

from mains.base.rows import fetch_rows
from mains.staff.models import AuditChange, AuditEntry

FIRST_HASH = "0" * 64
_HASHED = (
    "request_id",
    "at",
    "user_id",
    "person",
    "channel",
    "operation",
    "path",
    "status",
    "reason",
    "address",
)
_UNFINISHED = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Told:
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

    def fields(self) -> dict[str, Any]:
        """The fields as they are kept, cut to their lengths."""
        return {
            "request_id": self.request_id,
            "at": self.at,
            "user_id": self.user_id,
            "person": self.person[:150],
            "channel": self.channel[:10],
            "operation": self.operation[:80],
            "path": self.path[:300],
            "status": self.status,
            "reason": " ".join(self.reason.split())[:200],
            "address": self.address[:45],
        }


@dataclass(frozen=True)
class ChangeOfRow:
    """A row that a request wrote: field, before, after."""

    table: str
    row_id: str
    fields: tuple[tuple[str, Any, Any], ...]


@dataclass(frozen=True, kw_only=True)
class EntryRecord:
    """A writing request and what it changed."""

    id: int
    at: datetime
    user_id: int | None
    person: str
    channel: str
    operation: str
    path: str
    status: int
    reason: str
    address: str
    changes: int
    rows: tuple[ChangeOfRow, ...]


@dataclass(frozen=True)
class AuditFault:
    """A place where the log is not what was written."""

    entry_id: int
    what: str


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which entries a list shows; `before` is the last number of the page before."""

    person: str = ""
    operation: str = ""
    path: str = ""
    has_changes: bool = False
    before: int | None = None


def list_entries(*, chosen: AuditFilter = AuditFilter(), limit: int = 51) -> list[EntryRecord]:
    """Entries, the latest first, with the first rows that each changed."""
    found = AuditEntry.objects.all()
    if chosen.person:
        found = found.filter(person=chosen.person)
    if chosen.operation:
        found = found.filter(operation=chosen.operation)
    if chosen.path:
        found = found.filter(path__startswith=chosen.path)
    if chosen.has_changes:
        found = found.filter(changes__gt=0)
    if chosen.before is not None:
        found = found.filter(pk__lt=chosen.before)
    entries = list(found.order_by("-pk")[:limit])
    rows: dict[UUID, list[AuditChange]] = {}
    for row in AuditChange.objects.filter(request_id__in=[entry.request_id for entry in entries]).order_by(
        "pk"
    ):
        rows.setdefault(row.request_id, []).append(row)
    return [_record(entry, rows.get(entry.request_id, [])) for entry in entries]


def list_operations() -> list[str]:
    """The names of the addresses in the log."""
    return list(AuditEntry.objects.order_by("operation").values_list("operation", flat=True).distinct())


def check_audit(*, limit: int = 100) -> tuple[int, list[AuditFault]]:
    """Walk the chain from the first entry: how many, and where an entry or a change was altered, added or lost.

    The last entries of a log that was cut at its end are missed unless somebody kept the number or hash of the last
    one: print it and keep it elsewhere.
    """
    faults: list[AuditFault] = []
    previous, count, last_id = FIRST_HASH, 0, 0
    batch: list[AuditEntry] = []
    for entry in AuditEntry.objects.order_by("pk").iterator(chunk_size=1000):
        batch.append(entry)
        if len(batch) == 1000:
            previous = _check_batch(batch, previous, faults)
            batch = []
        count, last_id = count + 1, entry.pk
    _check_batch(batch, previous, faults)
    known = AuditEntry.objects.values("request_id")
    orphans = AuditChange.objects.exclude(request_id__in=known).filter(at__lt=timezone.now() - _UNFINISHED)
    faults += [
        AuditFault(last_id, f"change {row.pk} of {row.table} has no entry: its request was cut off")
        for row in orphans.order_by("pk")[:limit]
    ]
    return count, faults[:limit]


def last_hash() -> tuple[int, str]:
    """Number and hash of the last entry, to be kept elsewhere; 0 while there is none."""
    last = AuditEntry.objects.order_by("-pk").values_list("pk", "hash").first()
    return last or (0, FIRST_HASH)


def text_of_entry(told: Mapping[str, Any]) -> str:
    """What the entry says, as its hash takes it: JSON without spaces, instants in UTC."""
    return _canonical([told[name] for name in _HASHED])


def _check_batch(batch: list[AuditEntry], previous: str, faults: list[AuditFault]) -> str:
    digests = _digests([entry.request_id for entry in batch])
    for entry in batch:
        said = [
            entry.previous_hash,
            text_of_entry({name: getattr(entry, name) for name in _HASHED}),
            str(entry.changes),
            entry.changes_hash,
        ]
        if entry.previous_hash != previous:
            faults.append(AuditFault(entry.pk, "the entry before it was altered or is missing"))
        if entry.hash != sha256("\n".join(said).encode()).hexdigest():
            faults.append(AuditFault(entry.pk, "the entry was altered"))
        if digests[entry.request_id] != (entry.changes, entry.changes_hash):
            faults.append(AuditFault(entry.pk, "what it changed was altered, added to or lost"))
        previous = entry.hash
    return previous


def _digests(request_ids: list[UUID]) -> dict[UUID, tuple[int, str]]:
    statement = """
        SELECT r.id, d.rows, d.digest FROM unnest(%(ids)s::uuid[]) r (id), mains_audit_digest(r.id) d
    """
    return {row[0]: (row[1], row[2]) for row in fetch_rows(_row, statement, {"ids": request_ids})}


def _row(*values: Any) -> tuple[Any, ...]:
    return values


def _canonical(told: object) -> str:
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def _record(entry: AuditEntry, rows: Iterable[AuditChange]) -> EntryRecord:
    return EntryRecord(
        id=entry.pk,
        at=entry.at,
        user_id=entry.user_id,
        person=entry.person,
        channel=entry.channel,
        operation=entry.operation,
        path=entry.path,
        status=entry.status,
        reason=entry.reason,
        address=entry.address,
        changes=entry.changes,
        rows=tuple(_change(row) for row in rows),
    )


def _change(row: AuditChange) -> ChangeOfRow:
    before, after = row.before or {}, row.after or {}
    names = sorted({*before, *after} - {"id"})
    return ChangeOfRow(
        row.table, row.row_id, tuple((name, before.get(name), after.get(name)) for name in names)
    )
