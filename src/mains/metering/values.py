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


class DayQuality(models.TextChoices):
    """How a day's use is known; one letter a day in `UsageMonth.quality`."""

    MEASURED = "M", _("Measured")
    APPORTIONED = "A", _("Apportioned")
    FORECAST = "F", _("Forecast from own history")
    CLASS_AVERAGE = "C", _("Forecast from the average of the class")
    NORM = "N", _("Norm")
    NONE = "X", _("No supply")
