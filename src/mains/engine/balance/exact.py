"""The balance of one node in one month, day by day in plain Python: the exact twin of `columns.py` and `reach.py`.

It shares no code with them. What it finds on the way is kept, for the explanation of a share.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import floor

from mains.engine.balance.values import AllocationKey, NegativeRule

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """From which node a node was fed over [valid_from, valid_to)."""

    node_id: int
    parent_id: int | None
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, kw_only=True)
class State:
    """Residents and floor area (10^-6 m²) of a service point's premise over [valid_from, valid_to)."""

    residents: int
    area_micro: int
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, kw_only=True)
class Absence:
    """Residents absent from a service point's premise over [valid_from, valid_to)."""

    residents: int
    valid_from: date
    valid_to: date


@dataclass(frozen=True, kw_only=True)
class MemberFacts:
    """A service point: where it hangs, when it is connected, its use by day (micro-units; None: no meter that day)."""

    service_point_id: int
    node_id: int
    connected_from: date
    connected_to: date | None
    days: Sequence[int | None]
    states: Sequence[State] = ()
    absences: Sequence[Absence] = ()


@dataclass(frozen=True, kw_only=True)
class RestPoint:
    """The service point that takes what is over the cap on the days of its connection."""

    service_point_id: int
    connected_from: date
    connected_to: date | None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How a node is balanced; micro-units. `cap_micro` is a whole month's."""

    key: AllocationKey
    negative: NegativeRule
    cap_micro: int | None = None
    norm_person_micro: int = 0
    carried_micro: int = 0
    rest: RestPoint | None = None


@dataclass(frozen=True)
class ExactBalance:
    """A node's month with all that led to it, in micro-units; lists have one element per day.

    `direct` is the use of each member whose use is an outflow, `weights` of each service point that gets a share,
    `meters` the outflows into the meters below, `shares` what each service point is given,
    `rest_days` what the point named for it takes of `over_cap`.
    """

    measured_days: int
    node_days: tuple[int, ...]
    member_days: tuple[int, ...]
    direct: Mapping[int, int]
    meters: Mapping[int, int]
    remainder: int
    due: int
    cap: int | None
    amount: int
    allocated_days: tuple[int, ...]
    weights: Mapping[int, tuple[int, ...]]
    shares: Mapping[int, tuple[int, ...]]
    over_cap: int
    rest_days: tuple[int, ...]
    carried_out: int


class Tree:
    """The network as it stands day by day; `measured` has the use of each node with a meter (None: not known)."""

    def __init__(
        self,
        *,
        month_from: date,
        placements: Sequence[Placement],
        measured: Mapping[int, Sequence[int | None]],
    ) -> None:
        self.month_from = month_from
        self.measured = measured
        self._placements: dict[int, list[Placement]] = {}
        for placement in placements:
            self._placements.setdefault(placement.node_id, []).append(placement)
        self._cuts = sorted(
            {day for placement in placements for day in (placement.valid_from, placement.valid_to) if day}
        )
        self._paths: dict[tuple[int, int], Sequence[int]] = {}
        self._meters: dict[tuple[int, int], int | None] = {}

    def is_measured(self, node_id: int, day: int) -> bool:
        return node_id in self.measured and self.measured[node_id][day] is not None

    def path(self, node_id: int, day: int) -> Sequence[int]:
        """The node and all above it, upwards, on the month's day number `day` (from 0)."""
        on = self.month_from + day * DAY
        # Between two cuts the trees stand still.
        key = (node_id, bisect_right(self._cuts, on))
        if key not in self._paths:
            self._paths[key] = self._climb(node_id, on)
        return self._paths[key]

    def _climb(self, node_id: int, on: date) -> Sequence[int]:
        found = [node_id]
        while True:
            parent = next(
                (
                    placement.parent_id
                    for placement in self._placements.get(found[-1], ())
                    if placement.valid_from <= on and (placement.valid_to is None or on < placement.valid_to)
                ),
                None,
            )
            if parent is None:
                return found
            found.append(parent)

    def nearest_meter(self, node_id: int, day: int) -> int | None:
        """The first node on the way upwards from a node, itself included, whose use is known that day."""
        key = (node_id, day)
        if key not in self._meters:
            path = self.path(node_id, day)
            self._meters[key] = next((node for node in path if self.is_measured(node, day)), None)
        return self._meters[key]

    def nearest_meter_above(self, node_id: int, day: int) -> int | None:
        """The same, without the node itself."""
        path = self.path(node_id, day)
        return self.nearest_meter(path[1], day) if len(path) > 1 else None


