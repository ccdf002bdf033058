"""A house's remainder is shared among its flats, billed, proved by the exact twin, corrected when a reading is late."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from django.db import connection

from balance.houses import (
    APRIL,
    CLOSE,
    KWH,
    MARCH,
    MAY,
    POINTS,
    add_house_meters,
    bill_month,
    connect_at_house,
    read_meter,
)
from billing.test_runs import assert_sound, charged, rows
from mains.balance.models import NodeMonth, ShareMonth
from mains.base.dated import withdraw_facts
from mains.billing.actions import slices
from mains.billing.actions.recalculations import recalculate, recalculate_account
from mains.billing.actions.runs import plan_run, post_run, preview_run
from mains.billing.actions.settlements import MoveOrder, settle
from mains.billing.models import Bill, BillRun
from mains.billing.queries.explain import explain_bill
from mains.billing.queries.explain.causes import bill_causes
from mains.billing.queries.hashes import run_hash
from mains.billing.queries.replay import list_batches, replay_batch
from mains.customers.queries.records import find_account
from mains.metering.models import Reading, Register
from mains.network.models import NodePlacement
from mains.staff.values import EVERYTHING


@pytest.fixture
def houses(utility):
    utility(POINTS)
    return add_house_meters()


def latest(month, node_id) -> NodeMonth:
    return NodeMonth.objects.filter(month=month, node_id=node_id).order_by("-revision").first()


def differences() -> list[object]:
    results = [replay_batch(batch) for batch in list_batches()]
    return [difference for result in results for difference in result.differences]


def test_shares_are_billed_and_proved(houses):
    run = bill_month(MARCH)
    assert_sound(run)
    capped, negative, carrying = (latest(MARCH, node) for node in (11, 14, 13))
    assert capped.allocated_micro == 600 * KWH, "2 kWh per m2 of 300 m2"
    assert capped.over_cap_micro == capped.remainder_micro - 600 * KWH > 0
    assert negative.remainder_micro == negative.allocated_micro < 0
    assert (carrying.allocated_micro, carrying.carried_out_micro) == (0, carrying.remainder_micro)
    billed = rows(
        """
        SELECT service_point_id, quantity_micro, amount_minor FROM billing_billline WHERE component = 'common'
        """
    )
    shares = rows("SELECT service_point_id, total_micro FROM balance_sharemonth WHERE total_micro <> 0")
    homes = shares.filter((pl.col("service_point_id") % 10 != 1) | (pl.col("service_point_id") % 12 == 0))
    both = billed.join(homes, on="service_point_id", how="full", coalesce=True)
    assert both["total_micro"].equals(both["quantity_micro"], check_names=False)
    assert billed.filter(pl.col("amount_minor") < 0).height == 8, "house 14 gives back"
    assert differences() == []


def test_losses_of_the_levels_sum_to_the_loss_of_the_feeder(houses):
    bill_month(MARCH)
    feeder, house = latest(MARCH, 3), latest(MARCH, 14)
    used = rows("SELECT service_point_id, total_micro FROM metering_usagemonth WHERE month = '2021-03-01'")
    below = [n for n in range(1, POINTS + 1) if (11 + n % 20) % 2 == 0]
    outside = used.filter(
        pl.col("service_point_id").is_in([n for n in below if n % 20 != 3])  # not behind the house's meter
    )["total_micro"].sum()
    assert feeder.member_micro == outside + house.node_micro
    assert (feeder.points, house.points) == (len(below) - 8, 8)
    assert feeder.remainder_micro + house.remainder_micro == feeder.node_micro - outside - house.member_micro
    assert feeder.allocated_micro == 0
    assert not ShareMonth.objects.filter(node_id=3).exists()


def test_a_flat_without_a_meter_counts_with_the_norm(houses):
    """The rule of house 14 says 25 kWh for one resident and month; whoever has no meter is not given away as a loss."""
    connect_at_house(14, code="U14", kind="flat")
    bill_month(MARCH)
    house, ids = latest(MARCH, 14), [n for n in range(1, POINTS + 1) if n % 20 == 3]
    used = rows("SELECT service_point_id, total_micro FROM metering_usagemonth WHERE month = '2021-03-01'")
    metered = used.filter(pl.col("service_point_id").is_in(ids))["total_micro"].sum()
    assert (house.member_micro - metered, house.unmetered_points, house.points) == (25 * KWH, 1, 9)
    assert differences() == []


def test_a_late_reading_of_one_flat_corrects_all_flats_of_its_house(houses):
    """Flat 63 of house 14 used more in March than was known: what the house gives back is less, for every flat."""
    march = bill_month(MARCH)
    posted, before = run_hash(march.pk), latest(MARCH, 14)
    late_reading(63)
    april = bill_month(APRIL)
    assert_sound(april)
    after = latest(MARCH, 14)
    assert after.revision == before.revision + 1
    assert after.member_micro > before.member_micro
    assert after.allocated_micro < before.allocated_micro < 0
    corrected = rows(
        """
        SELECT service_point_id, quantity_micro FROM billing_billline
        WHERE month = '2021-04-01' AND service_month = '2021-03-01' AND component = 'common'
        """
    ).filter(pl.col("service_point_id") % 20 == 3)
    assert corrected["service_point_id"].sort().to_list() == [n for n in range(1, POINTS + 1) if n % 20 == 3]
    assert corrected["quantity_micro"].sum() == after.allocated_micro - before.allocated_micro
    assert run_hash(march.pk) == posted
    assert differences() == []


def test_month_by_month_equals_all_at_once(utility):
    utility(POINTS)
    add_house_meters()
    for month in (MARCH, APRIL, MAY):
        bill_month(month)
    step_by_step = charged()
    balances = [(node, latest(MARCH, node).remainder_micro) for node in (3, 11, 13, 14)]
    assert NodeMonth.objects.filter(month=MARCH, revision__gt=0).exists(), "late readings changed March"
    assert differences() == []
    utility(POINTS)
    add_house_meters()
    for offset, month in enumerate((MARCH, APRIL, MAY)):
        bill_month(month, now=CLOSE[MAY] + timedelta(seconds=offset))
    assert not NodeMonth.objects.filter(revision__gt=0).exists()
    assert [(node, latest(MARCH, node).remainder_micro) for node in (3, 11, 13, 14)] == balances
    assert step_by_step.equals(charged())


def test_a_run_broken_off_in_its_balances_goes_on_to_the_same_hash(utility, monkeypatch):
    utility(POINTS)
    add_house_meters()
    undisturbed = run_hash(bill_month(MARCH, slices=8).pk)
    utility(POINTS)
    add_house_meters()
    run = plan_run(month=MARCH, now=CLOSE[MARCH], accounts_per_slice=-(-450 // 8))
    real, calls = slices.refresh_balance_slice, []

    def breaking(**kwargs):
        calls.append(1)
        written = real(**kwargs)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return written

    monkeypatch.setattr(slices, "refresh_balance_slice", breaking)
    with pytest.raises(KeyboardInterrupt):
        post_run(run_id=run.pk, now=CLOSE[MARCH], processes=1)
    assert 0 < NodeMonth.objects.count() < 4, "the second slice left nothing"
    monkeypatch.setattr(slices, "refresh_balance_slice", real)
    post_run(run_id=run.pk, now=CLOSE[MARCH], processes=1)
    assert run_hash(run.pk) == undisturbed


def test_a_preview_is_the_run(houses):
    preview = preview_run(month=MARCH, now=CLOSE[MARCH])
    assert NodeMonth.objects.count() == 0
    run = plan_run(month=MARCH, now=CLOSE[MARCH])
    summary = post_run(run_id=run.pk, now=CLOSE[MARCH], processes=1)
    assert (preview.bills, preview.amount_minor) == (summary.bills, summary.amount_minor)
    assert "common" in preview.components["component"].to_list()


def test_a_house_fed_from_elsewhere_is_rebalanced(houses):
    """In April it becomes known that house 13 hung on feeder B from 11 March on: both feeders' March changes."""
    bill_month(MARCH)
    before = latest(MARCH, 3)
    moved = datetime(2021, 4, 10, tzinfo=UTC)
    day = MARCH + timedelta(days=10)
    withdraw_facts(model=NodePlacement, subject={"node_id": 13}, valid_from=day, now=moved)
    bill_month(APRIL)
    after = latest(MARCH, 3)
    assert after.member_micro != before.member_micro
    assert after.revision == before.revision + 1
    assert differences() == []


