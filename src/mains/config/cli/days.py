"""The instant at which a command acts, and days that people name on the command line."""

from datetime import date, datetime

from mains.kernel.errors import MainsError


class UnableToReadDay(MainsError):
    """The text is no day of the calendar."""


def command_time() -> datetime:
    """The present instant; in a demo, the time of day on the demo's own day, as in its office.

    Django is set up.
    """
    from mains.base.business_day import now

    return now()


def read_day(text: str, *, option: str = "--on") -> date:
    """The day named as 2024-02-29; today for no text. Raises UnableToReadDay."""
    from django.utils import timezone

    if not text:
        return timezone.localdate(command_time())
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UnableToReadDay(
            code="date-invalid",
            message=f"{text} is not a day of the calendar.",
            place=f"option {option}",
            remedy="Write the day as 2024-02-29.",
        ) from error
