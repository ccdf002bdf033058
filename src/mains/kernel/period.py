"""Half-open periods of local dates: from `start`, up to but not including `end`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Self

_DAY = timedelta(days=1)


def month_start(day: date) -> date:
    """First day of the day's month."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """First day of the month after the day's month."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


@dataclass(frozen=True, order=True)
class Period:
    """The days `start` … `end` - 1; never empty. Raises ValueError when `end` is not after `start`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"A period ends after it starts; {self.start} to {self.end} does not.")

    @classmethod
    def month(cls, day: date) -> Self:
        """The calendar month that holds `day`."""
        return cls(month_start(day), next_month(day))

    @classmethod
    def year(cls, year: int) -> Self:
        """A calendar year."""
        return cls(date(year, 1, 1), date(year + 1, 1, 1))

    @property
    def day_count(self) -> int:
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        return self.end - _DAY

    def days(self) -> Iterator[date]:
        """Every day, in order."""
        return (self.start + timedelta(days=offset) for offset in range(self.day_count))

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def covers(self, other: "Period") -> bool:
        """Whether every day of `other` is in this period."""
        return self.start <= other.start and other.end <= self.end

    def intersect(self, other: "Period") -> "Period | None":
        """The days that both have, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None

    def subtract(self, other: "Period") -> tuple["Period", ...]:
        """The days of this period that `other` has not: none, one or two periods."""
        pieces = ((self.start, min(self.end, other.start)), (max(self.start, other.end), self.end))
        return tuple(Period(start, end) for start, end in pieces if start < end)

    def split(self, cuts: Iterable[date]) -> tuple["Period", ...]:
        """The period cut before each of `cuts`, in order; cuts outside or at its ends change nothing."""
        inner = sorted({cut for cut in cuts if self.start < cut < self.end})
        edges = [self.start, *inner, self.end]
        return tuple(Period(start, end) for start, end in pairwise(edges))

    def months(self) -> tuple["Period", ...]:
        """The period cut at the first day of each month."""
        cuts = []
        cut = next_month(self.start)
        while cut < self.end:
            cuts.append(cut)
            cut = next_month(cut)
        return self.split(cuts)

    def __str__(self) -> str:
        return f"[{self.start}, {self.end})"
