"""Words of the payments context."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RegisterStatus(models.TextChoices):
    STAGED = "staged", _("Checked, waits for acceptance")
    REFUSED = "refused", _("Refused")
    ACCEPTED = "accepted", _("Accepted")
