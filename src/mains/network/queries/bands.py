"""The attributes that a network node passes down: of a node, the state of its nearest ancestor that has one."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

_DEPTH_MAX = 64
STATE_VALUES = ("band", "supply_hours_day_micro")


def resolve_node_states(
    *,
    placements: pl.DataFrame,
    states: pl.DataFrame,
    from_date: date,
    to_date: date,
    values: Sequence[str] = STATE_VALUES,
) -> pl.DataFrame:
    """Attributes in force at every node over [from_date, to_date).

    Takes the frames of `read_placements` and `read_node_states`, or of other facts of nodes whose columns are `values`.
    Returns node_id, valid_from, valid_to and the values: pieces that do not overlap; no row for the days on which
    neither the node nor an ancestor has a state. The days are cut where any placement or state changes; in between the
    trees stand still and are climbed all nodes at once.
    """
    nodes = np.unique(
        np.concatenate([placements["node_id"].to_numpy(), states["node_id"].to_numpy()]).astype(np.int64)
    )
    cuts = _cuts(placements, states, from_date=from_date, to_date=to_date)
    pieces = []
    for first, following in pairwise(cuts):
        in_force = _in_force(nodes, placements, states, on=first)
        has_state = in_force >= 0
        pieces.append(
            pl.DataFrame({"node_id": nodes[has_state]})
            .with_columns(valid_from=pl.lit(first), valid_to=pl.lit(following))
            .hstack(states.select(values)[in_force[has_state]])
        )
    return _merge(pl.concat(pieces), values)


def _cuts(placements: pl.DataFrame, states: pl.DataFrame, *, from_date: date, to_date: date) -> list[date]:
    edges = pl.concat([frame[name] for frame in (placements, states) for name in ("valid_from", "valid_to")])
    inside = edges.filter((edges > from_date) & (edges < to_date)).unique().to_list()
    return [from_date, *sorted(inside), to_date]


def _in_force(
    nodes: NDArray[np.int64], placements: pl.DataFrame, states: pl.DataFrame, *, on: date
) -> NDArray[np.int64]:
    """For each node the row of the state in force on a day, or -1."""
    holds = (pl.col("valid_from") <= on) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > on))
    placed = placements.filter(holds, pl.col("parent_id").is_not_null())
    stated = states.with_row_index("row").filter(holds)
    parent = np.full(nodes.size, -1, np.int64)
    parent_index = np.searchsorted(nodes, placed["parent_id"].to_numpy()).clip(max=max(nodes.size - 1, 0))
    is_known = nodes[parent_index] == placed["parent_id"].to_numpy() if nodes.size else np.zeros(0, bool)
    parent[np.searchsorted(nodes, placed["node_id"].to_numpy())] = np.where(is_known, parent_index, -1)
    state = np.full(nodes.size, -1, np.int64)
    state[np.searchsorted(nodes, stated["node_id"].to_numpy())] = stated["row"].to_numpy()
    found, at = state.copy(), np.arange(nodes.size)
    for _ in range(_DEPTH_MAX):
        climbing = (found < 0) & (at >= 0)
        if not climbing.any():
            break
        at[climbing] = parent[at[climbing]]
        arrived = climbing & (at >= 0)
        found[arrived] = state[at[arrived]]
    return found


def _merge(pieces: pl.DataFrame, values: Sequence[str]) -> pl.DataFrame:
    """Join pieces of a node that adjoin and have the same values."""
    pieces = pieces.sort("node_id", "valid_from")
    begins = ~pl.all_horizontal(
        pl.col("node_id").eq_missing(pl.col("node_id").shift()),
        pl.col("valid_from").eq_missing(pl.col("valid_to").shift()),
        *(pl.col(name).eq_missing(pl.col(name).shift()) for name in values),
    )
    return (
        pieces.with_columns(piece=begins.cum_sum())
        .group_by("piece", maintain_order=True)
        .agg(
            pl.col("node_id").first(),
            pl.col("valid_from").first(),
            pl.col("valid_to").last(),
            *(pl.col(name).first() for name in values),
        )
        .drop("piece")
    )
