"""The balances of many nodes over many months, in columns of whole micro-units.

The exact twin (`exact.py`) does the same one node and month at a time and shares no code; README.md states the rules.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from mains.engine.balance.members import Figures, Members, floor_part
from mains.engine.balance.months import Flags, Ints, Months
from mains.engine.balance.reach import Reach
from mains.engine.balance.values import AllocationKey, NegativeRule

_BALANCE = ["month", "node_id"]


@dataclass(frozen=True, kw_only=True)
class Balances:
    """What balances come to, in micro-units.

    `nodes`, by node_id and month: member_days, fed_in_days (empty where no member fed anything in), allocated_days
    (List(Int64), one per day), node_micro, member_micro, fed_in_micro, remainder_micro (node + fed in − members over
    the measured days), carried_in_micro, allocated_micro, over_cap_micro, rest_micro, carried_out_micro, points,
    unmetered_points (Int32: members that hang there directly). For each balance remainder + carried in = allocated +
    over cap + carried out + what found nobody, where its rule carries. `shares`, by node_id, month and
    service_point_id: days_micro (List(Int64)), total_micro; one row for every service point below a node whose
    remainder is shared. On each day they sum exactly to the balance's allocated_days. `rests`, in the same columns:
    what is over the cap, as the point named for it takes it on the days on which it is connected; one row for every
    balance with such a point. It is rest_micro of `nodes`.
    """

    nodes: pl.DataFrame
    shares: pl.DataFrame
    rests: pl.DataFrame


def balance_months(
    *,
    nodes: pl.DataFrame,
    node_use: pl.DataFrame,
    reach: Reach,
    points: pl.DataFrame,
    use: pl.DataFrame,
    states: pl.DataFrame,
    fed_in: pl.DataFrame | None = None,
) -> Balances:
    """Balance `nodes`, each over its month: see README.md for the rules. All months are computed at once; what one
    carries on goes into the next one of the same node and year, if that is among them.

    `nodes`: month (its first day), node_id, key, cap_micro (of a whole month, null: none), norm_person_micro (use of a
    member without a meter, per resident and month, null: nothing), negative, carried_micro (what the month before
    carried on, unless that is among the rows), and the point that takes what is over the cap with the days of its
    connection: rest_point_id, rest_from, rest_to (null is open; no point: all three null). `node_use`: month, node_id,
    days_micro (what flowed in less what flowed out upwards), is_measured (lists by day), also of the nodes with meters
    below. `reach`: as `find_reach` gives it over the months, for these nodes or more. `points`: service_point_id,
    node_id, connected_from, connected_to (null is open), without those that take rests. `use`: month, service_point_id,
    days_micro, quality (a letter per day); points without a row use nothing. `fed_in`: month, service_point_id,
    days_micro of what points fed into the network, None when nobody did. `states`: service_point_id, valid_from,
    valid_to (null is open), residents, absent (of these), floor_area_m2_micro. Raises UnableToBalance.
    """
    nodes = nodes.sort("node_id", "month").with_columns(month_to=pl.col("month").dt.offset_by("1mo"))
    months = Months.of(nodes["month"])
    members, places = Members.read(months, nodes=nodes, reach=reach, points=points)
    figures = Figures.read(months, places=places, use=use, states=states)
    node_days, is_measured = _node_days(months, nodes, node_use)
    taken = members.use(nodes, figures)
    outflow = members.sum_by_balance(np.where(members.is_direct[:, None], taken, 0))
    outflow = np.where(is_measured, outflow + _of_meters(months, nodes, reach, node_use), 0)
    inflow = _fed_in(members, figures, is_measured, fed_in)
    remainder = node_days + inflow - outflow
    sums = _sums(nodes, months, remainder, is_measured)
    daily = _by_day(sums["amount"], sums["remainder"], remainder)
    weights = members.weights(nodes, figures, taken, is_measured)
    daily = np.where(members.sum_by_balance(weights) > 0, daily, 0)
    shares = members.share(daily, weights)
    rest = _rest_days(months, nodes, _by_day(sums["over_cap"], sums["remainder"], remainder))
    return Balances(
        nodes=sums.select(
            *_BALANCE,
            member_days=months.lists(outflow),
            fed_in_days=_where_any(months.lists(inflow)),
            allocated_days=months.lists(daily),
            node_micro=pl.Series(node_days.sum(axis=1)),
            member_micro=pl.Series(outflow.sum(axis=1)),
            fed_in_micro=pl.Series(inflow.sum(axis=1)),
            remainder_micro="remainder",
            carried_in_micro="carried_in",
            allocated_micro=pl.Series(daily.sum(axis=1)),
            over_cap_micro="over_cap",
            rest_micro=pl.Series(rest.sum(axis=1)),
            carried_out_micro="carried_out",
            points=members.count_direct(members.all_rows),
            unmetered_points=members.count_direct(
                np.logical_or.reduce(figures.is_norm[members.point] & members.active, axis=1)
            ),
        ),
        shares=members.gather_shares(shares),
        rests=_rests(months, nodes, rest),
    )


def _node_days(months: Months, nodes: pl.DataFrame, node_use: pl.DataFrame) -> tuple[Ints, Flags]:
    """Use of the nodes' own meters by day, nothing on days without a measurement, and which days have one."""
    known = nodes.select(_BALANCE).with_row_index("balance").join(node_use, on=_BALANCE)
    days = np.zeros((nodes.height, months.width), dtype=np.int64)
    flags = np.zeros((nodes.height, months.width), dtype=np.bool_)
    at, own = known["balance"].to_numpy(), months.within(known)
    days[at] = own.matrix(known["days_micro"])
    flags[at] = own.flags(known["is_measured"])
    return np.where(flags, days, 0), flags


