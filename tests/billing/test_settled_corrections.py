"""What becomes known of an open month after an account was settled for it is corrected at once, to both sides' cent.

The cast of `test_settlement`: account 14 moved out on 20 June, account 15 took over; June is not billed yet.
"""

from datetime import date, datetime, timedelta
from itertools import chain

import pytest

from billing.test_recalculation import another_resident, replayed_differences
from billing.test_runs import assert_sound, bill_month
from billing.test_settlement import (
    JUNE,
    JUNE_CLOSE,
    LAST,
    NOW,
    billed_in_june,
    final,
    metered,
    moved,
    order,
    used,
)
from mains.base.dated import record_fact
from mains.base.db import adbc_connect
from mains.billing.actions.recalculations import preview_account, recalculate, recalculate_account
from mains.billing.actions.recalculations.watching import look
from mains.billing.actions.settlements import settle
from mains.billing.models import BillException, BillLine, BillRun
from mains.billing.queries.explain import explain_bill, explain_corrections
from mains.billing.queries.plans import get_plan
from mains.billing.queries.settled import read_left_supplies
from mains.customers.models import Agreement
from mains.metering.actions.readings import record_reading
from mains.metering.models import Reading

LATER = NOW + timedelta(hours=2)


def settled_by_estimate() -> None:
    """After everything else that is known is corrected."""
    recalculate(now=NOW - timedelta(hours=1), processes=1)
    settle(order=order(is_estimate=True, next_account_id=15), now=NOW, actor=None)


def final_reading(now: datetime = LATER) -> None:
    outcome = record_reading(
        register_id=140,
        reading_date=LAST,
        text_value=final(40).text_value,
        source=10,
        actor=None,
        now=now - timedelta(minutes=30),
    )
    assert outcome.decision == "accept"


def test_a_reading_after_the_estimate_is_corrected_by_the_next_look(billed_utility):
    settled_by_estimate()
    estimated = used(14)
    final_reading()
    found = look(cycle="monthly", now=LATER, looked_at=LATER)
    assert (found.outcome, found.touched) == ("posted", 1)
    assert used(14) == metered(until=LAST) != estimated
    *_, first, rest = billed_in_june(14)
    run = BillRun.objects.get(pk=rest.run_id)
    assert (run.kind, rest.correction_minor) == ("recalculation", 0)
    assert_sound(run)
    assert first.quantity_micro + rest.quantity_micro == used(14)
    lines = explain_bill(month=JUNE, bill_id=rest.id).lines
    assert {cause.kind for line in lines for cause in line.causes} <= {"late_reading", "forecast_replaced"}
    assert all(line.causes and line.computed is None for line in lines)
    (why,) = explain_corrections(month=JUNE, bill_id=rest.id)
    assert (why.service_month, why.amount_minor) == (JUNE, rest.amount_minor)
    assert [(step.cause, step.amount_minor) for step in why.steps] == [("use", rest.amount_minor)]
    # Nothing is left for anybody: neither for another look, nor for the month.
    assert recalculate_account(account_id=14, now=LATER + timedelta(hours=1)).run_id is None
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    assert billed_in_june(14)[-1] == rest
    assert used(15) + used(14) == metered()
    assert replayed_differences() == []


def test_one_account_is_corrected_and_previewed_too(billed_utility):
    settled_by_estimate()
    final_reading()
    seen = preview_account(account_id=14, now=LATER)
    assert seen.lines["service_month"].unique().to_list() == [JUNE]
    assert {cause.kind for each in seen.causes.values() for cause in each} == {"late_reading"}
    done = recalculate_account(account_id=14, now=LATER, expected_minor=seen.amount_minor)
    assert done.lines.equals(seen.lines)
    assert used(14) == metered(until=LAST)
    # The payer who came next has no bill of June before its run.
    assert recalculate_account(account_id=15, now=LATER + timedelta(hours=1)).lines.is_empty()
    assert used(15) == 0
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    assert used(15) + used(14) == metered()
    assert replayed_differences() == []


