"""From pieces to the month's days: use, quality and origin of every series and day, as matrices.

A matrix has one row per series and one column per day. Work goes through blocks of points, so that memory
stays small whatever the size of the slice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from mains.engine.usage.frames import LETTERS_WITH_ACT, QUALITY_LETTERS
from mains.engine.usage.gaps import APPORTIONED, NORM, Pieces, floor_share, used_until
from mains.engine.usage.weights import DayWeights

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
_NOWHERE = -1


@dataclass(frozen=True)
class Spans:
    """Periods of rows: `row` is a series or point number, `start` and `end` are boundaries. Sorted by row."""

    row: Ints
    start: Ints
    end: Ints

    def within(self, low: int, high: int) -> "Spans":
        part = slice(*np.searchsorted(self.row, [low, high]))
        return Spans(self.row[part] - low, self.start[part], self.end[part])


@dataclass(frozen=True)
class Norms:
    """Dated norms, sorted by series. `monthly` ones are shared out over the calendar month."""

    spans: Spans
    amount_micro: Ints
    monthly: Flags

    def within(self, low: int, high: int) -> "Norms":
        part = slice(*np.searchsorted(self.spans.row, [low, high]))
        return Norms(self.spans.within(low, high), self.amount_micro[part], self.monthly[part])


@dataclass(frozen=True)
class Acts:
    """Use by acts, sorted by series: each amount is shared out evenly over its span."""

    spans: Spans
    amount_micro: Ints

    def within(self, low: int, high: int) -> "Acts":
        part = slice(*np.searchsorted(self.spans.row, [low, high]))
        return Acts(self.spans.within(low, high), self.amount_micro[part])


@dataclass(frozen=True)
class Calendar:
    """The month's day boundaries (n + 1), and each day's number in its calendar month with that month's
    length.
    """

    boundaries: Ints
    day_of_month: Ints
    month_days: Ints

    @property
    def days(self) -> Ints:
        return self.boundaries[:-1]


@dataclass(frozen=True)
class Layout:
    """Which series stand where: sorted by point, `point[i]` the point's number, `total[i]` the total zone's
    series.
    """

    point: Ints
    total: Flags
    connected: Spans
    installed: Spans


@dataclass(frozen=True)
class DayRows:
    """Result of a block: matrices of series × day. `first` and `last` are piece numbers, -1 where none. `rank` is the
    place in QUALITY_LETTERS followed by LETTERS_WITH_ACT."""

    use_micro: Ints
    rank: NDArray[np.uint8]
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    metered: Flags
    connected: Flags


def fill_days(
    *,
    pieces: Pieces,
    piece_series: Ints,
    norms: Norms,
    acts: Acts,
    layout: Layout,
    calendar: Calendar,
    weights: DayWeights,
) -> DayRows:
    """Sum the pieces of each series by day. They come sorted by series, installation and start."""
    count, width = len(layout.point), len(calendar.days)
    points = int(layout.point[-1]) + 1
    connected = _covered(layout.connected, rows=points, calendar=calendar)[layout.point]
    metered = _covered(layout.installed, rows=points, calendar=calendar)[layout.point]
    norm_use, has_norm = _norm_days(norms, rows=count, calendar=calendar)

    reached = calendar.boundaries.clip(pieces.start[:, None], pieces.end[:, None])
    inside = reached[:, 1:] > reached[:, :-1]
    use = np.diff(used_until(pieces, reached, weights=weights), axis=1)
    guessed = np.flatnonzero(pieces.rank > APPORTIONED)
    inside[guessed] &= connected[piece_series[guessed]]
    normed = np.flatnonzero(pieces.rank == NORM)
    inside[normed] &= has_norm[piece_series[normed]]
    use[normed] = norm_use[piece_series[normed]]
    _guess_once(inside, rank=pieces.rank, piece_series=piece_series)
    use[guessed] *= inside[guessed]

    rows = DayRows(
        use_micro=np.zeros((count, width), dtype=np.int64),
        rank=np.zeros((count, width), dtype=np.uint8),
        first=np.full((count, width), _NOWHERE, dtype=np.int32),
        last=np.full((count, width), _NOWHERE, dtype=np.int32),
        metered=metered,
        connected=connected,
    )
    _reduce(rows, use=use, inside=inside, rank=pieces.rank, piece_series=piece_series)
    _norm_without_meter(rows, norm_use=norm_use, has_norm=has_norm, total=layout.total)
    _add_acts(rows, acts=acts, calendar=calendar)
    return rows


def _guess_once(inside: Flags, *, rank: Ints, piece_series: Ints) -> None:
    """Where pieces of one series meet on a day, a guess gives way to a stretch, and to a later guess."""
    guessed = rank > APPORTIONED
    if not guessed.any():
        return
    starts = _run_starts(piece_series)
    run = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(rank)]))
    rows = np.flatnonzero(_crowded(inside, run=run)[run])
    if not len(rows):
        return
    part, guess = inside[rows], guessed[rows][:, None]
    starts = _run_starts(piece_series[rows])
    lengths = np.diff(np.r_[starts, len(rows)])
    number = np.arange(len(rows))[:, None]
    latest = np.maximum.reduceat(np.where(part & guess, number, _NOWHERE), starts, axis=0)
    stretched = np.logical_or.reduceat(part & ~guess, starts, axis=0)
    winner = np.repeat(np.where(stretched, _NOWHERE, latest), lengths, axis=0)
    inside[rows] = part & (~guess | (winner == number))


def _crowded(inside: Flags, *, run: Ints) -> Flags:
    """Which runs of pieces have a day that lies in several of them."""
    taken = np.zeros((int(run[-1]) + 1, inside.shape[1]), dtype=np.bool_)
    crowded = np.zeros(len(taken), dtype=np.bool_)
    for layer in _layers(run):
        at, part = run[layer], inside[layer]
        crowded[at] |= (taken[at] & part).any(axis=1)
        taken[at] |= part
    return crowded


def _layers(run: Ints) -> Iterator[Ints]:
    """The first pieces of all runs, then the second ones, and so on: in a layer no run has more than one piece.

    Runs are short, and adding up layers is several times as fast as adding up each run by itself.
    """
    starts = _run_starts(run)
    place = np.arange(len(run)) - np.repeat(starts, np.diff(np.r_[starts, len(run)]))
    order = np.argsort(place, kind="stable")
    yield from np.split(order, np.cumsum(np.bincount(place))[:-1]) if len(run) else ()


def _run_starts(values: Ints) -> Ints:
    """Where each run of equal neighbours begins; of nothing, nothing."""
    return np.flatnonzero(np.r_[True, values[1:] != values[:-1]][: len(values)])


def _reduce(rows: DayRows, *, use: Ints, inside: Flags, rank: Ints, piece_series: Ints) -> None:
    """Add up the pieces of each series; several on one day give the weakest rank, the first and the last
    piece.
    """
    small_rank = rank.astype(np.uint8)
    for layer in _layers(piece_series):
        at, part = piece_series[layer], inside[layer]
        rows.use_micro[at] += use[layer]
        rows.rank[at] = np.maximum(rows.rank[at], part * small_rank[layer, None])
        number = layer.astype(np.int32)[:, None]
        last, first = rows.last[at], rows.first[at]
        rows.first[at] = np.where(part & (last == _NOWHERE), number, first)
        rows.last[at] = np.where(part, number, last)


def _norm_without_meter(rows: DayRows, *, norm_use: Ints, has_norm: Flags, total: Flags) -> None:
    """Give the total zone's norm to connected days on which the point has no meter at all."""
    bare = has_norm & rows.connected & ~rows.metered & total[:, None]
    rows.use_micro[bare] = norm_use[bare]
    rows.rank[bare] = NORM


