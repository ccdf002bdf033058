"""All facts of some accounts at all times, read once for all bills of these accounts.

Like the evidence of explanations this shares no query with the frames that bill runs read. Rows are tuples named by the
types below; `recorded_at` and `superseded_at` bound the time in which each was believed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeVar

from django.db import connection
from psycopg import Cursor

from mains.billing.queries.explain.evidence import tariff_of_document
from mains.billing.queries.explain.intervals import (
    Hung,
    IntervalFact,
    PriceFact,
    load_intervals,
    load_prices,
)
from mains.engine.usage.exact import MeterError, Reading, UnmeteredUse

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
Row = TypeVar("Row", bound=NamedTuple)


class Believed(Protocol):
    """A row that was believed from one instant until another."""

    @property
    def recorded_at(self) -> datetime: ...

    @property
    def superseded_at(self) -> datetime | None: ...


BelievedRow = TypeVar("BelievedRow", bound=Believed)


class Agreement(NamedTuple):
    """An agreement's row with its service point and premise."""

    account_id: int
    id: int
    service_point_id: int
    tariff_id: int
    provider_id: int
    category: str
    load_class: str
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None
    point_code: str
    premise_id: int
    node_id: int
    service: str
    connected_on: date
    disconnected_on: date | None
    premise_kind: str

    @property
    def parties(self) -> tuple[int, int, int, int]:
        """What rows have in common that follow one another in one item."""
        return self.account_id, self.service_point_id, self.tariff_id, self.provider_id


class Installed(NamedTuple):
    """A register of a meter while it is installed."""

    service_point_id: int
    installation_id: int
    meter_id: int
    register_id: int
    zone: int
    digits: int
    multiplier_micro: int
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None


class BelievedReading(NamedTuple):
    """A reading, and when it was believed."""

    recorded_at: datetime
    superseded_at: datetime | None
    reading: Reading


class BelievedError(NamedTuple):
    """A found error of a register, and when it was believed."""

    register_id: int
    recorded_at: datetime
    superseded_at: datetime | None
    error: MeterError


class BelievedAct(NamedTuple):
    """An act of unmetered use, and when it was believed."""

    service_point_id: int
    recorded_at: datetime
    superseded_at: datetime | None
    act: UnmeteredUse


class Absence(NamedTuple):
    """Residents of a premise who are absent."""

    premise_id: int
    residents: int
    valid_from: date
    valid_to: date
    recorded_at: datetime
    superseded_at: datetime | None


class PremiseState(NamedTuple):
    """A premise record; areas in millionths of a square metre."""

    premise_id: int
    residents: int
    rooms: int
    floor_area_m2_micro: int
    heated_area_m2_micro: int
    storey_height_mm: int
    location: str
    cooker: str
    meter_possible: bool
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None


class Placement(NamedTuple):
    """A node below another."""

    node_id: int
    parent_id: int | None
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None


class NodeState(NamedTuple):
    """Band and hours of supply of a node."""

    node_id: int
    band: str | None
    supply_hours_day: int | None
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None


class NodeFigure(NamedTuple):
    """A number that tariffs read of a node, in millionths."""

    node_id: int
    name: str
    value_micro: int
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None


class Condition(NamedTuple):
    """A word, or a number in millionths, that tariffs read of a service point."""

    service_point_id: int
    name: str
    word: str
    value_micro: int | None
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None


class StoredUse(NamedTuple):
    """A month of daily use as it was computed at `recorded_at`."""

    service_point_id: int
    month: date
    zone: int
    revision: int
    recorded_at: datetime
    days_micro: list[int]
    quality: str


class KeptBalance(NamedTuple):
    """What was kept of a balance that an item left; an empty value where the item is there no more."""

    account_id: int
    month: date
    agreement_id: int
    service_point_id: int
    balance: str
    unit: str
    to_date: date
    value_micro: int | None
    run_id: int
    recorded_at: datetime


class OpeningFact(NamedTuple):
    """An opening balance of a month, and when it was believed."""

    account_id: int
    month: date
    service_point_id: int
    balance: str
    unit: str
    value_micro: int
    recorded_at: datetime
    superseded_at: datetime | None


