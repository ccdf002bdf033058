"""Who moves out gets the final bill on the day, once; the month's run, and everything that comes later, adds the rest."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from billing.test_recalculation import replayed_differences
from billing.test_runs import APRIL, MARCH, MAY, assert_sound, bill_month, rows
from mains.billing.actions.settlements import FinalReading, MoveOrder, UnableToSettle, preview_settlement, settle
from mains.billing.models import Bill, BillLine, BillRun
from mains.customers.models import Account, Agreement
from mains.customers.queries.records import find_account
from mains.metering.models import Reading
from mains.staff.values import EVERYTHING

JUNE = date(2021, 6, 1)
LAST = date(2021, 6, 20)
NOW = datetime(2021, 6, 21, 9, tzinfo=UTC)
JUNE_CLOSE = datetime(2021, 7, 3, tzinfo=UTC)


def order(account: int, **more: object) -> MoveOrder:
    found = find_account(number=str(account), scope=EVERYTHING, on_date=LAST)
    assert found
    return MoveOrder(**{"account": found, "last_date": LAST} | more)


def final(register: int, more: int = 30) -> FinalReading:
    last = Reading.objects.filter(register_id=register, superseded_at=None, reading_date__lt=LAST).latest(
        "reading_date"
    )
    return FinalReading(register_id=register, text_value=str(last.value_micro // 1_000_000 + more))


def test_first(billed_utility):
    asked = order(14, readings=(final(140),), next_account_id=15)
    seen = preview_settlement(order=asked, now=NOW)
    print(seen.lines)
    assert not BillRun.objects.filter(kind="settlement").exists()
    assert Agreement.objects.get(service_point_id=14, superseded_at=None).valid.upper is None
    done = settle(order=asked, now=NOW, actor=None, expected_minor=seen.amount_minor)
    assert done.lines.equals(seen.lines)
    run = BillRun.objects.get(pk=done.run_id)
    assert_sound(run)
    assert replayed_differences() == []
    again = settle(order=asked, now=NOW + timedelta(hours=1), actor=None)
    assert again.run_id is None
    june = bill_month(JUNE, now=JUNE_CLOSE)
    assert_sound(june)
    print(rows(f"select * from billing_bill where account_id=14 and month='2021-06-01'"))
    assert replayed_differences() == []
    assert 0
