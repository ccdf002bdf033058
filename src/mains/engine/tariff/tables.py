"""Price tables: `prices` of a version → `Table`s with exact cells in base units."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

from mains.engine.language.guesses import guess
from mains.engine.language.names import RESERVED
from mains.engine.language.units import NUMBER, Unit, UnitSystem
from mains.engine.tariff.clauses import Clause
from mains.engine.tariff.model import ANY, SEASON_KEY, ZONE_KEY, AttributeType, Cell, Table, Tier
from mains.engine.tariff.tiers import TierReader

_FLAG_WORDS = {"yes": "true", "no": "false", "true": "true", "false": "false"}
_FLAGS = ("true", "false")
# Larger tables are not looked through when read; a value they lack is refused when it is asked for.
_MAX_CHECKED = 10_000
_OWN_KEYS = ("unit", "limit_unit", "by", "values", "tiers", "value", "source", "note")


@dataclass(frozen=True)
class TableContext:
    """What tables may be kept by, and the units they are measured in."""

    units: UnitSystem
    attributes: Mapping[str, AttributeType]
    quantities: frozenset[str]
    seasons: frozenset[str]


def read_tables(prices: Clause, *, context: TableContext) -> dict[str, Table]:
    """All tables under a `prices` clause; faults go to the clause's problems."""
    tables = {}
    for name, clause in prices.entries():
        taken = {*context.attributes, *context.quantities}
        if not name.isidentifier() or name in RESERVED or name in taken:
            clause.refuse("name-taken", f"“{name}” cannot name a price.", refused_name(name, taken))
            continue
        table = _TableReader(name, clause, context).read()
        if table is not None:
            tables[name] = table
    return tables


def refused_name(name: str, taken: Iterable[str], *, kind: str = "price") -> str:
    """What to do about a name that cannot be used: a word of the language, another thing's name, or no word."""
    plain = re.sub(r"\W+", "_", name).strip("_") or kind
    if name in taken:
        return f"{name} is already the name of something else; take another, such as {plain}_{kind}."
    if name in RESERVED:
        return f"{name} is a word of the language; take another name, such as {plain}_{kind}."
    return f"Use letters, digits and _, such as {plain if plain.isidentifier() else f'{kind}_{plain}'}."


def names_fact(name: str) -> bool:
    """Whether a tariff can declare an attribute of this name."""
    return name.isidentifier() and name not in RESERVED and name not in (SEASON_KEY, ZONE_KEY)


def is_free_name(name: str, clause: Clause) -> bool:
    """Whether an attribute, a quantity or a demand can be called so; refused otherwise."""
    if names_fact(name):
        return True
    clause.refuse(
        "name-taken",
        f"“{name}” cannot be used as a name.",
        refused_name(name, (SEASON_KEY, ZONE_KEY), kind="fact"),
    )
    return False


