"""A node has the state of its nearest ancestor that has one, on every day."""

from datetime import date, timedelta
from itertools import pairwise

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from mains.network.queries.bands import resolve_node_states

FROM, TO = date(2021, 3, 1), date(2021, 3, 20)
DAYS = st.integers(-3, 22).map(lambda offset: FROM + timedelta(days=offset))
PLACEMENT = {"node_id": pl.Int64, "parent_id": pl.Int64, "valid_from": pl.Date, "valid_to": pl.Date}
STATE = {
    "node_id": pl.Int64,
    "band": pl.String,
    "supply_hours_day_micro": pl.Int64,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
}


@st.composite
def dated(draw, values):
    """Facts of nodes 1 … 7 that follow one another, some with gaps: (node, value, from, to)."""
    facts = []
    for node in range(1, 8):
        edges = sorted(draw(st.sets(DAYS, max_size=4)))
        for first, following in pairwise([*edges, None]):
            if draw(st.booleans()):
                facts.append((node, draw(values(node)), first, following))
    return facts


def in_force(facts, node, day):
    return next(
        (
            value
            for at, value, first, end in facts
            if at == node and first <= day and (end is None or day < end)
        ),
        None,
    )


@settings(deadline=None)
@given(
    dated(lambda node: st.integers(1, node - 1) if node > 1 else st.none()),
    dated(lambda _node: st.sampled_from(["A", "B", None])),
)
def test_every_day_has_the_nearest_state(placements, states):
    resolved = resolve_node_states(
        placements=pl.DataFrame(placements, schema=PLACEMENT, orient="row"),
        states=pl.DataFrame(
            [(node, band, 16_000_000, first, end) for node, band, first, end in states],
            schema=STATE,
            orient="row",
        ),
        from_date=FROM,
        to_date=TO,
    )
    found = {}
    for node, first, end, band, hours in resolved.iter_rows():
        for offset in range((end - first).days):
            assert (node, first + timedelta(days=offset)) not in found
            found[node, first + timedelta(days=offset)] = (band, hours)
    expected = {}
    for node in range(1, 8):
        for offset in range((TO - FROM).days):
            day, at = FROM + timedelta(days=offset), node
            while at is not None:
                stated = [
                    value
                    for where, value, first, end in states
                    if where == at and first <= day and (end is None or day < end)
                ]
                if stated:
                    expected[node, day] = (stated[0], 16_000_000)
                    break
                at = in_force(placements, at, day)
    assert found == expected


def test_a_state_that_continues_is_one_piece():
    resolved = resolve_node_states(
        placements=pl.DataFrame(
            [(2, 1, date(2020, 1, 1), None), (3, 1, date(2021, 3, 9), None)], schema=PLACEMENT, orient="row"
        ),
        states=pl.DataFrame([(1, "A", None, date(2020, 1, 1), None)], schema=STATE, orient="row"),
        from_date=FROM,
        to_date=TO,
    )
    assert resolved.filter(pl.col("node_id") == 2).rows() == [(2, FROM, TO, "A", None)]
