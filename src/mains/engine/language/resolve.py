"""Resolver: syntax tree → resolved tree. Binds every name, checks every unit, and says what is wrong in plain
words.
"""

from fractions import Fraction

from mains.engine.language import syntax, tree
from mains.engine.language.errors import Fault, UnableToReadFormula
from mains.engine.language.extent import EXTENSIVE, find_extent
from mains.engine.language.guesses import guess, limits_remedy
from mains.engine.language.names import (
    DATE,
    FLAG,
    FUNCTIONS,
    NOT_NUMBERS,
    TEXT,
    TIME_UNITS,
    Names,
    TableShape,
)
from mains.engine.language.units import MONTH, NUMBER, YEAR, Unit
from mains.kernel.rounding import RoundingMode

_NO_TEXT = "Compare the text: if(band == 'A', 1, 0)."
# The second argument of round(…) is a step; these are mostly meant as a number of decimals.
_DECIMALS_PERHAPS = (2, 3, 4, 6)
_USAGES = {
    **dict.fromkeys(("min", "max"), "min(a, b) or max(a, b)"),
    **dict.fromkeys(("round", "floor", "ceil", "trunc"), "round(x) or round(x, 0.01)"),
    **dict.fromkeys(("months", "years"), "months, months(30) or years(365)"),
    "abs": "abs(x)",
    "if": "if(condition, a, b)",
    "unrounded": "unrounded(component)",
    "apparent": "apparent(usage, reactive)",
}
_APPARENT = {("kWh", "kvarh"): "kVAh", ("kW", "kvar"): "kVA"}
_ROUNDINGS = {
    "round": RoundingMode.HALF_UP,
    "floor": RoundingMode.FLOOR,
    "ceil": RoundingMode.CEILING,
    "trunc": RoundingMode.DOWN,
}


# A bare number takes the unit of its neighbour in sums and comparisons: its own unit is then None.
Typed = tuple[tree.Node, Unit | None]


def resolve_formula(*, formula: syntax.Syntax, names: Names) -> Typed:
    """Resolved tree and its unit (None when the formula is a bare number). Raises UnableToReadFormula."""
    return _Resolver(names).visit(formula)


def _fail(code: str, message: str, remedy: str, text: str) -> UnableToReadFormula:
    return UnableToReadFormula(Fault(code, message, remedy, text))


