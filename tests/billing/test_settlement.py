"""Who moves out gets the final bill on the day, once; the month's run, and everything that comes later, adds the rest.

Account 14 has one meter (register 140), read on 15 June. It moves out on 20 June, and account 15 takes over.
"""

import os
import random
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from django.db import connection

from billing.test_jobs import blocked_reads, wait_until
from billing.test_recalculation import another_resident, replayed_differences
from billing.test_runs import MAY, assert_sound, bill_month, rows
from mains.billing.actions.recalculations import recalculate
from mains.billing.actions.runs import UnableToPlanRun, plan_run
from mains.billing.actions.settlements import (
    FinalReading,
    MoveOrder,
    Settlement,
    UnableToSettle,
    preview_settlement,
    settle,
)
from mains.billing.models import Bill, BillLine, BillRun
from mains.billing.queries.explain import explain_bill
from mains.customers.actions.moves import NewPayer, UnableToMove
from mains.customers.actions.registry import sign_agreement
from mains.customers.models import Account, Agreement, Customer, Party
from mains.customers.queries.records import find_account
from mains.ledger.queries.current_account import current_account
from mains.metering.actions.readings import record_reading
from mains.metering.models import ClassAverage, Installation, Reading, ReadingException, Register
from mains.staff.values import EVERYTHING

JUNE = date(2021, 6, 1)
LAST = date(2021, 6, 20)
NOW = datetime(2021, 6, 25, 9, tzinfo=UTC)
JUNE_CLOSE = datetime(2021, 7, 3, tzinfo=UTC)
DAY = timedelta(days=1)


def order(account: int = 14, **more: object) -> MoveOrder:
    found = find_account(number=str(account), scope=EVERYTHING, on_date=LAST)
    assert found
    return MoveOrder(**{"account": found, "last_date": LAST} | more)


def final(more: int = 30, *, register: int = 140) -> FinalReading:
    read = Reading.objects.filter(register_id=register, superseded_at=None, reading_date__lt=LAST)
    shown = read.latest("reading_date").value_micro // 1_000_000
    return FinalReading(register_id=register, text_value=str(shown + more))


def moved(**more: object) -> Settlement:
    """Account 14 as it moves out with a final reading."""
    return settle(order=order(readings=(final(),), next_account_id=15, **more), now=NOW, actor=None)


def agreements(point: int = 14) -> list[tuple[int, date, date | None]]:
    believed = Agreement.objects.filter(service_point_id=point, superseded_at=None).order_by("valid")
    return [(row.account_id, row.valid.lower, row.valid.upper) for row in believed]


def used(account: int, *, month: date = JUNE, point: int = 14) -> int:
    """What the account was billed for the point's use of a month, in all, in micro-units."""
    found = rows(
        f"""
        SELECT coalesce(sum(l.quantity_micro), 0)::bigint AS micro
        FROM billing_billline l JOIN billing_bill b ON b.month = l.month AND b.id = l.bill_id
        WHERE b.account_id = {account} AND l.service_point_id = {point} AND l.service_month = '{month}'
          AND l.component = 'supply'
        """
    )
    return int(found["micro"][0])


def metered(*, until: date = date(2021, 6, 30), month: date = JUNE, point: int = 14) -> int:
    """The stored use of the point from the month's first day up to a day."""
    found = rows(
        f"""
        SELECT days_micro FROM metering_usagemonth WHERE month = '{month}' AND service_point_id = {point}
        ORDER BY revision DESC LIMIT 1
        """
    )
    return sum(found["days_micro"][0].to_list()[: (until - month).days + 1])


def billed_in_june(account: int) -> list[Bill]:
    return list(Bill.objects.filter(account_id=account, month=JUNE).order_by("recorded_at"))


