"""A worker corrects by itself the accounts that late facts touch; what concerns too many waits for a person."""

import os
import signal
import subprocess
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import override_settings

from billing.population import HOME
from billing.test_jobs import WORKER, blocked_reads, job_statuses, wait_until, work
from billing.test_recalculation import JUNE, LATER, another_resident, replayed_differences
from billing.test_runs import MAY, assert_sound
from mains.billing.actions.recalculations import plan_recalculation
from mains.billing.actions.recalculations.watching import UnableToAgree, agree, look, look_now, look_when_due
from mains.billing.actions.runs import plan_run, post_run
from mains.billing.models import Bill, BillException, BillRun, RecalculationLook
from mains.billing.queries.watch import (
    UnableToReadSchedule,
    count_waiting,
    list_watches,
    read_limit,
    read_schedule,
)
from mains.staff.models import User
from mains.tariffs.actions.publish import publish_tariff

AT = datetime(2026, 11, 27, 13, tzinfo=UTC)
HOUR = timedelta(hours=1)


def late_resident(account: int = 12) -> None:
    another_resident(account, since=date(2021, 3, 20), now=LATER - HOUR)


def dearer() -> None:
    """A standing charge that was another since 2020: everybody with the homes' tariff is touched."""
    publish_tariff(document=HOME.replace("value: 12.50", "value: 15.00"), now=LATER - HOUR)


def recalculations() -> list[BillRun]:
    return list(BillRun.objects.filter(kind="recalculation").order_by("facts_as_of"))


def looked(*, now: datetime = LATER, at: datetime = AT) -> RecalculationLook:
    return look(cycle="monthly", now=now, looked_at=at)


def test_a_real_worker_corrects_what_is_due(billed_utility, monkeypatch):
    """Nobody asks: the minute's tick of the worker finds that nobody has looked yet."""
    late_resident()
    monkeypatch.setenv("MAINS_TODAY", "2021-06-08")
    monkeypatch.setenv("MAINS_RECALCULATE", "15")
    environment = os.environ | {"MAINS_DATABASE": billed_utility}
    worker = subprocess.Popen(WORKER, env=environment)
    try:
        wait_until(lambda: RecalculationLook.objects.filter(outcome="posted").exists(), seconds=90)
        wait_until(lambda: not job_statuses())
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=30)
    (run,) = recalculations()
    assert_sound(run)
    # 12, and some whose readings of early June replaced forecasts of May.
    bills = Bill.objects.filter(run_id=run.pk)
    assert 12 in {bill.account_id for bill in bills}
    kept = RecalculationLook.objects.get()
    assert (kept.run_id, kept.touched, kept.at_most) == (run.pk, len(bills), 20)
    assert replayed_differences() == []


def test_what_concerns_too_many_waits_for_a_person(billed_utility):
    dearer()
    waits = looked()
    assert (waits.outcome, waits.at_most, recalculations()) == ("waits", 20, [])
    assert waits.touched > 300
    assert count_waiting() == 1
    (watch,) = list_watches(now=AT)
    assert (watch.waits, watch.touched) == (True, waits.touched)
    actor = User.objects.create_user("boss")
    with pytest.raises(UnableToAgree):
        agree(cycle="monthly", touched=waits.touched - 1, actor_id=actor.pk, now=AT)
    agree(cycle="monthly", touched=waits.touched, actor_id=actor.pk, now=AT)
    assert job_statuses() == ["todo"]
    assert count_waiting() == 0
    posted = looked(now=LATER + HOUR)
    (run,) = recalculations()
    assert (posted.outcome, posted.run_id, run.created_by_id) == ("posted", run.pk, actor.pk)
    assert posted.agreed_at is None
    assert posted.touched == Bill.objects.filter(run_id=run.pk).count() > 300
    assert_sound(run)
    with pytest.raises(UnableToAgree):
        agree(cycle="monthly", touched=posted.touched, actor_id=actor.pk, now=AT)


