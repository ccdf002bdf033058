"""Pieces of use: the stretches between readings, and the gaps that must be forecast.

A piece is a cumulative function over boundaries: floor(use × weight(anchor … boundary) / weight_total)
between its start and end. Everything that a meter or its history says about a month is a sum of pieces.
Where the meter counted wrongly (`error`), what it counted since the piece's start is divided once more.
"""

from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.engine.usage.chains import Chains
from mains.engine.usage.frames import (
    HUNDRED_PERCENT,
    QUALITY_LETTERS,
    UnableToComputeUsage,
    UsageRules,
)
from mains.engine.usage.weights import EVEN, DayWeights

Ints = NDArray[np.int64]
MEASURED, APPORTIONED, FORECAST, CLASS, NORM = (QUALITY_LETTERS.index(letter) for letter in "MAFCN")


@dataclass(frozen=True)
class Pieces:
    """Parallel arrays. Days from `start` to `end` (boundaries) get use by the rule of this module.

    `installation` is the row of the registers frame, `rank` the place in QUALITY_LETTERS; a NORM piece has no
    use of its own (weight_total 1). `opening` and `closing` are reading ids, 0 where none. Weights count from `anchor`,
    which lies before `start` in parts of a stretch; `error` is the meter's in hundredths of a percent, 0 where none.
    """

    installation: Ints
    anchor: Ints
    start: Ints
    end: Ints
    error: Ints
    use_micro: Ints
    weight_total: Ints
    shape: Ints
    rank: Ints
    opening: Ints
    closing: Ints

    def take(self, rows: Ints | NDArray[np.bool_] | slice) -> "Pieces":
        return Pieces(*(getattr(self, field.name)[rows] for field in fields(self)))

    @staticmethod
    def join(parts: list["Pieces"]) -> "Pieces":
        return Pieces(
            *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Pieces))
        )


@dataclass(frozen=True)
class Installations:
    """The registers frame as arrays: series number, first and last boundary (open ends at the month's end),
    shape.
    """

    series: Ints
    start: Ints
    end: Ints
    shape: Ints
    class_use_micro: Ints
    class_days: Ints


def stretch_pieces(*, chains: Chains, shape: Ints, weights: DayWeights) -> Pieces:
    """Every stretch between two readings of one installation. `shape` is per installation."""
    at = np.flatnonzero(chains.joined)
    start, end = chains.boundary[at], chains.boundary[at + 1]
    installation = chains.installation[at]
    chosen = shape[installation]
    total = weights.between(shape=chosen, start=start, end=end)
    weightless = total == 0
    return Pieces(
        installation=installation,
        anchor=start,
        start=start,
        end=end,
        error=np.zeros_like(start),
        use_micro=chains.use_micro[at],
        weight_total=np.where(weightless, end - start, total),
        shape=np.where(weightless, EVEN, chosen),
        rank=np.where(end - start == 1, MEASURED, APPORTIONED),
        opening=chains.reading_id[at],
        closing=chains.reading_id[at + 1],
    )


def gap_pieces(
    *,
    chains: Chains,
    stretches: Pieces,
    installations: Installations,
    month_start: int,
    month_end: int,
    rules: UsageRules,
    weights: DayWeights,
) -> Pieces:
    """The days of the month before an installation's first reading and after its last, forecast.

    The source of the rate is the series' own history, else the class average, else (rank NORM) the norm.
    """
    installation, start, end, opening = _gaps(
        chains=chains, installations=installations, month_start=month_start, month_end=month_end
    )
    history = _history(
        series=installations.series[installation],
        anchor=start,
        stretches=stretches,
        stretch_series=installations.series[stretches.installation],
        rules=rules,
        weights=weights,
    )
    own = (history["days"].to_numpy() >= rules.history_days_min) & (history["weight"].to_numpy() > 0)
    classed = ~own & (installations.class_days[installation] > 0)
    use = np.select(
        [own, classed], [history["use"].to_numpy(), installations.class_use_micro[installation]], 0
    )
    total = np.select(
        [own, classed], [history["weight"].to_numpy(), installations.class_days[installation]], 1
    )
    pieces = Pieces(
        installation=installation,
        anchor=start,
        start=start,
        end=end,
        error=np.zeros_like(start),
        use_micro=use,
        weight_total=total,
        shape=np.where(own, installations.shape[installation], EVEN),
        rank=np.select([own, classed], [FORECAST, CLASS], NORM),
        opening=opening,
        closing=np.zeros_like(opening),
    )
    _refuse_overflow(pieces, weights=weights)
    return pieces


