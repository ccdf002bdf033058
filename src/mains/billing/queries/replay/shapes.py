"""The facts of an item as the exact interpreter's tapes take them: a shape, and the numbers that fill it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeVar

from mains.billing.queries.explain.facts import zones_counted
from mains.billing.queries.explain.usage import NAME_OF_ZONE
from mains.billing.queries.replay.histories import Histories
from mains.billing.queries.replay.rows import (
    Agreement,
    Condition,
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
Attribute = tuple[Spans, Sequence[int]]
"""Spans of an attribute within an item's period, and its values in millionths where it is a number."""

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
_TOTAL = int(Zone.TOTAL)
_NAMES = {int(zone): name for zone, name in NAME_OF_ZONE.items()}


class Item(NamedTuple):
    """One agreement, or several that follow one another, in one month; `period` are its days there.

    `use` are the days of the month by zone, empty where nothing is stored; `quantities` those of other measured
    quantities; `openings` what the item opens with of its tariff's balances; `measured` what intervals give, where the
    tariff reads them.
    """

    document: str
    tariff: Tariff
    chain: Sequence[Agreement]
    period: tuple[date, date]
    use: Mapping[int, Sequence[int]]
    quantities: Mapping[str, Sequence[int]]
    openings: Mapping[str, int]
    histories: Histories
    as_of: datetime
    measured: Measured | None = None

    def rows(self, about: Iterable[Row]) -> list[Row]:
        """Those about the period that were believed at the instant."""
        as_of, (first, end) = self.as_of, self.period
        return [
            row
            for row in about
            if row.recorded_at <= as_of
            and (row.superseded_at is None or row.superseded_at > as_of)
            and row.valid_from < end
            and (row.valid_to is None or row.valid_to > first)
        ]


_borders: dict[tuple[str, date, date], tuple[date, ...]] = {}


def item_shape(item: Item) -> tuple[Shape, list[int]]:
    """Shape and numbers of the item.

    Raises UnableToRate when no version of the tariff is in force on a day.
    """
    period, tariff = item.period, item.tariff
    attributes, numbers = _attributes(item)
    borders = _borders.get((item.document, *period))
    if borders is None:
        borders = borders_of_tariff(tariff=tariff, first=period[0], end=period[1])
        _borders[(item.document, *period)] = borders
    days = {*period, *borders}
    for _name, spans in attributes:
        for first, end, _word in spans:
            days.add(first)
            days.add(end)
    stretches = tuple(pairwise(sorted(days)))
    named = _named_uses(item)
    if len(stretches) == 1 and period[0].day == 1 and period[1].day == 1:
        used = [sum(map(sum, found)) for _, found in named]
    else:
        month = period[0].replace(day=1).toordinal()
        parts = [(first.toordinal() - month, end.toordinal() - month) for first, end in stretches]
        used = [
            sum([sum(series[first:end]) for series in found]) for _, found in named for first, end in parts
        ]
    shape = Shape(
        item.document,
        *period,
        tuple([(name, stretches) for name, _ in named]),
        attributes,
    )
    return shape, used + numbers


def _named_uses(item: Item) -> list[tuple[str, list[Sequence[int]]]]:
    """The days of what the tariff may read, as one series or several that are added."""
    use, tariff = item.use, item.tariff
    named: list[tuple[str, list[Sequence[int]]]]
    if item.measured is not None:
        month = item.period[0].replace(day=1).toordinal()
        named = [(name, [days]) for name, days in _measured_use(item.measured, month)]
    elif len(use) == 1 and _TOTAL in use:
        named = [("usage", [*use.values()])]
    else:
        named = [("usage", [days for zone, days in use.items() if zone != Zone.EXPORT])]
        named += [
            (name, [use[zone]])
            for zone in use
            if (name := _NAMES.get(zone, "")) and name.removeprefix("usage.") in tariff.zones
        ]
    if Zone.EXPORT in use and FED_IN in tariff.quantities and FED_IN not in {name for name, _ in named}:
        named.append((FED_IN, [use[Zone.EXPORT]]))
    for name, days in item.quantities.items():
        named.append((name, [days]))
    return named


