"""The balance of many nodes in one month, in columns of whole micro-units.

The exact twin (`exact.py`) does the same one node at a time and shares no code; README.md states the rules.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.engine.balance.reach import Reach
from mains.engine.balance.values import AllocationKey, NegativeRule, UnableToBalance

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
_LARGEST = 2**60
UNMETERED = "NX"
"""Letters of a day on which a connected service point has no meter: its use is the norm's."""


@dataclass(frozen=True, kw_only=True)
class MonthBalance:
    """What balances come to, in micro-units.

    `nodes`, by node_id: member_days, allocated_days (List(Int64), one per day), node_micro, member_micro,
    remainder_micro (node − members over the measured days), allocated_micro, over_cap_micro, carried_out_micro,
    points, unmetered_points (Int32: members that hang there directly). For each node
    remainder + carried in = allocated + over cap + carried out + what found nobody.
    `shares`, by node_id and service_point_id: days_micro (List(Int64)), total_micro; one row for every service point
    below a node whose remainder is shared. On each day they sum exactly to the node's allocated_days.
    `rests`, in the same columns: what is over the cap, as the point named for it takes it on the days on which it is
    connected; one row for every node with such a point. It is rest_micro of `nodes`.
    """

    nodes: pl.DataFrame
    shares: pl.DataFrame
    rests: pl.DataFrame


def balance_month(
    *,
    nodes: pl.DataFrame,
    node_use: pl.DataFrame,
    reach: Reach,
    points: pl.DataFrame,
    use: pl.DataFrame,
    states: pl.DataFrame,
    month_from: date,
    month_to: date,
) -> MonthBalance:
    """Balance `nodes` over a month: see README.md for the rules.

    `nodes`: node_id, key, cap_micro (of a whole month, null: none), norm_person_micro (use of a member without a meter,
    per resident and month, null: nothing), negative, carried_micro, and the point that takes what is over the cap with
    the days of its connection: rest_point_id, rest_from, rest_to (null is open; no point: all three null).
    `node_use`: node_id, days_micro, is_measured (lists by day), also of the nodes with meters below. `reach`: as
    `find_reach` gives it, for these nodes or more. `points`: service_point_id, node_id, connected_from, connected_to
    (null is open), without those that take rests. `use`: service_point_id, days_micro, quality (a letter per day);
    points without a row use nothing. `states`: service_point_id, valid_from, valid_to (null is open), residents,
    absent (of these), floor_area_m2_micro. Raises UnableToBalance.
    """
    month = _Month(month_from, (month_to - month_from).days)
    nodes = nodes.sort("node_id")
    figures = _Points.read(month, points=points, use=use, states=states)
    rows = _Rows.read(month, nodes=nodes, reach=reach, points=points, figures=figures)
    node_days, is_measured = _node_days(month, nodes["node_id"], node_use)
    taken = rows.use(nodes, figures)
    outflow = rows.sum_by_node(np.where(rows.is_direct[:, None], taken, 0)) + _of_meters(
        month, nodes, reach, node_use
    )
    outflow = np.where(is_measured, outflow, 0)
    remainder = node_days - outflow
    sums = _sums(nodes, remainder, is_measured)
    daily = _by_day(sums["amount"], sums["remainder"], remainder)
    weights = rows.weights(nodes, figures, taken, is_measured)
    found_somebody = rows.sum_by_node(weights) > 0
    daily = np.where(found_somebody, daily, 0)
    shares = rows.share(daily, weights)
    rest = _rest_days(month, nodes, _by_day(sums["over_cap"], sums["remainder"], remainder))
    return MonthBalance(
        nodes=sums.select(
            "node_id",
            member_days=_lists(outflow),
            allocated_days=_lists(daily),
            node_micro=pl.Series(node_days.sum(axis=1)),
            member_micro=pl.Series(outflow.sum(axis=1)),
            remainder_micro="remainder",
            allocated_micro=pl.Series(daily.sum(axis=1)),
            over_cap_micro="over_cap",
            rest_micro=pl.Series(rest.sum(axis=1)),
            carried_out_micro="carried_out",
            points=rows.count_direct(rows.all_rows),
            unmetered_points=rows.count_direct(
                np.logical_or.reduce(figures.is_norm[rows.point] & rows.active, axis=1)
            ),
        ),
        shares=rows.gather_shares(shares),
        rests=_rests(nodes, rest),
    )