class PostedLine(NamedTuple):
    """The amounts of a bill's lines under one key."""

    bill_id: int
    month: date
    agreement_id: int
    service_month: date
    component: str
    kind: str
    amount_minor: int


class PostedBill(NamedTuple):
    """A bill's head."""

    account_id: int
    month: date
    id: int
    run_id: int
    amount_minor: int


class Edition(NamedTuple):
    """A tariff document, and since when and how long it was believed."""

    tariff_id: int
    document: str
    recorded_at: datetime
    superseded_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Histories:
    """The facts of some accounts, grouped by what they are about; usage by service point and month."""

    agreements: Mapping[int, Sequence[Agreement]]
    installed: Mapping[int, Sequence[Installed]]
    readings: Mapping[int, Sequence[BelievedReading]]
    premise_states: Mapping[int, Sequence[PremiseState]]
    absences: Mapping[int, Sequence[Absence]]
    errors: Mapping[int, Sequence[BelievedError]]
    acts: Mapping[int, Sequence[BelievedAct]]
    placements: Mapping[int, Sequence[Placement]]
    node_states: Mapping[int, Sequence[NodeState]]
    node_figures: Mapping[int, Sequence[NodeFigure]]
    conditions: Mapping[int, Sequence[Condition]]
    stored: Mapping[tuple[int, date], Sequence[StoredUse]]
    editions: Mapping[int, Sequence[Edition]]
    bills: Mapping[int, Sequence[PostedBill]]
    lines: Mapping[tuple[date, int], Sequence[PostedLine]]
    kept: Mapping[int, Sequence[KeptBalance]]
    openings: Mapping[int, Sequence[OpeningFact]]
    intervals: Mapping[int, Sequence[IntervalFact]]
    prices: Sequence[PriceFact]

    def hung(self, service_point_id: int) -> list[Hung]:
        """The meters ever believed at the point."""
        rows = {row.installation_id: row for row in self.installed.get(service_point_id, ())}
        return [
            Hung(row.meter_id, row.valid_from, row.valid_to, row.recorded_at, row.superseded_at)
            for row in rows.values()
        ]


def believed(rows: Iterable[BelievedRow], at: datetime) -> list[BelievedRow]:
    """The rows that were believed at an instant."""
    return [
        row for row in rows if row.recorded_at <= at and (row.superseded_at is None or row.superseded_at > at)
    ]


def by_place(account_ids: Sequence[int]) -> list[int]:
    """The accounts in the order of the network's nodes that they hang from."""
    found = [account_id for account_id, _node in _rows(_PLACES, {"accounts": list(account_ids)})]
    return [*found, *sorted(set(account_ids) - set(found))]


def load_histories(account_ids: Sequence[int], *, months: Sequence[date]) -> Histories:
    """Everything about the accounts and what they were billed; daily use of `months`."""
    about: dict[str, object] = {"accounts": list(account_ids), "months": list(months)}
    agreements = _read(Agreement, _AGREEMENTS, about)
    points = list({row.service_point_id for row in agreements})
    about["points"] = points
    about["premises"] = list({row.premise_id for row in agreements})
    about["tariffs"] = list({row.tariff_id for row in agreements})
    installed = _read(Installed, _INSTALLED, about)
    about["registers"] = list({row.register_id for row in installed})
    placements, node_states, node_figures = _network({row.node_id for row in agreements})
    editions = _read(Edition, _EDITIONS, about)
    named = {name for row in editions for name in tariff_of_document(row.document).price_series}
    stored: dict[tuple[int, date], list[StoredUse]] = defaultdict(list)
    for use in _read(StoredUse, _STORED, about):
        stored[use[0], use[1]].append(use)
    lines: dict[tuple[date, int], list[PostedLine]] = defaultdict(list)
    for line in _read(PostedLine, _LINES, about):
        lines[line[1], line[0]].append(line)
    return Histories(
        agreements=_grouped(agreements),
        installed=_grouped(installed),
        readings=_readings(about),
        premise_states=_grouped(_read(PremiseState, _PREMISE_STATES, about)),
        absences=_grouped(_read(Absence, _ABSENCES, about)),
        errors=_grouped(_errors(about)),
        acts=_grouped(_acts(about)),
        placements=placements,
        node_states=node_states,
        node_figures=node_figures,
        conditions=_grouped(_read(Condition, _CONDITIONS, about)),
        stored=stored,
        editions=_grouped(editions),
        bills=_grouped(_read(PostedBill, _BILLS, about)),
        lines=lines,
        kept=_grouped(_read(KeptBalance, _KEPT, about)),
        openings=_grouped(_read(OpeningFact, _OPENINGS, about)),
        intervals=load_intervals(service_point_ids=points),
        prices=load_prices(series=named),
    )


