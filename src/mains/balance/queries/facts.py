"""What the balances of a month are drawn up from, for a slice of nodes, as believed at an instant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.balance.queries.frames import read_balanced_between, read_changed_rules
from mains.balance.queries.sources import SomeNodes, Source, WholeNetwork
from mains.balance.values import MEASURED_LETTERS, Key, Negative
from mains.base.buckets import bucket_column
from mains.engine.balance import Reach, find_reach
from mains.kernel.period import month_start, next_month
from mains.metering.queries.frames import read_revised_points
from mains.metering.values import Zone
from mains.network.queries.absences import cut_absent, read_changed_absences
from mains.network.queries.frames import read_changed_feeds, read_changed_points

_NODE_USE = pl.Schema(
    {
        "node_id": pl.Int64(),
        "service_point_id": pl.Int64(),
        "days_micro": pl.List(pl.Int64),
        "quality": pl.String(),
        "is_measured": pl.List(pl.Boolean),
    }
)
_CARRIED = {"node_id": pl.Int64, "carried_micro": pl.Int64}


@dataclass(frozen=True, kw_only=True)
class MonthFacts:
    """`nodes`: node_id, rule_id, key, negative, cap_micro, norm_person_micro, rest_point_id, rest_from, rest_to,
    carried_micro of the nodes to balance.
    `node_use`: node_id, service_point_id, days_micro, quality, is_measured of all nodes with a meter. `reach` as
    `find_reach` gives it, of the nodes to balance. `points`: service_point_id, node_id, premise_id, connected_from,
    connected_to below them."""

    month: date
    nodes: pl.DataFrame
    node_use: pl.DataFrame
    reach: Reach
    points: pl.DataFrame

    @property
    def node_ids(self) -> pl.Series:
        return self.nodes["node_id"]

    def only(self, node_ids: pl.Series) -> "MonthFacts":
        """The facts of some of the nodes."""

        def kept(frame: pl.DataFrame) -> pl.DataFrame:
            return frame.filter(pl.col("node_id").is_in(node_ids.implode()))

        reach = Reach(members=kept(self.reach.members), meters=kept(self.reach.meters))
        points = self.points.join(
            reach.members.select(node_id="at_node_id").unique(), on="node_id", how="semi"
        )
        return replace(self, nodes=kept(self.nodes), reach=reach, points=points)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What became known since the last run: `points` (service_point_id, valid_from, valid_to) of which the use or the
    premise, `feeds` (node_id, valid_from, valid_to) of which the place in the network, and `rules` (alike) of which the
    rule is another on those days, or of which a run of one account has drawn up the balance: what that knew may have
    been taken back since."""

    points: pl.DataFrame
    feeds: pl.DataFrame
    rules: pl.DataFrame

    def of_month(self, month: date) -> "Changes":
        """Those that speak of a day of the month."""

        def touching(frame: pl.DataFrame) -> pl.DataFrame:
            ends_later = pl.col("valid_to").is_null() | (pl.col("valid_to") > month)
            return frame.filter(pl.col("valid_from") < next_month(month), ends_later)

        return Changes(points=touching(self.points), feeds=touching(self.feeds), rules=touching(self.rules))

    @property
    def is_empty(self) -> bool:
        return self.points.is_empty() and self.feeds.is_empty() and self.rules.is_empty()


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


def read_month_facts(
    *,
    source: Source,
    database: str,
    month: date,
    knowledge: Knowledge,
    buckets: range,
    node_ids: pl.Series | None,
    carried: pl.DataFrame,
) -> MonthFacts:
    """The facts of the nodes of the buckets, or only those of `node_ids`, that have a meter on a day of `month`.

    `carried`: node_id, carried_micro of nodes whose month before is known to the caller; that of others is read.
    """
    network = _network(source, database, month, knowledge)
    bucket = bucket_column("node_id")
    has_days = pl.col("is_measured").list.any()
    ids = network.node_use.filter(has_days, bucket >= buckets.start, bucket < buckets.stop)["node_id"].sort()
    if node_ids is not None:
        ids = ids.filter(ids.is_in(node_ids.implode()))
    reach = Reach(
        members=network.reach.members.filter(pl.col("node_id").is_in(ids.implode())),
        meters=network.reach.meters.filter(pl.col("node_id").is_in(ids.implode())),
    )
    points = source.points(month, reach.members["at_node_id"].unique().sort())
    before = _carried(source, month, ids, carried)
    nodes = (
        pl.DataFrame({"node_id": ids})
        .join(source.rules(month), on="node_id", how="left", maintain_order="left")
        .join(before, on="node_id", how="left", maintain_order="left")
        .with_columns(
            pl.col("key").fill_null(Key.NONE.value),
            pl.col("negative").fill_null(Negative.ZERO.value),
            pl.col("carried_micro").fill_null(0),
        )
    )
    return MonthFacts(month=month, nodes=nodes, node_use=network.node_use, reach=reach, points=points)


