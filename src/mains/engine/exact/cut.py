"""Cuts a period into segments day by day: the plain way, which the column version is checked against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

from mains.engine.calendar import start_of_unit
from mains.engine.exact.errors import UnableToRate
from mains.engine.facts import MICRO, DatedValue, Facts
from mains.engine.tariff.model import Rounding, Tariff, Version
from mains.kernel.rounding import as_int, round_to_step

_UNIT = Fraction(1, MICRO)


@dataclass(frozen=True)
class Segment:
    """Days in which version, season and attributes stay the same. `use_micro` as in `Facts.use`."""

    from_date: date
    to_date: date
    version: Version
    season: str
    use_micro: Mapping[str, int]
    use_source: Mapping[str, str]
    attributes: Mapping[str, DatedValue]

    @property
    def days(self) -> int:
        return (self.to_date - self.from_date).days


def cut_period(*, tariff: Tariff, facts: Facts) -> tuple[Segment, ...]:
    """Segments of the facts' period, in order. Raises UnableToRate when no version is in force on a day."""
    if facts.period_to <= facts.period_from:
        raise UnableToRate(
            code="period-empty",
            message=f"The period ends on {facts.period_to}, before it starts.",
            remedy="Check its dates.",
        )
    changing = tuple(name for name in tariff.read_attributes if not _is_steady(facts, name))
    starts: list[date] = []
    before = None
    day = facts.period_from
    while day < facts.period_to:
        state = _state(tariff, facts, changing, day)
        if state != before:
            starts.append(day)
            before = state
        day += timedelta(days=1)
    ends = [*starts[1:], facts.period_to]
    segments = tuple(_segment(tariff, facts, first, end) for first, end in zip(starts, ends, strict=True))

    return segments if tariff.use_rounding is None else round_parts(segments, tariff.use_rounding)


def borders_of_tariff(*, tariff: Tariff, first: date, end: date) -> tuple[date, ...]:
    """Days inside [first, end) on which the tariff itself cuts, whatever the account. Raises UnableToRate as
    `cut_period` does.
    """
    segments = cut_period(tariff=tariff, facts=Facts(first, end))
    return tuple(segment.from_date for segment in segments[1:])


def round_parts(segments: tuple[Segment, ...], rounding: Rounding) -> tuple[Segment, ...]:
    """The use up to the end of each segment is rounded, and parts are differences of these; the last takes
    the rest.
    """
    rounded = []
    before: dict[str, int] = {}
    running: dict[str, Fraction] = {}
    for at, segment in enumerate(segments):
        parts = {}
        for name, micro in segment.use_micro.items():
            running[name] = running.get(name, Fraction(0)) + micro * _UNIT
            upto = running[name]
            if at < len(segments) - 1:
                upto = round_to_step(upto, step=rounding.step, mode=rounding.mode)
            parts[name] = as_int(upto * MICRO) - before.get(name, 0)
            before[name] = as_int(upto * MICRO)
        rounded.append(replace(segment, use_micro=parts))
    return tuple(rounded)


def _is_steady(facts: Facts, name: str) -> bool:
    """Whether an attribute has one value, or none, over the whole period: the entry that wins holds on all its days."""
    entries = facts.attributes.get(name)
    if not entries:
        return True
    first, end = entries[-1].valid_from, entries[-1].valid_to
    return (first is None or first <= facts.period_from) and (end is None or end >= facts.period_to)


def _state(tariff: Tariff, facts: Facts, names: Sequence[str], day: date) -> tuple[object, ...]:
    version = tariff.find_version(day)
    if version is None:
        raise UnableToRate(
            code="no-version",
            message=f"Tariff {tariff.code} has no version in force on {day}.",
            place="versions",
            remedy="Add the version, or rate another period.",
        )
    values = tuple(_value_on(tariff, facts, name, day) for name in names)
    season = tariff.season_of(day) if tariff.uses_seasons else ""
    units = tuple(start_of_unit(day, unit) for unit in tariff.calendar_cuts)
    return (version.valid_from, season, units, *(None if value is None else value.value for value in values))


def _value_on(tariff: Tariff, facts: Facts, name: str, day: date) -> DatedValue | None:
    # The last entry that holds wins, as later facts are written after earlier ones.
    for value in reversed(facts.attributes.get(name, ())):
        if value.holds_on(day):
            return value
    default = tariff.attributes[name].default
    return None if default is None else DatedValue(default, source=f"{tariff.code}.attributes.{name}.default")


def _segment(tariff: Tariff, facts: Facts, first: date, end: date) -> Segment:
    version = tariff.find_version(first)
    assert version is not None  # every day was looked at above
    values = {name: _value_on(tariff, facts, name, first) for name in tariff.read_attributes}
    return Segment(
        from_date=first,
        to_date=end,
        version=version,
        season=tariff.season_of(first) if tariff.uses_seasons else "",
        use_micro={
            name: sum(stretch.between(first, end) for stretch in stretches)
            for name, stretches in facts.use.items()
        },
        use_source={
            name: ", ".join(
                dict.fromkeys(
                    stretch.source
                    for stretch in stretches
                    if stretch.source and stretch.from_date < end and stretch.to_date > first
                )
            )
            for name, stretches in facts.use.items()
        },
        attributes={name: value for name, value in values.items() if value is not None},
    )


def months_between(first: date, end: date) -> Fraction:
    """Calendar months in [first, end): each day counts one over the days of its own month, so a full month is
    exactly 1.
    """
    total = Fraction(0)
    while first < end:
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        upto = min(following, end)
        total += Fraction((upto - first).days, days_in_month(first))
        first = upto
    return total


def days_in_month(day: date) -> int:
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return (following - day.replace(day=1)).days


def whole_months_between(first: date, end: date) -> int:
    """Full months from `first` to `end` by the calendar: 15 Jan to 15 Mar is 2. A missing day counts as the
    month's last.
    """
    months = (end.year - first.year) * 12 + end.month - first.month
    return months if end.day >= min(first.day, days_in_month(end)) else months - 1


def use_of(segment_use: Mapping[str, int], key: str) -> Fraction | None:
    """Use in units; the total falls back to the sum of the zones. None when it is not known."""
    if key in segment_use:
        return segment_use[key] * _UNIT
    zones = [micro for name, micro in segment_use.items() if name.startswith("usage.")]
    if key == "usage" and zones:
        return sum(zones) * _UNIT
    return None
