"""Rates of the US Utility Rate Database (OpenEI, format of its API, versions 7 and 8) → a tariff document.

Periods of energy and of demand have schedules of their own there, 12 months × 24 hours for weekdays and for
weekends. A zone here is a pair of both, so that one set of hours serves energy and demand alike. The tiers of
several energy periods are filled by the whole use of the month, each period having its share of them, as NREL's
own model (`Utilityrate5`) does it.

A ratchet raises the flat demand and the demand whose hours are the limits of tiers. Which of several demands by time
of use it would raise, the database does not say: such a rate is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import cast

from mains.engine.case.urdb_tiers import RateTier, UnableToPriceTiers, needs_demand, price_tiers, table_rows
from mains.engine.tariff.clauses import Clause
from mains.engine.tariff.document import Value

Document = dict[str, object]
_ENDLESS = Decimal(10) ** 30
_HOURS, _MONTHS = 24, 12
_KINDS = (("weekday", "mon-fri"), ("weekend", "weekends"))
_TIER_KEYS = ("max", "unit", "rate", "adj", "sell")
# What changes the amount of a bill and has no counterpart here is refused, never left out.
_UNKNOWN = (
    "coincidentratestructure",
    "demandreactivepowercharge",
    "fueladjustmentsmonthly",
    "annualmincharge",
)
_FIXED_UNITS = {
    "$/month": ("USD/month", "months"),
    "$/day": ("USD/day", "days"),
    "$/year": ("USD/year", "years(365)"),
}
# Months that a ratchet looks back when the file does not say, so that with its own month they are a year.
_LOOKBACK = 11


@dataclass(frozen=True)
class _Periods:
    """Tiers of each period, and the period of each hour: `hours[weekday or weekend][month][hour]`."""

    tiers: tuple[tuple[RateTier, ...], ...]
    hours: tuple[tuple[tuple[int, ...], ...], ...]


def tariff_of_urdb(clause: Clause, *, time_zone: str) -> Document | None:
    """The document of one rate; None when it is refused, with every fault at its clause."""
    before = len(clause.problems.found)
    if isinstance(clause.value, Mapping) and isinstance(clause.value.get("items"), list):
        items = clause.get("items").items()
        if len(items) != 1:
            clause.refuse("urdb", f"The file has {len(items)} rates.", "Keep the one that is meant.")
            return None
        clause = items[0]
    if not isinstance(clause.value, Mapping):
        clause.refuse("not-a-mapping", "A rate of the URDB is a set of named entries.", "Give its JSON.")
        return None
    document = _Converter(clause, time_zone).document()
    return document if len(clause.problems.found) == before else None


class _Converter:
    def __init__(self, clause: Clause, time_zone: str) -> None:
        self._clause = clause
        self._time_zone = time_zone
        self._prices: Document = {}
        self._components: Document = {}
        self._demand: Document = {}
        self._seasons: Document = {}

    def document(self) -> Document:
        for name in _UNKNOWN:
            entry = self._clause.get(name)
            if entry.value not in (None, 0, []):
                entry.refuse(
                    "urdb", f"Mains does not read `{name}`.", "Write that part as a tariff of your own."
                )
        energy, demand = self._periods("energy"), self._periods("demand")
        zones = _pairs(energy, demand)
        self._energy(energy, zones)
        self._tou_demand(demand, zones)
        self._flat_demand()
        self._fixed()
        self._minimum()
        label = self._clause.get("label").text() or self._clause.get("name").text() or "urdb"
        made: Document = {
            "tariff": label,
            "title": self._clause.get("name").text() or label,
            "currency": "USD",
            "unit": "kWh",
            "time_zone": self._time_zone,
            "prices": self._prices,
            "components": self._components,
        }
        if len(zones) > 1:
            made["time_of_use"] = {_zone(pair): entries for pair, entries in zones.items()}
        if self._demand:
            made["demand"] = self._demand
        if self._seasons:
            made["seasons"] = self._seasons
        return made

    # --- reading

    def _periods(self, kind: str) -> _Periods | None:
        structure = self._clause.get(f"{kind}ratestructure")
        if not structure.value:
            return None
        tiers = tuple(self._tiers(period) for period in structure.items())
        hours = tuple(self._schedule(f"{kind}{day}schedule", len(tiers)) for day, _ in _KINDS)
        return _Periods(tiers, hours)

    def _tiers(self, period: Clause) -> tuple[RateTier, ...]:
        tiers = []
        for item in period.items():
            item.only(_TIER_KEYS)
            price = (_number(item.get("rate")) or Decimal(0)) + (_number(item.get("adj")) or Decimal(0))
            limit = _number(item.get("max"))
            tiers.append(
                RateTier(
                    None if limit is None or limit >= _ENDLESS else limit, price, item.get("unit").text()
                )
            )
        if not tiers:
            period.refuse("urdb", "A period has no tiers.", "Give at least {rate: 0}.")
            return (RateTier(None, Decimal(0), ""),)
        if tiers[-1].limit is not None:
            period.refuse(
                "urdb",
                f"The last tier ends at {tiers[-1].limit:f}: nothing says what is above.",
                "Leave `max` out of the last tier, or add one (rate 0 where nothing is charged).",
            )
        return tuple(tiers)

    def _schedule(self, name: str, periods: int) -> tuple[tuple[int, ...], ...]:
        clause = self._clause.get(name)
        rows = clause.value if isinstance(clause.value, list) else []
        good = len(rows) == _MONTHS and all(
            isinstance(row, list)
            and len(row) == _HOURS
            and all(isinstance(hour, int) and 0 <= hour < periods for hour in row)
            for row in rows
        )
        if not good:
            clause.refuse(
                "urdb",
                f"`{name}` is not 12 × 24 numbers of periods.",
                f"Write 0 to {periods - 1}, by month and hour.",
            )
            return ((0,) * _HOURS,) * _MONTHS
        return tuple(tuple(row) for row in rows)

    # --- energy

    def _energy(self, periods: _Periods | None, zones: Mapping[tuple[int, int], object]) -> None:
        if periods is None:
            return
        terms = []
        for number, tiers in enumerate(periods.tiers):
            own = [f"usage.{_zone(pair)}" for pair in zones if pair[0] == number]
            if not own:
                continue
            amount = "usage" if len(own) == len(zones) else " + ".join(own)
            demand = self._billing_demand() if needs_demand(tiers) else ""
            try:
                priced = price_tiers(tiers, name=f"energy_{number}", amount=amount, demand=demand)
            except UnableToPriceTiers as error:
                self._clause.get("energyratestructure").refuse("urdb", error.message, error.remedy)
                continue
            self._prices.update(priced.tables)
            terms.append(priced.formula)
        self._components["energy_charge"] = " + ".join(terms)

    # --- demand

    def _plain_demand(self) -> Document:
        window = _number(self._clause.get("demandwindow"))
        return {"window": f"{int(window)} min"} if window else {}

    def _check_unit(self, name: str) -> None:
        clause = self._clause.get(name)
        if clause.text(default="kW") not in ("kW", "kw"):
            clause.refuse("urdb", f"Demand in {clause.value} cannot be read.", "Give a rate by kW.")

    def _tou_demand(self, periods: _Periods | None, zones: Mapping[tuple[int, int], object]) -> None:
        if periods is None:
            return
        self._check_unit("demandrateunit")
        terms = []
        for number, tiers in enumerate(periods.tiers):
            own = [_zone(pair) for pair in zones if pair[1] == number]
            if not own or not any(tier.price for tier in tiers):
                continue
            name = f"kw_{number}"
            self._demand[name] = self._plain_demand() | ({"zone": own} if len(own) < len(zones) else {})
            self._prices[f"demand_{number}"] = _table("USD/kW", "kW", tiers)
            terms.append(f"tiers({name}, demand_{number})")
        if terms:
            self._components["demand_charge"] = " + ".join(terms)
            self._refuse_a_ratchet()

    def _refuse_a_ratchet(self) -> None:
        for name in ("demandratchetpercentage", "lookbackpercent"):
            clause = self._clause.get(name)
            shares = clause.value if isinstance(clause.value, list) else [clause.value]
            if any(shares):
                clause.refuse(
                    "urdb",
                    "Nothing says which demand by time of use the ratchet raises.",
                    "Write a tariff of your own: max(kw_peak, 80 % * kw_year) where it holds.",
                )

    def _flat_demand(self) -> None:
        structure = self._clause.get("flatdemandstructure")
        if not structure.value:
            return
        self._check_unit("flatdemandunit")
        tiers = [self._tiers(period) for period in structure.items()]
        months = self._clause.get("flatdemandmonths")
        numbers = months.value if isinstance(months.value, list) else []
        if len(numbers) != _MONTHS or not all(isinstance(n, int) and 0 <= n < len(tiers) for n in numbers):
            months.refuse(
                "urdb", "`flatdemandmonths` is not 12 numbers.", f"Write 0 to {len(tiers) - 1} by month."
            )
            return
        if not any(tier.price for number in numbers for tier in tiers[number]):
            return
        table: Document = {"unit": "USD/kW", "limit_unit": "kW"}
        if len(set(numbers)) == 1:
            table["tiers"] = table_rows(tiers[numbers[0]])
        else:
            table["by"] = "season"
            for number in sorted(set(numbers)):
                own = [month for month in range(1, _MONTHS + 1) if numbers[month - 1] == number]
                self._seasons[f"months_{number}"] = [
                    {"from": f"{month:02}-01", "to": f"{month:02}-{_last_day(month)}"} for month in own
                ]
                table[f"months_{number}"] = {"tiers": table_rows(tiers[number])}
        self._prices["flat_demand"] = table
        self._components["flat_demand_charge"] = f"tiers({self._billing_demand()}, flat_demand)"

    def _billing_demand(self) -> str:
        """Measured demand, or a share of the highest of the months before."""
        self._demand.setdefault("kw", self._plain_demand())
        share = self._ratchet_of_each_month() or self._lookback()
        return f"max(kw, {share:f} * kw_before)" if share else "kw"

    def _ratchet_of_each_month(self) -> Decimal:
        clause = self._clause.get("demandratchetpercentage")
        shares = clause.value if isinstance(clause.value, list) else []
        known = {_number(item) or Decimal(0) for item in clause.items()} if shares else set()
        if known <= {Decimal(0)}:
            return Decimal(0)
        if len(known) > 1:
            clause.refuse("urdb", "The ratchet differs by month.", "Write it as a tariff of your own.")
        self._demand["kw_before"] = {"highest": "kw", "months": 12}
        return known.pop()

    def _lookback(self) -> Decimal:
        clause = self._clause.get("lookbackpercent")
        share = _number(clause) or Decimal(0)
        if not share:
            return Decimal(0)
        if not 0 < share <= 1:
            clause.refuse("urdb", f"A ratchet of {share:f} is not a share.", "Write 0.8 for 80 percent.")
        months = _number(self._clause.get("lookbackrange")) or Decimal(_LOOKBACK)
        before: Document = {"highest": "kw", "months": int(months)}
        counted = self._clause.get("lookbackmonths").value
        within = [at + 1 for at, counts in enumerate(counted) if counts] if isinstance(counted, list) else []
        if 0 < len(within) < _MONTHS:
            before["within"] = cast("Value", within)
        self._demand["kw_before"] = before
        return share

    # --- fixed

    def _fixed(self) -> None:
        amount = _number(self._clause.get("fixedchargefirstmeter")) or _number(
            self._clause.get("fixedmonthlycharge")
        )
        if amount:
            self._prices["fixed"], time = self._money("fixedchargeunits", amount)
            self._components["fixed_charge"] = f"fixed * {time}"

    def _minimum(self) -> None:
        amount = _number(self._clause.get("mincharge"))
        if amount:
            self._prices["minimum"], time = self._money("minchargeunits", amount)
            others = " - ".join(self._components)
            self._components["minimum_charge"] = f"max(minimum * {time} - {others}, 0)"

    def _money(self, name: str, amount: Decimal) -> tuple[str, str]:
        clause = self._clause.get(name)
        written = clause.text(default="$/month")
        if written not in _FIXED_UNITS:
            clause.refuse("urdb", f"“{written}” cannot be read.", f"Known: {', '.join(_FIXED_UNITS)}.")
            written = "$/month"
        unit, time = _FIXED_UNITS[written]
        return f"{amount:f} {unit}", time


def _number(clause: Clause) -> Decimal | None:
    """A number, which may be written with a power of ten, as `1e+38` for no limit."""
    if clause.value is None:
        return None
    try:
        number = Decimal(str(clause.value))
    except InvalidOperation:
        clause.refuse("not-a-number", f"“{clause.value}” is not a number.", "Write a figure such as 0.12.")
        return None
    return number if number.is_finite() else None


def _table(unit: str, limit_unit: str, tiers: Sequence[RateTier]) -> Document:
    return {"unit": unit, "limit_unit": limit_unit, "tiers": table_rows(tiers)}


def _zone(pair: tuple[int, int]) -> str:
    return f"e{pair[0]}_d{pair[1]}"


def _pairs(energy: _Periods | None, demand: _Periods | None) -> dict[tuple[int, int], list[Value]]:
    """Entries of `time_of_use` for each pair of periods that occurs: kind of day, hours, months."""
    alike: dict[tuple[tuple[int, int], str, str], list[int]] = {}
    for at, (_, days) in enumerate(_KINDS):
        for month in range(_MONTHS):
            hours = [
                (
                    0 if energy is None else energy.hours[at][month][hour],
                    0 if demand is None else demand.hours[at][month][hour],
                )
                for hour in range(_HOURS)
            ]
            for pair in dict.fromkeys(hours):
                alike.setdefault((pair, days, _spans(hours, pair)), []).append(month + 1)
    found: dict[tuple[int, int], list[Value]] = {}
    for (pair, days, spans), months in sorted(alike.items(), key=lambda entry: entry[0][0]):
        found.setdefault(pair, []).append({"days": days, "hours": spans, "months": cast("Value", months)})
    return found


def _spans(hours: Sequence[tuple[int, int]], pair: tuple[int, int]) -> str:
    spans, at = [], 0
    for found, run in groupby(hours):
        end = at + len(list(run))
        if found == pair:
            spans.append(f"{at:02}:00-{end:02}:00")
        at = end
    return ", ".join(spans)


def _last_day(month: int) -> int:
    return 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31