def test_while_a_month_is_billed_nothing_is_posted(billed_utility):
    late_resident()
    june = plan_run(month=JUNE, now=datetime(2021, 7, 3, tzinfo=UTC))
    held = looked(now=datetime(2021, 7, 3, 1, tzinfo=UTC))
    assert (held.outcome, recalculations()) == ("held", [])
    assert f"Run {june.pk} " in held.message
    post_run(run_id=june.pk, now=june.facts_as_of, processes=1)
    again = looked(now=datetime(2021, 7, 3, 2, tzinfo=UTC))
    assert (again.outcome, recalculations()) == ("nothing", []), "the month has corrected it"


def test_an_account_that_cannot_be_computed_is_not_tried_for_ever(billed_utility):
    """Whoever was left out is tried again when something becomes known, not with every look."""
    late_resident()
    run = BillRun.objects.get(month=MAY, kind="monthly")
    BillException.objects.create(run=run, account_id=15, code="no-tariff-edition", message="", blocking=True)
    assert looked().outcome == "posted"
    (first,) = recalculations()
    assert first.accounts == 2, "with a new fact the one that was left out is tried too"
    assert looked(now=LATER + HOUR).outcome == "nothing"
    assert recalculations() == [first]


@pytest.mark.slow
def test_a_killed_worker_is_resumed_and_posts_once(billed_utility, monkeypatch):
    late_resident()
    monkeypatch.setenv("MAINS_TODAY", "2021-06-08")
    environment = os.environ | {"MAINS_DATABASE": billed_utility}
    assert look_now(cycle="monthly")
    assert not look_now(cycle="monthly"), "the same waits already"
    with blocked_reads("metering_usagemonth"):
        worker = subprocess.Popen([*WORKER, "--stalled-after", "1"], env=environment)
        try:
            wait_until(lambda: job_statuses() == ["doing"])
            time.sleep(1)
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
    time.sleep(1.5)
    work(billed_utility, "--stalled-after", "1")
    (run,) = recalculations()
    assert run.status == "posted"
    assert_sound(run)
    assert Bill.objects.filter(run_id=run.pk, account_id=12).count() == 1
    assert RecalculationLook.objects.get().outcome == "posted"


def test_a_recalculation_that_was_begun_is_finished_whatever_the_limit(billed_utility):
    dearer()
    begun = plan_recalculation(now=LATER)
    posted = looked(now=LATER + HOUR)
    assert (posted.outcome, posted.run_id) == ("posted", begun.pk)


def test_looks_follow_the_setting(billed_utility):
    assert looked().outcome == "nothing"
    for setting, after, is_due in (
        ("15", timedelta(minutes=14), False),
        ("15", timedelta(minutes=15), True),
        ("02:30", timedelta(hours=13), False),
        ("02:30", timedelta(hours=14), True),
        ("off", timedelta(days=9), False),
    ):
        with override_settings(RECALCULATE=setting):
            assert look_when_due(now=AT + after) == (["monthly"] if is_due else [])
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs")
    with override_settings(RECALCULATE="often"), pytest.raises(UnableToReadSchedule):
        look_when_due(now=AT)


@pytest.mark.parametrize(
    ("text", "accounts", "limit"),
    [("5%", 823_000, 41_150), ("5%", 19, 0), ("1000", 40, 1000), ("100%", 7, 7)],
)
def test_the_limit_is_a_number_or_a_share(text, accounts, limit):
    with override_settings(RECALCULATE_AT_MOST=text):
        assert read_limit().of(accounts) == limit


@pytest.mark.parametrize("text", ["", "5 per cent", "101%", "-3"])
def test_another_limit_is_refused(text):
    with override_settings(RECALCULATE_AT_MOST=text), pytest.raises(UnableToReadSchedule) as refusal:
        read_limit()
    assert "5%" in refusal.value.remedy


@pytest.mark.parametrize("text", ["0", "24:00", "1:30", "15 min", "-1"])
def test_another_schedule_is_refused(text):
    with override_settings(RECALCULATE=text), pytest.raises(UnableToReadSchedule):
        read_schedule()
