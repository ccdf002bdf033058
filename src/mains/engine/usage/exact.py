"""Daily use of one service point in plain Python, with full provenance.

It shares no code with the columns: explanations are made from it, and tests hold the columns against it. The
rules are those of README.md; where the columns use cumulative arrays this module walks day by day.
"""

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor

_DAY = timedelta(days=1)
_MICRO = 10**6
_USE_MAX_MICRO = 10**17
_HISTORY_MAX_MICRO = 2**62
_WEAKNESS = {"M": 1, "A": 2, "F": 3, "C": 4, "N": 5}


@dataclass(frozen=True)
class Reading:
    """What a register showed at the end of `reading_date`, in micro-units; a smaller priority is a stronger
    source.
    """

    reading_id: int
    register_id: int
    reading_date: date
    value_micro: int
    priority: int
    recorded_order: int
    rollover: bool = False


@dataclass(frozen=True)
class Installation:
    """A register at the point during [installed_from, installed_to). `class_average` is micro-units a day."""

    register_id: int
    zone: str | int
    digits: int
    multiplier: Fraction
    installed_from: date
    installed_to: date | None = None
    class_average: Fraction | None = None
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Norm:
    """Norm of the whole point, `per` day or calendar month, in micro-units."""

    zone: str | int
    valid_from: date
    valid_to: date | None
    amount_micro: int
    per: str


@dataclass(frozen=True)
class Point:
    """Everything that the use of one service point depends on; `connected` are half-open periods."""

    connected: tuple[tuple[date, date | None], ...]
    installations: tuple[Installation, ...]
    readings: tuple[Reading, ...]
    norms: tuple[Norm, ...] = ()


@dataclass(frozen=True)
class Part:
    """One register's (or the norm's) share of one day.

    `formula` states the day's number in figures, `total_micro` is what was shared out over `weight_total`
    (days, or weights of the shape), `weight_before` lies before this day and `weight_day` is its own.
    """

    quality: str
    use_micro: int
    formula: str
    register_id: int | None = None
    opening: Reading | None = None
    closing: Reading | None = None
    total_micro: int = 0
    weight_before: int = 0
    weight_day: int = 1
    weight_total: int = 1


@dataclass(frozen=True)
class DayUse:
    """Use of one day with the parts that it is the sum of."""

    day: date
    parts: tuple[Part, ...]

    @property
    def use_micro(self) -> int:
        return sum(part.use_micro for part in self.parts)

    @property
    def quality(self) -> str:
        return max((part.quality for part in self.parts), key=_WEAKNESS.__getitem__, default="X")


@dataclass(frozen=True)
class SeriesUse:
    """The days of one zone."""

    zone: str | int
    days: tuple[DayUse, ...]

    @property
    def total_micro(self) -> int:
        return sum(day.use_micro for day in self.days)


@dataclass(frozen=True)
class SetAside:
    """A reading that was not used (rollover-assumed: used on an assumption), and its opponent."""

    reading: Reading
    code: str
    other: Reading | None = None


@dataclass(frozen=True)
class _Stretch:
    installation: Installation
    opening: Reading
    closing: Reading
    parts: dict[date, Part]

    @property
    def first_day(self) -> date:
        return self.opening.reading_date + _DAY


def explain_daily_usage(
    *,
    point: Point,
    month_from: date,
    month_to: date,
    as_of_date: date,
    lookback_days: int = 183,
    history_days_min: int = 28,
    total_zone: str | int = "total",
) -> tuple[tuple[SeriesUse, ...], tuple[SetAside, ...]]:
    """Return the use of every zone and day of [month_from, month_to) and the readings that were set aside."""
    chains, set_aside = _chains(point, as_of_date=as_of_date)
    stretches = [stretch for installation, chain in chains for stretch in _stretches(installation, chain)]
    month = list(_days(month_from, month_to))
    series = []
    for zone in _zones(point, total_zone=total_zone):
        forecasts = {
            id(installation): _forecast(
                point=point,
                installation=installation,
                chain=chain,
                stretches=[each for each in stretches if each.installation.zone == zone],
                month=month,
                lookback_days=lookback_days,
                history_days_min=history_days_min,
            )
            for installation, chain in chains
            if installation.zone == zone
        }
        days = tuple(
            DayUse(day, _parts(point, zone, day, chains, stretches, forecasts, total_zone=total_zone))
            for day in month
        )
        series.append(SeriesUse(zone, days))
    return _shown(series, point=point, month=month, total_zone=total_zone), set_aside


