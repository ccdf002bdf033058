"""Balances worked by hand: a house, an entrance inside it, caps, negative months, a member that moves away."""

from datetime import date, timedelta

import pytest

from engine.balance.test_columns_equal_exact import OPENED, World, exactly, in_columns
from mains.engine.balance import AllocationKey, NegativeRule
from mains.engine.balance.exact import Absence, MemberFacts, Placement, Rule, State

APRIL, MAY = date(2021, 4, 1), date(2021, 5, 1)
DAYS = 30
KWH = 1_000_000
TRANSFORMER, HOUSE, ENTRANCE = 1, 2, 3


def flat(point: int, node: int, kwh_day: int | None, *, area: int = 50, residents: int = 2) -> MemberFacts:
    return MemberFacts(
        service_point_id=point,
        node_id=node,
        connected_from=OPENED,
        connected_to=None,
        days=[None if kwh_day is None else kwh_day * KWH] * DAYS,
        states=[State(residents=residents, area_micro=area * KWH, valid_from=OPENED, valid_to=None)],
    )


def world(
    members: list[MemberFacts],
    rule: Rule,
    *,
    house_kwh_day: int,
    entrance_kwh_day: int | None = None,
    transformer_kwh_day: int | None = None,
    moved_on: date | None = None,
) -> World:
    """Transformer → house → entrance; the entrance is fed from the transformer from `moved_on` on."""
    measured: dict[int, list[int | None]] = {HOUSE: [house_kwh_day * KWH] * DAYS}
    rules = {HOUSE: rule}
    loss = Rule(key=AllocationKey.NONE, negative=NegativeRule.ZERO)
    if entrance_kwh_day is not None:
        measured[ENTRANCE] = [entrance_kwh_day * KWH] * DAYS
        rules[ENTRANCE] = rule
    if transformer_kwh_day is not None:
        measured[TRANSFORMER] = [transformer_kwh_day * KWH] * DAYS
        rules[TRANSFORMER] = loss
    placements = [
        Placement(node_id=TRANSFORMER, parent_id=None, valid_from=OPENED, valid_to=None),
        Placement(node_id=HOUSE, parent_id=TRANSFORMER, valid_from=OPENED, valid_to=None),
        Placement(node_id=ENTRANCE, parent_id=HOUSE, valid_from=OPENED, valid_to=moved_on),
    ]
    if moved_on is not None:
        placements.append(
            Placement(node_id=ENTRANCE, parent_id=TRANSFORMER, valid_from=moved_on, valid_to=None)
        )
    return World(APRIL, MAY, placements, measured, members, rules)


def by(key: AllocationKey, *, negative: NegativeRule = NegativeRule.ZERO, **more: int) -> Rule:
    return Rule(key=key, negative=negative, **more)


def kwh_shares(found: World, node: int = HOUSE) -> dict[int, float]:
    """Shares of a node in kWh, from both computations, which agree."""
    columns = {
        row["service_point_id"]: row["total_micro"]
        for row in in_columns(found).shares.iter_rows(named=True)
        if row["node_id"] == node
    }
    assert columns == {point: sum(days) for point, days in exactly(found, node).shares.items()}
    return {point: micro / KWH for point, micro in columns.items()}


@pytest.mark.parametrize(
    ("key", "shares"),
    [
        # House 16 a day, flats 4 and 6: 6 a day are left, 180 in April.
        (AllocationKey.AREA, {101: 60, 102: 120}),  # 40 and 80 of 120 m2
        (AllocationKey.USE, {101: 72, 102: 108}),  # 120 and 180 of 300 kWh
        (AllocationKey.RESIDENTS, {101: 135, 102: 45}),  # 3 and 1 of 4
        (AllocationKey.EQUAL, {101: 90, 102: 90}),
        (AllocationKey.NONE, {}),
    ],
)
def test_each_key_shares_the_remainder(key: AllocationKey, shares: dict[int, int]) -> None:
    members = [flat(101, HOUSE, 4, area=40, residents=3), flat(102, HOUSE, 6, area=80, residents=1)]
    assert kwh_shares(world(members, by(key), house_kwh_day=16)) == shares


def test_above_the_cap_the_managing_company_bears_the_rest() -> None:
    """180 kWh remain; the norm allows 45: flats get 15 and 30, 135 are over the cap."""
    members = [flat(101, HOUSE, 4, area=40), flat(102, HOUSE, 6, area=80)]
    found = world(members, by(AllocationKey.AREA, cap_micro=45 * KWH), house_kwh_day=16)
    assert kwh_shares(found) == {101: 15, 102: 30}
    node = in_columns(found).nodes.row(0, named=True)
    assert (node["allocated_micro"], node["over_cap_micro"]) == (45 * KWH, 135 * KWH)