def _add_acts(rows: DayRows, *, acts: Acts, calendar: Calendar) -> None:
    """Put the use by acts on top of everything else, on each day of their spans."""
    if not len(acts.amount_micro):
        return
    start, end = acts.spans.start[:, None], acts.spans.end[:, None]
    reached = calendar.boundaries.clip(start, end)
    use = np.diff(floor_share(acts.amount_micro[:, None], reached - start, end - start), axis=1)
    added = np.zeros(rows.rank.shape, dtype=np.bool_)
    np.add.at(rows.use_micro, acts.spans.row, use)
    np.logical_or.at(added, acts.spans.row, reached[:, 1:] > reached[:, :-1])
    rows.rank[added] += len(QUALITY_LETTERS)


def _covered(spans: Spans, *, rows: int, calendar: Calendar) -> Flags:
    """Which days of which row lie in at least one of its spans."""
    width = len(calendar.days)
    origin = int(calendar.boundaries[0])
    steps = np.zeros((rows, width + 1), dtype=np.int32)
    start = np.clip(spans.start - origin, 0, width)
    np.add.at(steps, (spans.row, start), 1)
    np.add.at(steps, (spans.row, np.maximum(np.clip(spans.end - origin, 0, width), start)), -1)
    covered: Flags = np.cumsum(steps[:, :-1], axis=1, dtype=np.int32) > 0
    return covered


