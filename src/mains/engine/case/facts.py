"""The `facts` of a case: period, readings or use, attributes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from mains.engine.case.intervals import OpenFile, read_history, read_intervals
from mains.engine.case.period import read_period
from mains.engine.case.readings import MAX_MICRO, read_readings
from mains.engine.facts import MICRO, AttributeValue, DatedValue, Facts, Stretch
from mains.engine.intervals import History, IntervalSeries, Measured, UnableToMeasure, measure_exact
from mains.engine.language.guesses import guess
from mains.engine.language.units import Unit, UnitSystem
from mains.engine.tariff import Tariff
from mains.engine.tariff.clauses import Clause
from mains.engine.tariff.model import AttributeType

_FACT_KEYS = (
    "period", "usage", "readings", "quantities", "attributes", "intervals", "history", "balances", "purchase",
)  # fmt: skip


@dataclass(frozen=True)
class CaseFacts:
    """Facts of one service. What `intervals` and `history` say is in `facts` already, measured the exact way."""

    facts: Facts
    intervals: tuple[IntervalSeries, ...] = ()
    history: History = None
    measured: Measured = field(default_factory=Measured)


def read_facts(*, own: Clause, shared: Clause, tariff: Tariff, open_file: OpenFile) -> CaseFacts | None:
    """Facts of one service; what it does not say itself it takes from the shared facts. None when refused."""
    before = len(own.problems.found)
    for clause in (own, shared):
        clause.only(_FACT_KEYS)

    def get(key: str) -> Clause:
        return own.get(key) if own.get(key).value is not None else shared.get(key)

    def is_own(key: str) -> bool:
        return own.value is None or own.get(key).value is not None

    readings = read_readings(get("readings"), tariff)
    period = read_period(get("period"), readings, shared if own.value is None else own)
    if period is None:
        return None
    first, end = period
    use = {"usage": readings[""]} if "" in readings else {}
    use |= {f"usage.{zone}": stretches for zone, stretches in readings.items() if zone}
    _check_covered(use, first, end, get("readings"))
    written = get("usage")
    if use and written.value is not None:
        written.refuse("key-twice", "Both use and readings are given.", "Keep one of them.")
    reader = _UseReader(tariff.units, tariff.units.use, first, end)
    use |= reader.read(written, "usage")
    for name, clause in get("quantities").entries():
        if name not in tariff.quantities:
            clause.refuse(
                "unknown-name",
                f"The tariff has no quantity “{name}”.",
                guess(name, tariff.quantities) + "Declare it under quantities of the tariff.",
            )
        else:
            use |= _UseReader(tariff.units, tariff.quantities[name], first, end).read(clause, name)
    attributes = _read_attributes(shared.get("attributes"), tariff, strict=own.value is None)
    attributes |= _read_attributes(own.get("attributes"), tariff, strict=True)
    attributes |= _read_balances(get("balances"), tariff)
    measured = Measured()
    series, history = (
        read_intervals(get("intervals"), tariff, open_file, strict=is_own("intervals")),
        read_history(get("history"), tariff, strict=is_own("history")),
    )
    if len(own.problems.found) > before:
        return None
    if series or history is not None:
        measured = _measure(get("intervals"), tariff, series, history, period)
        for key in measured.use.keys() & use.keys():
            get("intervals").refuse("key-twice", f"{key} is given twice.", "Keep the intervals or the total.")
        use |= measured.use
        # A figure written in the case stands above a measured one: the utility may have set it by hand.
        attributes = {**measured.attributes, **attributes}
    facts = Facts(first, end, use, attributes)
    return CaseFacts(facts, series, history, measured) if len(own.problems.found) == before else None


def _measure(
    clause: Clause,
    tariff: Tariff,
    series: tuple[IntervalSeries, ...],
    history: History,
    period: tuple[date, date],
) -> Measured:
    try:
        return measure_exact(
            tariff=tariff, series=series, period_from=period[0], period_to=period[1], history=history
        )
    except UnableToMeasure as error:
        clause.refuse(error.code, error.message, error.remedy)
        return Measured()


def _check_covered(use: Mapping[str, tuple[Stretch, ...]], first: date, end: date, clause: Clause) -> None:
    """Refuses stretches that leave days of the period without use: a forgotten reading must not become zero."""
    for stretches in use.values():
        reached = first
        for stretch in sorted(stretches, key=lambda stretch: stretch.from_date):
            if stretch.from_date > reached:
                break
            reached = max(reached, stretch.to_date)
        if stretches and reached < end:
            clause.refuse(
                "use-missing",
                f"Nothing says the use from {reached} on; the period ends before {end}.",
                "Cover every day of the period, with 0 where nothing was used.",
            )


def _micro(clause: Clause, unit: Unit, units: UnitSystem) -> int | None:
    number = clause.measured(unit=unit, units=units)
    if number is None:
        if clause.value is None:
            clause.refuse("missing", "A number is missing.", "Write the figure.")
        return None
    scaled = number * MICRO
    if scaled.denominator != 1:
        clause.refuse(
            "too-precise", f"{clause.value} has more than six decimals.", "Facts are kept in millionths."
        )
        return None
    if abs(scaled) >= MAX_MICRO:
        clause.refuse(
            "too-large", f"{clause.value} is too large.", "Facts stay below nine million million units."
        )
        return None
    return int(scaled)


class _UseReader:
    """Reads use: a number for the whole period, numbers by zone, or a list of stretches {from, to, value}."""

    def __init__(self, units: UnitSystem, unit: Unit, first: date, end: date) -> None:
        self._units, self._unit = units, unit
        self._first, self._end = first, end

    def read(self, clause: Clause, key: str) -> dict[str, tuple[Stretch, ...]]:
        if clause.value is None:
            return {}
        if isinstance(clause.value, list):
            return self._stretches(clause, key)
        if isinstance(clause.value, Mapping):
            found: dict[str, tuple[Stretch, ...]] = {}
            for zone, entry in clause.entries():
                found |= self.read(entry, key if zone in ("total", "value") else f"{key}.{zone}")
            return found
        micro = _micro(clause, self._unit, self._units)
        whole = Stretch(self._first, self._end, micro or 0, f"case, {clause.name}")
        return {} if micro is None else {key: (whole,)}

    def _stretches(self, clause: Clause, key: str) -> dict[str, tuple[Stretch, ...]]:
        before = len(clause.problems.found)
        found = [stretch for item in clause.items() if (stretch := self._stretch(item)) is not None]
        if len(clause.problems.found) > before:
            return {}
        found.sort(key=lambda stretch: stretch.from_date)
        for at, stretch in enumerate(found[1:], 1):
            if stretch.from_date < found[at - 1].to_date:
                message = f"Two stretches tell the use of {stretch.from_date}."
                clause.refuse("use-twice", message, "`to` is the first day after a stretch.")
        _check_covered({key: tuple(found)}, self._first, self._end, clause)
        return {key: tuple(found)}

    def _stretch(self, clause: Clause) -> Stretch | None:
        if not isinstance(clause.value, Mapping):
            clause.refuse(
                "not-a-mapping",
                "A stretch of use is needed here.",
                "Write {from: 2024-05-01, to: 2024-05-15, value: 160}.",
            )
            return None
        clause.only(("from", "to", "value"))
        before = len(clause.problems.found)
        first, end = clause.get("from").day(), clause.get("to").day()
        micro = _micro(clause.get("value"), self._unit, self._units)
        if len(clause.problems.found) > before:
            return None
        if first is None or end is None or end <= first:
            clause.refuse(
                "period-empty",
                "A stretch needs from, to and value, and at least one day.",
                "`to` is the first day after it.",
            )
            return None
        return Stretch(first, end, micro or 0, f"case, {clause.name}")


def _read_balances(clause: Clause, tariff: Tariff) -> dict[str, tuple[DatedValue, ...]]:
    """What the last bill left; nothing where the case does not say."""
    for name, entry in clause.entries():
        if name not in tariff.balances:
            entry.refuse(
                "unknown-name",
                f"The tariff has no balance “{name}”.",
                guess(name, tariff.balances) + f"Balances: {', '.join(tariff.balances) or 'none'}.",
            )
    found: dict[str, tuple[DatedValue, ...]] = {}
    for name, unit in tariff.balances.items():
        entry = clause.get(name)
        micro = 0 if entry.value is None else _micro(entry, unit, tariff.units)
        source = "no balance given" if entry.value is None else f"case, {entry.name}"
        found[name] = () if micro is None else (DatedValue(Fraction(micro, MICRO), source=source),)
    return found


def read_purchase(*, own: Clause, shared: Clause, tariff: Tariff) -> tuple[Fraction, int] | None:
    """Money of a purchase in units of currency, and the smallest use that is sold, in millionths of the unit.

    Either `purchase: 5000`, or `purchase: {money: 5000, step: 0.1}`; None where the case sells nothing.
    """
    clause = own.get("purchase") if own.get("purchase").value is not None else shared.get("purchase")
    if clause.value is None:
        return None
    money, step = clause, Clause(None, clause.problems)
    if isinstance(clause.value, Mapping):
        clause.only(("money", "step"))
        money, step = clause.get("money"), clause.get("step")
    paid = money.measured(unit=tariff.units.money, units=tariff.units)
    if paid is not None and (paid < 0 or (paid * tariff.posting_scale).denominator != 1):
        money.refuse("money", f"{money.value} cannot be paid.", "Give money of the currency, zero or more.")
    size = MICRO // 10 if step.value is None else _micro(step, tariff.units.use, tariff.units)
    if size is not None and size <= 0:
        step.refuse("money", "The smallest use that is sold is above zero.", "Write step: 0.1.")
    return None if paid is None or size is None else (paid, size)


def _read_attributes(clause: Clause, tariff: Tariff, *, strict: bool) -> dict[str, tuple[DatedValue, ...]]:
    """A plain value, or a list of {from, value} in which each holds until the next."""
    found: dict[str, tuple[DatedValue, ...]] = {}
    for name, entry in clause.entries():
        if name not in tariff.attributes or name in tariff.balances:
            if strict:
                entry.refuse(
                    "unknown-name",
                    f"The tariff has no attribute “{name}”.",
                    guess(name, tariff.attributes) + f"Attributes: {', '.join(tariff.attributes) or 'none'}.",
                )
            continue
        kind = tariff.attributes[name]
        items = entry.items() if isinstance(entry.value, list) else []
        if not items:
            value = _value(entry, kind, tariff.units)
            found[name] = (DatedValue(value, source=f"case, {entry.name}"),) if value is not None else ()
            continue
        found[name] = _dated(items, kind, tariff.units)
    return found


def _dated(items: list[Clause], kind: AttributeType, units: UnitSystem) -> tuple[DatedValue, ...]:
    values: list[DatedValue] = []
    for item in items:
        item.only(("from", "to", "value"))
        value = _value(item.get("value"), kind, units)
        if value is not None:
            values.append(
                DatedValue(value, item.get("from").day(), item.get("to").day(), f"case, {item.name}")
            )
    starts = [value.valid_from for value in values]
    ends = [*starts[1:], None]
    return tuple(
        DatedValue(v.value, v.valid_from, v.valid_to or end, v.source)
        for v, end in zip(values, ends, strict=True)
    )


def _value(clause: Clause, kind: AttributeType, units: UnitSystem) -> AttributeValue | None:
    if kind.kind == "flag":
        flag = clause.flag()
        if clause.value is None:
            clause.refuse("missing", "A value is missing.", "Write yes or no.")
        return flag
    if kind.kind == "number":
        micro = _micro(clause, kind.unit, units)
        return None if micro is None else Fraction(micro, MICRO)
    if clause.value is None or isinstance(clause.value, (list, Mapping)):
        clause.refuse("not-a-text", "A text is needed here.", "Write one word, in quotes if it has signs.")
        return None
    text = str(clause.value).lower() if isinstance(clause.value, bool) else _plain(clause.value)
    if kind.values and text not in kind.values:
        remedy = guess(text, kind.values) + f"Values: {', '.join(kind.values)}."
        clause.refuse("unknown-key", f"“{text}” is not a value of {kind.name}.", remedy)
        return None
    return text


def _plain(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