class _Resolver:
    def __init__(self, names: Names) -> None:
        self._names = names

    def visit(self, node: syntax.Syntax) -> Typed:
        match node:
            case syntax.NumberSyntax():
                return self._number(node)
            case syntax.TextSyntax():
                return tree.TextLiteral(node.text, TEXT, node.value), TEXT
            case syntax.DateSyntax():
                return tree.DateLiteral(node.text, DATE, node.value), DATE
            case syntax.NameSyntax():
                return self._name(node)
            case syntax.UnarySyntax(operator="not"):
                return tree.Inverse(node.text, FLAG, self._flag(node.operand)), FLAG
            case syntax.UnarySyntax():
                return self._negation(node)
            case syntax.BinarySyntax():
                return self._binary(node)
            case syntax.CallSyntax():
                return self._call(node)
        raise _fail(
            "formula-syntax",
            f"A list, {node.text}, may only follow `in`.",
            "Write band in ('A', 'B').",
            node.text,
        )

    # --- leaves

    def _number(self, node: syntax.NumberSyntax) -> Typed:
        if node.unit is None:
            return tree.Literal(node.text, NUMBER, node.value), None
        try:
            unit, factor = self._names.units.parse(node.unit)
        except ValueError as error:
            raise _fail("unit-unknown", f"{error}.", "Write units like [kWh/m2].", node.text) from error
        return tree.Literal(node.text, unit, node.value * factor), unit

    def _name(self, node: syntax.NameSyntax) -> Typed:
        head, names = node.parts[0], self._names
        if head == "prices" and len(node.parts) > 1 and node.parts[1] in names.tables:
            return self._parameter(_without_prefix(node))
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
        raise _fail(
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
            raise _fail(
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
            raise _fail("zone-of-table", message, how, node.text)
        if shape.zones is not None and key not in shape.zones:
            raise _fail(
                "unknown-name",
                f"Table “{node.parts[0]}” has no zone “{key}”.",
                guess(str(key), shape.zones) + f"Zones: {', '.join(sorted(shape.zones))}.",
                node.text,
            )
        return shape, key

    # --- operators

    def _negation(self, node: syntax.UnarySyntax) -> Typed:
        operand, unit = self._numeric(node.operand)
        if isinstance(operand, tree.Literal):
            return tree.Literal(node.text, operand.unit, -operand.value), unit
        return tree.Negation(node.text, operand.unit, operand), unit

    def _binary(self, node: syntax.BinarySyntax) -> Typed:
        if node.operator in {"and", "or"}:
            return tree.Logic(
                node.text, FLAG, node.operator, self._flag(node.left), self._flag(node.right)
            ), FLAG
        if node.operator == "in":
            return self._membership(node)
        if node.operator in {"*", "/"}:
            return self._scaling(node)
        if node.operator in {"+", "-"}:
            left, right, unit = self._same(node)
            return tree.Arithmetic(node.text, unit or NUMBER, node.operator, left, right), unit
        return self._comparison(node)

    def _scaling(self, node: syntax.BinarySyntax) -> Typed:
        (left, left_unit), (right, right_unit) = self._numeric(node.left), self._numeric(node.right)
        if node.operator == "/" and isinstance(right, tree.Literal) and right.value == 0:
            raise _fail("division-by-zero", "The formula divides by zero.", "Correct the divisor.", node.text)
        first, second = left_unit or NUMBER, right_unit or NUMBER
        unit = first * second if node.operator == "*" else first / second
        bare = left_unit is None and right_unit is None
        return tree.Arithmetic(node.text, unit, node.operator, left, right), None if bare else unit

    def _comparison(self, node: syntax.BinarySyntax) -> Typed:
        (left, left_unit), (right, right_unit) = self.visit(node.left), self.visit(node.right)
        for value in (left_unit, right_unit):
            if value in (TEXT, FLAG) and node.operator not in {"==", "!="}:
                raise _fail(
                    "unit-mismatch",
                    f"“{node.text}”: text and yes/no compare with == and != only.",
                    "Write band == 'A'.",
                    node.text,
                )
        self._agree(left_unit, right_unit, node)
        return tree.Comparison(node.text, FLAG, node.operator, left, right), FLAG

    def _membership(self, node: syntax.BinarySyntax) -> Typed:
        subject, unit = self.visit(node.left)
        items = node.right.items if isinstance(node.right, syntax.ListSyntax) else (node.right,)
        values = tuple(item.value for item in items if isinstance(item, syntax.TextSyntax))
        if unit != TEXT or len(values) != len(items):
            raise _fail(
                "unit-mismatch",
                f"“{node.text}”: `in` asks whether a text is in a list of texts.",
                "Write band in ('A', 'B').",
                node.text,
            )
        return tree.Membership(node.text, FLAG, subject, values), FLAG

    def _same(self, node: syntax.BinarySyntax) -> tuple[tree.Node, tree.Node, Unit | None]:
        (left, left_unit), (right, right_unit) = self._numeric(node.left), self._numeric(node.right)
        self._agree(left_unit, right_unit, node)
        return left, right, left_unit if left_unit is not None else right_unit

    def _agree(self, left: Unit | None, right: Unit | None, node: syntax.Syntax) -> None:
        if left is not None and right is not None and left != right:
            raise _fail(
                "unit-mismatch",
                f"“{node.text}” puts {left} and {right} together.",
                "Both sides must have one unit; check the prices and what they multiply. "
                "A number in a product needs its unit: 0.30 [EUR/kWh].",
                node.text,
            )

    def _numeric(self, node: syntax.Syntax) -> Typed:
        value, unit = self.visit(node)
        if unit in NOT_NUMBERS:
            raise _fail(
                "unit-mismatch",
                f"“{node.text}” is a {unit}, where a number is needed.",
                "Turn it into a number with if(condition, 1, 0), as in if(period_from >= 2024-07-01, 1, 0)."
                if unit == DATE
                else "Turn it into a number with if(condition, 1, 0).",
                node.text,
            )
        return value, unit

    def _flag(self, node: syntax.Syntax) -> tree.Node:
        value, unit = self.visit(node)
        if unit != FLAG:
            raise _fail(
                "unit-mismatch", f"“{node.text}” is not a condition.", "Compare it with something.", node.text
            )
        return value

    # --- functions

    def _call(self, node: syntax.CallSyntax) -> Typed:
        if node.name in {"tiers", "block", "step"}:
            return self._tiered(node)
        allowed = {"mode"} if node.name == "round" else set()
        self._only(node, allowed)
        count = len(node.arguments)
        match node.name:
            case "min" | "max" if count >= 2:
                return self._extreme(node)
            case "abs" if count == 1:
                operand, unit = self._numeric(node.arguments[0])
                return tree.Magnitude(node.text, operand.unit, operand), unit
            case "apparent" if count == 2:
                return self._apparent(node)
            case "if" if count == 3:
                return self._choice(node)
            case "round" | "floor" | "ceil" | "trunc" if count in {1, 2}:
                return self._rounded(node)
            case "months" | "years" if count == 1:
                basis, unit = self._constant(node.arguments[0]), MONTH if node.name == "months" else YEAR
                return self._typed(tree.Time(node.text, unit, f"{node.name}_of", basis))
            case "unrounded" if count == 1 and isinstance(node.arguments[0], syntax.NameSyntax):
                value, unit = self._name(node.arguments[0])
                if isinstance(value, tree.ComponentValue):
                    return tree.ComponentValue(node.text, value.unit, value.name, unrounded=True), unit
        if node.name in FUNCTIONS:
            raise _fail(
                "formula-syntax",
                f"{node.name}(…) does not take {count} values here.",
                f"Write {_USAGES[node.name]}.",
                node.text,
            )
        if node.name == "sum":
            raise _fail("unknown-name", "There is no function “sum”.", "Write a + b.", node.text)
        remedy = guess(node.name, FUNCTIONS) + f"Functions: {', '.join(sorted(FUNCTIONS))}."
        raise _fail("unknown-name", f"There is no function “{node.name}”.", remedy, node.text)

    def _only(self, node: syntax.CallSyntax, allowed: set[str]) -> None:
        names = [name for name, _ in node.named]
        for name in names:
            if name not in allowed or names.count(name) > 1:
                remedy = f"It takes: {', '.join(sorted(allowed))}." if allowed else "It takes no options."
                remedy = guess(name, allowed) + remedy
                raise _fail(
                    "unknown-name", f"{node.name}(…) does not take “{name}:” here.", remedy, node.text
                )

    def _extreme(self, node: syntax.CallSyntax) -> Typed:
        unit: Unit | None = None
        operands = []
        for argument in node.arguments:
            operand, own = self._numeric(argument)
            self._agree(unit, own, node)
            unit = own if unit is None else unit
            operands.append(operand)
        return tree.Extreme(node.text, unit or NUMBER, node.name, tuple(operands)), unit

    def _choice(self, node: syntax.CallSyntax) -> Typed:
        condition = self._flag(node.arguments[0])
        (then, unit), (otherwise, other) = self.visit(node.arguments[1]), self.visit(node.arguments[2])
        self._agree(unit, other, node)
        unit = unit if unit is not None else other
        if unit in (TEXT, DATE):
            raise _fail(
                "unit-mismatch", f"if(…) gives a number or a condition, not a {unit}.", _NO_TEXT, node.text
            )
        return tree.Choice(node.text, unit or NUMBER, condition, then, otherwise), unit

    def _rounded(self, node: syntax.CallSyntax) -> Typed:
        operand, unit = self._numeric(node.arguments[0])
        step = self._constant(node.arguments[1]) if len(node.arguments) == 2 else Fraction(1)
        if step in _DECIMALS_PERHAPS:
            raise _fail(
                "rounding-step",
                f"“{node.text}” would round to multiples of {step}.",
                f"For {step} decimals write 0.{'0' * (int(step) - 1)}1; for multiples, "
                f"{node.name}(x / {step}) * {step}.",
                node.text,
            )
        named = dict(node.named)
        mode = self._mode(named.get("mode"), default=_ROUNDINGS[node.name])
        return tree.Rounded(node.text, operand.unit, operand, step, mode), unit

    def _apparent(self, node: syntax.CallSyntax) -> Typed:
        """Active and reactive energy, or power, make the apparent one."""
        sides = [self._numeric(argument) for argument in node.arguments]
        texts = tuple(str(NUMBER if unit is None else unit) for _, unit in sides)
        if texts not in _APPARENT:
            raise _fail(
                "unit-mismatch",
                f"“{node.text}” is made of {texts[0]} and {texts[1]}.",
                "Write apparent(active, reactive) with kWh and kvarh, or kW and kvar.",
                node.text,
            )
        unit = self._names.units.parse(_APPARENT[texts])[0]
        return self._typed(tree.Apparent(node.text, unit, sides[0][0], sides[1][0]))

    def _constant(self, node: syntax.Syntax) -> Fraction:
        value = _fold(node)
        if value is None or value <= 0:
            raise _fail(
                "formula-syntax",
                f"“{node.text}” must be a number above zero.",
                "Write a figure such as 1, 0.01 or 365/12; for whole numbers the step is 1.",
                node.text,
            )
        return value

    def _step(self, node: syntax.Syntax | None) -> Fraction | None:
        return None if node is None else self._constant(node)

    def _mode(
        self, node: syntax.Syntax | None, *, default: RoundingMode = RoundingMode.HALF_UP
    ) -> RoundingMode:
        if node is None:
            return default
        name = node.parts[0] if isinstance(node, syntax.NameSyntax) else node.text
        try:
            return RoundingMode(name)
        except ValueError as error:
            modes = ", ".join(mode.value for mode in RoundingMode)
            raise _fail(
                "rounding-mode", f"“{name}” is not a way to round.", f"Ways: {modes}.", node.text
            ) from error

    def _tiered(self, node: syntax.CallSyntax) -> Typed:
        allowed = {"scale", "limits_to", "limits_mode"} | (
            {"share_of", "start", "parts_to", "parts_mode"} if node.name == "tiers" else {"limits"}
        )
        self._only(node, allowed)
        named = dict(node.named)
        if len(node.arguments) != 2 or not isinstance(node.arguments[1], syntax.NameSyntax):
            raise _fail(
                "formula-syntax",
                f"{node.name}(…) takes an amount and a table.",
                f"Write {node.name}(usage, energy).",
                node.text,
            )
        ways = [option for option in ("share_of", "start", "parts_to") if option in named]
        # What is a share of each tier can be rounded by tier; a difference of two sums cannot.
        if len(ways) > 1 and ways != ["share_of", "parts_to"]:
            raise _fail("formula-syntax", f"{' and '.join(ways)} exclude each other.", "Keep one.", node.text)
        amount, unit = self._numeric(node.arguments[0])
        table = _without_prefix(node.arguments[1])
        if table.parts[0] not in self._names.tables:
            raise _fail(
                "unknown-name",
                f"“{table.text}” is not a table under prices.",
                guess(table.parts[0], self._names.tables)
                + f"Tables: {', '.join(self._names.tables) or 'none'}.",
                node.text,
            )
        shape, key = self._table(table)
        scale, scaled_unit = self._scale(named.get("scale"), shape.limit_unit)
        if shape.tiered and unit is not None and unit not in (shape.limit_unit, scaled_unit):
            raise _fail(
                "unit-mismatch",
                f"“{node.arguments[0].text}” is in {unit}, but the limits of “{table.text}” are in "
                f"{shape.limit_unit}.",
                limits_remedy(table.text, shape.limit_unit, unit),
                node.text,
            )
        of = self._amount_like(named.get("share_of"), unit, node)
        start = self._amount_like(named.get("start"), unit, node)
        extents = self._names.extents
        by_share = find_extent(of or amount, extents) == EXTENSIVE and (
            scale is None or find_extent(scale, extents) != EXTENSIVE
        )
        result = shape.unit if node.name == "step" else (unit or NUMBER) * shape.unit
        return self._typed(
            tree.Tiered(
                text=node.text,
                unit=result,
                method=node.name,
                amount=amount,
                table=table.parts[0],
                key=key,
                scale=scale,
                by_share=by_share,
                of=of,
                start=start,
                limits_step=self._step(named.get("limits_to")),
                limits_mode=self._mode(named.get("limits_mode")),
                parts_step=self._step(named.get("parts_to")),
                parts_mode=self._mode(named.get("parts_mode")),
                exclusive=self._is_exclusive(named.get("limits")),
            )
        )

    def _is_exclusive(self, node: syntax.Syntax | None) -> bool:
        if node is None:
            return False
        if node.text not in ("inclusive", "exclusive"):
            raise _fail(
                "unknown-choice",
                f"limits: “{node.text}” is not possible.",
                "Write limits: exclusive where an amount at the limit belongs to the next tier.",
                node.text,
            )
        return node.text == "exclusive"

    def _scale(self, node: syntax.Syntax | None, limit_unit: Unit) -> tuple[tree.Node | None, Unit]:
        """Scales stretch limits over time or people; their own unit (months, days / 30) is not carried on."""
        if node is None:
            return None, limit_unit
        scale, unit = self._numeric(node)
        if unit is not None and unit.has(self._names.units.currency):
            raise _fail(
                "unit-mismatch",
                f"scale: “{node.text}” is money.",
                "Scale limits by months, days/30 or people.",
                node.text,
            )
        return scale, limit_unit * (unit or NUMBER)

    def _amount_like(
        self, node: syntax.Syntax | None, unit: Unit | None, whole: syntax.Syntax
    ) -> tree.Node | None:
        if node is None:
            return None
        value, own = self._numeric(node)
        self._agree(unit, own, whole)
        return value


def _without_prefix(node: syntax.NameSyntax) -> syntax.NameSyntax:
    """`prices.energy` as `energy`."""
    return (
        syntax.NameSyntax(node.text, node.parts[1:])
        if node.parts[0] == "prices" and len(node.parts) > 1
        else node
    )


def _fold(node: syntax.Syntax) -> Fraction | None:
    """Value of a formula of bare numbers, such as 365/12."""
    match node:
        case syntax.NumberSyntax():
            return node.value
        case syntax.BinarySyntax(operator="/"):
            over, under = _fold(node.left), _fold(node.right)
            return over / under if over is not None and under else None
        case syntax.BinarySyntax(operator="*"):
            first, second = _fold(node.left), _fold(node.right)
            return first * second if first is not None and second is not None else None
    return None