def test_the_final_bill_is_posted_on_the_day_and_the_month_adds_nothing(billed_utility):
    asked = order(readings=(final(),), next_account_id=15)
    seen = preview_settlement(order=asked, now=NOW)
    assert not BillRun.objects.filter(kind="settlement").exists()
    assert agreements() == [(14, date(2020, 1, 1), None)]
    assert not Reading.objects.filter(register_id=140, reading_date=LAST).exists()
    owed = current_account(account_id=14).closing_minor
    done = settle(order=asked, now=NOW, actor=None, expected_minor=seen.amount_minor)
    assert done.lines.equals(seen.lines)
    assert agreements() == [(14, date(2020, 1, 1), LAST + DAY), (15, LAST + DAY, None)]
    run = BillRun.objects.get(pk=done.run_id)
    assert_sound(run)
    (bill,) = billed_in_june(14)
    assert (bill.id, bill.run_id, bill.amount_minor) == (done.bill_id, run.pk, seen.amount_minor)
    assert (bill.quantity_micro, bill.estimated_days) == (metered(until=LAST), 0)
    assert (
        current_account(account_id=14).closing_minor == owed + bill.amount_minor == done.balance_after_minor
    )
    # 20 of 30 days of the standing charge of 12.50, and the tiers of 20 days: 3.29 up to 100 kWh, then 4.57.
    lines = {line.component: line.amount_minor for line in BillLine.objects.filter(
        month=JUNE, bill_id=bill.id, service_month=JUNE)}  # fmt: skip
    use = metered(until=LAST)
    assert use > 100_000_000
    assert lines["service"] == 833
    assert lines["supply"] == round(100 * 329 + (use - 100_000_000) * 457 / 1_000_000)
    assert [len(explain_bill(month=JUNE, bill_id=bill.id).lines)] == [
        BillLine.objects.filter(month=JUNE, bill_id=bill.id).count()
    ]
    june = bill_month(JUNE, now=JUNE_CLOSE)
    assert_sound(june)
    assert billed_in_june(14) == [bill]
    assert used(14) + used(15) == metered()
    assert replayed_differences() == []


def test_the_same_order_again_changes_nothing(billed_utility):
    done = moved()
    counts = Agreement.objects.count(), Reading.objects.count(), ReadingException.objects.count()
    again = settle(
        order=order(readings=(FinalReading(register_id=140, text_value=_shown()),), next_account_id=15),
        now=NOW + timedelta(hours=1),
        actor=None,
    )
    assert (again.run_id, again.amount_minor, again.next_number) == (None, 0, "15")
    assert (Agreement.objects.count(), Reading.objects.count(), ReadingException.objects.count()) == counts
    assert [bill.run_id for bill in billed_in_june(14)] == [done.run_id]


