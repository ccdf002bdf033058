"""The `intervals` and `history` of a case: values written there or in a CSV file beside it, gaps filled by rule."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from mains.engine.case.interval_files import Row, read_rows
from mains.engine.facts import MICRO
from mains.engine.intervals import History, IntervalSeries
from mains.engine.intervals.values import MAX_INTERVALS, MAX_MICRO
from mains.engine.language.guesses import guess
from mains.engine.language.units import Unit
from mains.engine.tariff import Tariff
from mains.engine.tariff.clauses import Clause
from mains.engine.tariff.demands import USAGE, power_unit, read_minutes
from mains.engine.tariff.schedule import price_register
from mains.kernel.clock_times import instants_of
from mains.kernel.errors import MainsError

_KEYS = ("of", "price", "unit", "start", "step", "values", "file", "column", "missing")
_RUN = re.compile(r"(\d+)\s*[x×]\s*(\S.*)")
_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::00)?)?(Z|[+-]\d{2}:\d{2})?")
_MISSING = ("refuse", "neighbours", "day_before")
_START_FORM = "Write 2024-03-01, 2024-03-01T00:00 (the tariff's clock) or 2024-03-01T00:00+01:00."

OpenFile = Callable[[str], str]


def read_intervals(
    clause: Clause, tariff: Tariff, open_file: OpenFile, *, strict: bool
) -> tuple[IntervalSeries, ...]:
    """Series by register; none when absent or refused. Unless `strict`, what several services share may have registers
    of which this tariff knows nothing, and a tariff without a clock has no use for intervals.
    """
    if clause.value is None or not (strict or tariff.time_zone):
        return ()
    items = clause.items() if isinstance(clause.value, list) else [clause]
    found: dict[str, IntervalSeries] = {}
    for item in items:
        if not strict and not _is_read(item, tariff):
            continue
        series = _SeriesReader(item, tariff, open_file).read()
        if series is None:
            continue
        if series.register in found:
            item.refuse("intervals-twice", f"Two series give {series.register}.", "Keep one of them.")
        found[series.register] = series
    return tuple(_as_long(series, found.get(USAGE)) for series in found.values())


def _is_read(item: Clause, tariff: Tariff) -> bool:
    """Whether the tariff knows the register or the price of a series."""
    if item.get("price").value is not None:
        return item.get("price").text() in tariff.price_series
    return item.get("of").text(default=USAGE) in (USAGE, *tariff.quantities)


def _as_long(series: IntervalSeries, used: IntervalSeries | None) -> IntervalSeries:
    """Prices of an hour are those of each of its intervals."""
    if not series.register.startswith(price_register("")) or used is None:
        return series
    times = series.step_minutes // used.step_minutes
    if times < 2 or series.step_minutes % used.step_minutes:
        return series
    micro = tuple(price for price in series.micro for _time in range(times))[: len(used.micro)]
    return replace(series, step_minutes=used.step_minutes, micro=micro)


def read_history(clause: Clause, tariff: Tariff, *, strict: bool) -> History:
    """Demands of earlier months: `{kw: {2023-12: 80, 2024-01: 75}}`; None when absent."""
    if clause.value is None:
        return None
    history: dict[str, dict[date, int]] = {}
    for name, entry in clause.entries():
        demand = tariff.demands.get(name)
        if demand is None and not strict:
            continue
        if demand is None:
            remedy = guess(name, tariff.demands) + f"Demands: {', '.join(tariff.demands) or 'none'}."
            entry.refuse("unknown-name", f"The tariff has no demand “{name}”.", remedy)
            continue
        history[name] = {}
        for written, value in entry.entries():
            month = re.fullmatch(r"(\d{4})-(\d{2})", written)
            if month is None or not 1 <= int(month.group(2)) <= 12:
                value.refuse("date-unknown", f"“{written}” is not a month.", "Write 2023-12: 80.")
                continue
            micro = _micro(value, value.measured(unit=demand.unit, units=tariff.units))
            if micro is not None:
                history[name][date(int(month.group(1)), int(month.group(2)), 1)] = micro
    return history


def _micro(clause: Clause, number: Fraction | None) -> int | None:
    if number is None:
        return None
    scaled = number * MICRO
    if scaled.denominator != 1:
        clause.refuse(
            "too-precise", f"{clause.value} has more than six decimals.", "Facts are kept in millionths."
        )
        return None
    if abs(scaled) >= MAX_MICRO:
        clause.refuse(
            "too-large", f"{clause.value} is too large.", "An interval stays below 35 million units."
        )
        return None
    return int(scaled)


@dataclass(frozen=True)
class _SeriesReader:
    clause: Clause
    tariff: Tariff
    open_file: OpenFile

    def read(self) -> IntervalSeries | None:
        clause, before = self.clause, len(self.clause.problems.found)
        clause.only(_KEYS)
        register = clause.get("of").text(default=USAGE)
        units = {USAGE: self.tariff.units.use, **self.tariff.quantities}
        if clause.get("price").value is not None:
            register = price_register(clause.get("price").text())
            units = {
                price_register(name): self.tariff.units.parse(unit)[0]
                for name, unit in self.tariff.price_series.items()
            }
        if register not in units:
            remedy = guess(register, units) + "Declare it under quantities of the tariff, or write usage."
            clause.get("of").refuse("unknown-name", f"The tariff has no quantity “{register}”.", remedy)
            return None
        step = read_minutes(clause.get("step"))
        if clause.get("step").value is None:
            clause.refuse("missing", "The length of the intervals is missing.", "Write step: 60 min.")
        if not self.tariff.time_zone:
            message = f"Tariff {self.tariff.code} does not say by which clock its days begin."
            clause.refuse("time-zone-missing", message, "Write `time_zone: Europe/Berlin` in the tariff.")
        if len(clause.problems.found) > before or step is None:
            return None
        start, values = self._values(register, units[register], step)
        if len(clause.problems.found) > before or start is None:
            return None
        micro, filled = self._filled(values, step)
        if len(clause.problems.found) > before:
            return None
        source = ", ".join(filter(None, (f"case, {clause.name}", clause.get("file").text(), filled)))
        return IntervalSeries(register, start, step, micro, source)

    # --- values

    def _values(self, register: str, unit: Unit, step: int) -> tuple[datetime | None, list[int | None]]:
        factor = self._factor(unit, step)
        if self.clause.get("file").value is not None:
            return self._from_file(factor, step)
        listed = self.clause.get("values")
        if listed.value is None:
            self.clause.refuse(
                "missing", f"The intervals of {register} are missing.", "Write values: or file:."
            )
        values = [self._number(item, factor) for item in _flat(listed)]
        if len(values) > MAX_INTERVALS:
            listed.refuse(
                "intervals-too-many", f"There are more than {MAX_INTERVALS} intervals.", "Give fewer."
            )
        return self._start(), values

    def _factor(self, unit: Unit, step: int) -> Fraction:
        """What a written number is in the unit of the register: mean power counts for its part of an hour."""
        written = self.clause.get("unit")
        if written.value is None:
            return Fraction(1)
        price = self.clause.get("price").text() if self.clause.get("price").value is not None else ""
        try:
            own, size = self.tariff.units.parse(written.text())
            if price and own == unit:
                # Prices stay in the unit that the tariff names.
                return size / self.tariff.units.parse(self.tariff.price_series[price])[1]
        except ValueError as error:
            written.refuse("unit-unknown", f"{error}.", f"Write {unit}.")
            return Fraction(1)
        if own == unit:
            return size
        power = power_unit(unit, self.tariff.units)
        if own == power:
            return size * Fraction(step, 60)
        written.refuse("unit-mismatch", f"“{written.value}” is not {unit}.", f"Give {unit} or {power}.")
        return Fraction(1)

    def _number(self, clause: Clause, factor: Fraction) -> int | None:
        number = clause.number()
        return None if number is None else _micro(clause, number * factor)

    def _start(self) -> datetime | None:
        clause = self.clause.get("start")
        if clause.value is None:
            self.clause.refuse("missing", "The start of the intervals is missing.", _START_FORM)
            return None
        found = self._instants(str(clause.value))
        if not found:
            clause.refuse("date-unknown", f"“{clause.value}” is not a time of that clock.", _START_FORM)
            return None
        return found[0]

    def _instants(self, text: str) -> list[datetime]:
        """Instants that a written time may mean, the earlier first: two in the hour that comes twice, none in the
        hour that is left out.
        """
        match = _INSTANT.fullmatch(text.strip())
        if match is None:
            return []
        try:
            local = datetime.fromisoformat(f"{match.group(1)}T{match.group(2) or '00:00'}")
            if match.group(3):
                offset = "+00:00" if match.group(3) == "Z" else match.group(3)
                return [datetime.fromisoformat(local.isoformat() + offset).astimezone(UTC)]
        except ValueError:
            return []
        return list(instants_of(local, ZoneInfo(self.tariff.time_zone)))

    # --- files

    def _from_file(self, factor: Fraction, step: int) -> tuple[datetime | None, list[int | None]]:
        name = self.clause.get("file")
        try:
            text = self.open_file(name.text())
        except MainsError as error:
            name.refuse(error.code, f"The file “{name.value}” cannot be read: {error.message}", error.remedy)
            return None, []
        rows = read_rows(text, column=self.clause.get("column").text(), clause=name)
        start = self._start() if self.clause.get("start").value is not None or not rows else None
        values: list[int | None] = []
        for row in rows:
            begin = self._begin(row, start, len(values), step)
            if begin is None and row.time:
                name.refuse(
                    "intervals-misaligned",
                    f"Line {row.line}: {row.time} does not follow the line before in steps of {step} min.",
                    "Give the lines in order of time; times that the clock leaves out do not exist.",
                )
                return None, []
            if begin is not None:
                start = begin if start is None else start
                values.extend([None] * ((begin - start) // timedelta(minutes=step) - len(values)))
            values.append(
                self._number(
                    Clause(row.value, name.problems, name.path, f"{name.name}, line {row.line}"), factor
                )
            )
            if len(values) > MAX_INTERVALS:
                name.refuse(
                    "intervals-too-many", f"There are more than {MAX_INTERVALS} intervals.", "Give fewer."
                )
                return None, []
        if start is None:
            self._start()
        return start, values

    def _begin(self, row: Row, start: datetime | None, count: int, step: int) -> datetime | None:
        """Instant at which the interval of a row begins: the first possible one that is not yet past."""
        for instant in self._instants(row.time) if row.time else []:
            if start is None:
                return instant
            past = instant - start
            if past % timedelta(minutes=step) == timedelta(0) and past // timedelta(minutes=step) >= count:
                return instant
        return None

    # --- gaps

    def _filled(self, values: list[int | None], step: int) -> tuple[tuple[int, ...], str]:
        """All values, and how many were filled in what way."""
        rule = self.clause.get("missing").choice(_MISSING, default="refuse")
        gaps = [at for at, value in enumerate(values) if value is None]
        known = list(values)
        for at in gaps:
            known[at] = _from_day_before(known, at, step) if rule == "day_before" else None
        if rule == "neighbours":
            known = _between_neighbours(values)
        left = [at for at in gaps if known[at] is None]
        if left:
            self.clause.refuse(
                "intervals-missing",
                f"{len(left)} of {len(values)} intervals are missing, the first is number {left[0] + 1}.",
                "Give them, or say how they are filled: missing: neighbours, or missing: day_before.",
            )
        told = f"{len(gaps)} of {len(values)} filled by {rule.replace('_', ' ')}" if gaps else ""
        return tuple(value or 0 for value in known), told


def _flat(clause: Clause) -> Iterator[Clause]:
    """Every value of a list: `24 x 0.5` stands for 24 of them, `{times: 31, values: […]}` for a list repeated."""
    for item in clause.items():
        if isinstance(item.value, Mapping):
            item.only(("times", "values"))
            times = item.get("times").number()
            if times is None or times.denominator != 1 or not 1 <= times <= MAX_INTERVALS:
                item.refuse(
                    "missing", "A repeated list needs times and values.", "Write {times: 31, values: […]}."
                )
                continue
            inner = list(_flat(item.get("values")))
            if len(inner) * times > MAX_INTERVALS:
                item.refuse(
                    "intervals-too-many", f"There are more than {MAX_INTERVALS} intervals.", "Give fewer."
                )
                continue
            yield from inner * int(times)
            continue
        run = _RUN.fullmatch(item.value.strip()) if isinstance(item.value, str) else None
        if run is None:
            yield item
            continue
        if int(run.group(1)) > MAX_INTERVALS:
            item.refuse(
                "intervals-too-many", f"There are more than {MAX_INTERVALS} intervals.", "Give fewer."
            )
            continue
        yield from [Clause(run.group(2), item.problems, item.path, item.name)] * int(run.group(1))


def _from_day_before(values: list[int | None], at: int, step: int) -> int | None:
    before = at - 24 * 60 // step
    return values[before] if before >= 0 else None


def _between_neighbours(values: list[int | None]) -> list[int | None]:
    """Gaps on the straight line between the values around them, in whole millionths; open ends stay."""
    known = [at for at, value in enumerate(values) if value is not None]
    filled = list(values)
    for left, right in pairwise(known):
        first, last = values[left], values[right]
        assert first is not None
        assert last is not None
        for at in range(left + 1, right):
            filled[at] = first + (last - first) * (at - left) // (right - left)
    return filled
