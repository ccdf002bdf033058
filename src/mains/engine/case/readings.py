"""Use between the readings of a case, by zone."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from mains.engine.facts import MICRO, Stretch
from mains.engine.tariff import Tariff
from mains.engine.tariff.clauses import Clause

_REGISTER_KEYS = ("meter", "zone", "digits", "multiplier", "list")
_MAX_DIGITS = 12
MAX_MICRO = 2**63


def read_readings(clause: Clause, tariff: Tariff) -> dict[str, tuple[Stretch, ...]]:
    """Stretches of use by zone ("" for the total). Either plain readings, as a list of {date, value} or as
    `date: value` entries, or a list of registers with meter, zone, digits, multiplier and list.
    """
    if clause.value is None:
        return {}
    if isinstance(clause.value, Mapping):
        return {"": _between(clause, Clause({}, clause.problems), tariff)}
    items = clause.items()
    if not any(isinstance(item.value, Mapping) and "list" in item.value for item in items):
        return {"": _between(clause, Clause({}, clause.problems), tariff)}
    found: dict[str, tuple[Stretch, ...]] = {}
    for item in items:
        item.only(_REGISTER_KEYS)
        zone = item.get("zone").text()
        found[zone] = (*found.get(zone, ()), *_between(item.get("list"), item, tariff))
    return found


def _points(clause: Clause) -> Iterator[tuple[date, Fraction, Clause]]:
    """Day, value and clause of each reading that can be read."""
    if isinstance(clause.value, Mapping):
        for written, entry in clause.entries():
            day = Clause(written, clause.problems, entry.path, entry.name).day()
            value = entry.number()
            if day is not None and value is not None:
                yield day, value, entry
        return
    for item in clause.items():
        item.only(("date", "value"))
        before = len(item.problems.found)
        day, value = item.get("date").day(), item.get("value").number()
        if day is not None and value is not None:
            yield day, value, item
        elif len(item.problems.found) == before:
            item.refuse(
                "missing", "A reading needs date and value.", "Write {date: 2024-05-31, value: 1350}."
            )


def _between(clause: Clause, register: Clause, tariff: Tariff) -> tuple[Stretch, ...]:
    before = len(clause.problems.found)
    multiplier, turn = _multiplier(register.get("multiplier")), _turn(register.get("digits"))
    points = sorted(_points(clause), key=lambda point: point[0])
    if len(points) < 2 and len(clause.problems.found) == before:
        clause.refuse(
            "missing", "At least two readings are needed.", "Give the opening and the closing reading."
        )
    for _, value, item in points:
        if value < 0 or (turn is not None and value >= turn):
            written = item.get("value").value if isinstance(item.value, Mapping) else item.value
            item.refuse("reading", f"A register cannot show {written}.", "Check the reading and the digits.")
    if len(clause.problems.found) > before:
        return ()
    return tuple(
        stretch
        for (day, opening, _), (later, closing, item) in pairwise(points)
        if (stretch := _stretch(tariff, day, later, _used(opening, closing, turn, item) * multiplier, item))
    )


def _multiplier(clause: Clause) -> Fraction:
    value = clause.number()
    if value is not None and value <= 0:
        clause.refuse("reading", "A multiplier is above zero.", "Leave it out where there is none.")
    return value if value is not None and value > 0 else Fraction(1)


def _turn(clause: Clause) -> int | None:
    """Where the register starts again from zero: 100000 for five digits."""
    digits = clause.number()
    if digits is None:
        return None
    if digits.denominator != 1 or not 1 <= digits <= _MAX_DIGITS:
        clause.refuse(
            "reading", f"A register has 1 to {_MAX_DIGITS} digits before the point.", "Write digits: 5."
        )
        return None
    return int(10**digits)


def _used(opening: Fraction, closing: Fraction, turn: int | None, item: Clause) -> Fraction:
    if closing >= opening:
        return closing - opening
    if turn is None:
        item.refuse(
            "reading-lower",
            "The reading is lower than the one before.",
            "Correct it, or give the register's digits if it has rolled over; a new meter is another register.",
        )
        return Fraction(0)
    return closing - opening + turn


def _stretch(tariff: Tariff, before: date, day: date, used: Fraction, item: Clause) -> Stretch | None:
    """Days between two readings: a reading day belongs to the earlier period, the later one, or both."""
    micro = used * MICRO
    if before == day:
        item.refuse("reading", f"There are two readings of {day}.", "Keep one of them.")
        return None
    if micro.denominator != 1 or micro >= MAX_MICRO:
        item.refuse(
            "too-precise", "The use has more than six decimals, or is too large.", "Check the reading."
        )
        return None
    one = timedelta(days=1)
    first = before + one if tariff.day_count == "end_day" else before
    end = day if tariff.day_count == "start_day" else day + one
    return Stretch(first, end, int(micro), f"readings of {before} and {day}")
