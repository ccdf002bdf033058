"""Keep the balances of a slice of nodes up to date: the month asked for, and earlier months that changed.

Balances are append-only, as daily use is: a month's first computation is revision 0; when later facts make anything
of it differ, a new revision is written, and only then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.balance.queries.facts import (
    Changes,
    Knowledge,
    MonthFacts,
    find_touched,
    read_changes,
    read_member_use,
    read_month_facts,
    source_of,
)
from mains.balance.queries.frames import NODE_COLUMNS, SHARE_COLUMNS
from mains.balance.queries.sources import Source
from mains.balance.values import Negative
from mains.base.buckets import bucket_column
from mains.base.db import Writer, copy_frame
from mains.engine.balance import balance_month
from mains.kernel.period import next_month
from mains.network.queries.frames import read_node_meters

PARTITIONED = ("balance_nodemonth", "balance_sharemonth")
_WRITTEN = {"month": pl.Date, "node_id": pl.Int64, "bucket": pl.Int16}


@dataclass(frozen=True, kw_only=True)
class _Target:
    """Where rows go, and where those of earlier runs come from."""

    source: Source
    writer: Writer
    as_of: datetime


def refresh_balances(
    *,
    connection: Connection,
    buckets: range,
    month: date | None,
    earlier_months: Sequence[date],
    knowledge: Knowledge,
    node_ids: pl.Series | None = None,
    writer: Writer | None = None,
) -> pl.DataFrame:
    """Balance the nodes of the buckets for `month`, and again for `earlier_months` where facts known since the last run
    touch them; the daily use must be up to date. Only `node_ids` when they are given; no month of its own when None.

    Reads and writes in the connection's transaction, or writes in that of `writer`; rows carry `knowledge.as_of` as
    their recorded time. Returns month, node_id, bucket of the balances written. Raises UnableToBalance.
    """
    written = [pl.DataFrame(schema=_WRITTEN)]
    months = sorted({*earlier_months, *([month] if month else [])})
    if not months or not _has_node_meters(connection, months):
        return written[0]
    if node_ids is not None:
        knowledge = replace(knowledge, keeps=False)  # what was read of some nodes is not the network
    source = source_of(connection=connection, months=months, knowledge=knowledge, node_ids=node_ids)
    target = _Target(source=source, writer=writer or connection, as_of=knowledge.as_of)
    changes = read_changes(
        connection=connection,
        months=months,
        knowledge=knowledge,
        service_point_ids=source.service_point_ids,
    )
    carried, follows_on = _carried_on(None), months[0]
    # Oldest first: what a month carries on changes the next one.
    for each in months:
        carried = carried if each == follows_on else _carried_on(None)
        if each != month and carried.is_empty() and changes.of_month(each).is_empty:
            continue
        facts = read_month_facts(
            source=source,
            database=connection.adbc_current_catalog,
            month=each,
            knowledge=knowledge,
            buckets=buckets,
            node_ids=node_ids,
            carried=carried,
        )
        if each != month:
            facts = facts.only(_again(facts, changes, carried))
        balances = _balance(facts, target) if facts.nodes.height else None
        if balances is not None:
            written.append(balances.select(*_WRITTEN))
        carried, follows_on = _carried_on(balances), next_month(each)
    return pl.concat(written)


def _has_node_meters(connection: Connection, months: Sequence[date]) -> bool:
    """Whether any node has a meter of its own in the months: without one there is nothing to balance."""
    found = read_node_meters(connection=connection, from_date=months[0], to_date=next_month(months[-1]))
    return not found.is_empty()


def _again(facts: MonthFacts, changes: Changes, carried: pl.DataFrame) -> pl.Series:
    """The nodes to balance again: touched by the changes, or by what the month before carries on now."""
    carries = facts.nodes.filter(pl.col("negative") == Negative.CARRY.value)
    follows = carries.join(carried, on="node_id", how="semi")["node_id"]
    return pl.concat([find_touched(facts=facts, changes=changes), follows]).unique().sort()


def _carried_on(balances: pl.DataFrame | None) -> pl.DataFrame:
    if balances is None:
        return pl.DataFrame(schema={"node_id": pl.Int64, "carried_micro": pl.Int64})
    return balances.select("node_id", carried_micro="carried_out_micro")


def _balance(facts: MonthFacts, target: _Target) -> pl.DataFrame:
    """Draw up the balances of a month and append what differs from what is stored; the balances appended."""
    use, states = read_member_use(source=target.source, facts=facts)
    following = next_month(facts.month)
    found = balance_month(
        nodes=facts.nodes,
        node_use=facts.node_use,
        reach=facts.reach,
        points=facts.points,
        use=use,
        states=states,
        month_from=facts.month,
        month_to=following,
    )
    nodes = (
        found.nodes.join(
            facts.nodes.select("node_id", "rule_id", carried_in_micro="carried_micro"), on="node_id"
        )
        .join(facts.node_use.select("node_id", "quality", node_days="days_micro"), on="node_id")
        .select(*NODE_COLUMNS)
    )
    known = target.source.balances(facts.month, facts.node_ids)
    balances = _differing(nodes, known, ["node_id"])
    stored = target.source.shares(facts.month, facts.node_ids)
    # What is over the cap is a share of the point that takes it: billed, corrected and proved like any other.
    shares = pl.concat([found.shares, found.rests]).select(*SHARE_COLUMNS)
    shares = _differing(
        pl.concat([shares, _withdrawn(shares, stored)]), stored, ["node_id", "service_point_id"]
    )
    rows = balances.with_columns(
        month=pl.lit(facts.month), bucket=bucket_column("node_id"), recorded_at=pl.lit(target.as_of)
    ).sort("node_id")
    copy_frame(rows, "balance_nodemonth", connection=target.writer)
    copy_frame(
        shares.with_columns(
            month=pl.lit(facts.month),
            bucket=bucket_column("service_point_id"),
            recorded_at=pl.lit(target.as_of),
        ).sort("node_id", "service_point_id"),
        "balance_sharemonth",
        connection=target.writer,
    )
    return rows


def _withdrawn(shares: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Shares of nothing for those who had one and have none any more."""
    gone = stored.join(shares, on=["node_id", "service_point_id"], how="anti")
    days = pl.col("days_micro").list.len()
    return gone.select(
        "service_point_id",
        "node_id",
        total_micro=pl.lit(0, pl.Int64),
        days_micro=pl.lit(0, pl.Int64).repeat_by(days),
    )


def _differing(computed: pl.DataFrame, stored: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Computed rows that are new or differ from the stored ones, with their next revision."""
    if stored.is_empty():
        return computed.with_columns(revision=pl.lit(0, pl.Int16))
    joined = computed.join(stored, on=key, how="left", suffix="_stored", maintain_order="left")
    compared = [name for name in computed.columns if name not in key]
    is_same = pl.all_horizontal(
        pl.col("revision").is_not_null(),
        *(pl.col(name).eq_missing(pl.col(f"{name}_stored")) for name in compared),
    )
    return joined.filter(~is_same).select(
        *computed.columns, revision=(pl.col("revision").fill_null(-1) + 1).cast(pl.Int16)
    )
