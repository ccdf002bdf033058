"""Daily use of service points as their readings give it, for many accounts at once; held against what is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import cast

from mains.billing.queries.explain.intervals.believed import days_told
from mains.billing.queries.explain.usage import averages_of_class, check_use
from mains.billing.queries.replay.histories import Histories
from mains.billing.queries.replay.rows import Agreement, Installed, StoredUse, believed
from mains.engine.facts import MICRO
from mains.engine.usage.exact import Installation, Point, PointReadings, compute_daily_usage
from mains.metering.actions.usage import RULES
from mains.metering.values import DayQuality, Zone

Use = Mapping[int, Sequence[int]]
"""Micro-units of each day of a month, by zone."""

_ONE = Fraction(1)
_TOTAL = int(Zone.TOTAL)
_AVERAGED = frozenset({DayQuality.CLASS_AVERAGE.value, DayQuality.CLASS_AVERAGE.value.lower()})
"""Letters of days of which the class's average is a part."""


@dataclass
class DailyUses:
    """Use of the points of `histories`, computed when asked for and kept while no more is known."""

    histories: Histories
    _use: dict[tuple[int, date, int], Use] = field(default_factory=dict)
    _valid: dict[tuple[int, datetime, tuple[tuple[int, Fraction], ...]], PointReadings] = field(
        default_factory=dict
    )

    def of(self, agreement: Agreement, month: date, following: date, as_of: datetime) -> Use:
        """The days that follow from the readings known when the stored days were computed, which must be the same.

        Raises UnableToExplainUse where they are not.
        """
        point_id = agreement.service_point_id
        known = [row for row in self.histories.stored.get((point_id, month), ()) if row.recorded_at <= as_of]
        if not known:
            return {}
        key = (point_id, month, len(known))
        found = self._use.get(key)
        if found is None:
            # In the order of revisions, so the last one of each zone stays.
            stored = {row.zone: row for row in known}
            found = self._use[key] = self._computed(agreement, month, following, stored)
        return found

    def forget(self) -> None:
        """Drop what was computed."""
        self._use.clear()
        self._valid.clear()

    def _computed(
        self, agreement: Agreement, month: date, following: date, stored: Mapping[int, StoredUse]
    ) -> Use:
        at = max([row.recorded_at for row in stored.values()])
        averages: Mapping[int, Fraction] = {}
        if not _AVERAGED.isdisjoint("".join([row.quality for row in stored.values()])):
            code = f"{agreement.service} {agreement.premise_kind}"
            averages = averages_of_class(class_code=code, month=month)
        readings = self._readings(agreement, at, averages)
        computed = compute_daily_usage(
            readings=readings,
            month_from=month,
            month_to=following,
            lookback_days=RULES.lookback_days,
            history_days_min=RULES.history_days_min,
            total_zone=_TOTAL,
        )
        found = cast("dict[int, list[int]]", computed)
        if agreement.service_point_id in self.histories.intervals:
            self._lay_over(found, readings, agreement.service_point_id, (month, following), at)
        days = {zone: row.days_micro for zone, row in stored.items()}
        if found != days:
            check_use(stored=days, computed=found, point_code=agreement.point_code, month=month)
        return found

    def _lay_over(
        self,
        use: dict[int, list[int]],
        readings: PointReadings,
        point_id: int,
        month: tuple[date, date],
        at: datetime,
    ) -> None:
        """Put the days that intervals tell of in the place of others; those stay to which an act adds, and those of
        which readings tell and no interval of the day itself."""
        known, clock = self.histories.told_by_intervals(point_id).known(at)
        installed = believed(self.histories.installed.get(point_id, ()), at)
        acts = [row.act for row in believed(self.histories.acts.get(point_id, ()), at)]
        for zone, days in use.items():
            hung = [(row.valid_from, row.valid_to) for row in installed if row.zone == zone]
            told = days_told(known, clock, zone=zone, first=month[0], end=month[1], installed=hung)
            read = [stretch for chain in readings.chains.get(zone, ()) for stretch in chain.stretches(*month)]
            for day, found in told.items():
                has_act = any(act.zone == zone and act.valid_from <= day < act.valid_to for act in acts)
                is_read = any(stretch.first <= day < stretch.end for stretch in read)
                if not has_act and (found.has_own or not is_read):
                    days[(day - month[0]).days] = found.micro

    def _readings(
        self, agreement: Agreement, at: datetime, averages: Mapping[int, Fraction]
    ) -> PointReadings:
        """The point's readings as they were valid at an instant; the same for all months computed then."""
        key = (agreement.service_point_id, at, tuple(averages.items()))
        found = self._valid.get(key)
        if found is None:
            installed = believed(self.histories.installed.get(agreement.service_point_id, ()), at)
            readings = self.histories.readings
            registers = {row.register_id for row in installed}
            errors, acts = self.histories.errors, self.histories.acts.get(agreement.service_point_id, ())
            point = Point(
                connected=((agreement.connected_on, agreement.disconnected_on),),
                installations=tuple([_installation(row, averages.get(row.zone)) for row in installed]),
                readings=tuple(
                    [
                        reading
                        for register_id in registers
                        for recorded_at, superseded_at, reading in readings.get(register_id, ())
                        if recorded_at <= at and (superseded_at is None or superseded_at > at)
                    ]
                ),
                errors=tuple(
                    [row.error for each in registers for row in believed(errors.get(each, ()), at)]
                    if errors
                    else ()
                ),
                acts=tuple([row.act for row in believed(acts, at)]) if acts else (),
            )
            found = self._valid[key] = PointReadings(point, as_of_date=at.date())
        return found


def _installation(row: Installed, average: Fraction | None) -> Installation:
    return Installation(
        row.register_id,
        row.zone,
        row.digits,
        Fraction(row.multiplier_micro, MICRO) if row.multiplier_micro != MICRO else _ONE,
        row.valid_from,
        row.valid_to,
        average,
    )
