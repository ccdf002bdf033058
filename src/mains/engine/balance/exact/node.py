"""A node's month: use below it, remainder, weights and shares."""

from collections.abc import Mapping, Sequence, Set
from datetime import date
from fractions import Fraction
from itertools import accumulate
from math import floor
from operator import sub
from typing import cast

from mains.engine.balance.exact.facts import DAY, Days, ExactBalance, MemberFacts, RestPoint, Rule, State
from mains.engine.balance.exact.tree import Tree
from mains.engine.balance.values import AllocationKey, NegativeRule


def balance_node(
    *, node_id: int, rule: Rule, tree: Tree, members: Sequence[MemberFacts], month_from: date, month_to: date
) -> ExactBalance:
    """The balance of one node. `members` are all service points that may hang below it, or more."""
    count = (month_to - month_from).days
    known = {day for day in range(count) if tree.is_measured(node_id, day)}
    meters = _meters_below(node_id, tree, known)
    use, direct = _use_below(node_id, rule, tree, members, known, (month_from, count))
    node_days = [(tree.measured[node_id][day] or 0) if day in known else 0 for day in range(count)]
    outflows = [_counted(days) for days in (*direct.values(), *meters.values())]
    member_days = [*map(sum, zip(*outflows, strict=True))] if outflows else [0] * count
    fed_in = _fed_in(members, direct)
    fed_in_days = [*map(sum, zip(*fed_in.values(), strict=True))] if fed_in else [0] * count
    remainders = [
        node + given - out for node, given, out in zip(node_days, fed_in_days, member_days, strict=True)
    ]
    remainder = sum(remainders)
    due, cap, amount, over_cap, carried_out = _month(rule, remainder, Fraction(len(known), count))
    allocated = _spread(amount, remainder, remainders)
    weights = _weights(rule, members, use, month_from)
    shares = _shares(allocated, weights)
    if not weights:
        allocated = [0] * count
    else:
        weighs = map(any, zip(*weights.values(), strict=True))
        allocated = [micro if somebody else 0 for micro, somebody in zip(allocated, weighs, strict=True)]
    return ExactBalance(
        measured_days=len(known),
        node_days=tuple(node_days),
        member_days=tuple(member_days),
        fed_in_days=tuple(fed_in_days),
        direct={point: sum(_counted(days)) for point, days in direct.items()},
        meters={node: sum(_counted(days)) for node, days in meters.items()},
        fed_in={point: sum(days) for point, days in fed_in.items()},
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


def _use_below(
    node_id: int,
    rule: Rule,
    tree: Tree,
    members: Sequence[MemberFacts],
    known: Set[int],
    month: tuple[date, int],
) -> tuple[dict[int, Days], dict[int, Days]]:
    """Use of the members on the node's known days, and of those days what no meter in between counts; each without the
    members that have none such. `month` is its first day and the number of its days."""
    month_from, count = month
    use: dict[int, Days] = {}
    direct: dict[int, Days] = {}
    for at, below in _by_node(members).items():
        reached, nearest = tree.reach(at, node_id, known, count)
        if not any(reached):
            continue
        is_always, is_always_near = all(reached), all(nearest)
        for member in below:
            used = member.days if None not in member.days else _with_norm(member, rule, month_from)
            connected = _connected_days(member, month_from, count)
            if len(connected) < count or not is_always:
                used = [
                    micro if is_reached and day in connected else None
                    for day, (micro, is_reached) in enumerate(zip(used, reached, strict=True))
                ]
                if used.count(None) == count:
                    continue
            use[member.service_point_id] = used
            own = (
                used
                if is_always_near
                else [micro if is_near else None for micro, is_near in zip(used, nearest, strict=True)]
            )
            if own.count(None) < count:
                direct[member.service_point_id] = own
    return use, direct


def _fed_in(members: Sequence[MemberFacts], direct: Mapping[int, Days]) -> dict[int, list[int]]:
    """What members fed in, by day, on the days on which their use is an outflow of the node."""
    found = {}
    for member in members:
        if not member.fed_in:
            continue
        counts = direct.get(member.service_point_id)
        if counts is not None and any(member.fed_in):
            days = zip(member.fed_in, counts, strict=True)
            found[member.service_point_id] = [0 if used is None else given for given, used in days]
    return found


def _counted(days: Days) -> Sequence[int]:
    """Use of each day, nought on days that do not count."""
    return [micro or 0 for micro in days] if None in days else cast("Sequence[int]", days)


def _by_node(members: Sequence[MemberFacts]) -> dict[int, list[MemberFacts]]:
    found: dict[int, list[MemberFacts]] = {}
    for member in members:
        found.setdefault(member.node_id, []).append(member)
    return found


def _meters_below(node_id: int, tree: Tree, known: Set[int]) -> dict[int, Days]:
    found: dict[int, Days] = {}
    for below, days in tree.measured.items():
        counts = tree.days_next_above(below, node_id, known, len(days))
        own = [used if day in counts else None for day, used in enumerate(days)]
        if own.count(None) < len(own):
            found[below] = own
    return found


def _connected_days(member: MemberFacts, month_from: date, count: int) -> range:
    """Numbers of the month's days on which the service point is connected."""
    begins = member.connected_from
    first = 0 if begins <= month_from else (begins - month_from).days
    end = count if member.connected_to is None else min(count, (member.connected_to - month_from).days)
    return range(first, end)


def _with_norm(member: MemberFacts, rule: Rule, month_from: date) -> Days:
    """Use of each day, the norm on days without a meter."""
    count = len(member.days)
    months = [rule.norm_person_micro * persons for persons in _persons(member, month_from)]
    return [
        month * (day + 1) // count - month * day // count if used is None else used
        for day, (used, month) in enumerate(zip(member.days, months, strict=True))
    ]


def _persons(member: MemberFacts, month_from: date) -> Sequence[int]:
    """For how many residents the norm counts on each day: one at least, less those who are absent."""
    days = [month_from + day * DAY for day in range(len(member.days))]
    state = _state(member, days[0])
    is_steady = [state, _state(member, days[-1])] == [*member.states, *member.states]
    if is_steady and not member.absences:
        return [max(1, state.residents)] * len(days)
    found = []
    for on in days:
        residents = _state(member, on).residents
        away = sum(each.residents for each in member.absences if each.valid_from <= on < each.valid_to)
        found.append(max(1, residents) - min(away, residents))
    return found


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
    use: Mapping[int, Days],
    month_from: date,
) -> dict[int, Sequence[int]]:
    if rule.key == AllocationKey.NONE:
        return {}
    weights: dict[int, Sequence[int]] = {}
    for member in sorted(members, key=lambda each: each.service_point_id):
        used = use.get(member.service_point_id)
        if used is None:
            continue
        row = weights[member.service_point_id] = _weight_days(rule.key, member, used, month_from)
        if None in used:
            weights[member.service_point_id] = [
                0 if micro is None else weight for weight, micro in zip(row, used, strict=True)
            ]
    weighs = [any(today) for today in zip(*weights.values(), strict=True)]
    if not all(weighs):
        # Nobody weighs anything: all are alike.
        for point, own in weights.items():
            weights[point] = [
                weight if somebody else int(micro is not None)
                for weight, somebody, micro in zip(own, weighs, use[point], strict=True)
            ]
    return weights


