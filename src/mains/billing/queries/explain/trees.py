"""The tree of a computed line, down to readings, shares, facts and clauses of the tariff."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from django.utils.translation import gettext as _

from mains.billing.queries.explain.intervals.items import ORIGIN
from mains.billing.queries.explain.items import RatedItem, fact_title, title_of
from mains.billing.queries.explain.shares import share_origins
from mains.billing.values import COMMON_USE, FED_IN, LineKind
from mains.engine.exact.explanation import Step, unit_text
from mains.engine.exact.protocol import Line

_CLAUSES = ("versions[", "prices.", "components[", "total")
"""How the engine's sources begin when they name a clause of the tariff."""


def traced(line: Line, rated: RatedItem) -> Step:
    """The line's tree with readings below its use, records below its attributes, and the tariff named."""
    attributes = {
        name: value
        for name, values in rated.facts.attributes.items()
        for value in values
        if value.holds_on(line.from_date)
    }
    edition = rated.item.edition
    assert edition is not None  # only items with a tariff are rated
    read = set(edition.tariff.read_attributes)

    def trace(step: Step, *, in_condition: bool = False) -> Step:
        # What the last bill left, and not the component of the same name.
        if step.label in edition.tariff.balances and step.source == attributes[step.label].source:
            return _carried_step(step.label)
        in_condition = in_condition or isinstance(step.value, bool)
        children = tuple(trace(child, in_condition=in_condition) for child in step.children)
        if (told := _use_origins(step.source, line, rated)) is not None:
            return replace(step, source="", children=(*children, *told))
        if step.source == COMMON_USE:
            # Told in full where it is priced, not in the condition.
            shares = (
                ()
                if in_condition
                else share_origins(
                    rated.item, from_date=line.from_date, to_date=line.to_date, reader=rated.reader
                )
            )
            return replace(step, source="", children=(*children, *shares))
        if step.source.startswith("component "):
            # Figures and quantities have no line on the bill: their own calculation stands here.
            parts = _figures(rated, step.source.split()[1].rstrip(","), line)
            if len(parts) > 1:
                return _of_parts(step, parts, rated)
            if parts:
                return trace(replace(parts[0].explanation, label=_named(rated, step.label)))
        if step.source.startswith(_CLAUSES):
            return replace(step, source=f"tariff {edition.code}, {step.source}", children=children)
        return replace(step, children=children)

    def _carried_step(name: str) -> Step:
        value, unit = attributes[name], edition.tariff.balances[name]
        return Step(fact_title(rated, name), value.value, unit_text(unit), formula=name, source=value.source)

    known = tuple(
        _carried_step(name)
        if name in edition.tariff.balances
        else Step(name, value.value, source=value.source)
        for name, value in sorted(attributes.items())
        if name in read
    )
    tree = trace(line.explanation)
    return replace(
        tree,
        label=title_of(rated, line.component),
        children=(*tree.children, *([_facts_step(known)] if known else [])),
    )


def _use_origins(source: str, line: Line, rated: RatedItem) -> tuple[Step, ...] | None:
    """What use comes from that has this source: intervals, or readings; None where the source is of no use."""
    days = {"from_date": line.from_date, "to_date": line.to_date}
    if source.startswith(ORIGIN) and rated.intervals is not None:
        names = [name.removeprefix(ORIGIN) for name in source.split(", ")]
        found = [rated.intervals.origins(name=name, **days) for name in names]
        return tuple(step for steps in found for step in steps)
    if source == FED_IN:
        return rated.use.origins(name=FED_IN, **days)
    if source.startswith("usage"):
        # The sum of several zones names all of them.
        return rated.use.origins(name="usage" if "," in source else source, **days)
    return None


def _figures(rated: RatedItem, component: str, line: Line) -> list[Line]:
    """The lines of a quantity or figure that a line reads: the one of the same days, or those within."""
    found = [
        each
        for each in rated.protocol.lines
        if each.component == component and each.kind not in LineKind.values
    ]
    own = [each for each in found if (each.from_date, each.to_date) == (line.from_date, line.to_date)]
    of_days = [each for each in found if each.from_date < line.to_date and line.from_date < each.to_date]
    return own[:1] or of_days or found[:1]


def _of_parts(step: Step, parts: Sequence[Line], rated: RatedItem) -> Step:
    """A value that a line reads as a whole, with the tree of each part of the period."""
    children = []
    for each in parts:
        tree = traced(each, rated)
        days = f"{each.from_date} – {each.to_date - timedelta(days=1)}"
        children.append(replace(tree, label=f"{tree.label}, {days}"))
    is_sum = sum(each.value for each in parts) == step.value
    return replace(
        step,
        label=_named(rated, step.label),
        source="",
        formula=_("sum of its parts") if is_sum else _("mean by days"),
        children=tuple(children),
    )


def _facts_step(known: tuple[Step, ...]) -> Step:
    return Step(
        _("facts that choose the price"), ", ".join(str(step.label) for step in known), children=known
    )


def _named(rated: RatedItem, label: str) -> str:
    """A component inside a formula: its title, and the name by which the formula above it speaks of it."""
    title = title_of(rated, label)
    return label if title == label else f"{title} ({label})"