def balance_node(
    *, node_id: int, rule: Rule, tree: Tree, members: Sequence[MemberFacts], month_from: date, month_to: date
) -> ExactBalance:
    """The balance of one node. `members` are all service points that may hang below it, or more."""
    count = (month_to - month_from).days
    known = {day for day in range(count) if tree.is_measured(node_id, day)}
    meters = _meters_below(node_id, tree, known)
    use: dict[int, dict[int, int]] = {}
    direct: dict[int, dict[int, int]] = {}
    for at, below in _by_node(members).items():
        reached = [day for day in sorted(known) if node_id in tree.path(at, day)]
        nearest = {day for day in reached if tree.nearest_meter(at, day) == node_id}
        for member in below:
            connected = _connected_days(member, month_from, count)
            used = {day: _use_on(member, rule, day, count, month_from) for day in reached if day in connected}
            if used:
                use[member.service_point_id] = used
            if used.keys() & nearest:
                direct[member.service_point_id] = {day: used[day] for day in used if day in nearest}
    node_days = [(tree.measured[node_id][day] or 0) if day in known else 0 for day in range(count)]
    member_days = [0] * count
    for outflow in (*direct.values(), *meters.values()):
        for day, micro in outflow.items():
            member_days[day] += micro
    remainders = [node - out for node, out in zip(node_days, member_days, strict=True)]
    remainder = sum(remainders)
    due, cap, amount, over_cap, carried_out = _month(rule, remainder, Fraction(len(known), count))
    allocated = _spread(amount, remainder, remainders)
    weights = _weights(rule, members, use, month_from, count)
    shares = _shares(allocated, weights, count)
    for day in range(count):
        if not any(row[day] for row in weights.values()):
            allocated[day] = 0
    return ExactBalance(
        measured_days=len(known),
        node_days=tuple(node_days),
        member_days=tuple(member_days),
        direct={point: sum(days.values()) for point, days in direct.items()},
        meters={node: sum(days.values()) for node, days in meters.items()},
        remainder=remainder,
        due=due,
        cap=cap,
        amount=amount,
        allocated_days=tuple(allocated),
        weights={point: tuple(row) for point, row in weights.items()},
        shares={point: tuple(row) for point, row in shares.items()},
        over_cap=over_cap,
        rest_days=_rest(rule.rest, _spread(over_cap, remainder, remainders), month_from),
        carried_out=carried_out,
    )


def _by_node(members: Sequence[MemberFacts]) -> dict[int, list[MemberFacts]]:
    found: dict[int, list[MemberFacts]] = {}
    for member in members:
        found.setdefault(member.node_id, []).append(member)
    return found


def _meters_below(node_id: int, tree: Tree, known: Set[int]) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = {}
    for below, days in tree.measured.items():
        for day in sorted(known):
            used = days[day]
            if used is not None and tree.nearest_meter_above(below, day) == node_id:
                found.setdefault(below, {})[day] = used
    return found


def _connected_days(member: MemberFacts, month_from: date, count: int) -> range:
    """Numbers of the month's days on which the service point is connected."""
    first = max(0, (member.connected_from - month_from).days)
    end = count if member.connected_to is None else min(count, (member.connected_to - month_from).days)
    return range(first, end)


def _use_on(member: MemberFacts, rule: Rule, day: int, count: int, month_from: date) -> int:
    used = member.days[day]
    if used is not None:
        return used
    on = month_from + day * DAY
    residents = _state(member, on).residents
    away = sum(each.residents for each in member.absences if each.valid_from <= on < each.valid_to)
    month = rule.norm_person_micro * (max(1, residents) - min(away, residents))
    return month * (day + 1) // count - month * day // count


