"""The `facts` of a case: period, readings or use, attributes."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from mains.engine.facts import MICRO, AttributeValue, DatedValue, Facts, Stretch
from mains.engine.tariff import Tariff
from mains.engine.tariff.clauses import Clause

_FACT_KEYS = ("period", "usage", "readings", "quantities", "attributes")
_READING_KEYS = ("zone", "digits", "decimals", "multiplier", "list")
_MAX = 2**63


def read_facts(*, own: Clause, shared: Clause, tariff: Tariff) -> Facts | None:
    """Facts of one service; what it does not say itself it takes from the shared facts. None when refused."""
    before = len(own.problems.found)
    for clause in (own, shared):
        clause.only(_FACT_KEYS)

    def get(key: str) -> Clause:
        return own.get(key) if own.get(key).value is not None else shared.get(key)

    readings = _read_readings(get("readings"), tariff)
    period = _read_period(get("period"), readings, shared if own.value is None else own)
    if period is None:
        return None
    first, end = period
    use = {"usage": readings[""]} if "" in readings else {}
    use |= {f"usage.{zone}": stretches for zone, stretches in readings.items() if zone}
    use |= _read_use(get("usage"), "usage", first, end)
    for name, clause in get("quantities").entries():
        if name not in tariff.quantities:
            clause.refuse(
                "unknown-name",
                f"The tariff has no quantity “{name}”.",
                "Declare it under quantities of the tariff.",
            )
        else:
            use |= _read_use(clause, name, first, end)
    attributes = _read_attributes(shared.get("attributes"), tariff, strict=own.value is None)
    attributes |= _read_attributes(own.get("attributes"), tariff, strict=True)
    return Facts(first, end, use, attributes) if len(own.problems.found) == before else None


def _read_period(
    clause: Clause, readings: Mapping[str, tuple[Stretch, ...]], facts: Clause
) -> tuple[date, date] | None:
    """[from, to): `to` is the first day after the period; `last_day` may be given instead; or the readings
    say it.
    """
    if clause.value is None:
        stretches = [stretch for found in readings.values() for stretch in found]
        if stretches:
            return min(stretch.from_date for stretch in stretches), max(
                stretch.to_date for stretch in stretches
            )
        facts.refuse(
            "missing",
            "The facts have no period.",
            "Write `period: {from: 2024-05-01, to: 2024-06-01}` (to is the first day after it).",
        )
        return None
    clause.only(("from", "to", "first_day", "last_day", "days"))
    start = clause.get("from") if clause.get("from").value is not None else clause.get("first_day")
    first, end, last, days = (
        start.day(),
        clause.get("to").day(),
        clause.get("last_day").day(),
        clause.get("days").number(),
    )
    if first is not None and last is not None:
        end = last + timedelta(days=1)
    if first is not None and days is not None and days.denominator == 1:
        end = first + timedelta(days=int(days))
    if first is None or end is None:
        clause.refuse(
            "missing",
            "The period needs a first day and an end.",
            "Write {from: 2024-05-01, to: 2024-06-01} or {first_day: …, last_day: …}.",
        )
        return None
    if end <= first:
        clause.refuse(
            "period-empty",
            f"The period ends on {end}, before it starts.",
            "`to` is the first day after the period.",
        )
        return None
    return first, end


def _micro(clause: Clause) -> int | None:
    number = clause.number()
    if number is None:
        if clause.value is None:
            clause.refuse("missing", "A number is missing.", "")
        return None
    scaled = number * MICRO
    if scaled.denominator != 1 or abs(scaled) >= _MAX:
        clause.refuse(
            "too-precise",
            f"{clause.value} has more than six decimals, or is too large.",
            "Facts are kept in millionths.",
        )
        return None
    return int(scaled)


def _read_use(clause: Clause, key: str, first: date, end: date) -> dict[str, tuple[Stretch, ...]]:
    """A number for the whole period, numbers by zone, or a list of stretches {from, to, value}."""
    if clause.value is None:
        return {}
    if isinstance(clause.value, list):
        stretches = [_read_stretch(item) for item in clause.items()]
        return {key: tuple(stretch for stretch in stretches if stretch is not None)}
    if isinstance(clause.value, Mapping):
        found: dict[str, tuple[Stretch, ...]] = {}
        for zone, entry in clause.entries():
            found |= _read_use(entry, "usage" if zone == "total" else f"{key}.{zone}", first, end)
        return found
    micro = _micro(clause)
    return {} if micro is None else {key: (Stretch(first, end, micro, f"case, {clause.name}"),)}


def _read_stretch(clause: Clause) -> Stretch | None:
    clause.only(("from", "to", "value"))
    first, end, micro = clause.get("from").day(), clause.get("to").day(), _micro(clause.get("value"))
    if first is None or end is None or micro is None:
        clause.refuse("missing", "A stretch needs from, to and value.", "`to` is the first day after it.")
        return None
    if end <= first:
        clause.refuse("period-empty", "The stretch ends before it starts.", "`to` is the first day after it.")
        return None
    return Stretch(first, end, micro, f"case, {clause.name}")


def _read_readings(clause: Clause, tariff: Tariff) -> dict[str, tuple[Stretch, ...]]:
    """Use between readings, by zone. Either a plain list of {date, value}, or registers with zone, digits,
    multiplier and list.
    """
    items = clause.items()
    if not items:
        return {}
    if all(isinstance(item.value, Mapping) and "list" in item.value for item in items):
        found: dict[str, tuple[Stretch, ...]] = {}
        for item in items:
            item.only(_READING_KEYS)
            zone = item.get("zone").text()
            found[zone] = (*found.get(zone, ()), *_between_readings(item.get("list").items(), item, tariff))
        return found
    return {"": _between_readings(items, Clause({}, clause.problems), tariff)}


def _between_readings(items: list[Clause], register: Clause, tariff: Tariff) -> tuple[Stretch, ...]:
    multiplier = register.get("multiplier").number() or Fraction(1)
    digits = register.get("digits").number()
    points: list[tuple[date, Fraction, Clause]] = []
    for item in items:
        item.only(("date", "value"))
        day, value = item.get("date").day(), item.get("value").number()
        if day is None or value is None:
            item.refuse("missing", "A reading needs date and value.", "")
            continue
        points.append((day, value, item))
    points.sort(key=lambda point: point[0])
    if len(points) < 2:
        register.refuse(
            "missing", "At least two readings are needed.", "Give the opening and the closing reading."
        )
    stretches = []
    for (before, opening, _), (day, closing, item) in pairwise(points):
        difference = closing - opening
        if difference < 0 and digits is not None:
            difference += 10 ** int(digits)
        micro = difference * multiplier * MICRO
        if difference < 0:
            item.refuse(
                "reading-lower",
                f"The reading of {day} is lower than the one before.",
                "Correct it, or give the register's digits if it has rolled over.",
            )
        elif before == day or micro.denominator != 1:
            item.refuse(
                "reading",
                f"The reading of {day} cannot be used.",
                "Two readings of one day, or more than six decimals.",
            )
        else:
            stretches.append(_stretch(tariff.day_count, before, day, int(micro)))
    return tuple(stretches)


def _stretch(day_count: str, before: date, day: date, micro: int) -> Stretch:
    """Days between two readings: a reading day belongs to the earlier period, the later one, or both."""
    one = timedelta(days=1)
    first = before + one if day_count == "end_day" else before
    end = day if day_count == "start_day" else day + one
    return Stretch(first, end, micro, f"readings of {before} and {day}")


def _read_attributes(clause: Clause, tariff: Tariff, *, strict: bool) -> dict[str, tuple[DatedValue, ...]]:
    """A plain value, or a list of {from, value} in which each holds until the next."""
    found: dict[str, tuple[DatedValue, ...]] = {}
    for name, entry in clause.entries():
        if name not in tariff.attributes:
            if strict:
                entry.refuse(
                    "unknown-name",
                    f"The tariff has no attribute “{name}”.",
                    f"Attributes: {', '.join(tariff.attributes) or 'none'}.",
                )
            continue
        kind = tariff.attributes[name].kind
        items = entry.items() if isinstance(entry.value, list) else []
        if not items:
            value = _value(entry, kind)
            found[name] = (DatedValue(value, source=f"case, {entry.name}"),) if value is not None else ()
            continue
        found[name] = _dated(items, kind)
    return found


def _dated(items: list[Clause], kind: str) -> tuple[DatedValue, ...]:
    values: list[DatedValue] = []
    for item in items:
        item.only(("from", "to", "value"))
        value = _value(item.get("value"), kind)
        if value is not None:
            values.append(
                DatedValue(value, item.get("from").day(), item.get("to").day(), f"case, {item.name}")
            )
    starts = [value.valid_from for value in values]
    ends = [*starts[1:], None]
    return tuple(
        DatedValue(v.value, v.valid_from, v.valid_to or end, v.source)
        for v, end in zip(values, ends, strict=True)
    )


def _value(clause: Clause, kind: str) -> AttributeValue | None:
    if kind == "flag":
        if isinstance(clause.value, bool):
            return clause.value
        clause.refuse("not-a-flag", "Write true or false.", "")
        return None
    if kind == "number":
        micro = _micro(clause)
        return None if micro is None else Fraction(micro, MICRO)
    if clause.value is None or isinstance(clause.value, (list, Mapping)):
        clause.refuse("not-a-text", "A text is needed here.", "")
        return None
    return str(clause.value).lower() if isinstance(clause.value, bool) else _plain(clause.value)


def _plain(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