def _shown() -> str:
    return str(Reading.objects.get(register_id=140, reading_date=LAST).value_micro // 1_000_000)


def test_without_a_final_reading_it_is_refused_or_estimated_and_corrected_later(billed_utility):
    with pytest.raises(UnableToSettle) as refusal:
        settle(order=order(), now=NOW, actor=None)
    assert (refusal.value.code, "estimate" in refusal.value.remedy) == ("final-reading-missing", True)
    assert agreements() == [(14, date(2020, 1, 1), None)]
    done = settle(order=order(is_estimate=True, next_account_id=15), now=NOW, actor=None)
    assert done.estimated_days == 5  # the 16th to the 20th, after the reading of the 15th
    outcome = record_reading(
        register_id=140, reading_date=LAST, text_value=final(40).text_value, source=10, actor=None,
        now=NOW + timedelta(hours=2),
    )  # fmt: skip
    assert outcome.decision == "accept"
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    first, rest = billed_in_june(14)
    assert first.quantity_micro + rest.quantity_micro == metered(until=LAST) == used(14)
    assert rest.amount_minor != 0
    assert rest.correction_minor == 0
    assert used(15) + used(14) == metered()
    explained = explain_bill(month=JUNE, bill_id=rest.id)
    assert any("final" not in line.title and line.computed is None for line in explained.lines)
    assert {cause.kind for line in explained.lines for cause in line.causes} == {"late_reading"} or {
        cause.kind for line in explained.lines for cause in line.causes
    } == {"forecast_replaced"}
    assert replayed_differences() == []


@pytest.mark.parametrize("right", [date(2021, 6, 17), date(2021, 6, 23), date(2021, 5, 12)])
def test_another_day_corrects_both_by_the_difference(billed_utility, right):
    """The 20th was wrong: whatever is posted step by step is what the right day gives at once."""
    moved()
    again = settle(order=order(last_date=right, is_estimate=True), now=NOW + timedelta(hours=3), actor=None)
    assert again.amount_minor != 0
    assert agreements() == [(14, date(2020, 1, 1), right + DAY), (15, right + DAY, None)]
    assert_sound(BillRun.objects.get(pk=again.run_id))
    recalculate(now=NOW + timedelta(hours=4), processes=1)
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    for month in (MAY, JUNE):
        until = min(right, date(2021, 5, 31)) if month == MAY else right
        own = metered(until=until, month=month) if right >= month else 0
        whole = metered(month=month, until=date(2021, month.month, 31 if month == MAY else 30))
        assert (used(14, month=month), used(15, month=month)) == (own, whole - own)
    assert replayed_differences() == []


def test_a_day_in_a_billed_month_pays_back_at_once(billed_utility):
    read = Reading.objects.filter(register_id=140, superseded_at=None, reading_date=date(2021, 5, 15)).get()
    done = settle(order=order(last_date=read.reading_date, next_account_id=15), now=NOW, actor=None)
    assert done.month == JUNE
    assert done.lines["service_month"].unique().to_list() == [MAY]
    assert done.amount_minor < 0
    assert {cause.kind for causes in done.causes.values() for cause in causes} >= {"agreement"}
    assert_sound(BillRun.objects.get(pk=done.run_id))
    recalculate(now=NOW + timedelta(hours=1), processes=1)
    until = read.reading_date
    assert used(14, month=MAY) == metered(until=until, month=MAY)
    assert used(15, month=MAY) == metered(until=date(2021, 5, 31), month=MAY) - used(14, month=MAY)
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    assert len(billed_in_june(14)) == 1
    assert used(15) == metered()
    assert replayed_differences() == []


def test_what_the_account_goes_on_paying_for_is_billed_by_the_month(billed_utility):
    """Account 14 pays for point 16 too, and leaves point 14 only."""
    account = Account.objects.get(pk=14)
    sign_agreement(
        account=account, service_point_id=16, tariff_id=1, provider=Party.objects.get(), category="household",
        valid_from=JUNE, actor=None, now=NOW - DAY, is_move=True,
    )  # fmt: skip
    done = settle(
        order=order(readings=(final(),), service_point_ids=(14,), next_account_id=15), now=NOW, actor=None
    )
    assert set(done.lines["service_point_id"]) == {14}
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    settled, monthly = billed_in_june(14)
    assert settled.run_id == done.run_id
    lines = BillLine.objects.filter(month=JUNE, bill_id=monthly.id)
    assert {line.service_point_id for line in lines} == {16}
    assert monthly.quantity_micro == used(14, point=16) == metered(point=16)
    assert replayed_differences() == []


def test_whatever_is_refused_leaves_nothing(billed_utility):
    before = Agreement.objects.count(), Customer.objects.count(), Reading.objects.count()
    lower = FinalReading(register_id=140, text_value="1")
    newcomer = NewPayer(name="Nadia")
    for asked, code in (
        (order(readings=(lower,), next_payer=newcomer), "lower-than-last"),
        (order(readings=(FinalReading(register_id=140, text_value="x"),)), "reading-letters"),
        (order(readings=(FinalReading(register_id=150, text_value="1"),)), "register-elsewhere"),
        (order(last_date=NOW.date() + DAY, is_estimate=True), "day-to-come"),
        (order(last_date=date(2019, 1, 1), is_estimate=True), "nothing-to-leave"),
        (order(service_point_ids=(15,), is_estimate=True), "nothing-to-leave"),
    ):
        with pytest.raises(UnableToSettle) as refusal:
            settle(order=asked, now=NOW, actor=None)
        assert refusal.value.remedy
        if code != "reading-letters":
            assert refusal.value.code == code, refusal.value
    with pytest.raises(UnableToMove):
        settle(order=order(is_estimate=True, next_account_id=14), now=NOW, actor=None)
    with pytest.raises(UnableToSettle) as refusal:
        settle(order=order(is_estimate=True), now=NOW, actor=None, expected_minor=1)
    assert refusal.value.code == "settlement-changed"
    assert (Agreement.objects.count(), Customer.objects.count(), Reading.objects.count()) == before
    assert not ReadingException.objects.exists()
    assert not BillRun.objects.filter(kind="settlement").exists()


def test_a_month_that_waits_comes_first(billed_utility):
    with pytest.raises(UnableToSettle) as refusal:
        settle(
            order=order(last_date=date(2021, 7, 2), is_estimate=True),
            now=datetime(2021, 7, 3, tzinfo=UTC),
            actor=None,
        )
    assert (refusal.value.code, "2021-06" in refusal.value.remedy) == ("month-before-open", True)
    plan_run(month=JUNE, now=JUNE_CLOSE)
    with pytest.raises(UnableToPlanRun) as unfinished:
        settle(order=order(is_estimate=True), now=JUNE_CLOSE + DAY, actor=None)
    assert unfinished.value.code == "run-unfinished"


def test_a_new_customer_takes_over(billed_utility):
    newcomer = NewPayer(name="Nadia Petrova", phone="+7 978 000 00 00")
    with connection.cursor() as cursor:  # the population numbers its customers itself
        for table in ("customers_customer", "customers_account"):
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 20000000)", [table])
    asked = order(readings=(final(),), next_payer=newcomer, proof="contract 7")
    done = settle(order=asked, now=NOW, actor=None)
    account = Account.objects.get(number=done.next_number)
    assert (account.customer.name, account.opened_on, account.cycle) == (
        "Nadia Petrova",
        LAST + DAY,
        "monthly",
    )
    assert agreements()[1] == (account.pk, LAST + DAY, None)
    again = settle(order=order(next_payer=newcomer), now=NOW + timedelta(hours=1), actor=None)
    assert (again.run_id, again.next_number) == (None, done.next_number)
    assert Customer.objects.filter(name="Nadia Petrova").count() == 1
    earlier = settle(
        order=order(last_date=LAST - 3 * DAY, is_estimate=True), now=NOW + timedelta(hours=2), actor=None
    )
    assert earlier.next_number == done.next_number
    account.refresh_from_db()
    assert account.opened_on == LAST - 2 * DAY
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    assert used(account.pk) + used(14) == metered()
    assert replayed_differences() == []


