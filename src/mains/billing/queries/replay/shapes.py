"""The facts of an item as the exact interpreter's tapes take them: a shape, and the numbers that fill it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Protocol, TypeVar

from mains.billing.queries.explain.facts import zones_counted
from mains.billing.queries.explain.usage import NAME_OF_ZONE
from mains.billing.queries.replay.histories import (
    Agreement,
    Condition,
    Histories,
    NodeFigure,
    NodeState,
    Placement,
    PremiseState,
)
from mains.billing.values import FED_IN, FLAG_WORDS
from mains.engine.exact.amounts import Shape, Spans
from mains.engine.exact.cut import borders_of_tariff
from mains.engine.facts import MICRO, AttributeValue
from mains.engine.intervals import Measured
from mains.engine.tariff.model import Tariff
from mains.metering.values import Zone


class Dated(Protocol):
    """A row that holds on some days and was believed for some time."""

    @property
    def valid_from(self) -> date: ...

    @property
    def valid_to(self) -> date | None: ...

    @property
    def recorded_at(self) -> datetime: ...

    @property
    def superseded_at(self) -> datetime | None: ...


Row = TypeVar("Row", bound=Dated)
_PREMISE_NUMBERS: Mapping[str, Callable[[PremiseState], int]] = {
    "residents": lambda row: row.residents * MICRO,
    "rooms": lambda row: row.rooms * MICRO,
    "floor_area_m2": lambda row: row.floor_area_m2_micro,
    "heated_area_m2": lambda row: row.heated_area_m2_micro,
    "storey_height_m": lambda row: row.storey_height_mm * 1000,
}
_PREMISE_WORDS: Mapping[str, Callable[[PremiseState], str | bool]] = {
    "location": lambda row: row.location,
    "cooker": lambda row: row.cooker,
    "meter_possible": lambda row: row.meter_possible,
}
_AGREEMENT_WORDS: Mapping[str, Callable[[Agreement], str]] = {
    "category": lambda row: row.category,
    "load_class": lambda row: row.load_class,
}
_NAMES = {int(zone): name for zone, name in NAME_OF_ZONE.items()}
_borders: dict[tuple[str, date, date], tuple[date, ...]] = {}


def item_shape(
    *,
    document: str,
    tariff: Tariff,
    chain: Sequence[Agreement],
    period_from: date,
    period_to: date,
    use: Mapping[int, list[int]],
    quantities: Mapping[str, list[int]],
    openings: Mapping[str, int],
    histories: Histories,
    as_of: datetime,
    measured: Measured | None = None,
) -> tuple[Shape, list[int]]:
    """Shape and numbers of the item. `use` are the days of its month by zone, empty where nothing is stored;
    `quantities` those of other measured quantities; `openings` what the item opens with of its tariff's balances;
    `measured` what intervals give, where the tariff reads them.

    Raises UnableToRate when no version of the tariff is in force on a day.
    """
    period = (period_from, period_to)
    attributes: list[tuple[str, Spans]] = []
    numbers: list[int] = []
    for attribute in tariff.read_attributes:
        if attribute in tariff.balances:
            values = [openings[attribute]] if attribute in openings else []
            spans: Spans = ((*period, None),) if values else ()
        elif measured is not None and attribute in measured.attributes:
            spans, values = _measured_attribute(measured, attribute, period)
        else:
            spans, values = _attribute(attribute, tariff, chain, period, histories, as_of)
        if spans:
            attributes.append((attribute, spans))
            numbers += values
    borders = _borders.get((document, *period))
    if borders is None:
        borders = borders_of_tariff(tariff=tariff, first=period_from, end=period_to)
        _borders[document, period_from, period_to] = borders
    inside = {day for _, spans in attributes for first, end, _ in spans for day in (first, end)}
    days = sorted({*borders, *inside, *period})
    stretches = tuple(pairwise(days))
    month = period_from.replace(day=1).toordinal()
    named = [(name, [days]) for name, days in _measured_use(measured, month)]
    if measured is None:
        named = [("usage", [days for zone, days in use.items() if zone != Zone.EXPORT])]
        named += [
            (name, [use[zone]])
            for zone in use
            if (name := _NAMES.get(zone, "")) and name.removeprefix("usage.") in tariff.zones
        ]
    told = {name for name, _days in named}
    if Zone.EXPORT in use and FED_IN in tariff.quantities and FED_IN not in told:
        named.append((FED_IN, [use[Zone.EXPORT]]))
    named += [(name, [days]) for name, days in quantities.items()]
    parts = [(first.toordinal() - month, end.toordinal() - month) for first, end in stretches]
    used = [sum([sum(series[first:end]) for series in found]) for _, found in named for first, end in parts]
    shape = Shape(
        document,
        period_from,
        period_to,
        tuple([(name, stretches) for name, _ in named]),
        tuple(attributes),
    )
    return shape, used + numbers


def _measured_use(measured: Measured | None, month: int) -> Iterator[tuple[str, list[int]]]:
    """Use that intervals give by name, a figure a day from the first of the month on."""
    for name, stretches in (measured.use if measured is not None else {}).items():
        before = stretches[0].from_date.toordinal() - month if stretches else 0
        yield name, [0] * before + [stretch.micro for stretch in stretches]


def _measured_attribute(measured: Measured, name: str, period: tuple[date, date]) -> tuple[Spans, list[int]]:
    """Spans and values of a demand."""
    spans, values = [], []
    for value in measured.attributes[name]:
        first, end = value.valid_from or period[0], value.valid_to or period[1]
        spans.append((first, end, None))
        values.append(_micro_of(value.value))
    return tuple(spans), values


def _micro_of(value: AttributeValue) -> int:
    assert not isinstance(value, str | bool), "A demand is a number."
    return int(value * MICRO)


def _attribute(
    name: str,
    tariff: Tariff,
    chain: Sequence[Agreement],
    period: tuple[date, date],
    histories: Histories,
    as_of: datetime,
) -> tuple[Spans, list[int]]:
    """Spans of an attribute within the period, and its values in millionths where it is a number."""
    first = chain[0]
    if name in _PREMISE_NUMBERS:
        states = [*_rows(histories.premise_states.get(first.premise_id, ()), period, as_of)]
        return (
            tuple([(*_within(row, period), None) for row in states]),
            [_PREMISE_NUMBERS[name](row) for row in states],
        )
    if name in _PREMISE_WORDS:
        found = _rows(histories.premise_states.get(first.premise_id, ()), period, as_of)
        return tuple([(*_within(row, period), _PREMISE_WORDS[name](row)) for row in found]), []
    if name in _AGREEMENT_WORDS:
        return tuple([(*_within(row, period), _AGREEMENT_WORDS[name](row)) for row in chain]), []
    if name == "absent":
        return _of_absences(first.premise_id, period, histories, as_of)
    if name in ("metered", "zones"):
        return _of_meters(name, first, period, histories, as_of), []
    if name in ("band", "supply_hours_day"):
        return _of_network(name, first.node_id, period, histories, as_of)
    if name in tariff.read_figures:
        return _of_figures(name, first, period, histories, as_of)
    return _of_words(name, tariff.attributes[name].kind, first, period, histories, as_of), []


def _of_absences(
    premise_id: int, period: tuple[date, date], histories: Histories, as_of: datetime
) -> tuple[Spans, list[int]]:
    """Residents absent, to all residents at most; nought where nobody is."""
    absences = [*_rows(histories.absences.get(premise_id, ()), period, as_of)]
    if not absences:
        return ((*period, None),), [0]
    states = [*_rows(histories.premise_states.get(premise_id, ()), period, as_of)]
    spans = [*_pieces([*absences, *states], period)]
    counts = [
        min(
            sum(row.residents for row in absences if _holds(row, first)),
            sum(row.residents for row in states if _holds(row, first)),
        )
        for first, _end in spans
    ]
    return tuple((first, end, None) for first, end in spans), [count * MICRO for count in counts]


def _of_meters(
    name: str, agreement: Agreement, period: tuple[date, date], histories: Histories, as_of: datetime
) -> Spans:
    rows = [*_rows(histories.installed.get(agreement.service_point_id, ()), period, as_of)]
    spans: list[tuple[date, date, str | bool | None]] = []
    for first, end in _pieces(rows, period):
        hung = [row for row in rows if _holds(row, first)]
        if name == "metered":
            spans.append((first, end, bool(hung)))
        elif hung:
            latest = max(hung, key=lambda row: (row.valid_from, row.valid_to or date.max))
            counted = {row.zone for row in hung if row.installation_id == latest.installation_id}
            spans.append((first, end, zones_counted(counted)))
    return tuple(spans)


def _of_network(
    name: str, node_id: int, period: tuple[date, date], histories: Histories, as_of: datetime
) -> tuple[Spans, list[int]]:
    """Band or hours of the nearest node above the service point that has a state on the day."""
    spans: list[tuple[date, date, str | bool | None]] = []
    numbers = []

    def stated(node: int) -> Sequence[NodeState]:
        return histories.node_states.get(node, ())

    for first, end, state in _nearest(stated, node_id, period, histories, as_of):
        if name == "band" and state.band is not None:
            spans.append((first, end, state.band))
        if name == "supply_hours_day" and state.supply_hours_day is not None:
            spans.append((first, end, None))
            numbers.append(state.supply_hours_day * MICRO)
    return tuple(spans), numbers


def _of_figures(
    name: str, agreement: Agreement, period: tuple[date, date], histories: Histories, as_of: datetime
) -> tuple[Spans, list[int]]:
    """The condition of the name at the service point on the day, or else the figure of the nearest node above it."""

    def named(node: int) -> list[NodeFigure]:
        return [row for row in histories.node_figures.get(node, ()) if row.name == name]

    figures = (
        [
            (start, end, row.value_micro)
            for start, end, row in _nearest(named, agreement.node_id, period, histories, as_of)
        ]
        if histories.node_figures
        else []
    )
    conditions = [
        (*_within(row, period), row.value_micro)
        for row in _conditions(name, agreement, period, histories, as_of)
        if row.value_micro is not None
    ]
    if conditions:
        days = sorted({*period, *(day for start, end, _ in (*figures, *conditions) for day in (start, end))})
        figures = [
            (start, end, value)
            for start, end in pairwise(days)
            for value in [next((v for s, e, v in (*conditions, *figures) if s <= start < e), None)]
            if value is not None
        ]
    return tuple((start, end, None) for start, end, _value in figures), [value for *_days, value in figures]


def _of_words(
    name: str,
    kind: str,
    agreement: Agreement,
    period: tuple[date, date],
    histories: Histories,
    as_of: datetime,
) -> Spans:
    """What conditions of the service point say under the name, as a text or as yes or no."""
    spans: list[tuple[date, date, str | bool | None]] = []
    for row in _conditions(name, agreement, period, histories, as_of):
        value = FLAG_WORDS.get(row.word) if kind == "flag" else row.word or None
        if value is not None:
            spans.append((*_within(row, period), value))
    return tuple(spans)


def _conditions(
    name: str, agreement: Agreement, period: tuple[date, date], histories: Histories, as_of: datetime
) -> Iterator[Condition]:
    rows = histories.conditions.get(agreement.service_point_id, ())
    return (row for row in _rows(rows, period, as_of) if row.name == name) if rows else iter(())


def _nearest(
    facts_of: Callable[[int], Sequence[Row]],
    node_id: int,
    period: tuple[date, date],
    histories: Histories,
    as_of: datetime,
) -> Iterator[tuple[date, date, Row]]:
    """The period piece by piece with the fact of the node, or else of the nearest node above it; without the pieces of
    which there is none."""
    placements: dict[int, list[Placement]] = {}
    told: dict[int, list[Row]] = {}
    dated: list[Dated] = []
    rest = [node_id]
    while rest:
        node = rest.pop()
        if node not in placements:
            placements[node] = [*_rows(histories.placements.get(node, ()), period, as_of)]
            told[node] = [*_rows(facts_of(node), period, as_of)]
            dated += [*placements[node], *told[node]]
            rest += [row.parent_id for row in placements[node] if row.parent_id is not None]
    for first, end in _pieces(dated, period):
        node_above: int | None = node_id
        found: Row | None = None
        while node_above is not None and found is None:
            found = next((row for row in told[node_above] if _holds(row, first)), None)
            above = (row.parent_id for row in placements[node_above] if _holds(row, first))
            node_above = next(above, None)
        if found is not None:
            yield first, end, found


def _rows(rows: Iterable[Row], period: tuple[date, date], as_of: datetime) -> Iterator[Row]:
    """Rows about the period that were believed at the instant."""
    return (
        row
        for row in rows
        if row.recorded_at <= as_of
        and (row.superseded_at is None or row.superseded_at > as_of)
        and row.valid_from < period[1]
        and (row.valid_to is None or row.valid_to > period[0])
    )


def _within(row: Dated, period: tuple[date, date]) -> tuple[date, date]:
    """The days of the row that lie in the period: items differ less so, and share tapes."""
    first = max(period[0], row.valid_from)
    end = row.valid_to if row.valid_to is not None and row.valid_to < period[1] else period[1]
    return first, end


def _pieces(rows: Iterable[Dated], period: tuple[date, date]) -> Iterator[tuple[date, date]]:
    """The period cut where any row begins or ends."""
    days = {*period}
    for row in rows:
        days.update(_within(row, period))
    return pairwise(sorted(days))


def _holds(row: Dated, day: date) -> bool:
    return row.valid_from <= day and (row.valid_to is None or day < row.valid_to)
