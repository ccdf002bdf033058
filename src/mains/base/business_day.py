"""Today and now, as pages, commands and jobs take them: by the wall clock, or on the day on which a demonstration of
past months lives."""

import json
import os
from datetime import date, datetime

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from mains.base.rows import fetch_row

DEMO_DAY = "mains-today"
"""Under this name the comment on a demo's database tells its day."""

KEPT_S = 60


def today() -> date:
    """The business day that pages and forms take for granted."""
    return demo_day() or timezone.localdate()


def now() -> datetime:
    """The instant passed to actions; within the named day in a demonstration."""
    instant = timezone.now()
    day = demo_day()
    if day is None:
        return instant
    return datetime.combine(day, instant.time(), tzinfo=instant.tzinfo)


def demo_day() -> date | None:
    """The day that MAINS_TODAY names, or that is noted on a demo's database; None in a utility that works."""
    named = os.environ.get("MAINS_TODAY")
    if named:
        return date.fromisoformat(named)
    key = f"{connection.settings_dict['NAME']}:demo-day"
    kept: str | None = cache.get(key)
    if kept is None:
        noted = fetch_row(
            read_demo_day,
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()",
            {},
        )
        kept = noted.isoformat() if noted else ""
        cache.set(key, kept, timeout=KEPT_S)
    return date.fromisoformat(kept) if kept else None


def read_demo_day(mark: str | None) -> date | None:
    """The day on which a demo lives, by the comment on its database; None for any other database."""
    if not mark or DEMO_DAY not in mark:
        return None
    return date.fromisoformat(json.loads(mark)[DEMO_DAY])
