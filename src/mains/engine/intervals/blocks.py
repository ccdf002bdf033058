"""Series of many points side by side: points whose registers begin at one time and count in one step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from mains.engine.intervals.calendar import Calendar, Ints, make_calendar
from mains.engine.intervals.values import MAX_INTERVALS, MAX_MICRO
from mains.engine.tariff.model import Tariff
from mains.engine.tariff.schedule import Demand


@dataclass(frozen=True)
class Block:
    """`values[register][point, interval]` in millionths. `fault` says why none of the points can be measured."""

    tariff: Tariff
    calendar: Calendar
    points: pl.Series
    values: Mapping[str, Ints]
    fault: tuple[str, str] | None
    # Maxima already found, by demand and days: months of a ratchet are asked for again and again.
    found: dict[object, pl.Series] = field(default_factory=dict)

    def knows(self, demand: Demand) -> bool:
        return all(register in self.values for register in demand.registers)


_SHAPE = ("register", "start_at", "step_minutes", "count", "has_gaps", "is_large")


def make_blocks(*, tariff: Tariff, intervals: pl.DataFrame) -> Iterator[Block]:
    """Blocks of all points of a frame `point_id, register, start_at, step_minutes, values_micro`."""
    if not len(intervals):
        return
    values = pl.col("values_micro").list
    counted = intervals.sort("point_id", "register").with_columns(
        count=values.len(),
        has_gaps=values.drop_nulls().list.len() < values.len(),
        is_large=(values.max() >= MAX_MICRO) | (values.min() <= -MAX_MICRO),
    )
    shapes = counted.group_by("point_id", maintain_order=True).agg(shape=pl.struct(*_SHAPE))
    for group in shapes.partition_by("shape", maintain_order=True):
        own = counted.join(group.select("point_id"), on="point_id", how="semi", maintain_order="left")
        yield _make_block(tariff, group["point_id"], own)


def _make_block(tariff: Tariff, points: pl.Series, own: pl.DataFrame) -> Block:
    first = own.row(0, named=True)
    calendar = make_calendar(
        tariff=tariff,
        start_at=first["start_at"],
        step_minutes=first["step_minutes"],
        count=first["count"],
    )
    fault = calendar.fault or _fault(own, len(points)) or _misfit(tariff, calendar)
    values: dict[str, Ints] = {}
    if fault is None:
        for (register, *_), rows in own.partition_by("register", as_dict=True, maintain_order=True).items():
            flat = rows["values_micro"].explode(empty_as_null=False).to_numpy()
            values[str(register)] = flat.reshape(len(points), first["count"])
    return Block(tariff, calendar, points, values, fault)


def _fault(own: pl.DataFrame, points: int) -> tuple[str, str] | None:
    """Why none of the points, which are alike in this, can be measured."""
    if own.select(pl.struct("start_at", "step_minutes", "count").n_unique()).item() > 1:
        return ("intervals-differ", "The registers of the point have intervals of different times.")
    if own["register"].n_unique() * points != len(own):
        return ("intervals-twice", "A register of the point has two series.")
    if own.row(0, named=True)["count"] > MAX_INTERVALS:
        return ("intervals-too-many", f"A series has more than {MAX_INTERVALS} intervals.")
    if own["has_gaps"].any():
        return ("intervals-missing", "Intervals are missing.")
    if own["is_large"].any():
        return ("amount-too-large", "An interval is too large.")
    return None


def _misfit(tariff: Tariff, calendar: Calendar) -> tuple[str, str] | None:
    """Why windows cannot be made: the clock moves or a zone begins inside one, or intervals do not fill it."""
    step = calendar.step_minutes
    schedules = [version.schedule for version in tariff.versions if version.schedule is not None]
    for demand in tariff.demands.values():
        window = demand.window_minutes or step if isinstance(demand, Demand) else step
        if window % step or not all(schedule.fits(window) for schedule in schedules):
            return ("interval-length", f"Intervals of {step} min do not make up windows of {window} min.")
        if any(shift % window for shift in calendar.shifts):
            return ("intervals-misaligned", f"The clock moves inside a window of {window} min.")
    return None