@dataclass(frozen=True)
class _Month:
    first: date
    days: int

    def mask(self, frame: pl.DataFrame, start: str, end: str) -> Flags:
        """Rows × days: whether the row's half-open stretch holds the day; a null end is open."""
        begins: Ints = (frame[start] - self.first).dt.total_days().to_numpy()[:, None]
        ends: Ints = (frame[end] - self.first).dt.total_days().fill_null(self.days).to_numpy()[:, None]
        day = np.arange(self.days)[None, :]
        held: Flags = np.logical_and(begins <= day, day < ends)
        return held

    def matrix(self, lists: pl.Series) -> Ints:
        """Rows × days of a column of lists."""
        flat = lists.explode(empty_as_null=False).to_numpy().astype(np.int64)
        _refuse_too_large(flat)
        return flat.reshape(-1, self.days)


@dataclass(frozen=True)
class _Points:
    """Service points in order of id, with their days: use, days of the norm, residents, those absent, floor area."""

    ids: Ints
    use: Ints
    is_norm: Flags
    residents: Ints
    absent: Ints
    area: Ints

    @staticmethod
    def read(month: _Month, *, points: pl.DataFrame, use: pl.DataFrame, states: pl.DataFrame) -> "_Points":
        ids = points["service_point_id"].unique().sort()
        place = pl.DataFrame({"service_point_id": ids}).with_row_index("place")
        used = use.join(place, on="service_point_id")
        at = used["place"].to_numpy()
        use_days = np.zeros((len(ids), month.days), dtype=np.int64)
        use_days[at] = month.matrix(used["days_micro"])
        is_norm = np.zeros((len(ids), month.days), dtype=np.bool_)
        letters = np.frombuffer("".join(used["quality"].to_list()).encode(), dtype=np.uint8)
        is_norm[at] = np.isin(letters, np.frombuffer(UNMETERED.encode(), dtype=np.uint8)).reshape(
            -1, month.days
        )
        told = states.join(place, on="service_point_id")
        held = month.mask(told, "valid_from", "valid_to")
        figures = []
        for name in ("residents", "absent", "floor_area_m2_micro"):
            target = np.zeros_like(use_days)
            np.add.at(
                target, told["place"].to_numpy(), held * told[name].to_numpy().astype(np.int64)[:, None]
            )
            figures.append(target)
        return _Points(ids.to_numpy(), use_days, is_norm, *figures)


