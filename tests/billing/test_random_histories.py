"""Whatever becomes known in whatever order, what was posted bit by bit is what a fresh computation posts at once.

A history is played on a small utility: late, corrected, withdrawn and contradicting readings, errors of meters, acts
of unmetered use and absences found and withdrawn, interval data that come late or are corrected, residents that
change and change back, opening balances, categories, payers, exchanges of meters, conditions of supply, prices and
bands, meters and rules of houses, who takes what is over their caps, figures of gas nodes and where nodes hang, all
of the past, with bill runs and recalculations in between. At the end every run, bill, entry and day of use is deleted
from a copy of the database, its months are billed anew with all that is known, and both must agree: by agreement,
month and component to the last minor and micro-unit, in what is carried from bill to bill, in every day of use with
the readings that it comes from, and in every balance and share of a node.

MAINS_HISTORIES=200 plays more of them; hypothesis prints how to repeat a failing one.
"""

import os
from collections.abc import Callable
from datetime import timedelta

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from billing.network_play import GAS_POINTS, METERS, NetworkPlay
from billing.play import BY_HOURS, CARRYING
from billing.test_runs import assert_sound, rows
from mains.base.address import database_address
from mains.billing.actions.recalculations import recalculate
from mains.billing.actions.runs import plan_run, post_run
from mains.billing.models import BillRun
from mains.billing.queries.replay import list_batches, replay_batch
from mains.kernel.period import next_month
from template_databases import connect_to, copy_of, drop

POINTS = 40
HISTORIES = int(os.environ.get("MAINS_HISTORIES", "4"))

COMPUTED = """
    SELECT c.relname FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
      AND c.relname ~ '^(billing_|ledger_|metering_usagemonth|metering_contradiction|balance_(node|share)month)'
      AND c.relname !~ '^billing_openingbalance'
"""
"""Everything that runs write. Class averages and opening balances are facts and stay."""

points = st.one_of(st.integers(1, POINTS), st.sampled_from(CARRYING))
meters = st.one_of(points, st.sampled_from(METERS), st.sampled_from(GAS_POINTS))
houses, gas_nodes = st.sampled_from([11, 13, 14]), st.integers(0, 3)
days_back = st.integers(1, 110)
steps = st.one_of(
    st.tuples(st.just("late_reading"), meters, days_back, st.integers(0, 100)),
    st.tuples(st.just("odd_reading"), meters, days_back, st.integers(-400, 4000)),
    st.tuples(st.just("correct_reading"), meters, st.integers(0, 9), st.integers(-60, 60)),
    st.tuples(st.just("withdraw_reading"), meters, st.integers(0, 9), st.just(0)),
    st.tuples(st.just("residents"), points, days_back, st.integers(1, 6)),
    st.tuples(st.just("residents_for_a_while"), points, days_back, st.integers(1, 6)),
    st.tuples(st.just("residents_in_between"), points, days_back, st.integers(1, 6)),
    st.tuples(st.just("reading_in_between"), points, days_back, st.integers(-400, 4000)),
    st.tuples(st.just("area"), points, days_back, st.integers(200, 900)),
    st.tuples(st.just("rule"), houses, st.integers(0, 4), st.integers(0, 3)),
    st.tuples(st.just("rest_payer"), days_back, st.sampled_from([0, 19, 30]), st.just(0)),
    st.tuples(st.just("figure"), gas_nodes, days_back, st.integers(0, 90)),
    st.tuples(st.just("feed"), st.sampled_from([1, 2]), days_back, st.sampled_from([0, 3])),
    st.tuples(st.just("house_fed"), houses, days_back, st.sampled_from([3, 4])),
    st.tuples(st.just("category"), points, days_back, st.sampled_from(["household", "large_family"])),
    st.tuples(st.just("move"), points, days_back, points),
    st.tuples(st.just("settle"), points, st.one_of(st.integers(0, 25), days_back), points),
    st.tuples(st.just("exchange"), points, st.integers(3, 80), st.integers(0, 50)),
    st.tuples(st.just("meter_error"), meters, days_back, st.integers(-9_000, 20_000)),
    st.tuples(st.just("unmetered_use"), points, days_back, st.integers(1, 900)),
    st.tuples(st.just("absence"), points, days_back, st.integers(1, 3)),
    st.tuples(st.just("intervals"), st.one_of(points, st.just(BY_HOURS)), days_back, st.integers(0, 60)),
    st.tuples(st.just("demand"), st.just(BY_HOURS), st.integers(0, 2), st.integers(0, 60)),
    st.tuples(st.just("withdraw_finding"), st.integers(0, 4), st.sampled_from([0, 1, 2]), st.just(0)),
    st.tuples(st.just("price"), st.integers(1, 4), st.just(0), st.just(0)),
    st.tuples(st.just("opening"), st.sampled_from(CARRYING), st.integers(3, 5), st.integers(-90, 400)),
    st.tuples(
        st.just("condition"),
        st.sampled_from(CARRYING),
        days_back,
        st.sampled_from(["suspended", "supplied", "", 2, 0]),
    ),
    st.tuples(st.just("band"), st.sampled_from([3, 4]), days_back, st.sampled_from(["A", "B"])),
    st.tuples(st.just("recalculate"), st.just(0), st.just(0), st.just(0)),
    st.tuples(st.just("recalculate_account"), points, st.just(0), st.just(0)),
    st.tuples(st.just("bill"), st.just(0), st.just(0), st.just(0)),
)
histories = st.lists(st.tuples(st.integers(1, 90), steps), min_size=8, max_size=22)