def _zones(point: Point, *, total_zone: str | int) -> list[str | int]:
    zones = {each.zone for each in point.installations} | {each.zone for each in point.norms}
    return sorted(zones | {total_zone}, key=str)


def _parts(
    point: Point,
    zone: str | int,
    day: date,
    chains: Sequence[tuple[Installation, list[Reading]]],
    stretches: Sequence[_Stretch],
    forecasts: dict[int, dict[date, Part]],
    *,
    total_zone: str | int,
) -> tuple[Part, ...]:
    installed = [installation for installation, _ in chains if installation.zone == zone]
    parts = [
        each.parts[day]
        for installation in installed
        for each in stretches
        if each.installation is installation and day in each.parts
    ]
    if not parts:
        guesses = [forecasts[id(each)][day] for each in installed if day in forecasts[id(each)]]
        parts = guesses[-1:]
    metered = any(_holds(day, each.installed_from, each.installed_to) for each in point.installations)
    if not parts and not metered and zone == total_zone and _connected(point, day):
        norm = _norm(point, zone, day)
        if norm is not None:
            parts = [norm]
    return tuple(parts)


def _shown(
    series: list[SeriesUse], *, point: Point, month: list[date], total_zone: str | int
) -> tuple[SeriesUse, ...]:
    """Zones with an installation or use in the month; else the total zone of a connected point."""
    shown = [
        each
        for each in series
        if any(day.parts for day in each.days)
        or any(
            item.zone == each.zone
            and item.installed_from <= month[-1]
            and (item.installed_to is None or item.installed_to > month[0])
            for item in point.installations
        )
    ]
    if not shown and any(_connected(point, day) for day in month):
        shown = [each for each in series if each.zone == total_zone]
    return tuple(shown)


def _chains(
    point: Point, *, as_of_date: date
) -> tuple[list[tuple[Installation, list[Reading]]], tuple[SetAside, ...]]:
    set_aside: list[SetAside] = []
    usable: list[Reading] = []
    ranges = {each.register_id: 10**each.digits * _MICRO for each in point.installations}
    for reading in point.readings:
        if reading.register_id not in ranges:
            set_aside.append(SetAside(reading, "unknown-register"))
        elif reading.reading_date > as_of_date:
            set_aside.append(SetAside(reading, "future-reading"))
        elif not 0 <= reading.value_micro < ranges[reading.register_id]:
            set_aside.append(SetAside(reading, "beyond-digits"))
        elif not any(_taken_in(reading, each) for each in point.installations):
            set_aside.append(SetAside(reading, "outside-installation"))
        else:
            usable.append(reading)
    chains = []
    for installation in sorted(point.installations, key=lambda each: each.installed_from):
        best: dict[date, Reading] = {}
        for reading in usable:
            rival = best.get(reading.reading_date)
            if _taken_in(reading, installation) and (rival is None or _beats(reading, rival)):
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
    full_range = 10**installation.digits * _MICRO
    fell = later.value_micro < earlier.value_micro
    wrapped = later.value_micro - earlier.value_micro + full_range
    if fell and not later.rollover and Fraction(wrapped, full_range) > Fraction(1, 2):
        return "lower-than-last"
    return "use-too-large" if _use(installation, earlier, later) > _USE_MAX_MICRO else None


def _use(installation: Installation, opening: Reading, closing: Reading) -> int:
    """Difference, modulo the register's range, times the multiplier; half up to a micro-unit."""
    full_range = int(10**installation.digits) * _MICRO
    difference = (closing.value_micro - opening.value_micro) % full_range
    return floor(difference * installation.multiplier + Fraction(1, 2))


def _stretches(installation: Installation, chain: list[Reading]) -> Iterator[_Stretch]:
    for opening, closing in pairwise(chain):
        days = list(_days(opening.reading_date + _DAY, closing.reading_date + _DAY))
        weights = [_weight(installation.shape, day) for day in days]
        if not sum(weights):
            weights = [1] * len(days)
        total, quality = _use(installation, opening, closing), "M" if len(days) == 1 else "A"
        parts, before = {}, 0
        for day, weight in zip(days, weights, strict=True):
            parts[day] = _share(
                quality,
                installation,
                opening,
                closing,
                total=total,
                before=before,
                own=weight,
                whole=sum(weights),
            )
            before += weight
        yield _Stretch(installation, opening, closing, parts)


