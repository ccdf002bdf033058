"""Components of a version: formulas parsed, put in order of dependence, resolved and typed."""

import re
from collections.abc import Container, Iterator, Mapping
from fractions import Fraction

from mains.engine.facts import MICRO
from mains.engine.language import syntax, tree
from mains.engine.language.errors import UnableToReadFormula
from mains.engine.language.extent import CONSTANT, EXTENSIVE, FLAT, find_extent
from mains.engine.language.names import FLAG, TEXT, Names, TableShape
from mains.engine.language.resolve import resolve_formula
from mains.engine.language.resolving.names import Typed
from mains.engine.language.units import NUMBER, Unit, UnitSystem
from mains.engine.tariff.clauses import Clause
from mains.engine.tariff.drafts import ComponentContext, Draft, read_drafts
from mains.engine.tariff.hints import shadow_hint, unit_remedy
from mains.engine.tariff.model import (
    CALENDAR_CUTS,
    CUTS,
    ZONE_KEY,
    AttributeType,
    Component,
    Rounding,
    Table,
)
from mains.kernel.rounding import RoundingMode

_MONEY_KINDS = ("charge", "tax", "subsidy", "tax_included")
_POSTED = ("charge", "tax", "subsidy")
_ONE_LINE = ("tax", "tax_included", "balance")


def read_components(clause: Clause, *, context: ComponentContext) -> tuple[Component, ...]:
    """Components in printed order; faults go to the clause's problems."""
    drafts = read_drafts(clause, context)
    groups = _groups(drafts)
    order = _dependency_order(drafts, groups, context)
    if order is None:
        return ()
    names = Names(
        units=context.units,
        attributes={name: (kind.kind, _attribute_unit(kind)) for name, kind in context.attributes.items()},
        quantities=context.quantities,
        tables={name: _shape(table) for name, table in context.tables.items()},
    )
    built: dict[str, Component] = {}
    for name in order:
        component = _resolve(drafts[name], names, groups[name], context)
        if component is not None:
            built[name] = component
    _refuse_mixed_cuts(built, drafts, context)
    return tuple(built[name] for name in drafts if name in built)


def _refuse_mixed_cuts(
    built: Mapping[str, Component], drafts: Mapping[str, Draft], context: ComponentContext
) -> None:
    """What a month's component takes of a line that is not cut by month would be a guess by days; what the last bill
    left would be counted in every month.
    """
    for name, component in built.items():
        if component.cut not in CALENDAR_CUTS:
            continue
        for balance in context.balances:
            if balance in _attributes_in(component):
                drafts[name].clause.refuse(
                    "balance-cut",
                    f"{name} counts by {component.cut}, and would take {balance} once in each.",
                    "Write `cut: seen` on the line that takes the balance.",
                )
        for read in component.reads:
            other = built.get(read)
            if other is not None and not other.figure and other.cut != component.cut:
                drafts[name].clause.refuse(
                    "cut-mixed",
                    f"{name} counts by {component.cut}, but {read}, which it reads, does not.",
                    f"Write `cut: {component.cut}` on {read} too.",
                )


def _attribute_unit(kind: AttributeType) -> Unit:
    return {"text": TEXT, "flag": FLAG}.get(kind.kind, kind.unit)


def _shape(table: Table) -> TableShape:
    zones = None
    if ZONE_KEY in table.keys:
        at = table.keys.index(ZONE_KEY)
        zones = frozenset(key[at] for key in table.cells)
    return TableShape(table.unit, zones, table.tiered, table.limit_unit)


def _groups(drafts: Mapping[str, Draft]) -> dict[str, dict[str, tuple[str, ...]]]:
    """What `charges` and `subtotal` mean to each component: all charges; everything posted that stands above
    it.
    """
    charges = tuple(name for name, draft in drafts.items() if draft.kind == "charge")
    above: list[str] = []
    groups = {}
    for name, draft in drafts.items():
        groups[name] = {"charges": tuple(item for item in charges if item != name), "subtotal": tuple(above)}
        if draft.kind in _POSTED:
            above.append(name)
    return groups


def _names_in(node: syntax.Syntax | None) -> Iterator[str]:
    match node:
        # Two words are a price or a zone: `prices.energy`, `energy.peak`, `usage.peak`.
        case syntax.NameSyntax() if len(node.parts) == 1:
            yield node.parts[0]
        case syntax.CallSyntax():
            # The second argument of tiers(…) names a table, never a component.
            inner = node.arguments[:1] if node.name in ("tiers", "block", "step") else node.arguments
            for argument in (*inner, *(value for _, value in node.named)):
                yield from _names_in(argument)
        case syntax.UnarySyntax():
            yield from _names_in(node.operand)
        case syntax.BinarySyntax():
            yield from _names_in(node.left)
            yield from _names_in(node.right)


