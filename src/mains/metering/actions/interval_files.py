"""Files of interval data: checked whole, then stored whole as days; the same file twice changes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from django.db import connection, models, transaction

from mains.base.columns import ensure_month_partitions
from mains.base.csv_files import Column, FileFault, read_csv
from mains.engine.intervals.known import midnight
from mains.kernel.errors import MainsError
from mains.kernel.identifiers import bucket_of
from mains.kernel.period import month_start
from mains.metering.actions.interval_lines import Line, LineReader, Told
from mains.metering.models import IntervalDay, Meter
from mains.metering.queries.interval_meters import MeterPlace, list_meter_places
from mains.metering.values import ZONE_OF_QUANTITY, IntervalQuality

COLUMNS = (
    Column("meter"),
    Column("model", is_needed=False),
    Column("quantity", is_needed=False),
    Column("start"),
    Column("length"),
    Column("value"),
    Column("unit", is_needed=False),
    Column("quality", is_needed=False),
)
_DAY = timedelta(days=1)


class UnableToImportIntervals(MainsError):
    """There is no such clock."""


@dataclass(frozen=True, kw_only=True)
class IntervalFile:
    """What became of a file of interval data.

    `faults` are all its faults, sorted by line; with any nothing is stored. Of its `intervals`, `known` were known
    already. `days` are the days of a point and quantity that were written, `corrected` of them later revisions; `gaps`
    are intervals missing between the first and the last of the file of a meter and quantity.
    """

    faults: Sequence[FileFault]
    intervals: int = 0
    known: int = 0
    days: int = 0
    corrected: int = 0
    gaps: int = 0

    @property
    def is_stored(self) -> bool:
        return not self.faults


@dataclass
class _Day:
    """What the file tells of a day of a point and quantity, by the start of the interval."""

    place: MeterPlace
    step_minutes: int
    line: int
    told: dict[datetime, Told] = field(default_factory=dict)


_Key = tuple[int, str, date]


@transaction.atomic
def import_intervals(
    *, content: bytes, file_name: str, clock: str, actor: models.Model | None, now: datetime
) -> IntervalFile:
    """Store a CSV file of interval data (COLUMNS).

    `start` has an offset, or is a time of `clock`, by which days begin too; a time that the clock has twice needs its
    offset. `value` is one number, or all of a day's apart by spaces, energy of the interval or mean power by `unit`.
    What is stored already of a day stays where the file says nothing. Raises UnableToImportIntervals.
    """
    if clock not in available_timezones():
        raise UnableToImportIntervals(
            code="clock-unknown",
            message=f"There is no time zone {clock}.",
            place="clock",
            remedy="Name one such as Europe/Berlin or UTC.",
        )
    rows, faults = read_csv(content, columns=COLUMNS)
    reader = LineReader(clock=clock, now=now)
    lines = [line for row in rows.iter_rows(named=True) if (line := reader.read(row)) is not None]
    faults += reader.faults
    places = list_meter_places({(line.serial, line.model) for line in lines})
    _lock({place.meter_id for found in places.values() for place in found})
    days = _days(lines, places, ZoneInfo(clock), faults)
    faults += _other_clock(days, clock)
    stored = _stored(days)
    merged = list(_merged(days, stored, clock, faults))
    if faults:
        return IntervalFile(faults=sorted(faults, key=lambda fault: (fault.line, fault.field)))
    _write(merged, clock, file_name, actor, now)
    return IntervalFile(
        faults=(),
        intervals=sum(len(day.told) for day in days.values()),
        known=sum(len(day.told) for key, day in days.items() if key not in {each.key for each in merged}),
        days=len(merged),
        corrected=sum(1 for each in merged if each.revision),
        gaps=_gaps(days),
    )


def _lock(meter_ids: set[int]) -> None:
    """Two files of one meter are stored one after the other."""
    list(Meter.objects.select_for_update().filter(pk__in=meter_ids).order_by("pk").values_list("pk"))


def _days(
    lines: Sequence[Line],
    places: Mapping[tuple[str, str], Sequence[MeterPlace]],
    zone: ZoneInfo,
    faults: list[FileFault],
) -> dict[_Key, _Day]:
    """The intervals of the file by point, quantity and day."""
    days: dict[_Key, _Day] = {}
    for line in lines:
        found = places.get((line.serial, line.model), ())
        fault = _unknown_meter(line, found)
        for told in () if fault else line.intervals:
            day = told.begin_at.astimezone(zone).date()
            place = next((each for each in found if each.holds(day)), None)
            if place is None:
                fault = _fault(
                    line,
                    "meter",
                    "meter-not-installed",
                    f"Meter {line.serial} hangs nowhere on {day}.",
                    "Record its installation first, or correct the day.",
                )
            elif not line.fits(place):
                fault = line.misfit(place)
            else:
                key = (place.service_point_id, line.quantity, day)
                own = days.setdefault(key, _Day(place, line.step_minutes, line.number))
                fault = _add(own, line, told)
            if fault:
                break
        if fault:
            faults.append(fault)
    return days


def _unknown_meter(line: Line, found: Sequence[MeterPlace]) -> FileFault | None:
    if not found:
        return _fault(
            line,
            "meter",
            "meter-unknown",
            f"There is no meter {line.serial} {line.model}".rstrip() + ".",
            "Check the serial number.",
        )
    if len({place.meter_id for place in found}) > 1:
        return _fault(
            line,
            "meter",
            "meter-ambiguous",
            f"Several meters answer to {line.serial}.",
            "Fill in the model too.",
        )
    zone = {str(quantity): zone for quantity, zone in ZONE_OF_QUANTITY.items()}.get(line.quantity)
    if zone is not None and int(zone) not in found[0].zones:
        return _fault(
            line,
            "quantity",
            "register-missing",
            f"Meter {line.serial} has no register of zone {zone.name.lower()}.",
            "Its intervals would count beside its registers. Record the meter with that register.",
        )
    return None


def _add(day: _Day, line: Line, told: Told) -> FileFault | None:
    if day.step_minutes != line.step_minutes:
        return _fault(
            line,
            "length",
            "interval-length",
            f"Line {day.line} gives the same day in intervals of {day.step_minutes} min.",
            "Give a day in one length.",
        )
    if told.begin_at in day.told:
        return _fault(
            line,
            "start",
            "interval-twice",
            f"The interval that begins at {told.begin_at:%Y-%m-%d %H:%M} UTC stands in line "
            f"{day.told[told.begin_at].line} too.",
            "Leave one of them out; at the hour that the clock has twice, give offsets.",
        )
    day.told[told.begin_at] = told
    return None


# --- storing


@dataclass(frozen=True)
class _Revision:
    """A day to be written."""

    key: _Key
    revision: int
    day: _Day
    start_at: datetime
    values: list[int | None]
    quality: str


def _stored(days: Mapping[_Key, _Day]) -> dict[_Key, IntervalDay]:
    """The last revision of each of the days."""
    points, months = {key[0] for key in days}, {month_start(key[2]) for key in days}
    rows = IntervalDay.objects.filter(
        month__in=months, service_point_id__in=points, day__in={key[2] for key in days}
    )
    return {(row.service_point_id, row.quantity, row.day): row for row in rows.order_by("revision")}


def _other_clock(days: Mapping[_Key, _Day], clock: str) -> Iterator[FileFault]:
    """Days of one point begin by one clock, or they would overlap."""
    kept = dict(
        IntervalDay.objects.filter(service_point_id__in={key[0] for key in days})
        .exclude(clock=clock)
        .values_list("service_point_id", "clock")
        .distinct()
    )
    told = set()
    for (point, _quantity, _day), day in days.items():
        if point in kept and point not in told:
            told.add(point)
            yield FileFault(
                line=day.line,
                field="start",
                code="clock-differs",
                message=f"Intervals of {day.place.point_code} are kept by the clock of {kept[point]}.",
                remedy=f"Give the clock {kept[point]}.",
            )


def _merged(
    days: Mapping[_Key, _Day], stored: Mapping[_Key, IntervalDay], clock: str, faults: list[FileFault]
) -> Iterator[_Revision]:
    """What is known of each day now, where that is more or another than before."""
    for key, day in sorted(days.items()):
        before = stored.get(key)
        start_at, end_at = midnight(key[2], clock), midnight(key[2] + _DAY, clock)
        count = (end_at - start_at) // timedelta(minutes=day.step_minutes)
        values: list[int | None] = [None] * count
        letters = [str(IntervalQuality.MISSING)] * count
        if before is not None and before.step_minutes == day.step_minutes:
            values, letters = list(before.values_micro), list(before.quality)
        for told in day.told.values():
            at, rest = divmod(told.begin_at - start_at, timedelta(minutes=day.step_minutes))
            if rest or not 0 <= at < count:
                faults.append(_misaligned(told, day, clock))
                break
            values[at], letters[at] = told.micro, told.quality
        if before is not None and (fault := _other_length(before, day, values)):
            faults.append(fault)
        quality = "".join(letters)
        if before is None or (list(before.values_micro), before.quality) != (values, quality):
            yield _Revision(key, before.revision + 1 if before else 0, day, start_at, values, quality)


def _misaligned(told: Told, day: _Day, clock: str) -> FileFault:
    return FileFault(
        line=told.line,
        field="start",
        code="interval-misaligned",
        message=f"An interval of {day.step_minutes} min cannot begin at "
        f"{told.begin_at.astimezone(ZoneInfo(clock)):%Y-%m-%d %H:%M} by the clock of {clock}.",
        remedy="Intervals follow one another from midnight on.",
    )


def _other_length(before: IntervalDay, day: _Day, values: Sequence[int | None]) -> FileFault | None:
    """Days kept in another length are replaced whole or not at all."""
    if before.step_minutes == day.step_minutes or None not in values:
        return None
    return FileFault(
        line=day.line,
        field="length",
        code="interval-length",
        message=f"The day {before.day} is kept in intervals of {before.step_minutes} min.",
        remedy="Send the same, or the whole day.",
    )


def _write(
    merged: Sequence[_Revision], clock: str, file_name: str, actor: models.Model | None, now: datetime
) -> None:
    ensure_month_partitions(IntervalDay._meta.db_table, sorted({month_start(each.key[2]) for each in merged}))
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO metering_intervalday (month, service_point_id, quantity, day, revision, bucket, meter_id, clock,
                start_at, step_minutes, values_micro, quality, recorded_at, recorded_by_id, proof)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                (
                    month_start(each.key[2]), *each.key, each.revision, bucket_of(each.key[0]),
                    each.day.place.meter_id, clock, each.start_at, each.day.step_minutes, each.values,
                    each.quality, now, actor.pk if actor else None, f"{file_name}, line {each.day.line}"[:200],
                )
                for each in merged
            ],
        )  # fmt: skip


def _gaps(days: Mapping[_Key, _Day]) -> int:
    """Intervals missing between the first and the last that the file gives of a point and quantity."""
    gaps = 0
    series: dict[tuple[int, str], list[tuple[datetime, int]]] = {}
    for (point, quantity, _day), day in days.items():
        series.setdefault((point, quantity), []).extend((at, day.step_minutes) for at in day.told)
    for told in series.values():
        told.sort()
        for (at, step), (following, _step) in pairwise(told):
            gaps += max(0, (following - at) // timedelta(minutes=step) - 1)
    return gaps


def _fault(line: Line, name: str, code: str, message: str, remedy: str) -> FileFault:
    return FileFault(line=line.number, field=name, code=code, message=message, remedy=remedy)
