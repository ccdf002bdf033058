"""Balances computed again by the exact twin, from stored daily use and the facts known when they were drawn up.

This is the exact side's own way to the facts: it shares no query with the frames that runs read.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from typing import Any

from django.db import connection
from psycopg import Cursor

from mains.balance.values import MEASURED_LETTERS, UnableToShowBalance
from mains.engine.balance import AllocationKey, NegativeRule
from mains.engine.balance.exact import (
    Absence,
    ExactBalance,
    MemberFacts,
    Placement,
    RestPoint,
    Rule,
    State,
    Tree,
    balance_node,
)
from mains.kernel.period import month_start, next_month
from mains.metering.values import Zone

Row = dict[str, Any]
_KNOWN = "{0}.recorded_at <= %(at)s AND ({0}.superseded_at IS NULL OR {0}.superseded_at > %(at)s)"
_UNMETERED = frozenset("NX")
_MICRO = 1_000_000
_KEPT = 400
_EXPORT = int(Zone.EXPORT)


@dataclass(frozen=True, kw_only=True)
class NodeBalance:
    """A node's balance of one month, computed exactly and found equal to what is stored.

    `known_at`: the instant whose facts it was drawn up from. `meter_point_ids`: the points that measure the node.
    `rule`: the row of its rule, None without one. `stored`: the row of its balance. `codes`: service points by id.
    """

    node_id: int
    name: str
    kind: str
    service: str
    month: date
    known_at: datetime
    meter_point_ids: tuple[int, ...]
    rule: Row | None
    stored: Row
    exact: ExactBalance
    codes: Mapping[int, str]
    names_below: Mapping[int, str]

    @property
    def rest_point_id(self) -> int | None:
        """The service point that takes what is over the cap."""
        return self.rule["rest_point_id"] if self.rule else None

    def share_days(self, service_point_id: int) -> tuple[int, ...]:
        """What the service point was given on each day of the month, or takes of what is over the cap; micro-units."""
        if service_point_id == self.rest_point_id:
            return self.exact.rest_days
        nothing = (0,) * len(self.exact.node_days)
        return self.exact.shares.get(service_point_id, nothing)


def stored_balances(*, node_ids: Iterable[int], month: date, as_of: datetime) -> dict[int, Row]:
    """The stored balances of those of the nodes that were balanced for the month, as known at `as_of`, by node."""
    rows = _rows(_BALANCES, {"nodes": list(node_ids), "month": month, "as_of": as_of})
    return {row["node_id"]: row for row in rows}


_kept: dict[tuple[str, int, date, datetime], NodeBalance] = {}


@dataclass(frozen=True, kw_only=True)
class BalanceFacts:
    """What the balances of some nodes in one month are computed from, as believed at an instant: rows by the node, or
    by the service point, that they speak of. `feeds` are the nodes that any day of the month found fed from a node."""

    month: date
    known_at: datetime
    placements: Mapping[int, list[Row]]
    feeds: Mapping[int, list[Row]]
    points: Mapping[int, list[Row]]
    use: Mapping[int, list[Row]]
    states: Mapping[int, list[Row]]
    absences: Mapping[int, list[Row]]
    rules: Mapping[int, list[Row]]
    carried: Mapping[int, list[Row]]
    shares: Mapping[int, list[Row]]
    _members: dict[tuple[int, bool], MemberFacts] = field(default_factory=dict)

    @cached_property
    def days(self) -> int:
        """Number of the month's days."""
        return (next_month(self.month) - self.month).days

    def member(self, point: Row, *, with_absences: bool) -> MemberFacts:
        """A service point as the twin takes it; the same for its house and for all nodes above."""
        point_id = point["id"]
        key = (point_id, with_absences)
        found = self._members.get(key)
        if found is None:
            absences = self.absences[point_id] if with_absences else ()
            found = self._members[key] = _member(
                point, self.use[point_id], self.states[point_id], absences, self.days
            )
        return found

    def below(self, node_id: int) -> list[int]:
        """The node and all that hung below it on any day of the month."""
        found, rest = {node_id}, [node_id]
        while rest:
            for row in self.feeds[rest.pop()]:
                if row["node_id"] not in found:
                    found.add(row["node_id"])
                    rest.append(row["node_id"])
        return sorted(found)


