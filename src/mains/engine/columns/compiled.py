"""A set of tariffs made ready for columns: versions grouped by structure, prices laid out as cells to be
gathered by number.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mains.engine.tariff.model import (
    ANY,
    COMPONENT_KINDS,
    ZONE_KEY,
    Cell,
    Component,
    Rounding,
    Table,
    Tariff,
    Version,
)

KINDS = (*COMPONENT_KINDS, "rounding")
MISSING = -1


@dataclass(frozen=True)
class Structure:
    """Everything about a version except its prices. Items of equal structure are computed together, whatever
    their tariff.
    """

    components: tuple[Component, ...]
    printed_order: tuple[str, ...]
    computing_order: tuple[str, ...]
    total_rounding: Rounding | None
    minor_unit: Fraction
    posting_scale: int
    defaults: tuple[tuple[str, Fraction | str | bool | None], ...]

    @cached_property
    def by_name(self) -> Mapping[str, Component]:
        return {component.name: component for component in self.components}


@dataclass(frozen=True)
class Layout:
    """Where the cells of one table lie for each version: `base[version] + Σ code × stride[version, key]`, in
    `cell_numbers`.
    """

    keys: tuple[str, ...]
    base: npt.NDArray[np.int64]
    strides: npt.NDArray[np.int64]
    cell_numbers: npt.NDArray[np.int64]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Edition:
    """One version of one tariff, with the number of its structure."""

    tariff: Tariff
    version: Version
    structure: int


class TariffSet:
    """Tariffs compiled together. Build with `compile_tariffs`, keep, and pass to `rate_columns`."""

    def __init__(self, tariffs: Iterable[Tariff]) -> None:
        self.tariffs = tuple(tariffs)
        self.by_code = {tariff.code: tariff for tariff in self.tariffs}
        if len(self.by_code) < len(self.tariffs):
            raise ValueError("Two tariffs of the set have one code.")
        structures: dict[object, int] = {}
        self.structures: list[Structure] = []
        self.editions: list[Edition] = []
        self.edition_number: dict[tuple[str, date], int] = {}
        for tariff in self.tariffs:
            for version in tariff.versions:
                key, structure = _structure(tariff, version)
                number = structures.setdefault(key, len(structures))
                if number == len(self.structures):
                    self.structures.append(structure)
                self.edition_number[tariff.code, version.valid_from] = len(self.editions)
                self.editions.append(Edition(tariff, version, number))
        self._layouts: dict[tuple[str, str | None], Layout] = {}

    # --- what frames must carry

    def _named(self, kind: str) -> tuple[str, ...]:
        return tuple(
            sorted(
                {
                    name
                    for tariff in self.tariffs
                    for name in tariff.read_attributes
                    if tariff.attributes[name].kind == kind
                }
            )
        )

    @cached_property
    def text_attributes(self) -> tuple[str, ...]:
        return self._named("text")

    @cached_property
    def number_attributes(self) -> tuple[str, ...]:
        return self._named("number")

    @cached_property
    def flag_attributes(self) -> tuple[str, ...]:
        return self._named("flag")

    @cached_property
    def zones(self) -> tuple[str, ...]:
        return tuple(sorted({zone for tariff in self.tariffs for zone in tariff.zones}))

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        return tuple(sorted({name for tariff in self.tariffs for name in tariff.quantities}))

    @cached_property
    def components(self) -> tuple[str, ...]:
        """Every component name, with `rounding` last."""
        names = dict.fromkeys(name for tariff in self.tariffs for name in tariff.printed_order)
        return (*names, "rounding")

    # --- price cells

    @cached_property
    def vocabulary(self) -> Mapping[str, tuple[str, ...]]:
        """The values that any table is kept by, for each key; the code of any other value is one past the
        last.
        """
        values: dict[str, dict[str, None]] = {}
        for table in self._tables:
            for key in table.cells:
                for name, value in zip(table.keys, key, strict=True):
                    values.setdefault(name, {})
                    if value != ANY:
                        values[name].setdefault(value)
        return {name: tuple(sorted(known)) for name, known in values.items()}

    @property
    def _tables(self) -> Iterable[Table]:
        return (table for edition in self.editions for table in edition.version.tables.values())

    def layout(self, name: str, zone: str | None) -> Layout:
        """Cells of the table `name` over all editions; editions without the table have none."""
        found = self._layouts.get((name, zone))
        if found is None:
            found = self._layouts[name, zone] = self._lay_out(name, zone)
        return found

    def _lay_out(self, name: str, zone: str | None) -> Layout:
        tables = [edition.version.tables.get(name) for edition in self.editions]
        keys = tuple(
            sorted({key for table in tables if table is not None for key in table.keys if key != ZONE_KEY})
        )
        cells: dict[Cell, int] = {}
        base = np.zeros(len(tables), dtype=np.int64)
        strides = np.zeros((len(tables), len(keys)), dtype=np.int64)
        blocks: list[npt.NDArray[np.int64]] = []
        at = 0
        for number, table in enumerate(tables):
            base[number] = at
            block = self._block(table, zone, cells)
            if table is not None:
                own = [key for key in table.keys if key != ZONE_KEY]
                for axis, key in enumerate(own):
                    strides[number, keys.index(key)] = int(np.prod(block.shape[axis + 1 :], dtype=np.int64))
            blocks.append(block.ravel())
            at += block.size
        return Layout(keys, base, strides, np.concatenate(blocks), tuple(cells))

    def _block(self, table: Table | None, zone: str | None, cells: dict[Cell, int]) -> npt.NDArray[np.int64]:
        """Cell numbers of one table, an axis per key; broad entries are written first and finer ones over
        them.
        """
        if table is None:
            return np.full((), MISSING, dtype=np.int64)
        own = [key for key in table.keys if key != ZONE_KEY]
        block = np.full([len(self.vocabulary[key]) + 1 for key in own], MISSING, dtype=np.int64)
        for key, cell in sorted(
            table.cells.items(), key=lambda entry: tuple(part == ANY for part in entry[0]), reverse=True
        ):
            at: list[slice | int] = []
            fits = True
            for name, value in zip(table.keys, key, strict=True):
                if name == ZONE_KEY:
                    fits = fits and value in (zone, ANY)
                else:
                    at.append(slice(None) if value == ANY else self.vocabulary[name].index(value))
            if fits:
                block[tuple(at)] = cells.setdefault(cell, len(cells))
        return block


def compile_tariffs(tariffs: Iterable[Tariff]) -> TariffSet:
    """Tariffs ready for `rate_columns`. Raises ValueError when two have the same code."""
    return TariffSet(tariffs)


def _structure(tariff: Tariff, version: Version) -> tuple[object, Structure]:
    defaults = tuple((name, tariff.attributes[name].default) for name in tariff.read_attributes)
    structure = Structure(
        components=version.components,
        printed_order=tariff.printed_order,
        computing_order=tariff.computing_order,
        total_rounding=version.total_rounding,
        minor_unit=tariff.minor_unit,
        posting_scale=tariff.posting_scale,
        defaults=defaults,
    )
    formulas = tuple(
        (
            c.name,
            c.kind,
            c.formula,
            c.condition,
            c.quantity,
            c.unit,
            c.on_change,
            c.cut,
            c.figure,
            c.each,
            c.rounding,
            c.average_rounding,
        )
        for c in version.components
    )
    tables = tuple(sorted((name, table.tiered) for name, table in version.tables.items()))
    key = (
        formulas,
        tables,
        tariff.printed_order,
        tariff.computing_order,
        version.total_rounding,
        tariff.minor_digits,
        defaults,
    )
    return key, structure
