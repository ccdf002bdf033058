"""Operators of a formula, and that the units on both sides agree."""

from abc import ABC, abstractmethod

from mains.engine.language import syntax, tree
from mains.engine.language.names import DATE, FLAG, NOT_NUMBERS, TEXT
from mains.engine.language.resolving.names import NameResolver, Typed, fail
from mains.engine.language.units import NUMBER, Unit


class OperatorResolver(NameResolver, ABC):
    """Resolves what stands between two values."""

    @abstractmethod
    def visit(self, node: syntax.Syntax) -> Typed:
        """Any part of a formula, resolved, and its unit."""

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
            raise fail("division-by-zero", "The formula divides by zero.", "Correct the divisor.", node.text)
        first, second = left_unit or NUMBER, right_unit or NUMBER
        unit = first * second if node.operator == "*" else first / second
        bare = left_unit is None and right_unit is None
        return tree.Arithmetic(node.text, unit, node.operator, left, right), None if bare else unit

    def _comparison(self, node: syntax.BinarySyntax) -> Typed:
        (left, left_unit), (right, right_unit) = self.visit(node.left), self.visit(node.right)
        for value in (left_unit, right_unit):
            if value in (TEXT, FLAG) and node.operator not in {"==", "!="}:
                raise fail(
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
            raise fail(
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
            raise fail(
                "unit-mismatch",
                f"“{node.text}” puts {left} and {right} together.",
                "Both sides must have one unit; check the prices and what they multiply. "
                "A number in a product needs its unit: 0.30 [EUR/kWh].",
                node.text,
            )

    def _numeric(self, node: syntax.Syntax) -> Typed:
        value, unit = self.visit(node)
        if unit in NOT_NUMBERS:
            raise fail(
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
            raise fail(
                "unit-mismatch", f"“{node.text}” is not a condition.", "Compare it with something.", node.text
            )
        return value
