"""Facts typed to try a tariff: the inputs that it reads, and the case that they make."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mains.engine.tariff import Tariff

_START_USE = "250"
_PLAIN = frozenset("0123456789.-")


@dataclass(frozen=True)
class FactInput:
    """An input: `kind` is date, number, text, choice or flag. `group` says where it belongs in the case."""

    name: str
    group: str
    key: str
    kind: str
    value: str
    unit: str = ""
    choices: Sequence[str] = ()


def fact_inputs(tariff: Tariff, told: Mapping[str, str], *, today: date) -> list[FactInput]:
    """What the tariff asks of an account, filled with what was told, else with the last full month and usual use."""
    first, end = _month_to_try(tariff, today=today)
    inputs = [
        FactInput("first_day", "period", "first_day", "date", told.get("first_day", first.isoformat())),
        FactInput(
            "last_day",
            "period",
            "last_day",
            "date",
            told.get("last_day", (end - timedelta(days=1)).isoformat()),
        ),
    ]
    use_unit = str(tariff.units.use)
    for zone in tariff.zones or ("",):
        name = f"usage.{zone}" if zone else "usage"
        inputs.append(FactInput(name, "usage", zone, "number", told.get(name, _START_USE), use_unit))
    for key, measure in tariff.quantities.items():
        name = f"quantity.{key}"
        inputs.append(FactInput(name, "quantity", key, "number", told.get(name, "0"), str(measure)))
    for key in tariff.read_attributes:
        attribute = tariff.attributes[key]
        kind = {"flag": "flag", "number": "number"}.get(
            attribute.kind, "choice" if attribute.values else "text"
        )
        name = f"attribute.{key}"
        start = ""
        if attribute.default is None:
            start = {"flag": "yes", "number": "1"}.get(
                attribute.kind, (attribute.values or _known(tariff, key))[0]
            )
        choices = ("yes", "no") if kind == "flag" else attribute.values
        unit = str(attribute.unit) if attribute.kind == "number" else ""
        inputs.append(FactInput(name, "attribute", key, kind, told.get(name, start), unit, choices))
    return inputs


def _month_to_try(tariff: Tariff, *, today: date) -> tuple[date, date]:
    """First day and day after the last full month, or the first month of a version where none is in force then."""
    end = today.replace(day=1)
    last = end - timedelta(days=1)
    first = last.replace(day=1)
    if tariff.find_version(first) and tariff.find_version(last):
        return first, end
    version = next((one for one in tariff.versions if one.valid_from > last), tariff.versions[-1])
    first = version.valid_from
    return first, (first.replace(day=1) + timedelta(days=32)).replace(day=1)


def _known(tariff: Tariff, key: str) -> Sequence[str]:
    """Values of an attribute that tables are kept by; one of them is a good start."""
    found = dict.fromkeys(
        cell[table.keys.index(key)]
        for version in tariff.versions
        for table in version.tables.values()
        if key in table.keys
        for cell in table.cells
    )
    return [value for value in found if value != "*"] or [""]


def case_text(inputs: Sequence[FactInput]) -> str:
    """The `facts` of a case, as `mains rate` reads them; inputs left empty are left out."""
    period = ", ".join(
        f"{one.key}: {_text(one.value)}" for one in inputs if one.group == "period" and one.value
    )
    lines = ["facts:", f"  period: {{{period}}}"]
    zones = [one for one in inputs if one.group == "usage" and one.value]
    if len(zones) == 1 and not zones[0].key:
        lines.append(f"  usage: {_text(zones[0].value)}")
    elif zones:
        told = ", ".join(f"{_text(one.key)}: {_text(one.value)}" for one in zones)
        lines.append(f"  usage: {{{told}}}")
    for group, heading in (("quantity", "quantities"), ("attribute", "attributes")):
        chosen = [one for one in inputs if one.group == group and one.value]
        if chosen:
            lines.append(f"  {heading}:")
            lines += [f"    {_text(one.key)}: {_text(one.value)}" for one in chosen]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    value = " ".join(value.split())
    is_plain = bool(value) and (set(value) <= _PLAIN or value.isidentifier())
    return value if is_plain else json.dumps(value, ensure_ascii=False)
