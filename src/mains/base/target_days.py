"""Days on which the banks of the euro settle."""

from datetime import date

from dateutil.easter import easter


def is_target_day(day: date) -> bool:
    """Whether TARGET is open: not at weekends, New Year, Good Friday, Easter Monday, 1 May, Christmas (ECB)."""
    if day.weekday() >= 5 or (day.month, day.day) in ((1, 1), (5, 1), (12, 25), (12, 26)):
        return False
    return (day - easter(day.year)).days not in (-2, 1)
