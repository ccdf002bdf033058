"""Words of the customers context."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class CustomerKind(models.TextChoices):
    PERSON = "person", _("Person")
    ORGANISATION = "organisation", _("Organisation")


class Category(models.TextChoices):
    """Who the customer is to a tariff; packs use the ones their tariffs name."""

    HOUSEHOLD = "household", _("Household")
    LARGE_FAMILY = "large_family", _("Large family")
    LIFELINE = "lifeline", _("Lifeline")
    COMMERCIAL = "commercial", _("Commercial")


class PartyKind(models.TextChoices):
    UTILITY = "utility", _("Utility")
    SUPPLIER = "supplier", _("Resource supplier")
    MANAGER = "manager", _("Management company")
    BANK = "bank", _("Bank")
