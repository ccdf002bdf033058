"""A worker that corrects by itself counts whom facts are about, not the neighbours whose shares follow."""

from datetime import timedelta

from django.test import override_settings

from balance.houses import CLOSE, MARCH, POINTS, RULES, add_house_meters, bill_month
from balance.test_house_balances import differences
from billing.test_runs import rows
from mains.balance.actions.rules import set_balance_rule
from mains.billing.actions.recalculations import recalculate
from mains.billing.actions.recalculations.watching import look
from mains.billing.models import Bill
from mains.metering.models import Reading

FLAT = 63
"""A flat of house 14, which gives back to its eight flats in equal parts what they used more than it."""


def test_neighbours_are_corrected_with_a_late_reading_and_not_counted(utility):
    utility(POINTS)
    add_house_meters()
    bill_month(MARCH)
    now = CLOSE[MARCH] + timedelta(hours=1)
    recalculate(now=now, processes=1)
    before = Reading.objects.filter(
        register__meter_id=FLAT, superseded_at=None, reading_date__lt="2021-03-20"
    )
    last = before.latest("reading_date")
    Reading.objects.create(
        register=last.register, bucket=last.bucket, reading_date=last.reading_date + timedelta(days=3),
        value_micro=last.value_micro + 150_000_000, source=10, recorded_at=now + timedelta(minutes=1),
    )  # fmt: skip
    now += timedelta(hours=1)
    with override_settings(RECALCULATE_AT_MOST="1"):
        found = look(cycle="monthly", now=now, looked_at=now)
    assert (found.outcome, found.at_most) == ("posted", 1)
    corrected = set(Bill.objects.filter(run_id=found.run_id).values_list("account_id", flat=True))
    shared = rows("SELECT DISTINCT service_point_id FROM balance_sharemonth WHERE node_id = 14")
    assert FLAT in corrected
    assert len(corrected) > 1
    assert corrected <= set(shared["service_point_id"])
    assert differences() == []


def test_a_rule_of_a_house_is_about_all_its_flats(utility):
    utility(POINTS)
    add_house_meters()
    bill_month(MARCH)
    now = CLOSE[MARCH] + timedelta(hours=1)
    recalculate(now=now, processes=1)
    set_balance_rule(
        node_id=11, valid_from=MARCH, actor=None, now=now + timedelta(minutes=1), proof="court",
        **RULES[11] | {"key": "equal"},
    )  # fmt: skip
    with override_settings(RECALCULATE_AT_MOST="7"):
        found = look(cycle="monthly", now=now + timedelta(hours=1), looked_at=now)
    assert (found.outcome, found.touched) == ("waits", 8)