def posted() -> pl.DataFrame:
    return rows(
        """
        SELECT agreement_id, service_month, component, kind, sum(amount_minor)::bigint AS amount_minor,
               sum(quantity_micro)::bigint AS quantity_micro
        FROM billing_billline GROUP BY 1, 2, 3, 4
        HAVING sum(amount_minor) <> 0 OR sum(quantity_micro) <> 0 ORDER BY 1, 2, 3, 4
        """
    )


def kept_use() -> pl.DataFrame:
    """Every day of use as kept last; series of meters that never hung there are gone, or empty."""
    return rows(
        """
        SELECT month, service_point_id, zone, days_micro, quality, span_days, span_quality, span_opening, span_closing
        FROM (SELECT DISTINCT ON (month, service_point_id, zone) * FROM metering_usagemonth
              ORDER BY month, service_point_id, zone, revision DESC) AS last
        WHERE quality ~ '[^X]' ORDER BY 1, 2, 3
        """
    )


def kept_balances() -> pl.DataFrame:
    """What the items leave as kept last; those that are there no more are left out."""
    return rows(
        """
        SELECT month, account_id, agreement_id, balance, to_date, value_micro
        FROM (SELECT DISTINCT ON (month, account_id, agreement_id, balance) * FROM billing_carriedbalance
              ORDER BY month, account_id, agreement_id, balance, revision DESC) AS last
        WHERE value_micro IS NOT NULL ORDER BY 1, 2, 3, 4
        """
    )


def kept_of_network() -> pl.DataFrame:
    """What balances of nodes came to and what points were given of them, as kept last; nothing is no share."""
    return rows(
        """
        SELECT month, node_id, 0 AS service_point_id, node_days::text AS days, member_days::text AS members,
               allocated_micro AS given_micro, over_cap_micro, rest_micro, carried_out_micro
        FROM (SELECT DISTINCT ON (month, node_id) * FROM balance_nodemonth
              ORDER BY month, node_id, revision DESC) AS n
        UNION ALL
        SELECT month, node_id, service_point_id, days_micro::text, '', total_micro, 0, 0, 0
        FROM (SELECT DISTINCT ON (month, node_id, service_point_id) * FROM balance_sharemonth
              ORDER BY month, node_id, service_point_id, revision DESC) AS s
        WHERE days_micro <> array_fill(0::bigint, ARRAY[cardinality(days_micro)])
        ORDER BY 1, 2, 3
        """
    )


def kept() -> tuple[pl.DataFrame, ...]:
    return posted(), kept_use(), kept_balances(), kept_of_network()


def start_anew(name: str) -> str:
    """A copy of the database with every fact and without anything computed from them."""
    connect_to(name)  # anew: nobody may be connected to what is copied
    copy = copy_of(name)
    with psycopg.connect(database_address().url(database=copy), autocommit=True) as server:
        tables = server.execute(COMPUTED).fetchall()
        for (table,) in tables:  # the guards are the owner's to take off
            server.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        server.execute("TRUNCATE " + ", ".join(table for (table,) in tables))
        for (table,) in tables:
            server.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    return copy


