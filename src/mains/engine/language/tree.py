"""The resolved tree: every name bound, every unit known. The two interpreters walk exactly this.

All numbers are exact. `text` is the piece of formula a node was read from, kept for explanations.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from fractions import Fraction

from mains.engine.language.units import Unit
from mains.kernel.rounding import RoundingMode


@dataclass(frozen=True)
class Node:
    text: str
    unit: Unit


@dataclass(frozen=True)
class Literal(Node):
    value: Fraction


@dataclass(frozen=True)
class TextLiteral(Node):
    value: str


@dataclass(frozen=True)
class FlagLiteral(Node):
    value: bool


@dataclass(frozen=True)
class DateLiteral(Node):
    value: date


@dataclass(frozen=True)
class Use(Node):
    """Measured use of the scope; `zone` is None for the total."""

    zone: str | None


@dataclass(frozen=True)
class Measured(Node):
    """Another measured quantity of the scope, declared under `quantities`."""

    name: str


@dataclass(frozen=True)
class Time(Node):
    """A length of time by name: `days`, `period_days`, `days_in_month`, `share`, `months`, `whole_months`, …

    `months_of` and `years_of` are days divided by `basis`. `period_from` and `period_to` are dates: the first day of
    the period, and the first day after it.
    """

    name: str
    basis: Fraction


@dataclass(frozen=True)
class Attribute(Node):
    """A fact about the account; `kind` is `number`, `text` or `flag`."""

    name: str
    kind: str


@dataclass(frozen=True)
class Parameter(Node):
    """A single price or figure; `key` fixes the zone when the table is kept by zone."""

    name: str
    key: str | None


@dataclass(frozen=True)
class ComponentValue(Node):
    """The amount of another component: as posted, or before rounding."""

    name: str
    unrounded: bool


@dataclass(frozen=True)
class Negation(Node):
    operand: Node


@dataclass(frozen=True)
class Arithmetic(Node):
    """`operator` is one of + - * /."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Comparison(Node):
    """`operator` is one of < <= > >= == !=; text compares with == and != only."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Membership(Node):
    subject: Node
    values: tuple[str, ...]


@dataclass(frozen=True)
class Logic(Node):
    """`operator` is and / or; both sides are always evaluated."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Inverse(Node):
    """`not`."""

    operand: Node


@dataclass(frozen=True)
class Choice(Node):
    """`if(condition, then, otherwise)`; only the branch taken is evaluated."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True)
class Extreme(Node):
    """`operator` is min or max."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Magnitude(Node):
    """`abs`."""

    operand: Node


@dataclass(frozen=True)
class Apparent(Node):
    """`apparent(active, reactive)`: √(active² + reactive²), both sides and the root half up to millionths."""

    active: Node
    reactive: Node


@dataclass(frozen=True)
class Rounded(Node):
    operand: Node
    step: Fraction
    mode: RoundingMode


@dataclass(frozen=True)
class Tiered(Node):
    """A tier table applied to an amount.

    `method`: `tiers` prices each part at its tier (slab); `block` the whole at the tier reached; `step` gives
    the figure of the tier
    reached. Limits are multiplied by `scale`, and by the segment's share of the period when `by_share`, then
    rounded to `limits_step`. The price of each tier's part is rounded to `parts_step`.
    `of` decides the tiers instead of `amount`, which is then priced at the average price of `of`. `start` is
    what earlier
    use has already filled. Upper limits are inclusive, save for a block or step that is `exclusive`: there an amount
    at the limit belongs to the next tier. A negative amount is the mirror image of the positive one.
    """

    method: str
    amount: Node
    table: str
    key: str | None
    scale: Node | None
    by_share: bool
    of: Node | None
    start: Node | None
    limits_step: Fraction | None
    limits_mode: RoundingMode
    parts_step: Fraction | None
    parts_mode: RoundingMode
    exclusive: bool = False


_field_names: dict[type[Node], tuple[str, ...]] = {}


def children(node: Node) -> Iterator[Node]:
    """Direct sub-nodes, in reading order."""
    names = _field_names.get(type(node))
    if names is None:
        names = _field_names[type(node)] = tuple(field.name for field in fields(node))
    for name in names:
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Node))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)
