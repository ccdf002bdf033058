"""The highest mean power of some days, of many points at once."""

import numpy as np
import polars as pl

from mains.engine.columns.roots import half_up_root
from mains.engine.intervals.blocks import Block
from mains.engine.intervals.calendar import Ints
from mains.engine.tariff.schedule import EACH_DAY, Demand

_SMALL = 2**31


def highest_power(block: Block, demand: Demand, first: int, end: int) -> pl.Series:
    """Millionths by point over the days [first, end), which the block covers."""
    key = (demand.name, first, end)
    if key not in block.found:
        block.found[key] = _find(block, demand, first, end)
    return block.found[key]


def _find(block: Block, demand: Demand, first: int, end: int) -> pl.Series:
    calendar = block.calendar
    at, to = calendar.span(first, end)
    fold = (demand.window_minutes or calendar.step_minutes) // calendar.step_minutes
    factor = 60 // (fold * calendar.step_minutes)
    chosen = None
    if demand.zones:
        codes = np.array(calendar.zone_codes(demand.zones), dtype=np.int64)
        chosen = np.flatnonzero(np.isin(calendar.zone[at:to:fold], codes))
        if not len(chosen):
            return pl.Series([0], dtype=pl.Int64).new_from_index(0, len(block.points))
    energies = [_windows(block.values[register][:, at:to], fold, chosen) for register in demand.registers]
    if demand.peaks > 1:
        day = calendar.day[at:to:fold]
        return _mean_of_peaks(
            demand, [part * factor for part in energies], day if chosen is None else day[chosen]
        )
    if len(energies) == 1:
        return pl.Series(energies[0].max(axis=1) * factor)
    return _apparent(energies[0] * factor, energies[1] * factor)


def _mean_of_peaks(demand: Demand, powers: list[Ints], day: Ints) -> pl.Series:
    """Mean of the highest values of each row, to the nearest millionth, half up; of each day the highest at most."""
    size, width = powers[0].shape
    frame = pl.DataFrame({"row": np.repeat(np.arange(size), width), "day": np.tile(day, size)})
    flat = [pl.Series(part.ravel()).cast(pl.Int128) for part in powers]
    value = flat[0] if len(flat) == 1 else half_up_root(flat[0] * flat[0] + flat[1] * flat[1])
    frame = frame.with_columns(value=value.cast(pl.Int128))
    if demand.each == EACH_DAY:
        frame = frame.group_by("row", "day", maintain_order=True).agg(pl.col("value").max())
    top = pl.col("value").top_k(demand.peaks)
    means = frame.group_by("row", maintain_order=True).agg(
        mean=(2 * top.sum() + top.len().cast(pl.Int128)) // (2 * top.len().cast(pl.Int128))
    )
    return means["mean"].cast(pl.Int64)


def _windows(values: Ints, fold: int, chosen: Ints | None) -> Ints:
    """Energy of each window; windows begin at local hours, as the period does."""
    if fold > 1:
        values = values.reshape(len(values), -1, fold).sum(axis=2)
    return values if chosen is None else values[:, chosen]


def _apparent(active: Ints, reactive: Ints) -> pl.Series:
    """Root of the largest sum of squares of each row. Squares beyond 64 bits are counted in 128."""
    top = max(int(np.abs(part).max()) for part in (active, reactive))
    if top < _SMALL:
        squares = pl.Series((active * active + reactive * reactive).max(axis=1)).cast(pl.Int128)
        return half_up_root(squares)
    size, width = active.shape
    long, other = (pl.Series(part.ravel()).cast(pl.Int128) for part in (active, reactive))
    rows = pl.DataFrame({"row": np.repeat(np.arange(size), width), "square": long * long + other * other})
    return half_up_root(rows.group_by("row", maintain_order=True).agg(pl.col("square").max())["square"])
