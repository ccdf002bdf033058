"""Interval data of meters that counted wrongly, demands from before the data, months to come, and what is left
alone."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import polars as pl
import pytest

from billing.test_carried_balances import bill_until, charged, differences
from billing.test_runs import assert_sound, rows
from billing.test_stored_intervals import (
    APRIL,
    FACTORY,
    HOURS,
    MARCH,
    MAY,
    NOON,
    at,
    factory,
    hourly,
    leaves,
    send,
)
from mains.base.db import reading_connect
from mains.billing.actions.conditions import UnableToTellCondition, import_conditions, tell_condition
from mains.billing.actions.recalculations import preview_account, recalculate_account
from mains.billing.actions.runs import plan_run
from mains.billing.actions.whatif import compute_whatif, plan_whatif
from mains.billing.models import BillRun
from mains.billing.queries.explain import explain_bill
from mains.billing.queries.plans import get_plan, list_changed_points, read_metering_changes
from mains.metering.actions.findings import record_meter_error, withdraw_meter_error
from mains.metering.models import Register
from mains.staff.values import EVERYTHING

__all__ = ["factory"]
FEBRUARY = date(2021, 2, 1)
PEAK = 23 * 4


def found_error(percent_hundredths: int, *, now, first: date = MARCH, end: date | None = APRIL):
    register = Register.objects.get(meter__serial=f"P{FACTORY}", zone=0)
    return record_meter_error(
        register_id=register.pk, percent_hundredths=percent_hundredths, valid_from=first, valid_to=end,
        proof="certificate 9", actor=None, now=now,
    )  # fmt: skip


def last_bill(month: date) -> int:
    return rows(
        f"""
        SELECT id FROM billing_bill WHERE account_id = {FACTORY} AND month = '{month}'
        ORDER BY recorded_at DESC LIMIT 1
        """
    ).item()


def test_intervals_of_a_meter_with_an_error_are_what_it_should_have_counted(factory: int) -> None:
    """It counted 25 % too much in March: each hour is 0.8 of what was sent, demand and ratchet too."""
    send(factory, hourly(MARCH, APRIL, high={NOON: "50"}), now=at(4, 2))
    bill_until(MARCH)
    send(factory, hourly(APRIL, MAY), now=at(5, 2))
    bill_until(APRIL, first=APRIL)
    before = charged(factory)
    error = found_error(2_500, now=at(5, 10))
    causes = preview_account(account_id=factory, now=at(5, 11)).causes
    assert {cause.kind for cause in causes[MARCH, factory]} == {"meter_error"}
    recalculate_account(account_id=factory, now=at(5, 11))
    after = charged(factory)
    hours = (PEAK + 49) * 900 + (744 - PEAK) * 300
    assert before[MARCH] == hours + 50 * 10_000
    assert after[MARCH] == hours * 4 // 5 + 40 * 10_000
    # The ratchet of April: 80 % of 40 kW instead of 80 % of 50 kW.
    assert before[APRIL] - after[APRIL] == 8 * 10_000
    assert differences() == []
    (run,) = BillRun.objects.filter(account_id=factory)
    assert_sound(run)
    told = explain_bill(month=run.month, bill_id=last_bill(run.month))
    counted = [step for line in told.lines for step in leaves(line.tree) if "certificate 9" in step.source]
    assert {step.value for step in counted} == {Fraction(1), Fraction(50)}
    withdraw_meter_error(error_id=error.pk, reason="of another meter", actor=None, now=at(5, 12))
    recalculate_account(account_id=factory, now=at(5, 13))
    assert charged(factory) == before
    assert differences() == []


def test_an_error_of_days_in_the_middle_leaves_the_others(factory: int) -> None:
    send(factory, hourly(MARCH, APRIL), now=at(4, 2))
    found_error(-5_000, first=date(2021, 3, 8), end=date(2021, 3, 10), now=at(4, 3))
    bill_until(MARCH)
    # Two days were counted by half.
    assert charged(factory)[MARCH] == (PEAK + 8) * 900 + (744 - PEAK + 40) * 300 + 2 * 10_000
    days = rows(
        f"SELECT days_micro FROM metering_usagemonth WHERE service_point_id = {factory} AND zone = 0"
    ).item()
    assert [micro // 10**6 for micro in days[6:10]] == [24, 48, 48, 24]
    assert differences() == []


def test_a_demand_from_before_the_data_holds_the_bill_up(factory: int) -> None:
    """60 kW are stated of February: March pays 80 % of them, and looks at its own hours again in April."""
    content = "service_point,name,value,valid_from,valid_to,proof\n"
    content += f"SP{FACTORY},kw,60,2021-02-01,2021-03-01,old system\n"
    imported = import_conditions(content=content.encode(), actor=None, now=at(4, 1))
    assert imported.is_stored, imported.faults
    send(factory, hourly(MARCH, APRIL, high={NOON: "20"}), now=at(4, 2))
    bill_until(MARCH)
    hours = (PEAK + 19) * 900 + (744 - PEAK) * 300
    assert charged(factory)[MARCH] == hours + 48 * 10_000
    assert differences() == []
    power, *_same = [
        step
        for line in explain_bill(month=MARCH, bill_id=last_bill(MARCH)).lines
        for step in line.tree.walk()
        if step.label == "kw_before"
    ]
    assert power.value == 60
    assert "2021-02, condition" in power.source
    assert "old system" in power.source
    # It was 30 kW: March is corrected, though nothing of March is known anew.
    tell_condition(
        service_point_id=factory, name="kw", text="30", valid_from=FEBRUARY, valid_to=MARCH, proof="letter",
        actor=None, now=at(4, 10),
    )  # fmt: skip
    causes = preview_account(account_id=factory, now=at(4, 11)).causes
    assert [cause.kind for found in causes.values() for cause in found] == ["condition"]
    recalculate_account(account_id=factory, now=at(4, 11))
    assert charged(factory)[MARCH] == hours + 24 * 10_000
    # What intervals say of a month goes before what is stated of it.
    tell_condition(
        service_point_id=factory, name="kw", text="500", valid_from=FEBRUARY, valid_to=APRIL, proof="guess",
        actor=None, now=at(4, 20),
    )  # fmt: skip
    send(factory, hourly(APRIL, MAY), now=at(5, 2))
    bill_until(APRIL, first=APRIL)
    assert charged(factory)[APRIL] == (22 * 4) * 900 + (720 - 88) * 300 + 400 * 10_000, "80 % of February's"
    assert differences() == []


@pytest.mark.parametrize(
    ("name", "text", "first", "end", "code"),
    [
        ("kw", "60", date(2021, 2, 2), MARCH, "demand-months"),
        ("kw", "60", FEBRUARY, None, "demand-months"),
        ("kw", "-1", FEBRUARY, MARCH, "condition-value"),
        ("kw", "much", FEBRUARY, MARCH, "condition-value"),
        ("kva", "60", FEBRUARY, MARCH, "condition-unread"),  # no ratchet looks back at it
    ],
)
def test_an_impossible_past_demand_is_refused(factory: int, name, text, first, end, code) -> None:
    with pytest.raises(UnableToTellCondition) as refused:
        tell_condition(
            service_point_id=factory, name=name, text=text, valid_from=first, valid_to=end, proof="letter",
            actor=None, now=at(4, 1),
        )  # fmt: skip
    assert refused.value.code == code


def test_a_month_that_nothing_new_is_known_of_is_not_rated_again(factory: int) -> None:
    """Each run comes with the intervals of its month: they say nothing of the month before."""
    send(factory, hourly(MARCH, APRIL), now=at(4, 2))
    bill_until(MARCH)
    send(factory, hourly(APRIL, MAY), now=at(5, 2))
    run = plan_run(month=APRIL, now=at(5, 4))
    plan = get_plan(run=run)
    with reading_connect() as connection:
        points = pl.Series("service_point_id", [factory], dtype=pl.Int64)
        changed = list_changed_points(connection=connection, plan=plan, service_point_ids=points)
        since = read_metering_changes(connection=connection, plan=plan, service_point_ids=points).since
    assert changed.is_empty()
    assert since["affected_from"].to_list() == [APRIL]
    # A day of March that comes late does say something of March.
    send(factory, hourly(date(2021, 3, 20), date(2021, 3, 21), high={}), now=at(5, 3))
    late = hourly(date(2021, 3, 20), date(2021, 3, 21), high={NOON.replace(day=20): "3"})
    send(factory, late, now=at(5, 3, 7))
    with reading_connect() as connection:
        changed = list_changed_points(
            connection=connection, plan=replace(plan, facts_as_of=at(5, 4)), service_point_ids=points
        )
    assert changed["valid_from"].min() == date(2021, 3, 20)


def test_a_what_if_of_months_to_come_takes_the_weeks_of_a_year_before(factory: int) -> None:
    """The hours of March stand for those of 28 February to 30 March 2022; March 17 a year on is Wednesday the 16th."""
    send(factory, hourly(MARCH, APRIL, high={NOON: "50"}), now=at(4, 2))
    bill_until(MARCH)
    draft = HOURS.replace("peak: 9.00 RUB/kWh", "peak: 10.00 RUB/kWh")
    coming = date(2022, 3, 1)
    planned = plan_whatif(
        documents=[("draft.yaml", draft)], month_from=coming, month_to=coming, scope=EVERYTHING, now=at(4, 5)
    )
    result = compute_whatif(whatif_id=planned.pk, now=at(4, 5)).result
    # 31 March 2022 is a year after 1 April 2021, of which nothing is known: estimated by Thursday the 24th.
    assert result["refused"] == []
    assert result["after_minor"] - result["before_minor"] == (23 * 4 + 49) * 100
    (month,) = result["months"]
    assert month["as_year_before"] == 1
    later = date(2021, 7, 1)
    planned = plan_whatif(
        documents=[("draft.yaml", draft)], month_from=later, month_to=later, scope=EVERYTHING, now=at(4, 5)
    )
    result = compute_whatif(whatif_id=planned.pk, now=at(4, 5)).result
    assert {each["code"] for each in result["refused"]} == {"intervals-missing"}
    assert result["months"] == []
