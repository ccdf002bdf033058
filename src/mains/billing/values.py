"""Words of the billing context."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RunStatus(models.TextChoices):
    PLANNED = "planned", _("Planned")
    POSTING = "posting", _("Posting")
    POSTED = "posted", _("Posted")


class LineKind(models.TextChoices):
    """What a bill line is; included tax is shown but adds nothing."""

    CHARGE = "charge", _("Charge")
    TAX = "tax", _("Tax")
    SUBSIDY = "subsidy", _("Subsidy")
    TAX_INCLUDED = "tax_included", _("Tax included")
    ROUNDING = "rounding", _("Rounding")
