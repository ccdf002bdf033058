"""The valid readings of each installation in order of days, found one reading at a time."""

from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import floor

from mains.engine.usage.exact.facts import DAY, MICRO, Installation, Point, Reading, SetAside, holds

_USE_MAX_MICRO = 10**17


def build_chains(
    point: Point, *, as_of_date: date
) -> tuple[list[tuple[Installation, list[Reading]]], tuple[SetAside, ...]]:
    set_aside: list[SetAside] = []
    usable: list[Reading] = []
    ranges = {each.register_id: 10**each.digits * MICRO for each in point.installations}
    for reading in point.readings:
        if reading.register_id not in ranges:
            set_aside.append(SetAside(reading, "unknown-register"))
        elif reading.reading_date > as_of_date:
            set_aside.append(SetAside(reading, "future-reading"))
        elif not 0 <= reading.value_micro < ranges[reading.register_id]:
            set_aside.append(SetAside(reading, "beyond-digits"))
        elif not any(taken_in(reading, each) for each in point.installations):
            set_aside.append(SetAside(reading, "outside-installation"))
        else:
            usable.append(reading)
    chains = []
    for installation in sorted(point.installations, key=lambda each: each.installed_from):
        best: dict[date, Reading] = {}
        for reading in usable:
            rival = best.get(reading.reading_date)
            if taken_in(reading, installation) and (rival is None or _beats(reading, rival)):
                best[reading.reading_date] = reading
        chain, dropped = _chain(installation, [best[day] for day in sorted(best)])
        chains.append((installation, chain))
        set_aside += dropped
    return chains, tuple(set_aside)


def _chain(installation: Installation, readings: list[Reading]) -> tuple[list[Reading], list[SetAside]]:
    """A stack: a stronger reading removes what it contradicts, a weaker one is set aside."""
    chain: list[Reading] = []
    dropped: list[SetAside] = []
    for reading in readings:
        stands = True
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
    full_range = 10**installation.digits * MICRO
    fell = later.value_micro < earlier.value_micro
    wrapped = later.value_micro - earlier.value_micro + full_range
    if fell and not later.rollover and Fraction(wrapped, full_range) > Fraction(1, 2):
        return "lower-than-last"
    return "use-too-large" if use_between(installation, earlier, later) > _USE_MAX_MICRO else None


def use_between(installation: Installation, opening: Reading, closing: Reading) -> int:
    """Difference, modulo the register's range, times the multiplier; half up to a micro-unit."""
    full_range = int(10**installation.digits) * MICRO
    difference = (closing.value_micro - opening.value_micro) % full_range
    return floor(difference * installation.multiplier + Fraction(1, 2))


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