def test_the_explanation_goes_down_to_the_house_meters_readings(houses):
    run = bill_month(MARCH)
    line = rows(
        "SELECT bill_id FROM billing_billline WHERE component = 'common' AND amount_minor > 0 LIMIT 1"
    )
    found = explain_bill(month=run.month, bill_id=line["bill_id"][0])
    tree = next(each.tree for each in found.lines if each.posted.component == "common")
    steps = list(tree.walk())
    (share,) = [step for step in steps if step.label.startswith("share of the remainder of")]
    (shared,) = [step for step in steps if step.label == "what is shared"]
    own, every = (
        next(step for step in steps if step.label.startswith(text))
        for text in ("own weight", "weight of all")
    )
    assert abs(share.value - shared.value * own.value / every.value) < 1
    (remainder,) = [step for step in steps if step.label == "remainder of the month"]
    meter, members = remainder.children
    assert remainder.value == meter.value - members.value
    assert members.value == sum(child.value for child in members.children)
    assert any(step.source.startswith("reading ") and "H11" in step.source for step in meter.walk())
    assert meter.value == sum(child.value for child in meter.children)


def test_a_planted_false_share_is_found(houses):
    bill_month(MARCH)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE balance_sharemonth DISABLE TRIGGER USER")
        cursor.execute("UPDATE balance_sharemonth SET days_micro[5] = days_micro[5] + 1 WHERE node_id = 14")
        cursor.execute("ALTER TABLE balance_sharemonth ENABLE TRIGGER USER")
    found = differences()
    assert len({difference.account_id for difference in found}) == 8
    assert "transformer-14" in found[0].what


