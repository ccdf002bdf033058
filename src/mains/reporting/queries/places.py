"""Buildings on the map, with what their accounts owe; crowds where there are too many to draw."""

from dataclasses import dataclass
from math import ceil, sqrt

from mains.base.rows import fetch_row, fetch_rows
from mains.staff.values import Scope

CELLS = 144


@dataclass(frozen=True)
class Box:
    """A part of the map in degrees, west < east and south < north."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True)
class BuildingOnMap:
    """A building with the accounts in it that the person may see."""

    id: int
    street: str
    house: str
    latitude: float
    longitude: float
    accounts: int
    debtors: int
    owed_minor: int
    first_number: str


@dataclass(frozen=True)
class CellOnMap:
    """A crowd of buildings within one cell of a grid, at their mean position, and the cell that holds them."""

    buildings: int
    latitude: float
    longitude: float
    west: float
    south: float
    east: float
    north: float

    @property
    def box(self) -> Box:
        """The smallest box around the buildings."""
        return Box(self.west, self.south, self.east, self.north)


INSIDE = "b.longitude BETWEEN %(west)s AND %(east)s AND b.latitude BETWEEN %(south)s AND %(north)s"
SEEN = """
(%(everything)s OR EXISTS (
    SELECT FROM network_premise p
    JOIN network_servicepoint s ON s.premise_id = p.id
    JOIN customers_agreement g ON g.service_point_id = s.id AND g.superseded_at IS NULL
    JOIN customers_account a ON a.id = g.account_id
    WHERE p.building_id = b.id AND a.organisation_id = ANY(%(reached)s)))
"""


def find_extent(*, scope: Scope) -> Box | None:
    """The box around all buildings of the scope; None when there are none."""
    statement = f"""
        SELECT min(b.longitude), min(b.latitude), max(b.longitude), max(b.latitude) FROM network_building b
        WHERE {SEEN} HAVING count(*) > 0
    """
    return fetch_row(Box, statement, _within(scope))


def count_buildings(*, box: Box, scope: Scope) -> int:
    """Buildings of the scope in the box."""
    statement = f"SELECT count(*) FROM network_building b WHERE {INSIDE} AND {SEEN}"
    return fetch_rows(int, statement, vars(box) | _within(scope))[0]


def list_cells(*, box: Box, scope: Scope) -> list[CellOnMap]:
    """The buildings of the box counted on a grid of at most CELLS cells."""
    side = ceil(sqrt(CELLS))
    statement = f"""
        SELECT count(*), avg(b.latitude), avg(b.longitude),
               min(b.longitude), min(b.latitude), max(b.longitude), max(b.latitude)
        FROM network_building b WHERE {INSIDE} AND {SEEN}
        GROUP BY least(width_bucket(b.longitude, %(west)s, %(east)s + 1e-9, {side}), {side}),
                 least(width_bucket(b.latitude, %(south)s, %(north)s + 1e-9, {side}), {side})
    """
    return fetch_rows(CellOnMap, statement, vars(box) | _within(scope))


def list_buildings(*, box: Box, scope: Scope, limit: int) -> list[BuildingOnMap]:
    """The buildings of the box with what their open accounts owe."""
    statement = f"""
        SELECT b.id, b.street, b.house, b.latitude, b.longitude, count(*), count(*) FILTER (WHERE money.minor > 0),
               coalesce(sum(money.minor) FILTER (WHERE money.minor > 0), 0)::bigint, min(a.number)
        FROM (SELECT * FROM network_building b WHERE {INSIDE} LIMIT %(limit)s) b
        JOIN network_premise p ON p.building_id = b.id
        JOIN network_servicepoint s ON s.premise_id = p.id
        JOIN customers_agreement g ON g.service_point_id = s.id AND g.superseded_at IS NULL
        JOIN customers_account a ON a.id = g.account_id AND a.closed_on IS NULL
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(e.amount_minor), 0) AS minor FROM ledger_entry e WHERE e.account_id = a.id
        ) money
        WHERE (%(everything)s OR a.organisation_id = ANY(%(reached)s))
        GROUP BY b.id, b.street, b.house, b.latitude, b.longitude ORDER BY b.id
    """
    return fetch_rows(BuildingOnMap, statement, {"limit": limit} | vars(box) | _within(scope))


def _within(scope: Scope) -> dict[str, object]:
    return {"everything": scope.organisation_ids is None, "reached": sorted(scope.organisation_ids or ())}
