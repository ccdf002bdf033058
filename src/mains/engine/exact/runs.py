"""Which segments are one to a component: a change that it does not see does not cut its line."""

from collections.abc import Collection, Iterator, Sequence

from mains.engine.exact.cut import Segment
from mains.engine.language import tree
from mains.engine.tariff.model import ZONE_KEY, Component

Run = tuple[int, ...]


def find_runs(
    *, segments: Sequence[Segment], components: Sequence[Component | None], cuts: Collection[int]
) -> tuple[Run, ...]:
    """Numbers of adjoining segments with the same formula, the same prices and the same attributes read.

    `components` is the component in each segment's version; `cuts` are segments at which a figure it reads changes.
    """
    if len(segments) == 1:
        return ((0,),)
    runs: list[list[int]] = []
    before: object = None
    for at, (segment, component) in enumerate(zip(segments, components, strict=True)):
        seen = None if component is None else _what_it_sees(segment, component)
        if runs and seen == before and at not in cuts:
            runs[-1].append(at)
        else:
            runs.append([at])
        before = seen
    return tuple(tuple(run) for run in runs)


def _what_it_sees(segment: Segment, component: Component) -> tuple[object, ...]:
    roots = [
        root for root in (component.formula, component.condition, component.quantity) if root is not None
    ]
    values = tuple(value for root in roots for node in tree.walk(root) for value in _values(segment, node))
    return (component.formula, component.condition, component.quantity, component.rounding, values)


def _values(segment: Segment, node: tree.Node) -> Iterator[object]:
    match node:
        case tree.Attribute():
            found = segment.attributes.get(node.name)
            yield None if found is None else found.value
        case tree.Parameter():
            yield _cell(segment, node.name, node.key)
        case tree.Tiered():
            yield _cell(segment, node.table, node.key)


def _cell(segment: Segment, name: str, zone: str | None) -> object:
    """The cell in force; None when the table has none, False when an attribute it is kept by is missing."""
    table = segment.version.tables[name]
    key = []
    for part in table.keys:
        found = segment.attributes.get(part)
        if part == ZONE_KEY:
            key.append(zone or "")
        elif part == "season":
            key.append(segment.season)
        elif found is None:
            return False
        else:
            key.append(str(found.value).lower() if isinstance(found.value, bool) else str(found.value))
    cell = table.find_cell(tuple(key))
    return None if cell is None else cell[1]