def _norm_days(norms: Norms, *, rows: int, calendar: Calendar) -> tuple[Ints, Flags]:
    width = len(calendar.days)
    use = np.zeros((rows, width), dtype=np.int64)
    has = np.zeros((rows, width), dtype=np.bool_)
    if not len(norms.amount_micro):
        return use, has
    spans = norms.spans
    inside = (calendar.days >= spans.start[:, None]) & (calendar.days < spans.end[:, None])
    amount = norms.amount_micro[:, None]
    shared = floor_share(amount, calendar.day_of_month, calendar.month_days)
    shared -= floor_share(amount, calendar.day_of_month - 1, calendar.month_days)
    daily = np.where(norms.monthly[:, None], shared, amount) * inside
    starts = _run_starts(spans.row)
    present = spans.row[starts]
    if len(starts) < len(spans.row):
        daily, inside = np.add.reduceat(daily, starts, axis=0), np.logical_or.reduceat(inside, starts, axis=0)
    use[present], has[present] = daily, inside
    return use, has


def day_columns(*, rows: DayRows, keep: Ints, pieces: Pieces) -> dict[str, pl.Series]:
    """The contract's output columns for the series `keep` of a block."""
    use, rank = rows.use_micro[keep], rows.rank[keep]
    first, last = rows.first[keep], rows.last[keep]
    count, width = use.shape
    starts = np.ones((count, width), dtype=np.bool_)
    starts[:, 1:] = (
        (rank[:, 1:] != rank[:, :-1]) | (first[:, 1:] != first[:, :-1]) | (last[:, 1:] != last[:, :-1])
    )
    at = np.flatnonzero(starts)
    offsets = np.r_[0, np.cumsum(starts.sum(axis=1))]
    letters = np.frombuffer((QUALITY_LETTERS + LETTERS_WITH_ACT).encode(), dtype=np.uint8)
    opening = np.r_[pieces.opening, 0][first.ravel()[at]]
    closing = np.r_[pieces.closing, 0][last.ravel()[at]]
    day_offsets = np.arange(count + 1) * width
    return {
        "days_micro": _lists(day_offsets, use.ravel()),
        "total_micro": pl.Series(use.sum(axis=1)),
        "quality": _texts(day_offsets, letters[rank.ravel()]),
        "span_days": _lists(offsets, np.diff(np.r_[at, count * width]).astype(np.int16)),
        "span_quality": _texts(offsets, letters[rank.ravel()[at]]),
        "span_opening": _lists(offsets, opening),
        "span_closing": _lists(offsets, closing),
    }


def _lists(offsets: Ints, values: NDArray[np.generic]) -> pl.Series:
    return _series(pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values)))


def _texts(offsets: Ints, letters: NDArray[np.uint8]) -> pl.Series:
    return _series(
        pa.LargeStringArray.from_buffers(
            len(offsets) - 1,
            pa.py_buffer(offsets.astype(np.int64)),
            pa.py_buffer(np.ascontiguousarray(letters)),
        )
    )


def _series(array: pa.Array) -> pl.Series:
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series
