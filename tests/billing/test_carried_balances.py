"""Balances go from bill to bill: kept by the run, opening the next month, recalculated, explained and replayed."""

import json
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import jsonschema
import polars as pl
import pytest
from django.db import connection
from polars.testing import assert_frame_equal

from billing.prosumers import BUDGET, HEAT, NET, PLAIN, add_account, agree, publish_id, read_at
from billing.test_runs import assert_sound, rows
from mains.billing.actions.openings import UnableToRecordOpening, record_opening_balance
from mains.billing.actions.recalculations import preview_account, recalculate, recalculate_account
from mains.billing.actions.runs import plan_run, post_run
from mains.billing.actions.settlements import MoveOrder, settle
from mains.billing.actions.whatif import compute_whatif, plan_whatif
from mains.billing.models import Bill, BillException, BillRun, CarriedBalance
from mains.billing.queries import chains
from mains.billing.queries.chains import BalanceChain
from mains.billing.queries.explain import explain_bill, explain_causes
from mains.billing.queries.hashes import run_hash
from mains.billing.queries.openings import list_carried
from mains.billing.queries.replay import list_batches, replay_batch
from mains.billing.values import Stage
from mains.customers.models import Account
from mains.customers.queries.records import find_account
from mains.kernel.errors import MainsError
from mains.kernel.period import next_month
from mains.metering.models import Reading
from mains.metering.values import Zone
from mains.staff.values import EVERYTHING

MARCH, APRIL, MAY, JUNE = (date(2021, month, 1) for month in (3, 4, 5, 6))
SOLAR, OLD, TOLD, SAVER, WARM = 5001, 5002, 5003, 5004, 5005
SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "bill-explanation.schema.json"
LATER = datetime(2021, 7, 5, tzinfo=UTC)
"""After June was billed."""
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


@pytest.fixture
def sunny(utility):
    """March to June billed for a prosumer whose agreement began in March."""
    utility(3)
    add_account(SOLAR, tariff=NET, months=YEAR[:5], first_month=MARCH, since=MARCH)
    return bill_until(JUNE)


