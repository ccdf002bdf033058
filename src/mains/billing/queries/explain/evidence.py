"""The facts behind what accounts owe for a month, as they were known at an instant, row by row with their ids.

This is the exact side's own way to the facts: it shares no query with the frames that bill runs read.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection

from mains.balance.queries.exact import NodeBalance, prove_balance, stored_balances
from mains.billing.queries.explain import evidence_statements as statements
from mains.billing.queries.explain.carried import CarriedRows, load_carried
from mains.billing.queries.explain.intervals.believed import PointIntervals, found_faults, hung_meters
from mains.billing.queries.explain.intervals.rows import (
    IntervalFact,
    PriceFact,
    first_day_read,
    load_intervals,
    load_prices,
)
from mains.billing.queries.explain.intervals.stated import StatedDemand, stated_demands
from mains.billing.values import COMMON_USE
from mains.engine.tariff import read_tariff
from mains.engine.tariff.model import Tariff
from mains.kernel.period import next_month

Row = dict[str, Any]

_PARTIES = ("account_id", "service_point_id", "tariff_id", "provider_id")


@dataclass(frozen=True, kw_only=True)
class Edition:
    """A tariff document as it was in force, read."""

    id: int
    code: str
    name: str
    tariff: Tariff


@dataclass(frozen=True, kw_only=True)
class Item:
    """One agreement in one month: what the exact interpreters need, and where each fact is kept.

    `agreements` are the rows that follow one another without a gap; the oldest that ever spoke of them gives the item
    its id. `stored` are the daily-use rows that the bill read, `placements`, `states` and `figures` the network facts
    above the service point, `balance_rows` those of the nodes above it, where the tariff reads what they share out;
    `carried` what is known of balances from bill to bill, where the tariff has such; `conditions` what is recorded of
    the point under names of attributes, `stated` those that speak of demands of months before; `errors` and `acts` what
    was ever found of its registers and of itself, `intervals` all revisions of the days of interval data that say
    anything of the month, `prices` those of the prices by the hour that its tariff reads.
    """

    agreement_id: int
    account_id: int
    service_point_id: int
    service_month: date
    period_from: date
    period_to: date
    point: Row
    edition: Edition | None
    agreements: tuple[Row, ...]
    premise_states: tuple[Row, ...]
    placements: tuple[Row, ...]
    states: tuple[Row, ...]
    figures: tuple[Row, ...]
    as_of: datetime
    registers: tuple[Row, ...]
    readings: tuple[Row, ...]
    stored: tuple[Row, ...]
    balance_rows: tuple[Row, ...] = ()
    carried: CarriedRows = field(default_factory=CarriedRows)
    absences: tuple[Row, ...] = ()
    conditions: tuple[Row, ...] = ()
    errors: tuple[Row, ...] = ()
    acts: tuple[Row, ...] = ()
    intervals: tuple[IntervalFact, ...] = ()
    prices: tuple[PriceFact, ...] = ()
    stated: tuple[StatedDemand, ...] = ()

    @property
    def told_by_intervals(self) -> PointIntervals:
        """The intervals with the meters that counted them."""
        return PointIntervals(
            self.intervals, hung_meters(self.registers), found_faults(self.errors, self.registers)
        )

    @property
    def installed(self) -> tuple[Row, ...]:
        """Registers of the installations believed when the bill was made."""
        return tuple(row for row in self.registers if was_believed(row, self.as_of))

    @property
    def balances(self) -> tuple[NodeBalance, ...]:
        """The balances above the item, proved. Raises UnableToShowBalance."""
        return tuple(prove_balance(row) for row in self.balance_rows)


def was_believed(row: Row, at: datetime) -> bool:
    """Whether a dated fact was believed at an instant."""
    return bool(row["recorded_at"] <= at and (row["superseded_at"] is None or row["superseded_at"] > at))


def load_items(
    *, account_ids: Sequence[int], month: date, as_of: datetime, until: date | None = None
) -> tuple[Item, ...]:
    """The items of the accounts in `month`, with the facts believed at `as_of`; readings of all time are kept, for
    the daily use may have been computed earlier than the bill. An on-site bill has their days before `until`."""
    following = next_month(month)
    end = min(until or following, following)
    about = {"accounts": list(account_ids), "from": month, "to": following, "as_of": as_of}
    agreements = _rows(statements.AGREEMENTS, about)
    points = {row["service_point_id"]: row for row in agreements}
    about["points"] = list(points)
    about["premises"] = [row["premise_id"] for row in points.values()]
    registers = _grouped(_rows(statements.REGISTERS, about), "service_point_id")
    about["registers"] = [row["register_id"] for rows in registers.values() for row in rows]
    readings = _grouped(_rows(statements.READINGS, about), "service_point_id")
    premise_states = _grouped(_rows(statements.PREMISE_STATES, about), "premise_id")
    absences = _grouped(_rows(statements.ABSENCES, about), "premise_id")
    errors, acts = (
        _grouped(_rows(statements.ERRORS, about), "register_id"),
        _grouped(_rows(statements.ACTS, about), "service_point_id"),
    )
    stored = _grouped(_rows(statements.USAGE, about), "service_point_id")
    placements, states, figures = _network({row["node_id"] for row in points.values()}, about)
    editions = _editions({row["tariff_id"] for row in agreements}, as_of)
    balances = _balances(points.values(), placements, editions, about)
    read_from = min(
        (first_day_read(edition.tariff, month) for edition in editions.values()),
        default=first_day_read(None, month),
    )
    days = (read_from, following + timedelta(days=1))
    conditions = _grouped(_rows(statements.CONDITIONS, about | {"from": read_from}), "service_point_id")
    intervals = load_intervals(service_point_ids=[*points], days=days, as_of=as_of)
    named = (name for edition in editions.values() for name in edition.tariff.price_series)
    prices = tuple(load_prices(series=named, days=days, as_of=as_of))
    carried = CarriedRows()
    if any(edition.tariff.balances for edition in editions.values()):
        carried = load_carried(
            _rows,
            account_ids=account_ids,
            month=month,
            following=following,
            as_of=as_of,
            balances_of=units_of_balances,
        )
    items = []
    chains = [chain for chain in _chains(agreements, month, following) if chain[0]["valid_from"] < end]
    oldest = {_parties(row): row["oldest_id"] for row in _rows(statements.OLDEST, about)}
    count = Counter(_parties(chain[0]) for chain in chains)
    for chain in chains:
        first, point_id = chain[0], chain[0]["service_point_id"]
        above = _above(first["node_id"], placements)
        items.append(
            Item(
                agreement_id=first["agreement_id"] if count[_parties(first)] > 1 else oldest[_parties(first)],
                account_id=first["account_id"],
                service_point_id=point_id,
                service_month=month,
                period_from=max(first["valid_from"], month),
                period_to=min(chain[-1]["valid_to"] or following, end),
                point=first,
                edition=editions.get(first["tariff_id"]),
                agreements=tuple(chain),
                premise_states=tuple(premise_states[first["premise_id"]]),
                placements=tuple(row for node in above for row in placements[node]),
                states=tuple(row for node in above for row in states[node]),
                figures=tuple(row for node in above for row in figures[node]),
                as_of=as_of,
                registers=tuple(registers[point_id]),
                readings=tuple(readings[point_id]),
                stored=tuple(stored[point_id]),
                balance_rows=tuple(balances[node] for node in above if node in balances),
                carried=carried,
                absences=tuple(absences[first["premise_id"]]),
                conditions=tuple(
                    row for row in conditions[point_id] if (row["valid_to"] or following) > month
                ),
                stated=tuple(stated_demands(conditions[point_id])),
                errors=_of_registers(registers[point_id], errors),
                acts=tuple(acts[point_id]),
                intervals=tuple(intervals.get(point_id, ())),
                prices=prices,
            )
        )
    return tuple(items)


def left_items(items: Sequence[Item]) -> tuple[Item, ...]:
    """The items of the service points that the account does not pay for after the day up to which the facts count."""
    held = _held_points(items)
    return tuple(item for item in items if item.service_point_id not in held)


def held_items(items: Sequence[Item]) -> tuple[Item, ...]:
    """The others: items of the service points that it goes on paying for."""
    held = _held_points(items)
    return tuple(item for item in items if item.service_point_id in held)


def _held_points(items: Sequence[Item]) -> set[int]:
    held = set()
    for item in items:
        end = item.agreements[-1]["valid_to"]
        if end is None or end > item.as_of.date() + timedelta(days=1):
            held.add(item.service_point_id)
    return held


def load_meter_item(*, service_point_id: int, service: str, month: date, as_of: datetime) -> Item:
    """The facts of a point that measures a node, for which nobody pays: registers, readings and stored use."""
    following = next_month(month)
    about: Row = {"points": [service_point_id], "from": month, "to": following, "as_of": as_of}
    registers = _rows(statements.REGISTERS, about)
    about["registers"] = [row["register_id"] for row in registers]
    (point,) = _rows(statements.METER_POINT, about)
    return Item(
        agreement_id=0,
        account_id=0,
        service_point_id=service_point_id,
        service_month=month,
        period_from=month,
        period_to=following,
        point=point | {"service": service, "premise_kind": ""},
        edition=None,
        agreements=(),
        premise_states=(),
        placements=(),
        states=(),
        figures=(),
        as_of=as_of,
        registers=tuple(registers),
        readings=tuple(_rows(statements.READINGS, about)),
        stored=tuple(_rows(statements.USAGE, about)),
        errors=tuple(_rows(statements.ERRORS, about)),
        intervals=tuple(
            load_intervals(
                service_point_ids=[service_point_id],
                days=(first_day_read(None, month), following + timedelta(days=1)),
                as_of=as_of,
            ).get(service_point_id, ())
        ),
    )


def _of_registers(registers: Sequence[Row], errors: dict[int, list[Row]]) -> tuple[Row, ...]:
    own = dict.fromkeys(row["register_id"] for row in registers)
    return tuple(row for register_id in own for row in errors.get(register_id, ()))


def _balances(
    points: Iterable[Row],
    placements: dict[int, list[Row]],
    editions: dict[int, Edition],
    about: Row,
) -> dict[int, Row]:
    """The balances above the points whose tariff reads their shares."""
    nodes: set[int] = set()
    for row in points:
        edition = editions.get(row["tariff_id"])
        if edition is not None and COMMON_USE in edition.tariff.quantities:
            nodes.update(_above(row["node_id"], placements))
    return stored_balances(node_ids=nodes, month=about["from"], as_of=about["as_of"]) if nodes else {}


def _chains(agreements: Sequence[Row], month: date, following: date) -> Iterable[list[Row]]:
    """Agreement rows of one payer, point, tariff and provider that adjoin within the month."""
    parties = ("account_id", "service_point_id", "tariff_id", "provider_id")
    ordered = sorted(
        agreements,
        key=lambda row: (
            *(row[name] for name in parties),
            max(row["valid_from"], month),
            row["agreement_id"],
        ),
    )
    chain: list[Row] = []
    for row in ordered:
        adjoins = (
            chain
            and _parties(chain[-1]) == _parties(row)
            and min(chain[-1]["valid_to"] or following, following) == max(row["valid_from"], month)
        )
        if chain and not adjoins:
            yield chain
            chain = []
        chain.append(row)
    if chain:
        yield chain


def _parties(row: Row) -> tuple[int, ...]:
    return tuple(row[name] for name in _PARTIES)


def _network(nodes: set[int], about: Row) -> tuple[dict[int, list[Row]], ...]:
    """Placements by node, for the nodes and all above them, and the states and the figures of all of these."""
    placements: dict[int, list[Row]] = defaultdict(list)
    seen: set[int] = set()
    while nodes - seen:
        level = list(nodes - seen)
        seen |= nodes
        nodes = set()
        for row in _rows(statements.PLACEMENTS, about | {"nodes": level}):
            placements[row["node_id"]].append(row)
            if row["parent_id"] is not None:
                nodes.add(row["parent_id"])
    states, figures = (
        _grouped(_rows(statement, about | {"nodes": list(seen)}), "node_id")
        for statement in (statements.NODE_STATES, statements.NODE_FIGURES)
    )
    return placements, states, figures


def _above(node: int, placements: dict[int, list[Row]]) -> list[int]:
    found, rest = [], [node]
    while rest:
        node = rest.pop()
        if node not in found:
            found.append(node)
            rest += [row["parent_id"] for row in placements.get(node, ()) if row["parent_id"] is not None]
    return found


def _editions(tariff_ids: set[int], as_of: datetime) -> dict[int, Edition]:
    rows = _rows(statements.EDITIONS, {"tariffs": list(tariff_ids), "as_of": as_of})
    return {
        row["tariff_id"]: Edition(
            id=row["id"], code=row["code"], name=row["name"], tariff=tariff_of_document(row["document"])
        )
        for row in rows
    }


@lru_cache(maxsize=512)
def tariff_of_document(document: str) -> Tariff:
    """The tariff of a document; kept by its text, for two databases may number their editions alike."""
    return read_tariff(document)


def units_of_balances(document: str) -> dict[str, str]:
    """The balances that a tariff's document declares, with their units."""
    return {name: str(unit) for name, unit in tariff_of_document(document).balances.items()}


def _rows(statement: str, params: Row) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _grouped(rows: Iterable[Row], key: str) -> dict[int, list[Row]]:
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups
