"""An officer reads and bills at the door: once per key, by the engine of the month's run, which adds only the rest.

Account 14 has one meter (register 140), read on 15 June; the officer stands there on 20 June, and it goes on paying.
"""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connections

from billing.test_recalculation import replayed_differences
from billing.test_runs import assert_sound, bill_month
from billing.test_settlement import JUNE, JUNE_CLOSE, LAST, billed_in_june, final, metered, used
from mains.billing.actions.on_site import (
    OnSiteOrder,
    Position,
    UnableToBillOnSite,
    bill_on_site,
    find_on_site,
    preview_on_site,
)
from mains.billing.actions.settlements import MoveOrder, settle
from mains.billing.models import Bill, BillLine, BillRun, OnSiteBill
from mains.billing.queries.explain import explain_bill
from mains.customers.queries.records import find_account
from mains.ledger.queries.current_account import current_account
from mains.ledger.queries.invariants import find_breaches
from mains.metering.actions.readings import record_reading
from mains.metering.models import Reading
from mains.staff.values import EVERYTHING

VISIT = datetime(2021, 6, 20, 8, 40, tzinfo=UTC)
NOW = datetime(2021, 6, 20, 8, 45, tzinfo=UTC)


def visit(account: int = 14, **more: object) -> OnSiteOrder:
    found = find_account(number=str(account), scope=EVERYTHING, on_date=LAST)
    assert found
    given = {
        "account": found,
        "readings": (final(),),
        "captured_at": VISIT,
        "idempotency_key": "visit-1",
        "position": Position(latitude_micro=56_837_700, longitude_micro=60_597_500, accuracy_m=8),
        "officer": "Anna Petrova",
    }
    return OnSiteOrder(**given | more)


def test_the_bill_at_the_door_covers_the_days_so_far_and_the_month_adds_the_rest(billed_utility):
    asked = visit()
    seen = preview_on_site(order=asked, now=NOW)
    assert not BillRun.objects.filter(kind="on_site").exists()
    assert not Reading.objects.filter(register_id=140, reading_date=LAST).exists()
    owed = current_account(account_id=14).closing_minor
    done = bill_on_site(order=asked, now=NOW, actor=None, expected_minor=seen.amount_minor)
    assert done.lines.equals(seen.lines)
    run = BillRun.objects.get(pk=done.run_id)
    assert_sound(run)
    (bill,) = billed_in_june(14)
    assert (bill.id, bill.amount_minor, bill.issued_on) == (done.bill_id, seen.amount_minor, LAST)
    assert (bill.quantity_micro, bill.estimated_days) == (metered(until=LAST), 0)
    assert current_account(account_id=14).closing_minor == owed + bill.amount_minor
    # 20 of 30 days of the standing charge of 12.50, and the tiers of 20 days, as a settlement of that day has them.
    lines = {line.component: line.amount_minor for line in BillLine.objects.filter(
        month=JUNE, bill_id=bill.id, service_month=JUNE)}  # fmt: skip
    use = metered(until=LAST)
    assert lines["service"] == 833
    assert lines["supply"] == round(100 * 329 + (use - 100_000_000) * 457 / 1_000_000)
    assert (
        len(explain_bill(month=JUNE, bill_id=bill.id).lines)
        == BillLine.objects.filter(month=JUNE, bill_id=bill.id).count()
    )
    reading = Reading.objects.get(register_id=140, reading_date=LAST)
    assert reading.evidence["latitude"] == 56.8377
    assert (reading.evidence["officer"], reading.evidence["visit"]) == ("Anna Petrova", "visit-1")
    june = bill_month(JUNE, now=JUNE_CLOSE)
    assert_sound(june)
    at_the_door, rest = billed_in_june(14)
    assert at_the_door == bill
    assert used(14) == metered()
    assert len(explain_bill(month=JUNE, bill_id=rest.id).lines) > 0
    # The standing charge of the whole month is 12.50 on both bills together.
    parts = BillLine.objects.filter(month=JUNE, bill_id__in=[bill.id, rest.id], component="service")
    assert sum(parts.filter(service_month=JUNE).values_list("amount_minor", flat=True)) == 1250
    assert replayed_differences() == []
    assert find_breaches() == []


def test_the_same_key_makes_one_bill_and_another_wish_is_refused(billed_utility):
    asked = visit()
    first = bill_on_site(order=asked, now=NOW, actor=None)
    again = bill_on_site(order=asked, now=NOW + timedelta(hours=3), actor=None)
    assert (again.bill_id, again.amount_minor, again.was_made) == (first.bill_id, first.amount_minor, True)
    assert find_on_site(idempotency_key="visit-1") == again
    with pytest.raises(UnableToBillOnSite) as refused:
        bill_on_site(order=visit(readings=(final(31),)), now=NOW, actor=None)
    assert refused.value.code == "visit-key-used"
    assert BillRun.objects.filter(kind="on_site").count() == OnSiteBill.objects.count() == 1


def test_simultaneous_calls_with_one_key_make_one_bill(billed_utility):
    asked, found = visit(), []

    def call() -> None:
        try:
            found.append(bill_on_site(order=asked, now=NOW, actor=None).bill_id)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert Bill.objects.filter(account_id=14, month=JUNE).count() == 1


def test_a_bill_made_without_a_connection_arrives_later_and_says_by_how_much_it_differs(billed_utility):
    # Two days before it arrives the office had a later reading; the visit's own reading still counts for its day.
    record_reading(
        register_id=140,
        reading_date=date(2021, 6, 22),
        text_value=str(int(final(60).text_value)),
        source=40,
        actor=None,
        now=datetime(2021, 6, 22, 12, tzinfo=UTC),
    )
    arrived = datetime(2021, 6, 24, 18, tzinfo=UTC)
    done = bill_on_site(order=visit(printed_minor=50_000), now=arrived, actor=None)
    (bill,) = billed_in_june(14)
    assert (bill.issued_on, bill.recorded_at, done.billed_through) == (LAST, arrived, LAST)
    assert done.differs_minor == bill.amount_minor - 50_000
    # A second visit on the 24th bills only what is new since.
    second = bill_on_site(
        order=visit(
            idempotency_key="visit-2",
            captured_at=datetime(2021, 6, 24, 17, tzinfo=UTC),
            readings=(final(70),),
        ),
        now=arrived + timedelta(hours=1),
        actor=None,
    )
    assert second.billed_through == date(2021, 6, 24)
    assert used(14) == metered(until=date(2021, 6, 24))
    # One of the 21st comes last and takes nothing back.
    third = bill_on_site(
        order=visit(
            idempotency_key="visit-3",
            captured_at=datetime(2021, 6, 21, 9, tzinfo=UTC),
            readings=(final(40),),
        ),
        now=arrived + timedelta(hours=2),
        actor=None,
    )
    assert third.billed_through == date(2021, 6, 24)
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    assert used(14) == metered()
    assert replayed_differences() == []


def test_a_visit_of_a_month_billed_by_now_corrects_it(billed_utility):
    day = datetime(2021, 5, 30, 10, tzinfo=UTC)
    last = Reading.objects.filter(register_id=140, superseded_at=None, reading_date__lt=day.date())
    shown = last.latest("reading_date").value_micro // 1_000_000
    found = visit(captured_at=day, readings=(final_of(shown + 15),))
    done = bill_on_site(order=found, now=NOW, actor=None)
    months = set(done.lines["service_month"])
    assert months == {date(2021, 5, 1)}
    assert replayed_differences() == []


def final_of(value: int):
    from mains.billing.actions.open_month import FinalReading

    return FinalReading(register_id=140, text_value=str(value))


def test_who_moves_out_after_a_bill_at_the_door_is_billed_the_rest_once(billed_utility):
    bill_on_site(order=visit(captured_at=datetime(2021, 6, 17, 9, tzinfo=UTC)), now=NOW, actor=None)
    account = find_account(number="14", scope=EVERYTHING, on_date=LAST)
    assert account
    settle(
        order=MoveOrder(account=account, last_date=LAST, readings=(final_of(_shown() + 12),)),
        now=NOW + timedelta(hours=1),
        actor=None,
    )
    assert used(14) == metered(until=LAST)
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    assert replayed_differences() == []


def _shown() -> int:
    return (
        Reading.objects.filter(register_id=140, superseded_at=None).latest("reading_date").value_micro
        // 10**6
    )


def test_what_cannot_be_billed_keeps_nothing(billed_utility):
    cases = {
        "day-to-come": visit(captured_at=NOW + timedelta(hours=1)),
        "visit-key": visit(idempotency_key=" "),
        "visit-position": visit(position=Position(latitude_micro=91_000_000, longitude_micro=0)),
        "final-reading-missing": visit(readings=()),
        "register-elsewhere": visit(readings=(_of_register(150),)),
        "lower-than-last": visit(readings=(final_of(1),)),
    }
    for code, asked in cases.items():
        with pytest.raises(UnableToBillOnSite) as refused:
            bill_on_site(order=asked, now=NOW, actor=None)
        assert refused.value.code == code
    assert not OnSiteBill.objects.exists()
    assert not Reading.objects.filter(register_id=140, reading_date=LAST).exists()


def _of_register(register: int):
    from mains.billing.actions.open_month import FinalReading

    return FinalReading(register_id=register, text_value="5")