@dataclass(frozen=True)
class _Rows:
    """A service point below a node over some days; ordered by node, service point and day."""

    month: _Month
    frame: pl.DataFrame
    node: Ints
    point: Ints
    is_direct: Flags
    active: Flags
    node_count: int

    @staticmethod
    def read(
        month: _Month, *, nodes: pl.DataFrame, reach: Reach, points: pl.DataFrame, figures: _Points
    ) -> "_Rows":
        order = nodes.select("node_id", "key").with_row_index("node")
        connected_to = pl.col("connected_to").fill_null(pl.col("to_date"))
        frame = (
            reach.members.join(order, on="node_id")
            # Whoever neither counts as an outflow nor gets a share plays no part.
            .filter(pl.col("is_direct") | (pl.col("key") != AllocationKey.NONE.value))
            .join(points, left_on="at_node_id", right_on="node_id")
            .with_columns(
                from_date=pl.max_horizontal("from_date", "connected_from"),
                to_date=pl.min_horizontal("to_date", connected_to),
            )
            .filter(pl.col("from_date") < pl.col("to_date"))
            .sort("node", "service_point_id", "from_date")
        )
        return _Rows(
            month=month,
            frame=frame,
            node=frame["node"].to_numpy().astype(np.int64),
            point=np.searchsorted(figures.ids, frame["service_point_id"].to_numpy()),
            is_direct=frame["is_direct"].to_numpy().astype(np.bool_),
            active=month.mask(frame, "from_date", "to_date"),
            node_count=nodes.height,
        )

    @property
    def all_rows(self) -> Flags:
        return np.ones(len(self.node), dtype=np.bool_)

    def use(self, nodes: pl.DataFrame, figures: _Points) -> Ints:
        """What the rows used on their days: measured or forecast, or the norm where there is no meter."""
        norm = nodes["norm_person_micro"].fill_null(0).to_numpy()[self.node][:, None]
        people = np.maximum(figures.residents[self.point], 1) - figures.absent[self.point]
        day = np.arange(self.month.days)[None, :]
        monthly = norm * people
        share = monthly * (day + 1) // self.month.days - monthly * day // self.month.days
        taken = figures.use[self.point] + np.where(figures.is_norm[self.point], share, 0)
        return np.where(self.active, taken, 0)

    def weights(self, nodes: pl.DataFrame, figures: _Points, taken: Ints, is_measured: Flags) -> Ints:
        """Weight of each row on each measured day; where all are nought, every row counts alike."""
        key = nodes["key"].to_numpy()[self.node][:, None]
        used = np.maximum(self._month_use(taken), 0)[:, None] + np.zeros_like(taken)
        weight = np.select(
            [
                key == AllocationKey.AREA.value,
                key == AllocationKey.RESIDENTS.value,
                key == AllocationKey.USE.value,
            ],
            [figures.area[self.point], figures.residents[self.point], used],
            1,
        )
        takes_part = self.active & is_measured[self.node] & (key != AllocationKey.NONE.value)
        weight = np.where(takes_part, weight, 0)
        is_nought = self.sum_by_node(weight) == 0
        return np.where(is_nought[self.node] & takes_part, 1, weight)

    def _month_use(self, taken: Ints) -> Ints:
        """What each row's service point used below the node in all its stretches."""
        if not taken.size:
            return np.zeros(0, dtype=np.int64)
        begins = self._begins_point()
        sums = np.add.reduceat(taken.sum(axis=1), np.flatnonzero(begins))
        found: Ints = sums[np.cumsum(begins) - 1]
        return found

    def share(self, daily: Ints, weights: Ints) -> Ints:
        """Each row's part of its node's amount of the day.

        Over a run of days in which no weight changes, the row has floor(amount so far × weight up to and with it / all
        weights) less the same without it, so that both the rows of a day and the days of a row sum exactly.
        """
        if not weights.size:
            return weights
        total = np.maximum(self.sum_by_node(weights)[self.node], 1)
        starts = np.searchsorted(self.node, np.arange(self.node_count))
        running = np.concatenate(
            [np.zeros((1, weights.shape[1]), dtype=np.int64), np.cumsum(weights, axis=0)]
        )
        upto = running[1:] - running[starts][self.node]
        begins = self._run_begins(weights)
        so_far = _sum_so_far(daily, begins)[self.node]
        given = _floor_part(so_far, upto, total) - _floor_part(so_far, upto - weights, total)
        before = np.concatenate([np.zeros((len(given), 1), dtype=np.int64), given[:, :-1]], axis=1)
        return given - np.where(begins[self.node], 0, before)

    def _run_begins(self, weights: Ints) -> Flags:
        """Nodes × days: whether the weight of any of the node's service points differs from the day before."""
        # A service point whose stretch ends where its next one begins weighs what it did.
        starts = np.flatnonzero(self._begins_point())
        of_point = np.add.reduceat(weights, starts, axis=0)
        differs = np.ones_like(of_point)
        differs[:, 1:] = of_point[:, 1:] != of_point[:, :-1]
        begins = np.zeros((self.node_count, self.month.days), dtype=np.bool_)
        np.logical_or.at(begins, self.node[starts], differs.astype(np.bool_))
        return begins

    def _begins_point(self) -> Flags:
        """Whether a row is the first of its service point at its node."""
        begins: Flags = np.r_[True, (self.node[1:] != self.node[:-1]) | (self.point[1:] != self.point[:-1])]
        return begins

    def sum_by_node(self, values: Ints) -> Ints:
        sums = np.zeros((self.node_count, self.month.days), dtype=np.int64)
        if values.size:
            starts = np.flatnonzero(np.r_[True, self.node[1:] != self.node[:-1]])
            sums[self.node[starts]] = np.add.reduceat(values, starts, axis=0)
        return sums

    def count_direct(self, chosen: Flags) -> pl.Series:
        """How many service points with a direct row among the chosen each node has."""
        direct = pl.DataFrame({"node": self.node, "point": self.point}).filter(
            pl.Series(self.is_direct & chosen, dtype=pl.Boolean)
        )
        counted = np.bincount(direct.unique()["node"].to_numpy(), minlength=self.node_count)
        return pl.Series(counted.astype(np.int32))

    def gather_shares(self, shares: Ints) -> pl.DataFrame:
        """Shares by node and service point; the stretches of one point at one node together."""
        keyed = self.frame.select("node_id", "service_point_id", "key").with_row_index("row")
        keyed = keyed.filter(pl.col("key") != AllocationKey.NONE.value)
        days = shares[keyed["row"].to_numpy()]
        key = keyed.select("node_id", "service_point_id")
        starts = np.flatnonzero(key.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy())
        summed = np.add.reduceat(days, starts, axis=0) if len(starts) else days
        return key[starts].with_columns(
            days_micro=_lists(summed), total_micro=pl.Series(summed.sum(axis=1), dtype=pl.Int64)
        )


