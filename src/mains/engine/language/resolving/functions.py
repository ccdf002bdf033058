"""Functions of a formula, without those that read tables with tiers."""

from abc import abstractmethod
from fractions import Fraction

from mains.engine.language import syntax, tree
from mains.engine.language.guesses import guess
from mains.engine.language.names import DATE, FUNCTIONS, TEXT
from mains.engine.language.resolving.names import Typed, fail
from mains.engine.language.resolving.operators import OperatorResolver
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


class FunctionResolver(OperatorResolver):
    """Resolves calls."""

    @abstractmethod
    def _tiered(self, node: syntax.CallSyntax) -> Typed:
        """A call of tiers, block or step."""

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
            raise fail(
                "formula-syntax",
                f"{node.name}(…) does not take {count} values here.",
                f"Write {_USAGES[node.name]}.",
                node.text,
            )
        if node.name == "sum":
            raise fail("unknown-name", "There is no function “sum”.", "Write a + b.", node.text)
        remedy = guess(node.name, FUNCTIONS) + f"Functions: {', '.join(sorted(FUNCTIONS))}."
        raise fail("unknown-name", f"There is no function “{node.name}”.", remedy, node.text)

    def _only(self, node: syntax.CallSyntax, allowed: set[str]) -> None:
        names = [name for name, _ in node.named]
        for name in names:
            if name not in allowed or names.count(name) > 1:
                remedy = f"It takes: {', '.join(sorted(allowed))}." if allowed else "It takes no options."
                remedy = guess(name, allowed) + remedy
                raise fail("unknown-name", f"{node.name}(…) does not take “{name}:” here.", remedy, node.text)

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
            raise fail(
                "unit-mismatch", f"if(…) gives a number or a condition, not a {unit}.", _NO_TEXT, node.text
            )
        return tree.Choice(node.text, unit or NUMBER, condition, then, otherwise), unit

    def _rounded(self, node: syntax.CallSyntax) -> Typed:
        operand, unit = self._numeric(node.arguments[0])
        step = self._constant(node.arguments[1]) if len(node.arguments) == 2 else Fraction(1)
        if step in _DECIMALS_PERHAPS:
            raise fail(
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
            raise fail(
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
            raise fail(
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
            raise fail(
                "rounding-mode", f"“{name}” is not a way to round.", f"Ways: {modes}.", node.text
            ) from error


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
