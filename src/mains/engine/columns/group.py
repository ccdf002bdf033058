"""Items of one shape, side by side: what a formula reads of them, as columns of fractions.

A group holds `size` items of `segments` segments each; `rows[item, k]` is the row of segment k in the sorted
frame.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import lcm

import numpy as np
import numpy.typing as npt
import polars as pl

from mains.engine.calendar import start_of_unit
from mains.engine.columns import rational
from mains.engine.columns.compiled import MISSING, TariffSet
from mains.engine.columns.rational import Rational
from mains.engine.facts import MICRO
from mains.engine.tariff.model import SEASON_KEY, Cell

UNKNOWN = -2
Ints = npt.NDArray[np.int64]
_EPOCH = date(1970, 1, 1).toordinal()
# Above this a common denominator of day counts costs more than a column of denominators.
_COMMON_LIMIT = 10**7


class Reasons:
    """Why items are refused: numbered, so that a column of small integers can say it."""

    def __init__(self) -> None:
        self.known: list[tuple[str, str]] = []

    def number(self, code: str, message: str) -> int:
        if (code, message) not in self.known:
            self.known.append((code, message))
        return self.known.index((code, message)) + 1


@dataclass(frozen=True)
class Frame:
    """The checked segments frame, sorted by item and date, with its dates as days since 1970 and its editions
    numbered.
    """

    tariffs: TariffSet
    columns: Mapping[str, pl.Series]
    from_day: Ints
    to_day: Ints
    edition: Ints
    season: Ints


class Group:
    """Columnar reading of facts and prices, for a scope given by segment numbers."""

    def __init__(self, *, frame: Frame, rows: Ints, reasons: Reasons) -> None:
        self.frame = frame
        self.rows = rows
        self.reasons = reasons
        self.size, self.segments = rows.shape
        self.period = (frame.from_day[rows[:, 0]], frame.to_day[rows[:, -1]])
        self._whole_frame = rows.shape[1] == 1 and len(rows) == len(frame.edition)
        self._read: dict[object, Rational] = {}
        self._codes: dict[tuple[str, int], Ints] = {}
        self._units: dict[str, Ints] = {}

    def part(self, block: Sequence[int]) -> "Group":
        """The same items over some adjoining segments alone: a period of its own."""
        return Group(frame=self.frame, rows=self.rows[:, list(block)], reasons=self.reasons)

    # --- facts

    def column(self, name: str, at: int) -> pl.Series | None:
        """Column `name` in segment `at` of every item."""
        found = self.frame.columns.get(name)
        if found is None or self._whole_frame:
            return found
        return found.gather(pl.Series(self.rows[:, at]))

    def use(self, name: str, measured: Sequence[int]) -> Rational:
        """Column `name` (micro-units) summed over segments; a null is bad."""
        key = ("use", name, tuple(measured))
        if key not in self._read:
            total = self._micro(name, measured[0], "use-missing", f"{name} is missing.", None)
            for at in measured[1:]:
                total = rational.add(total, self._micro(name, at, "use-missing", f"{name} is missing.", None))
            self._read[key] = total
        return self._read[key]

    def number(self, name: str, at: int, default: Fraction | None) -> Rational:
        """A number attribute in one segment."""
        key = ("number", name, at)
        if key not in self._read:
            self._read[key] = self._micro(
                f"{name}_micro", at, "attribute-missing", f"The attribute {name} is missing.", default
            )
        return self._read[key]

    def _micro(self, name: str, at: int, code: str, message: str, default: Fraction | None) -> Rational:
        series = self.column(name, at)
        missing = pl.Series([self.reasons.number(code, message)], dtype=pl.Int16)
        if series is None:
            return rational.constant(default) if default is not None else rational.constant(0, bad=missing)
        if not series.null_count():
            return rational.column(series, scale=MICRO)
        gaps = series.is_null()
        value = rational.column(series.fill_null(0), scale=MICRO)
        return rational.pick(
            gaps,
            rational.constant(default) if default is not None else rational.constant(0, bad=missing),
            value,
        )

    def values(self, name: str, at: int, default: object) -> tuple[pl.Series, pl.Series | None]:
        """A text or yes/no attribute in one segment, and the reasons of rows that lack it."""
        series = self.column(name, at)
        if series is None:
            series = pl.Series([default], dtype=pl.Boolean if isinstance(default, bool) else pl.String)
        elif series.dtype not in (pl.Boolean, pl.String):
            series = series.cast(pl.String)
        if default is not None:
            return series.fill_null(default), None
        gaps = series.is_null()
        if not gaps.any():
            return series, None
        reason = self.reasons.number("attribute-missing", f"The attribute {name} is missing.")
        return series.fill_null(False if series.dtype == pl.Boolean else ""), gaps.cast(pl.Int16) * pl.Series(
            [reason], dtype=pl.Int16
        )

    # --- time

    def time(self, name: str, basis: Fraction, measured: Sequence[int]) -> Rational:
        """A length of time of the scope, as `tree.Time` names it."""
        key = ("time", name, basis, tuple(measured))
        if key not in self._read:
            first = self.frame.from_day[self.rows[:, measured[0]]]
            end = self.frame.to_day[self.rows[:, measured[-1]]]
            self._read[key] = self._time(name, basis, first, end)
        return self._read[key]

    def _time(self, name: str, basis: Fraction, first: Ints, end: Ints) -> Rational:
        days, whole = end - first, self.period[1] - self.period[0]
        match name:
            case "days":
                return _from_ints(days)
            case "period_days":
                return _from_ints(whole)
            case "period_from":
                return _from_ints(self.period[0])
            case "period_to":
                return _from_ints(self.period[1])
            case "share":
                return rational.divide(_from_ints(days), _from_ints(whole), reason=0)
            case "months_of" | "years_of":
                return rational.multiply(_from_ints(days), rational.constant(1 / basis))
        return _by_dates(first, end, _CALENDAR[name])

    def unit_starts(self, unit: str) -> Ints:
        """First day of the month, quarter or year in which each segment of each item begins."""
        if unit not in self._units:
            self._units[unit] = _unit_starts(self.frame.from_day[self.rows], unit)
        return self._units[unit]

    def beyond_unit(self, unit: str) -> pl.Series | None:
        """Reasons of items with a segment that is not cut where the unit ends."""
        beyond = (self.unit_starts(unit) != _unit_starts(self.frame.to_day[self.rows] - 1, unit)).any(axis=1)
        if not beyond.any():
            return None
        reason = self.reasons.number(
            "segments-not-cut", f"The segments of the item are not cut at every {unit}."
        )
        return pl.Series(np.where(beyond, reason, 0).astype(np.int16))

    def days_of(self, at: int) -> Rational:
        return self.time("days", Fraction(1), (at,))

    # --- prices

    def figure(self, name: str, zone: str | None, at: int) -> Rational:
        """A single price in one segment."""
        cells, numbers, bad = self._cells(name, zone, at)
        return _gather(
            [cell if isinstance(cell, Fraction) else cell[0].figure for cell in cells], numbers, bad
        )

    def tiers(self, name: str, zone: str | None, at: int) -> tuple[list[Rational], list[Rational]]:
        """Limits and figures of a table in one segment; tables with fewer tiers repeat their last figure."""
        cells, numbers, bad = self._cells(name, zone, at)
        shapes = [_tier_rows(cell) for cell in cells]
        count = max(len(shape) for shape in shapes)
        padded = [[*shape, *[(shape[-1][0], shape[-1][1])] * (count - len(shape))] for shape in shapes]
        limits = [_gather([shape[tier][0] for shape in padded], numbers, None) for tier in range(count - 1)]
        figures = [_gather([shape[tier][1] for shape in padded], numbers, bad) for tier in range(count)]
        return limits, figures

    def tiers_differ(self, name: str, zone: str | None, priced: Sequence[int]) -> pl.Series | None:
        """Reasons of items whose table has other numbers of tiers over time, and so no average."""
        counts = []
        for at in priced:
            cells, numbers, _ = self._cells(name, zone, at)
            counts.append(np.array([len(_tier_rows(cell)) for cell in cells], dtype=np.int64)[numbers])
        differ = np.any([count != counts[0] for count in counts[1:]], axis=0)
        if not differ.any():
            return None
        reason = self.reasons.number(
            "tiers-differ", f"The tiers of {name} differ in number and cannot be averaged."
        )
        return pl.Series(np.where(differ, reason, 0).astype(np.int16))

    def cell_numbers(self, name: str, zone: str | None, at: int) -> Ints:
        """Number of each item's cell; MISSING where the table has none, UNKNOWN where an attribute is missing."""
        layout = self.frame.tariffs.layout(name, zone)
        edition = self.frame.edition[self.rows[:, at]]
        index = layout.base[edition]
        unknown = np.zeros(len(edition), dtype=bool)
        for axis, key in enumerate(layout.keys):
            stride = layout.strides[edition, axis]
            if stride.any():
                codes = self._code(key, at)
                unknown |= (codes == MISSING) & (stride > 0)
                index = index + np.where(codes == MISSING, 0, codes) * stride
        numbers = layout.cell_numbers[index]
        return np.where(unknown, UNKNOWN, numbers) if unknown.any() else numbers

    def _cells(self, name: str, zone: str | None, at: int) -> tuple[list[Cell], Ints, pl.Series | None]:
        """Distinct cells in use, each item's place among them, and reasons of items without a cell."""
        layout = self.frame.tariffs.layout(name, zone)
        numbers = self.cell_numbers(name, zone, at)
        lacking = numbers < 0
        bad = self._lacking(name, numbers == UNKNOWN, numbers == MISSING)
        if lacking.any():
            numbers = np.where(lacking, 0, numbers)
        low, high = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
        if not layout.cells:
            return [Fraction(0)], np.zeros_like(numbers), bad
        return list(layout.cells[low : high + 1]), numbers - low, bad

    def _lacking(
        self, name: str, unknown: npt.NDArray[np.bool_], lacking: npt.NDArray[np.bool_]
    ) -> pl.Series | None:
        if not unknown.any() and not lacking.any():
            return None
        key = self.reasons.number(
            "attribute-missing", f"An attribute that the table {name} is kept by is missing."
        )
        cell = self.reasons.number(
            "value-missing", f"The table {name} has no value for the attributes of this item."
        )
        return pl.Series(np.where(unknown, key, np.where(lacking, cell, 0)).astype(np.int16))

    def _code(self, key: str, at: int) -> Ints:
        """Code of each item's value of a key, in the vocabulary of the tariffs; MISSING where it has none."""
        if (key, at) not in self._codes:
            self._codes[key, at] = (
                self.frame.season[self.rows[:, at]] if key == SEASON_KEY else self._attribute_code(key, at)
            )
        return self._codes[key, at]

    def _attribute_code(self, key: str, at: int) -> Ints:
        known = self.frame.tariffs.vocabulary[key]
        defaults = {
            tariff.attributes[key].default
            for tariff in self.frame.tariffs.tariffs
            if key in tariff.attributes
        }
        series = self.column(key, at)
        if series is None:
            series = pl.Series([None] * self.size, dtype=pl.String)
        if series.dtype == pl.Boolean:
            series = series.replace_strict({True: "true", False: "false"}, return_dtype=pl.String)
        elif series.dtype != pl.String:
            series = series.cast(pl.String)
        codes = series.replace_strict(
            list(known), list(range(len(known))), default=len(known), return_dtype=pl.Int64
        )
        numbers: Ints = codes.to_numpy().astype(np.int64, copy=True)
        gaps = series.is_null().to_numpy()
        if gaps.any():
            numbers[gaps] = self._default_codes(key, known, at)[gaps] if defaults != {None} else MISSING
        return numbers

    def _default_codes(self, key: str, known: Sequence[str], at: int) -> Ints:
        by_edition = []
        for edition in self.frame.tariffs.editions:
            kind = edition.tariff.attributes.get(key)
            default = None if kind is None else kind.default
            text = str(default).lower() if isinstance(default, bool) else default
            by_edition.append(
                MISSING if text is None else known.index(str(text)) if text in known else len(known)
            )
        return np.array(by_edition, dtype=np.int64)[self.frame.edition[self.rows[:, at]]]


