"""Price tables: `prices` of a version → `Table`s with exact cells in base units."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from mains.engine.language.resolve import RESERVED
from mains.engine.language.units import NUMBER, Unit, UnitSystem
from mains.engine.tariff.clauses import Clause
from mains.engine.tariff.model import ANY, SEASON_KEY, ZONE_KEY, AttributeType, Cell, Table, Tier

_OWN_KEYS = ("unit", "limit_unit", "by", "values", "tiers", "value", "source", "note")


@dataclass(frozen=True)
class TableContext:
    """What tables may be kept by, and the units they are measured in."""

    units: UnitSystem
    attributes: Mapping[str, AttributeType]
    seasons: frozenset[str]


def read_tables(prices: Clause, *, context: TableContext) -> dict[str, Table]:
    """All tables under a `prices` clause; faults go to the clause's problems."""
    tables = {}
    for name, clause in prices.entries():
        if not name.isidentifier() or name in RESERVED or name in context.attributes:
            clause.refuse(
                "name-taken",
                f"“{name}” cannot name a price.",
                "Use letters, digits and _; not a word of the language.",
            )
            continue
        table = _TableReader(name, clause, context).read()
        if table is not None:
            tables[name] = table
    return tables


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
        return Table(self._name, self._unit, self._limit_unit, keys, tiered, cells)

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
                    "Declare it under attributes.",
                )
            elif attribute is not None and attribute.kind == "number":
                by.refuse(
                    "number-key",
                    f"“{name}” is a number; a table is kept by texts.",
                    "Use tiers and step(…), or make it a text.",
                )
        if len(set(names)) != len(names):
            by.refuse("key-twice", "A key is given twice.", "")
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
            if self._is_known(name, keys[0], child):
                yield from self._nested(child, keys[1:], (*key, name))

    def _is_known(self, value: str, key: str, clause: Clause) -> bool:
        attribute = self._context.attributes.get(key)
        if value == ANY or key == ZONE_KEY:
            return True
        known: tuple[str, ...] = ()
        if key == SEASON_KEY:
            known = tuple(sorted(self._context.seasons))
        elif attribute is not None:
            known = ("true", "false") if attribute.kind == "flag" else attribute.values
        if known and value not in known:
            clause.refuse(
                "unknown-key", f"“{value}” is not a value of {key}.", f"Values: {', '.join(known)}."
            )
            return False
        return True

    def _cell(self, clause: Clause) -> Cell | None:
        if isinstance(clause.value, Mapping):
            tiers = clause.get("tiers")
            if tiers.value is not None:
                return self._tiers(tiers)
            clause = clause.get("value")
            if clause.value is None:
                if not self._clause.problems.found:
                    clause.refuse("missing-value", "The value is missing.", "Write `value:` or `tiers:`.")
                return None
        elif isinstance(clause.value, list):
            return self._tiers(clause)
        return self._figure(clause)

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

    def _tiers(self, clause: Clause) -> tuple[Tier, ...] | None:
        items = clause.items()
        if not items:
            clause.refuse("missing-tier", "The table has no tiers.", "Write at least one.")
            return None
        tiers: list[Tier] = []
        for at, item in enumerate(items):
            tier = self._tier(item, last=at == len(items) - 1)
            if tier is None:
                continue
            if tiers and tier.upto is not None and tiers[-1].upto is not None and tier.upto <= tiers[-1].upto:
                item.refuse(
                    "tiers-order",
                    "The limit is not above the limit before it.",
                    "Put the tiers in rising order.",
                )
            tiers.append(tier)
        return tuple(tiers)

    def _tier(self, item: Clause, *, last: bool) -> Tier | None:
        if isinstance(item.value, list):
            pair = item.items()
            if len(pair) != 2:
                item.refuse(
                    "missing-value",
                    "A tier is a limit and a price.",
                    "Write [300, 120], and [null, 307.3] for the last.",
                )
                return None
            limit, price = pair
        else:
            item.only(("upto", "price", "value"))
            limit, price = item.get("upto"), item.get("price")
            if price.value is None and item.get("value").value is not None:
                price = item.get("value")
        figure = self._figure(price)
        upto = limit.number() if limit.value is not None else None
        if upto is None and not last and limit.value is None:
            item.refuse("missing-tier", "Only the last tier may be without a limit.", "Write `upto:`.")
        if upto is not None and last:
            item.refuse(
                "missing-tier", f"Nothing says the price above {upto}.", "Add a last tier without `upto`."
            )
        if upto is not None and upto < 0:
            item.refuse("tiers-order", "A limit cannot be negative.", "")
        return (
            Tier(None if upto is None else upto * self._limit_factor, figure) if figure is not None else None
        )