def late_reading(number: int) -> datetime:
    """Flat `number` used much more in March than was known after March was billed; when that became known."""
    register = Register.objects.get(meter__installations__service_point_id=number)
    last = Reading.objects.filter(register=register, reading_date__lt=APRIL).order_by("-reading_date").first()
    known = CLOSE[MARCH] + timedelta(days=3)
    value = (last.value_micro // KWH + 400) % 100_000
    read_meter(register, APRIL - timedelta(days=1), value, bucket=last.bucket, known=known)
    return known + timedelta(hours=1)


def corrected_flats() -> list[int]:
    found = rows(
        "SELECT DISTINCT service_point_id FROM billing_billline"
        " WHERE service_month < month AND component = 'common' ORDER BY 1"
    )
    return found["service_point_id"].to_list()


def test_a_recalculation_reaches_the_neighbours_and_posts_once(houses):
    bill_month(MARCH)
    now = late_reading(63)
    house = [n for n in range(1, POINTS + 1) if n % 20 == 3]
    summary = recalculate(now=now, processes=1)
    assert summary.bills >= len(house)
    assert set(house) <= set(corrected_flats())
    run = BillRun.objects.get(pk=summary.run_id)
    assert_sound(run)
    assert differences() == []
    again = recalculate(now=now + timedelta(hours=1), processes=1)
    assert again is None or again.amount_minor == 0
    causes = bill_causes(Bill.objects.filter(run_id=run.pk, account_id=83).get())
    assert {cause.kind for cause in causes[MARCH, 83]} == {"balance"}
    assert {cause.name for cause in causes[MARCH, 83]} == {"transformer-14"}


def test_one_accounts_recalculation_leaves_its_neighbours_to_the_next_run(houses):
    march = bill_month(MARCH)
    now = late_reading(63)
    found = recalculate_account(account_id=63, now=now)
    assert "common" in found.lines["component"].to_list()
    assert corrected_flats() == [63]
    april = bill_month(APRIL)
    house = [n for n in range(1, POINTS + 1) if n % 20 == 3]
    assert set(house) <= set(corrected_flats())
    assert_sound(march)
    assert_sound(april)
    assert differences() == []


def test_who_moves_out_is_billed_the_share_of_its_days_with_the_month(houses):
    """Flat 23 of house 14, without a share at its final bill, gets back what its days of April are worth in May."""
    bill_month(MARCH)
    account = find_account(number="23", scope=EVERYTHING, on_date=APRIL)
    last, now = datetime(2021, 4, 20, tzinfo=UTC).date(), datetime(2021, 4, 25, tzinfo=UTC)
    done = settle(
        order=MoveOrder(account=account, last_date=last, is_estimate=True, next_account_id=43),
        now=now,
        actor=None,
    )
    assert done.waits_for_shares
    assert "common" not in done.lines.filter(pl.col("service_month") == APRIL)["component"].to_list()
    assert_sound(bill_month(APRIL))
    shared = ShareMonth.objects.get(month=APRIL, node_id=14, service_point_id=23)
    billed = rows(
        """
        SELECT b.account_id, sum(l.quantity_micro)::bigint AS micro
        FROM billing_billline l JOIN billing_bill b ON b.month = l.month AND b.id = l.bill_id
        WHERE l.component = 'common' AND l.service_month = '2021-04-01' AND l.service_point_id = 23
        GROUP BY 1 ORDER BY 1
        """
    )
    assert dict(billed.iter_rows()) == {23: sum(shared.days_micro[:20]), 43: sum(shared.days_micro[20:])}
    assert sum(shared.days_micro[:20]) < 0, "house 14 gives back"
    late = Bill.objects.filter(account_id=23, month=APRIL).latest("recorded_at")
    assert {line.service_month for line in explain_bill(month=APRIL, bill_id=late.id).lines} >= {APRIL}
    assert differences() == []