class _TableReader:
    def __init__(self, name: str, clause: Clause, context: TableContext) -> None:
        self._name = name
        self._clause = clause
        self._context = context
        self._unit: Unit | None = None
        self._factor = Fraction(1)
        self._limit_unit = context.units.use
        self._limit_factor = Fraction(1)
        self._refused = False

    def read(self) -> Table | None:
        before = len(self._clause.problems.found)
        keys = self._keys()
        self._read_units()
        cells = dict(self._cells(keys))
        if len(self._clause.problems.found) > before:
            return None
        if not cells:
            self._clause.refuse(
                "missing-value",
                "The price has no value.",
                "Write `value: 3.61`, `tiers: […]` or the values of `by`.",
            )
            return None
        if self._unit is None and not isinstance(self._clause.value, Mapping):
            # A bare number is a plain figure; were it meant as a price, the formula's unit would not come out.
            self._unit = NUMBER
        if self._unit is None:
            self._clause.refuse(
                "missing-unit",
                f"“{self._name}” has no unit.",
                f"Write `unit: {self._context.units.currency}/{self._context.units.unit}`, or `unit: "
                "number` for a plain figure.",
            )
            return None
        tiered = any(isinstance(cell, tuple) for cell in cells.values())
        if tiered:
            cells = {
                key: cell if isinstance(cell, tuple) else (Tier(None, cell),) for key, cell in cells.items()
            }
        table = Table(self._name, self._unit, self._limit_unit, keys, tiered, cells)
        self._check_complete(table)
        return table

    def _check_complete(self, table: Table) -> None:
        """Refuses a table which lacks a value where all that can be asked for is declared."""
        positions = [self._known_values(key, at, table) for at, key in enumerate(table.keys)]
        if not all(positions) or prod(map(len, positions)) > _MAX_CHECKED:
            return
        for combination in product(*positions):
            if table.find_cell(combination) is None:
                self._clause.refuse(
                    "missing-value",
                    f"“{self._name}” has no value for {', '.join(combination)}.",
                    'Add it, or write "*" for any other.',
                )
                return

    def _known_values(self, key: str, at: int, table: Table) -> tuple[str, ...]:
        """Everything a table can be asked for under a key; empty when that is not declared."""
        if key == SEASON_KEY:
            return tuple(sorted(self._context.seasons))
        if key == ZONE_KEY:
            return tuple(dict.fromkeys(cell[at] for cell in table.cells if cell[at] != ANY))
        attribute = self._context.attributes[key]
        return _FLAGS if attribute.kind == "flag" else attribute.values

    def _keys(self) -> tuple[str, ...]:
        by = self._clause.get("by")
        if by.value is None:
            return ()
        names = [str(item) for item in by.value] if isinstance(by.value, list) else [by.text()]
        for name in names:
            attribute = self._context.attributes.get(name)
            if name == SEASON_KEY and not self._context.seasons:
                by.refuse(
                    "unknown-key",
                    "The price is kept by season, but the tariff has no seasons.",
                    "Add `seasons:`.",
                )
            elif name not in (SEASON_KEY, ZONE_KEY) and attribute is None:
                by.refuse(
                    "unknown-key",
                    f"“{name}” is not an attribute of the tariff.",
                    guess(name, [*self._context.attributes, SEASON_KEY, ZONE_KEY])
                    + "Declare it under attributes.",
                )
            elif attribute is not None and attribute.kind == "number":
                by.refuse(
                    "number-key",
                    f"“{name}” is a number; a table is kept by texts.",
                    "Use tiers and step(…), or make it a text.",
                )
        if len(set(names)) != len(names):
            by.refuse("key-twice", "A key is given twice.", "Keep one of the two.")
        return tuple(names)

    def _read_units(self) -> None:
        unit, limit = self._clause.get("unit"), self._clause.get("limit_unit")
        if unit.value is not None:
            self._take_unit(unit.text(), unit)
        if limit.value is not None:
            parsed = self._parse(limit.text(), limit)
            if parsed is not None:
                self._limit_unit, self._limit_factor = parsed

    def _parse(self, text: str, clause: Clause) -> tuple[Unit, Fraction] | None:
        try:
            return self._context.units.parse(text)
        except ValueError as error:
            clause.refuse("unit-unknown", f"{error}.", "Write units like RUB/kWh or kWh/person/month.")
            return None

    def _take_unit(self, text: str, clause: Clause) -> Fraction | None:
        """Factor to the table's unit of a figure written in `text`; the first unit met is the table's."""
        parsed = self._parse(text, clause)
        if parsed is None:
            return None
        unit, factor = parsed
        if self._unit is None:
            self._unit, self._factor = unit, factor
        elif self._unit != unit:
            clause.refuse(
                "unit-mismatch",
                f"{unit} does not fit the unit of the table, {self._unit}.",
                "Use one unit for a table.",
            )
            return None
        return factor

    def _cells(self, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Cell]]:
        values = self._clause.get("values")
        if not keys:
            cell = self._cell(self._clause)
            if cell is not None:
                yield (), cell
            return
        holder = values if values.value is not None else self._clause
        yield from self._nested(holder, keys, (), outermost=True)

    def _nested(
        self, clause: Clause, keys: tuple[str, ...], key: tuple[str, ...], *, outermost: bool = False
    ) -> Iterator[tuple[tuple[str, ...], Cell]]:
        if not keys:
            cell = self._cell(clause)
            if cell is not None:
                yield key, cell
            return
        for name, child in clause.entries():
            if outermost and clause is self._clause and name in _OWN_KEYS:
                continue
            value = self._value(name, keys[0])
            if self._is_known(value, keys[0], child):
                yield from self._nested(child, keys[1:], (*key, value))

    def _value(self, written: str, key: str) -> str:
        attribute = self._context.attributes.get(key)
        is_flag = attribute is not None and attribute.kind == "flag"
        return _FLAG_WORDS.get(written.casefold(), written) if is_flag else written

    def _is_known(self, value: str, key: str, clause: Clause) -> bool:
        attribute = self._context.attributes.get(key)
        if key == ZONE_KEY and value != ANY and not value.isidentifier():
            # A formula could not name it.
            remedy = refused_name(value, (), kind="zone")
            clause.refuse("name-taken", f"“{value}” cannot be the name of a zone.", remedy)
            return False
        if value == ANY or key == ZONE_KEY:
            return True
        known: tuple[str, ...] = ()
        if key == SEASON_KEY:
            known = tuple(sorted(self._context.seasons))
        elif attribute is not None:
            known = _FLAGS if attribute.kind == "flag" else attribute.values
        if known and value not in known:
            clause.refuse(
                "unknown-key",
                f"“{value}” is not a value of {key}.",
                guess(value, known) + f"Values: {', '.join(known)}.",
            )
            return False
        return True

    def _cell(self, clause: Clause) -> Cell | None:
        if isinstance(clause.value, Mapping):
            tiers = clause.get("tiers")
            if tiers.value is not None:
                return self._tiers.read(tiers)
            clause = clause.get("value")
            if clause.value is None:
                if not self._clause.problems.found:
                    clause.refuse("missing-value", "The value is missing.", "Write `value:` or `tiers:`.")
                return None
        elif isinstance(clause.value, list):
            return self._tiers.read(clause)
        return self._figure(clause)

    @property
    def _tiers(self) -> TierReader:
        return TierReader(self._context.units, self._limit_unit, self._limit_factor, self._figure)

    def _figure(self, clause: Clause) -> Fraction | None:
        found = clause.figure()
        if found is None:
            if clause.value is None:
                clause.refuse("missing-value", "The value is missing.", "Write the published figure.")
            return None
        number, written = found
        if written is None:
            return number * self._factor
        factor = self._take_unit(written, clause)
        return number * factor if factor is not None else None
