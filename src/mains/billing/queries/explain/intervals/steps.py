"""Intervals as lines of an explanation."""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from mains.engine.exact.explanation import Step
from mains.engine.facts import MICRO
from mains.engine.intervals.known import KnownInterval


def interval_steps(intervals: Sequence[KnownInterval], clock: str, unit: str) -> tuple[Step, ...]:
    """Each interval with its time by the clock, its value and where it is kept."""
    zone = ZoneInfo(clock)
    steps = []
    for each in intervals:
        until = each.begin_at + timedelta(minutes=each.row.step_minutes)
        source = _("interval %(name)s, %(source)s") % {"name": each.name, "source": each.row.source}
        if each.weeks_before:
            measured_at = (each.begin_at - timedelta(weeks=each.weeks_before)).astimezone(zone)
            source = _("missing, estimated by %(day)s: %(interval)s") % {
                "day": f"{measured_at:%Y-%m-%d %H:%M}",
                "interval": source,
            }
        steps.append(
            Step(
                children=_counted(each, unit),
                label=f"{each.begin_at.astimezone(zone):%Y-%m-%d %H:%M}–{until.astimezone(zone):%H:%M %Z}",
                value=Fraction(each.micro, MICRO),
                unit=unit,
                source=source,
            )
        )
    return tuple(steps)


def _counted(interval: KnownInterval, unit: str) -> tuple[Step, ...]:
    """What a meter that counted wrongly showed, and its error."""
    counted = interval.row.counted[interval.place - 1] if interval.row.counted else None
    if counted is None:
        return ()
    return (Step(_("counted by the meter"), Fraction(counted, MICRO), unit, source=interval.row.fault),)
