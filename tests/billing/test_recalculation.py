"""Between monthly runs a recalculation posts what late facts change, for the touched accounts alone, and once."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from billing.population import HOME
from billing.test_runs import APRIL, MARCH, MAY, assert_sound, bill_month, charged, rows
from mains.base.dated import record_fact
from mains.billing.actions.recalculations import (
    plan_recalculation,
    preview_account,
    preview_recalculation,
    recalculate,
    recalculate_account,
)
from mains.billing.actions.runs import UnableToPlanRun, plan_run, post_run
from mains.billing.models import Bill, BillLine, BillRun
from mains.billing.queries.explain import explain_causes
from mains.billing.queries.replay import list_batches, replay_batch
from mains.customers.models import Agreement
from mains.metering.models import Reading
from mains.network.models import PremiseState
from mains.tariffs.actions.publish import publish_tariff
from mains.tariffs.models import TariffEdition

LATER = datetime(2021, 6, 7, 9, tzinfo=UTC)  # after the close of May, before the next readings come
JUNE = date(2021, 6, 1)


@pytest.fixture
def billed(utility):
    utility()
    for month in (MARCH, APRIL, MAY):
        bill_month(month)


def another_resident(point: int, *, since: date, now: datetime, more: int = 1) -> None:
    """One resident more from a day on."""
    state = PremiseState.objects.filter(premise_id=point, superseded_at=None).order_by("valid").last()
    values = {
        name: getattr(state, name)
        for name in (
            "rooms", "floor_area_m2_micro", "heated_area_m2_micro", "storey_height_mm", "location", "cooker",
            "meter_possible",
        )
    }  # fmt: skip
    record_fact(
        model=PremiseState,
        subject={"premise_id": point},
        values=values | {"residents": state.residents + more},
        valid_from=since,
        actor=None,
        now=now,
    )


def replayed_differences() -> list[object]:
    return [found for batch in list_batches() for found in replay_batch(batch).differences]


def causes_of(run: BillRun, account: int) -> set[tuple[str, int | None]]:
    """Kind and fact of every cause that the account's correction is told by."""
    bill = Bill.objects.get(run_id=run.pk, account_id=account)
    found = explain_causes(month=bill.month, bill_id=bill.id)
    assert found
    assert all(found.values()), "Every corrected month has a cause."
    return {(cause.kind, cause.fact_id) for causes in found.values() for cause in causes}


def recalculated(now: datetime = LATER) -> BillRun:
    summary = recalculate(now=now, processes=1)
    assert summary is not None
    return BillRun.objects.get(pk=summary.run_id)


def test_a_fact_of_long_ago_is_corrected_for_its_account_alone(billed):
    """12 has no meter: another resident since 20 March means more norm in every month since."""
    before = charged()
    another_resident(12, since=date(2021, 3, 20), now=LATER - timedelta(hours=1))
    run = recalculated()
    assert_sound(run)
    (bill,) = Bill.objects.filter(run_id=run.pk)
    assert (bill.account_id, bill.month, bill.amount_minor) == (12, JUNE, bill.correction_minor)
    lines = BillLine.objects.filter(month=JUNE, bill_id=bill.id)
    assert {line.service_month for line in lines} == {MARCH, APRIL, MAY}
    supply = {line.service_month: line.amount_minor for line in lines if line.component == "supply"}
    # 50 kWh a month at 3.19 within the first tier (another resident stays below 150), 12 of 31 days of March. The price
    # is 3.29 from 10 May: 92.61 + 233.48 for two residents less 46.31 + 116.74 for one.
    assert supply == {MARCH: 6174, APRIL: 15950, MAY: 16304}
    state = PremiseState.objects.get(premise_id=12, superseded_at=None, valid__contains=date(2021, 5, 1))
    assert causes_of(run, 12) == {("premise", state.pk)}
    after = charged(JUNE)
    others = pl.col("account_id") != 12
    assert after.filter(others).equals(before.filter(others))
    assert replayed_differences() == []


