"""Words of the cash desk."""

from collections.abc import Mapping
from types import MappingProxyType

from django.db import models
from django.utils.translation import gettext_lazy as _

from mains.ledger.values import Control


class Means(models.TextChoices):
    """By what a customer pays at the desk. Of a card only the terminal's slip is kept."""

    CASH = "cash", _("Cash")
    CARD = "card", _("Card")


PLACE_OF_MEANS: Mapping[str, Control] = MappingProxyType(
    {Means.CASH: Control.CASH_DESK, Means.CARD: Control.CARDS}
)
"""Where the money is once it is taken."""


class MovementKind(models.TextChoices):
    """Cash that moves without a customer."""

    FROM_SAFE = "from_safe", _("Brought from the safe")
    TO_SAFE = "to_safe", _("Put into the safe")
    TO_BANK = "to_bank", _("Handed in to the bank")
    SHORT = "short", _("Short")
    OVER = "over", _("Over")
    SAFE_BROUGHT = "safe_brought", _("In the safe to begin with")
    SAFE_TO_BANK = "safe_to_bank", _("From the safe to the bank")


SIDES: Mapping[str, tuple[Control, Control]] = MappingProxyType(
    {
        MovementKind.FROM_SAFE: (Control.CASH_DESK, Control.SAFE),
        MovementKind.TO_SAFE: (Control.SAFE, Control.CASH_DESK),
        MovementKind.TO_BANK: (Control.IN_TRANSIT, Control.CASH_DESK),
        MovementKind.SHORT: (Control.CASH_DIFFERENCES, Control.CASH_DESK),
        MovementKind.OVER: (Control.CASH_DESK, Control.CASH_DIFFERENCES),
        MovementKind.SAFE_BROUGHT: (Control.SAFE, Control.OPENING),
        MovementKind.SAFE_TO_BANK: (Control.IN_TRANSIT, Control.SAFE),
    }
)
"""Where the cash goes (debit) and where it comes from (credit)."""


class VoidState(models.TextChoices):
    """A payment taken back in its own shift: at once, or when a supervisor agrees."""

    ASKED = "asked", _("Waits for a supervisor")
    DONE = "done", _("Taken back")
    REFUSED = "refused", _("Refused")


DENOMINATIONS_MINOR: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "RUB": (500_000, 200_000, 100_000, 50_000, 20_000, 10_000, 5_000, 1_000, 500, 200, 100, 50, 10),
        "TRY": (20_000, 10_000, 5_000, 2_000, 1_000, 500, 100, 50, 25, 10, 5),
        "CNY": (10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10),
        "NGN": (100_000, 50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50),
        "EUR": (20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 20, 10, 5, 2, 1),
        "USD": (10_000, 5_000, 2_000, 1_000, 500, 200, 100, 25, 10, 5, 1),
        "CHF": (100_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 20, 10, 5),
        "INR": (50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100),
        "KZT": (
            2_000_000,
            1_000_000,
            500_000,
            200_000,
            100_000,
            50_000,
            20_000,
            10_000,
            5_000,
            2_000,
            1_000,
            500,
        ),
        "PLN": (50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 20, 10, 5, 2, 1),
        "UAH": (100_000, 50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 10),
        "GBP": (5_000, 2_000, 1_000, 500, 200, 100, 50, 20, 10, 5, 2, 1),
    }
)
"""Notes and coins in use, in minor units, as the issuing central banks list them."""


_LARGEST_POWER = 8


def denominations_of(currency: str) -> tuple[int, ...]:
    """Notes and coins of a currency, largest first; where they are not listed, 1, 2 and 5 of every size from a million
    units down to a hundredth.
    """
    series = (digit * 10**power for power in range(_LARGEST_POWER, -1, -1) for digit in (5, 2, 1))
    return DENOMINATIONS_MINOR.get(currency) or tuple(series)
