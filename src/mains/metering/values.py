"""Words of the metering context: zones, reading sources with their priority, quality of a day's use."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Zone(models.IntegerChoices):
    """Register zones; a service point has either a total register or zoned ones, and may have one for what it feeds
    into the network, which is never part of its use."""

    TOTAL = 0, _("Total")
    DAY = 1, _("Day")
    NIGHT = 2, _("Night")
    PEAK = 3, _("Peak")
    HALF_PEAK = 4, _("Half-peak")
    EXPORT = 5, _("Fed in")


class ReadingSource(models.IntegerChoices):
    """Where a reading comes from; the number is its priority, the smaller the stronger."""

    CONTROL_VISIT = 10, _("Control visit")
    FIELD = 20, _("Field officer")
    REMOTE = 30, _("Remote reading")
    OPERATOR = 40, _("Operator")
    PORTAL = 50, _("Customer portal")
    SMS = 60, _("SMS")
    RECEIPT = 70, _("Payment receipt")
    FILE = 80, _("File")


class IntervalQuantity(models.TextChoices):
    """What interval data tell of; a tariff reads them as `usage`, and as quantities of these names."""

    USAGE = "usage", _("Use")
    EXPORT = "export", _("Fed in")
    REACTIVE = "reactive", _("Reactive energy")


class IntervalQuality(models.TextChoices):
    """How the sender knows an interval; one letter an interval in `IntervalDay.quality`."""

    MEASURED = "M", _("Measured")
    ESTIMATED = "E", _("Estimated by the sender")
    MISSING = "-", _("Missing")


ZONE_OF_QUANTITY = {IntervalQuantity.USAGE: Zone.TOTAL, IntervalQuantity.EXPORT: Zone.EXPORT}
"""Of which zone's daily use the intervals of a quantity tell."""


class DayQuality(models.TextChoices):
    """How a day's use is known; one letter a day in `UsageMonth.quality`, a small one where an act adds to the day."""

    MEASURED = "M", _("Measured")
    INTERVALS = "I", _("Measured by intervals")
    INTERVALS_ESTIMATED = "E", _("By intervals, some estimated")
    APPORTIONED = "A", _("Apportioned")
    FORECAST = "F", _("Forecast from own history")
    CLASS_AVERAGE = "C", _("Forecast from the average of the class")
    NORM = "N", _("Norm")
    NONE = "X", _("No supply")
    UNMETERED = "U", _("By an act of unmetered use")


def quality_of(letter: str) -> DayQuality:
    """How a day's use is known, acts apart: a small letter says that an act of unmetered use adds to the day."""
    return DayQuality(letter.upper())


def has_act(letter: str) -> bool:
    """Whether a part of the day's use, or all of it, comes from an act of unmetered use."""
    return letter == DayQuality.UNMETERED or letter.islower()


class UnmeteredReason(models.TextChoices):
    """Why use went past the meter, or where there was none."""

    BYPASS = "bypass", _("Connection before the meter")
    TAMPERING = "tampering", _("Interference with the meter")
    ILLEGAL = "illegal", _("Connection without permission")
    TEMPORARY = "temporary", _("Temporary supply without a meter")
    OTHER = "other", _("Other, as the act says")