def known_at(stored: Row) -> datetime:
    """The instant whose facts a balance as `stored_balances` gives it was drawn up from."""
    at: datetime = max(stored["recorded_at"], stored["shares_at"] or stored["recorded_at"])
    return at


def read_balance_facts(*, node_ids: Iterable[int], month: date, at: datetime) -> BalanceFacts:
    """The facts of all the nodes and what is below them, in a few queries however many they are."""
    following = next_month(month)
    about: Row = {"tops": list(node_ids), "month": month, "next": following, "at": at}
    placements = _rows(_BELOW, about)
    about["nodes"] = sorted({*about["tops"], *(row["node_id"] for row in placements)})
    points = _rows(_POINTS, about)
    # Written out: the driver takes many times as long, number by number.
    about["points"] = f"{{{','.join(str(row['id']) for row in points)}}}"
    about |= {"last": following - timedelta(days=1), "before": month_start(month - timedelta(days=1))}
    rules = _rows(_RULES, about)
    is_by_person = any(rule["norm_person_micro"] for rule in rules)
    return BalanceFacts(
        month=month,
        known_at=at,
        placements=_grouped(placements, "node_id"),
        feeds=_grouped((row for row in placements if row["parent_id"] is not None), "parent_id"),
        points=_grouped(points, "node_id"),
        use=_grouped(_rows(_USE, about), "service_point_id"),
        states=_grouped(_rows(_STATES, about), "service_point_id"),
        absences=_grouped(_rows(_ABSENCES, about) if is_by_person else [], "service_point_id"),
        rules=_grouped(rules, "node_id"),
        # Nothing is carried over the turn of a year.
        carried=_grouped(_rows(_CARRIED, about) if month.month > 1 else [], "node_id"),
        shares=_grouped(_rows(_SHARES, about), "node_id"),
    )


def prove_balance(stored: Row, facts: Callable[[], BalanceFacts] | None = None) -> NodeBalance:
    """A balance as `stored_balances` gives it, computed again; `facts` gives those of its month and instant, where they
    are read for many at once.

    Raises UnableToShowBalance, naming node and day, where the exact twin finds another one than is stored.
    """
    at = known_at(stored)
    key = (connection.settings_dict["NAME"], stored["node_id"], stored["month"], at)
    if key not in _kept:
        while len(_kept) >= _KEPT:
            del _kept[next(iter(_kept))]
        read = facts or partial(
            read_balance_facts, node_ids=[stored["node_id"]], month=stored["month"], at=at
        )
        _kept[key] = _compute(stored, read())
    return _kept[key]


def _compute(stored: Row, facts: BalanceFacts) -> NodeBalance:
    month, node_id = stored["month"], stored["node_id"]
    following = next_month(month)
    nodes = facts.below(node_id)
    placements = [row for node in nodes for row in facts.placements[node]]
    points = sorted((row for node in nodes for row in facts.points[node]), key=lambda row: row["id"])
    use = facts.use
    rule = next(iter(facts.rules[node_id]), None)
    is_by_person = rule is not None and rule["norm_person_micro"]
    days = (following - month).days
    tree = Tree(
        month_from=month,
        placements=[
            Placement(row["node_id"], row["parent_id"], row["valid_from"], row["valid_to"])
            for row in placements
        ],
        measured=_measured(points, use, days),
    )
    exact = balance_node(
        node_id=node_id,
        rule=_rule(rule, sum(row["carried_out_micro"] for row in facts.carried[node_id])),
        tree=tree,
        members=[
            facts.member(row, with_absences=bool(is_by_person))
            for row in points
            if not (row["measures_node"] or row["takes_rest"])
        ],
        month_from=month,
        month_to=following,
    )
    found = NodeBalance(
        node_id=node_id,
        name=stored["name"],
        kind=stored["kind"],
        service=stored["service"],
        month=month,
        known_at=facts.known_at,
        meter_point_ids=tuple(
            row["id"] for row in points if row["measures_node"] and row["node_id"] == node_id
        ),
        rule=rule,
        stored=stored,
        exact=exact,
        codes={row["id"]: row["code"] for row in points},
        names_below={row["node_id"]: row["node_name"] for row in points},
    )
    _compare(found, facts.shares[node_id])
    return found