def _fed_in(members: Members, figures: Figures, is_measured: Flags, fed_in: pl.DataFrame | None) -> Ints:
    """What the members of each balance fed into the network by day."""
    if fed_in is None or fed_in.is_empty():
        return np.zeros_like(is_measured, dtype=np.int64)
    given = members.fed_in(figures.of_points(fed_in))
    return np.where(is_measured, members.sum_by_balance(given), 0)


def _where_any(days: pl.Series) -> pl.Series:
    """Lists in which any day is not nought; the others empty."""
    is_any = pl.col("days").list.eval(pl.element() != 0).list.any()
    none = pl.lit([], dtype=pl.List(pl.Int64))
    return days.to_frame("days").select(pl.when(is_any).then("days").otherwise(none)).to_series()


def _of_meters(months: Months, nodes: pl.DataFrame, reach: Reach, node_use: pl.DataFrame) -> Ints:
    """What the nearest meters below each node counted."""
    order = nodes.select(*_BALANCE, "month_to").with_row_index("balance")
    rows = (
        reach.meters.join(order, on="node_id")
        .filter(pl.col("from_date") < pl.col("month_to"), pl.col("to_date") > pl.col("month"))
        .join(node_use, left_on=["month", "meter_node_id"], right_on=["month", "node_id"])
        .sort("balance", "meter_node_id", "from_date")
    )
    own = months.within(rows)
    sums = np.zeros((nodes.height, months.width), dtype=np.int64)
    days = np.where(own.mask(rows, "from_date", "to_date"), own.matrix(rows["days_micro"]), 0)
    np.add.at(sums, rows["balance"].to_numpy(), days)
    return sums


