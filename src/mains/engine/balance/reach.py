"""Who belongs to whose balance, as the network tree stands on each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
_DEPTH_MAX = 64
_MEMBERS = {
    "node_id": pl.Int64,
    "at_node_id": pl.Int64,
    "from_date": pl.Date,
    "to_date": pl.Date,
    "is_direct": pl.Boolean,
}
_METERS = {"node_id": pl.Int64, "meter_node_id": pl.Int64, "from_date": pl.Date, "to_date": pl.Date}


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Half-open stretches of days.

    `members`: node_id (a node with a meter), at_node_id (it or a node below it, where service points hang), from_date,
    to_date, is_direct: no other meter stands between the two, so what is used there is an outflow of the node.
    `meters`: node_id, meter_node_id (the nearest nodes below with a meter: their use is an outflow), from_date,
    to_date.
    """

    members: pl.DataFrame
    meters: pl.DataFrame


def find_reach(*, placements: pl.DataFrame, measured: pl.DataFrame, from_date: date, to_date: date) -> Reach:
    """The reach of every node with a meter over [from_date, to_date): a month, or several.

    `placements`: node_id, parent_id (null for a source), valid_from, valid_to (null is open). `measured`: month (its
    first day), node_id, is_measured (List(Boolean), one per day of the month): whether the node's own use is known that
    day; on other days, and in months without a row, it counts as a node without a meter. The days are cut where a
    placement or a measurement changes; in between the trees stand still and are climbed all nodes at once.
    """
    members: list[pl.DataFrame] = [pl.DataFrame(schema=_MEMBERS)]
    meters: list[pl.DataFrame] = [pl.DataFrame(schema=_METERS)]
    nodes = _nodes(placements, measured)
    flags = _flags(nodes, measured, first=from_date, day_count=(to_date - from_date).days)
    for first, end in pairwise(_cuts(placements, flags, from_date=from_date, to_date=to_date)):
        parent = _parents(nodes, placements, on=first)
        has_meter = flags[:, (first - from_date).days]
        days = {"from_date": pl.lit(first), "to_date": pl.lit(end)}
        for at, node, is_direct in _owners(parent, has_meter):
            frame = pl.DataFrame({"node_id": nodes[node], "at_node_id": nodes[at]})
            members.append(frame.with_columns(**days, is_direct=pl.lit(is_direct)).select(*_MEMBERS))
        below, above = _nearest_above(parent, has_meter)
        frame = pl.DataFrame({"node_id": nodes[above], "meter_node_id": nodes[below]})
        meters.append(frame.with_columns(**days).select(*_METERS))
    return Reach(
        members=_merged(pl.concat(members), ["node_id", "at_node_id", "is_direct"]).select(*_MEMBERS),
        meters=_merged(pl.concat(meters), ["node_id", "meter_node_id"]).select(*_METERS),
    )


def _nodes(placements: pl.DataFrame, measured: pl.DataFrame) -> Ints:
    named = [placements["node_id"], placements["parent_id"].drop_nulls(), measured["node_id"]]
    return np.unique(np.concatenate([column.to_numpy().astype(np.int64) for column in named]))


def _flags(nodes: Ints, measured: pl.DataFrame, *, first: date, day_count: int) -> Flags:
    """Whether each node is measured on each day."""
    flags = np.zeros((nodes.size, day_count), dtype=np.bool_)
    place = np.searchsorted(nodes, measured["node_id"].to_numpy())
    begins = (measured["month"] - first).dt.total_days().to_numpy()
    known = measured["is_measured"].explode(empty_as_null=False).to_numpy().astype(np.bool_)
    length = measured["is_measured"].list.len().to_numpy().astype(np.int64)
    day = np.arange(known.size) - np.repeat(np.cumsum(length) - length, length)
    flags[np.repeat(place, length), np.repeat(begins, length) + day] = known
    return flags


def _cuts(placements: pl.DataFrame, flags: Flags, *, from_date: date, to_date: date) -> Sequence[date]:
    edges = pl.concat([placements["valid_from"], placements["valid_to"]]).drop_nulls()
    days = set(edges.filter((edges > from_date) & (edges < to_date)).to_list())
    changes = np.flatnonzero((flags[:, 1:] != flags[:, :-1]).any(axis=0)) + 1
    days |= {from_date + timedelta(days=int(offset)) for offset in changes}
    return [from_date, *sorted(days), to_date]


def _parents(nodes: Ints, placements: pl.DataFrame, *, on: date) -> Ints:
    """Position of each node's parent on a day, −1 without one."""
    placed = placements.filter(
        pl.col("valid_from") <= on,
        pl.col("valid_to").is_null() | (pl.col("valid_to") > on),
        pl.col("parent_id").is_not_null(),
    )
    parent = np.full(nodes.size, -1, dtype=np.int64)
    parent[np.searchsorted(nodes, placed["node_id"].to_numpy())] = np.searchsorted(
        nodes, placed["parent_id"].to_numpy()
    )
    return parent


def _nearest(start: Ints, parent: Ints, has_meter: Flags) -> Ints:
    """The nearest node with a meter at or above each start (−1: none)."""
    at = start.copy()
    for _ in range(_DEPTH_MAX):
        climbing = np.flatnonzero((at >= 0) & ~has_meter[at])
        if not climbing.size:
            break
        at[climbing] = parent[at[climbing]]
    return at


def _owners(parent: Ints, has_meter: Flags) -> list[tuple[Ints, Ints, bool]]:
    """Level by level: nodes, the node with a meter at or above each, and whether it is the nearest."""
    found = []
    at = np.arange(parent.size, dtype=np.int64)
    owner = _nearest(at, parent, has_meter)
    is_direct = True
    for _ in range(_DEPTH_MAX):
        kept = owner >= 0
        at, owner = at[kept], owner[kept]
        if not at.size:
            break
        found.append((at, owner, is_direct))
        owner, is_direct = _nearest(parent[owner], parent, has_meter), False
    return found


def _nearest_above(parent: Ints, has_meter: Flags) -> tuple[Ints, Ints]:
    """Nodes with a meter, and the nearest other one above each; without those that have none."""
    below = np.flatnonzero(has_meter)
    above = _nearest(parent[below], parent, has_meter)
    return below[above >= 0], above[above >= 0]


def _merged(stretches: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Stretches of the same key that adjoin become one."""
    ordered = stretches.sort(*key, "from_date")
    begins = ~pl.all_horizontal(
        *(pl.col(name) == pl.col(name).shift() for name in key),
        pl.col("from_date") == pl.col("to_date").shift(),
    ).fill_null(value=False)
    return (
        ordered.with_columns(stretch=begins.cum_sum())
        .group_by("stretch", maintain_order=True)
        .agg(*(pl.col(name).first() for name in (*key, "from_date")), pl.col("to_date").last())
        .drop("stretch")
    )
