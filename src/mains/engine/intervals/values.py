"""Interval data of one account, and what becomes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from mains.engine.facts import DatedValue, Stretch
from mains.kernel.errors import MainsError

# Sums over MAX_INTERVALS of values below MAX_MICRO, and powers made of them, stay below 2^63.
MAX_MICRO = 2**45
MAX_INTERVALS = 2**17
# What use is worth on a day stays below it, in millionths of the currency.
MAX_WORTH_MICRO = 2**50


class UnableToMeasure(MainsError):
    """Interval data that do not cover the period, or do not fit the tariff's hours."""


@dataclass(frozen=True)
class IntervalSeries:
    """Use of one register in adjoining intervals of `step_minutes`, the first beginning at `start_at` (UTC).

    `micro` are millionths of the register's unit, each below `MAX_MICRO`. `source` names where they come from.
    """

    register: str
    start_at: datetime
    step_minutes: int
    micro: tuple[int, ...]
    source: str = ""
    names: tuple[str, ...] = ()
    """How each interval is called where it is kept; empty where none has a name."""


ESTIMATE_WEEKS = 4
"""A missing interval is taken for what the same register counted exactly one week earlier, or else two, three or four
weeks earlier, where that was measured. Beyond that nothing is taken for it."""


@dataclass(frozen=True)
class IntervalRow:
    """A stored row of one register: adjoining intervals from `start_at` (UTC) on, in millionths, None where one is
    missing. `row_id` and the place in the row, from 1, name an interval; `source` tells where the row comes from.
    `counted` is what a meter with a found error counted in their place, and `fault` what is known of that; both empty
    of others.
    """

    row_id: int
    register: str
    start_at: datetime
    step_minutes: int
    micro: tuple[int | None, ...]
    source: str = ""
    counted: tuple[int | None, ...] = ()
    fault: str = ""


# Demand → first day of a month → what was measured then, in millionths. None when nothing is known of the past.
History = Mapping[str, Mapping[date, int]] | None


@dataclass(frozen=True)
class Measured:
    """Use by zone and quantity in stretches of a day, and demands as dated attributes, as `Facts` take them."""

    use: Mapping[str, tuple[Stretch, ...]] = field(default_factory=dict)
    attributes: Mapping[str, tuple[DatedValue, ...]] = field(default_factory=dict)
