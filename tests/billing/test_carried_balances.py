"""Balances go from bill to bill: kept by the run, opening the next month, recalculated, explained and replayed."""

from datetime import UTC, date, datetime
from fractions import Fraction

from billing.prosumers import NET, add_account
from billing.test_runs import assert_sound, rows
from mains.billing.actions.runs import plan_run, post_run
from mains.billing.models import Bill, BillRun, CarriedBalance
from mains.billing.queries.explain import explain_bill
from mains.billing.queries.replay import list_batches, replay_batch
from mains.kernel.period import next_month

MARCH = date(2021, 3, 1)
SOLAR = 5001
# Drawn and fed in, March 2021 to April 2022.
YEAR = [
    (300, 100), (200, 350), (250, 180), (300, 100), (150, 400), (160, 300), (180, 90),
    (240, 60), (300, 20), (320, 10), (310, 15), (200, 140), (100, 260), (120, 100),
]  # fmt: skip


def bill_until(last: date, *, first: date = MARCH) -> BillRun:
    month = first
    while True:
        now = datetime(next_month(month).year, next_month(month).month, 4, tzinfo=UTC)
        run = plan_run(month=month, now=now)
        post_run(run_id=run.pk, now=now, processes=1)
        if month == last:
            return BillRun.objects.get(pk=run.pk)
        month = next_month(month)


def kept(account: int, balance: str = "credit") -> dict[date, Fraction]:
    found = CarriedBalance.objects.filter(account_id=account, balance=balance).order_by("month", "revision")
    last = {row.month: row.value_micro for row in found}
    return {month: Fraction(value, 10**6) for month, value in last.items() if value is not None}


def charged(account: int) -> dict[date, int]:
    found = rows(
        f"""
        SELECT l.service_month, sum(l.amount_minor)::bigint AS minor
        FROM billing_bill b JOIN billing_billline l ON l.month = b.month AND l.bill_id = b.id
        WHERE b.account_id = {account} GROUP BY 1 ORDER BY 1
        """
    )
    return dict(found.iter_rows())


def differences() -> list[object]:
    return [found for batch in list_batches() for found in replay_batch(batch).differences]


def month_of(number: int) -> date:
    """The first day of the month so many months after March 2021."""
    return date(2021 + (number + 2) // 12, (number + 2) % 12 + 1, 1)


def test_a_prosumer_over_fourteen_months(utility):
    """300 − 100 kWh are paid in March, settled at its end. April leaves 150, May 80 of them, June takes these and pays
    for 120. July to September leave 250, 390 and 300, October 120; November pays for 160. In March 2022 160 kWh are
    left and paid out at 1.50: nothing goes on."""
    utility(3)
    add_account(SOLAR, tariff=NET, months=YEAR, first_month=MARCH, since=MARCH)
    run = bill_until(month_of(13))
    assert_sound(run)
    left = [0, 150, 80, 0, 250, 390, 300, 120, 0, 0, 0, 0, 0, 0]
    paid = [80000, 0, 0, 48000, 0, 0, 0, 0, 64000, 124000, 118000, 24000, -24000, 8000]
    assert kept(SOLAR) == {month_of(at): value for at, value in enumerate(left)}
    assert charged(SOLAR) == {month_of(at): minor for at, minor in enumerate(paid)}
    assert differences() == []
    bill = Bill.objects.get(account_id=SOLAR, month=month_of(3))
    steps = [
        step for line in explain_bill(month=bill.month, bill_id=bill.id).lines for step in line.tree.walk()
    ]
    assert {step.value for step in steps if step.source == "left by the bill of May 2021"} == {Fraction(80)}