EVERY_KIND = [
    (2, ("late_reading", 13, 9, 40)), (3, ("odd_reading", 14, 20, -201)), (30, ("residents", 12, 60, 4)),
    (1, ("recalculate_account", 12, 0, 0)), (2, ("correct_reading", 15, 1, -7)), (1, ("recalculate", 0, 0, 0)),
    (5, ("withdraw_reading", 16, 2, 0)), (9, ("residents_for_a_while", 24, 50, 3)), (3, ("bill", 0, 0, 0)),
    (8, ("category", 17, 45, "large_family")), (2, ("move", 18, 70, 19)), (7, ("exchange", 20, 44, 12)),
    (1, ("price", 1, 0, 0)), (2, ("band", 4, 30, "B")), (30, ("settle", 25, 3, 26)), (2, ("settle", 25, 7, 26)),
    (4, ("settle", 31, 5, 30)), (1, ("recalculate", 0, 0, 0)), (40, ("bill", 0, 0, 0)), (50, ("settle", 27, 1, 28)),
    (9, ("settle", 29, 40, 30)),
    (3, ("opening", 31, 4, 55)), (4, ("late_reading", 11, 60, 90)), (5, ("move", 31, 44, 19)),
    (3, ("meter_error", 13, 70, 700)), (2, ("unmetered_use", 14, 60, 90)), (2, ("absence", 12, 50, 2)),
    (1, ("recalculate", 0, 0, 0)), (4, ("meter_error", 25, 40, -1500)), (2, ("unmetered_use", 12, 30, 55)),
    (1, ("absence", 24, 40, 1)), (6, ("withdraw_finding", 0, 1, 0)), (2, ("withdraw_finding", 0, 0, 0)),
    (3, ("residents_in_between", 24, 60, 6)), (2, ("reading_in_between", 14, 80, -201)), (2, ("area", 20, 50, 700)),
    (3, ("rule", 11, 1, 0)), (2, ("rest_payer", 40, 30, 0)), (1, ("figure", 1, 50, 41)), (1, ("figure", 0, 60, 12)),
    (2, ("feed", 2, 44, 3)), (2, ("house_fed", 14, 50, 3)), (1, ("late_reading", -11, 45, 90)),
    (2, ("odd_reading", -13, 50, 33)), (1, ("recalculate", 0, 0, 0)), (2, ("move", 11, 104, 18)),
    (3, ("intervals", 13, 40, 12)), (2, ("intervals", 8, 50, 55)), (3, ("intervals", 20, 47, 7)),
    (2, ("demand", 8, 1, 44)), (2, ("meter_error", 8, 40, 1500)), (1, ("late_reading", -8101, 45, 60)),
    (3, ("condition", 11, 45, "suspended")), (2, ("condition", 11, 30, "")), (1, ("condition", 31, 52, 2)),
    (5, ("odd_reading", 22, 80, 2500)), (4, ("withdraw_reading", 22, 4, 0)), (2, ("price", 2, 0, 0)),
]  # fmt: skip
KINDS = {what for _, (what, *_) in EVERY_KIND}


@pytest.mark.slow
@example(history=EVERY_KIND)
@settings(
    max_examples=HISTORIES,
    deadline=None,
    derandomize="MAINS_HISTORIES" not in os.environ,
    # A history takes seconds: the one that fails is told as it is, not played a hundred times more to shorten it.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(history=histories)
def test_bit_by_bit_equals_at_once(utility: Callable[[int], str], history: list) -> None:
    name = utility(POINTS)
    play = NetworkPlay()
    play.bill()
    for hours, step in history:
        play.step(hours, *step)
    assert history is not EVERY_KIND or set(play.told) == KINDS, "A step of the full history did nothing."
    while len(play.billed) < 2 or BillRun.objects.filter(month=next_month(play.billed[-1])).exists():
        play.bill_next()  # what was settled in the open month is compared when that is billed
    play.now += timedelta(hours=1)
    recalculate(now=play.now, processes=1)
    play.follow_remedies()
    for run in BillRun.objects.order_by("facts_as_of"):
        assert_sound(run)
    assert [found for batch in list_batches() for found in replay_batch(batch).differences] == []
    step_by_step = kept()
    fresh = start_anew(name)
    try:
        connect_to(fresh)
        for offset, month in enumerate(play.billed, start=1):
            run = plan_run(month=month, now=play.now + timedelta(seconds=offset))
            post_run(run_id=run.pk, now=play.now + timedelta(seconds=offset), processes=1)
        at_once = kept()
        assert rows("SELECT count(*) AS n FROM billing_billline WHERE service_month < month")["n"][0] == 0
    finally:
        connect_to(name)
        drop(fresh)
    assert not any(frame.is_empty() for frame in step_by_step)
    for ours, wanted in zip(step_by_step, at_once, strict=True):
        assert_frame_equal(ours, wanted)
