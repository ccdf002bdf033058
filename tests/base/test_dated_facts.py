"""Dated facts: random histories of writes against a plain day-by-day model, now and at every past instant."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mains.base.dated import UnableToRecordFact, known, record_fact, withdraw_facts
from mains.network.models import Node, NodeState

FIRST = date(2024, 2, 25)
DAYS = 12
START = datetime(2024, 3, 1, tzinfo=UTC)

writes = st.tuples(
    st.sampled_from(["A", "B", "C", None]),
    st.integers(0, DAYS - 1),
    st.integers(1, DAYS + 3),
)


def new_feeder(code: str) -> Node:
    return Node.objects.create(service="electricity", kind="feeder", code=code, name=code)


def bands_known_at(node: Node, at: datetime) -> list[str | None]:
    found = [
        {state.band for state in NodeState.objects.filter(known(at), node=node, valid__contains=day)}
        for day in (FIRST + timedelta(days=n) for n in range(DAYS))
    ]
    assert all(len(bands) <= 1 for bands in found)
    return [next(iter(bands), None) for bands in found]


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(writes, min_size=1, max_size=8))
def test_facts_equal_a_day_array_at_every_past_instant(history: list[tuple[str | None, int, int]]) -> None:
    with transaction.atomic():
        node = new_feeder(f"F-{Node.objects.count()}")
        model: list[str | None] = [None] * DAYS
        snapshots = []
        for step, (band, first, length) in enumerate(history):
            now = START + timedelta(hours=step)
            dates = {
                "valid_from": FIRST + timedelta(days=first),
                "valid_to": FIRST + timedelta(days=first + length) if length <= DAYS else None,
            }
            if band is None:
                withdraw_facts(model=NodeState, subject={"node": node}, now=now, **dates)
            else:
                record_fact(
                    model=NodeState,
                    subject={"node": node},
                    values={"band": band},
                    actor=None,
                    now=now,
                    **dates,
                )
            end = first + length if length <= DAYS else DAYS
            model = [band if first <= n < end else old for n, old in enumerate(model)]
            snapshots.append((now, model))
        for now, expected in snapshots:
            assert bands_known_at(node, now) == expected


@pytest.mark.django_db
def test_a_fact_about_no_day_is_refused() -> None:
    node = new_feeder("F-empty")
    with pytest.raises(UnableToRecordFact, match="no day at all"):
        record_fact(
            model=NodeState,
            subject={"node": node},
            values={"band": "A"},
            valid_from=FIRST,
            valid_to=FIRST,
            actor=None,
            now=START,
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE network_nodestate SET band = 'Z'",
        "DELETE FROM network_nodestate",
        "UPDATE network_nodestate SET superseded_at = now(), band = 'Z'",
    ],
)
def test_the_database_refuses_to_edit_a_fact(statement: str) -> None:
    record_fact(
        model=NodeState,
        subject={"node": new_feeder("F-guard")},
        values={"band": "A"},
        valid_from=FIRST,
        actor=None,
        now=START,
    )
    with pytest.raises(IntegrityError, match="mains: a fact in network_nodestate"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.django_db
def test_a_superseded_fact_stays_superseded() -> None:
    node = new_feeder("F-twice")
    for hour in range(2):
        record_fact(
            model=NodeState,
            subject={"node": node},
            values={"band": "AB"[hour]},
            valid_from=FIRST,
            actor=None,
            now=START + timedelta(hours=hour),
        )
    with pytest.raises(IntegrityError, match="mains: a fact"), transaction.atomic():
        NodeState.objects.filter(superseded_at__isnull=False).update(superseded_at=None)


@pytest.mark.django_db
def test_two_believed_facts_on_one_date_are_refused_by_the_database() -> None:
    node = new_feeder("F-overlap")
    record_fact(
        model=NodeState, subject={"node": node}, values={"band": "A"}, valid_from=FIRST, actor=None, now=START
    )
    with pytest.raises(IntegrityError, match="one_node_state_at_a_time"), transaction.atomic():
        NodeState.objects.create(node=node, band="B", valid=(FIRST, None), recorded_at=START)
