"""Pictures of interval data: the intervals of a day, and the highest and mean power of each day of a month."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.base import formats
from mains.metering.queries.interval_records import IntervalDayRecord
from mains.metering.values import IntervalQuantity
from mains.web.office.parts import Chart, Series

_POWER = {"kWh": "kW", "kvarh": "kvar"}


def hours_chart(*, days: Sequence[IntervalDayRecord], day: date, unit: str) -> Chart:
    """Every interval of one day; a missing one is a hole."""
    own = [record for record in days if record.day == day]
    first = max(own, key=lambda record: len(record.values_micro))
    categories = [f"{each.begin_at:%H:%M}" for each in first.intervals()]
    series = []
    for record in own:
        if len(record.values_micro) == len(categories):
            values = [None if each.micro is None else _scaled(each.micro) for each in record.intervals()]
            texts = [
                "" if each.micro is None else _quantity(each.micro, record.unit)
                for each in record.intervals()
            ]
            series.append(Series(_name(record), values, texts))
    language = get_language() or "en"
    return Chart(
        key="use-by-interval",
        title=_("Intervals of %(day)s") % {"day": formats.date_text(day, language=language)},
        categories=categories,
        series=series,
        unit=formats.unit_text(unit),
        category_label=_("From"),
        finding=_highest(own),
    )


def _highest(own: Sequence[IntervalDayRecord]) -> str:
    """The highest mean power of use, and how much is missing."""
    used = [record for record in own if record.quantity == IntervalQuantity.USAGE]
    known = [
        (each.micro * 60 // record.step_minutes, each.begin_at, record.unit)
        for record in used
        for each in record.intervals()
        if each.micro is not None
    ]
    if not known:
        return ""
    micro, begin_at, unit = max(known, key=lambda each: each[0])
    told = _("Highest mean power: %(power)s, from %(time)s on.") % {
        "power": _quantity(micro, _POWER.get(unit, f"{unit}/h")),
        "time": f"{begin_at:%H:%M}",
    }
    missing = sum(record.missing for record in own)
    return f"{told} {_('Intervals missing: %(count)s.') % {'count': missing}}" if missing else told


def month_of_intervals_chart(*, days: Sequence[IntervalDayRecord], unit: str) -> Chart:
    """Highest and mean power of each day that intervals tell of."""
    used = [record for record in days if record.quantity == IntervalQuantity.USAGE]
    highest, mean = [], []
    for record in used:
        known = [value for value in record.values_micro if value is not None]
        per_hour = 60 // record.step_minutes
        highest.append(max(known) * per_hour)
        mean.append(sum(known) * per_hour // len(known))
    power = _POWER.get(unit, f"{unit}/h")
    return Chart(
        key="power-by-day",
        title=_("Power by day"),
        categories=[str(record.day.day) for record in used],
        series=[
            Series(
                title,
                [_scaled(micro) for micro in figures],
                [_quantity(micro, power) for micro in figures],
            )
            for title, figures in ((_("Highest"), highest), (_("Mean"), mean))
        ],
        unit=formats.unit_text(power),
        category_label=_("Day"),
    )


def _name(record: IntervalDayRecord) -> str:
    return f"{IntervalQuantity(record.quantity).label}, {formats.unit_text(record.unit)}"


def _scaled(micro: int) -> Decimal:
    return Decimal(micro).scaleb(-6)


def _quantity(micro: int, unit: str) -> str:
    return formats.quantity_text(micro, unit=unit, language=get_language() or "en", decimals=3)
