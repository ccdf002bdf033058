"""Keep the balances of a slice of nodes up to date: the month asked for, and earlier months that changed.

Balances are append-only, as daily use is: a month's first computation is revision 0; when later facts make anything
of it differ, a new revision is written, and only then.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.balance.queries.facts import (
    BALANCE,
    CARRIED,
    Changes,
    Facts,
    Knowledge,
    find_touched,
    read_changes,
    read_facts,
    read_member_use,
    source_of,
)
from mains.balance.queries.frames import NODE_COLUMNS, SHARE_COLUMNS
from mains.balance.queries.sources import Part
from mains.balance.values import Negative
from mains.base.buckets import bucket_column
from mains.base.db import Writer, copy_frame
from mains.engine.balance import balance_months
from mains.kernel.period import next_month
from mains.network.queries.frames import read_node_meters

PARTITIONED = ("balance_nodemonth", "balance_sharemonth")
_WRITTEN = {"month": pl.Date, "node_id": pl.Int64, "bucket": pl.Int16}
_SHARE = [*BALANCE, "service_point_id"]


@dataclass(frozen=True, kw_only=True)
class _Target:
    """Where rows go, and the instant that they carry."""

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
    target = _Target(writer=writer or connection, as_of=knowledge.as_of)
    changes = read_changes(
        connection=connection,
        months=months,
        knowledge=knowledge,
        service_point_ids=source.service_point_ids,
    )
    touched = {*changes.months(months), *([month] if month else [])}
    carried, last = pl.DataFrame(schema=CARRIED), months[0]
    # Oldest first: what a month carries on changes the next one.
    for batch in source.batches(_from_first(months, touched)):
        carried = carried if batch[0] == next_month(last) else carried.clear()
        if touched.isdisjoint(batch) and carried.is_empty():
            continue
        part = source.part(batch)
        facts = read_facts(
            part=part,
            database=connection.adbc_current_catalog,
            knowledge=knowledge,
            buckets=buckets,
            node_ids=node_ids,
            carried=carried,
        )
        facts = facts.only(_again(facts, changes, carried, month))
        balances = _balance(facts, part, target) if facts.nodes.height else None
        if balances is not None:
            written.append(balances.select(*_WRITTEN))
        carried, last = _carried_on(balances, batch[-1]), batch[-1]
    return pl.concat(written)


def _from_first(months: Sequence[date], touched: Set[date]) -> list[date]:
    """The months from the first one touched on, until none can differ any more: what the last one touched carries on
    stays within its year."""
    end = max(touched, default=date.min).year
    return [month for month in months if touched and month >= min(touched) and month.year <= end]


def _has_node_meters(connection: Connection, months: Sequence[date]) -> bool:
    """Whether any node has a meter of its own in the months: without one there is nothing to balance."""
    found = read_node_meters(connection=connection, from_date=months[0], to_date=next_month(months[-1]))
    return not found.is_empty()


def _again(facts: Facts, changes: Changes, carried: pl.DataFrame, own: date | None) -> pl.DataFrame:
    """The balances to draw up: all of the month `own`, those touched by the changes, and where the rule carries what is
    below nought into the next month, all later ones of the node and year. Columns: month, node_id."""
    touched, led_to = (
        frame.select(*BALANCE, pl.lit(value=True).alias(name))
        for name, frame in (
            ("is_touched", find_touched(facts=facts, changes=changes)),
            ("is_led_to", carried),
        )
    )
    carries = pl.col("negative") == Negative.CARRY.value
    return (
        facts.nodes.join(touched, on=BALANCE, how="left")
        .join(led_to, on=BALANCE, how="left")
        .with_columns(
            carries=carries,
            is_touched=pl.col("month").eq_missing(own)
            | pl.col("is_touched").fill_null(value=False)
            | (pl.col("is_led_to").fill_null(value=False) & carries),
        )
        .sort("node_id", "month")
        .with_columns(
            goes_on=pl.col("carries")
            & (pl.col("node_id") == pl.col("node_id").shift())
            & (pl.col("month").dt.offset_by("-1mo") == pl.col("month").shift())
            & (pl.col("month").dt.month() != 1)
        )
        .with_columns(chain=(~pl.col("goes_on").fill_null(value=False)).cum_sum())
        .filter(pl.col("is_touched").cast(pl.Int8).cum_max().over("chain") == 1)
        .select(BALANCE)
    )


def _carried_on(balances: pl.DataFrame | None, month: date) -> pl.DataFrame:
    """What the balances of a month carry into the next one; nothing over the turn of a year."""
    if balances is None or next_month(month).month == 1:
        return pl.DataFrame(schema=CARRIED)
    return balances.filter(pl.col("month") == month).select(
        pl.lit(next_month(month)).alias("month"), "node_id", carried_micro="carried_out_micro"
    )


def _balance(facts: Facts, part: Part, target: _Target) -> pl.DataFrame:
    """Draw up balances and append what differs from what is stored; the balances appended."""
    members = read_member_use(part=part, facts=facts)
    found = balance_months(
        nodes=facts.nodes,
        node_use=facts.node_use,
        reach=facts.reach,
        points=facts.points,
        use=members.use,
        states=members.states,
        fed_in=members.fed_in,
    )
    nodes = (
        found.nodes.join(facts.nodes.select(*BALANCE, "rule_id"), on=BALANCE)
        .join(facts.node_use.select(*BALANCE, "quality", node_days="days_micro"), on=BALANCE)
        .select("month", *NODE_COLUMNS)
    )
    wanted = facts.nodes.select(BALANCE)
    known = part.balances(facts.node_ids).join(wanted, on=BALANCE, how="semi")
    balances = _differing(nodes, known, BALANCE)
    stored = part.shares(facts.node_ids).join(wanted, on=BALANCE, how="semi")
    # What is over the cap is a share of the point that takes it: billed, corrected and proved like any other.
    shares = pl.concat([found.shares, found.rests.select(found.shares.columns)]).select(
        "month", *SHARE_COLUMNS
    )
    shares = _differing(pl.concat([shares, _withdrawn(shares, stored)]), stored, _SHARE)
    rows = balances.with_columns(bucket=bucket_column("node_id"), recorded_at=pl.lit(target.as_of))
    copy_frame(rows.sort(BALANCE), "balance_nodemonth", connection=target.writer)
    copy_frame(
        shares.with_columns(bucket=bucket_column("service_point_id"), recorded_at=pl.lit(target.as_of)).sort(
            _SHARE
        ),
        "balance_sharemonth",
        connection=target.writer,
    )
    return rows


def _withdrawn(shares: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Shares of nothing for those who had one and have none any more."""
    gone = stored.join(shares, on=_SHARE, how="anti")
    days = pl.col("days_micro").list.len()
    return gone.select(
        "month",
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