def test_what_is_recalculated_is_not_posted_again(billed):
    another_resident(12, since=date(2021, 3, 20), now=LATER - timedelta(hours=1))
    recalculated()
    assert recalculate(now=LATER + timedelta(hours=1), processes=1) is None
    alone = recalculate_account(account_id=12, now=LATER + timedelta(hours=2))
    assert alone.run_id is None
    june = bill_month(JUNE, now=datetime(2021, 7, 3, tzinfo=UTC))
    assert_sound(june)
    corrected = rows(
        f"""
        SELECT DISTINCT b.account_id
        FROM billing_bill b JOIN billing_billline l ON l.month = b.month AND l.bill_id = b.id
        WHERE b.run_id = {june.pk} AND l.service_month < '2021-05-01'
        """
    )
    assert 12 not in corrected["account_id"].to_list()
    assert replayed_differences() == []


def test_one_account_is_corrected_like_all(billed):
    now = LATER - timedelta(hours=1)
    reading = (
        Reading.objects.filter(register_id=140, reading_date__gte=date(2021, 3, 1))
        .order_by("reading_date")
        .first()
    )
    Reading.objects.filter(pk=reading.pk).update(superseded_at=now)
    reading.pk, reading.value_micro, reading.recorded_at = None, reading.value_micro + 20_000_000, now
    reading.save(force_insert=True)
    preview = preview_account(account_id=14, now=LATER)
    assert BillRun.objects.filter(kind="recalculation").count() == 0
    found = recalculate_account(account_id=14, now=LATER)
    assert found.amount_minor == preview.amount_minor
    assert found.lines.equals(preview.lines)
    assert not found.lines.is_empty()
    run = BillRun.objects.get(pk=found.run_id)
    assert_sound(run)
    (bill,) = Bill.objects.filter(run_id=run.pk)
    assert (bill.id, bill.account_id, bill.amount_minor) == (found.bill_id, 14, found.amount_minor)
    assert causes_of(run, 14) == {("corrected_reading", reading.pk)}
    seen = {(cause.kind, cause.fact_id) for causes in preview.causes.values() for cause in causes}
    assert seen == {("corrected_reading", reading.pk)}, "before it is posted it is told by the same facts"
    assert recalculate(now=LATER + timedelta(hours=1), processes=1).bills == 0
    assert replayed_differences() == []


def test_a_monthly_run_reaches_back_as_far(billed):
    """Point 2 was last read in January; its forecasts rest on the autumn, of which we hear otherwise in June."""
    now = datetime(2021, 6, 20, tzinfo=UTC)
    reading = Reading.objects.get(register_id=20, reading_date=date(2020, 10, 3))
    Reading.objects.filter(pk=reading.pk).update(superseded_at=now)
    reading.pk, reading.value_micro, reading.recorded_at = None, reading.value_micro + 30_000_000, now
    reading.save(force_insert=True)
    run = bill_month(JUNE, now=datetime(2021, 7, 3, tzinfo=UTC))
    assert_sound(run)
    (bill,) = Bill.objects.filter(run_id=run.pk, account_id=2)
    corrected = BillLine.objects.filter(
        month=JUNE, bill_id=bill.id, service_month__lt=JUNE, component="supply"
    )
    assert {line.service_month: line.amount_minor < 0 for line in corrected} == {
        MARCH: True,
        APRIL: True,
        MAY: True,
    }
    assert replayed_differences() == []


