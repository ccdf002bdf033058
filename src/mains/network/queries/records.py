"""Premises and network nodes as people read them.

A premise belongs to no unit of the utility by itself: callers reach it through an account that they were allowed
to see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from mains.base.rows import fetch_row, fetch_rows

_UP = """
    WITH RECURSIVE up (id, step) AS (
        SELECT %(node)s::bigint, 0
        UNION ALL
        SELECT p.parent_id, up.step + 1 FROM network_nodeplacement p JOIN up ON p.node_id = up.id
        WHERE p.superseded_at IS NULL AND p.valid @> %(on_date)s::date AND p.parent_id IS NOT NULL AND up.step < 20
    )
"""
"""A node and all above it, as connected on a date; `step` counts from the node upwards."""


@dataclass(frozen=True)
class PremiseRecord:
    """A premise and the building it stands in; coordinates in degrees (WGS 84)."""

    id: int
    building_id: int
    kind: str
    entrance: str
    floor: int | None
    flat: str
    city: str
    street: str
    house: str
    postal_code: str
    latitude: float
    longitude: float

    @property
    def address(self) -> str:
        """Street, house, flat, city, as much as is known."""
        return ", ".join(part for part in (self.street, self.house, self.flat, self.city) if part)


@dataclass(frozen=True)
class PremiseStateRecord:
    """What held for a premise over [valid_from, valid_to), who recorded it and on what proof."""

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
    recorded_by: str
    proof: str
    superseded_at: datetime | None


@dataclass(frozen=True)
class NodeRecord:
    """A node of the network with its place, where known, and its band on the asked date."""

    id: int
    kind: str
    code: str
    name: str
    latitude: float | None
    longitude: float | None
    band: str
    supply_hours_day: int | None


@dataclass(frozen=True)
class FigureRecord:
    """A number that tariffs read as the attribute `name`, with the node that carries it, the days
    [valid_from, valid_to) and the document that proves it."""

    node_id: int
    node_name: str
    name: str
    value_micro: int
    valid_from: date
    valid_to: date | None
    proof: str


@dataclass(frozen=True)
class StatedFigure:
    """A figure of a node as it was stated, over [valid_from, valid_to); None says that the node has none. Also one that
    was replaced (`superseded_at`) or withdrawn (`withdrawn_by` and why)."""

    id: int
    name: str
    value_micro: int | None
    valid_from: date
    valid_to: date | None
    proof: str
    recorded_at: datetime
    recorded_by: str
    superseded_at: datetime | None
    withdrawn_by: str
    withdrawal_reason: str


@dataclass(frozen=True)
class NodeName:
    """A node of one service's network."""

    id: int
    code: str
    name: str
    kind: str
    service: str


@dataclass(frozen=True)
class NeighbourRecord:
    """Another building near a premise."""

    building_id: int
    street: str
    house: str
    latitude: float
    longitude: float
    premises: int


def find_premise(*, premise_id: int) -> PremiseRecord | None:
    """The premise with its address."""
    statement = """
        SELECT p.id, b.id, p.kind, p.entrance, p.floor, p.flat, b.city, b.street, b.house, b.postal_code,
               b.latitude, b.longitude
        FROM network_premise p JOIN network_building b ON b.id = p.building_id WHERE p.id = %(id)s
    """
    return fetch_row(PremiseRecord, statement, {"id": premise_id})


def list_premise_states(*, premise_id: int) -> list[PremiseStateRecord]:
    """All recorded states of a premise, also the superseded ones, latest period first."""
    statement = """
        SELECT s.residents, s.rooms, s.floor_area_m2_micro, s.heated_area_m2_micro, s.storey_height_mm, s.location,
               s.cooker, s.meter_possible, lower(s.valid), upper(s.valid), s.recorded_at,
               coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username, ''), s.proof,
               s.superseded_at
        FROM network_premisestate s LEFT JOIN staff_user u ON u.id = s.recorded_by_id
        WHERE s.premise_id = %(id)s ORDER BY lower(s.valid) DESC, s.recorded_at DESC
    """
    return fetch_rows(PremiseStateRecord, statement, {"id": premise_id})


