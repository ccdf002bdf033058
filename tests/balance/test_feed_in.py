"""What consumers feed in stays below the node: it is added to what flowed in, by readings and by intervals."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from django.db import connection

from balance.houses import APRIL, KWH, MARCH, POINTS, add_house_meters, bill_month
from balance.test_house_balances import differences, latest
from billing.prosumers import PLAIN, add_account, read_at
from billing.test_runs import assert_sound, rows
from billing.test_stored_intervals import CLOCK, hourly
from mains.balance.queries.losses import list_losses
from mains.billing.queries.explain import explain_bill
from mains.metering.actions.interval_files import import_intervals
from mains.metering.models import Meter, Register
from mains.metering.values import Zone
from mains.network.models import ServicePoint
from mains.staff.values import EVERYTHING

SOLAR = 7101
FED_IN = 310


@pytest.fixture
def houses(utility):
    utility(POINTS)
    add_house_meters()
    add_account(SOLAR, tariff=PLAIN, months=[(100, FED_IN)], first_month=MARCH)
    ServicePoint.objects.filter(pk=SOLAR).update(node_id=14)


def steps_of(bill_id: int) -> list:
    return [step for line in explain_bill(month=MARCH, bill_id=bill_id).lines for step in line.tree.walk()]


def test_a_house_with_panels_loses_what_its_meter_and_the_panels_gave(houses):
    run = bill_month(MARCH)
    assert_sound(run)
    house = latest(MARCH, 14)
    assert (house.fed_in_micro, sum(house.fed_in_days)) == (FED_IN * KWH, FED_IN * KWH)
    assert house.remainder_micro == house.node_micro + FED_IN * KWH - house.member_micro
    assert latest(MARCH, 11).fed_in_days == [], "nobody there has panels"
    assert differences() == []
    billed = rows(
        "SELECT bill_id FROM billing_billline WHERE component = 'common' AND service_point_id % 20 = 3"
    )["bill_id"][0]
    told = [step for step in steps_of(billed) if step.label == "fed in by consumers below the node"]
    assert [step.value for step in told] == [FED_IN]
    (row,) = [each for each in list_losses(scope=EVERYTHING, month=MARCH, node_id=3) if each.node_id == 14]
    assert row.fed_in_micro == FED_IN * KWH
    assert row.in_micro == house.node_micro + FED_IN * KWH
    assert row.used_micro == house.member_micro


def test_what_is_read_late_of_the_panels_corrects_the_shares_of_the_house(houses):
    bill_month(MARCH)
    before = latest(MARCH, 14)
    read_at(SOLAR, Zone.EXPORT, APRIL - timedelta(days=1), FED_IN + 60, now=datetime(2021, 4, 20, tzinfo=UTC))
    april = bill_month(APRIL)
    assert_sound(april)
    after = latest(MARCH, 14)
    assert after.revision == before.revision + 1
    assert after.fed_in_micro - before.fed_in_micro == 60 * KWH
    assert after.allocated_micro == after.remainder_micro == after.node_micro + 370 * KWH - after.member_micro
    assert differences() == []


def test_a_house_meter_that_counts_both_ways_and_by_hours_is_balanced(houses):
    """In each hour 2 kWh flowed into the house, and 1 kWh out of it upwards in each of the first day, a Monday. Nothing
    is told of what flowed out later: the Mondays of the next four weeks are estimated by it."""
    meter = Meter.objects.get(serial="H14")
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('metering_register', 'id'), 30000000)")
    Register.objects.create(meter=meter, zone=Zone.EXPORT, digits=8)
    lines = [
        *(f"H14,usage,{line}" for line in hourly(MARCH, APRIL)),
        *(f"H14,export,{line}" for line in hourly(MARCH, MARCH + timedelta(days=1))),
    ]
    doubled = [line.replace(",1,kWh", ",2,kWh") if ",usage," in line else line for line in lines]
    content = "\n".join(["meter,quantity,start,length,value,unit", *doubled])
    done = import_intervals(
        content=content.encode(),
        file_name="house.csv",
        clock=CLOCK,
        actor=None,
        now=datetime(2021, 4, 2, tzinfo=UTC),
    )
    assert done.is_stored, done.faults
    run = bill_month(MARCH)
    assert_sound(run)
    house, feeder = latest(MARCH, 14), latest(MARCH, 3)
    assert house.quality == "I" * 31
    assert house.node_days[:2] == [24 * KWH, 48 * KWH]
    assert house.node_micro == (31 * 48 - 5 * 24) * KWH
    assert feeder.member_days[0] - house.node_days[0] == sum(
        rows(
            "SELECT service_point_id, days_micro[1] AS day FROM metering_usagemonth WHERE month = '2021-03-01'"
        )
        .filter(outside())["day"]
        .to_list()
    )
    assert differences() == []


def outside():
    """Points below the feeder that are not behind the meter of house 14."""
    below = [n for n in range(1, POINTS + 1) if (11 + n % 20) % 2 == 0 and n % 20 != 3]
    return pl.col("service_point_id").is_in(below)
