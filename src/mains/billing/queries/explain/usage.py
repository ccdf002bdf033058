"""Daily use of an item, computed again from raw readings in plain Python, with the readings behind each day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from django.db import connection
from django.utils.translation import gettext as _

from mains.billing.queries.explain.evidence import Item, Row, was_believed
from mains.billing.queries.explain.intervals.believed import days_told
from mains.billing.queries.explain.intervals.steps import interval_steps
from mains.billing.values import FED_IN
from mains.engine.exact.explanation import DetailStep, Step, show_short
from mains.engine.facts import MICRO, Stretch
from mains.engine.intervals.known import DaySum
from mains.engine.usage.exact import (
    DayUse,
    Installation,
    MeterError,
    Part,
    Point,
    Reading,
    SeriesUse,
    UnmeteredUse,
    explain_daily_usage,
)
from mains.kernel.errors import MainsError
from mains.kernel.period import next_month
from mains.metering.actions.usage import RULES
from mains.metering.queries.records import class_averages
from mains.metering.values import DayQuality, ReadingSource, UnmeteredReason, Zone

NAME_OF_ZONE = {
    Zone.DAY: "usage.day",
    Zone.NIGHT: "usage.night",
    Zone.PEAK: "usage.peak",
    Zone.HALF_PEAK: "usage.half_peak",
}
DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnableToExplainUse(MainsError):
    """The readings give another daily use than the one that was billed."""


@dataclass(frozen=True)
class DailyUse:
    """The days of an item's month by zone, and the rows that they were computed from; `told` are the days, by zone,
    that intervals tell of, which begin by `clock`."""

    month: date
    series: tuple[SeriesUse, ...]
    registers: Mapping[int, Row]
    readings: Mapping[int, Row]
    unit: str
    errors: Mapping[int, Row] = field(default_factory=dict)
    acts: Mapping[int, Row] = field(default_factory=dict)
    told: Mapping[tuple[int, date], DaySum] = field(default_factory=dict)
    clock: str = "UTC"

    def stretches(self) -> dict[str, tuple[Stretch, ...]]:
        """Use as the rating engine takes it: one stretch a day, in total and by zone."""
        if not self.series:
            return {"usage": (Stretch(self.month, next_month(self.month), 0),)}
        found: dict[str, list[Stretch]] = {"usage": []}
        for each in self.series:
            name = FED_IN if each.zone == Zone.EXPORT else NAME_OF_ZONE.get(Zone(each.zone))
            days = [Stretch(day.day, day.day + DAY, day.use_micro, name or "usage") for day in each.days]
            if name:
                found[name] = days
            if each.zone != Zone.EXPORT:
                found["usage"] += days
        return {name: tuple(days) for name, days in found.items()}

    def origins(self, *, name: str, from_date: date, to_date: date) -> tuple[Step, ...]:
        """The runs of days behind `name` (`usage`, `usage.<zone>`, or what was fed in) in [from_date, to_date)."""
        steps: list[Step] = []
        for each in self.series:
            own = (FED_IN,) if each.zone == Zone.EXPORT else ("usage", NAME_OF_ZONE.get(Zone(each.zone)))
            if name in own:
                days = [day for day in each.days if from_date <= day.day < to_date]
                told = [day.day for day in days if (int(each.zone), day.day) in self.told]
                read = [day for day in days if (int(each.zone), day.day) not in self.told]
                steps += [self._run(run) for run in runs_of_days(read)]
                steps += [self._day_told(self.told[int(each.zone), day]) for day in told]
        return tuple(steps)

    def _day_told(self, told: DaySum) -> Step:
        quality = DayQuality.INTERVALS if told.is_measured else DayQuality.INTERVALS_ESTIMATED
        return DetailStep(
            label=f"{quality.label}, {told.day}",
            value=Fraction(told.micro, MICRO),
            unit=self.unit,
            source=told.intervals[0].row.source,
            children=interval_steps(told.intervals, self.clock, self.unit),
        )

    def _run(self, run: list[tuple[date, Part]]) -> Step:
        part, first, last = run[0][1], run[0][0], run[-1][0]
        use = Fraction(sum(each.use_micro for _day, each in run), MICRO)
        children = [self._reading(reading) for reading in (part.opening, part.closing) if reading is not None]
        register = self.registers.get(part.register_id or 0)
        if register is not None and register["multiplier_micro"] != MICRO:
            multiplier = Fraction(register["multiplier_micro"], MICRO)
            children.append(Step(_("multiplier of the register"), multiplier, source=_meter(register)))
        if part.error is not None:
            children += self._error(part.error, run)
        source = _meter(register) if register else ""
        if part.act is not None:
            source = self._act(part.act)
        return Step(
            label=f"{DayQuality(part.quality).label}, {first} – {last}",
            value=use,
            unit=self.unit,
            formula=_rule(part, len(run)),
            source=source,
            children=tuple(children),
        )

    def _error(self, error: MeterError, run: list[tuple[date, Part]]) -> tuple[Step, Step]:
        """What the meter counted on the days of the run, and the error by which that is corrected."""
        row = self.errors[error.error_id]
        counted = Step(
            _("counted by the meter"),
            Fraction(sum(part.counted_micro for _day, part in run), MICRO),
            self.unit,
            formula=_rule(replace(run[0][1], error=None), len(run)),
        )
        percent = Step(
            _("found error of the meter"),
            Fraction(error.percent_hundredths, 100),
            "%",
            source=_("error %(id)s since %(since)s, %(proof)s")
            % {"id": row["id"], "since": row["valid_from"], "proof": row["proof"]},
        )
        return counted, percent

    def _act(self, act: UnmeteredUse) -> str:
        row = self.acts[act.act_id]
        return _("act %(id)s, %(proof)s, %(reason)s") % {
            "id": row["id"],
            "proof": row["proof"],
            "reason": UnmeteredReason(row["reason"]).label,
        }

    def _reading(self, reading: Reading) -> Step:
        row = self.readings[reading.reading_id]
        who = f", {row['recorded_by']}" if row["recorded_by"] else ""
        source = f"reading {reading.reading_id}, {ReadingSource(row['source']).label}{who}"
        label = _("reading of %(date)s") % {"date": reading.reading_date}
        return Step(
            label,
            Fraction(reading.value_micro, MICRO),
            self.unit,
            source=f"{source}, {row['serial']}",
            children=_photos(row),
        )


def _photos(reading: Row) -> tuple[Step, ...]:
    """The photos of a reading: the hash of each file, and the photo's id as its source."""
    kept = [photo.split(" ") for photo in (reading["photos"] or "").split(",") if photo]
    return tuple(Step(_("photo or scan"), sha256, source=f"photo {photo_id}") for photo_id, sha256 in kept)