def _read(row_type: type[Row], statement: str, about: Mapping[str, object]) -> list[Row]:
    return [*map(row_type._make, _rows(statement, about))]


def _rows(statement: str, about: Mapping[str, object]) -> list[tuple[Any, ...]]:
    connection.ensure_connection()
    # Values in binary form: reading numbers and dates from text takes several times as long.
    with Cursor(connection.connection) as cursor:
        return cursor.execute(statement, about, binary=True).fetchall()


def _grouped(rows: Iterable[Row]) -> dict[int, list[Row]]:
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[0]].append(row)
    return groups


def _readings(about: Mapping[str, object]) -> dict[int, list[BelievedReading]]:
    """By register, in the order of days and ids."""
    found: dict[int, list[BelievedReading]] = defaultdict(list)
    for number, register_id, day, value, source, recorded_at, superseded_at in _rows(_READINGS, about):
        order = (recorded_at - _EPOCH) // _MICROSECOND
        reading = Reading(number, register_id, day, value, source, order)
        found[register_id].append(BelievedReading(recorded_at, superseded_at, reading))
    return found


def _errors(about: Mapping[str, object]) -> list[BelievedError]:
    return [
        BelievedError(
            register_id, recorded_at, superseded_at, MeterError(number, register_id, first, end, percent)
        )
        for number, register_id, first, end, percent, recorded_at, superseded_at in _rows(_ERRORS, about)
    ]


def _acts(about: Mapping[str, object]) -> list[BelievedAct]:
    return [
        BelievedAct(point_id, recorded_at, superseded_at, UnmeteredUse(number, zone, first, end, amount))
        for number, point_id, zone, first, end, amount, recorded_at, superseded_at in _rows(_ACTS, about)
    ]


def _network(
    nodes: set[int],
) -> tuple[dict[int, list[Placement]], dict[int, list[NodeState]], dict[int, list[NodeFigure]]]:
    """Placements of the nodes and of all that were ever above them, and the states and figures of all of these."""
    placements: dict[int, list[Placement]] = defaultdict(list)
    seen: set[int] = set()
    while nodes - seen:
        level = list(nodes - seen)
        seen |= nodes
        nodes = set()
        for row in _read(Placement, _PLACEMENTS, {"nodes": level}):
            placements[row.node_id].append(row)
            if row.parent_id is not None:
                nodes.add(row.parent_id)
    about = {"nodes": list(seen)}
    states, figures = _read(NodeState, _NODE_STATES, about), _read(NodeFigure, _NODE_FIGURES, about)
    return placements, _grouped(states), _grouped(figures)