@pytest.mark.parametrize(
    ("negative", "shares", "carried_out"),
    [
        (NegativeRule.GIVE_BACK, {101: -20, 102: -40}, 0),
        (NegativeRule.CARRY, {101: 0, 102: 0}, -60),
        (NegativeRule.ZERO, {101: 0, 102: 0}, 0),
    ],
)
def test_a_negative_month_follows_its_rule(
    negative: NegativeRule, shares: dict[int, int], carried_out: int
) -> None:
    """The flats used 300, the house meter counted 240."""
    members = [flat(101, HOUSE, 4, area=40), flat(102, HOUSE, 6, area=80)]
    found = world(members, by(AllocationKey.AREA, negative=negative), house_kwh_day=8)
    assert kwh_shares(found) == shares
    assert in_columns(found).nodes["carried_out_micro"][0] == carried_out * KWH


def test_what_was_carried_is_taken_off_the_next_month() -> None:
    """180 remain, −60 were carried here: 120 are shared."""
    members = [flat(101, HOUSE, 4, area=40), flat(102, HOUSE, 6, area=80)]
    rule = by(AllocationKey.AREA, negative=NegativeRule.CARRY, carried_micro=-60 * KWH)
    assert kwh_shares(world(members, rule, house_kwh_day=16)) == {101: 40, 102: 80}


def test_a_flat_without_a_meter_uses_the_norm() -> None:
    """Two residents at 45 kWh use 90 in April; the house counted 300, the other flat 120: 90 remain."""
    members = [flat(101, HOUSE, 4), flat(102, HOUSE, None)]
    rule = by(AllocationKey.EQUAL, norm_person_micro=45 * KWH)
    found = world(members, rule, house_kwh_day=10)
    assert kwh_shares(found) == {101: 45, 102: 45}
    node = in_columns(found).nodes.row(0, named=True)
    assert (node["points"], node["unmetered_points"]) == (2, 1)


def test_residents_who_are_absent_use_no_norm() -> None:
    """One of two is away for 20 of 30 days: 45 + 45 × 10/30 = 60 kWh; 300 − 120 − 60 leave 120."""
    away = Absence(residents=1, valid_from=date(2021, 4, 6), valid_to=date(2021, 4, 26))
    members = [flat(101, HOUSE, 4), flat(102, HOUSE, None)._replace(absences=[away])]
    rule = by(AllocationKey.EQUAL, norm_person_micro=45 * KWH)
    assert kwh_shares(world(members, rule, house_kwh_day=10)) == {101: 60, 102: 60}


def test_nested_nodes_count_nothing_twice() -> None:
    """House 20 a day = entrance 12 + flat 101's 5 + 3 left; entrance 12 = flat 102's 10 + 2 left.

    The house's 90 kWh go to all three flats alike, the entrance's 60 to its own two.
    """
    members = [flat(101, HOUSE, 5), flat(102, ENTRANCE, 10), flat(103, ENTRANCE, 0)]
    found = world(
        members, by(AllocationKey.EQUAL), house_kwh_day=20, entrance_kwh_day=12, transformer_kwh_day=21
    )
    assert kwh_shares(found, HOUSE) == {101: 30, 102: 30, 103: 30}
    assert kwh_shares(found, ENTRANCE) == {102: 30, 103: 30}
    losses = dict(in_columns(found).nodes.select("node_id", "remainder_micro").iter_rows())
    assert losses == {TRANSFORMER: 30 * KWH, HOUSE: 90 * KWH, ENTRANCE: 60 * KWH}
    assert sum(losses.values()) == (21 - 5 - 10) * DAYS * KWH, "losses of the levels sum to the loss of all"


def test_a_node_that_is_fed_from_elsewhere_leaves_the_balance_that_day() -> None:
    """The entrance leaves the house on 16 April: until then it takes 12 of the house's 20 a day, afterwards nothing."""
    members = [flat(101, HOUSE, 5), flat(102, ENTRANCE, 10)]
    found = world(
        members,
        by(AllocationKey.EQUAL),
        house_kwh_day=20,
        entrance_kwh_day=12,
        transformer_kwh_day=40,
        moved_on=APRIL + timedelta(days=15),
    )
    # 15 days of 3 for two flats; 15 days of 15 for one.
    assert kwh_shares(found, HOUSE) == {101: 22.5 + 225, 102: 22.5}