def daily_use(item: Item, *, unit: str) -> DailyUse:
    """Compute the item's month from readings as known when its stored use was computed, and compare the two.

    Raises UnableToExplainUse, naming point, zone and day, when they differ.
    """
    month = item.service_month
    if not item.stored:
        return DailyUse(month, (), {}, {}, unit)
    known_at = max(row["recorded_at"] for row in item.stored)
    registers = [row for row in item.registers if was_believed(row, known_at)]
    errors = {row["id"]: row for row in item.errors if was_believed(row, known_at)}
    acts = {row["id"]: row for row in item.acts if was_believed(row, known_at)}
    readings = [row for row in item.readings if was_believed(row, known_at)]
    averages: Mapping[int, Fraction] = {}
    if _needs_averages(item):
        code = f"{item.point['service']} {item.point['premise_kind']}"
        averages = averages_of_class(class_code=code, month=month)
    point = Point(
        connected=((item.point["connected_on"], item.point["disconnected_on"]),),
        installations=tuple(_installation(row, averages.get(row["zone"])) for row in registers),
        readings=tuple(
            Reading(
                reading_id=row["reading_id"],
                register_id=row["register_id"],
                reading_date=row["reading_date"],
                value_micro=row["value_micro"],
                priority=row["source"],
                recorded_order=_microseconds(row["recorded_at"]),
            )
            for row in readings
        ),
        errors=tuple(_meter_error(row) for row in errors.values()),
        acts=tuple(_unmetered_use(row) for row in acts.values()),
    )
    series, _set_aside = explain_daily_usage(
        point=point,
        month_from=month,
        month_to=next_month(month),
        as_of_date=known_at.date(),
        lookback_days=RULES.lookback_days,
        history_days_min=RULES.history_days_min,
        total_zone=int(Zone.TOTAL),
    )
    told, clock = _days_told(item, registers, known_at)
    told = {key: day for key, day in told.items() if _is_laid(series, key, day)}
    series = tuple(lay_over(each, told) for each in series)
    check_use(
        stored={row["zone"]: row["days_micro"] for row in item.stored},
        computed={int(each.zone): [day.use_micro for day in each.days] for each in series},
        point_code=item.point["point_code"],
        month=month,
    )
    return DailyUse(
        month=month,
        series=series,
        registers={row["register_id"]: row for row in registers},
        readings={row["reading_id"]: row for row in readings},
        unit=unit,
        errors=errors,
        acts=acts,
        told=told,
        clock=clock,
    )


def _days_told(
    item: Item, registers: Sequence[Row], known_at: datetime
) -> tuple[dict[tuple[int, date], DaySum], str]:
    """The days of the item's month that intervals tell of, by zone, and their clock."""
    if not item.intervals:
        return {}, "UTC"
    known, clock = item.told_by_intervals.known(known_at)
    month = item.service_month
    found: dict[tuple[int, date], DaySum] = {}
    for zone in {row["zone"] for row in registers}:
        installed = [(row["valid_from"], row["valid_to"]) for row in registers if row["zone"] == zone]
        days = days_told(known, clock, zone=zone, first=month, end=next_month(month), installed=installed)
        found |= {(zone, day): told for day, told in days.items()}
    return found, clock


def lay_over(series: SeriesUse, told: Mapping[tuple[int, date], DaySum]) -> SeriesUse:
    """The series with the days that intervals tell of in the place of others."""
    if not told:
        return series
    return replace(series, days=tuple(_laid(int(series.zone), day, told) for day in series.days))