_AGREEMENTS = """
SELECT a.account_id, a.id, a.service_point_id, a.tariff_id, a.provider_id, a.category, a.load_class,
       lower(a.valid), upper(a.valid), a.recorded_at, a.superseded_at,
       sp.code, sp.premise_id, sp.node_id, sp.service, sp.connected_on, sp.disconnected_on, p.kind
FROM customers_agreement a
JOIN network_servicepoint sp ON sp.id = a.service_point_id
JOIN network_premise p ON p.id = sp.premise_id
WHERE a.account_id = ANY(%(accounts)s)
ORDER BY a.id
"""
_PLACES = """
SELECT a.account_id, min(sp.node_id) AS node_id
FROM customers_agreement a JOIN network_servicepoint sp ON sp.id = a.service_point_id
WHERE a.account_id = ANY(%(accounts)s)
GROUP BY a.account_id
ORDER BY node_id, a.account_id
"""
_INSTALLED = """
SELECT i.service_point_id, i.id, i.meter_id, r.id, r.zone, r.digits, r.multiplier_micro,
       lower(i.valid), upper(i.valid), i.recorded_at, i.superseded_at
FROM metering_installation i
JOIN metering_register r ON r.meter_id = i.meter_id
WHERE i.service_point_id = ANY(%(points)s)
ORDER BY i.valid, r.zone
"""
_READINGS = """
SELECT id, register_id, reading_date, value_micro, source, recorded_at, superseded_at
FROM metering_reading
WHERE register_id = ANY(%(registers)s)
ORDER BY reading_date, id
"""
_PREMISE_STATES = """
SELECT premise_id, residents, rooms, floor_area_m2_micro, heated_area_m2_micro, storey_height_mm,
       location, cooker, meter_possible, lower(valid), upper(valid), recorded_at, superseded_at
FROM network_premisestate
WHERE premise_id = ANY(%(premises)s)
ORDER BY valid
"""
_ABSENCES = """
SELECT premise_id, residents, lower(valid), upper(valid), recorded_at, superseded_at
FROM network_absence
WHERE premise_id = ANY(%(premises)s)
ORDER BY valid, id
"""
_ERRORS = """
SELECT id, register_id, lower(valid), upper(valid), percent_hundredths, recorded_at, superseded_at
FROM metering_metererror
WHERE register_id = ANY(%(registers)s)
ORDER BY id
"""
_ACTS = """
SELECT id, service_point_id, zone, lower(valid), upper(valid), amount_micro, recorded_at, superseded_at
FROM metering_unmetereduse
WHERE service_point_id = ANY(%(points)s)
ORDER BY id
"""
_PLACEMENTS = """
SELECT node_id, parent_id, lower(valid), upper(valid), recorded_at, superseded_at
FROM network_nodeplacement
WHERE node_id = ANY(%(nodes)s)
"""
_NODE_STATES = """
SELECT node_id, nullif(band, ''), supply_hours_day, lower(valid), upper(valid), recorded_at, superseded_at
FROM network_nodestate
WHERE node_id = ANY(%(nodes)s)
"""
_NODE_FIGURES = """
SELECT node_id, name, value_micro, lower(valid), upper(valid), recorded_at, superseded_at
FROM network_nodefigure
WHERE node_id = ANY(%(nodes)s) AND value_micro IS NOT NULL
"""
_CONDITIONS = """
SELECT service_point_id, name, word, value_micro, lower(valid), upper(valid), recorded_at, superseded_at
FROM network_pointcondition
WHERE service_point_id = ANY(%(points)s) AND (word <> '' OR value_micro IS NOT NULL)
"""
_STORED = """
SELECT service_point_id, month, zone, revision, recorded_at, days_micro, quality
FROM metering_usagemonth
WHERE month = ANY(%(months)s) AND service_point_id = ANY(%(points)s)
ORDER BY revision
"""
_EDITIONS = """
SELECT tariff_id, document::text, recorded_at, superseded_at
FROM tariffs_tariffedition
WHERE tariff_id = ANY(%(tariffs)s)
"""
_BILLS = """
SELECT account_id, month, id, run_id, amount_minor
FROM billing_bill
WHERE account_id = ANY(%(accounts)s)
ORDER BY month, id
"""
_LINES = """
SELECT l.bill_id, l.month, l.agreement_id, l.service_month, l.component, l.kind, l.amount_minor
FROM billing_bill b
JOIN billing_billline l ON l.month = b.month AND l.bill_id = b.id
WHERE b.account_id = ANY(%(accounts)s)
"""
_KEPT = """
SELECT account_id, month, agreement_id, service_point_id, balance, unit, to_date, value_micro, run_id, recorded_at
FROM billing_carriedbalance
WHERE account_id = ANY(%(accounts)s)
ORDER BY month, revision
"""
_OPENINGS = """
SELECT account_id, month, service_point_id, balance, unit, value_micro, recorded_at, superseded_at
FROM billing_openingbalance
WHERE account_id = ANY(%(accounts)s)
"""
