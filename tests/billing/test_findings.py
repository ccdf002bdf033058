"""What readings do not tell changes what was billed, is named as its cause, and goes away when it is withdrawn."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import jsonschema
import pytest

from billing.test_recalculation import LATER, causes_of, recalculated, replayed_differences
from billing.test_runs import APRIL, MARCH, MAY, assert_sound, bill_month, charged, rows
from mains.billing.actions.recalculations import preview_account, recalculate
from mains.billing.models import Bill, BillLine, BillRun
from mains.billing.queries.explain import explain_bill
from mains.engine.exact.explanation import Step
from mains.metering.actions.findings import (
    record_meter_error,
    record_unmetered_use,
    withdraw_meter_error,
    withdraw_unmetered_use,
)
from mains.metering.models import Register
from mains.network.actions.absences import record_absence, withdraw_absence

JUNE = date(2021, 6, 1)
FOUND, WITHDRAWN = LATER - timedelta(hours=1), LATER + timedelta(minutes=30)
METERED, UNMETERED = 13, 12
KWH = 1_000_000


@pytest.fixture
def billed(utility):
    utility()
    for month in (MARCH, APRIL, MAY):
        bill_month(month)


def register_of(point: int) -> Register:
    return Register.objects.get(
        meter__installations__service_point_id=point, meter__installations__superseded_at=None
    )


def used(point: int, month: date) -> int:
    return rows(
        f"""
        SELECT total_micro FROM metering_usagemonth WHERE service_point_id = {point} AND month = '{month}'
        ORDER BY revision DESC LIMIT 1
        """
    ).item()


def steps(step: Step) -> Iterator[Step]:
    yield step
    for child in step.children:
        yield from steps(child)


def corrected_months(run: BillRun, account: int) -> set[date]:
    bill = Bill.objects.get(run_id=run.pk, account_id=account)
    lines = BillLine.objects.filter(month=bill.month, bill_id=bill.id)
    return {line.service_month for line in lines}


def explained(run: BillRun, account: int) -> list[Step]:
    bill = Bill.objects.get(run_id=run.pk, account_id=account)
    return [
        step for line in explain_bill(month=bill.month, bill_id=bill.id).lines for step in steps(line.tree)
    ]


def test_a_found_error_corrects_its_days_and_the_forecasts_after_them(billed):
    before, april = charged(), used(METERED, APRIL)
    register = register_of(METERED)
    error = record_meter_error(
        register_id=register.pk, percent_hundredths=-2_000, valid_from=APRIL, valid_to=MAY, proof="certificate 3",
        actor=None, now=FOUND,
    )  # fmt: skip
    preview = preview_account(account_id=METERED, now=LATER)
    run = recalculated()
    assert_sound(run)
    assert list(Bill.objects.filter(run_id=run.pk).values_list("account_id", flat=True)) == [METERED]
    assert preview.amount_minor == Bill.objects.get(run_id=run.pk).amount_minor > 0
    assert MARCH not in corrected_months(run, METERED)
    # 80 % of what was used was counted; each stretch of readings in the month loses less than a micro-unit.
    assert 0 <= april * 100 - used(METERED, APRIL) * 80 <= 3 * 100
    assert causes_of(run, METERED) == {("meter_error", error.pk)}
    found = explained(run, METERED)
    (percent,) = {step.value for step in found if "certificate 3" in step.source}
    assert percent == -20
    assert any(step.formula == "counted × 100 / (100 + -20)" for step in found)
    assert replayed_differences() == []
    withdraw_meter_error(error_id=error.pk, reason="the reference was wrong", actor=None, now=WITHDRAWN)
    again = recalculated(LATER + timedelta(hours=1))
    assert causes_of(again, METERED) == {("meter_error_withdrawn", error.pk)}
    assert used(METERED, APRIL) == april
    assert charged(JUNE)["amount_minor"].sum() == before["amount_minor"].sum()
    assert replayed_differences() == []


def test_an_act_adds_its_quantity_and_nothing_to_later_forecasts(billed):
    before, use = charged(), {month: used(METERED, month) for month in (MARCH, APRIL, MAY)}
    act = record_unmetered_use(
        service_point_id=METERED, amount_micro=90 * KWH + 1, reason="bypass", valid_from=date(2021, 3, 20),
        valid_to=date(2021, 4, 9), proof="act 4 of 1 May", actor=None, now=FOUND,
    )  # fmt: skip
    run = recalculated()
    assert_sound(run)
    assert corrected_months(run, METERED) == {MARCH, APRIL}
    added = {month: used(METERED, month) - use[month] for month in use}
    assert added == {
        MARCH: (90 * KWH + 1) * 12 // 20,
        APRIL: 90 * KWH + 1 - (90 * KWH + 1) * 12 // 20,
        MAY: 0,
    }
    assert causes_of(run, METERED) == {("unmetered_use", act.pk)}
    named = [step for step in explained(run, METERED) if "act 4 of 1 May" in step.source]
    assert {step.formula for step in named} == {
        "90.000001 over 20 days, of which 12",
        "90.000001 over 20 days, of which 8",
    }
    assert replayed_differences() == []
    withdraw_unmetered_use(act_id=act.pk, reason="the wrong flat", actor=None, now=WITHDRAWN)
    again = recalculated(LATER + timedelta(hours=1))
    assert causes_of(again, METERED) == {("unmetered_use_withdrawn", act.pk)}
    assert charged(JUNE)["amount_minor"].sum() == before["amount_minor"].sum()
    assert replayed_differences() == []


def test_who_is_absent_uses_no_norm(billed):
    """The one resident is away from 2 to 11 April: of 50 kWh at 3.19 remain 1 day (5.32) and 19 days (101.02)."""
    absence = record_absence(
        premise_id=UNMETERED, residents=1, reason="travel", left_on=APRIL, returned_on=date(2021, 4, 12),
        proof="tickets", actor=None, now=FOUND,
    )  # fmt: skip
    run = recalculated()
    assert_sound(run)
    bill = Bill.objects.get(run_id=run.pk)
    lines = BillLine.objects.filter(month=JUNE, bill_id=bill.id)
    assert {line.component: line.amount_minor for line in lines}["supply"] == -5_316
    assert {line.service_month for line in lines} == {APRIL}
    assert causes_of(run, UNMETERED) == {("absence", absence.pk)}
    assert any("tickets" in step.source for step in explained(run, UNMETERED))
    withdraw_absence(absence_id=absence.pk, reason="they stayed", actor=None, now=WITHDRAWN)
    again = recalculated(LATER + timedelta(hours=1))
    assert causes_of(again, UNMETERED) == {("absence_withdrawn", absence.pk)}
    assert Bill.objects.get(run_id=again.pk).amount_minor == -bill.amount_minor
    assert recalculate(now=LATER + timedelta(hours=2), processes=1) is None
    assert replayed_differences() == []


def test_the_next_monthly_run_takes_findings_into_account(billed):
    record_meter_error(
        register_id=register_of(METERED).pk, percent_hundredths=1_000, valid_from=MARCH, valid_to=MAY, proof="c",
        actor=None, now=FOUND,
    )  # fmt: skip
    record_unmetered_use(
        service_point_id=METERED, amount_micro=30 * KWH, reason="illegal", valid_from=date(2021, 5, 10),
        valid_to=date(2021, 5, 20), proof="a", actor=None, now=FOUND,
    )  # fmt: skip
    run = bill_month(JUNE, now=datetime(2021, 7, 3, tzinfo=UTC))
    assert_sound(run)
    assert {MARCH, APRIL, MAY} <= corrected_months(run, METERED)
    kinds = {kind for kind, _ in causes_of(run, METERED)}
    assert {"meter_error", "unmetered_use"} <= kinds
    assert replayed_differences() == []


def test_the_explanation_of_all_three_keeps_to_its_schema(billed, request):
    record_meter_error(
        register_id=register_of(METERED).pk, percent_hundredths=500, valid_from=APRIL, valid_to=None, proof="c",
        actor=None, now=FOUND,
    )  # fmt: skip
    record_unmetered_use(
        service_point_id=METERED, amount_micro=KWH, reason="other", valid_from=APRIL, valid_to=MAY, proof="a",
        actor=None, now=FOUND,
    )  # fmt: skip
    record_absence(
        premise_id=UNMETERED, residents=1, reason="work", left_on=APRIL, returned_on=MAY, proof="p", actor=None,
        now=FOUND,
    )  # fmt: skip
    run = recalculated()
    path = request.config.rootpath / "docs" / "schemas" / "bill-explanation.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    for bill in Bill.objects.filter(run_id=run.pk):
        data = explain_bill(month=bill.month, bill_id=bill.id).to_data()
        jsonschema.validate(json.loads(json.dumps(data)), schema)
        assert all(line["causes"] for line in data["lines"])
