"""The clock, read only at the edges: a command, a view or a job asks once and passes the answer on."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def read_clock() -> datetime:
    """The present instant, aware, in UTC with microseconds."""
    return datetime.now(UTC)


def local_date(instant: datetime, *, time_zone: str) -> date:
    """The date on the wall of a place (`Africa/Lagos`) at an aware instant.

    Raises ValueError for a naive one.
    """
    if instant.tzinfo is None:
        raise ValueError("The instant has no time zone.")
    return instant.astimezone(ZoneInfo(time_zone)).date()
