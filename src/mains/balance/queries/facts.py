"""What the balances of months are drawn up from, for a slice of nodes, as believed at an instant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.balance.queries.frames import read_balanced_between, read_changed_rules
from mains.balance.queries.sources import Part, SomeNodes, Source, WholeNetwork
from mains.balance.values import MEASURED_LETTERS, Key, Negative
from mains.base.buckets import bucket_column
from mains.engine.balance import Reach, find_reach
from mains.kernel.period import next_month
from mains.metering.queries.frames import read_revised_points
from mains.metering.values import Zone
from mains.network.queries.absences import cut_absent, read_changed_absences
from mains.network.queries.frames import read_changed_feeds, read_changed_points

BALANCE = ["month", "node_id"]
_POINT = ["month", "service_point_id"]
_IS_FED_IN = pl.col("zone") == int(Zone.EXPORT)
_NODE_USE = pl.Schema(
    {
        "month": pl.Date(),
        "node_id": pl.Int64(),
        "service_point_id": pl.Int64(),
        "days_micro": pl.List(pl.Int64),
        "quality": pl.String(),
        "is_measured": pl.List(pl.Boolean),
    }
)
CARRIED = {"month": pl.Date, "node_id": pl.Int64, "carried_micro": pl.Int64}
"""What was carried into a month."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Facts of adjoining months.

    `nodes`: month, node_id, rule_id, key, negative, cap_micro, norm_person_micro, rest_point_id, rest_from, rest_to,
    carried_micro of the balances to draw up. `node_use`: month, node_id, service_point_id, days_micro, quality,
    is_measured of all nodes with a meter. `reach` as `find_reach` gives it, of the nodes to balance. `points`:
    service_point_id, node_id, premise_id, connected_from, connected_to below them."""

    months: Sequence[date]
    nodes: pl.DataFrame
    node_use: pl.DataFrame
    reach: Reach
    points: pl.DataFrame

    @property
    def node_ids(self) -> pl.Series:
        return self.nodes["node_id"].unique().sort()

    def only(self, balances: pl.DataFrame) -> "Facts":
        """The facts of some of the balances: month, node_id."""
        nodes = self.nodes.join(balances, on=BALANCE, how="semi", maintain_order="left")
        ids = nodes["node_id"].unique()

        def kept(frame: pl.DataFrame) -> pl.DataFrame:
            return frame.filter(pl.col("node_id").is_in(ids.implode()))

        reach = Reach(members=kept(self.reach.members), meters=kept(self.reach.meters))
        points = self.points.join(
            reach.members.select(node_id="at_node_id").unique(), on="node_id", how="semi"
        )
        return replace(self, nodes=nodes, reach=reach, points=points)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What became known since the last run: `points` (service_point_id, valid_from, valid_to) of which the use or the
    premise, `feeds` (node_id, valid_from, valid_to) of which the place in the network, and `rules` (alike) of which the
    rule is another on those days, or of which a run of one account has drawn up the balance: what that knew may have
    been taken back since."""

    points: pl.DataFrame
    feeds: pl.DataFrame
    rules: pl.DataFrame

    def months(self, months: Sequence[date]) -> list[date]:
        """Those of `months` of which they speak of a day."""
        days = ["valid_from", "valid_to"]
        rows = pl.concat([frame.select(days) for frame in (self.points, self.feeds, self.rules)]).unique()
        return sorted(_by_month(rows, months)["month"].unique())


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """The instant whose facts count, and the one of the last run. `keeps`: all daily use of that instant is committed,
    so that what was read of the network serves the next slice too. `comes_after_single_runs`: in between runs of single
    accounts may have drawn up balances by what was taken back since."""

    as_of: datetime
    known_since: datetime
    keeps: bool = False
    comes_after_single_runs: bool = False