def _share(
    quality: str,
    installation: Installation,
    opening: Reading | None,
    closing: Reading | None,
    *,
    total: int,
    before: int,
    own: int,
    whole: int,
) -> Part:
    use = floor(Fraction(total * (before + own), whole)) - floor(Fraction(total * before, whole))
    return Part(
        quality=quality,
        use_micro=use,
        formula=f"floor({total} × {before + own} / {whole}) − floor({total} × {before} / {whole})",
        register_id=installation.register_id,
        opening=opening,
        closing=closing,
        total_micro=total,
        weight_before=before,
        weight_day=own,
        weight_total=whole,
    )


def _forecast(
    *,
    point: Point,
    installation: Installation,
    chain: list[Reading],
    stretches: list[_Stretch],
    month: list[date],
    lookback_days: int,
    history_days_min: int,
) -> dict[date, Part]:
    """Parts for the days of the month before the first and after the last reading of an installation."""
    after_month = month[-1] + _DAY
    end = min(installation.installed_to or after_month, after_month)
    gaps: list[tuple[date, date, Reading | None]] = [
        (installation.installed_from, min(chain[0].reading_date + _DAY if chain else end, end), None)
    ]
    if chain:
        gaps.append((chain[-1].reading_date + _DAY, end, chain[-1]))
    parts: dict[date, Part] = {}
    for begins, ends, opening in gaps:
        use, weight, days = _history(stretches, begins - timedelta(days=lookback_days), begins)
        own = days >= history_days_min and weight > 0 and use < _HISTORY_MAX_MICRO
        before = 0
        for day in _days(begins, ends):
            step = _weight(installation.shape, day) if own else 1
            if day >= month[0] and _connected(point, day):
                part: Part | None
                if own:
                    part = _share(
                        "F", installation, opening, None, total=use, before=before, own=step, whole=weight
                    )
                elif installation.class_average is not None:
                    rate = installation.class_average
                    part = _share(
                        "C",
                        installation,
                        opening,
                        None,
                        total=rate.numerator,
                        before=before,
                        own=step,
                        whole=rate.denominator,
                    )
                else:
                    part = _norm(point, installation.zone, day, gap_of=installation, opening=opening)
                if part is not None:
                    parts[day] = part
            before += step
    return parts


def _history(stretches: list[_Stretch], since: date, until: date) -> tuple[int, int, int]:
    """Use, weight and number of the register days that readings cover in [since, until)."""
    covered = [part for each in stretches for day, part in each.parts.items() if since <= day < until]
    return sum(part.use_micro for part in covered), sum(part.weight_day for part in covered), len(covered)


def _norm(
    point: Point,
    zone: str | int,
    day: date,
    *,
    gap_of: Installation | None = None,
    opening: Reading | None = None,
) -> Part | None:
    for norm in point.norms:
        if norm.zone != zone or not _holds(day, norm.valid_from, norm.valid_to):
            continue
        amount, register_id = norm.amount_micro, gap_of.register_id if gap_of else None
        if norm.per == "day":
            return Part(
                "N", amount, f"{amount}", register_id=register_id, opening=opening, total_micro=amount
            )
        length = calendar.monthrange(day.year, day.month)[1]
        use = floor(Fraction(amount * day.day, length)) - floor(Fraction(amount * (day.day - 1), length))
        return Part(
            quality="N",
            use_micro=use,
            formula=f"floor({amount} × {day.day} / {length}) − floor({amount} × {day.day - 1} / {length})",
            register_id=register_id,
            opening=opening,
            total_micro=amount,
            weight_before=day.day - 1,
            weight_total=length,
        )
    return None


def _weight(shape: tuple[int, ...] | None, day: date) -> int:
    """Weight of a day in a shape of 366 places, where 29 February is passed over in ordinary years."""
    if shape is None:
        return 1
    return shape[(date(2000, day.month, day.day) - date(2000, 1, 1)).days]


def _beats(reading: Reading, rival: Reading) -> bool:
    return (reading.priority, -reading.recorded_order, -reading.reading_id) < (
        rival.priority,
        -rival.recorded_order,
        -rival.reading_id,
    )


def _taken_in(reading: Reading, installation: Installation) -> bool:
    return reading.register_id == installation.register_id and _holds(
        reading.reading_date,
        installation.installed_from - _DAY,
        installation.installed_to,
    )


def _connected(point: Point, day: date) -> bool:
    return any(_holds(day, start, end) for start, end in point.connected)


def _holds(day: date, start: date, end: date | None) -> bool:
    return start <= day and (end is None or day < end)


def _days(start: date, end: date) -> Iterator[date]:
    return (start + timedelta(days=offset) for offset in range((end - start).days))