def _measured(
    points: Sequence[Row], use: Mapping[int, Sequence[Row]], days: int
) -> dict[int, list[int | None]]:
    """Use of each node with a meter by day; None where it is not known."""
    measured: dict[int, list[int | None]] = {}
    for point in (row for row in points if row["measures_node"] and use[row["id"]]):
        found = measured.setdefault(point["node_id"], [None] * days)
        zones = use[point["id"]]
        for day in range(days):
            if zones[0]["quality"][day] in MEASURED_LETTERS:
                # What flows out of the node upwards through its meter is taken off.
                flowed = (zone["days_micro"][day] * (-1 if zone["zone"] == _EXPORT else 1) for zone in zones)
                found[day] = (found[day] or 0) + sum(flowed)
    return {node: found for node, found in measured.items() if any(day is not None for day in found)}


def _member(
    point: Row, zones: Sequence[Row], states: Sequence[Row], absences: Sequence[Row], days: int
) -> MemberFacts:
    fed_in: Sequence[int] = ()
    use: Sequence[int | None] = ()
    quality = ""
    for zone in zones:
        of_zone = zone["days_micro"]
        if zone["zone"] == _EXPORT:
            fed_in = of_zone
        elif use:
            use = [*map(sum, zip(use, of_zone, strict=True))]
        else:
            use, quality = of_zone, zone["quality"]
    if not _UNMETERED.isdisjoint(quality):
        use = [None if letter in _UNMETERED else day for letter, day in zip(quality, use, strict=True)]
    return MemberFacts(
        point["id"],
        point["node_id"],
        point["connected_on"],
        point["disconnected_on"],
        use or [0] * days,
        fed_in,
        [
            State(row["residents"], row["floor_area_m2_micro"], row["valid_from"], row["valid_to"])
            for row in states
        ],
        [Absence(row["residents"], row["valid_from"], row["valid_to"]) for row in absences],
    )


def _rule(row: Row | None, carried_micro: int) -> Rule:
    if row is None:
        return Rule(key=AllocationKey.NONE, negative=NegativeRule.ZERO)
    cap = None
    if row["cap_norm_m2_micro"] is not None:
        cap = row["cap_norm_m2_micro"] * row["common_area_m2_micro"] // _MICRO
    return Rule(
        key=AllocationKey(row["key"]),
        negative=NegativeRule(row["negative"]),
        cap_micro=cap,
        norm_person_micro=row["norm_person_micro"] or 0,
        carried_micro=carried_micro,
        rest=_rest_point(row),
    )


def _rest_point(rule: Row) -> RestPoint | None:
    if rule["rest_point_id"] is None:
        return None
    return RestPoint(
        service_point_id=rule["rest_point_id"],
        connected_from=rule["rest_from"],
        connected_to=rule["rest_to"],
    )


def _compare(found: NodeBalance, shares: Sequence[Row]) -> None:
    stored, exact = found.stored, found.exact
    pairs = {
        "node": (stored["node_micro"], sum(exact.node_days)),
        "members": (stored["member_micro"], sum(exact.member_days)),
        "fed in": (stored["fed_in_micro"], sum(exact.fed_in_days)),
        "remainder": (stored["remainder_micro"], exact.remainder),
        "allocated": (stored["allocated_micro"], sum(exact.allocated_days)),
        "over the cap": (stored["over_cap_micro"], exact.over_cap),
        "taken of what is over the cap": (stored["rest_micro"], sum(exact.rest_days)),
        "carried on": (stored["carried_out_micro"], exact.carried_out),
    }
    given = {row["service_point_id"]: row["days_micro"] for row in shares}
    takers = () if found.rest_point_id is None else (found.rest_point_id,)
    for point in {*given, *exact.shares, *takers}:
        days, exact_days = given.get(point, [0] * len(exact.node_days)), found.share_days(point)
        if tuple(days) == exact_days:
            continue
        for day, pair in enumerate(zip(days, exact_days, strict=True), start=1):
            pairs[f"share of {found.codes.get(point, point)} on day {day}"] = pair
    for what, (is_stored, is_exact) in pairs.items():
        if is_stored != is_exact:
            raise UnableToShowBalance(
                code="balance-differs",
                message=f"The facts give {is_exact} micro-units ({what}), the balance stored {is_stored}.",
                place=f"{found.name}, {found.month:%Y-%m}",
                remedy="Report this node: its balance does not follow from its facts.",
            )