def read_changes(
    *,
    connection: Connection,
    months: Sequence[date],
    knowledge: Knowledge,
    service_point_ids: pl.Series | None = None,
) -> Changes:
    """What became known about the months since the last run, of all service points or those named."""
    key = (connection.adbc_current_catalog, knowledge.known_since, knowledge.as_of, *months)
    if knowledge.keeps and key in _kept_changes:
        return _kept_changes[key]
    known_since, as_of = knowledge.known_since, knowledge.as_of
    from_date, to_date = min(months), next_month(max(months))
    revised = read_revised_points(
        connection=connection,
        months=months,
        known_since=known_since,
        as_of=as_of,
        service_point_ids=service_point_ids,
    ).select("service_point_id", valid_from="month", valid_to=pl.col("month").dt.offset_by("1mo"))
    other, absences = (
        read(
            connection=connection,
            from_date=from_date,
            to_date=to_date,
            known_since=known_since,
            as_of=as_of,
            service_point_ids=service_point_ids,
        )
        for read in (read_changed_points, read_changed_absences)
    )
    feeds, rules = (
        read(
            connection=connection, from_date=from_date, to_date=to_date, known_since=known_since, as_of=as_of
        )
        for read in (read_changed_feeds, read_changed_rules)
    )
    if knowledge.comes_after_single_runs:
        between = read_balanced_between(
            connection=connection, months=months, known_since=known_since, as_of=as_of
        ).select("node_id", valid_from="month", valid_to=pl.col("month").dt.offset_by("1mo"))
        rules = pl.concat([rules, between])
    found = Changes(points=pl.concat([revised, other, absences]).unique(), feeds=feeds, rules=rules)
    if knowledge.keeps:
        _kept_changes.clear()
        _kept_changes[key] = found
    return found


def source_of(
    *, connection: Connection, months: Sequence[date], knowledge: Knowledge, node_ids: pl.Series | None
) -> Source:
    """Where the facts of the months (ascending) come from, for all nodes or those named."""
    if node_ids is None:
        return WholeNetwork(connection=connection, as_of=knowledge.as_of)
    return SomeNodes.read(connection=connection, node_ids=node_ids, months=months, as_of=knowledge.as_of)


def read_facts(
    *,
    part: Part,
    database: str,
    knowledge: Knowledge,
    buckets: range,
    node_ids: pl.Series | None,
    carried: pl.DataFrame,
) -> Facts:
    """The facts of the nodes of the buckets, or only those of `node_ids`, in each month in which they have a meter on a
    day.

    `carried`: CARRIED of the nodes whose month before the first is known to the caller; that of others is read.
    """
    network = _network(part, database, knowledge)
    bucket = bucket_column("node_id")
    has_days = pl.col("is_measured").list.any()
    balances = (
        network.node_use.filter(has_days, bucket >= buckets.start, bucket < buckets.stop)
        .select(BALANCE)
        .sort("node_id", "month")
    )
    if node_ids is not None:
        balances = balances.filter(pl.col("node_id").is_in(node_ids.implode()))
    ids = balances["node_id"].unique().sort()
    reach = Reach(
        members=network.reach.members.filter(pl.col("node_id").is_in(ids.implode())),
        meters=network.reach.meters.filter(pl.col("node_id").is_in(ids.implode())),
    )
    nodes = (
        balances.join(_rules(part), on=BALANCE, how="left", maintain_order="left")
        .join(_carried(part, ids, carried), on=BALANCE, how="left", maintain_order="left")
        .with_columns(
            pl.col("key").fill_null(Key.NONE.value),
            pl.col("negative").fill_null(Negative.ZERO.value),
            pl.col("carried_micro").fill_null(0),
        )
    )
    points = part.points(reach.members["at_node_id"].unique().sort())
    return Facts(months=part.months, nodes=nodes, node_use=network.node_use, reach=reach, points=points)


@dataclass(frozen=True, kw_only=True)
class MemberUse:
    """`use` of the points (month, service_point_id, days_micro, quality; all zones together), what they `fed_in`
    (month, service_point_id, days_micro), and the `states` of their premises (service_point_id, valid_from, valid_to,
    residents, absent, floor_area_m2_micro)."""

    use: pl.DataFrame
    fed_in: pl.DataFrame
    states: pl.DataFrame


