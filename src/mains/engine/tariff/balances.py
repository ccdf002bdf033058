"""Balances: what a bill leaves to the next one (`balances: {credit: kWh}`)."""

from collections.abc import Container, Mapping

from mains.engine.language.names import RESERVED
from mains.engine.language.units import Unit, UnitSystem
from mains.engine.tariff.clauses import Clause
from mains.engine.tariff.drafts import rerated_balances
from mains.engine.tariff.model import Version
from mains.engine.tariff.tables import refused_name


def read_balances(root: Clause, units: UnitSystem, *, taken: Container[str]) -> dict[str, Unit]:
    """Balances by name with their units: those declared, and those of components that are rated again."""
    found: dict[str, Unit] = {}
    for name, clause in root.get("balances").entries():
        if not name.isidentifier() or name in RESERVED or name in ("season", "zone") or name in taken:
            clause.refuse(
                "name-taken", f"“{name}” cannot name a balance.", refused_name(name, (), kind="balance")
            )
            continue
        try:
            unit, size = units.parse(clause.text(required=True, default="number"))
        except ValueError as error:
            clause.refuse(
                "unit-unknown", f"{error}.", f"Write {units.currency}, or a unit such as {units.unit}."
            )
            continue
        if size != 1:
            clause.refuse("unit-unknown", f"The tariff counts in {unit}.", f"Write `{name}: {unit}`.")
        found[name] = unit
    listed = root.get("versions").value
    versions = (
        [version for version in listed if isinstance(version, Mapping)] if isinstance(listed, list) else []
    )
    for components in (root.value, *versions):
        written = components.get("components") if isinstance(components, Mapping) else None
        for name in rerated_balances(Clause(written, root.problems)):
            found.setdefault(name, units.money)
    return found


def check_balances(versions: tuple[Version, ...], balances: Mapping[str, Unit], root: Clause) -> None:
    """Every version says what it leaves, else what the last bill left would be lost at its first bill."""
    for version in versions:
        left = {component.name for component in version.components if component.kind == "balance"}
        for name in balances:
            if name not in left:
                at = root.get("balances")
                clause = Clause(at.value, at.problems, at.path, version.clause("components"))
                clause.refuse(
                    "balance-missing",
                    f"Nothing says what is left of the balance {name}.",
                    f"Add a component {{name: {name}, kind: balance, formula: …}}.",
                )