def slip_in(statement: str) -> None:
    """Change what was kept as only the owner of the table could, by taking the guard off."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_carriedbalance DISABLE TRIGGER USER")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE billing_carriedbalance ENABLE TRIGGER USER")


def opening(value: int, *, account: int = OLD, now: datetime, month: date = MARCH):
    return record_opening_balance(
        account_id=account, service_point_id=account, balance="credit", month=month, value_micro=value * 10**6,
        actor=None, now=now, proof="statement of the former supplier",
    )  # fmt: skip


def corrected_in_march(now: datetime) -> None:
    """100 kWh that were counted in April were drawn in March."""
    wrong = Reading.objects.filter(register_id=SOLAR * 10 + Zone.TOTAL, reading_date=date(2021, 3, 31))
    assert wrong.update(superseded_at=now) == 1
    read_at(SOLAR, Zone.TOTAL, date(2021, 3, 31), 400, now=now)


def test_a_corrected_reading_corrects_every_month_that_follows(sunny):
    """April leaves 250 instead of 150, May 180 instead of 80, so June pays for 20 kWh and not for 120."""
    corrected_in_march(LATER - timedelta(hours=1))
    preview = preview_account(account_id=SOLAR, now=LATER)
    run = BillRun.objects.get(pk=recalculate(now=LATER, processes=1).run_id)
    assert_sound(run)
    assert kept(SOLAR) == {MARCH: 0, APRIL: 250, MAY: 180, JUNE: 0}
    bill = Bill.objects.get(run_id=run.pk, account_id=SOLAR)
    explained = explain_bill(month=bill.month, bill_id=bill.id)
    amounts = {line.service_month: line.amount_minor for line in explained.lines}
    assert amounts == {MARCH: 40000, JUNE: -40000}
    assert preview.amount_minor == bill.amount_minor == 0
    causes = explain_causes(month=bill.month, bill_id=bill.id)
    assert {(month, cause.kind) for (month, _), found in causes.items() for cause in found} == {
        (MARCH, "corrected_reading"), (JUNE, "carried"),
    }  # fmt: skip
    assert differences() == []
    assert recalculate(now=LATER + timedelta(hours=1), processes=1) is None


def test_one_account_is_corrected_like_all_and_by_fresh_bills(utility, sunny):
    corrected_in_march(LATER - timedelta(hours=1))
    assert recalculate_account(account_id=SOLAR, now=LATER).bill_id is not None
    bit_by_bit = kept(SOLAR), charged(SOLAR)
    assert differences() == []
    utility(3)
    add_account(SOLAR, tariff=NET, months=YEAR[:5], first_month=MARCH, since=MARCH)
    corrected_in_march(LATER - timedelta(hours=1))
    for place, month in enumerate((MARCH, APRIL, MAY, JUNE)):
        run = plan_run(month=month, now=LATER + timedelta(seconds=place))
        post_run(run_id=run.pk, now=LATER, processes=1)
    assert (kept(SOLAR), charged(SOLAR)) == bit_by_bit


def test_many_months_are_rated_at_once_and_a_wrong_guess_changes_nothing(utility, monkeypatch):
    """What eight months open with is guessed and proved; guessed wrongly, they are rated one after the other."""
    utility(3)
    add_account(SOLAR, tariff=NET, months=YEAR[:8], first_month=MARCH, since=MARCH)
    bill_until(month_of(7))
    now = datetime(2021, 12, 4, tzinfo=UTC)
    corrected_in_march(now - timedelta(hours=1))
    rated = []
    rate, guess = BalanceChain._rate, chains.guess_openings
    monkeypatch.setattr(
        BalanceChain, "_rate", lambda self, items, *rest: rated.append(len(items)) or rate(self, items, *rest)
    )
    at_once = preview_account(account_id=SOLAR, now=now)
    assert rated == [8]
    wrong = pl.col("value_micro") + (pl.col("period_from") > APRIL).cast(pl.Int64)
    monkeypatch.setattr(
        chains, "guess_openings", lambda **facts: guess(**facts).with_columns(value_micro=wrong)
    )
    rated.clear()
    step_by_step = preview_account(account_id=SOLAR, now=now)
    assert rated == [8] + [1] * 8
    assert at_once.lines.height > 0
    assert_frame_equal(at_once.lines, step_by_step.lines)


def test_an_interrupted_run_keeps_the_same(utility):
    hashes = []
    for is_interrupted in (False, True):
        utility(3)
        add_account(SOLAR, tariff=NET, months=YEAR[:5], first_month=MARCH, since=MARCH)
        bill_until(MARCH)
        now = datetime(2021, 5, 4, tzinfo=UTC)
        run = plan_run(month=APRIL, now=now, accounts_per_slice=1)

        def stop(stage: Stage, done: int, total: int) -> None:
            if stage == Stage.BILLS and done == total - 1:
                raise KeyboardInterrupt

        if is_interrupted:
            with pytest.raises(KeyboardInterrupt):
                post_run(run_id=run.pk, now=now, processes=1, on_slice=stop)
        post_run(run_id=run.pk, now=now, processes=1)
        assert kept(SOLAR) == {MARCH: 0, APRIL: 150}
        hashes.append(run_hash(run.pk))
    assert hashes[0] == hashes[1]


def test_nothing_is_opened_with_nought_unasked(utility):
    """OLD had its tariff before Mains billed: no bill until somebody says what was carried, then all of them."""
    utility(3)
    add_account(OLD, tariff=NET, months=YEAR[:5], first_month=MARCH)
    add_account(TOLD, tariff=NET, months=YEAR[:5], first_month=MARCH)
    with pytest.raises(UnableToRecordOpening, match="No tariff of the account"):
        opening(1, account=1, now=datetime(2021, 3, 2, tzinfo=UTC))
    opening(40, account=TOLD, now=datetime(2021, 3, 2, tzinfo=UTC))
    run = bill_until(APRIL)
    found = BillException.objects.filter(run=run, blocking=True)
    assert {(each.account_id, each.code) for each in found} == {(OLD, "opening-balance-missing")}
    assert "mains registry import opening-balances" in found[0].message
    assert (kept(OLD), charged(OLD)) == ({}, {})
    assert (kept(TOLD), charged(TOLD)[MARCH]) == ({MARCH: 0, APRIL: 150}, 64000)
    opening(0, now=datetime(2021, 5, 5, tzinfo=UTC))
    assert_sound(bill_until(JUNE, first=MAY))
    assert kept(OLD) == {MARCH: 0, APRIL: 150, MAY: 80, JUNE: 0}
    assert charged(OLD)[MARCH] == 80000
    assert differences() == []


def test_another_opening_balance_corrects_what_followed(sunny):
    """Of 220 kWh carried into March 20 are left at its end, when they are paid out."""
    opening(220, account=SOLAR, now=LATER - timedelta(hours=1))
    assert opening(220, account=SOLAR, now=LATER) == opening(220, account=SOLAR, now=LATER)
    recalculated = recalculate_account(account_id=SOLAR, now=LATER)
    assert recalculated.amount_minor == -80000 - 3000
    bill = Bill.objects.get(run_id=recalculated.run_id)
    causes = explain_causes(month=bill.month, bill_id=bill.id)
    assert [cause.kind for found in causes.values() for cause in found] == ["opening_balance"]
    sources = [
        step.source
        for line in explain_bill(month=bill.month, bill_id=bill.id).lines
        for step in line.tree.walk()
    ]
    assert any("statement of the former supplier" in source for source in sources)
    assert differences() == []


def test_a_balance_goes_through_a_change_of_tariff_and_not_to_the_next_payer(utility):
    """From 16 May on another net metering, from 16 June on the tariff of all: what is left then waits for a person."""
    utility(3)
    add_account(SOLAR, tariff=NET, months=YEAR[:5], first_month=MARCH, since=MARCH)
    add_account(TOLD, tariff=NET, months=YEAR[:5], first_month=MARCH, since=MARCH)
    other = NET.replace("tariff: net", "tariff: net-plus").replace("energy: 4.00", "energy: 4.50")
    publish_id(other)
    later = datetime(2021, 5, 20, tzinfo=UTC)
    agree(SOLAR, tariff=other, since=date(2021, 5, 16), now=later)
    agree(SOLAR, tariff=PLAIN, since=date(2021, 6, 3), now=later + timedelta(hours=1))
    agree(TOLD, tariff=NET, since=date(2021, 5, 1), account=1, now=later)
    run = bill_until(JUNE)
    assert_sound(run)
    found = rows(
        f"SELECT month, to_date, value_micro FROM billing_carriedbalance WHERE account_id = {SOLAR} AND revision = 0"
        " ORDER BY to_date"
    )
    ends = dict(found.select("to_date", "value_micro").iter_rows())
    assert list(ends) == [date(2021, 4, 1), date(2021, 5, 1), date(2021, 5, 16), JUNE, date(2021, 6, 3)]
    # 70 kWh net in the 31 days of May, day by day; 200 in June.
    assert ends[date(2021, 5, 1)] == 150_000_000
    assert ends[JUNE] == 80_000_000
    assert 0 < ends[date(2021, 6, 3)] < ends[JUNE]
    left = BillException.objects.get(run=run, code="balance-unclaimed")
    assert (left.account_id, left.blocking) == (SOLAR, False)
    # The next payer of the other point had no credit: 70 kWh of May are paid in full.
    assert charged(1)[MAY] >= 28000
    assert kept(1)[MAY] == 0
    unclaimed = BillException.objects.filter(code="balance-unclaimed", account_id=TOLD)
    assert [each.run.month for each in unclaimed] == [MAY]
    assert differences() == []


@pytest.mark.parametrize(
    "fault",
    [
        "UPDATE billing_carriedbalance SET value_micro = value_micro + 1000000 WHERE month = '2021-05-01'",
        "DELETE FROM billing_carriedbalance WHERE month = '2021-05-01'",
        "UPDATE billing_carriedbalance SET to_date = to_date - 1 WHERE month = '2021-05-01'",
    ],
)
def test_a_wrong_balance_is_found(sunny, fault):
    assert differences() == []
    slip_in(fault)
    found = differences()
    assert found
    assert {each.account_id for each in found} == {SOLAR}
    for month in (MAY, JUNE):
        bill = Bill.objects.get(account_id=SOLAR, month=month)
        if month == MAY and "to_date" in fault:
            continue  # what May leaves is right, only June does not find it
        with pytest.raises(MainsError):
            explain_bill(month=month, bill_id=bill.id)


def test_equal_amounts_follow_use_and_are_settled(utility):
    """March and April cost 630 and 540 of 600; in May 1200: 570 are owed, more than half, and with 600 expected in June
    the amount becomes 1170. In June all is due: 570 + 660."""
    utility(3)
    use = [(210, 0), (180, 0), (400, 0), (220, 0)]
    add_account(SAVER, tariff=BUDGET, months=use, first_month=MARCH, since=MARCH)
    assert_sound(bill_until(JUNE))
    assert kept(SAVER, "owed") == {MARCH: 30, APRIL: -30, MAY: 570, JUNE: 0}
    assert kept(SAVER, "instalment") == {MARCH: 600, APRIL: 600, MAY: 1170, JUNE: 1170}
    assert charged(SAVER) == {MARCH: 60000, APRIL: 60000, MAY: 60000, JUNE: 123000}
    assert differences() == []
    bill = Bill.objects.get(account_id=SAVER, month=MAY)
    explained = explain_bill(month=MAY, bill_id=bill.id)
    assert {each.name: each.value for each in explained.balances} == {"owed": 570, "instalment": 1170}
    for each in explained.balances:
        assert each.tree.value == each.value
        assert each.tree.source == f"tariff budget, versions[2020-01-01].components[{each.name}]"
        assert any(step.source == "left by the bill of April 2021" for step in each.tree.walk())
    jsonschema.validate(explained.to_data(), json.loads(SCHEMA.read_text(encoding="utf-8")))
    carried = list_carried(account_id=SAVER, scope=EVERYTHING)
    assert [(row.balance, row.unit, row.value_micro) for row in carried] == [
        ("instalment", "RUB", 1170_000_000)
    ]


def test_a_surplus_of_heat_is_carried_and_a_deficit_is_not_charged(utility):
    """1890 − (567 + 0.18 × 5000) = 423 go on; 9000 kWh then cost more than was paid, and nothing is asked for it."""
    utility(3)
    add_account(WARM, tariff=HEAT, months=[(5000, 0), (9000, 0), (5000, 0)], first_month=MARCH, since=MARCH)
    assert_sound(bill_until(MAY))
    assert kept(WARM, "surplus") == {MARCH: 423, APRIL: 0, MAY: 423}
    assert charged(WARM) == {MARCH: 189000, APRIL: 146700, MAY: 189000}
    assert differences() == []


def test_a_trial_carries_balances_on_both_sides(sunny):
    """Without the cap of what is fed in at a third: April leaves 50/3 kWh less … compared month by month."""
    draft = NET.replace("export - credit, 0)", "export / 2 - credit, 0)").replace(
        "credit + export -", "credit + export / 2 -"
    )
    now = LATER - timedelta(hours=1)
    planned = plan_whatif(
        documents=[("draft.yaml", draft)], month_from=APRIL, month_to=JUNE, scope=EVERYTHING, now=now
    )
    result = compute_whatif(whatif_id=planned.pk, now=now).result
    months = {row["month"]: (row["before_minor"], row["after_minor"]) for row in result["months"]}
    assert months == {"2021-04-01": (0, 10000), "2021-05-01": (0, 64000), "2021-06-01": (48000, 100000)}


def test_a_draft_with_a_new_balance_opens_with_nought(utility):
    utility(3)
    add_account(SOLAR, tariff=PLAIN, months=YEAR[:5], first_month=MARCH)
    bill_until(JUNE)
    now = LATER - timedelta(hours=1)
    draft = NET.replace("tariff: net", "tariff: plain")
    planned = plan_whatif(
        documents=[("draft.yaml", draft)], month_from=APRIL, month_to=JUNE, scope=EVERYTHING, now=now
    )
    result = compute_whatif(whatif_id=planned.pk, now=now).result
    assert result["after_minor"] == 48000
    assert result["refused"] == []


def test_a_balance_may_change_without_any_amount(utility):
    """10 kWh more were fed in in April: nothing is owed for it, but 160 kWh go on instead of 150."""
    utility(3)
    add_account(SOLAR, tariff=NET, months=YEAR[:3], first_month=MARCH, since=MARCH)
    bill_until(APRIL)
    now = datetime(2021, 5, 6, tzinfo=UTC)
    last = Reading.objects.filter(register_id=SOLAR * 10 + Zone.EXPORT, reading_date=date(2021, 4, 30))
    last.update(superseded_at=now)
    read_at(SOLAR, Zone.EXPORT, date(2021, 4, 30), 460, now=now)
    found = recalculate_account(account_id=SOLAR, now=now + timedelta(hours=1))
    assert (found.bill_id, found.amount_minor) == (None, 0)
    assert kept(SOLAR) == {MARCH: 0, APRIL: 160}
    assert differences() == []
    slip_in("UPDATE billing_carriedbalance SET value_micro = 159000000 WHERE value_micro = 160000000")
    assert {each.bill for each in differences()} == {f"run {found.run_id}"}
    slip_in("UPDATE billing_carriedbalance SET value_micro = 160000000 WHERE value_micro = 159000000")
    assert recalculate_account(account_id=SOLAR, now=now + timedelta(hours=2)).run_id is None
    # Of the 630 kWh fed in by the end of May 170 are May's now: 250 − 170 leave 80 of 160.
    bill_until(MAY, first=MAY)
    assert kept(SOLAR)[MAY] == 80
    assert differences() == []


def test_who_moves_out_leaves_its_balance_once(sunny):
    """Of July the prosumer has 20 days; what they leave is kept with the final bill and stays as it is in the month's
    run, which lists it for a person."""
    july = month_of(4)
    found = find_account(number=Account.objects.get(pk=SOLAR).number, scope=EVERYTHING, on_date=july)
    order = MoveOrder(account=found, last_date=date(2021, 7, 20), is_estimate=True)
    done = settle(order=order, now=datetime(2021, 8, 2, tzinfo=UTC), actor=None)
    assert_sound(BillRun.objects.get(pk=done.run_id))
    left = kept(SOLAR)[july]
    assert left > 0
    assert differences() == []
    explained = explain_bill(month=july, bill_id=done.bill_id) if done.bill_id else None
    assert explained is None or [each.value for each in explained.balances] == [left]
    run = bill_until(july, first=july)
    assert_sound(run)
    assert CarriedBalance.objects.filter(account_id=SOLAR, month=july).count() == 1
    assert kept(SOLAR)[july] == left
    assert BillException.objects.filter(run_id=run.pk, account_id=SOLAR, code="balance-unclaimed").exists()
    assert differences() == []