def read_member_use(*, part: Part, facts: Facts) -> MemberUse:
    """What the points below the nodes used and fed in, and who lives there."""
    usage = part.usage(facts.points["service_point_id"].unique().sort())
    premises = facts.points["premise_id"].drop_nulls().unique().sort()
    told = part.states(premises).select(
        "premise_id",
        "valid_from",
        "valid_to",
        "floor_area_m2_micro",
        residents=pl.col("residents_micro") // 1_000_000,
    )
    of_points = cut_absent(states=told, absences=part.absences(premises)).join(
        facts.points.select("service_point_id", "premise_id").unique(), on="premise_id"
    )
    states = of_points.select(
        "service_point_id", "valid_from", "valid_to", "floor_area_m2_micro", "residents", "absent"
    )
    fed_in = usage.filter(_IS_FED_IN).select(*_POINT, "days_micro")
    return MemberUse(use=_all_zones(usage), fed_in=fed_in, states=states)


def find_touched(*, facts: Facts, changes: Changes) -> pl.DataFrame:
    """Those of the balances that may differ because of the changes: month, node_id."""
    points = _by_month(changes.points, facts.months).select(_POINT).unique()
    feeds = _by_month(changes.feeds, facts.months).select(BALANCE)
    rules = _by_month(changes.rules, facts.months).select(BALANCE)
    with_meter = facts.node_use.join(points, on=_POINT, how="semi").select(BALANCE)
    connected = facts.points.join(points, on="service_point_id")
    with_point = _overlapping(connected, "connected_from", "connected_to").select(BALANCE)
    places = pl.concat([with_meter, with_point, feeds]).unique()
    members = facts.reach.members.join(places.rename({"node_id": "at_node_id"}), on="at_node_id")
    meters = facts.reach.meters.join(with_meter.rename({"node_id": "meter_node_id"}), on="meter_node_id")
    found = [_overlapping(rows, "from_date", "to_date").select(BALANCE) for rows in (members, meters)]
    touched = pl.concat([*found, with_meter, rules]).unique()
    return facts.nodes.select(BALANCE).join(touched, on=BALANCE, how="semi", maintain_order="left")


@dataclass(frozen=True)
class _Network:
    node_use: pl.DataFrame
    reach: Reach


_kept_networks: dict[tuple[object, ...], _Network] = {}
_kept_changes: dict[tuple[object, ...], Changes] = {}
_KEPT = 8


def _network(part: Part, database: str, knowledge: Knowledge) -> _Network:
    """The use of all nodes with a meter, and who belongs to whom."""
    key = (database, knowledge.as_of, *part.months)
    if knowledge.keeps and key in _kept_networks:
        return _kept_networks[key]
    node_use = _node_use(part)
    reach = find_reach(
        placements=part.placements(),
        measured=node_use,
        from_date=part.months[0],
        to_date=next_month(part.months[-1]),
    )
    if knowledge.keeps:
        if len(_kept_networks) >= _KEPT:
            _kept_networks.clear()
        _kept_networks[key] = _Network(node_use, reach)
    return _Network(node_use, reach)


def _node_use(part: Part) -> pl.DataFrame:
    meters = part.meters()
    if meters.is_empty():
        return pl.DataFrame(schema=_NODE_USE)
    usage = part.usage(meters["service_point_id"].unique().sort())
    # A node has one such point at a time; where one followed another within the month the days are put together.
    used = _overlapping(meters.join(_net(usage), on="service_point_id"), "connected_from", "connected_to")
    return _one_per_node(used.sort("node_id", "month", "connected_from")).select(*_NODE_USE)


