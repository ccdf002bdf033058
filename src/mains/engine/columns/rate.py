"""Rates whole frames: groups items by shape and structure, computes each group at once, lays the lines out in
order.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from mains.engine.columns.compiled import KINDS, Structure, TariffSet
from mains.engine.columns.components import GroupRater, Slot
from mains.engine.columns.fallback import rate_rows_exactly
from mains.engine.columns.frame import Prepared, prepare_frame
from mains.engine.columns.group import Group, Ints, Reasons
from mains.engine.columns.rational import TooLarge
from mains.engine.columns.runs import Runs, part_by_runs

# So few items are rated one by one when their numbers do not fit 128 bits.
_FEW = 16


_Part = tuple[pl.DataFrame, Mapping[int, tuple[str, str]]]


@dataclass(frozen=True)
class Rated:
    """Lines of the rated items and the items refused; see the README of the engine for the columns."""

    lines: pl.DataFrame
    refused: pl.DataFrame


def rate_columns(*, tariffs: TariffSet, segments: pl.DataFrame) -> Rated:
    """Rates every item of a segments frame; the column contract is in `mains/engine/README.md`.

    An item that cannot be rated is refused alone. Raises ValueError when the frame lacks a required column or
    type.
    """
    prepared = prepare_frame(tariffs=tariffs, segments=segments)
    refused = dict(prepared.refused)
    parts = []
    for rows in _groups(prepared):
        for lines, bad in _rate_group(prepared, rows):
            parts.append(lines)
            refused.update(bad)
    lines = pl.concat(parts) if parts else _layout(prepared, np.zeros((0, 1), dtype=np.int64), [])
    if len(parts) > 1:
        lines = lines.sort("item_id", maintain_order=True)
    schema = {"item_id": pl.Int64, "code": pl.String, "message": pl.String}
    ordered = [(item, *reason) for item, reason in sorted(refused.items())]
    return Rated(lines, pl.DataFrame(ordered, schema=schema, orient="row"))


def _groups(prepared: Prepared) -> Iterator[Ints]:
    """Rows [item, segment] of items with equally many segments of the same structures."""
    structure_of = np.array(
        [edition.structure for edition in prepared.frame.tariffs.editions], dtype=np.int64
    )
    keep = np.ones(len(prepared.item_ids), dtype=bool)
    if prepared.refused:
        keep = ~np.isin(prepared.item_ids, np.array(list(prepared.refused)))
    for count in np.unique(prepared.count[keep]).tolist():
        first = prepared.first_row[keep & (prepared.count == count)]
        rows = first[:, None] + np.arange(count)
        structures = structure_of[prepared.frame.edition[rows]]
        if (structures == structures[0]).all():
            yield rows
            continue
        # One column by itself, because rows are compared bytewise otherwise, which takes far longer.
        alike = structures[:, 0] if count == 1 else structures
        _, kinds = np.unique(alike, axis=0, return_inverse=True)
        for kind in range(int(kinds.max()) + 1):
            yield rows[kinds.ravel() == kind]


def _rate_group(prepared: Prepared, rows: Ints) -> Iterator[_Part]:
    """Lines and refused items of a group, parted by where changes cut the components."""
    frame = prepared.frame
    editions = frame.tariffs.editions
    structures = [frame.tariffs.structures[editions[int(frame.edition[row])].structure] for row in rows[0]]
    if rows.shape[1] == 1:
        yield from _rate_alike(prepared, rows, structures, {})
        return
    group = Group(frame=frame, rows=rows, reasons=Reasons())
    for places, runs in part_by_runs(group=group, structures=structures):
        yield from _rate_alike(prepared, rows[places], structures, runs)


def _rate_alike(
    prepared: Prepared, rows: Ints, structures: Sequence[Structure], runs: Runs
) -> Iterator[_Part]:
    """Where numbers grow too large, items are parted by size, down to exact fractions for a few."""
    frame, reasons = prepared.frame, Reasons()
    group = Group(frame=frame, rows=rows, reasons=reasons)
    rater = GroupRater(group=group, structures=structures, runs=runs)
    try:
        slots = rater.rate()
    except TooLarge:
        if len(rows) <= _FEW:
            yield rate_rows_exactly(frame=frame, rows=rows)
            return
        order = np.argsort(_size(prepared, rows), kind="stable")
        for half in np.array_split(order, 2):
            yield from _rate_alike(prepared, rows[np.sort(half)], structures, runs)
        return
    good = np.ones(len(rows), dtype=bool)
    bad: dict[int, tuple[str, str]] = {}
    if rater.bad is not None:
        numbers = np.broadcast_to(rater.bad.to_numpy(), len(rows))
        good = numbers == 0
        items = frame.columns["item_id"].to_numpy()[rows[:, 0]]
        bad = {int(items[at]): reasons.known[int(numbers[at]) - 1] for at in np.flatnonzero(~good)}
    yield _layout(prepared, rows, slots, good), bad


def _size(prepared: Prepared, rows: Ints) -> Ints:
    """The largest number that each item brings."""
    size = np.zeros(len(rows), dtype=np.int64)
    for name, series in prepared.frame.columns.items():
        if name.endswith("_micro"):
            values = np.abs(series.fill_null(0).to_numpy())
            size = np.maximum(size, values[rows].max(axis=1))
    return size


def _layout(
    prepared: Prepared, rows: Ints, slots: Sequence[Slot], good: np.typing.NDArray[np.bool_] | None = None
) -> pl.DataFrame:
    """Lines item by item: each slot is a column of a table [item, slot] that is read out row by row."""
    frame, size, width = prepared.frame, len(rows), len(slots)
    active, amount, quantity = (
        np.ones((size, width), dtype=bool),
        np.zeros((size, width), np.int64),
        np.zeros((size, width), np.int64),
    )
    first, end = np.zeros((size, width), np.int32), np.zeros((size, width), np.int32)
    for at, slot in enumerate(slots):
        if slot.active is not None:
            active[:, at] = slot.active.to_numpy()
        if slot.amount_minor is not None:
            amount[:, at] = slot.amount_minor.to_numpy()
        if slot.quantity_micro is not None:
            quantity[:, at] = slot.quantity_micro.to_numpy()
        first[:, at] = frame.from_day[rows[:, slot.run[0] if slot.run else 0]]
        end[:, at] = frame.to_day[rows[:, slot.run[-1] if slot.run else -1]]
    if good is not None:
        active &= good[:, None]
    mask = active.ravel()
    items = np.repeat(frame.columns["item_id"].to_numpy()[rows[:, 0]], width)[mask]
    place = np.tile(np.arange(width, dtype=np.uint32), size)[mask]
    names = frame.tariffs.components
    return pl.DataFrame(
        {
            "item_id": pl.Series(items, dtype=pl.Int64),
            "component": _enum([slot.component for slot in slots], place, names),
            "kind": _enum([slot.kind for slot in slots], place, KINDS),
            "segment": _by_slot([slot.run[0] if slot.run else -1 for slot in slots], place, pl.Int16),
            "from_date": pl.Series(first.ravel()[mask], dtype=pl.Int32).cast(pl.Date),
            "to_date": pl.Series(end.ravel()[mask], dtype=pl.Int32).cast(pl.Date),
            "quantity_micro": _known(
                quantity.ravel()[mask], [slot.quantity_micro is not None for slot in slots], place
            ),
            "amount_minor": _known(
                amount.ravel()[mask], [slot.amount_minor is not None for slot in slots], place
            ),
        }
    )


def _by_slot(
    values: Sequence[int], place: np.typing.NDArray[np.uint32], dtype: type[pl.DataType]
) -> pl.Series:
    return pl.Series(values, dtype=dtype).gather(pl.Series(place))


def _enum(values: Sequence[str], place: np.typing.NDArray[np.uint32], categories: Sequence[str]) -> pl.Series:
    return pl.Series(values, dtype=pl.Enum(list(categories))).gather(pl.Series(place))


def _known(values: Ints, known: Sequence[bool], place: np.typing.NDArray[np.uint32]) -> pl.Series:
    """Values, null in the slots that have none."""
    series = pl.Series(values, dtype=pl.Int64)
    if all(known):
        return series
    mask = pl.Series(np.array(known, dtype=bool)[place])
    return series.zip_with(mask, pl.Series([None], dtype=pl.Int64).new_from_index(0, len(series)))
