"""When which zone is in force, and what demands are measured: the clauses of a tariff that read interval data.

Times are minutes of the local day by the tariff's time zone. Frozen; checked by `time_of_use.py` and `demands.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property

from mains.engine.language.units import Unit

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY = "holiday"
DAY_KINDS = (*WEEKDAYS, HOLIDAY)
DAY_MINUTES = 24 * 60
# Parts of an hour that are whole minutes: energy of an interval times a whole number is its mean power per hour.
STEPS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
PER_PERIOD, PER_MONTH = "period", "month"
EACH_DAY, EACH_INTERVAL = "day", "interval"


@dataclass(frozen=True)
class Holiday:
    """One holiday: a single day (`day`), every year's (`month`, `month_day`), or the `nth` weekday of a month
    (−1: the last).
    """

    name: str
    day: date | None = None
    month: int = 0
    month_day: int = 0
    nth: int = 0
    weekday: int = 0

    def falls_on(self, day: date) -> bool:
        if self.day is not None:
            return day == self.day
        if day.month != self.month:
            return False
        if self.nth == 0:
            return day.day == self.month_day
        if day.weekday() != self.weekday:
            return False
        following = day + timedelta(days=7)
        return following.month != day.month if self.nth < 0 else (day.day - 1) // 7 + 1 == self.nth


@dataclass(frozen=True)
class Holidays:
    """Days which count as another kind of day. `years` are those which the single days were published for; None
    when there are no single days.
    """

    days: tuple[Holiday, ...] = ()
    kind: str = "sun"
    years: frozenset[int] | None = None

    def find(self, day: date) -> Holiday | None:
        return next((holiday for holiday in self.days if holiday.falls_on(day)), None)

    def kind_of(self, day: date) -> str:
        """Weekday of `day`, or what holidays count as."""
        return WEEKDAYS[day.weekday()] if self.find(day) is None else self.kind

    def cover(self, day: date) -> bool:
        """Whether the calendar was published for the year of `day`."""
        return self.years is None or day.year in self.years


@dataclass(frozen=True)
class Rule:
    """`zone` is in force in [from_minute, to_minute) on the named days; None for seasons or months means any.

    `text` is the rule as people read it, for explanations.
    """

    zone: str
    days: frozenset[str]
    seasons: frozenset[str] | None
    months: frozenset[int] | None
    from_minute: int
    to_minute: int
    text: str

    def holds(self, *, kind: str, season: str, month: int) -> bool:
        return (
            kind in self.days
            and (self.seasons is None or season in self.seasons)
            and (self.months is None or month in self.months)
        )


@dataclass(frozen=True)
class Schedule:
    """Zones of one version of the tariff. Every minute of every kind of day has exactly one; `rest` names the zone
    of all minutes without a rule.
    """

    zones: tuple[str, ...]
    rules: tuple[Rule, ...]
    rest: str | None
    holidays: Holidays

    def rules_of(self, *, kind: str, season: str, month: int) -> tuple[Rule, ...]:
        """Rules of one kind of day, by hour."""
        found = [rule for rule in self.rules if rule.holds(kind=kind, season=season, month=month)]
        return tuple(sorted(found, key=lambda rule: rule.from_minute))

    @cached_property
    def edges(self) -> frozenset[int]:
        """Minutes of the day at which the zone may change."""
        return frozenset(minute for rule in self.rules for minute in (rule.from_minute, rule.to_minute))

    def fits(self, step_minutes: int) -> bool:
        """Whether no change of zone falls inside an interval of that length."""
        return all(edge % step_minutes == 0 for edge in self.edges)

    def describe(self, zone: str) -> str:
        """The rules of a zone in words."""
        texts = dict.fromkeys(rule.text for rule in self.rules if rule.zone == zone)
        return "; ".join(texts) if zone != self.rest else "all other times"


TAKEN, FED_IN = "taken", "fed_in"


@dataclass(frozen=True)
class RegisterPart:
    """A quantity that is measured as a part of a register: its intervals in the zones (empty: any), and of these, with
    `only`, those that took from the network, or those that fed into it, as a positive figure.

    With `price` it is money: each interval times the price of its time in the series of that name, of which one unit is
    `price_size` of currency for a unit of the register; the sum of a day is kept to the nearest millionth, half up.
    """

    register: str
    zones: tuple[str, ...]
    only: str = ""
    price: str = ""
    price_unit: str = ""
    price_size: Fraction = Fraction(1)


def price_register(name: str) -> str:
    """Under which name the series of a price stands beside the registers."""
    return f"price:{name}"


@dataclass(frozen=True)
class Demand:
    """A measured maximum, read as the attribute `name`: the highest mean power of any `window_minutes` (None: of any
    interval) in the zones (empty: any), once per bill or per calendar month.

    `registers`: one, or active and reactive together, which give apparent power. With `peaks` it is the mean of so many
    highest ones, at most one `each` day, or of any intervals; of all where there are fewer.
    """

    name: str
    unit: Unit
    registers: tuple[str, ...]
    zones: tuple[str, ...]
    window_minutes: int | None
    per: str
    peaks: int = 1
    each: str = EACH_INTERVAL


@dataclass(frozen=True)
class Ratchet:
    """The highest `of` in the `months` calendar months before, read as the attribute `name`; `within` keeps only
    these months of the year (empty: all).
    """

    name: str
    unit: Unit
    of: str
    months: int
    within: frozenset[int]


Demands = Mapping[str, Demand | Ratchet]
