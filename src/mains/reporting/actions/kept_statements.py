"""Statements of closed days print again to the same bytes: the first print is kept."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256

from django.db import IntegrityError, transaction
from django.utils.translation import get_language

from mains.ledger.queries.periods import last_closing
from mains.reporting.models import KeptStatement


def printed_statement(
    *, asked: Mapping[str, object], form: str, month_to: date, make: Callable[[], bytes], now: datetime
) -> bytes:
    """What `make` gives; when everything is closed through the last day, what it gave first since that closing.

    `asked` names the statement: its parameters, and the reach of whoever asks. `form` is its kind of file.
    """
    closing = last_closing(through=month_to - timedelta(days=1))
    if closing is None:
        return make()
    told = {"asked": asked, "form": form, "language": get_language(), "closing": closing}
    key = sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
    kept = KeptStatement.objects.filter(key=key).first()
    if kept is None:
        try:
            with transaction.atomic():
                kept = KeptStatement.objects.create(key=key, content=make(), recorded_at=now)
        except IntegrityError:
            kept = KeptStatement.objects.get(key=key)
    return bytes(kept.content)
