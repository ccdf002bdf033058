"""Checks across the versions of a tariff: no gap, no overlap, and components that mean the same thing over
time.
"""

from dataclasses import replace

from mains.engine.language import tree
from mains.engine.tariff.clauses import Clause
from mains.engine.tariff.model import CALENDAR_CUTS, Component, Version


def check_dates(versions: list[tuple[Clause, Version]]) -> tuple[Version, ...]:
    """Versions in order of date, each closed by the next. Refuses gaps, overlaps and empty versions."""
    ordered = sorted(versions, key=lambda pair: pair[1].valid_from)
    closed = []
    for at, (clause, version) in enumerate(ordered):
        following = ordered[at + 1][1].valid_from if at + 1 < len(ordered) else None
        end = version.valid_to
        if end is not None and end <= version.valid_from:
            clause.get("valid_to").refuse(
                "version-empty",
                f"The version ends on {end}, before it starts.",
                "valid_to is the first day after it.",
            )
        if following is not None:
            if following == version.valid_from:
                ordered[at + 1][0].refuse(
                    "version-overlap", f"Two versions start on {following}.", "Keep one of them."
                )
            elif end is not None and end < following:
                message = f"Nothing is in force from {end} until the next version on {following}."
                clause.get("valid_to").refuse(
                    "version-gap", message, "Leave valid_to out, or add the missing version."
                )
            elif end is not None and end > following:
                message = f"The version still runs on {following}, when the next one starts."
                clause.get("valid_to").refuse(
                    "version-overlap",
                    message,
                    "valid_to is the first day on which the version is no longer in force.",
                )
        closed.append(replace(version, valid_to=following if following is not None else end))
    return tuple(closed)


def check_versions(versions: tuple[Version, ...], root: Clause) -> None:
    """A component keeps its kind, unit and treatment of changes; an averaged one also its formula and tables'
    shapes.
    """
    seen: dict[str, tuple[Version, Component]] = {}
    for version in versions:
        for component in version.components:
            before = seen.get(component.name)
            if before is not None:
                _check_pair(*before, version, component, root)
            seen[component.name] = (version, component)


def _check_pair(
    old_version: Version, old: Component, new_version: Version, new: Component, root: Clause
) -> None:
    clause = root.get("versions")
    where = new_version.clause(f"components[{new.name}]")
    named = Clause(clause.value, clause.problems, clause.path, where)
    for label, first, second in (
        ("kind", old.kind, new.kind),
        ("unit", old.unit, new.unit),
        ("on_change", old.on_change, new.on_change),
        ("each", old.each, new.each),
        ("cut", old.cut, new.cut) if {old.cut, new.cut} & set(CALENDAR_CUTS) else ("", 0, 0),
        ("rounding", old.rounding, new.rounding)
        if old.each == "period" or old.on_change != "split"
        else ("", 0, 0),
    ):
        if first != second:
            message = (
                f"The {label} of {new.name} differs from that of the version of {old_version.valid_from}."
            )
            named.refuse("version-mismatch", message, "Give the component another name, or make both alike.")
    if new.on_change != "average":
        return
    if old.formula != new.formula or old.condition != new.condition:
        named.refuse(
            "version-mismatch",
            f"Prices of {new.name} cannot be averaged over versions with other formulas.",
            "Use split or weight.",
        )
        return
    for node in tree.walk(new.formula):
        if isinstance(node, tree.Tiered):
            counts = {
                len(cell)
                for version in (old_version, new_version)
                for cell in version.tables[node.table].cells.values()
                if isinstance(cell, tuple)
            }
            if len(counts) > 1:
                named.refuse(
                    "version-mismatch",
                    f"The tiers of {node.table} differ in number and cannot be averaged.",
                    "Use split or weight.",
                )
