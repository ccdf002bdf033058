"""Words of the balance context. Keys and negative rules carry the engine's values."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from mains.engine.balance import AllocationKey, NegativeRule
from mains.kernel.errors import MainsError


class Key(models.TextChoices):
    """By what a node's remainder is shared."""

    AREA = AllocationKey.AREA.value, _("By floor area")
    USE = AllocationKey.USE.value, _("By consumption")
    RESIDENTS = AllocationKey.RESIDENTS.value, _("By residents")
    EQUAL = AllocationKey.EQUAL.value, _("In equal parts")
    NONE = AllocationKey.NONE.value, _("Not shared: a loss")


class Negative(models.TextChoices):
    """What becomes of a month in which the members used more than their node."""

    GIVE_BACK = NegativeRule.GIVE_BACK.value, _("Given back by the same key")
    CARRY = NegativeRule.CARRY.value, _("Carried into the next month of the year")
    ZERO = NegativeRule.ZERO.value, _("Left out")


MEASURED_LETTERS = "IEMAFCmafc"
"""Days of a node's own meter that are balanced: measured, apportioned, forecast, class average, by intervals (some of
them estimated or not); small where an act adds to the day."""


class UnableToSetRule(MainsError):
    """The rule contradicts itself, or does not begin with a month."""


class UnableToShowBalance(MainsError):
    """There is no such node, or no balance of it."""
