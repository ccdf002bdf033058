"""All facts of some accounts at all times, read once for all bills of these accounts.

Like the evidence of explanations this shares no query with the frames that bill runs read.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from sys import intern
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from psycopg import Cursor

from mains.billing.queries.explain.evidence import tariff_of_document
from mains.billing.queries.explain.intervals.believed import Hung, PointIntervals, fault_of
from mains.billing.queries.explain.intervals.rows import (
    IntervalFact,
    PriceFact,
    load_intervals,
    load_prices,
)
from mains.billing.queries.replay import statements
from mains.billing.queries.replay.rows import (
    Absence,
    Agreement,
    BelievedAct,
    BelievedError,
    BelievedReading,
    Condition,
    Edition,
    Installed,
    KeptBalance,
    NodeFigure,
    NodeState,
    OpeningFact,
    Placement,
    PostedBill,
    PostedLine,
    PremiseState,
    StoredUse,
)
from mains.engine.usage.exact import MeterError, Reading, UnmeteredUse

Row = TypeVar("Row", bound=NamedTuple)


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

    def told_by_intervals(self, service_point_id: int) -> PointIntervals:
        """All intervals of the point, with the meters that ever hung there and their errors."""
        installed = self.installed.get(service_point_id, ())
        hung = {
            row.installation_id: Hung(
                row.meter_id, row.valid_from, row.valid_to, row.recorded_at, row.superseded_at
            )
            for row in installed
        }
        counts = {row.register_id: (row.meter_id, row.zone) for row in installed}
        faults = [
            fault_of(
                error_id=told.error.error_id,
                meter_id=meter_id,
                zone=zone,
                percent_hundredths=told.error.percent_hundredths,
                valid=(told.error.valid_from, told.error.valid_to),
                proof=told.proof,
                recorded_at=told.recorded_at,
                superseded_at=told.superseded_at,
            )
            for register_id, (meter_id, zone) in counts.items()
            for told in self.errors.get(register_id, ())
        ]
        return PointIntervals(
            self.intervals.get(service_point_id, ()),
            [*hung.values()],
            [fault for fault in faults if fault is not None],
        )


def by_place(account_ids: Sequence[int]) -> list[int]:
    """The accounts in the order of the network's nodes that they hang from."""
    found = [
        account_id for account_id, _node in _rows(statements.PLACES, {"accounts": array_text(account_ids)})
    ]
    return [*found, *sorted(set(account_ids) - set(found))]


def load_histories(account_ids: Sequence[int], *, months: Sequence[date]) -> Histories:
    """Everything about the accounts and what they were billed; daily use of `months`."""
    about: dict[str, object] = {"accounts": array_text(account_ids), "months": list(months)}
    agreements = _read(Agreement, statements.AGREEMENTS, about)
    points = list({row.service_point_id for row in agreements})
    about["points"] = array_text(points)
    about["premises"] = array_text({row.premise_id for row in agreements})
    about["tariffs"] = array_text({row.tariff_id for row in agreements})
    installed = _read(Installed, statements.INSTALLED, about)
    about["registers"] = array_text({row.register_id for row in installed})
    placements, node_states, node_figures = _network({row.node_id for row in agreements})
    editions = [*_editions(about)]
    named = {name for row in editions for name in tariff_of_document(row.document).price_series}
    stored: dict[tuple[int, date], list[StoredUse]] = defaultdict(list)
    for use in _read(StoredUse, statements.STORED, about):
        stored[use[0], use[1]].append(use)
    lines: dict[tuple[date, int], list[PostedLine]] = defaultdict(list)
    for line in _read(PostedLine, statements.LINES, about):
        lines[line[1], line[0]].append(line)
    return Histories(
        agreements=_grouped(agreements),
        installed=_grouped(installed),
        readings=_readings(about),
        premise_states=_grouped(_read(PremiseState, statements.PREMISE_STATES, about)),
        absences=_grouped(_read(Absence, statements.ABSENCES, about)),
        errors=_grouped(_errors(about)),
        acts=_grouped(_acts(about)),
        placements=placements,
        node_states=node_states,
        node_figures=node_figures,
        conditions=_grouped(_read(Condition, statements.CONDITIONS, about)),
        stored=stored,
        editions=_grouped(editions),
        bills=_grouped(_read(PostedBill, statements.BILLS, about)),
        lines=lines,
        kept=_grouped(_read(KeptBalance, statements.KEPT, about)),
        openings=_grouped(_read(OpeningFact, statements.OPENINGS, about)),
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


def array_text(ids: Iterable[int]) -> str:
    """Ids as PostgreSQL reads an array: the driver takes many times as long to write it number by number."""
    return f"{{{','.join(map(str, ids))}}}"


def _grouped(rows: Iterable[Row]) -> dict[int, list[Row]]:
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[0]].append(row)
    return groups


def _editions(about: Mapping[str, object]) -> Iterator[Edition]:
    """The same document is the same object, and known at a glance: much is kept by the tariff's text."""
    for row in _read(Edition, statements.EDITIONS, about):
        yield row._replace(document=intern(row.document))


def _readings(about: Mapping[str, object]) -> dict[int, list[BelievedReading]]:
    """By register, in the order of days and ids."""
    found: dict[int, list[BelievedReading]] = defaultdict(list)
    for *reading, recorded_at, superseded_at in _rows(statements.READINGS, about):
        found[reading[1]].append(BelievedReading(recorded_at, superseded_at, Reading(*reading)))
    return found


def _errors(about: Mapping[str, object]) -> list[BelievedError]:
    return [
        BelievedError(
            register_id,
            recorded_at,
            superseded_at,
            MeterError(number, register_id, first, end, percent),
            proof,
        )
        for number, register_id, first, end, percent, proof, recorded_at, superseded_at in _rows(
            statements.ERRORS, about
        )
    ]


def _acts(about: Mapping[str, object]) -> list[BelievedAct]:
    return [
        BelievedAct(point_id, recorded_at, superseded_at, UnmeteredUse(number, zone, first, end, amount))
        for number, point_id, zone, first, end, amount, recorded_at, superseded_at in _rows(
            statements.ACTS, about
        )
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
        for row in _read(Placement, statements.PLACEMENTS, {"nodes": array_text(level)}):
            placements[row.node_id].append(row)
            if row.parent_id is not None:
                nodes.add(row.parent_id)
    about = {"nodes": array_text(seen)}
    states, figures = (
        _read(NodeState, statements.NODE_STATES, about),
        _read(NodeFigure, statements.NODE_FIGURES, about),
    )
    return placements, _grouped(states), _grouped(figures)