def list_feeding_nodes(*, node_id: int, on_date: date) -> list[NodeRecord]:
    """The nodes from the source down to `node_id` as connected on the date."""
    statement = f"""
        {_UP}
        SELECT n.id, n.kind, n.code, n.name, n.latitude, n.longitude, coalesce(s.band, ''), s.supply_hours_day
        FROM up JOIN network_node n ON n.id = up.id
        LEFT JOIN network_nodestate s
            ON s.node_id = n.id AND s.superseded_at IS NULL AND s.valid @> %(on_date)s::date
        ORDER BY up.step DESC
    """
    return fetch_rows(NodeRecord, statement, {"node": node_id, "on_date": on_date})


def list_point_figures(*, node_id: int, on_date: date) -> list[FigureRecord]:
    """The figures that hold at `node_id` on the date: of each name that of the nearest node, itself or above."""
    statement = f"""
        {_UP}
        SELECT DISTINCT ON (f.name) f.node_id, n.name, f.name, f.value_micro, lower(f.valid), upper(f.valid), f.proof
        FROM up JOIN network_nodefigure f ON f.node_id = up.id JOIN network_node n ON n.id = f.node_id
        WHERE f.superseded_at IS NULL AND f.valid @> %(on_date)s::date AND f.value_micro IS NOT NULL
        ORDER BY f.name, up.step
    """
    return fetch_rows(FigureRecord, statement, {"node": node_id, "on_date": on_date})


def list_stated_figures(*, node_id: int) -> list[StatedFigure]:
    """All that was ever stated of the node's own figures: by name, the latest dates first."""
    statement = """
        SELECT f.id, f.name, f.value_micro, lower(f.valid), upper(f.valid), f.proof, f.recorded_at,
               coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username, ''), f.superseded_at,
               coalesce(nullif(trim(w.first_name || ' ' || w.last_name), ''), w.username, ''),
               coalesce(x.reason, '')
        FROM network_nodefigure f
        LEFT JOIN network_nodefigurewithdrawal x ON x.fact_id = f.id
        LEFT JOIN staff_user u ON u.id = f.recorded_by_id
        LEFT JOIN staff_user w ON w.id = x.withdrawn_by_id
        WHERE f.node_id = %(node)s ORDER BY f.name, lower(f.valid) DESC, f.recorded_at DESC, f.id DESC
    """
    return fetch_rows(StatedFigure, statement, {"node": node_id})


def list_neighbours(*, premise: PremiseRecord, limit: int = 60) -> list[NeighbourRecord]:
    """Other buildings of the same street, the nearest first."""
    statement = """
        SELECT b.id, b.street, b.house, b.latitude, b.longitude,
               (SELECT count(*) FROM network_premise p WHERE p.building_id = b.id)
        FROM network_building b
        WHERE b.city = %(city)s AND b.street = %(street)s AND b.id <> %(building)s
        ORDER BY (b.latitude - %(latitude)s) ^ 2 + (b.longitude - %(longitude)s) ^ 2 LIMIT %(limit)s
    """
    params = {
        "city": premise.city,
        "street": premise.street,
        "building": premise.building_id,
        "latitude": premise.latitude,
        "longitude": premise.longitude,
        "limit": limit,
    }
    return fetch_rows(NeighbourRecord, statement, params)


def find_node_id(*, code: str) -> int | None:
    """The id of the node of that code."""
    rows = fetch_rows(int, "SELECT id FROM network_node WHERE code = %(code)s", {"code": code})
    return rows[0] if rows else None


def find_node(*, node_id: int) -> NodeName | None:
    """The node; the caller has checked that the person sees it."""
    statement = "SELECT id, code, name, kind, service FROM network_node WHERE id = %(id)s"
    return fetch_row(NodeName, statement, {"id": node_id})


def find_measured_node(*, service_point_ids: Sequence[int]) -> int | None:
    """The node that one of the points measures."""
    statement = """
        SELECT node_id FROM network_servicepoint WHERE id = ANY(%(ids)s) AND measures_node ORDER BY id LIMIT 1
    """
    rows = fetch_rows(int, statement, {"ids": list(service_point_ids)})
    return rows[0] if rows else None