def _one_per_node(used: pl.DataFrame) -> pl.DataFrame:
    letters = pl.col("quality").str.split("")
    is_several = pl.struct(BALANCE).is_duplicated()
    single, several = used.filter(~is_several), used.filter(is_several)
    if not several.is_empty():
        merged = (
            several.select(*BALANCE, "service_point_id", "days_micro", quality=letters)
            .with_columns(day=pl.int_ranges(pl.col("days_micro").list.len()))
            .explode("days_micro", "quality", "day", empty_as_null=False)
            .group_by(*BALANCE, "day")
            .agg(
                pl.col("service_point_id").last(),
                pl.col("days_micro").sum(),
                # X is a day on which the point was not connected: the other one's letter counts.
                quality=pl.col("quality").sort_by(pl.col("quality") == "X").first(),
            )
            .sort(*BALANCE, "day")
            .group_by(BALANCE, maintain_order=True)
            .agg(pl.col("service_point_id").last(), "days_micro", pl.col("quality").str.join(""))
        )
        single = pl.concat([single.select(merged.columns), merged])
    is_measured = pl.col("quality").str.split("").list.eval(pl.element().is_in(list(MEASURED_LETTERS)))
    return single.with_columns(is_measured=is_measured).sort("node_id", "month")


def _net(usage: pl.DataFrame) -> pl.DataFrame:
    """As `_all_zones`, less what flowed out of the node upwards through the same meter."""
    flowed_out = usage.filter(_IS_FED_IN).with_columns(days_micro=pl.col("days_micro") * -1)
    if flowed_out.is_empty():
        return _all_zones(usage)
    # Behind the zones of what flowed in: the quality of the first of them counts.
    return _summed(pl.concat([usage.filter(~_IS_FED_IN), flowed_out]))


def _all_zones(usage: pl.DataFrame) -> pl.DataFrame:
    """One row per service point and month: the sum of its zones, the quality of the first: month, service_point_id,
    days_micro, quality."""
    return _summed(usage.filter(~_IS_FED_IN))


def _summed(usage: pl.DataFrame) -> pl.DataFrame:
    columns = (*_POINT, "days_micro", "quality")
    is_single = ~pl.struct(_POINT).is_duplicated()
    several = usage.filter(~is_single)
    if several.is_empty():
        return usage.select(columns)
    summed = (
        several.sort(*_POINT, "zone")
        .with_columns(day=pl.int_ranges(pl.col("days_micro").list.len()))
        .explode("days_micro", "day", empty_as_null=False)
        .group_by(*_POINT, "day")
        .agg(pl.col("days_micro").sum(), pl.col("quality").first())
        .sort(*_POINT, "day")
        .group_by(_POINT, maintain_order=True)
        .agg("days_micro", pl.col("quality").first())
    )
    return pl.concat([usage.filter(is_single).select(columns), summed.select(columns)])


def _rules(part: Part) -> pl.DataFrame:
    """The rule of each node and month: the one in force on the month's last day."""
    rules = part.rules()
    last_days = pl.DataFrame({"month": part.months}, schema={"month": pl.Date}).with_columns(
        last_day=pl.col("month").dt.month_end()
    )
    return rules.join(last_days, how="cross").filter(
        pl.col("valid_from") <= pl.col("last_day"),
        pl.col("valid_to").is_null() | (pl.col("valid_to") > pl.col("last_day")),
    )


def _carried(part: Part, ids: pl.Series, known: pl.DataFrame) -> pl.DataFrame:
    """What the month before carried into each month; nothing is carried over the turn of a year."""
    stored = part.balances(ids).select(
        pl.col("month").dt.offset_by("1mo"), "node_id", carried_micro="carried_out_micro"
    )
    rest = stored.join(known, on=BALANCE, how="anti")
    return pl.concat([known.select(*CARRIED), rest]).filter(pl.col("month").dt.month() != 1)


def _by_month(rows: pl.DataFrame, months: Sequence[date]) -> pl.DataFrame:
    """Rows with days (valid_from, valid_to; null is open) once for each of the months of which they have one: `month`
    besides."""
    of_months = pl.DataFrame({"month": months}, schema={"month": pl.Date})
    return _overlapping(rows.join(of_months, how="cross"), "valid_from", "valid_to")


def _overlapping(rows: pl.DataFrame, start: str, end: str) -> pl.DataFrame:
    """Rows whose half-open stretch (a null end is open) has a day of their `month`."""
    return rows.filter(
        pl.col(start) < pl.col("month").dt.offset_by("1mo"),
        pl.col(end).is_null() | (pl.col(end) > pl.col("month")),
    )
