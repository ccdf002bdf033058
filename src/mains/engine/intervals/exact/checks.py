"""What has to hold of intervals before anything is measured of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mains.engine.intervals.exact.timeline import ONE_DAY, Timeline, midnight
from mains.engine.intervals.values import IntervalSeries, UnableToMeasure
from mains.engine.tariff.schedule import Demand


@dataclass(frozen=True)
class Checks:
    """The series cover the period, fill the windows of its demands, and their holidays are known."""

    line: Timeline

    def check(self) -> None:
        """Raises UnableToMeasure."""
        if len({(item.start_at, item.step_minutes, len(item.micro)) for item in self.line.series}) > 1:
            raise _differ([item.register for item in self.line.series])
        for series in self.line.series:
            self._check(series)

    def _check(self, series: IntervalSeries) -> None:
        clock, step = self.line.clock, timedelta(minutes=series.step_minutes)
        first, end = (midnight(day, clock) for day in (self.line.period_from, self.line.period_to))
        begin, finish = series.start_at, series.start_at + step * len(series.micro)
        if begin > first or finish < end:
            told = (
                f"from {begin.astimezone(clock):%Y-%m-%d %H:%M} to {finish.astimezone(clock):%Y-%m-%d %H:%M}"
            )
            raise UnableToMeasure(
                code="intervals-missing",
                message=f"The intervals of {series.register} run {told}; the period needs {self.line.period_from} to "
                f"{self.line.period_to} (excluded).",
                place="intervals",
                remedy="Give an interval for every part of every day of the period.",
            )
        self._check_windows(series)
        day = begin.astimezone(clock).date()
        while day <= (finish - timedelta(minutes=1)).astimezone(clock).date():
            self._check_holidays(day)
            day += ONE_DAY

    def _check_windows(self, series: IntervalSeries) -> None:
        """Windows are made up of whole intervals, and no zone begins inside one."""
        demands = [demand for demand in self.line.tariff.demands.values() if isinstance(demand, Demand)]
        windows = {demand.window_minutes or series.step_minutes for demand in demands} | {series.step_minutes}
        schedules = [
            version.schedule for version in self.line.tariff.versions if version.schedule is not None
        ]
        for window in sorted(windows):
            if window % series.step_minutes or not all(schedule.fits(window) for schedule in schedules):
                raise _too_coarse(series.register, series.step_minutes, window)
            if any(shift % timedelta(minutes=window) for shift in self.line.shifts):
                raise self.line.misaligned(series.register, window)

    def _check_holidays(self, day: date) -> None:
        schedule = self.line.schedule(day)
        if schedule is not None and not schedule.holidays.cover(day):
            raise UnableToMeasure(
                code="holidays-missing",
                message=f"The holidays of {day.year} are not known.",
                place="holidays",
                remedy=f"Add the holidays of {day.year} to the tariff.",
            )


def _too_coarse(register: str, step: int, window: int) -> UnableToMeasure:
    if window % step:
        message = (
            f"The intervals of {register} have {step} min, which do not make up windows of {window} min."
        )
    else:
        message = (
            f"Hours of the tariff begin inside intervals of {register} or windows: {step} and {window} min."
        )
    return UnableToMeasure(
        code="interval-length", message=message, place="intervals", remedy="Give shorter intervals."
    )


def _differ(registers: Sequence[str]) -> UnableToMeasure:
    return UnableToMeasure(
        code="intervals-differ",
        message=f"The intervals of {' and '.join(registers)} have not the same times.",
        place="intervals",
        remedy="Give all registers from the same start, in intervals of the same length.",
    )