def _node_days(month: _Month, ids: pl.Series, node_use: pl.DataFrame) -> tuple[Ints, Flags]:
    """Use of the nodes' own meters by day, nothing on days without a measurement, and which days have one."""
    known = pl.DataFrame({"node_id": ids}).with_row_index("node").join(node_use, on="node_id")
    days = np.zeros((len(ids), month.days), dtype=np.int64)
    flags = np.zeros((len(ids), month.days), dtype=np.bool_)
    at = known["node"].to_numpy()
    days[at] = month.matrix(known["days_micro"])
    flags[at] = (
        known["is_measured"].explode(empty_as_null=False).to_numpy().astype(np.bool_).reshape(-1, month.days)
    )
    return np.where(flags, days, 0), flags


def _of_meters(month: _Month, nodes: pl.DataFrame, reach: Reach, node_use: pl.DataFrame) -> Ints:
    """What the nearest meters below each node counted."""
    order = nodes.select("node_id").with_row_index("node")
    rows = (
        reach.meters.join(order, on="node_id")
        .join(node_use, left_on="meter_node_id", right_on="node_id")
        .sort("node", "meter_node_id", "from_date")
    )
    sums = np.zeros((nodes.height, month.days), dtype=np.int64)
    days = np.where(month.mask(rows, "from_date", "to_date"), month.matrix(rows["days_micro"]), 0)
    np.add.at(sums, rows["node"].to_numpy(), days)
    return sums


def _sums(nodes: pl.DataFrame, remainder: Ints, is_measured: Flags) -> pl.DataFrame:
    """The month of each node: what is to be shared (`amount`), what the cap cuts off, what goes into the next month."""
    days = is_measured.shape[1]
    carries = pl.col("negative") == NegativeRule.CARRY.value
    gives_back = pl.col("negative") == NegativeRule.GIVE_BACK.value
    shares = pl.col("key") != AllocationKey.NONE.value
    cap = pl.col("cap_micro").cast(pl.Int128) * pl.col("measured") // days
    due = pl.col("due")
    return (
        nodes.select("node_id", "key", "negative", "cap_micro", "carried_micro")
        .with_columns(
            remainder=pl.Series(remainder.sum(axis=1)),
            measured=pl.Series(is_measured.sum(axis=1).astype(np.int64)),
        )
        .with_columns(
            due=pl.when(carries & shares)
            .then(pl.col("remainder") + pl.col("carried_micro"))
            .otherwise("remainder"),
            cap=cap.cast(pl.Int64, strict=True),
        )
        .with_columns(
            amount=pl.when(~shares)
            .then(0)
            .when(due >= 0)
            .then(pl.min_horizontal(due, pl.col("cap").fill_null(_LARGEST)))
            .when(gives_back)
            .then(due)
            .otherwise(0),
            carried_out=pl.when(carries & shares & (due < 0)).then(due).otherwise(0),
        )
        .with_columns(over_cap=pl.when(shares & (due > 0)).then(due - pl.col("amount")).otherwise(0))
        .with_columns(pl.col("amount", "carried_out", "over_cap").cast(pl.Int64))
    )