def test_days_without_the_nodes_meter_are_not_balanced() -> None:
    """The house meter is hung on 11 April: 20 days of 6 are shared, and of the cap two thirds."""
    members = [flat(101, HOUSE, 4, area=40), flat(102, HOUSE, 6, area=80)]
    found = world(members, by(AllocationKey.AREA, cap_micro=90 * KWH), house_kwh_day=16)
    found.measured[HOUSE][:10] = [None] * 10
    assert kwh_shares(found) == {101: 20, 102: 40}
    assert in_columns(found).nodes["over_cap_micro"][0] == 60 * KWH


def test_one_unit_goes_to_one_flat() -> None:
    """A millionth that cannot be halved is given once, to the later of the two flats."""
    members = [flat(101, HOUSE, 0), flat(102, HOUSE, 0)]
    found = world(members, by(AllocationKey.EQUAL), house_kwh_day=0)
    found.measured[HOUSE][0] = 1
    assert {point: round(kwh * KWH) for point, kwh in kwh_shares(found).items()} == {101: 0, 102: 1}


def test_days_that_cancel_out_share_nothing() -> None:
    """A month whose remainder comes to nought gives nobody anything, whatever its single days say."""
    rule = by(AllocationKey.EQUAL, negative=NegativeRule.GIVE_BACK)
    found = world([flat(1, HOUSE, 1), flat(2, HOUSE, 1)], rule, house_kwh_day=2)
    found.measured[HOUSE][3] = 1 * KWH
    found.measured[HOUSE][4] = 3 * KWH
    assert exactly(found, HOUSE).remainder == 0
    assert set(exactly(found, HOUSE).allocated_days) == {0}
    assert all(set(row["days_micro"]) == {0} for row in in_columns(found).shares.iter_rows(named=True))


def test_a_meter_that_begins_below_a_flat_does_not_begin_the_sharing_anew() -> None:
    """The entrance is metered from 6 April on, so its flat is another kind of member, of the same weight.

    The house loses one millionth on the 5th and one on the 30th. Of the first the later flat has it (half of one is
    nought for the earlier one), of both together each has one.
    """
    members = [flat(101, HOUSE, 0), flat(102, ENTRANCE, 0)]
    found = world(members, by(AllocationKey.EQUAL), house_kwh_day=0, entrance_kwh_day=0)
    found.measured[ENTRANCE][:5] = [None] * 5
    found.measured[HOUSE][4] = found.measured[HOUSE][29] = 1
    assert kwh_shares(found, HOUSE) == {101: 1 / KWH, 102: 1 / KWH}


def test_what_a_member_feeds_in_stays_below_the_node() -> None:
    """The house took 16 a day, a flat with panels gave 3 more: 19 − 4 − 6 leave 9 a day, 270 in April."""
    members = [flat(101, HOUSE, 4)._replace(fed_in=[3 * KWH] * DAYS), flat(102, HOUSE, 6)]
    found = world(members, by(AllocationKey.EQUAL), house_kwh_day=16)
    assert kwh_shares(found) == {101: 135, 102: 135}
    node = in_columns(found).nodes.row(0, named=True)
    assert (node["fed_in_micro"], node["fed_in_days"][0]) == (90 * KWH, 3 * KWH)
    assert exactly(found, HOUSE).fed_in == {101: 90 * KWH}


def test_a_house_that_gives_more_than_it_takes_is_fed_in_below_its_transformer_once() -> None:
    """The house gave 5 a day upwards: a flat used 10, its panels gave 16, 1 is lost in the house. The transformer
    took 2 and had those 5; 7 reached a flat of its own: nothing is lost there."""
    members = [flat(101, HOUSE, 10)._replace(fed_in=[16 * KWH] * DAYS), flat(103, TRANSFORMER, 7)]
    found = world(members, by(AllocationKey.NONE), house_kwh_day=-5, transformer_kwh_day=2)
    nodes = in_columns(found).nodes.sort("node_id")
    assert nodes["remainder_micro"].to_list() == [0, DAYS * KWH]
    assert [exactly(found, node).remainder for node in (TRANSFORMER, HOUSE)] == [0, DAYS * KWH]
    assert nodes["fed_in_micro"].to_list() == [0, DAYS * 16 * KWH]
