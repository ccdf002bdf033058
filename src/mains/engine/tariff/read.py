"""Tariff document → `Tariff`. The one door: whatever passes here, both interpreters can rate."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from mains.engine.facts import MICRO
from mains.engine.language.atoms import SIGNS
from mains.engine.language.units import NUMBER, Unit, UnitSystem
from mains.engine.tariff.balances import check_balances, read_balances
from mains.engine.tariff.clauses import Clause, Problems
from mains.engine.tariff.components import read_components
from mains.engine.tariff.dates import split_by_dates
from mains.engine.tariff.demands import read_demands
from mains.engine.tariff.document import Value, read_document
from mains.engine.tariff.drafts import ComponentContext
from mains.engine.tariff.errors import UnableToReadTariff
from mains.engine.tariff.model import CUTS, DAY_COUNTS, ON_CHANGE, AttributeType, Rounding, Tariff, Version
from mains.engine.tariff.money import read_minor_digits
from mains.engine.tariff.quantities import read_quantities
from mains.engine.tariff.schedule import Demands, Holidays, RegisterPart
from mains.engine.tariff.seasons import read_seasons
from mains.engine.tariff.tables import TableContext, is_free_name, read_tables
from mains.engine.tariff.time_of_use import (
    check_time_of_use,
    find_zones,
    read_holidays,
    read_schedule,
    read_time_zone,
)
from mains.engine.tariff.validate import check_dates, check_versions

_VERSION_KEYS = (
    "valid_from", "valid_to", "source", "confidence", "note", "prices", "components", "total", "time_of_use",
)  # fmt: skip
_TARIFF_KEYS = (
    "tariff", "title", "service", "currency", "currency_digits", "unit", "attributes", "quantities",
    "balances", "day_count", "on_change", "cut", "split_usage", "seasons", "versions", "prices", "components", "total",
    "source", "confidence", "note", "time_zone", "time_of_use", "holidays", "demand",
)  # fmt: skip


@dataclass(frozen=True)
class _Header:
    code: str
    units_known: bool
    units: UnitSystem
    minor_digits: int
    attributes: Mapping[str, AttributeType]
    quantities: Mapping[str, Unit]
    parts: Mapping[str, RegisterPart]
    seasons: Mapping[tuple[int, int], str]
    on_change: str | None
    cut: str
    time_zone: str
    holidays: Holidays
    demands: Demands
    balances: Mapping[str, Unit]


def read_tariff(document: Value) -> Tariff:
    """A checked tariff from a document: a mapping with numbers as text, int or Decimal, or YAML text.

    Raises UnableToReadTariff with every fault found, each named by its clause. Refused: versions that overlap or
    leave a gap, unit errors, circles, unknown names, tables without a last tier or with limits out of order,
    floats, unknown keys.
    """
    if isinstance(document, str):
        document = read_document(document)
    problems = Problems(document)
    root = Clause(document, problems)
    if not isinstance(document, Mapping):
        root.refuse("not-a-mapping", "A tariff is a set of named entries.", "Start with `tariff: <code>`.")
        raise UnableToReadTariff(tariff="?", problems=problems.in_order())
    root.only(_TARIFF_KEYS)
    header = _read_header(root)
    versions = _read_versions(root, header)
    if not problems.found:
        check_versions(versions, root)
        check_balances(versions, header.balances, root)
    if problems.found:
        raise UnableToReadTariff(tariff=header.code or "?", problems=problems.in_order())
    tariff = Tariff(
        code=header.code,
        title=root.get("title").titles(header.code),
        service=root.get("service").text(),
        currency=header.units.currency,
        minor_digits=header.minor_digits,
        units=header.units,
        day_count=root.get("day_count").choice(DAY_COUNTS, default="end_day"),
        attributes=header.attributes,
        quantities=header.quantities,
        seasons=header.seasons,
        use_rounding=_read_split(root.get("split_usage")),
        versions=split_by_dates(versions),
        time_zone=header.time_zone,
        demands=header.demands,
        balances=header.balances,
        parts=header.parts,
    )
    check_time_of_use(tariff, root)
    if len(tariff.computing_order) < len(tariff.printed_order):
        stuck = ", ".join(name for name in tariff.printed_order if name not in tariff.computing_order)
        root.get("versions").refuse(
            "cycle", f"Over all versions, these components read each other: {stuck}.", "Rename one of them."
        )
    if problems.found:
        raise UnableToReadTariff(tariff=header.code, problems=problems.in_order())
    return tariff


def _read_header(root: Clause) -> _Header:
    before = len(root.problems.found)
    units = _read_units(root)
    units_known = len(root.problems.found) == before
    on_change = root.get("on_change")
    attributes = _read_attributes(root.get("attributes"), units)
    zones = find_zones(root)
    quantities, parts = read_quantities(root.get("quantities"), units=units, zones=zones)
    written = root.get("demand")
    demands: Demands = {}
    if units_known:
        demands = read_demands(written, units=units, quantities=quantities, zones=zones)
    for name in list(demands):
        if name in attributes or name in quantities:
            written.get(name).refuse("name-taken", f"“{name}” is declared twice.", "Rename one of them.")
        elif is_free_name(name, written.get(name)):
            # Formulas read a demand as they read any other number that is known of the account.
            attributes[name] = AttributeType(name, "number", demands[name].unit)
    balances = read_balances(root, units, taken={*attributes, *quantities})
    return _Header(
        code=root.get("tariff").text(required=True),
        units_known=units_known,
        units=units,
        minor_digits=read_minor_digits(root, units.currency),
        attributes=attributes
        | {name: AttributeType(name, "number", unit) for name, unit in balances.items()},
        quantities=quantities,
        parts=parts,
        seasons=read_seasons(root.get("seasons")),
        cut=root.get("cut").choice(CUTS, default="seen"),
        on_change=on_change.choice(ON_CHANGE, default="split") if on_change.value is not None else None,
        time_zone=read_time_zone(root.get("time_zone")),
        holidays=read_holidays(root.get("holidays")),
        demands=demands,
        balances=balances,
    )


def _read_units(root: Clause) -> UnitSystem:
    """Currency and unit of use; stand-ins when they are refused."""
    currency, unit = root.get("currency").text(required=True), root.get("unit").text(required=True)
    if currency and not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        root.get("currency").refuse(
            "currency-unknown", f"“{currency}” is not a currency.", _currency_remedy(currency)
        )
    is_heat = root.get("service").value == "heat"
    units = UnitSystem(currency or "XXX", unit or "unit", is_heat)
    try:
        if units.use != NUMBER and units.parse(units.unit)[1] == 1:
            return units
    except ValueError:
        pass
    root.get("unit").refuse(
        "unit-unknown", f"Use cannot be measured in “{unit}”.", "Name a unit such as kWh or m3."
    )
    return UnitSystem(units.currency, "unit", is_heat)


def _currency_remedy(written: str) -> str:
    if len(written) == 3 and written.isascii() and written.isalpha():
        return f"Write {written.upper()}."
    meant = sorted(SIGNS.get(written.casefold(), ()))
    return f"Use its three ISO letters, such as {', '.join(meant[:3]) or 'RUB'}."


def _read_split(clause: Clause) -> Rounding | None:
    """Rounding of the use of each part of a split period; facts are kept in millionths, so no finer step
    makes sense.
    """
    rounding = clause.rounding()
    if rounding is not None and (rounding.step * MICRO).denominator != 1:
        clause.refuse("rounding-step", "Use is kept in millionths.", "Give a step such as 1 or 0.001.")
        return None
    return rounding


def _read_attributes(clause: Clause, units: UnitSystem) -> dict[str, AttributeType]:
    attributes = {}
    for name, entry in clause.entries():
        if not is_free_name(name, entry):
            continue
        kind, unit, default = entry, NUMBER, entry.get("default")
        values: tuple[str, ...] = ()
        if isinstance(entry.value, Mapping):
            entry.only(("type", "values", "default", "title", "note"))
            kind = entry.get("type")
            values = tuple(str(item.value) for item in entry.get("values").items())
        word = kind.text(required=True, default="number")
        if word in ("flag", "boolean", "bool", "yes/no"):
            word = "flag"
        elif word != "text":
            try:
                unit = units.parse(word)[0]
                if units.parse(word)[1] != 1:
                    kind.refuse("unit-unknown", f"The tariff counts in {unit}.", f"Write `{name}: {unit}`.")
            except ValueError:
                kind.refuse(
                    "unit-unknown",
                    f"“{word}” is not a kind of attribute.",
                    "Write text, number, yes/no or a unit such as m2.",
                )
            word = "number"
        attributes[name] = AttributeType(name, word, unit, values, _read_default(default, word, values))
    return attributes


def _read_default(clause: Clause, kind: str, values: tuple[str, ...]) -> Fraction | str | bool | None:
    if clause.value is None:
        return None
    if kind == "number":
        return clause.number()
    if kind == "flag":
        return clause.flag()
    text = clause.text()
    if values and text not in values:
        clause.refuse("unknown-key", f"“{text}” is not among the values.", f"Values: {', '.join(values)}.")
    return text


def _read_versions(root: Clause, header: _Header) -> tuple[Version, ...]:
    listed = root.get("versions").items(label="valid_from")
    if not listed and root.get("versions").value is None:
        # A tariff in one version may leave the list out: it is then in force at any time.
        listed = [root]
    versions = []
    for clause in listed:
        if clause is not root:
            clause.only(_VERSION_KEYS)
        version = _read_version(clause, root, header)
        if version is not None:
            versions.append((clause, version))
    return check_dates(versions)


def _read_version(clause: Clause, root: Clause, header: _Header) -> Version | None:
    valid_from = clause.get("valid_from").day() if clause is not root else date.min
    if valid_from is None:
        if clause.get("valid_from").value is None:
            clause.refuse(
                "missing",
                "The version does not say from when it is in force.",
                "Write `valid_from: 2024-07-01`.",
            )
        return None
    context = TableContext(
        header.units, header.attributes, frozenset(header.quantities), frozenset(header.seasons.values())
    )
    own = clause.get("prices")
    tables = read_tables(own, context=context)
    written = {name for name, _ in own.entries()}
    if clause is not root:
        common = root.get("prices")
        written |= {name for name, _ in common.entries()}
        tables = {**read_tables(common, context=context), **tables}
    components = (
        clause.get("components") if clause.get("components").value is not None else root.get("components")
    )
    total = clause.get("total") if clause.get("total").value is not None else root.get("total")
    total.only(("round", "title"))
    built = read_components(
        components,
        context=ComponentContext(
            units=header.units,
            minor_digits=header.minor_digits,
            attributes=header.attributes,
            quantities=header.quantities,
            tables=tables,
            broken_tables=frozenset(written - set(tables)),
            units_known=header.units_known,
            on_change=header.on_change,
            cut=header.cut,
            balances=header.balances,
        ),
    )
    return Version(
        valid_from=valid_from,
        valid_to=clause.get("valid_to").day(),
        tables=tables,
        components=built,
        total_rounding=total.get("round").rounding(smallest=Fraction(1, 10**header.minor_digits)),
        source=_sources(clause.get("source")),
        confidence=clause.get("confidence").text(),
        note=clause.get("note").text(),
        schedule=read_schedule(
            clause.get("time_of_use")
            if clause.get("time_of_use").value is not None
            else root.get("time_of_use"),
            holidays=header.holidays,
            seasons=header.seasons,
        ),
    )


def _sources(clause: Clause) -> str:
    if isinstance(clause.value, list):
        return ", ".join(item.text() for item in clause.items())
    return clause.text()
