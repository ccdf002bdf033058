"""How use runs through the demo's days: load shapes of real meters, and each register's share of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.packs import shapes
from mains.packs.definition import BillingCalendar, add_months
from mains.packs.population.draws import Draws, Integers

YEAR_PARTS = 100_000_000
Dates = NDArray[np.datetime64]
ZoneHours = Mapping[str, Sequence[Sequence[int]]]


@dataclass(frozen=True)
class Demand:
    """`until[shape, day]`: use until the end of day `first_day + day`, in 10^-8 of the shape's year.

    `zone_shares[shape][zones]`: ten-thousandths of each register, by month of the year (12 × registers).
    """

    first_day: date
    months: tuple[date, ...]
    until: Integers
    zone_shares: tuple[dict[str, Integers], ...]

    @property
    def shape_count(self) -> int:
        return len(self.until)

    def month_weights(self) -> dict[date, int]:
        """What each month has of the mean month of the first shape, in millionths."""
        last = self.until.shape[1] - 1
        starts = [(month - self.first_day).days for month in self.months] + [last]
        parts = np.diff(self.until[0, starts])
        return {
            month: int(part) * 12 // (YEAR_PARTS // 1_000_000)
            for month, part in zip(self.months, parts, strict=True)
        }

    def day_index(self, days: Dates) -> Integers:
        """Columns of `until` for the ends of those days; days before the first count as before all use."""
        index = (days - np.datetime64(self.first_day, "D")).astype(np.int64) + 1
        clipped: Integers = np.clip(index, 0, self.until.shape[1] - 1)
        return clipped

    def month_index(self, days: Dates) -> Integers:
        """Positions in `months`; days before the first month count as its start."""
        first = np.datetime64(self.first_day, "M").astype(np.int64)
        index = days.astype("datetime64[M]").astype(np.int64) - first
        clipped: Integers = np.clip(index, 0, len(self.months) - 1)
        return clipped


@dataclass(frozen=True)
class RegisterUse:
    """Cumulative use of registers: `before[register, month]` and `part[register, month]` in 10^-8 of a year,
    and the year's use in Wh.
    """

    demand: Demand
    shape: Integers
    before: Integers
    part: Integers
    year_wh: Integers

    def until(self, register: Integers, days: Dates) -> Integers:
        """Wh used until the end of those days, since the demo's first day."""
        month = self.demand.month_index(days)
        first = self._month_start(month)
        shape = self.shape[register]
        within = self.demand.until[shape, self.demand.day_index(days)] - self.demand.until[shape, first]
        parts = self.before[register, month] + within * self.part[register, month] // 1_000_000
        return parts * self.year_wh[register] // YEAR_PARTS

    def _month_start(self, month: Integers) -> Integers:
        starts = np.array(
            [(item - self.demand.first_day).days for item in self.demand.months], dtype=np.int64
        )
        return starts[month]


def make_demand(
    *,
    calendar: BillingCalendar,
    shape_codes: Sequence[str],
    zone_hours: ZoneHours,
    season: tuple[str, str] | None = None,
) -> Demand:
    """Lay the load shapes of real meters over the demo's days; `zone_hours` are the hours of each register by
    zones. With a `season` (first and last day, month-day) nothing is used outside it.
    """
    rows = shapes.daily_weights()
    weights = np.array(
        [rows.row(by_predicate=pl.col("shape_code") == code)[1] for code in shape_codes], dtype=np.int64
    )
    if season is not None:
        weights = np.where(_in_season(season)[None, :], weights, 0)
    first, last = calendar.history_from, add_months(calendar.months[-1], 1)
    days = [first + timedelta(days=number) for number in range((last - first).days)]
    columns = np.array([_day_of_leap_year(day) for day in days], dtype=np.int64)
    year = weights.sum(axis=1, keepdims=True)
    until = np.cumsum(weights[:, columns], axis=1) * YEAR_PARTS // year
    until = np.concatenate((np.zeros((len(weights), 1), dtype=np.int64), until), axis=1)
    count = calendar.history_months + len(calendar.months)
    return Demand(
        first_day=first,
        months=tuple(add_months(first, number) for number in range(count)),
        until=until,
        zone_shares=tuple(_zone_shares(code, zone_hours) for code in shape_codes),
    )


def _in_season(season: tuple[str, str]) -> NDArray[np.bool_]:
    """For each day of a leap year whether it lies in a season, which may cross the end of the year."""
    first, last = (_day_of_leap_year(date.fromisoformat(f"2024-{day}")) for day in season)
    days = np.arange(366)
    return (days >= first) & (days <= last) if first <= last else (days >= first) | (days <= last)


def _zone_shares(shape_code: str, zone_hours: ZoneHours) -> dict[str, Integers]:
    shares = {}
    for zones, hours in zone_hours.items():
        named = {str(place): list(register) for place, register in enumerate(hours)}
        table = shapes.zone_shares(zones=named).filter(pl.col("shape_code") == shape_code).sort("month")
        shares[zones] = table.select(list(named)).to_numpy().astype(np.int64)
    return shares


def _day_of_leap_year(day: date) -> int:
    return (date(2024, day.month, day.day) - date(2024, 1, 1)).days


def register_use(
    demand: Demand,
    *,
    shape: Integers,
    zones: NDArray[np.object_],
    position_in_meter: Integers,
    monthly_kwh: Integers,
    ends_on: Dates,
    percent: Integers,
    draws: Draws,
) -> RegisterUse:
    """Use of registers: the shape, more or less month by month, times the register's share of its meter.

    `percent` of it: 100 where a register counts what is drawn, more or less where it counts what is fed in.

    From the month after `ends_on` (NaT: never) nobody lives there and the meter stands still.
    """
    count, months = len(shape), len(demand.months)
    # Every register of a meter varies alike only as far as its shape says: households shift their use.
    part = draws.integers(800, 1200, count * months).reshape(count, months) * 1000
    number_of_month = np.array([month.month - 1 for month in demand.months], dtype=np.int64)
    for number, shares in enumerate(demand.zone_shares):
        for name, table in shares.items():
            rows = np.flatnonzero((shape == number) & (zones == name))
            part[rows] = part[rows] * table[number_of_month[None, :], position_in_meter[rows, None]] // 10_000
    part = part * percent[:, None] // 100
    ended = ~np.isnat(ends_on)
    month = np.array(demand.months, dtype="datetime64[D]")
    part[(month[None, :] > ends_on[:, None]) & ended[:, None]] = 0
    edges = np.array(
        [(month - demand.first_day).days for month in demand.months] + [demand.until.shape[1] - 1],
        dtype=np.int64,
    )
    of_month = np.diff(demand.until[:, edges], axis=1)[shape] * part // 1_000_000
    before = np.cumsum(of_month, axis=1) - of_month
    return RegisterUse(demand=demand, shape=shape, before=before, part=part, year_wh=monthly_kwh * 12_000)
