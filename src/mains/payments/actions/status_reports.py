"""Keep customer payment status reports of banks, each once by its bytes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from mains.payments.models import StatusReport


@dataclass(frozen=True, kw_only=True)
class KeptReport:
    """A report's answers, and whether it is new."""

    answers: list[dict[str, str]]
    is_new: bool


def keep_status_report(
    *,
    sha256: str,
    message_id: str,
    original_id: str,
    original_kind: str,
    file_name: str,
    now: datetime,
    actor_id: int | None,
    take: Callable[[], list[dict[str, str]]],
) -> KeptReport:
    """Keep a report with what `take` gives, its answers as they were taken to their orders; of one that is known `take`
    is not called. Within the caller's database transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('payments status reports'))")
    known = StatusReport.objects.filter(sha256=sha256).first()
    if known is not None:
        return KeptReport(answers=known.answers, is_new=False)
    made = StatusReport.objects.create(
        sha256=sha256,
        message_id=message_id[:35],
        original_id=original_id[:35],
        original_kind=original_kind[:35],
        file_name=file_name[:200],
        answers=take(),
        recorded_at=now,
        recorded_by_id=actor_id,
    )
    return KeptReport(answers=made.answers, is_new=True)
