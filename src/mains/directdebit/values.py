"""Words of direct debits, after the rulebooks of the SEPA schemes (EPC016-06, EPC222-07)."""

from datetime import date

from django.db import models
from django.utils.translation import gettext_lazy as _

LAPSES_AFTER_MONTHS = 36
"""A mandate that was not used so long is void (rulebooks, 4.1)."""
FINAL_CODES = frozenset(("AC04", "MD01", "MD07", "RC01"))
"""Returns after which the next collection must fail too: account closed, no mandate, debtor dead, no such bank."""


class Scheme(models.TextChoices):
    """Of consumers, or between firms."""

    CORE = "CORE", _("Core (consumers)")
    B2B = "B2B", _("B2B (firms)")


class MandateUse(models.TextChoices):
    """How often a mandate allows to collect."""

    RECURRENT = "RCUR", _("Recurrent")
    ONE_OFF = "OOFF", _("Once")


class Sequence(models.TextChoices):
    """Which of a mandate's collections it is."""

    FIRST = "FRST", _("First")
    RECURRENT = "RCUR", _("Recurrent")
    ONE_OFF = "OOFF", _("Once")
    FINAL = "FNAL", _("Last")


class MandateState(models.TextChoices):
    """Whether a mandate allows to collect on a day."""

    ACTIVE = "active", _("Active")
    AHEAD = "ahead", _("Not valid yet")
    REVOKED = "revoked", _("Revoked")
    SUSPENDED = "suspended", _("Suspended")
    LAPSED = "lapsed", _("Lapsed")
    USED = "used", _("Used up")


class MandateEventKind(models.TextChoices):
    SUSPENDED = "suspended", _("Suspended")
    RESUMED = "resumed", _("Resumed")


class ItemEventKind(models.TextChoices):
    """What banks said of one direct debit: before its day, and when it was booked."""

    ACCEPTED = "accepted", _("Accepted by the bank")
    REJECTED = "rejected", _("Refused by the bank")
    COLLECTED = "collected", _("Collected")
    RETURNED = "returned", _("Returned")


class CollectionState(models.TextChoices):
    """How far a collection is."""

    PROPOSED = "proposed", _("Waiting for a decision")
    REFUSED = "refused", _("Refused")
    APPROVED = "approved", _("Approved")
    FILED = "filed", _("File written")


def lapses_on(last_used: date) -> date:
    """The first day on which a mandate last used (or signed) on a day is void."""
    month = last_used.month - 1 + LAPSES_AFTER_MONTHS
    year, month = last_used.year + month // 12, month % 12 + 1
    day = last_used.day
    while True:
        try:
            return date.fromordinal(date(year, month, day).toordinal() + 1)
        except ValueError:
            day -= 1