def _measured_use(measured: Measured, month: int) -> Iterator[tuple[str, list[int]]]:
    """Use that intervals give by name, a figure a day from the first of the month on."""
    for name, stretches in measured.use.items():
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


def _attributes(item: Item) -> tuple[tuple[tuple[str, Spans], ...], list[int]]:
    """Attributes that the tariff reads and the item has, and the numbers among them."""
    states: list[PremiseState] | None = None
    attributes: list[tuple[str, Spans]] = []
    numbers: list[int] = []
    for name in item.tariff.read_attributes:
        if name in item.tariff.balances:
            values: Sequence[int] = [item.openings[name]] if name in item.openings else ()
            spans: Spans = ((*item.period, None),) if values else ()
        elif item.measured is not None and name in item.measured.attributes:
            spans, values = _measured_attribute(item.measured, name, item.period)
        elif name in _PREMISE_NUMBERS or name in _PREMISE_WORDS:
            if states is None:
                states = item.rows(item.histories.premise_states.get(item.chain[0].premise_id, ()))
            spans, values = _of_premise(name, states, item.period)
        else:
            spans, values = _other(name, item)
        if spans:
            attributes.append((name, spans))
            numbers += values
    return tuple(attributes), numbers


def _of_premise(name: str, states: Sequence[PremiseState], period: tuple[date, date]) -> Attribute:
    figure = _PREMISE_NUMBERS.get(name)
    if figure is not None:
        return tuple([(*_within(row, period), None) for row in states]), [figure(row) for row in states]
    word = _PREMISE_WORDS[name]
    return tuple([(*_within(row, period), word(row)) for row in states]), ()


def _other(name: str, item: Item) -> Attribute:
    if name in _AGREEMENT_WORDS:
        word = _AGREEMENT_WORDS[name]
        return tuple([(*_within(row, item.period), word(row)) for row in item.chain]), ()
    if name == "absent":
        return _of_absences(item)
    if name in ("metered", "zones"):
        return _of_meters(name, item), ()
    if name in ("band", "supply_hours_day"):
        return _of_network(name, item)
    return _of_figures(name, item) if name in item.tariff.read_figures else (_of_words(name, item), ())


def _of_absences(item: Item) -> Attribute:
    """Residents absent, to all residents at most; nought where nobody is."""
    premise_id, period = item.chain[0].premise_id, item.period
    absences = item.rows(item.histories.absences.get(premise_id, ()))
    if not absences:
        return ((*period, None),), [0]
    states = item.rows(item.histories.premise_states.get(premise_id, ()))
    spans = [*_pieces([*absences, *states], period)]
    counts = [
        min(
            sum(row.residents for row in absences if _holds(row, first)),
            sum(row.residents for row in states if _holds(row, first)),
        )
        for first, _end in spans
    ]
    return tuple((first, end, None) for first, end in spans), [count * MICRO for count in counts]


def _of_meters(name: str, item: Item) -> Spans:
    """Whether a meter hangs, or how it counts zones; days with one answer are one span, whatever meters hung."""
    rows = item.rows(item.histories.installed.get(item.chain[0].service_point_id, ()))
    if name == "metered" and not rows:
        return ((*item.period, False),)
    spans: list[tuple[date, date, str | bool | None]] = []
    for first, end in _pieces(rows, item.period):
        hung = [row for row in rows if _holds(row, first)]
        if name == "metered":
            found: str | bool = bool(hung)
        elif hung:
            latest = max(hung, key=lambda row: (row.valid_from, row.valid_to or date.max))
            found = zones_counted({row.zone for row in hung if row.installation_id == latest.installation_id})
        else:
            continue
        begins = spans.pop()[0] if spans and spans[-1][1:] == (first, found) else first
        spans.append((begins, end, found))
    return tuple(spans)


