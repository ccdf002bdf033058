"""The valid readings of each installation in order of days, found one reading at a time."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from operator import attrgetter

from mains.engine.usage.exact.facts import DAY, MICRO, Installation, Point, Reading, SetAside, holds

_USE_MAX_MICRO = 10**17
_day = attrgetter("reading_date")


def build_chains(
    point: Point, *, as_of_date: date
) -> tuple[list[tuple[Installation, list[Reading]]], tuple[SetAside, ...]]:
    if len(point.installations) == 1 and _stands_whole(point.installations[0], point.readings, as_of_date):
        return [(point.installations[0], [*point.readings])], ()
    installations = sorted(point.installations, key=lambda each: each.installed_from)
    hung: dict[int, list[Installation]] = {}
    for installation in installations:
        hung.setdefault(installation.register_id, []).append(installation)
    by_register: dict[int, list[Reading]] = {}
    for reading in point.readings:
        by_register.setdefault(reading.register_id, []).append(reading)
    set_aside = [
        SetAside(reading, "unknown-register")
        for register_id, readings in by_register.items()
        if register_id not in hung
        for reading in readings
    ]
    chains = []
    for installation in installations:
        own = hung[installation.register_id]
        readings = by_register.get(installation.register_id, [])
        usable = _usable(installation, readings, as_of_date)
        if installation is own[0] and (len(own) > 1 or len(usable) < len(readings)):
            set_aside += _unusable(own, readings, as_of_date)
        chain, dropped = _chain(installation, _strongest(usable))
        chains.append((installation, chain))
        set_aside += dropped
    return chains, tuple(set_aside)


def _stands_whole(installation: Installation, readings: Sequence[Reading], as_of_date: date) -> bool:
    """Whether each reading is one of the installation's days, later than the one before it and not lower: what is so at
    most points, found without looking at each twice."""
    day, value = installation.installed_from - 2 * DAY, 0
    for _, register_id, reading_date, value_micro, *_ in readings:
        if register_id != installation.register_id or reading_date <= day or value_micro < value:
            return False
        day, value = reading_date, value_micro
    return (
        day <= as_of_date
        and (installation.installed_to is None or day < installation.installed_to)
        and value < 10**installation.digits * MICRO
        and value * installation.multiplier.numerator <= _USE_MAX_MICRO
    )


def _usable(installation: Installation, readings: list[Reading], as_of_date: date) -> list[Reading]:
    """Readings of the installation's own days, known on `as_of_date`, within the digits of the register."""
    first, last = installation.installed_from - DAY, as_of_date
    if installation.installed_to is not None:
        last = min(last, installation.installed_to - DAY)
    full_range = 10**installation.digits * MICRO
    return [
        reading
        for reading in readings
        if first <= reading.reading_date <= last and 0 <= reading.value_micro < full_range
    ]


def _unusable(own: list[Installation], readings: list[Reading], as_of_date: date) -> Iterator[SetAside]:
    """Readings of a register that none of its installations takes in, each with the reason."""
    full_range = 10 ** own[-1].digits * MICRO
    for reading in readings:
        if reading.reading_date > as_of_date:
            yield SetAside(reading, "future-reading")
        elif not 0 <= reading.value_micro < full_range:
            yield SetAside(reading, "beyond-digits")
        elif not any(taken_in(reading, each) for each in own):
            yield SetAside(reading, "outside-installation")


def _strongest(readings: list[Reading]) -> list[Reading]:
    """One reading a day, in order of days."""
    days = {reading.reading_date for reading in readings}
    if len(days) < len(readings):
        best: dict[date, Reading] = {}
        for reading in readings:
            rival = best.get(reading.reading_date)
            if rival is None or _beats(reading, rival):
                best[reading.reading_date] = reading
        readings = [*best.values()]
    return sorted(readings, key=_day)


def _chain(installation: Installation, readings: list[Reading]) -> tuple[list[Reading], list[SetAside]]:
    """A stack: a stronger reading removes what it contradicts, a weaker one is set aside."""
    chain: list[Reading] = []
    dropped: list[SetAside] = []
    is_plain = installation.multiplier == 1
    for reading in readings:
        stands = True
        if is_plain and chain and 0 <= reading.value_micro - chain[-1].value_micro <= _USE_MAX_MICRO:
            chain.append(reading)  # what most readings do, found without looking further
            continue
        while stands and chain:
            fault = _contradiction(installation, chain[-1], reading)
            if not fault:
                break
            if reading.priority < chain[-1].priority:
                code = "higher-than-next" if fault == "lower-than-last" else fault
                dropped.append(SetAside(chain.pop(), code, reading))
            else:
                dropped.append(SetAside(reading, fault, chain[-1]))
                stands = False
        if stands:
            chain.append(reading)
    dropped += [
        SetAside(later, "rollover-assumed", earlier)
        for earlier, later in pairwise(chain)
        if later.value_micro < earlier.value_micro and not later.rollover
    ]
    return chain, dropped


def _contradiction(installation: Installation, earlier: Reading, later: Reading) -> str | None:
    rise = later.value_micro - earlier.value_micro
    if rise < 0 and not later.rollover:
        full_range = 10**installation.digits * MICRO
        if (rise + full_range) * 2 > full_range:
            return "lower-than-last"
    return "use-too-large" if use_between(installation, earlier, later) > _USE_MAX_MICRO else None


def use_between(installation: Installation, opening: Reading, closing: Reading) -> int:
    """Difference, modulo the register's range, times the multiplier; half up to a micro-unit."""
    difference = closing.value_micro - opening.value_micro
    if difference < 0:
        difference %= int(10**installation.digits) * MICRO
    times, by = installation.multiplier.numerator, installation.multiplier.denominator
    return difference if times == by else (2 * difference * times + by) // (2 * by)


def _beats(reading: Reading, rival: Reading) -> bool:
    return (reading.priority, -reading.recorded_order, -reading.reading_id) < (
        rival.priority,
        -rival.recorded_order,
        -rival.reading_id,
    )


def taken_in(reading: Reading, installation: Installation) -> bool:
    return reading.register_id == installation.register_id and holds(
        reading.reading_date,
        installation.installed_from - DAY,
        installation.installed_to,
    )