def _sums(nodes: pl.DataFrame, months: Months, remainder: Ints, is_measured: Flags) -> pl.DataFrame:
    """Each balance's month: what is to be shared (`amount`), what the cap cuts off, what goes into the next month."""
    carries = (pl.col("negative") == NegativeRule.CARRY.value) & (pl.col("key") != AllocationKey.NONE.value)
    gives_back = pl.col("negative") == NegativeRule.GIVE_BACK.value
    shares = pl.col("key") != AllocationKey.NONE.value
    cap = pl.col("cap_micro").cast(pl.Int128) * pl.col("measured") // pl.col("days")
    due = pl.col("due")
    left = remainder.sum(axis=1)
    return (
        nodes.select(*_BALANCE, "key", "negative", "cap_micro", "carried_micro")
        .with_columns(
            remainder=pl.Series(left),
            measured=pl.Series(is_measured.sum(axis=1).astype(np.int64)),
            days=pl.Series(months.length),
            carried_in=_carried_in(nodes, left, nodes.select(carries).to_series().to_numpy()),
        )
        .with_columns(
            due=pl.when(carries).then(pl.col("remainder") + pl.col("carried_in")).otherwise("remainder"),
            cap=cap.cast(pl.Int64, strict=True),
        )
        .with_columns(
            amount=pl.when(~shares)
            .then(0)
            .when(due >= 0)
            .then(pl.min_horizontal("due", "cap"))
            .when(gives_back)
            .then(due)
            .otherwise(0),
            carried_out=pl.when(carries & (due < 0)).then(due).otherwise(0),
        )
        .with_columns(over_cap=pl.when(shares & (due > 0)).then(due - pl.col("amount")).otherwise(0))
        .with_columns(pl.col("amount", "carried_out", "over_cap").cast(pl.Int64))
    )


def _carried_in(nodes: pl.DataFrame, remainder: Ints, carries: Flags) -> pl.Series:
    """What the month before carried into each balance, by node and month; nothing goes over the turn of a year."""
    carried = nodes["carried_micro"].to_numpy().copy()
    node = nodes["node_id"].to_numpy()
    month = (nodes["month"].dt.year().cast(pl.Int64) * 12 + nodes["month"].dt.month()).to_numpy()
    follows = np.r_[False, (node[1:] == node[:-1]) & (month[1:] == month[:-1] + 1)][: len(node)]
    follows &= month % 12 != 1
    number = np.arange(len(node))
    place = number - np.maximum.accumulate(np.where(follows, 0, number))
    # All first months of a chain, then all second ones: a year has twelve.
    for step in range(1, max(place, default=0) + 1):
        now = np.flatnonzero(place == step)
        due = remainder[now - 1] + carried[now - 1]
        carried[now] = np.where(carries[now - 1] & (due < 0), due, 0)
    return pl.Series(carried)


def _by_day(amounts: pl.Series, remainders: pl.Series, remainder: Ints) -> Ints:
    """An amount of each balance over its days, as the remainder ran: floor(amount × remainder so far / the month's)
    less the same of the day before."""
    amount, month = amounts.to_numpy()[:, None], remainders.to_numpy()[:, None]
    is_scaled = (amount != month) & (amount != 0)
    so_far = np.cumsum(remainder, axis=1)
    none = np.zeros_like(so_far)
    given = floor_part(np.where(is_scaled, amount, 0) + none, so_far, np.where(is_scaled, month, 1) + none)
    scaled = np.diff(given, axis=1, prepend=0)
    return np.where(is_scaled, scaled, np.where(amount == 0, 0, remainder))


def _rest_days(months: Months, nodes: pl.DataFrame, over_cap: Ints) -> Ints:
    """What is over the cap on the days on which the point that takes it is connected; nothing without one."""
    is_named = nodes["rest_point_id"].is_not_null().to_numpy()
    taken = np.zeros_like(over_cap)
    named = nodes.filter(pl.col("rest_point_id").is_not_null())
    held = months.within(named).mask(named, "rest_from", "rest_to")
    taken[is_named] = np.where(held, over_cap[is_named], 0)
    return taken


def _rests(months: Months, nodes: pl.DataFrame, rest: Ints) -> pl.DataFrame:
    named = nodes.select(
        *_BALANCE,
        service_point_id="rest_point_id",
        days_micro=months.lists(rest),
        total_micro=pl.Series(rest.sum(axis=1), dtype=pl.Int64),
    )
    return named.filter(pl.col("service_point_id").is_not_null())