def test_a_settlement_leaves_the_averages_of_classes_to_the_month(billed_utility):
    kept = set(ClassAverage.objects.values_list("month", flat=True))
    moved()
    assert set(ClassAverage.objects.values_list("month", flat=True)) == kept
    with_settlement = bill_month(JUNE, now=JUNE_CLOSE)
    assert with_settlement.status == "posted"
    assert set(ClassAverage.objects.values_list("month", flat=True)) == kept | {JUNE}


def test_a_meter_without_history_is_not_estimated_at_nought(billed_utility):
    """Only an average of its class could tell the use of a meter that was never read."""
    Reading.objects.filter(register_id=140, superseded_at=None).update(superseded_at=NOW - DAY)
    with pytest.raises(UnableToSettle) as refusal:
        settle(order=order(is_estimate=True), now=NOW, actor=None)
    assert refusal.value.code == "no-forecast"


def test_home_without_meter_is_settled_by_the_norm(billed_utility):
    """12 has one resident and no meter: 50 kWh a month, 20 of 30 days."""
    another_resident(12, since=JUNE, now=NOW - DAY)
    assert not Installation.objects.filter(service_point_id=12).exists()
    done = settle(order=order(12), now=NOW, actor=None)
    supply = done.lines.filter(pl.col("component") == "supply", pl.col("service_month") == JUNE)
    assert supply["amount_minor"].to_list() == [round(2 * 50 * 20 / 30 * 329)]
    assert agreements(12)[-1] == (12, date(2020, 1, 1), LAST + DAY)
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    assert len(billed_in_june(12)) == 1


def test_each_register_of_a_meter_is_read(billed_utility):
    """31 has a meter of two zones."""
    registers = list(Register.objects.filter(meter_id=31).values_list("pk", flat=True))
    readings = tuple(final(7, register=register) for register in registers)
    with pytest.raises(UnableToSettle) as refusal:
        settle(order=order(31, readings=readings[:1]), now=NOW, actor=None)
    assert refusal.value.code == "final-reading-missing"
    done = settle(order=order(31, readings=readings), now=NOW, actor=None)
    assert {"day_energy", "night_energy", "vat"} <= set(done.lines["component"])
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    assert len(billed_in_june(31)) == 1
    assert replayed_differences() == []


@pytest.mark.slow
def test_a_killed_settlement_leaves_nothing_or_all(billed_utility, monkeypatch):
    """SIGKILL at random moments of the command; given again until it ends, it has posted once what was previewed."""
    monkeypatch.setenv("MAINS_TODAY", "2021-06-25")
    asked = order(readings=(final(),), next_account_id=15)
    expected = preview_settlement(order=asked, now=NOW).amount_minor
    value = asked.readings[0].text_value
    command = [sys.executable, "-m", "mains", "settle", "14", "--on", "2021-06-20", "--reading", f"14={value}",
               "--next", "15"]  # fmt: skip
    environment = os.environ | {"MAINS_DATABASE": billed_utility}
    began = time.monotonic()
    with blocked_reads("billing_billrunbucket"):  # at its last step, with everything else written
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        wait_until(_waits_for_a_lock)
        usual = time.monotonic() - began
        process.kill()
        process.wait()
    assert agreements() == [(14, date(2020, 1, 1), None)]
    assert not Reading.objects.filter(register_id=140, reading_date=LAST).exists()
    chance = random.Random(14)
    for _ in range(4):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        time.sleep(usual * chance.uniform(0.3, 1.1))
        process.kill()
        process.wait()
        moved_on = len(agreements()) == 2
        assert moved_on == Reading.objects.filter(register_id=140, reading_date=LAST).exists()
        assert moved_on == BillRun.objects.filter(kind="settlement").exists()
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=100)
    (run,) = BillRun.objects.filter(kind="settlement")
    assert_sound(run)
    assert [bill.amount_minor for bill in billed_in_june(14)] == [expected]


def _waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone() != (0,)
