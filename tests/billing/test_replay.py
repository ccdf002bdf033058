"""Posted amounts are confirmed by interpreters that share no code with the run, and explained down to readings."""

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from django.db import connection

from mains.billing.actions.runs import plan_run, post_run
from mains.billing.models import Bill, BillLine
from mains.billing.queries.explain import UnableToExplain, explain_bill
from mains.billing.queries.explain.evidence import load_items
from mains.billing.queries.explain.items import rate_items
from mains.billing.queries.replay import batch_of, list_batches, replay_batch
from mains.billing.queries.replay.amounts import MonthlyAmounts
from mains.billing.queries.replay.histories import load_histories
from mains.engine.exact.explanation import Step

MARCH, APRIL = date(2021, 3, 1), date(2021, 4, 1)
CLOSE = {MARCH: datetime(2021, 4, 4, tzinfo=UTC), APRIL: datetime(2021, 5, 4, tzinfo=UTC)}


@pytest.fixture
def billed(utility):
    utility()
    for month, now in CLOSE.items():
        run = plan_run(month=month, now=now)
        post_run(run_id=run.pk, now=now, processes=1)


def slip_in(statement: str) -> None:
    """Change posted rows as only the owner of the tables could, by taking the guards off."""
    tables = ("billing_bill", "billing_billline", "metering_usagemonth")
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def steps_of(tree: Step, label: str) -> list[Step]:
    return [step for step in tree.walk() if label in step.label]


def test_every_posted_amount_is_confirmed(billed):
    results = [replay_batch(batch) for batch in list_batches()]
    assert [difference for result in results for difference in result.differences] == []
    assert sum(result.bills for result in results) == Bill.objects.count()
    assert sum(result.lines for result in results) > Bill.objects.count()


def test_amounts_are_those_that_are_explained(billed):
    accounts = sorted(set(Bill.objects.values_list("account_id", flat=True)))
    amounts = MonthlyAmounts(load_histories(accounts, months=[MARCH, APRIL]))
    compared = 0
    for month, as_of in [(MARCH, CLOSE[MARCH]), (MARCH, CLOSE[APRIL]), (APRIL, CLOSE[APRIL])]:
        explained: dict[int, dict[object, int]] = {account: {} for account in accounts}
        for item in load_items(account_ids=accounts, month=month, as_of=as_of):
            for rated in rate_items([item]).values():
                explained[item.account_id] |= rated.effective()
        for account in accounts:
            owed = amounts.owed(account, month, as_of)
            assert (owed.amounts, owed.problems) == (explained[account], ())
            compared += len(owed.amounts)
    assert compared > len(accounts)


def test_a_correction_left_out_is_found(billed):
    line = (
        BillLine.objects.filter(month=APRIL, service_month=MARCH)
        .exclude(amount_minor=0)
        .order_by("bill_id")[0]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id FROM billing_bill WHERE month = %s AND id = %s", [APRIL, line.bill_id]
        )
        (account_id,) = cursor.fetchone()
    slip_in(f"DELETE FROM billing_billline WHERE bill_id = {line.bill_id} AND service_month = '{MARCH}'")
    (batch,) = list_batches()
    found = replay_batch(batch).differences
    assert {difference.account_id for difference in found} == {account_id}
    assert any(str(MARCH) in difference.what for difference in found)


@pytest.mark.parametrize(
    "fault",
    [
        (
            "UPDATE billing_billline SET amount_minor = amount_minor + 1"
            " WHERE month = '{month}' AND bill_id = {id} AND line = 1"
        ),
        "DELETE FROM billing_billline WHERE month = '{month}' AND bill_id = {id} AND line = 1",
        "UPDATE billing_bill SET amount_minor = amount_minor - 1 WHERE month = '{month}' AND id = {id}",
        "UPDATE metering_usagemonth SET days_micro[3] = days_micro[3] + 1 WHERE month = '{month}'",
    ],
)
def test_one_wrong_unit_is_found(billed, fault):
    bill = Bill.objects.filter(month=MARCH, quantity_micro__gt=0).order_by("id").first()
    slip_in(fault.format(month=bill.month, id=bill.id))
    result = replay_batch(batch_of(month=bill.month, bill_id=bill.id))
    assert result.differences
    assert all(difference.account_id == bill.account_id for difference in result.differences)


def test_lines_are_explained_down_to_readings(billed):
    bill = Bill.objects.filter(month=APRIL, correction_minor=0, estimated_days__gt=0).order_by("id").first()
    explained = explain_bill(month=APRIL, bill_id=bill.id)
    stored = BillLine.objects.filter(month=APRIL, bill_id=bill.id).order_by("line")
    assert [line.amount_minor for line in explained.lines] == [line.amount_minor for line in stored]
    tree = explained.lines[0].tree
    assert tree.value == Fraction(stored[0].amount_minor, 100)
    assert any(step.source.startswith("reading ") for step in tree.walk())
    assert any(step.source.startswith("tariff ") for step in tree.walk())
    (usage,) = [step for step in tree.walk() if step.label == "usage"][:1]
    assert sum(step.value for step in usage.children) == usage.value


def test_a_correction_is_what_the_facts_say_less_what_was_posted(billed):
    line = BillLine.objects.filter(month=APRIL, service_month=MARCH).order_by("bill_id", "line").first()
    (explained,) = [
        each for each in explain_bill(month=APRIL, bill_id=line.bill_id).lines if each.line == line.line
    ]
    assert explained.tree.value == Fraction(line.amount_minor, 100)
    assert sum(step.value for step in explained.tree.children) == explained.tree.value
    assert steps_of(explained.tree, "posted before")


def test_a_bill_that_does_not_follow_from_the_facts_is_not_explained_away(billed):
    bill = Bill.objects.filter(month=MARCH).order_by("id").first()
    slip_in(
        f"UPDATE billing_billline SET amount_minor = amount_minor + 1 WHERE bill_id = {bill.id} AND line = 1"
    )
    with pytest.raises(UnableToExplain, match="does not follow from the facts"):
        explain_bill(month=MARCH, bill_id=bill.id)
