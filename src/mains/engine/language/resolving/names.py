"""Names and literals of a formula: what each stands for, and its unit."""

from fractions import Fraction

from mains.engine.language import syntax, tree
from mains.engine.language.errors import Fault, UnableToReadFormula
from mains.engine.language.guesses import guess
from mains.engine.language.names import FLAG, TIME_UNITS, Names, TableShape
from mains.engine.language.units import NUMBER, Unit

# A bare number takes the unit of its neighbour in sums and comparisons: its own unit is then None.
Typed = tuple[tree.Node, Unit | None]


def fail(code: str, message: str, remedy: str, text: str) -> UnableToReadFormula:
    return UnableToReadFormula(Fault(code, message, remedy, text))


def without_prefix(node: syntax.NameSyntax) -> syntax.NameSyntax:
    """`prices.energy` as `energy`."""
    return (
        syntax.NameSyntax(node.text, node.parts[1:])
        if node.parts[0] == "prices" and len(node.parts) > 1
        else node
    )


class NameResolver:
    """Binds names to what the tariff declares."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def _number(self, node: syntax.NumberSyntax) -> Typed:
        if node.unit is None:
            return tree.Literal(node.text, NUMBER, node.value), None
        try:
            unit, factor = self._names.units.parse(node.unit)
        except ValueError as error:
            raise fail("unit-unknown", f"{error}.", "Write units like [kWh/m2].", node.text) from error
        return tree.Literal(node.text, unit, node.value * factor), unit

    def _name(self, node: syntax.NameSyntax) -> Typed:
        head, names = node.parts[0], self._names
        if head == "prices" and len(node.parts) > 1 and node.parts[1] in names.tables:
            return self._parameter(without_prefix(node))
        if node.parts in {("true",), ("false",)}:
            return tree.FlagLiteral(node.text, FLAG, head == "true"), FLAG
        if head == "usage" and len(node.parts) <= 2:
            return self._typed(
                tree.Use(node.text, names.units.use, node.parts[1] if len(node.parts) == 2 else None)
            )
        if names.is_table(head) or (head in names.tables and len(node.parts) == 2):
            return self._parameter(node)
        found = self._single_word(node, head) if len(node.parts) == 1 else None
        if found is not None:
            return found
        raise fail(
            "unknown-name",
            f"“{node.text}” is not known here.",
            self._remedy_for_name(head),
            node.text,
        )

    def _single_word(self, node: syntax.NameSyntax, name: str) -> Typed | None:
        names = self._names
        if name in names.groups:
            return self._group(node, names.groups[name])
        found: tree.Node | None = None
        if name in TIME_UNITS:
            found = tree.Time(node.text, TIME_UNITS[name], name, Fraction(1))
        elif name in names.attributes:
            kind, unit = names.attributes[name]
            found = tree.Attribute(node.text, unit, name, kind)
        elif name in names.quantities:
            found = tree.Measured(node.text, names.quantities[name], name)
        elif name in names.components:
            found = tree.ComponentValue(node.text, names.components[name], name, unrounded=False)
        return None if found is None else self._typed(found)

    def _remedy_for_name(self, name: str) -> str:
        if name in ("season", "zone"):
            return f"Keep a price or a plain figure `by: {name}` and name that."
        known = self._known()
        remedy = guess(name, known) + f"Known names: {', '.join(known)}. "
        return remedy + "Facts are declared under attributes or quantities."

    def _known(self) -> list[str]:
        names = self._names
        return sorted(
            {*names.attributes, *names.quantities, *names.tables, *names.components, *TIME_UNITS, "usage"}
        )

    def _typed(self, node: tree.Node) -> Typed:
        return node, node.unit

    def _group(self, node: syntax.NameSyntax, members: tuple[str, ...]) -> Typed:
        money = self._names.units.money
        values = [tree.ComponentValue(name, money, name, unrounded=False) for name in members]
        if not values:
            return tree.Literal(node.text, money, Fraction(0)), money
        total: tree.Node = values[0]
        for value in values[1:]:
            total = tree.Arithmetic(node.text, money, "+", total, value)
        return total, money

    def _parameter(self, node: syntax.NameSyntax) -> Typed:
        shape, key = self._table(node)
        if shape.tiered:
            raise fail(
                "tiers-need-function",
                f"“{node.text}” is a table with tiers, not one figure.",
                f"Write tiers(usage, {node.text}), block(…) or step(…).",
                node.text,
            )
        return self._typed(tree.Parameter(node.text, shape.unit, node.parts[0], key))

    def _table(self, node: syntax.NameSyntax) -> tuple[TableShape, str | None]:
        shape = self._names.tables[node.parts[0]]
        key = node.parts[1] if len(node.parts) == 2 else None
        if (shape.zones is None) != (key is None) or len(node.parts) > 2:
            zones = sorted(shape.zones or ())
            how = f"Write {' or '.join(f'{node.parts[0]}.{zone}' for zone in zones) or node.parts[0]}."
            message = (
                f"The table “{node.parts[0]}” is kept by zone."
                if zones
                else f"The table “{node.parts[0]}” is not kept by zone."
            )
            raise fail("zone-of-table", message, how, node.text)
        if shape.zones is not None and key not in shape.zones:
            raise fail(
                "unknown-name",
                f"Table “{node.parts[0]}” has no zone “{key}”.",
                guess(str(key), shape.zones) + f"Zones: {', '.join(sorted(shape.zones))}.",
                node.text,
            )
        return shape, key
