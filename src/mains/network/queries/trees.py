"""The network tree of a service on a day."""

from dataclasses import dataclass
from datetime import date

from mains.base.rows import fetch_rows
from mains.network.models import Node


@dataclass(frozen=True)
class TreeNode:
    """A node with what it carries: the service points that hang on it directly; `depth` is 0 at a source."""

    code: str
    name: str
    kind: str
    service: str
    depth: int
    band: str
    supply_hours_day: int | None
    points: int


def list_tree(*, service: str = "", on_date: date, depth_max: int = 20) -> list[TreeNode]:
    """The trees of one service, or of all, down to `depth_max`; each node before what it feeds."""
    statement = """
        WITH RECURSIVE placed AS (
            SELECT n.id, n.code, n.name, n.kind, n.service, p.parent_id
            FROM network_node n
            LEFT JOIN network_nodeplacement p
                ON p.node_id = n.id AND p.superseded_at IS NULL AND p.valid @> %(on_date)s::date
            WHERE %(service)s IN ('', n.service)
        ), tree AS (
            SELECT *, 0 AS depth, ARRAY[service::text, code::text] AS path FROM placed WHERE parent_id IS NULL
            UNION ALL
            SELECT p.*, t.depth + 1, t.path || p.code::text FROM placed p JOIN tree t ON p.parent_id = t.id
            WHERE t.depth < %(depth_max)s
        )
        SELECT t.code, t.name, t.kind, t.service, t.depth, coalesce(s.band, ''), s.supply_hours_day,
               (SELECT count(*) FROM network_servicepoint q WHERE q.node_id = t.id)
        FROM tree t
        LEFT JOIN network_nodestate s
            ON s.node_id = t.id AND s.superseded_at IS NULL AND s.valid @> %(on_date)s::date
        ORDER BY t.path
    """
    return fetch_rows(TreeNode, statement, {"service": service, "on_date": on_date, "depth_max": depth_max})


def list_nodes(*, service: str, kind: str) -> list[Node]:
    """All nodes of a kind in a service's tree, in the order of their ids."""
    return list(Node.objects.filter(service=service, kind=kind).order_by("pk"))
