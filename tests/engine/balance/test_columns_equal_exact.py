"""The column balance and its exact twin agree on random nested networks, and what they share out sums exactly."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mains.engine.balance import AllocationKey, Balances, NegativeRule, balance_months, find_reach
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
from mains.network.queries.absences import cut_absent

MONTHS = [
    (date(2021, 2, 1), date(2021, 3, 1)),
    (date(2024, 2, 1), date(2024, 3, 1)),
    (date(2021, 3, 1), date(2021, 4, 1)),
]
OPENED = date(2020, 1, 1)
EXTREME = 10**15


@dataclass(frozen=True)
class World:
    """A small network in one month, as the exact twin takes it."""

    month_from: date
    month_to: date
    placements: list[Placement]
    measured: dict[int, list[int | None]]
    members: list[MemberFacts]
    rules: dict[int, Rule]

    @property
    def days(self) -> int:
        return (self.month_to - self.month_from).days


def day_of(first: date, end: date) -> st.SearchStrategy[date]:
    return st.integers(-2, (end - first).days + 2).map(lambda offset: first + timedelta(days=offset))


def amounts(low: int = 0) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(low, 60_000_000), st.sampled_from([0, 1, EXTREME]))


def course(draw: st.DrawFn, count: int, low: int = 0) -> list[int]:
    """Use by day; after a month the same comes again."""
    drawn = [draw(amounts(low)) for _ in range(min(count, 31))]
    return [drawn[day % 31] for day in range(count)]


@st.composite
def worlds(draw: st.DrawFn, spans: Sequence[tuple[date, date]] = MONTHS) -> World:
    first, end = draw(st.sampled_from(spans))
    count = (end - first).days
    nodes = list(range(1, draw(st.integers(1, 6)) + 1))
    placements = []
    for node in nodes:
        # A node is fed by one with a smaller number, so nothing is fed by itself; the feed may change once.
        above = st.sampled_from([None, *nodes[: node - 1]])
        change = draw(st.one_of(st.none(), day_of(first, end)))
        placements.append(Placement(node_id=node, parent_id=draw(above), valid_from=OPENED, valid_to=change))
        if change is not None:
            placements.append(
                Placement(node_id=node, parent_id=draw(above), valid_from=change, valid_to=None)
            )
    metered = draw(st.lists(st.sampled_from(nodes), unique=True, min_size=1))
    measured = {}
    for node in metered:
        known_from = draw(st.sampled_from([0, 0, 0, 5, count]))
        lowest = draw(st.sampled_from([0, 0, -20_000_000]))  # below nought: more flowed out upwards than in
        measured[node] = [
            use if day >= known_from else None for day, use in enumerate(course(draw, count, lowest))
        ]
    members = [
        _member(draw, point, draw(st.sampled_from(nodes)), first, end)
        for point in range(101, 101 + draw(st.integers(0, 6)))
    ]
    rules = {node: _rule(draw, 200 + node, first, end) for node in metered}
    return World(first, end, placements, measured, members, rules)


def _member(draw: st.DrawFn, point: int, node: int, first: date, end: date) -> MemberFacts:
    count = (end - first).days
    without_meter = draw(st.sampled_from([0, 0, 0, 7, count]))
    change = draw(day_of(first, end))
    states = [
        State(
            residents=draw(st.integers(0, 5)),
            area_micro=draw(st.sampled_from([0, 1, 54_200_000, 10**12])),
            valid_from=valid_from,
            valid_to=valid_to,
        )
        for valid_from, valid_to in ((OPENED, change), (change, None))
    ]
    return MemberFacts(
        service_point_id=point,
        node_id=node,
        connected_from=draw(st.one_of(st.just(OPENED), day_of(first, end))),
        connected_to=draw(st.one_of(st.none(), day_of(first, end))),
        days=[
            None if day < without_meter else use for day, use in enumerate(course(draw, count, -5_000_000))
        ],
        fed_in=course(draw, count) if draw(st.sampled_from([False, False, True])) else (),
        states=states[draw(st.sampled_from([0, 0, 1])) :],
        absences=[draw(absence(first, end)) for _ in range(draw(st.sampled_from([0, 0, 1, 2])))],
    )


@st.composite
def absence(draw: st.DrawFn, first: date, end: date) -> Absence:
    left, back = sorted([draw(day_of(first, end)), draw(day_of(first, end))])
    return Absence(residents=draw(st.integers(1, 4)), valid_from=left, valid_to=back + timedelta(days=1))


def _rule(draw: st.DrawFn, rest_point: int, first: date, end: date) -> Rule:
    connected = draw(st.one_of(st.just(OPENED), day_of(first, end)))
    rest = RestPoint(
        service_point_id=rest_point,
        connected_from=connected,
        connected_to=draw(
            st.one_of(st.none(), st.integers(1, 40).map(lambda n: connected + timedelta(days=n)))
        ),
    )
    return Rule(
        key=draw(st.sampled_from(AllocationKey)),
        negative=draw(st.sampled_from(NegativeRule)),
        cap_micro=draw(st.one_of(st.none(), st.integers(0, 10**10))),
        norm_person_micro=draw(st.sampled_from([0, 1, 64_000_000])),
        carried_micro=-draw(st.integers(0, 10**9)),
        rest=draw(st.sampled_from([None, rest])),
    )


def in_columns(*worlds: World) -> Balances:
    """One month, or the adjoining months of one network, which differ by nothing but use."""
    placements = pl.DataFrame(
        [(p.node_id, p.parent_id, p.valid_from, p.valid_to) for p in worlds[0].placements],
        schema={"node_id": pl.Int64, "parent_id": pl.Int64, "valid_from": pl.Date, "valid_to": pl.Date},
        orient="row",
    )
    node_use = pl.DataFrame(
        [
            (world.month_from, node, [day or 0 for day in days], [day is not None for day in days])
            for world in worlds
            for node, days in world.measured.items()
        ],
        schema={
            "month": pl.Date,
            "node_id": pl.Int64,
            "days_micro": pl.List(pl.Int64),
            "is_measured": pl.List(pl.Boolean),
        },
        orient="row",
    )
    return balance_months(
        nodes=pl.concat([_nodes(world) for world in worlds]),
        node_use=node_use,
        reach=find_reach(
            placements=placements,
            measured=node_use,
            from_date=worlds[0].month_from,
            to_date=worlds[-1].month_to,
        ),
        points=pl.DataFrame(
            [(m.service_point_id, m.node_id, m.connected_from, m.connected_to) for m in worlds[0].members],
            schema={
                "service_point_id": pl.Int64,
                "node_id": pl.Int64,
                "connected_from": pl.Date,
                "connected_to": pl.Date,
            },
            orient="row",
        ),
        use=pl.DataFrame(
            [
                (
                    world.month_from,
                    m.service_point_id,
                    [day or 0 for day in m.days],
                    "".join("N" if day is None else "M" for day in m.days),
                )
                for world in worlds
                for m in world.members
            ],
            schema={
                "month": pl.Date,
                "service_point_id": pl.Int64,
                "days_micro": pl.List(pl.Int64),
                "quality": pl.String,
            },
            orient="row",
        ),
        states=_states(worlds[0]),
        fed_in=pl.DataFrame(
            [
                (world.month_from, m.service_point_id, list(m.fed_in))
                for world in worlds
                for m in world.members
                if m.fed_in
            ],
            schema={"month": pl.Date, "service_point_id": pl.Int64, "days_micro": pl.List(pl.Int64)},
            orient="row",
        ),
    )


def _nodes(world: World) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (
                *(world.month_from, node, r.key.value, r.cap_micro, r.norm_person_micro, r.negative.value),
                r.carried_micro,
                *(
                    (r.rest.service_point_id, r.rest.connected_from, r.rest.connected_to)
                    if r.rest
                    else (None, None, None)
                ),
            )
            for node, r in world.rules.items()
        ],
        schema={
            "month": pl.Date,
            "node_id": pl.Int64,
            "key": pl.String,
            "cap_micro": pl.Int64,
            "norm_person_micro": pl.Int64,
            "negative": pl.String,
            "carried_micro": pl.Int64,
            "rest_point_id": pl.Int64,
            "rest_from": pl.Date,
            "rest_to": pl.Date,
        },
        orient="row",
    )


def _states(world: World) -> pl.DataFrame:
    """With how many are absent, as the runs put it in; a premise for each service point."""
    dated = {"premise_id": pl.Int64, "valid_from": pl.Date, "valid_to": pl.Date}
    cut = cut_absent(
        states=pl.DataFrame(
            [
                (m.service_point_id, s.valid_from, s.valid_to, s.residents, s.area_micro)
                for m in world.members
                for s in m.states
                if s.valid_to is None or s.valid_from < s.valid_to
            ],
            schema=dated | {"residents": pl.Int64, "floor_area_m2_micro": pl.Int64},
            orient="row",
        ),
        absences=pl.DataFrame(
            [
                (m.service_point_id, a.valid_from, a.valid_to, a.residents)
                for m in world.members
                for a in m.absences
            ],
            schema=dated | {"absent": pl.Int64},
            orient="row",
        ),
    )
    return cut.rename({"premise_id": "service_point_id"})


def exactly(world: World, node: int) -> ExactBalance:
    tree = Tree(month_from=world.month_from, placements=world.placements, measured=world.measured)
    return balance_node(
        node_id=node,
        rule=world.rules[node],
        tree=tree,
        members=world.members,
        month_from=world.month_from,
        month_to=world.month_to,
    )


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(worlds())
def test_columns_equal_exact_and_shares_sum_exactly(world: World) -> None:
    found = in_columns(world)
    assert found.nodes["node_id"].to_list() == sorted(world.rules)
    for row in found.nodes.iter_rows(named=True):
        exact = exactly(world, row["node_id"])
        shares = {
            share["service_point_id"]: tuple(share["days_micro"])
            for share in found.shares.filter(pl.col("node_id") == row["node_id"]).iter_rows(named=True)
        }
        assert shares == dict(exact.shares)
        rests = found.rests.filter(pl.col("node_id") == row["node_id"])
        rest = world.rules[row["node_id"]].rest
        assert rests["service_point_id"].to_list() == ([rest.service_point_id] if rest else [])
        for days in rests["days_micro"].to_list():
            assert tuple(days) == exact.rest_days
        assert row["rest_micro"] == sum(exact.rest_days)
        if rest and rest.connected_from <= world.month_from and rest.connected_to is None:
            assert row["rest_micro"] == row["over_cap_micro"], "whoever is there all month takes all of it"
        assert row["member_days"] == list(exact.member_days)
        assert (row["fed_in_days"] or [0] * world.days) == list(exact.fed_in_days)
        assert row["fed_in_micro"] == sum(exact.fed_in.values())
        assert row["allocated_days"] == list(exact.allocated_days)
        assert (row["remainder_micro"], row["over_cap_micro"], row["carried_out_micro"]) == (
            exact.remainder,
            exact.over_cap,
            exact.carried_out,
        )
        assert row["node_micro"] + row["fed_in_micro"] - row["member_micro"] == row["remainder_micro"]
        for day in range(world.days):
            assert sum(days[day] for days in shares.values()) == row["allocated_days"][day]
        rule = world.rules[row["node_id"]]
        # On days on which nobody is there, what was meant for them stays with the loss.
        if exact.weights and all(any(days) for days in zip(*exact.weights.values(), strict=True)):
            if rule.cap_micro is not None:
                assert row["allocated_micro"] <= rule.cap_micro
            carried = rule.carried_micro if rule.negative == NegativeRule.CARRY else 0
            left_out = exact.due if exact.due < 0 and rule.negative == NegativeRule.ZERO else 0
            assert row["remainder_micro"] + carried == (
                row["allocated_micro"] + row["over_cap_micro"] + row["carried_out_micro"] + left_out
            )


WINTER = [(date(2021, 11, 1), date(2021, 12, 1)), (date(2021, 12, 1), date(2022, 1, 1)),
          (date(2022, 1, 1), date(2022, 2, 1)), (date(2022, 2, 1), date(2022, 3, 1))]  # fmt: skip


def month_of(world: World, first: date, end: date) -> World:
    """One month of a network over several."""
    days = slice((first - world.month_from).days, (end - world.month_from).days)
    return World(
        first,
        end,
        world.placements,
        {node: use[days] for node, use in world.measured.items()},
        [member._replace(days=member.days[days], fed_in=member.fed_in[days]) for member in world.members],
        dict(world.rules),
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(worlds([(WINTER[0][0], WINTER[-1][1])]))
def test_many_months_at_once_equal_the_exact_months_one_after_the_other(winter: World) -> None:
    """What is below nought in November is taken off December, nothing goes into January, and January's into February.

    The exact twin is told by the month before what is carried into the next one."""
    months = [month_of(winter, first, end) for first, end in WINTER]
    found = in_columns(*months)
    assert found.nodes.height == len(WINTER) * len(winter.rules)
    for node in winter.rules:
        carried_out = 0
        for number, world in enumerate(months):
            if number and world.month_from.month != 1:
                world.rules[node] = replace(world.rules[node], carried_micro=carried_out)
            exact = exactly(world, node)
            key = {"node_id": node, "month": world.month_from}
            row = found.nodes.row(by_predicate=_is(key), named=True)
            assert row["carried_in_micro"] == world.rules[node].carried_micro
            assert row["member_days"] == list(exact.member_days)
            assert row["fed_in_micro"] == sum(exact.fed_in_days)
            assert row["allocated_days"] == list(exact.allocated_days)
            assert (row["over_cap_micro"], row["carried_out_micro"]) == (exact.over_cap, exact.carried_out)
            shares = found.shares.filter(_is(key)).select("service_point_id", "days_micro")
            assert {point: tuple(days) for point, days in shares.iter_rows()} == dict(exact.shares)
            for days in found.rests.filter(_is(key))["days_micro"].to_list():
                assert tuple(days) == exact.rest_days
            carried_out = exact.carried_out


def _is(key: dict[str, object]) -> pl.Expr:
    return pl.all_horizontal(*(pl.col(name) == value for name, value in key.items()))
