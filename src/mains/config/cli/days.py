"""Days that people name on the command line."""

from datetime import date

from mains.base.clock import read_clock
from mains.kernel.errors import MainsError


class UnableToReadDay(MainsError):
    """The text is no day of the calendar."""


def read_day(text: str) -> date:
    """The day named as 2024-02-29; today for no text. Raises UnableToReadDay."""
    from django.utils import timezone

    if not text:
        return timezone.localdate(read_clock())
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UnableToReadDay(
            code="date-invalid",
            message=f"{text} is not a day of the calendar.",
            place="option --on",
            remedy="Write the day as 2024-02-29.",
        ) from error
