"""Reading `demand`: measured maxima and ratchets, which formulas read like attributes."""

from collections.abc import Collection, Mapping

from mains.engine.language.guesses import guess
from mains.engine.language.units import Unit, UnitSystem
from mains.engine.tariff.clauses import Clause
from mains.engine.tariff.schedule import (
    EACH_DAY,
    EACH_INTERVAL,
    PER_MONTH,
    PER_PERIOD,
    STEPS,
    Demand,
    Demands,
    Ratchet,
)

_DEMAND_KEYS = ("of", "unit", "zone", "window", "per", "mean_of", "each", "title", "note")
_RATCHET_KEYS = ("highest", "months", "within", "title", "note")
# Mean power of an energy; any other quantity flows per hour.
_POWER = {"kWh": "kW", "kvarh": "kvar", "kVAh": "kVA"}
USAGE = "usage"
MAX_RATCHET_MONTHS = 60
_MAX_PEAKS = 31


def read_demands(
    clause: Clause, *, units: UnitSystem, quantities: Mapping[str, Unit], zones: Collection[str]
) -> Demands:
    """Declared demands by name. Refused: units that do not fit, zones and registers that are not declared."""
    found: dict[str, Demand | Ratchet] = {}
    registers = {USAGE: units.use, **quantities}
    for name, entry in clause.entries():
        if entry.value is not None and not isinstance(entry.value, Mapping):
            entry.refuse("not-a-mapping", "A demand is a set of entries.", "Write {unit: kW, zone: peak}.")
        elif entry.get("highest").value is None:
            found[name] = _demand(name, entry, units, registers, zones)
    for name, entry in clause.entries():
        if isinstance(entry.value, Mapping) and entry.get("highest").value is not None:
            ratchet = _ratchet(name, entry, found)
            if ratchet is not None:
                found[name] = ratchet
    return found


def power_unit(unit: Unit, units: UnitSystem) -> Unit:
    """kW for kWh, kvar for kvarh, kVA for kVAh, else the unit per hour."""
    text = str(unit)
    return units.parse(_POWER.get(text, f"{text}/hour"))[0]


def _demand(
    name: str, clause: Clause, units: UnitSystem, registers: Mapping[str, Unit], zones: Collection[str]
) -> Demand:
    clause.only(_DEMAND_KEYS)
    of = clause.get("of")
    sources = of.items() if isinstance(of.value, list) else [of]
    names = tuple(str(source.value or USAGE) for source in sources)
    for source, register in zip(sources, names, strict=True):
        if register not in registers:
            remedy = guess(register, registers) + "Declare it under quantities, or write usage."
            source.refuse("unknown-name", f"The tariff has no quantity “{register}”.", remedy)
    known = [registers.get(register, units.use) for register in names]
    unit = power_unit(known[0], units)
    if len(names) > 1:
        if [str(item) for item in known] != ["kWh", "kvarh"]:
            of.refuse(
                "unit-mismatch",
                "Apparent power is made of active and reactive energy.",
                "Write of: [usage, reactive] with kWh and kvarh.",
            )
        unit = units.parse("kVA")[0]
    _check_unit(clause.get("unit"), unit, units)
    window = read_minutes(clause.get("window"))
    per = clause.get("per").choice((PER_PERIOD, PER_MONTH), default=PER_PERIOD)
    peaks, each = _peaks(clause)
    return Demand(name, unit, names, read_zones(clause.get("zone"), zones), window, per, peaks, each)


def _peaks(clause: Clause) -> tuple[int, str]:
    """How many of the highest values make the mean, and of each day or of any intervals."""
    written = clause.get("mean_of")
    if written.value is None:
        if clause.get("each").value is not None:
            clause.get("each").refuse(
                "missing", "Nothing says how many peaks make a mean.", "Write mean_of: 3 with it."
            )
        return 1, EACH_INTERVAL
    count = written.number()
    if count is None or count.denominator != 1 or not 2 <= count <= _MAX_PEAKS:
        written.refuse(
            "mean-of",
            "A demand is the mean of some peaks.",
            f"Write mean_of: 3 (2 to {_MAX_PEAKS}); one peak needs no mean.",
        )
        count = None
    each = clause.get("each").choice((EACH_DAY, EACH_INTERVAL), default=EACH_DAY)
    return int(count or 1), each


def _check_unit(clause: Clause, unit: Unit, units: UnitSystem) -> None:
    if clause.value is None:
        return
    try:
        written, size = units.parse(clause.text())
    except ValueError as error:
        clause.refuse("unit-unknown", f"{error}.", f"Write {unit}.")
        return
    if written != unit or size != 1:
        clause.refuse("unit-mismatch", f"This demand is measured in {unit}.", f"Write unit: {unit}.")


def read_zones(clause: Clause, zones: Collection[str]) -> tuple[str, ...]:
    """One zone or a list of declared zones; empty when absent."""
    items = clause.items() if isinstance(clause.value, list) else [clause] if clause.value is not None else []
    for item in items:
        if str(item.value) not in zones:
            remedy = guess(str(item.value), zones) + f"Zones: {', '.join(zones) or 'none'}."
            item.refuse("unknown-name", f"The tariff has no zone “{item.value}”.", remedy)
    return tuple(str(item.value) for item in items)


def read_minutes(clause: Clause) -> int | None:
    """A part of an hour: `15 min`, `1 h`, or the number of minutes; None when absent or refused."""
    figure = clause.figure()
    if figure is None:
        return None
    number, unit = figure
    if unit in ("h", "hour"):
        number *= 60
    elif unit not in (None, "min", "minutes", "minute"):
        number *= 0
    if number not in STEPS:
        clause.refuse(
            "interval-length",
            f"“{clause.value}” is no part of an hour.",
            f"Write one of {', '.join(map(str, STEPS))} min.",
        )
        return None
    return int(number)


def _ratchet(name: str, clause: Clause, demands: Demands) -> Ratchet | None:
    clause.only(_RATCHET_KEYS)
    of = demands.get(clause.get("highest").text())
    if not isinstance(of, Demand):
        remedy = f"Demands: {', '.join(demands) or 'none'}."
        clause.get("highest").refuse("unknown-name", "A ratchet is the highest of another demand.", remedy)
        return None
    months = clause.get("months").number()
    if months is None or months.denominator != 1 or not 1 <= months <= MAX_RATCHET_MONTHS:
        clause.get("months").refuse(
            "ratchet",
            "A ratchet looks back over some months.",
            f"Write months: 11 (1 to {MAX_RATCHET_MONTHS}).",
        )
        return None
    within = set()
    for item in clause.get("within").items():
        month = item.number()
        if month is None or month.denominator != 1 or not 1 <= month <= 12:
            item.refuse("ratchet", f"There is no month {item.value}.", "Write 1 to 12.")
        else:
            within.add(int(month))
    return Ratchet(name, of.unit, of.name, int(months), frozenset(within))
