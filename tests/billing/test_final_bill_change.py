"""Why a final bill is more or less than the account's last one: causes that sum exactly.

The cast of `test_settlement`: account 14 moves out on 20 June, account 15 takes over.
"""

from datetime import date, timedelta

from billing.test_runs import MAY, bill_month
from billing.test_settlement import (
    DAY,
    JUNE,
    JUNE_CLOSE,
    LAST,
    NOW,
    billed_in_june,
    final,
    metered,
    moved,
    order,
)
from mains.base.dated import record_fact
from mains.billing.actions.settlements import settle
from mains.billing.queries.explain import explain_change
from mains.customers.models import Agreement
from mains.metering.actions.readings import record_reading


def test_the_final_bill_is_compared_with_the_last_one(billed_utility):
    """20 days instead of 31, other use a day, and corrections: each cause with its amount, and nothing unexplained."""
    done = moved()
    change = explain_change(month=JUNE, bill_id=done.bill_id)
    assert change is not None
    assert (change.before.month, change.after.id) == (MAY, done.bill_id)
    assert sum(step.amount_minor for step in change.steps) == done.amount_minor - change.before.amount_minor
    days = next(step for step in change.steps if step.cause == "days")
    assert (days.before, days.now, days.amount_minor < 0) == (31, 20, True)
    use = next(step for step in change.steps if step.cause == "use")
    assert use.now * 20 * 1_000_000 == metered(until=LAST), (
        "what was used in these days, not in the whole month"
    )
    assert {step.cause for step in change.steps} <= {
        "days", "use", "price", "recalculated", "recalculated_before",
    }  # fmt: skip


def test_a_second_final_bill_and_the_rest_name_what_was_billed_before(billed_utility):
    settle(order=order(is_estimate=True, next_account_id=15), now=NOW, actor=None)
    again = settle(
        order=order(last_date=LAST - 3 * DAY, is_estimate=True), now=NOW + timedelta(hours=1), actor=None
    )
    record_reading(
        register_id=140, reading_date=LAST - 3 * DAY, text_value=final(5).text_value, source=10, actor=None,
        now=NOW + timedelta(hours=2),
    )  # fmt: skip
    bill_month(JUNE, now=JUNE_CLOSE)
    first, second, rest = billed_in_june(14)
    assert second.id == again.bill_id
    settled = 0
    for bill in (first, second, rest):
        change = explain_change(month=JUNE, bill_id=bill.id)
        steps = {step.cause: step.amount_minor for step in change.steps}
        assert sum(steps.values()) == bill.amount_minor - change.before.amount_minor
        assert steps.get("settled", 0) == -settled
        assert "otherwise" not in steps
        settled += bill.amount_minor - bill.correction_minor


def test_what_is_kept_is_no_part_of_the_final_bill(billed_utility):
    """Account 14 holds a second supply that it keeps: the last bill had both, the final bill has one."""
    neighbour = Agreement.objects.get(service_point_id=18, superseded_at=None)
    values = {name: getattr(neighbour, name) for name in ("tariff_id", "provider_id", "manager_id", "category",
                                                          "load_class", "contract_number")}  # fmt: skip
    record_fact(
        model=Agreement, subject={"service_point_id": 18}, values=values | {"account_id": 14},
        valid_from=date(2021, 4, 1), actor=None, now=NOW - timedelta(hours=2),
    )  # fmt: skip
    bill_month(JUNE, now=JUNE_CLOSE)
    july = JUNE_CLOSE + timedelta(days=9)
    left = order(last_date=date(2021, 7, 8), service_point_ids=(14,), is_estimate=True, next_account_id=15)
    done = settle(order=left, now=july, actor=None)
    change = explain_change(month=date(2021, 7, 1), bill_id=done.bill_id)
    kept = next(step for step in change.steps if step.cause == "kept")
    assert (kept.name, kept.amount_minor < 0) == ("electricity", True)
    assert sum(step.amount_minor for step in change.steps) == done.amount_minor - change.before.amount_minor
    assert "ended" not in {step.cause for step in change.steps}