def _of_network(name: str, item: Item) -> Attribute:
    """Band or hours of the nearest node above the service point that has a state on the day."""
    spans: list[tuple[date, date, str | bool | None]] = []
    numbers = []

    def stated(node: int) -> Sequence[NodeState]:
        return item.histories.node_states.get(node, ())

    for first, end, state in _nearest(stated, item):
        if name == "band" and state.band is not None:
            spans.append((first, end, state.band))
        if name == "supply_hours_day" and state.supply_hours_day is not None:
            spans.append((first, end, None))
            numbers.append(state.supply_hours_day * MICRO)
    return tuple(spans), numbers


def _of_figures(name: str, item: Item) -> Attribute:
    """The condition of the name at the service point on the day, or else the figure of the nearest node above it."""

    def named(node: int) -> list[NodeFigure]:
        return [row for row in item.histories.node_figures.get(node, ()) if row.name == name]

    found = _nearest(named, item) if item.histories.node_figures else ()
    figures = [(first, end, row.value_micro) for first, end, row in found]
    conditions = [
        (*_within(row, item.period), row.value_micro)
        for row in _conditions(name, item)
        if row.value_micro is not None
    ]
    if conditions:
        told = [*conditions, *figures]
        days = sorted({*item.period, *(day for first, end, _ in told for day in (first, end))})
        figures = [
            (start, stop, value)
            for start, stop in pairwise(days)
            for value in [next((each for first, end, each in told if first <= start < end), None)]
            if value is not None
        ]
    return tuple((first, end, None) for first, end, _value in figures), [value for *_days, value in figures]


def _of_words(name: str, item: Item) -> Spans:
    """What conditions of the service point say under the name, as a text or as yes or no."""
    is_flag = item.tariff.attributes[name].kind == "flag"
    spans: list[tuple[date, date, str | bool | None]] = []
    for row in _conditions(name, item):
        value = FLAG_WORDS.get(row.word) if is_flag else row.word or None
        if value is not None:
            spans.append((*_within(row, item.period), value))
    return tuple(spans)


def _conditions(name: str, item: Item) -> list[Condition]:
    rows = item.histories.conditions.get(item.chain[0].service_point_id, ())
    return [row for row in item.rows(rows) if row.name == name] if rows else []


def _nearest(facts_of: Callable[[int], Sequence[Row]], item: Item) -> Iterator[tuple[date, date, Row]]:
    """The period piece by piece with the fact of the node, or else of the nearest node above it; without the pieces of
    which there is none."""
    start = item.chain[0].node_id
    placements: dict[int, list[Placement]] = {}
    told: dict[int, list[Row]] = {}
    dated: list[Dated] = []
    rest = [start]
    while rest:
        node = rest.pop()
        if node not in placements:
            placements[node] = item.rows(item.histories.placements.get(node, ()))
            told[node] = item.rows(facts_of(node))
            dated += [*placements[node], *told[node]]
            rest += [row.parent_id for row in placements[node] if row.parent_id is not None]
    for first, end in _pieces(dated, item.period):
        node_above: int | None = start
        found: Row | None = None
        while node_above is not None and found is None:
            found = next((row for row in told[node_above] if _holds(row, first)), None)
            above = (row.parent_id for row in placements[node_above] if _holds(row, first))
            node_above = next(above, None)
        if found is not None:
            yield first, end, found


def _within(row: Dated, period: tuple[date, date]) -> tuple[date, date]:
    """The days of the row that lie in the period: items differ less so, and share tapes."""
    first, end = row.valid_from, row.valid_to
    if first <= period[0] and (end is None or end >= period[1]):
        return period
    return max(period[0], first), period[1] if end is None else min(end, period[1])


def _pieces(rows: Iterable[Dated], period: tuple[date, date]) -> Iterator[tuple[date, date]]:
    """The period cut where any row begins or ends."""
    days = {*period}
    for row in rows:
        days.update(_within(row, period))
    return pairwise(sorted(days))


def _holds(row: Dated, day: date) -> bool:
    return row.valid_from <= day and (row.valid_to is None or day < row.valid_to)
