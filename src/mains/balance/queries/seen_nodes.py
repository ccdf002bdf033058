"""Nodes of the network as a person may see them: a node is seen by those who see an account supplied through it."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from mains.balance.values import UnableToShowBalance
from mains.base.rows import fetch_rows
from mains.staff.values import Scope

# The tree as it stands on the month's last day.
PLACED = """
placed AS (
    SELECT node_id, parent_id FROM network_nodeplacement
    WHERE superseded_at IS NULL AND valid @> (%(month)s::date + interval '1 month - 1 day')::date
)"""

# Nodes through which any account of the person's units is supplied.
SEEN = """
own AS (
    SELECT DISTINCT sp.node_id
    FROM customers_account a
    JOIN customers_agreement g ON g.account_id = a.id AND g.superseded_at IS NULL
    JOIN network_servicepoint sp ON sp.id = g.service_point_id
    WHERE NOT %(everything)s AND a.organisation_id = ANY(%(reached)s)
), climbed (node_id) AS (
    SELECT node_id FROM own
    UNION
    SELECT p.parent_id FROM placed p JOIN climbed c ON p.node_id = c.node_id WHERE p.parent_id IS NOT NULL
), seen AS (
    SELECT node_id FROM climbed
    UNION ALL
    SELECT id FROM network_node WHERE %(everything)s
)"""


@dataclass(frozen=True)
class SeenNode:
    """A node of a level. `has_below`: there are nodes below it."""

    id: int
    code: str
    name: str
    kind: str
    service: str
    has_below: bool


@dataclass(frozen=True)
class Supplied:
    """How many accounts are supplied through a node at a month's end; `outside` of them the person may not see."""

    accounts: int
    outside: int


def list_nodes_below(*, scope: Scope, month: date, node_id: int | None) -> list[SeenNode]:
    """The nodes below one (the sources when None) that the person sees, as placed at the month's end, by name."""
    statement = f"""
        WITH RECURSIVE {PLACED}, {SEEN}
        SELECT n.id, n.code, n.name, n.kind, n.service, EXISTS (SELECT FROM placed q WHERE q.parent_id = n.id)
        FROM placed p JOIN network_node n ON n.id = p.node_id
        WHERE p.parent_id IS NOT DISTINCT FROM %(node)s::bigint AND n.id IN (SELECT node_id FROM seen)
        ORDER BY n.name, n.id
    """
    return fetch_rows(SeenNode, statement, node_params(scope, month) | {"node": node_id})


def count_supplied(*, scope: Scope, month: date, node_id: int) -> Supplied:
    """The accounts below a node, and those of them outside the person's units."""
    statement = f"""
        WITH RECURSIVE {PLACED}, below (node_id) AS (
            SELECT %(node)s::bigint
            UNION
            SELECT p.node_id FROM placed p JOIN below b ON p.parent_id = b.node_id
        )
        SELECT count(DISTINCT a.id),
               count(DISTINCT a.id) FILTER (WHERE NOT (%(everything)s OR a.organisation_id = ANY(%(reached)s)))
        FROM below b
        JOIN network_servicepoint sp ON sp.node_id = b.node_id
        JOIN customers_agreement g ON g.service_point_id = sp.id AND g.superseded_at IS NULL
            AND g.valid && daterange(%(month)s::date, (%(month)s::date + interval '1 month')::date)
        JOIN customers_account a ON a.id = g.account_id
    """
    return fetch_rows(Supplied, statement, node_params(scope, month) | {"node": node_id})[0]


def get_node_path(*, scope: Scope, month: date, node_id: int) -> list[tuple[int, str]]:
    """Id and name from the source down to the node, as placed at the month's end.

    Raises UnableToShowBalance when the person sees no such node.
    """
    statement = f"""
        WITH RECURSIVE {PLACED}, {SEEN}, up (id, step) AS (
            SELECT %(node)s::bigint, 0 WHERE EXISTS (SELECT FROM seen WHERE node_id = %(node)s)
            UNION ALL
            SELECT p.parent_id, up.step + 1 FROM placed p JOIN up ON p.node_id = up.id
            WHERE p.parent_id IS NOT NULL AND up.step < 30
        )
        SELECT n.id, n.name FROM up JOIN network_node n ON n.id = up.id ORDER BY up.step DESC
    """
    found = fetch_rows(_pair, statement, node_params(scope, month) | {"node": node_id})
    if not found:
        raise UnableToShowBalance(
            code="no-node",
            message="There is no such node that you may see.",
            place=f"node {node_id}",
            remedy="Go down from the sources.",
        )
    return found


def node_params(scope: Scope, month: date) -> dict[str, Any]:
    """Parameters of PLACED and SEEN."""
    return {
        "month": month,
        "everything": scope.organisation_ids is None,
        "reached": sorted(scope.organisation_ids or ()),
    }


def _pair(node_id: int, name: str) -> tuple[int, str]:
    return node_id, name
