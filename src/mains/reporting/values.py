"""Words of the completeness check."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DayState(models.TextChoices):
    """What became of a service-point-day."""

    BILLED = "billed", _("Billed")
    WAITING = "waiting", _("Waits for the month's run")
    LISTED = "listed", _("Listed as an exception of a run")
    EXPLAINED = "explained", _("Explained by an act")
    HOLE = "hole", _("Neither billed nor explained")


class HoleCause(models.TextChoices):
    """Why a service-point-day is neither billed nor explained."""

    NO_AGREEMENT = "no-agreement", _("Nobody pays: no agreement")
    NO_CYCLE = "no-cycle", _("The account is in no billing cycle")
    NO_RUN = "no-run", _("The month was skipped in the cycle")
    NO_TARIFF = "no-tariff", _("The tariff has no price on these days")
    NO_USE = "no-use", _("No daily use is stored")
    NEVER_BILLED = "never-billed", _("The service point was never billed")
    NO_LINE = "no-line", _("The bill has no line for it")
