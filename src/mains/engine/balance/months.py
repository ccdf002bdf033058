"""Days of many months side by side: a row for each thing and month, a column for each day of the longest month."""

from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.engine.balance.values import UnableToBalance

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
_LARGEST = 2**60
Element = TypeVar("Element", bound=np.generic)


@dataclass(frozen=True)
class Months:
    """The month of each row: its first day, counted from 1970, and how many days it has. What lies beyond them in a
    row of `width` days is nought and false everywhere."""

    first: Ints
    length: Ints
    width: int

    @staticmethod
    def of(months: pl.Series, width: int | None = None) -> "Months":
        """Of rows whose months (first days) are these; as wide as the longest of them unless told otherwise."""
        first = months.cast(pl.Int32).cast(pl.Int64).to_numpy()
        length = months.dt.days_in_month().cast(pl.Int64).to_numpy()
        return Months(first, length, max(length, default=0) if width is None else width)

    def within(self, frame: pl.DataFrame) -> "Months":
        """Of the rows of a frame with a column `month`, as wide as these."""
        return Months.of(frame["month"], self.width)

    @property
    def day(self) -> Ints:
        """The numbers of the days, from nought, as one row."""
        return np.arange(self.width, dtype=np.int64)[None, :]

    @property
    def is_day(self) -> Flags:
        """Rows × days: whether the month has the day."""
        held: Flags = self.day < self.length[:, None]
        return held

    def mask(self, frame: pl.DataFrame, start: str, end: str) -> Flags:
        """Rows × days: whether the row's half-open stretch holds the day of its month; a null end is open."""
        begins = _days(frame[start]).to_numpy() - self.first
        ends = np.minimum(
            _days(frame[end].fill_null(date.max)).to_numpy() - self.first,
            self.length,
        )
        held: Flags = np.logical_and(begins[:, None] <= self.day, self.day < ends[:, None])
        return held

    def matrix(self, lists: pl.Series) -> Ints:
        """Rows × days of a column of lists, one element per day of the row's month. Raises UnableToBalance."""
        flat = lists.explode(empty_as_null=False).to_numpy().astype(np.int64)
        spread: Ints = self.spread(flat)
        self._refuse_too_large(spread)
        return spread

    def letters(self, texts: pl.Series, wanted: str) -> Flags:
        """Rows × days of a column of texts, one letter per day of the row's month: whether it is one of those."""
        codes = np.frombuffer("".join(texts.to_list()).encode(), dtype=np.uint8)
        found: Flags = self.spread(np.isin(codes, np.frombuffer(wanted.encode(), dtype=np.uint8)))
        return found

    def flags(self, lists: pl.Series) -> Flags:
        """Rows × days of a column of lists of yes and no."""
        found: Flags = self.spread(lists.explode(empty_as_null=False).to_numpy().astype(np.bool_))
        return found

    def lists(self, days: Ints) -> pl.Series:
        """A column of lists, one element per day of the row's month."""
        if not days.size:
            return pl.Series([[]] * len(days), dtype=pl.List(pl.Int64))
        whole = pl.DataFrame({"days": pl.Series(days).arr.to_list(), "length": self.length})
        return whole.select(pl.col("days").list.head(pl.col("length"))).to_series()

    def spread(self, flat: NDArray[Element]) -> NDArray[Element]:
        """Elements of all rows one after the other, each in its place."""
        if (self.length == self.width).all():
            return flat.reshape(len(self.length), self.width)
        placed = np.zeros((len(self.length), self.width), dtype=flat.dtype)
        placed[self.is_day] = flat
        return placed

    def _refuse_too_large(self, values: Ints) -> None:
        """Use is summed over a node's members and the days of a month in 64 bits."""
        if _sum_of_sizes(values) <= _LARGEST:
            return
        if any(_sum_of_sizes(values[self.first == first]) > _LARGEST for first in np.unique(self.first)):
            raise UnableToBalance(
                code="balance-too-large",
                message="The use of these service points is too large to be added up.",
                remedy="Look for readings or multipliers that are far too high.",
            )


def _days(dates: pl.Series) -> pl.Series:
    return dates.cast(pl.Int32).cast(pl.Int64)


def _sum_of_sizes(values: Ints) -> int:
    return int(pl.Series(values.ravel()).cast(pl.Int128).abs().sum())