def _weight_days(key: AllocationKey, member: MemberFacts, used: Days, month_from: date) -> list[int]:
    """What a service point weighs on each day of the month."""
    count = len(used)
    if key == AllocationKey.USE:
        return [max(0, sum(_counted(used)))] * count
    if key not in (AllocationKey.AREA, AllocationKey.RESIDENTS):
        return [1] * count
    row = [0] * count
    # The state that comes first is the one that holds.
    for state in reversed(member.states):
        first = max(0, (state.valid_from - month_from).days)
        end = count if state.valid_to is None else min(count, (state.valid_to - month_from).days)
        figure = state.area_micro if key == AllocationKey.AREA else state.residents
        if first < end:
            row[first:end] = [figure] * (end - first)
    return row


def _shares(allocated: Sequence[int], weights: Mapping[int, Sequence[int]]) -> dict[int, Sequence[int]]:
    """By order of service point: each gets what its weight adds to the running total, day after day of a run in which
    the weights stay the same."""
    if not weights:
        return {}
    days: list[Sequence[int]] = []
    so_far, before = 0, None
    upto: list[int] = []
    given: Sequence[int] = ()
    for day, today in enumerate(zip(*weights.values(), strict=True)):
        if today != before:
            upto, so_far, given, before = [*accumulate(today)], 0, [0] * len(today), today
        so_far += allocated[day]
        total = upto[-1]
        reached = [so_far * weight // total if weight else 0 for weight in upto]
        due = [reached[0], *map(sub, reached[1:], reached)]
        days.append([*map(sub, due, given)])
        given = due
    return dict(zip(weights, zip(*days, strict=True), strict=True))