def _words(node: syntax.Syntax) -> Iterator[str]:
    """Every word of the formula text, tables included."""
    return (match.group() for match in re.finditer(r"[^\W\d]\w*", node.text))


def _attributes_in(component: Component) -> set[str]:
    roots = (component.formula, component.condition, component.quantity)
    nodes = (node for root in roots if root is not None for node in tree.walk(root))
    return {node.name for node in nodes if isinstance(node, tree.Attribute)}


def _components_in(node: tree.Node) -> Iterator[str]:
    return (item.name for item in tree.walk(node) if isinstance(item, tree.ComponentValue))


def _dependency_order(
    drafts: Mapping[str, Draft],
    groups: Mapping[str, Mapping[str, tuple[str, ...]]],
    context: ComponentContext,
) -> tuple[str, ...] | None:
    needs: dict[str, list[str]] = {}
    for name, draft in drafts.items():
        read = [read for node in (draft.formula, draft.condition, draft.quantity) for read in _names_in(node)]
        expanded = [member for item in read for member in groups[name].get(item, (item,))]
        # In its own formula, a component's name means the price of that name.
        own = {draft.own} if draft.own in context.tables or draft.own in context.broken_tables else set()
        # The name of a balance means what the last bill left.
        own |= context.balances.keys()
        needs[name] = [item for item in dict.fromkeys(expanded) if item in drafts and item not in own]
    done: dict[str, None] = {}
    while len(done) < len(drafts):
        ready = [name for name in drafts if name not in done and all(need in done for need in needs[name])]
        if not ready:
            _refuse_cycle(drafts, needs, done, context.tables)
            return None
        done.update(dict.fromkeys(ready))
    return tuple(done)


def _refuse_cycle(
    drafts: Mapping[str, Draft],
    needs: Mapping[str, list[str]],
    done: Mapping[str, None],
    prices: Container[str],
) -> None:
    name = next(name for name in drafts if name not in done)
    path: list[str] = []
    while name not in path:
        path.append(name)
        name = next(need for need in needs[name] if need not in done)
    cycle = [*path[path.index(name) :], name]
    twice = " or ".join(f"prices.{name}" for name in dict.fromkeys(cycle) if name in prices)
    drafts[name].clause.get("formula").refuse(
        "cycle",
        f"The components depend on each other in a circle: {' → '.join(cycle)}.",
        f"Write {twice} where the price is meant."
        if twice
        else "Take one of them out of the other's formula.",
    )


def _resolve(
    draft: Draft, names: Names, groups: Mapping[str, tuple[str, ...]], context: ComponentContext
) -> Component | None:
    scoped = Names(
        names.units,
        names.attributes,
        names.quantities,
        names.tables,
        names.components,
        names.extents,
        groups,
        draft.own,
    )
    before = len(draft.clause.problems.found)
    formula = _typed(draft.formula, scoped, draft.clause.get("formula"), context)
    condition = _typed(draft.condition, scoped, draft.clause.get("when"), context)
    quantity = _typed(draft.quantity, scoped, draft.clause.get("quantity"), context)
    if condition is not None and condition[1] != FLAG:
        draft.clause.get("when").refuse(
            "unit-mismatch", "`when` must be a condition.", "Write a comparison, such as usage > 600."
        )
    unit = _result_unit(draft, formula, context)
    # Later formulas may name this one even if it is faulty: one fault should not be told twice.
    names.components[draft.name] = unit
    names.extents[draft.name] = EXTENSIVE
    if formula is None or len(draft.clause.problems.found) > before:
        return None
    extent = find_extent(formula[0], names.extents)
    figure = extent in (FLAT, CONSTANT) and draft.kind in ("quantity", "info")
    if figure:
        names.extents[draft.name] = FLAT
    return _component(draft, formula[0], condition, quantity, unit, extent, context, figure=figure)


def _typed(
    node: syntax.Syntax | None, names: Names, clause: Clause, context: ComponentContext
) -> Typed | None:
    if node is None or not context.units_known or context.broken_tables & set(_words(node)):
        return None
    try:
        return resolve_formula(formula=node, names=names)
    except UnableToReadFormula as error:
        hint = ""
        if error.fault.code == "unit-mismatch":
            hint = shadow_hint(
                _words(node), prices=context.tables, components=names.components, own=names.own
            )
        clause.refuse(error.fault.code, error.fault.message, hint + error.fault.remedy)
        return None


