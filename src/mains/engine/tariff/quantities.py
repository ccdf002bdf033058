"""Reading `quantities`: what is measured beside use, and parts of a register by zone and by direction."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from mains.engine.language.guesses import guess
from mains.engine.language.units import Unit, UnitSystem
from mains.engine.tariff.clauses import Clause
from mains.engine.tariff.demands import USAGE, read_zones
from mains.engine.tariff.schedule import FED_IN, TAKEN, RegisterPart
from mains.engine.tariff.tables import is_free_name

_KEYS = ("unit", "of", "zone", "only", "price", "price_unit", "title", "note")


def read_quantities(
    clause: Clause, *, units: UnitSystem, zones: Collection[str]
) -> tuple[dict[str, Unit], dict[str, RegisterPart]]:
    """Units by name, `{reactive: kvarh}`, and what is a part of another register,
    `{export_peak: {unit: kWh, of: export, zone: peak}}`.
    """
    quantities: dict[str, Unit] = {}
    for name, entry in clause.entries():
        if is_free_name(name, entry):
            unit = _unit(name, entry.get("unit") if isinstance(entry.value, Mapping) else entry, units)
            if unit is not None:
                quantities[name] = unit
    parts = {}
    for name, entry in clause.entries():
        if isinstance(entry.value, Mapping):
            entry.only(_KEYS)
            if entry.get("of").value is not None:
                parts[name] = _part(name, entry, {USAGE: units.use, **quantities}, zones, units)
            elif entry.get("price").value is not None:
                entry.refuse("missing", "Nothing says what is priced.", "Write of: usage with it.")
    for name, part in parts.items():
        if part.register in parts:
            clause.get(name).get("of").refuse(
                "unknown-name", f"“{part.register}” is itself a part.", "Name the register which is measured."
            )
    return quantities, parts


def _unit(name: str, clause: Clause, units: UnitSystem) -> Unit | None:
    try:
        unit, size = units.parse(clause.text(required=True, default="number"))
    except ValueError as error:
        clause.refuse("unit-unknown", f"{error}.", "Write units like kWh or kvarh.")
        return None
    if size != 1:
        clause.refuse("unit-unknown", f"The tariff counts in {unit}.", f"Write `{name}: {unit}`.")
    return unit


def _part(
    name: str,
    clause: Clause,
    registers: Mapping[str, Unit],
    zones: Collection[str],
    units: UnitSystem,
) -> RegisterPart:
    of = clause.get("of")
    register = of.text()
    if register not in registers or register == name:
        remedy = guess(register, registers) + "Declare it under quantities, or write usage."
        of.refuse("unknown-name", f"The tariff has no quantity “{register}”.", remedy)
    elif clause.get("price").value is None and name in registers and registers[name] != registers[register]:
        unit = registers[register]
        clause.get("unit").refuse("unit-mismatch", f"{register} is in {unit}.", f"Write unit: {unit}.")
    only = clause.get("only")
    direction = only.choice((TAKEN, FED_IN), default=TAKEN) if only.value is not None else ""
    part = RegisterPart(register, read_zones(clause.get("zone"), zones), direction)
    if clause.get("price").value is None or register not in registers:
        return part
    return _priced(name, clause, part, registers, units)


def _priced(
    name: str, clause: Clause, part: RegisterPart, registers: Mapping[str, Unit], units: UnitSystem
) -> RegisterPart:
    """A part that each interval's price makes money of."""
    price, written = clause.get("price").text(), clause.get("price_unit")
    if registers.get(name, units.money) != units.money:
        clause.get("unit").refuse(
            "unit-mismatch", "Use times price is money.", f"Write unit: {units.currency}."
        )
    wanted = units.money / registers[part.register]
    try:
        unit, size = units.parse(written.text(required=True))
    except ValueError as error:
        written.refuse("unit-unknown", f"{error}.", f"Write {wanted}.")
        return part
    if written.value is not None and unit != wanted:
        written.refuse(
            "unit-mismatch", f"“{written.value}” is no price of {part.register}.", f"Write {wanted}."
        )
    return replace(part, price=price, price_unit=written.text(), price_size=size)