@pytest.mark.parametrize("what", ["category", "residents", "later"])
def test_other_facts_of_the_open_month_too(billed_utility, what):
    """A category and residents from 5 June on, known after the settlement; a later day of moving, by an agreement."""
    moved()
    told = LATER - timedelta(minutes=30)
    own = Agreement.objects.get(account_id=14, service_point_id=14, superseded_at=None)
    values = {name: getattr(own, name) for name in ("account_id", "tariff_id", "provider_id", "manager_id", "category",
                                                    "load_class", "contract_number")}  # fmt: skip
    if what == "residents":
        another_resident(14, since=date(2021, 6, 5), now=told)
    elif what == "category":
        record_fact(
            model=Agreement, subject={"service_point_id": 14}, values=values | {"category": "large_family"},
            valid_from=date(2021, 6, 5), valid_to=own.valid.upper, actor=None, now=told,
        )  # fmt: skip
    else:
        record_fact(
            model=Agreement, subject={"service_point_id": 14}, values=values, valid_from=own.valid.lower,
            valid_to=date(2021, 6, 24), actor=None, now=told,
        )  # fmt: skip
    recalculate(now=LATER, processes=1)
    at_once = amounts(14)
    assert replayed_differences() == []
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    assert amounts(14) == at_once, "the month's run has nothing to add"
    assert replayed_differences() == []
    assert {line.service_month for line in lines_of(14)[1]} == {JUNE}, "corrected before the month is billed"


def lines_of(account: int) -> list[list[BillLine]]:
    return [list(BillLine.objects.filter(month=JUNE, bill_id=bill.id)) for bill in billed_in_june(account)]


def amounts(account: int) -> dict[tuple[date, str], int]:
    found: dict[tuple[date, str], int] = {}
    for line in chain.from_iterable(lines_of(account)):
        key = line.service_month, line.component
        found[key] = found.get(key, 0) + line.amount_minor
    return found


def test_what_nothing_tells_any_more_is_not_taken_for_nought(billed_utility):
    """All readings of the meter are withdrawn: the account waits, with a remedy, and is not paid back its use."""
    settled_by_estimate()
    before = used(14)
    Reading.objects.filter(register_id=140, reading_date__gt=date(2020, 9, 20)).update(superseded_at=LATER)
    summary = recalculate(now=LATER + timedelta(minutes=1), processes=1)
    found = BillException.objects.get(run_id=summary.run_id, account_id=14, code="no-forecast")
    assert found.blocking
    assert "Give a reading" in found.message
    assert used(14) == before
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    assert replayed_differences() == []


def test_a_supply_that_is_kept_waits_for_the_month(billed_utility):
    """Account 14 was settled and came back: what it holds again is the month's."""
    moved()
    back = order(
        account=15,
        service_point_ids=(14,),
        last_date=LAST + timedelta(days=2),
        is_estimate=True,
        next_account_id=14,
    )
    settle(order=back, now=NOW + timedelta(hours=1), actor=None)
    Reading.objects.filter(register_id=140, reading_date=LAST).update(superseded_at=LATER)
    recalculate(now=LATER + timedelta(minutes=1), processes=1)
    run = BillRun.objects.filter(kind="recalculation").latest("facts_as_of")
    with adbc_connect() as connection:
        left = read_left_supplies(connection=connection, plan=get_plan(run=run))
    assert left.select("account_id", "service_point_id").rows() == [(15, 14)]
    assert_sound(run)
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    assert used(14) + used(15) == metered()
    assert replayed_differences() == []


def test_of_a_supply_that_is_kept_replay_asks_nothing_yet(billed_utility):
    """Account 14 also pays for point 21, by day and night, and keeps it: nobody has computed its use of June."""
    own = Agreement.objects.get(service_point_id=21, superseded_at=None)
    values = {name: getattr(own, name) for name in ("tariff_id", "provider_id", "manager_id", "category", "load_class",
                                                    "contract_number")}  # fmt: skip
    record_fact(
        model=Agreement, subject={"service_point_id": 21}, values=values | {"account_id": 14},
        valid_from=date(2021, 5, 5), actor=None, now=NOW - timedelta(hours=2),
    )  # fmt: skip
    moved(service_point_ids=(14,))
    assert replayed_differences() == []
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    assert replayed_differences() == []
