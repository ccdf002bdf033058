"""Words of settlement."""

from django.db import models
from django.utils.translation import gettext_lazy as _

MILLION = 1_000_000
"""Shares and fees are whole millionths: 2.5 % is 25,000."""


class Rounding(models.TextChoices):
    """How a fee becomes whole minor units; shares take the rest by the largest remainders."""

    HALF_UP = "half_up", _("half up")
    HALF_EVEN = "half_even", _("half to even")
    DOWN = "down", _("down")
    UP = "up", _("up")


class Cycle(models.TextChoices):
    """How often a party is paid."""

    DAILY = "daily", _("every day")
    WEEKLY = "weekly", _("every week")
    MONTHLY = "monthly", _("every month")


class SplitKind(models.TextChoices):
    """What a part of a payment is: a party's, or the agent's fee."""

    SHARE = "share", _("Passed on")
    FEE = "fee", _("Agent's fee")


class OrderState(models.TextChoices):
    """What has happened to a payment order. Refused and returned ones leave the money payable."""

    PREPARED = "prepared", _("waits for approval")
    APPROVED = "approved", _("sent to the bank")
    REFUSED = "refused", _("refused")
    ACCEPTED = "accepted", _("accepted by the bank")
    RETURNED = "returned", _("refused by the bank")
    BOOKED = "booked", _("paid")