_NOTHING = State(residents=0, area_micro=0, valid_from=date.min, valid_to=None)


def _state(member: MemberFacts, on: date) -> State:
    for state in member.states:
        if state.valid_from <= on and (state.valid_to is None or on < state.valid_to):
            return state
    return _NOTHING


def _month(rule: Rule, remainder: int, measured: Fraction) -> tuple[int, int | None, int, int, int]:
    """What is due, the cap for the measured days, what is shared, what is over the cap, what is carried on."""
    cap = None if rule.cap_micro is None else floor(rule.cap_micro * measured)
    if rule.key == AllocationKey.NONE:
        return remainder, cap, 0, 0, 0
    due = remainder + (rule.carried_micro if rule.negative == NegativeRule.CARRY else 0)
    if due >= 0:
        amount = due if cap is None else min(due, cap)
        return due, cap, amount, due - amount, 0
    if rule.negative == NegativeRule.GIVE_BACK:
        return due, cap, due, 0, 0
    return due, cap, 0, 0, due if rule.negative == NegativeRule.CARRY else 0


def _spread(amount: int, remainder: int, remainders: Sequence[int]) -> list[int]:
    """The amount over the days in the course of the remainder."""
    if amount == 0:
        return [0] * len(remainders)
    if amount == remainder:
        return list(remainders)
    spread, so_far, given = [], 0, 0
    for each in remainders:
        so_far += each
        upto = amount * so_far // remainder
        spread.append(upto - given)
        given = upto
    return spread


def _rest(point: RestPoint | None, over_cap: Sequence[int], month_from: date) -> tuple[int, ...]:
    """What is over the cap, on the days on which somebody is there to take it."""
    taken = []
    for day, micro in enumerate(over_cap):
        on = month_from + day * DAY
        is_there = (
            point is not None
            and point.connected_from <= on
            and (point.connected_to is None or on < point.connected_to)
        )
        taken.append(micro if is_there else 0)
    return tuple(taken)


def _weights(
    rule: Rule,
    members: Sequence[MemberFacts],
    use: Mapping[int, Mapping[int, int]],
    month_from: date,
    count: int,
) -> dict[int, list[int]]:
    if rule.key == AllocationKey.NONE:
        return {}
    weights: dict[int, list[int]] = {}
    for member in sorted(members, key=lambda each: each.service_point_id):
        used = use.get(member.service_point_id)
        if used is None:
            continue
        weigh = _weigher(rule.key, member, month_use=sum(used.values()))
        row = [0] * count
        for day in used:
            row[day] = weigh(month_from + day * DAY)
        weights[member.service_point_id] = row
    for day in range(count):
        if not any(row[day] for row in weights.values()):
            for point, row in weights.items():
                row[day] = 1 if day in use[point] else 0
    return weights


def _weigher(key: AllocationKey, member: MemberFacts, *, month_use: int) -> Callable[[date], int]:
    """What a service point weighs on a day."""
    if key == AllocationKey.AREA:
        return lambda on: _state(member, on).area_micro
    if key == AllocationKey.RESIDENTS:
        return lambda on: _state(member, on).residents
    if key == AllocationKey.USE:
        return lambda _: max(0, month_use)
    return lambda _: 1


def _shares(
    allocated: Sequence[int], weights: Mapping[int, Sequence[int]], count: int
) -> dict[int, list[int]]:
    """By order of service point: each gets what its weight adds to the running total, day after day of a run in which
    the weights stay the same."""
    shares = {point: [0] * count for point in weights}
    so_far, given = 0, dict.fromkeys(weights, 0)
    for day in range(count):
        today = [row[day] for row in weights.values()]
        if day == 0 or today != [row[day - 1] for row in weights.values()]:
            so_far, given = 0, dict.fromkeys(weights, 0)
        so_far += allocated[day]
        running, before, total = 0, 0, sum(today)
        for point, weight in zip(weights, today, strict=True):
            running += weight
            upto = so_far * running // total if running else 0
            shares[point][day] = upto - before - given[point]
            given[point] = upto - before
            before = upto
    return shares
