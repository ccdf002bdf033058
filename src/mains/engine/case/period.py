"""The period of a case: two days, a month, or what the readings say."""

import re
from collections.abc import Mapping
from datetime import date, timedelta

from mains.engine.facts import Stretch
from mains.engine.tariff.clauses import Clause

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_KEYS = ("from", "to", "first_day", "last_day", "days")
_FORMS = "Write {from: 2024-05-01, to: 2024-06-01} (`to` is the first day after it) or {first_day: …, last_day: …}."
# A period is looked at day by day; no bill is longer, and no meter older.
_MAX_DAYS, _YEARS = 7_320, range(1900, 2201)


def read_period(
    clause: Clause, readings: Mapping[str, tuple[Stretch, ...]], facts: Clause
) -> tuple[date, date] | None:
    """[from, to): `to` is the first day after the period; `last_day` or `days` may be given instead, or a month
    as `2024-05`; or the readings say it. None when refused.
    """
    before = len(clause.problems.found)
    if clause.value is None:
        return _period_of(readings, facts)
    if isinstance(clause.value, Mapping):
        found = _from_days(clause)
    else:
        month = _MONTH.fullmatch(str(clause.value))
        found = _month(int(month.group(1)), int(month.group(2))) if month else None
    if len(clause.problems.found) > before:
        return None
    if found is None:
        clause.refuse("missing", "The period needs a first day and an end.", _FORMS)
        return None
    first, end = found
    if end <= first:
        clause.refuse("period-empty", f"The period has no days: {end} is not after {first}.", _FORMS)
        return None
    return found


def _period_of(readings: Mapping[str, tuple[Stretch, ...]], facts: Clause) -> tuple[date, date] | None:
    stretches = [stretch for found in readings.values() for stretch in found]
    if stretches:
        return min(stretch.from_date for stretch in stretches), max(stretch.to_date for stretch in stretches)
    if not facts.problems.found:
        facts.refuse("missing", "The facts have no period.", _FORMS)
    return None


def _month(year: int, month: int) -> tuple[date, date] | None:
    if year not in _YEARS or not 1 <= month <= 12:
        return None
    return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)


def _from_days(clause: Clause) -> tuple[date, date] | None:
    clause.only(_KEYS)
    start = clause.get("from") if clause.get("from").value is not None else clause.get("first_day")
    first, end, last = start.day(), clause.get("to").day(), clause.get("last_day").day()
    days = clause.get("days").number()
    if any(day is not None and day.year not in _YEARS for day in (first, end, last)):
        clause.refuse("date-unknown", "The period lies in another age.", "Check the years.")
        return None
    given = [name for name in ("to", "last_day", "days") if clause.get(name).value is not None]
    if len(given) > 1:
        clause.refuse("key-twice", f"The period has several ends: {', '.join(given)}.", "Keep one of them.")
    if days is not None and (days.denominator != 1 or not 0 < days <= _MAX_DAYS):
        clause.get("days").refuse(
            "period-empty", f"A period cannot have {days} days.", "Give a whole number of days, 1 or more."
        )
        return None
    if first is not None and last is not None:
        end = last + timedelta(days=1)
    elif first is not None and days is not None:
        end = first + timedelta(days=int(days))
    if first is None or end is None:
        return None
    if (end - first).days > _MAX_DAYS:
        clause.refuse("period-long", "The period is longer than 20 years.", "Check the years.")
        return None
    return first, end
