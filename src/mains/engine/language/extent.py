"""How the value of a formula behaves when a period is cut in two.

EXTENSIVE values add up over the parts (use, days, use × price); FLAT values do not (a price, a figure of a
table, an amount per
bill); CONSTANT is a bare number; MIXED is anything else (the larger of use × price and a minimum). A
component that
is not extensive must not simply be charged again in every segment.
"""

from collections.abc import Iterable

from mains.engine.language import tree

_OF_THE_PERIOD = frozenset({"period_days", "days_in_month", "period_from", "period_to"})
EXTENSIVE, FLAT, CONSTANT, MIXED = "extensive", "flat", "constant", "mixed"


def find_extent(node: tree.Node, components: dict[str, str]) -> str:
    """Extent of `node`, given the extents of the components it reads."""
    match node:
        case tree.Literal():
            extent = CONSTANT
        case tree.Use() | tree.Measured():
            extent = EXTENSIVE
        case tree.Time():
            extent = FLAT if node.name in _OF_THE_PERIOD else EXTENSIVE
        case tree.ComponentValue():
            extent = components.get(node.name, EXTENSIVE)
        case tree.Negation() | tree.Magnitude() | tree.Rounded():
            extent = find_extent(node.operand, components)
        case tree.Arithmetic(operator="*" | "/"):
            combine = _product if node.operator == "*" else _quotient
            extent = combine(find_extent(node.left, components), find_extent(node.right, components))
        case tree.Arithmetic() | tree.Extreme():
            extent = _together(tree.children(node), components)
        case tree.Apparent():
            # The root of a sum is not the sum of roots.
            parts = {find_extent(child, components) for child in tree.children(node)}
            extent = FLAT if parts <= {FLAT, CONSTANT} else MIXED
        case tree.Choice():
            extent = _together((node.then, node.otherwise), components)
        case tree.Tiered():
            extent = FLAT if node.method == "step" else find_extent(node.amount, components)
        case _:
            extent = FLAT
    return extent


def _product(left: str, right: str) -> str:
    if MIXED in (left, right) or (left == EXTENSIVE and right == EXTENSIVE):
        return MIXED
    if EXTENSIVE in (left, right):
        return EXTENSIVE
    return CONSTANT if left == right == CONSTANT else FLAT


def _quotient(over: str, under: str) -> str:
    if MIXED in (over, under):
        return MIXED
    if under == EXTENSIVE:
        return FLAT if over == EXTENSIVE else MIXED
    return _product(over, under)


def _together(nodes: Iterable[tree.Node], components: dict[str, str]) -> str:
    """Extent of a sum, a choice or an extreme. Nothing (zero) goes with everything."""
    extents = {find_extent(node, components) for node in nodes if not _is_zero(node)}
    if not extents:
        return CONSTANT
    if extents <= {FLAT, CONSTANT}:
        return FLAT if FLAT in extents else CONSTANT
    return EXTENSIVE if extents == {EXTENSIVE} else MIXED


def _is_zero(node: tree.Node) -> bool:
    return isinstance(node, tree.Literal) and node.value == 0
