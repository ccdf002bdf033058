"""Keep calls that came to nothing, so that a person sees them."""

import json
from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from mains.payments.models import DeadLetter
from mains.payments.values.online import LetterOperation, LetterState

BODY_MAX = 8_000
_OPEN = 500
_KEEP = """
    INSERT INTO payments_deadletter AS l (channel_id, operation, subject, reason, message, body, headers, times, state,
                                          first_at, last_at, note)
    SELECT %(channel_id)s, %(operation)s, %(subject)s, %(reason)s, %(message)s, %(body)s, %(headers)s::jsonb, 1,
           'open', %(now)s, %(now)s, ''
    WHERE EXISTS (SELECT FROM payments_deadletter o WHERE o.channel_id = %(channel_id)s AND o.state = 'open'
                  AND (o.operation, o.subject, o.reason) = (%(operation)s, %(subject)s, %(reason)s))
       OR (SELECT count(*) FROM payments_deadletter o
           WHERE o.channel_id = %(channel_id)s AND o.state = 'open') < %(most)s
    ON CONFLICT (channel_id, operation, subject, reason) WHERE state = 'open'
    DO UPDATE SET times = l.times + 1, last_at = excluded.last_at
"""


def keep_letter(
    *,
    channel_id: int,
    operation: LetterOperation,
    subject: str,
    reason: str,
    message: str,
    now: datetime,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> None:
    """List a failure, or count it when the same one is listed already.

    A channel has at most 500 open letters, so that strangers who send rubbish cannot fill the table.
    """
    text = body[:BODY_MAX].decode("utf-8", "replace").replace("\x00", "")
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                "channel_id": channel_id,
                "operation": operation.value,
                "subject": subject[:80],
                "reason": reason[:40],
                "message": message[:300],
                "body": text,
                "headers": json.dumps(dict(headers or {})),
                "now": now,
                "most": _OPEN,
            },
        )


def close_letters(
    *,
    channel_id: int,
    subject: str,
    now: datetime,
    state: LetterState = LetterState.SETTLED,
    note: str = "",
    actor_id: int | None = None,
) -> None:
    """All open letters of a subject are done with: it came to its end, or a person says so."""
    DeadLetter.objects.filter(channel_id=channel_id, subject=subject[:80], state=LetterState.OPEN).update(
        state=state, closed_at=now, closed_by_id=actor_id, note=note.strip()[:200]
    )
