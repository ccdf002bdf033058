"""Resolver: syntax tree → resolved tree. Binds every name, checks every unit, and says what is wrong in plain
words.
"""

from mains.engine.language import syntax, tree
from mains.engine.language.names import DATE, FLAG, TEXT, Names
from mains.engine.language.resolving.names import Typed, fail
from mains.engine.language.resolving.tiers import TierResolver


def resolve_formula(*, formula: syntax.Syntax, names: Names) -> Typed:
    """Resolved tree and its unit (None when the formula is a bare number). Raises UnableToReadFormula."""
    return _Resolver(names).visit(formula)


class _Resolver(TierResolver):
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
        raise fail(
            "formula-syntax",
            f"A list, {node.text}, may only follow `in`.",
            "Write band in ('A', 'B').",
            node.text,
        )