def test_a_price_changed_in_the_past_is_corrected_for_all(billed):
    dearer = HOME.replace(
        "standing: {unit: RUB/month, value: 12.50}", "standing: {unit: RUB/month, value: 15.00}"
    )
    publish_tariff(document=dearer, now=LATER - timedelta(hours=1))
    preview = preview_recalculation(now=LATER)
    run = recalculated()
    assert_sound(run)
    edition = TariffEdition.objects.get(tariff__code="home", superseded_at=None)
    assert causes_of(run, 12) == {("tariff", edition.pk)}
    standing = BillLine.objects.filter(month=JUNE, component="service")
    assert {line.service_month for line in standing} == {MARCH, APRIL, MAY}
    assert sum(line.amount_minor for line in standing.filter(service_month=MARCH)) == 250 * rows(
        "SELECT count(*) AS n FROM billing_billline WHERE component = 'service' AND month = '2021-03-01'"
        " AND service_month = month"
    )["n"][0]  # fmt: skip
    assert preview.amount_minor == sum(bill.amount_minor for bill in Bill.objects.filter(run_id=run.pk))
    assert replayed_differences() == []


def test_next_years_price_corrects_nothing(billed):
    """An edition that only adds a version to come says nothing of what is billed."""
    version = HOME.partition("versions:\n")[2].partition("  - valid_from: 2021-05-10")[2]
    later = HOME.replace(
        "  - valid_from: 2021-05-10\n", "  - valid_from: 2021-05-10\n    valid_to: 2022-01-01\n"
    )
    publish_tariff(
        document=later + "  - valid_from: 2022-01-01" + version.replace("3.29", "3.99"),
        now=LATER - timedelta(hours=1),
    )
    assert recalculate(now=LATER, processes=1) is None


def test_a_payer_of_whom_we_hear_late_pays_and_the_other_is_paid_back(billed):
    """Point 21 changes hands on 10 March, but we learn it in June."""
    now = LATER - timedelta(hours=1)
    old = Agreement.objects.get(service_point_id=21, superseded_at=None)
    before = charged().filter(pl.col("account_id") == 21)
    record_fact(
        model=Agreement,
        subject={"service_point_id": 21},
        values={
            "account_id": 22, "tariff_id": old.tariff_id, "provider_id": old.provider_id, "manager_id": None,
            "category": old.category, "load_class": "", "contract_number": "",
        },
        valid_from=date(2021, 3, 10),
        actor=None,
        now=now,
    )  # fmt: skip
    run = recalculated()
    assert_sound(run)
    new = Agreement.objects.get(service_point_id=21, superseded_at=None, account_id=22)
    assert causes_of(run, 22) == {("agreement", new.pk)}
    assert ("agreement", new.pk) in causes_of(run, 21)
    after = charged(JUNE)
    left = after.filter(pl.col("account_id") == 21)
    assert left["service_month"].unique().to_list() == [MARCH]
    given = before["quantity_micro"].sum() - left["quantity_micro"].sum()
    of_point = rows(
        "SELECT coalesce(sum(l.quantity_micro), 0)::bigint AS q FROM billing_billline l"
        " JOIN billing_bill b ON b.month = l.month AND b.id = l.bill_id"
        " WHERE b.account_id = 22 AND l.service_point_id = 21"
    )["q"][0]
    assert (given, given > 0) == (of_point, True)
    assert replayed_differences() == []


def test_a_run_that_is_not_finished_comes_first(billed):
    another_resident(12, since=date(2021, 3, 20), now=LATER - timedelta(hours=1))
    planned = plan_recalculation(now=LATER)
    with pytest.raises(UnableToPlanRun) as refusal:
        plan_run(month=JUNE, now=datetime(2021, 7, 3, tzinfo=UTC))
    assert (refusal.value.code, "mains recalculate" in refusal.value.remedy) == ("run-unfinished", True)
    with pytest.raises(UnableToPlanRun):
        recalculate_account(account_id=12, now=LATER + timedelta(hours=1))
    again = plan_recalculation(now=LATER + timedelta(hours=1))
    assert again.pk == planned.pk
    assert post_run(run_id=planned.pk, now=LATER, processes=1).bills == 1
    assert post_run(run_id=planned.pk, now=LATER, processes=1).was_posted


def test_nothing_is_recalculated_before_the_first_bill(utility):
    utility()
    with pytest.raises(UnableToPlanRun) as refusal:
        recalculate(now=LATER)
    assert refusal.value.code == "nothing-billed"
