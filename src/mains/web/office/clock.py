"""Today, for pages: the day of the wall clock, or the day that MAINS_TODAY names in a demonstration of past months."""

import os
from datetime import date, datetime, time

from django.utils import timezone


def today() -> date:
    """The business day that pages and forms take for granted."""
    named = os.environ.get("MAINS_TODAY")
    return date.fromisoformat(named) if named else timezone.localdate()


def now() -> datetime:
    """The instant passed to actions; within the named day in a demonstration."""
    instant = timezone.now()
    if not os.environ.get("MAINS_TODAY"):
        return instant
    return datetime.combine(
        today(), time(instant.hour, instant.minute, instant.second), tzinfo=instant.tzinfo
    )
