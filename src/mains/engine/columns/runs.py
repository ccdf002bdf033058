"""Which segments are one to a component, for whole groups: items are parted by where their components are cut."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import polars as pl

from mains.engine.columns.compiled import Structure
from mains.engine.columns.group import Group, Ints
from mains.engine.facts import MICRO
from mains.engine.language import tree
from mains.engine.tariff.model import CALENDAR_CUTS, Component

Run = tuple[int, ...]
Runs = Mapping[str, tuple[Run, ...]]
Cuts = npt.NDArray[np.bool_]


def part_by_runs(*, group: Group, structures: Sequence[Structure]) -> Iterator[tuple[Ints, Runs]]:
    """Places of the items that share all runs, with the runs of each `split` component."""
    finder = _Finder(group, structures)
    names = [name for name in structures[-1].computing_order if finder.find(name)]
    by_calendar = [finder.unit_cuts(unit) for unit in finder.units]
    if not names and not by_calendar:
        yield np.arange(group.size), {}
        return
    cuts = np.concatenate([*(finder.cuts[name] for name in names), *by_calendar], axis=1)
    patterns, kinds = _distinct(cuts)
    width = group.segments - 1
    for kind, pattern in enumerate(patterns):
        runs = {name: _runs_of(pattern[at * width : (at + 1) * width]) for at, name in enumerate(names)}
        yield np.flatnonzero(kinds == kind), runs


def _distinct(cuts: Cuts) -> tuple[Cuts, Ints]:
    if (cuts == cuts[0]).all():
        return cuts[:1], np.zeros(len(cuts), dtype=np.int64)
    patterns, kinds = np.unique(cuts, axis=0, return_inverse=True)
    return patterns, kinds.ravel()


def _runs_of(pattern: npt.NDArray[np.bool_]) -> tuple[Run, ...]:
    runs: list[list[int]] = [[0]]
    for at, is_cut in enumerate(pattern.tolist(), start=1):
        if is_cut:
            runs.append([at])
        else:
            runs[-1].append(at)
    return tuple(tuple(run) for run in runs)


class _Finder:
    """`cuts[name][item, k]` tells whether the component is cut between segments k and k + 1."""

    def __init__(self, group: Group, structures: Sequence[Structure]) -> None:
        self._group = group
        self._structures = structures
        self._figures: set[str] = set()
        self.cuts: dict[str, Cuts] = {}
        self.units: dict[str, None] = {}
        """Units of the calendar that cut any component."""

    def find(self, name: str) -> bool:
        """Finds the cuts of a component; False when it is not split."""
        present = [structure.by_name.get(name) for structure in self._structures]
        last = next((component for component in reversed(present) if component is not None), None)
        if last is None:
            return False
        if last.cut in CALENDAR_CUTS:
            self.units.setdefault(last.cut)
        if last.on_change != "split":
            if last.figure and last.cut in CALENDAR_CUTS:
                self.cuts[name] = self.unit_cuts(last.cut)
                self._figures.add(name)
            return False
        columns = [self._between(present[at - 1], present[at], at) for at in range(1, len(present))]
        cuts = np.stack(columns, axis=1)
        if last.cut == "every":
            cuts[:] = True
        elif last.cut in CALENDAR_CUTS and last.figure:
            cuts |= self.unit_cuts(last.cut)
        for read in last.reads:
            if read in self._figures:
                cuts |= self.cuts[read]
        self.cuts[name] = cuts
        if last.figure:
            self._figures.add(name)
        return True

    def unit_cuts(self, unit: str) -> Cuts:
        """Where a month, quarter or year begins between two segments."""
        starts = self._group.unit_starts(unit)
        differs: Cuts = starts[:, 1:] != starts[:, :-1]
        return differs

    def _between(self, old: Component | None, new: Component | None, at: int) -> npt.NDArray[np.bool_]:
        size = self._group.size
        if old is None or new is None:
            return np.full(size, old is not new)
        if _formulas(old) != _formulas(new):
            return np.ones(size, dtype=bool)
        differs = np.zeros(size, dtype=bool)
        roots = [root for root in (new.formula, new.condition, new.quantity) if root is not None]
        for node in {node: None for root in roots for node in tree.walk(root)}:
            match node:
                case tree.Attribute():
                    differs |= self._attribute_differs(node, at)
                case tree.Parameter():
                    differs |= self._cell_differs(node.name, node.key, at)
                case tree.Tiered():
                    differs |= self._cell_differs(node.table, node.key, at)
        return differs

    def _cell_differs(self, name: str, zone: str | None, at: int) -> npt.NDArray[np.bool_]:
        before, after = (self._group.cell_numbers(name, zone, segment) for segment in (at - 1, at))
        return np.not_equal(before, after)

    def _attribute_differs(self, node: tree.Attribute, at: int) -> npt.NDArray[np.bool_]:
        name = f"{node.name}_micro" if node.kind == "number" else node.name
        before, after = self._group.column(name, at - 1), self._group.column(name, at)
        if before is None or after is None:
            return np.zeros(self._group.size, dtype=bool)
        default = dict(self._structures[at].defaults).get(node.name)
        if default is not None:
            before, after = (_filled(series, default=default) for series in (before, after))
        return before.ne_missing(after).to_numpy()


def _filled(series: pl.Series, *, default: Fraction | str | bool) -> pl.Series:
    if isinstance(default, Fraction):
        return series.fill_null(int(default * MICRO))
    if series.dtype not in (pl.String, pl.Boolean):
        series = series.cast(pl.String)
    return series.fill_null(default)


def _formulas(component: Component) -> tuple[object, ...]:
    return (component.formula, component.condition, component.quantity, component.rounding)
