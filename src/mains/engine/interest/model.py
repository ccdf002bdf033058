"""A checked rule of interest, and the open items it is applied to. Frozen; numbers exact; dates half-open."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from mains.engine.tariff.model import Rounding

BASES = ("unpaid", "original")
COUNTS = ("days", "months")
RATE_ON = ("day", "payment")
PAYMENT_DAY = ("counts", "free")
COMPOUND = ("never", "month", "year")
EACH = ("item", "step")
# A month that is not whole counts by its days, a thirtieth each.
DAYS_OF_A_MONTH = 30


@dataclass(frozen=True)
class DatedRate:
    """The rate in force from a day until the next one starts."""

    valid_from: date
    rate: Fraction


@dataclass(frozen=True)
class InterestStep:
    """Days overdue up to and including `upto` (None: all later ones) carry `factor` of the rate each."""

    name: str
    upto: int | None
    factor: Fraction


@dataclass(frozen=True)
class Moratorium:
    """Days in [from_date, to_date) carry nothing, and still count as days overdue."""

    from_date: date
    to_date: date


@dataclass(frozen=True)
class InterestRule:
    """How late money grows. The first day overdue is the day after the due date, and is number 1.

    A day carries base × rate × the factor of its step. `count` months: a whole month overdue carries that, a day
    of one that is not whole a thirtieth of it. `rate_on` payment: all days of a sum carry the rate in force on
    the day it is paid, or on the last day counted while it is not. `base` original: all of the item's amount until it
    is paid in full. `compound`: on the first day of each month or year, the rounded interest so far joins the base.
    `cap` limits an item's interest to a share of its amount.
    """

    code: str
    currency: str
    minor_digits: int
    rates: tuple[DatedRate, ...]
    steps: tuple[InterestStep, ...]
    moratoria: tuple[Moratorium, ...]
    base: str
    count: str
    rate_on: str
    payment_day: str
    compound: str
    each: str
    cap: Fraction | None
    rounding: Rounding
    source: str = ""

    @property
    def posting_scale(self) -> int:
        """Whole numbers of `amount_minor` in one unit of currency, as in a tariff."""
        return int(10 ** max(2, self.minor_digits))

    def find_rate(self, day: date) -> DatedRate | None:
        """The rate in force on `day`; None before the first."""
        at = bisect_right([rate.valid_from for rate in self.rates], day) - 1
        return self.rates[at] if at >= 0 else None


@dataclass(frozen=True)
class Payment:
    """Money received for an item, in minor units."""

    paid_date: date
    amount_minor: int
    source: str = ""


@dataclass(frozen=True)
class OpenItem:
    """A claim of `amount_minor`, due by the end of `due_date`, with what was paid towards it."""

    key: str
    amount_minor: int
    due_date: date
    payments: tuple[Payment, ...] = ()
    source: str = ""