def _rows(statement: str, params: Row) -> list[Row]:
    connection.ensure_connection()
    # Values in binary form: reading days of use from text takes several times as long.
    with Cursor(connection.connection) as cursor:
        cursor.execute(statement, params, binary=True)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _grouped(rows: Iterable[Row], key: str) -> dict[int, list[Row]]:
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


_BALANCES = """
SELECT DISTINCT ON (b.node_id) b.*, n.name, n.kind, n.service,
       (SELECT max(s.recorded_at) FROM balance_sharemonth s
        WHERE s.month = b.month AND s.node_id = b.node_id AND s.recorded_at <= %(as_of)s) AS shares_at
FROM balance_nodemonth b JOIN network_node n ON n.id = b.node_id
WHERE b.month = %(month)s AND b.node_id = ANY(%(nodes)s) AND b.recorded_at <= %(as_of)s
ORDER BY b.node_id, b.revision DESC
"""
_BELOW = f"""
WITH RECURSIVE believed AS (
    SELECT p.node_id, p.parent_id, lower(p.valid) AS valid_from, upper(p.valid) AS valid_to
    FROM network_nodeplacement p
    WHERE p.valid && daterange(%(month)s, %(next)s) AND {_KNOWN.format("p")}
), below AS (
    SELECT unnest(%(tops)s::bigint[]) AS node_id
    UNION
    SELECT q.node_id FROM network_nodeplacement q JOIN below b ON q.parent_id = b.node_id
    WHERE q.valid && daterange(%(month)s, %(next)s) AND {_KNOWN.format("q")}
)
SELECT p.* FROM believed p JOIN below b ON b.node_id = p.node_id
"""
_POINTS = """
SELECT sp.id, sp.code, sp.node_id, sp.premise_id, sp.connected_on, sp.disconnected_on, sp.measures_node,
       sp.takes_rest, n.name AS node_name
FROM network_servicepoint sp JOIN network_node n ON n.id = sp.node_id
WHERE sp.node_id = ANY(%(nodes)s) ORDER BY sp.id
"""
_USE = """
SELECT DISTINCT ON (service_point_id, zone) service_point_id, zone, days_micro, quality
FROM metering_usagemonth
WHERE month = %(month)s AND service_point_id = ANY(%(points)s::bigint[]) AND recorded_at <= %(at)s
ORDER BY service_point_id, zone, revision DESC
"""
_STATES = f"""
SELECT sp.id AS service_point_id, s.residents, s.floor_area_m2_micro, lower(s.valid) AS valid_from,
       upper(s.valid) AS valid_to
FROM network_servicepoint sp JOIN network_premisestate s ON s.premise_id = sp.premise_id
WHERE sp.id = ANY(%(points)s::bigint[]) AND s.valid && daterange(%(month)s, %(next)s) AND {_KNOWN.format("s")}
"""
_ABSENCES = f"""
SELECT sp.id AS service_point_id, a.residents, lower(a.valid) AS valid_from, upper(a.valid) AS valid_to
FROM network_servicepoint sp JOIN network_absence a ON a.premise_id = sp.premise_id
WHERE sp.id = ANY(%(points)s::bigint[]) AND a.valid && daterange(%(month)s, %(next)s) AND {_KNOWN.format("a")}
"""
_RULES = f"""
SELECT r.node_id, r.id, r.key, r.negative, r.cap_norm_m2_micro, r.common_area_m2_micro, r.norm_person_micro,
       p.name AS bearer, r.rest_point_id, s.connected_on AS rest_from, s.disconnected_on AS rest_to,
       lower(r.valid) AS valid_from, r.proof
FROM balance_balancerule r
LEFT JOIN customers_party p ON p.id = r.bearer_id
LEFT JOIN network_servicepoint s ON s.id = r.rest_point_id
WHERE r.node_id = ANY(%(tops)s) AND r.valid @> %(last)s::date AND {_KNOWN.format("r")}
"""
_CARRIED = """
SELECT DISTINCT ON (node_id) node_id, carried_out_micro FROM balance_nodemonth
WHERE month = %(before)s AND node_id = ANY(%(tops)s) AND recorded_at <= %(at)s
ORDER BY node_id, revision DESC
"""
_SHARES = """
SELECT DISTINCT ON (node_id, service_point_id) node_id, service_point_id, days_micro FROM balance_sharemonth
WHERE month = %(month)s AND node_id = ANY(%(tops)s) AND recorded_at <= %(at)s
ORDER BY node_id, service_point_id, revision DESC
"""