def _gaps(
    *, chains: Chains, installations: Installations, month_start: int, month_end: int
) -> tuple[Ints, Ints, Ints, Ints]:
    """Installation, start, end and opening reading of each gap that overlaps the month; ends are cut at its
    end.
    """
    count = len(installations.start)
    first = np.full(count, np.iinfo(np.int64).max)
    last = np.full(count, -1)
    begins = np.flatnonzero(
        np.r_[True, chains.installation[1:] != chains.installation[:-1]][: len(chains.boundary)]
    )
    ends = np.r_[begins[1:], len(chains.boundary)][: len(begins)] - 1
    read = chains.installation[begins]
    first[read] = chains.boundary[begins]
    last[read] = ends
    has_reading = last >= 0
    rows = np.arange(count)
    lead_end = np.where(has_reading, first, installations.end)
    trail = rows[has_reading]
    installation = np.concatenate([rows, trail])
    start = np.concatenate([installations.start, chains.boundary[last[trail]]])
    end = np.minimum(np.concatenate([lead_end, installations.end[trail]]), month_end)
    opening = np.concatenate([np.zeros(count, dtype=np.int64), chains.reading_id[last[trail]]])
    inside = (end > month_start) & (start < end)
    return installation[inside], start[inside], end[inside], opening[inside]


def _history(
    *,
    series: Ints,
    anchor: Ints,
    stretches: Pieces,
    stretch_series: Ints,
    rules: UsageRules,
    weights: DayWeights,
) -> pl.DataFrame:
    """Use, weight and covered register days of each gap's series in the lookback before its anchor."""
    gaps = pl.DataFrame({"series": series, "anchor": anchor}).with_row_index("gap")
    spans = pl.DataFrame({"series": stretch_series, "start": stretches.start, "end": stretches.end})
    near = (
        gaps.join(spans.with_row_index("stretch"), on="series")
        .with_columns(back=pl.max_horizontal("start", pl.col("anchor") - rules.lookback_days))
        .with_columns(till=pl.min_horizontal("end", "anchor"))
        .filter(pl.col("back") < pl.col("till"))
    )
    part = stretches.take(near["stretch"].cast(pl.Int64).to_numpy())
    back, till = near["back"].to_numpy(), near["till"].to_numpy()
    use = used_until(part, till, weights=weights) - used_until(part, back, weights=weights)
    weight = weights.between(shape=part.shape, start=back, end=till)
    sums = (
        near.select("gap", days=pl.col("till") - pl.col("back"))
        .with_columns(use=pl.Series(use).cast(pl.Int128), weight=pl.Series(weight))
        .group_by("gap")
        .agg(pl.all().sum())
    )
    # A history beyond 64 bits is no history to forecast from; the null becomes a history of no days.
    sums = sums.filter(pl.col("use") < 2**62).with_columns(pl.col("use").cast(pl.Int64))
    return gaps.select("gap").join(sums, on="gap", how="left", maintain_order="left").fill_null(0)


def used_until(pieces: Pieces, until: Ints, *, weights: DayWeights) -> Ints:
    """Cumulative use of each piece at boundaries within it: one for each piece, or a row of them for each.

    Differences count: it begins at the anchor, or at the start where the meter has an error, whose use is
    floor(counted × 100 % / (100 % + error)).
    """
    by_row = (-1, *[1] * (until.ndim - 1))
    reach = weights.between(
        shape=pieces.shape.reshape(by_row), start=pieces.anchor.reshape(by_row), end=until
    )
    use = floor_share(pieces.use_micro.reshape(by_row), reach, pieces.weight_total.reshape(by_row))
    wrong = np.flatnonzero(pieces.error)
    if len(wrong):
        part = pieces.take(wrong)
        before = weights.between(shape=part.shape, start=part.anchor, end=part.start)
        counted_before = floor_share(part.use_micro, before, part.weight_total).reshape(by_row)
        whole = (HUNDRED_PERCENT + part.error).reshape(by_row)
        use[wrong] = floor_share(use[wrong] - counted_before, np.full_like(whole, HUNDRED_PERCENT), whole)
    return use


def floor_share(use_micro: Ints, weight: Ints, weight_total: Ints) -> Ints:
    """floor(use × weight / weight_total) without the product, which may not fit in 64 bits."""
    quotient, remainder = np.divmod(use_micro, weight_total)
    share: Ints = quotient * weight + remainder * weight // weight_total
    return share


def _refuse_overflow(pieces: Pieces, *, weights: DayWeights) -> None:
    reach = weights.between(shape=pieces.shape, start=pieces.start, end=pieces.end)
    safe = (pieces.use_micro // pieces.weight_total <= 2**61 // np.maximum(reach, 1)) & (
        pieces.weight_total < 2**31
    )
    if not safe.all():
        raise UnableToComputeUsage(
            code="usage-forecast-too-large",
            message="A forecast exceeds what 64 bits can hold.",
            place=f"opening reading {int(pieces.opening[~safe][0])}",
            remedy="Correct the readings that this register's history rests on, or the average of its class.",
        )