def _unit_starts(days: Ints, unit: str) -> Ints:
    """First day of the unit of each day; worked out once for each day between the first and the last."""
    low, high = int(days.min()), int(days.max())
    firsts = [day_number(start_of_unit(_day(number), unit)) for number in range(low, high + 1)]
    starts: Ints = np.array(firsts, dtype=np.int64)[days - low]
    return starts


def _tier_rows(cell: Cell) -> list[tuple[Fraction, Fraction]]:
    """(limit, figure) of each tier; the last, which has no limit, repeats the one before."""
    if isinstance(cell, Fraction):
        return [(Fraction(0), cell)]
    limits = [tier.upto for tier in cell if tier.upto is not None]
    last = limits[-1] if limits else Fraction(0)
    return [(last if tier.upto is None else tier.upto, tier.figure) for tier in cell]


def _gather(values: Sequence[Fraction], numbers: Ints, bad: pl.Series | None) -> Rational:
    """`values[numbers]` over one denominator; one value alone stays a constant."""
    if len(set(values)) == 1:
        return rational.constant(values[0], bad=bad)
    scale = lcm(*(value.denominator for value in values))
    whole = [value.numerator * (scale // value.denominator) for value in values]
    top = max(map(abs, whole))
    if top >= 2**127:
        raise rational.TooLarge
    if top < 2**63:
        return Rational(pl.Series(np.array(whole, dtype=np.int64)[numbers]), scale, top, bad=bad)
    return Rational(pl.Series(whole, dtype=pl.Int128).gather(pl.Series(numbers)), scale, top, bad=bad)


def _from_ints(values: Ints) -> Rational:
    if len(values) and values.min() == values.max():
        return rational.constant(int(values[0]))
    return rational.column(pl.Series(values), scale=1)


def _by_dates(first: Ints, end: Ints, measure: Callable[[date, date], Fraction]) -> Rational:
    """A measure of each pair of dates, worked out once for each pair that occurs."""
    packed = first * 2**24 + (end - first)
    if len(packed) and packed.min() == packed.max():
        unique, places = packed[:1], np.zeros(len(packed), dtype=np.int64)
    else:
        unique, places = np.unique(packed, return_inverse=True)
    values = []
    for number in unique.tolist():
        start = number // 2**24
        values.append(measure(_day(start), _day(start + number % 2**24)))
    if len(set(values)) == 1 or lcm(*(value.denominator for value in values)) <= _COMMON_LIMIT:
        return _gather(values, places, None)
    over = pl.Series([value.numerator for value in values], dtype=pl.Int64).gather(pl.Series(places))
    under = pl.Series([value.denominator for value in values], dtype=pl.Int64).gather(pl.Series(places))
    return Rational(over, 1, max(abs(v.numerator) for v in values), under, max(v.denominator for v in values))


def day_number(day: date) -> int:
    """A date as the frame counts it: days since 1970."""
    return day.toordinal() - _EPOCH


def _day(number: int) -> date:
    return date.fromordinal(number + _EPOCH)


def _calendar_months(first: date, end: date) -> Fraction:
    """Months by the calendar, as the place of each end within its month: day d of a month of n days stands at
    (d − 1)/n.
    """
    return _month_place(end) - _month_place(first)


def _month_place(day: date) -> Fraction:
    return day.year * 12 + day.month + Fraction(day.day - 1, monthrange(day.year, day.month)[1])


def _whole_months(first: date, end: date) -> Fraction:
    count = (end.year - first.year) * 12 + end.month - first.month
    due = min(first.day, monthrange(end.year, end.month)[1])
    return Fraction(count if end.day >= due else count - 1)


_CALENDAR: Mapping[str, Callable[[date, date], Fraction]] = {
    "months": _calendar_months,
    "whole_months": _whole_months,
    "days_in_month": lambda first, _: Fraction(monthrange(first.year, first.month)[1]),
}
