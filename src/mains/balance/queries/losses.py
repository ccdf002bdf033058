"""Losses by node, level by level of the network tree, limited to what a person may see.

A node is seen by those who see an account that is supplied through it. Figures of a node with a meter are those of its
latest balance; a node without one shows the sum of the nearest meters below it that the person sees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from mains.balance.queries.seen_nodes import PLACED, SEEN, node_params
from mains.base.rows import fetch_row, fetch_rows
from mains.staff.values import Scope


@dataclass(frozen=True)
class LossRow:
    """One node of a level in micro-units. `is_measured`: it has a meter of its own.

    `in_micro`: what flowed in, with what consumers below fed in (`fed_in_micro`), `lost_micro`: what did not arrive at
    any service point below, at all levels together; `own_lost_micro`: the remainder of the node itself (0 without a
    meter); `shared_micro`: what of the losses consumers bear; `over_cap_micro`: what is over their cap, of which
    `rest_micro` is billed to managing companies. `has_below`: there are nodes below.
    """

    node_id: int
    code: str
    name: str
    kind: str
    service: str
    is_measured: bool
    meters: int
    in_micro: int
    fed_in_micro: int
    lost_micro: int
    own_lost_micro: int
    shared_micro: int
    over_cap_micro: int
    rest_micro: int
    has_below: bool

    @property
    def used_micro(self) -> int:
        """What arrived at service points."""
        return self.in_micro - self.lost_micro


@dataclass(frozen=True)
class NodeDays:
    """A node's balance of one month by day, in micro-units, with its sums and its rule.

    `rest_point`: code of the service point that takes what is over the cap.
    """

    node_id: int
    quality: str
    node_days: list[int]
    member_days: list[int]
    fed_in_days: list[int]
    allocated_days: list[int]
    node_micro: int
    member_micro: int
    fed_in_micro: int
    remainder_micro: int
    carried_in_micro: int
    allocated_micro: int
    over_cap_micro: int
    rest_micro: int
    carried_out_micro: int
    points: int
    unmetered_points: int
    revision: int
    key: str
    negative: str
    bearer: str
    cap_micro: int | None
    rest_point: str


@dataclass(frozen=True)
class ShareRecord:
    """What a service point was given of one node's remainder in one month."""

    month: date
    service_point_id: int
    node_id: int
    node_name: str
    node_kind: str
    total_micro: int
    shared_micro: int
    remainder_micro: int


def list_losses(*, scope: Scope, month: date, node_id: int | None = None) -> list[LossRow]:
    """The nodes below one (the sources when None) that lead to a meter with a balance of the month, by name."""
    params = node_params(scope, month) | {"node": node_id}
    return fetch_rows(LossRow, _LEVEL, params)


def find_node_days(*, month: date, node_id: int) -> NodeDays | None:
    """The node's latest balance of the month; the caller has checked that the person sees the node."""
    statement = """
        SELECT b.node_id, b.quality, b.node_days, b.member_days, b.fed_in_days, b.allocated_days, b.node_micro,
               b.member_micro, b.fed_in_micro, b.remainder_micro, b.carried_in_micro, b.allocated_micro,
               b.over_cap_micro, b.rest_micro, b.carried_out_micro, b.points, b.unmetered_points, b.revision,
               coalesce(r.key, 'none'), coalesce(r.negative, 'zero'), coalesce(p.name, ''),
               floor(r.cap_norm_m2_micro::numeric * r.common_area_m2_micro / 1000000)::bigint,
               coalesce(s.code, '')
        FROM balance_nodemonth b
        LEFT JOIN balance_balancerule r ON r.id = b.rule_id
        LEFT JOIN customers_party p ON p.id = r.bearer_id
        LEFT JOIN network_servicepoint s ON s.id = r.rest_point_id
        WHERE b.month = %(month)s AND b.node_id = %(node)s ORDER BY b.revision DESC LIMIT 1
    """
    return fetch_row(NodeDays, statement, {"month": month, "node": node_id})


def list_shares(*, service_point_ids: Sequence[int], month_from: date) -> list[ShareRecord]:
    """Latest shares of the points from a month on, the latest month first; points of an account the person may see."""
    statement = """
        SELECT DISTINCT ON (s.month, s.service_point_id, s.node_id)
               s.month, s.service_point_id, s.node_id, n.name, n.kind, s.total_micro, b.allocated_micro,
               b.remainder_micro
        FROM balance_sharemonth s
        JOIN network_node n ON n.id = s.node_id
        JOIN LATERAL (
            SELECT allocated_micro, remainder_micro FROM balance_nodemonth b
            WHERE b.month = s.month AND b.node_id = s.node_id ORDER BY b.revision DESC LIMIT 1
        ) b ON TRUE
        WHERE s.service_point_id = ANY(%(ids)s) AND s.month >= %(from)s
        ORDER BY s.month DESC, s.service_point_id, s.node_id, s.revision DESC
    """
    return fetch_rows(ShareRecord, statement, {"ids": list(service_point_ids), "from": month_from})


def latest_balanced_month() -> date | None:
    """The latest month of which there is any balance."""
    return fetch_row(_only, "SELECT max(month) FROM balance_nodemonth", {})


def _only(value: date | None) -> date | None:
    return value


_LEVEL = f"""
WITH RECURSIVE {PLACED}, {SEEN}, balances AS MATERIALIZED (
    SELECT DISTINCT ON (b.node_id) b.*
    FROM balance_nodemonth b JOIN seen s ON s.node_id = b.node_id
    WHERE b.month = %(month)s ORDER BY b.node_id, b.revision DESC
), below (branch, node_id, under_meter) AS (
    SELECT p.node_id, p.node_id, FALSE FROM placed p
    WHERE p.parent_id IS NOT DISTINCT FROM %(node)s::bigint
    UNION ALL
    SELECT b.branch, p.node_id, b.under_meter OR EXISTS (SELECT FROM balances m WHERE m.node_id = b.node_id)
    FROM below b JOIN placed p ON p.parent_id = b.node_id
), summed AS (
    SELECT w.branch, bool_or(w.branch = w.node_id) AS is_measured, count(*) AS meters,
           (coalesce(sum(m.node_micro) FILTER (WHERE NOT w.under_meter), 0) + sum(m.fed_in_micro))::bigint AS in_micro,
           sum(m.fed_in_micro)::bigint AS fed_in_micro,
           sum(m.remainder_micro)::bigint AS lost_micro,
           coalesce(sum(m.remainder_micro) FILTER (WHERE w.branch = w.node_id), 0)::bigint AS own_lost_micro,
           sum(m.allocated_micro)::bigint AS shared_micro, sum(m.over_cap_micro)::bigint AS over_cap_micro,
           sum(m.rest_micro)::bigint AS rest_micro
    FROM below w JOIN balances m ON m.node_id = w.node_id
    GROUP BY w.branch
)
SELECT n.id, n.code, n.name, n.kind, n.service, s.is_measured, s.meters, s.in_micro, s.fed_in_micro,
       s.lost_micro, s.own_lost_micro, s.shared_micro, s.over_cap_micro, s.rest_micro,
       EXISTS (SELECT FROM placed p WHERE p.parent_id = n.id)
FROM summed s JOIN network_node n ON n.id = s.branch
ORDER BY n.name, n.id
"""
