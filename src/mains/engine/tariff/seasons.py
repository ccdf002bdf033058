"""Seasons: names for stretches of the year, every day in exactly one."""

import re
from collections.abc import Mapping
from datetime import date, timedelta

from mains.engine.tariff.clauses import Clause

_MONTH_DAY = re.compile(r"(\d{1,2})-(\d{1,2})")
# Any leap year: seasons are told by month and day.
_LEAP_YEAR = [date(2000, 1, 1) + timedelta(days=offset) for offset in range(366)]


def read_seasons(clause: Clause) -> Mapping[tuple[int, int], str]:
    """Season of each (month, day). `from` and `to` are first and last day; `rest` takes what is left."""
    seasons: dict[tuple[int, int], str] = {}
    rest = ""
    for name, entry in clause.entries():
        if entry.value == "rest":
            if rest:
                entry.refuse("seasons", "Only one season can be the rest.", "")
            rest = name
            continue
        for stretch in entry.items() if isinstance(entry.value, list) else [entry]:
            for key in _days(stretch):
                if seasons.setdefault(key, name) != name:
                    stretch.refuse(
                        "seasons",
                        f"{key[0]:02}-{key[1]:02} is also in {seasons[key]}.",
                        "A day has one season.",
                    )
                    break
    if not seasons and not rest:
        return {}
    missing = [day for day in _LEAP_YEAR if (day.month, day.day) not in seasons]
    if missing and not rest:
        clause.refuse("seasons", f"{missing[0]:%m-%d} has no season.", "Give one season as `rest`.")
    for day in missing:
        seasons[day.month, day.day] = rest
    return seasons


def _days(clause: Clause) -> list[tuple[int, int]]:
    clause.only(("from", "to"))
    ends = []
    for key in ("from", "to"):
        match = _MONTH_DAY.fullmatch(clause.get(key).text())
        day = (int(match.group(1)), int(match.group(2))) if match else (0, 0)
        if day not in {(known.month, known.day) for known in _LEAP_YEAR}:
            clause.refuse(
                "seasons", f"“{key}” is not a day of the year.", 'Write {from: "07-01", to: "08-31"}.'
            )
            return []
        ends.append(day)
    keys = [(day.month, day.day) for day in _LEAP_YEAR]
    first, last = keys.index(ends[0]), keys.index(ends[1])
    return keys[first : last + 1] if first <= last else keys[first:] + keys[: last + 1]