def _by_day(amounts: pl.Series, remainders: pl.Series, remainder: Ints) -> Ints:
    """An amount of each node's month over its days, as the remainder ran: floor(amount × remainder so far / the
    month's) less the same of the day before."""
    amount, month = amounts.to_numpy()[:, None], remainders.to_numpy()[:, None]
    is_scaled = (amount != month) & (amount != 0)
    so_far = np.cumsum(remainder, axis=1)
    none = np.zeros_like(so_far)
    given = _floor_part(np.where(is_scaled, amount, 0) + none, so_far, np.where(is_scaled, month, 1) + none)
    scaled = np.diff(given, axis=1, prepend=0)
    return np.where(is_scaled, scaled, np.where(amount == 0, 0, remainder))


def _rest_days(month: _Month, nodes: pl.DataFrame, over_cap: Ints) -> Ints:
    """What is over the cap on the days on which the point that takes it is connected; nothing without one."""
    is_named = nodes["rest_point_id"].is_not_null().to_numpy()
    taken = np.zeros_like(over_cap)
    held = month.mask(nodes.filter(pl.col("rest_point_id").is_not_null()), "rest_from", "rest_to")
    taken[is_named] = np.where(held, over_cap[is_named], 0)
    return taken


def _rests(nodes: pl.DataFrame, rest: Ints) -> pl.DataFrame:
    named = nodes.select(
        "node_id",
        service_point_id="rest_point_id",
        days_micro=_lists(rest),
        total_micro=pl.Series(rest.sum(axis=1), dtype=pl.Int64),
    )
    return named.filter(pl.col("service_point_id").is_not_null())


def _sum_so_far(daily: Ints, begins: Flags) -> Ints:
    """Running sums of each row of days, begun anew where `begins` says so."""
    whole = np.cumsum(daily, axis=1)
    day = np.arange(daily.shape[1])[None, :]
    first = np.maximum.accumulate(np.where(begins, day, 0), axis=1)
    at_first = np.take_along_axis(whole - daily, first, axis=1)
    so_far: Ints = whole - at_first
    return so_far


def _floor_part(amount: Ints, part: Ints, total: Ints) -> Ints:
    """floor(amount × part / total), element by element, in 128 bits."""
    names = {"amount": amount, "part": part, "total": total}
    wide = pl.DataFrame({name: pl.Series(values.ravel()) for name, values in names.items()}).cast(pl.Int128)
    quotient = (pl.col("amount") * pl.col("part")) // pl.col("total")
    return wide.select(quotient.cast(pl.Int64, strict=True)).to_series().to_numpy().reshape(amount.shape)


def _lists(days: Ints) -> pl.Series:
    if not days.size:
        return pl.Series([], dtype=pl.List(pl.Int64))
    return pl.Series(days).arr.to_list()


def _refuse_too_large(values: Ints) -> None:
    """Use is summed over a node's members and days in 64 bits."""
    if pl.Series(values.ravel()).cast(pl.Int128).abs().sum() > _LARGEST:
        raise UnableToBalance(
            code="balance-too-large",
            message="The use of these service points is too large to be added up.",
            remedy="Look for readings or multipliers that are far too high.",
        )
