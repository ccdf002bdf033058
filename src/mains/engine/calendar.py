"""Units of the calendar that can cut a period: months, quarters, years."""

from datetime import date

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def start_of_unit(day: date, unit: str) -> date:
    """First day of the `month`, `quarter` or `year` in which `day` lies."""
    months = _MONTHS[unit]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def start_of_next_unit(day: date, unit: str) -> date:
    """First day of the unit after that of `day`."""
    first = start_of_unit(day, unit)
    place = first.month - 1 + _MONTHS[unit]
    return date(first.year + place // 12, place % 12 + 1, 1)