def _laid(zone: int, day: DayUse, told: Mapping[tuple[int, date], DaySum]) -> DayUse:
    found = told.get((zone, day.day))
    if found is None:
        return day
    quality = DayQuality.INTERVALS if found.is_measured else DayQuality.INTERVALS_ESTIMATED
    return DayUse(day.day, (Part(quality.value, found.micro, ""),))


def _is_laid(series: Sequence[SeriesUse], key: tuple[int, date], told: DaySum) -> bool:
    """Whether intervals stand above what else is known of a day: not above an act that adds to it, nor, where none of
    the day itself is measured, above readings."""
    zone, day = key
    found = [use for each in series if int(each.zone) == zone for use in each.days if use.day == day]
    parts = [part for use in found for part in use.parts]
    is_read = any(part.quality in (DayQuality.MEASURED, DayQuality.APPORTIONED) for part in parts)
    return not any(part.act for part in parts) and (told.has_own or not is_read)


def check_use(
    *,
    stored: Mapping[int, Sequence[int]],
    computed: Mapping[int, Sequence[int]],
    point_code: str,
    month: date,
) -> None:
    """Compare stored days with those that the readings give: micro-units by zone. Raises UnableToExplainUse."""
    if stored == computed:
        return
    for zone, days in stored.items():
        own = computed.get(zone) or [0] * len(days)
        for number, (found, kept) in enumerate(zip(own, days, strict=True), start=1):
            if found != kept:
                raise UnableToExplainUse(
                    code="use-differs",
                    message=f"The readings give {found} micro-units, the bill used {kept}.",
                    place=f"{point_code}, zone {zone}, {month.replace(day=number)}",
                    remedy="Report this bill: its use does not follow from its readings.",
                )
    unseen = sorted(zone for zone in computed if zone not in stored)
    if any(use for zone in unseen for use in computed[zone]):
        raise UnableToExplainUse(
            code="use-not-stored",
            message=f"The readings give use in zones that the bill did not see: {unseen}.",
            place=f"{point_code}, {month:%Y-%m}",
            remedy="Report this bill: its use does not follow from its readings.",
        )


def runs_of_days(days: Iterable[DayUse]) -> list[list[tuple[date, Part]]]:
    """Parts of consecutive days that come from the same register and readings, error or act."""
    runs: dict[tuple[object, ...], list[tuple[date, Part]]] = {}
    for day in days:
        for part in day.parts:
            ends = tuple(reading.reading_id if reading else 0 for reading in (part.opening, part.closing))
            origin = (part.quality, part.register_id, *ends, part.error, part.act)
            runs.setdefault(origin, []).append((day.day, part))
    return list(runs.values())


def _rule(part: Part, days: int) -> str:
    """How a run of days got its share, in figures."""
    if part.quality == DayQuality.CLASS_AVERAGE:
        average = show_short(Fraction(part.total_micro, part.weight_total * MICRO))
        return _("%(average)s a day on average of the class, %(days)s days") % {
            "average": average,
            "days": days,
        }
    figures = {
        "use": show_short(Fraction(part.total_micro, MICRO)),
        "covered": part.weight_total,
        "days": days,
    }
    if part.error is not None:
        return _("counted × 100 / (100 + %(percent)s)") % {
            "percent": show_short(Fraction(part.error.percent_hundredths, 100))
        }
    if part.quality == DayQuality.FORECAST:
        return _("%(use)s in %(covered)s days of history, for %(days)s days") % figures
    return _("%(use)s over %(covered)s days, of which %(days)s") % figures


def _installation(row: Row, average: Fraction | None) -> Installation:
    return Installation(
        register_id=row["register_id"],
        zone=row["zone"],
        digits=row["digits"],
        multiplier=Fraction(row["multiplier_micro"], MICRO),
        installed_from=row["valid_from"],
        installed_to=row["valid_to"],
        class_average=average,
    )


def _meter_error(row: Row) -> MeterError:
    return MeterError(
        row["id"], row["register_id"], row["valid_from"], row["valid_to"], row["percent_hundredths"]
    )


def _unmetered_use(row: Row) -> UnmeteredUse:
    return UnmeteredUse(row["id"], row["zone"], row["valid_from"], row["valid_to"], row["amount_micro"])


def _needs_averages(item: Item) -> bool:
    return any(DayQuality.CLASS_AVERAGE in row["quality"].upper() for row in item.stored)


_kept_averages: dict[tuple[str, date, str], dict[int, Fraction]] = {}


def averages_of_class(*, class_code: str, month: date) -> Mapping[int, Fraction]:
    """Averages of a class by zone, in micro-units a day, as kept for a month; what is kept never changes."""
    key = (str(connection.settings_dict["NAME"]), month, class_code)
    if key not in _kept_averages:
        _kept_averages[key] = class_averages(month=month, class_code=class_code)
    return _kept_averages[key]


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _meter(register: Row) -> str:
    return _("meter %(serial)s") % {"serial": register["serial"]}