def _result_unit(draft: Draft, formula: Typed | None, context: ComponentContext) -> Unit:
    """Unit of the component: money, or for quantities and infos the declared or the found unit."""
    money, declared = context.units.money, draft.clause.get("unit")
    if draft.kind in _MONEY_KINDS:
        expected: Unit | None = money
    elif draft.kind == "balance":
        expected = context.balances[draft.name]
    elif declared.value is not None:
        try:
            expected, factor = context.units.parse(declared.text())
        except ValueError as error:
            declared.refuse("unit-unknown", f"{error}.", "Write units like kWh or EUR/kWh.")
            return money
        if factor != 1:
            declared.refuse("unit-unknown", f"The tariff counts in {expected}.", f"Write `unit: {expected}`.")
    else:
        expected = None
    found = formula[1] if formula is not None else None
    if formula is not None and found in (FLAG, TEXT):
        draft.clause.get("formula").refuse(
            "unit-mismatch", "The formula gives no number.", "Use if(condition, 1, 0)."
        )
    elif formula is not None and found is not None and expected is not None and found != expected:
        read = dict.fromkeys(_components_in(formula[0]))
        doubtful = [name for name in read if name in context.tables and name != draft.name]
        draft.clause.get("formula").refuse(
            "unit-mismatch",
            f"The formula gives {found}, but {draft.name} must be in {expected}.",
            unit_remedy(found, expected, context.units, doubtful),
        )
    return expected or found or NUMBER


def _component(
    draft: Draft,
    formula: tree.Node,
    condition: Typed | None,
    quantity: Typed | None,
    unit: Unit,
    extent: str,
    context: ComponentContext,
    *,
    figure: bool,
) -> Component:
    clause = draft.clause
    on_change = draft.on_change if draft.on_change is not None else context.on_change
    is_own = draft.on_change is not None
    if on_change is None or (figure and not is_own):
        on_change = "split" if extent == EXTENSIVE or figure else "weight"
    elif on_change == "split" and not is_own and extent != EXTENSIVE:
        on_change = "weight"
    each = clause.get("each").choice(
        ("segment", "period"), default="period" if draft.kind in _ONE_LINE else "segment"
    )
    return Component(
        name=draft.name,
        kind=draft.kind,
        title=draft.title,
        formula=formula,
        formula_text=draft.formula_text,
        condition=condition[0] if condition else None,
        quantity=quantity[0] if quantity else _priced_quantity(formula, context),
        unit=unit,
        on_change=on_change,
        cut="seen" if draft.kind == "balance" else clause.get("cut").choice(CUTS, default=context.cut),
        figure=figure,
        each="segment" if figure else "period" if draft.kind == "balance" else each,
        rounding=_rounding(draft, unit, context),
        average_rounding=clause.get("average_round").rounding(),
        reads=tuple(
            dict.fromkeys(
                name
                for root in (formula, *(item[0] for item in (condition, quantity) if item))
                for name in _components_in(root)
            )
        ),
        since=draft.since,
        until=draft.until,
        origin=draft.origin,
    )


def _rounding(draft: Draft, unit: Unit, context: ComponentContext) -> Rounding | None:
    clause = draft.clause.get("round")
    if draft.kind == "balance":
        return _balance_rounding(clause, unit, context)
    if clause.value is not None:
        coin = Fraction(1, 10**context.minor_digits) if unit == context.units.money else None
        return clause.rounding(smallest=coin)
    if unit == context.units.money:
        return Rounding(Fraction(1, 10**context.minor_digits), RoundingMode.HALF_UP)
    return None


def _balance_rounding(clause: Clause, unit: Unit, context: ComponentContext) -> Rounding:
    """A balance is kept between bills: money in the smallest coin, other units in millionths."""
    kept = Fraction(1, 10**context.minor_digits) if unit == context.units.money else Fraction(1, MICRO)
    found = clause.rounding(smallest=kept)
    if clause.value is not None and (found is None or (found.step / kept).denominator != 1):
        clause.refuse(
            "rounding-step", f"A balance is kept in steps of {kept}.", "Round it to one or more of these."
        )
    return found or Rounding(kept, RoundingMode.HALF_UP)


def _priced_quantity(formula: tree.Node, context: ComponentContext) -> tree.Node | None:
    """The quantity a line prices, where the formula has exactly one: shown on the bill beside the amount."""
    found = dict.fromkeys(_quantities_in(formula, context.units))
    return next(iter(found)) if len(found) == 1 else None


def _quantities_in(node: tree.Node, units: UnitSystem) -> Iterator[tree.Node]:
    """The widest parts of a formula that are measured in the unit of use, and quantities computed by other
    components.
    """
    computed = (
        isinstance(node, tree.ComponentValue) and node.unit != NUMBER and not node.unit.has(units.currency)
    )
    if computed or (node.unit == units.use and not isinstance(node, tree.Literal | tree.Parameter)):
        yield node
    elif isinstance(node, tree.Tiered):
        # The figure of a step is chosen by the amount, it does not price it.
        yield from () if node.method == "step" else _quantities_in(node.amount, units)
    elif not isinstance(node, tree.Choice | tree.Comparison | tree.Logic):
        for child in tree.children(node):
            yield from _quantities_in(child, units)
