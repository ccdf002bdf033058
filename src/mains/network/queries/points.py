"""Service points by id or code, as actions of other contexts need them."""

from dataclasses import dataclass
from datetime import date

from mains.base.rows import fetch_row, fetch_rows
from mains.kernel.errors import MainsError


class UnableToFindServicePoint(MainsError):
    """There is no such service point."""


@dataclass(frozen=True)
class PointRecord:
    """One service at one premise, or where a node is measured; `disconnected_on` is the first day without supply, None
    while there is no end."""

    id: int
    code: str
    service: str
    bucket: int
    connected_on: date
    disconnected_on: date | None
    node_id: int
    takes_rest: bool
    measures_node: bool

    def is_connected(self, on: date) -> bool:
        """Whether it is supplied on the day."""
        return self.connected_on <= on and (self.disconnected_on is None or on < self.disconnected_on)


def get_point(*, point_id: int) -> PointRecord:
    """The service point. Raises UnableToFindServicePoint."""
    statement = """
        SELECT id, code, service, bucket, connected_on, disconnected_on, node_id, takes_rest, measures_node
        FROM network_servicepoint WHERE id = %(id)s
    """
    found = fetch_row(PointRecord, statement, {"id": point_id})
    if found is None:
        raise UnableToFindServicePoint(
            code="point-unknown",
            message="There is no such service point.",
            place=f"service point {point_id}",
            remedy="Search for it by address or code.",
            params={"field": "service_point"},
        )
    return found


def find_point_id(*, code: str) -> int | None:
    """The id of the service point of that code."""
    rows = fetch_rows(int, "SELECT id FROM network_servicepoint WHERE code = %(code)s", {"code": code})
    return rows[0] if rows else None
