"""What a day's use is a share of, and how it is divided: by weights, by the day, corrected, or by an act."""

from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from operator import sub

from mains.engine.usage.exact.facts import DAY, MeterError, Part, Reading, UnmeteredUse, days_between

_HUNDRED_PERCENT = 10_000


@dataclass(slots=True)  # frozen ones take three times as long to make, and a replay makes ten a bill
class Sharing:
    """A total that is shared out over days from `starts` on, in proportion to their weights.

    The use up to any day is divided once and rounded down, so a day's use is a difference and the days sum to the
    total exactly. `register_id` is None for a norm.
    """

    quality: str
    register_id: int | None
    opening: Reading | None
    closing: Reading | None
    total: int
    whole: int
    starts: date
    shape: tuple[int, ...] | None = None

    def weight(self, first: date, end: date) -> int:
        """Weight of the days of [first, end)."""
        if self.shape is None:
            return end.toordinal() - first.toordinal()
        return sum(weight_of_day(self.shape, day) for day in days_between(first, end))

    def use(self, first: date, end: date) -> int:
        """Use in [first, end), in micro-units."""
        before = self.weight(self.starts, first)
        after = before + self.weight(first, end)
        return self.total * after // self.whole - self.total * before // self.whole

    def days(self, first: date, end: date) -> list[int]:
        """Use of each day of [first, end), in micro-units."""
        if self.shape is not None:
            return [self.use(day, day + DAY) for day in days_between(first, end)]
        begins, total, whole = first.toordinal(), self.total, self.whole
        before, count = begins - self.starts.toordinal(), end.toordinal() - begins
        if not total:
            return [0] * count
        upto = [total * weight // whole for weight in range(before, before + count + 1)]
        return [*map(sub, upto[1:], upto)]

    def part(self, day: date) -> Part:
        """The share of one day with its reasons."""
        before, own = self.weight(self.starts, day), self.weight(day, day + DAY)
        total, whole = self.total, self.whole
        return Part(
            quality=self.quality,
            use_micro=self.use(day, day + DAY),
            formula=f"floor({total} × {before + own} / {whole}) − floor({total} × {before} / {whole})",
            register_id=self.register_id,
            opening=self.opening,
            closing=self.closing,
            total_micro=total,
            weight_before=before,
            weight_day=own,
            weight_total=whole,
        )


@dataclass(slots=True)
class DailyNorm(Sharing):
    """The same use every day."""

    def use(self, first: date, end: date) -> int:
        return self.total * (end - first).days

    def part(self, day: date) -> Part:
        return Part(
            self.quality,
            self.total,
            f"{self.total}",
            register_id=self.register_id,
            opening=self.opening,
            total_micro=self.total,
            weight_day=self.weight(day, day + DAY),
        )


@dataclass(slots=True, kw_only=True)
class Corrected(Sharing):
    """Days from `first` on of a stretch on which the meter had an error: what it counted since `first`, times
    100 % / (100 % + error), rounded down, and a day's use is the difference."""

    error: MeterError
    first: date

    @classmethod
    def of(cls, counted: Sharing, *, error: MeterError, first: date) -> "Corrected":
        return cls(
            counted.quality,
            counted.register_id,
            counted.opening,
            counted.closing,
            counted.total,
            counted.whole,
            counted.starts,
            counted.shape,
            error=error,
            first=first,
        )

    def use(self, first: date, end: date) -> int:
        return self._until(end) - self._until(first)

    def days(self, first: date, end: date) -> list[int]:
        upto = [self._until(day) for day in (*days_between(first, end), end)]
        return [later - earlier for earlier, later in pairwise(upto)]

    def part(self, day: date) -> Part:
        whole = _HUNDRED_PERCENT + self.error.percent_hundredths
        before, after = (Sharing.use(self, self.first, until) for until in (day, day + DAY))
        times = f"{_HUNDRED_PERCENT} / {whole}"
        return replace(
            Sharing.part(self, day),
            formula=f"floor({after} × {times}) − floor({before} × {times})",
            counted_micro=after - before,
            error=self.error,
        )

    def _until(self, day: date) -> int:
        counted = Sharing.use(self, self.first, day)
        return counted * _HUNDRED_PERCENT // (_HUNDRED_PERCENT + self.error.percent_hundredths)


@dataclass(slots=True, kw_only=True)
class OfAct(Sharing):
    """The amount of an act, evenly over its days."""

    act: UnmeteredUse

    @classmethod
    def of(cls, act: UnmeteredUse) -> "OfAct":
        days = (act.valid_to - act.valid_from).days
        return cls("U", None, None, None, act.amount_micro, days, act.valid_from, act=act)

    def part(self, day: date) -> Part:
        return replace(Sharing.part(self, day), act=self.act)


def weight_of_day(shape: tuple[int, ...], day: date) -> int:
    """Weight of a day in a shape of 366 places, where 29 February is passed over in ordinary years."""
    return shape[(date(2000, day.month, day.day) - date(2000, 1, 1)).days]