def read_member_use(*, source: Source, facts: MonthFacts) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Daily use of the points (service_point_id, days_micro, quality; all zones together), and the states of their
    premises (service_point_id, valid_from, valid_to, residents, absent, floor_area_m2_micro)."""
    ids = facts.points["service_point_id"].unique().sort()
    usage = source.usage(facts.month, ids)
    premises = facts.points["premise_id"].drop_nulls().unique().sort()
    told = source.states(facts.month, premises).select(
        "premise_id",
        "valid_from",
        "valid_to",
        "floor_area_m2_micro",
        residents=pl.col("residents_micro") // 1_000_000,
    )
    of_points = cut_absent(states=told, absences=source.absences(facts.month, premises)).join(
        facts.points.select("service_point_id", "premise_id").unique(), on="premise_id"
    )
    return _all_zones(usage), of_points.select(
        "service_point_id",
        "valid_from",
        "valid_to",
        "floor_area_m2_micro",
        "residents",
        "absent",
    )


def find_touched(*, facts: MonthFacts, changes: Changes) -> pl.Series:
    """Those of the nodes whose balance of the month may differ because of the changes."""
    found = changes.of_month(facts.month)
    points = found.points["service_point_id"].unique()
    with_meter = facts.node_use.filter(pl.col("service_point_id").is_in(points.implode()))["node_id"]
    with_point = facts.points.filter(pl.col("service_point_id").is_in(points.implode()))["node_id"]
    places = pl.concat([with_meter, with_point, found.feeds["node_id"]]).unique()
    members, meters = facts.reach.members, facts.reach.meters
    own = pl.concat([with_meter, found.rules["node_id"]])
    return (
        pl.concat(
            [
                members.filter(pl.col("at_node_id").is_in(places.implode()))["node_id"],
                meters.filter(pl.col("meter_node_id").is_in(with_meter.implode()))["node_id"],
                facts.node_ids.filter(facts.node_ids.is_in(own.implode())),
            ]
        )
        .unique()
        .sort()
    )


@dataclass(frozen=True)
class _Network:
    node_use: pl.DataFrame
    reach: Reach


_kept_networks: dict[tuple[str, date, datetime], _Network] = {}
_kept_changes: dict[tuple[object, ...], Changes] = {}
_KEPT = 8


def _network(source: Source, database: str, month: date, knowledge: Knowledge) -> _Network:
    """The use of all nodes with a meter, and who belongs to whom."""
    key = (database, month, knowledge.as_of)
    if knowledge.keeps and key in _kept_networks:
        return _kept_networks[key]
    node_use = _node_use(source, month)
    reach = find_reach(
        placements=source.placements(month), measured=node_use, month_from=month, month_to=next_month(month)
    )
    if knowledge.keeps:
        if len(_kept_networks) >= _KEPT:
            _kept_networks.clear()
        _kept_networks[key] = _Network(node_use, reach)
    return _Network(node_use, reach)


def _node_use(source: Source, month: date) -> pl.DataFrame:
    meters = source.meters(month)
    if meters.is_empty():
        return pl.DataFrame(schema=_NODE_USE)
    usage = source.usage(month, meters["service_point_id"].unique().sort())
    # A node has one such point at a time; where one followed another within the month the days are put together.
    used = meters.join(_all_zones(usage), on="service_point_id").sort("node_id", "connected_from")
    return _one_per_node(used).select(*_NODE_USE)


def _one_per_node(used: pl.DataFrame) -> pl.DataFrame:
    letters = pl.col("quality").str.split("")
    single = used.filter(~pl.col("node_id").is_duplicated())
    several = used.filter(pl.col("node_id").is_duplicated())
    if not several.is_empty():
        merged = (
            several.select("node_id", "service_point_id", "days_micro", quality=letters)
            .with_columns(day=pl.int_ranges(pl.col("days_micro").list.len()))
            .explode("days_micro", "quality", "day", empty_as_null=False)
            .group_by("node_id", "day")
            .agg(
                pl.col("service_point_id").last(),
                pl.col("days_micro").sum(),
                # X is a day on which the point was not connected: the other one's letter counts.
                quality=pl.col("quality").sort_by(pl.col("quality") == "X").first(),
            )
            .sort("node_id", "day")
            .group_by("node_id", maintain_order=True)
            .agg(pl.col("service_point_id").last(), "days_micro", pl.col("quality").str.join(""))
        )
        single = pl.concat([single.select(merged.columns), merged])
    is_measured = pl.col("quality").str.split("").list.eval(pl.element().is_in(list(MEASURED_LETTERS)))
    return single.with_columns(is_measured=is_measured).sort("node_id")


def _all_zones(usage: pl.DataFrame) -> pl.DataFrame:
    """One row per service point: the sum of its zones, the quality of the first: service_point_id, days_micro,
    quality."""
    columns = ("service_point_id", "days_micro", "quality")
    usage = usage.filter(pl.col("zone") != int(Zone.EXPORT))
    is_single = ~pl.col("service_point_id").is_duplicated()
    several = usage.filter(~is_single)
    if several.is_empty():
        return usage.select(columns)
    summed = (
        several.sort("service_point_id", "zone")
        .with_columns(day=pl.int_ranges(pl.col("days_micro").list.len()))
        .explode("days_micro", "day", empty_as_null=False)
        .group_by("service_point_id", "day")
        .agg(pl.col("days_micro").sum(), pl.col("quality").first())
        .sort("service_point_id", "day")
        .group_by("service_point_id", maintain_order=True)
        .agg("days_micro", pl.col("quality").first())
    )
    return pl.concat([usage.filter(is_single).select(columns), summed.select(columns)])


def _carried(source: Source, month: date, ids: pl.Series, known: pl.DataFrame) -> pl.DataFrame:
    """What the month before carried into this one; nothing is carried over the turn of a year."""
    if month.month == 1:
        return pl.DataFrame(schema=_CARRIED)
    before = month_start(date.fromordinal(month.toordinal() - 1))
    stored = source.balances(before, ids)
    rest = stored.join(known, on="node_id", how="anti")
    return pl.concat([known, rest.select("node_id", carried_micro="carried_out_micro")])
