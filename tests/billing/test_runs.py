"""A month is billed once, adds up, and later facts correct it."""

from datetime import UTC, date, datetime

import pytest
from mains.billing.actions.runs import UnableToPlanRun, plan_run, post_run, preview_run
from mains.billing.models import BillException, BillRun
from mains.billing.queries.checks import check_run
from mains.billing.queries.hashes import run_hash

MARCH, APRIL, MAY = date(2021, 3, 1), date(2021, 4, 1), date(2021, 5, 1)
CLOSE = {
    MARCH: datetime(2021, 4, 4, tzinfo=UTC),
    APRIL: datetime(2021, 5, 4, tzinfo=UTC),
    MAY: datetime(2021, 6, 7, tzinfo=UTC),
}


def bill_month(month: date, *, processes: int | None = None) -> BillRun:
    run = plan_run(month=month, now=CLOSE[month])
    post_run(run_id=run.pk, now=CLOSE[month], processes=processes)
    return BillRun.objects.get(pk=run.pk)


def assert_sound(run: BillRun) -> None:
    assert {check.name: check.example for check in check_run(run.pk) if check.broken} == {}


def test_three_months_add_up(utility):
    utility()
    for month in (MARCH, APRIL, MAY):
        assert_sound(bill_month(month))
