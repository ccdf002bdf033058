"""A month is billed once and in order, adds up, and is corrected by the difference when facts come later."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from psycopg.types.range import DateRange

from billing.population import HOME
from mains.base.dated import withdraw_facts
from mains.base.db import adbc_connect, read_frame
from mains.billing.actions.runs import UnableToPlanRun, plan_run, post_run, preview_run
from mains.billing.models import BillException, BillRun
from mains.billing.queries.checks import check_run
from mains.billing.queries.hashes import run_hash
from mains.billing.queries.replay import list_batches, replay_batch
from mains.customers.models import Agreement
from mains.tariffs.actions.publish import publish_tariff
from mains.tariffs.models import TariffEdition

MARCH, APRIL, MAY = date(2021, 3, 1), date(2021, 4, 1), date(2021, 5, 1)
CLOSE = {
    MARCH: datetime(2021, 4, 4, tzinfo=UTC),
    APRIL: datetime(2021, 5, 4, tzinfo=UTC),
    MAY: datetime(2021, 6, 7, tzinfo=UTC),
}


def bill_month(month: date, *, now: datetime | None = None, slices: int = 3) -> BillRun:
    run = plan_run(month=month, now=now or CLOSE[month], accounts_per_slice=-(-450 // slices))
    post_run(run_id=run.pk, now=now or CLOSE[month], processes=1)
    return BillRun.objects.get(pk=run.pk)


def rows(statement: str) -> pl.DataFrame:
    with adbc_connect() as connection:
        return read_frame(statement, connection=connection)


def assert_sound(run: BillRun) -> None:
    assert {check.name: check.example for check in check_run(run.pk) if check.broken} == {}


def charged(until: date = MAY) -> pl.DataFrame:
    """What each account was charged in all for each month of use, by component, by bills up to a month."""
    return rows(
        f"""
        SELECT b.account_id, l.service_month, l.component, sum(l.amount_minor)::bigint AS amount_minor,
               sum(l.quantity_micro)::bigint AS quantity_micro
        FROM billing_billline l JOIN billing_bill b ON b.month = l.month AND b.id = l.bill_id
        WHERE l.month <= '{until}' GROUP BY 1, 2, 3
        HAVING sum(l.amount_minor) <> 0 OR sum(l.quantity_micro) <> 0 ORDER BY 1, 2, 3
        """
    )


def test_three_months_add_up(utility):
    utility()
    for month in (MARCH, APRIL, MAY):
        assert_sound(bill_month(month))
    corrections = rows("SELECT count(*) AS n FROM billing_billline WHERE service_month < month")
    assert corrections["n"][0] > 300
    use = rows(
        """
        SELECT DISTINCT ON (month, service_point_id, zone) service_point_id, month, quality
        FROM metering_usagemonth ORDER BY month, service_point_id, zone, revision DESC
        """
    ).filter(pl.col("month") == MARCH, pl.col("service_point_id") % 30 != 2)
    assert not use["quality"].str.contains("[FC]").any(), "by June every forecast of March is replaced"


def test_month_by_month_equals_all_at_once(utility):
    """Correcting what was billed with less knowledge ends at what full knowledge would have billed."""
    utility()
    for month in (MARCH, APRIL, MAY):
        bill_month(month)
    step_by_step = charged()
    utility()
    late = CLOSE[MAY]
    for offset, month in enumerate((MARCH, APRIL, MAY)):
        bill_month(month, now=late + timedelta(seconds=offset))
    at_once = charged()
    assert step_by_step.equals(at_once)
    only_now = rows("SELECT count(*) AS n FROM billing_billline WHERE service_month < month")
    assert only_now["n"][0] == 0


def test_slices_and_processes_do_not_matter(utility):
    """The bills are those of one slice, whatever the cut; only control postings come in other parts."""
    found = []
    for slices in (1, 5):
        utility()
        bill_month(MARCH, slices=slices)
        bill_month(APRIL, slices=slices)
        bills = rows("SELECT * FROM billing_bill ORDER BY month, id")
        lines = rows("SELECT * FROM billing_billline ORDER BY month, bill_id, line")
        found.append((bills, lines))
    assert found[0][0].equals(found[1][0])
    assert found[0][1].equals(found[1][1])


def test_finished_run_is_left_alone(utility):
    utility()
    run = bill_month(MARCH)
    before = run_hash(run.pk)
    again = plan_run(month=MARCH, now=CLOSE[APRIL])
    assert again.pk == run.pk
    assert post_run(run_id=run.pk, now=CLOSE[APRIL]).was_posted
    assert run_hash(run.pk) == before


def test_preview_is_the_run_and_posts_nothing(utility):
    utility()
    bill_month(MARCH)
    tables = (
        "billing_billrun",
        "billing_bill",
        "metering_usagemonth",
        "ledger_entry",
        "billing_billexception",
    )
    counts = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in tables)
    before = rows(counts)
    preview = preview_run(month=APRIL, now=CLOSE[APRIL])
    assert rows(counts).equals(before)
    run = plan_run(month=APRIL, now=CLOSE[APRIL])
    summary = post_run(run_id=run.pk, now=CLOSE[APRIL], processes=1)
    assert (preview.bills, preview.amount_minor) == (summary.bills, summary.amount_minor)
    posted = rows("SELECT sum(correction_minor)::bigint AS c FROM billing_bill WHERE month = '2021-04-01'")
    assert preview.correction_minor == posted["c"][0]
    assert preview.exceptions["count"].sum() == BillException.objects.filter(run=run).count()


@pytest.mark.parametrize(
    ("month", "now", "code"),
    [
        (MAY, CLOSE[MAY], "month-out-of-order"),
        (date(2021, 2, 1), CLOSE[APRIL], "month-out-of-order"),
        (APRIL, datetime(2021, 4, 20, tzinfo=UTC), "month-not-over"),
    ],
)
def test_months_are_billed_in_order(utility, month, now, code):
    utility()
    bill_month(MARCH)
    with pytest.raises(UnableToPlanRun) as refusal:
        plan_run(month=month, now=now)
    assert refusal.value.code == code
    assert refusal.value.remedy


def test_account_that_cannot_be_priced_is_left_out_and_billed_later(utility):
    """One tariff has no edition; when it is published the next run bills the month that was missed."""
    utility()
    now = CLOSE[MARCH]
    TariffEdition.objects.filter(tariff__code="home").update(superseded_at=now - timedelta(days=1))
    march = bill_month(MARCH)
    blocked = BillException.objects.filter(run=march, blocking=True)
    assert {found.code for found in blocked} == {"no-tariff-edition"}
    billed = rows("SELECT account_id FROM billing_bill")["account_id"]
    assert set(billed) == {n for n in range(1, 401) if n % 10 == 1 and n % 12}
    assert not set(billed) & {found.account_id for found in blocked}
    assert_sound(march)
    publish_tariff(document=HOME, now=now + timedelta(days=3))
    assert_sound(bill_month(APRIL))
    caught_up = charged(APRIL)
    utility()
    bill_month(MARCH)
    bill_month(APRIL)
    assert caught_up.equals(charged(APRIL))


def test_new_price_recorded_later_corrects_billed_months(utility):
    """A decision of May with effect from March: March is charged anew, only by the difference."""
    utility()
    bill_month(MARCH)
    before = charged(MARCH)
    dearer = HOME.replace(
        "standing: {unit: RUB/month, value: 12.50}", "standing: {unit: RUB/month, value: 15.00}"
    )
    publish_tariff(document=dearer, now=CLOSE[MARCH] + timedelta(days=1))
    april = bill_month(APRIL)
    assert_sound(april)
    service = rows(
        "SELECT service_month, amount_minor FROM billing_billline WHERE month = '2021-04-01' AND component = 'service'"
    )
    corrections = service.filter(pl.col("service_month") == MARCH)["amount_minor"]
    homes = before.filter(pl.col("component") == "service").height
    assert corrections.to_list() == [250] * homes


def test_exceptions_name_what_is_odd(utility):
    """A service point whose payer left is shown until somebody pays again."""
    utility()
    service_point_id = supersede_agreement(40, closes=date(2021, 3, 11))
    run = bill_month(MARCH)
    gap = BillException.objects.get(run=run, code="agreement-gap")
    assert (gap.service_point_id, gap.account_id, gap.blocking) == (service_point_id, None, False)
    assert "21 of 31 days" in gap.message


def supersede_agreement(agreement_id: int, *, closes: date) -> int:
    """End an agreement early; the service point."""
    known = datetime(2021, 3, 12, tzinfo=UTC)
    agreement = Agreement.objects.get(pk=agreement_id)
    Agreement.objects.filter(pk=agreement_id).update(superseded_at=known)
    agreement.pk = None
    agreement.valid = DateRange(agreement.valid.lower, closes)
    agreement.recorded_at = known
    agreement.save(force_insert=True)
    return agreement.service_point_id


def test_empty_utility_is_billed_with_nothing(utility):
    utility(0)
    for month in (MARCH, APRIL):
        run = bill_month(month)
        assert_sound(run)
    assert rows("SELECT count(*) AS n FROM billing_bill")["n"][0] == 0


def test_account_left_out_gets_its_earlier_corrections_later(utility):
    """April is blocked for all homes; what April would have corrected in March is not lost."""
    utility()
    bill_month(MARCH)
    known = CLOSE[APRIL] - timedelta(hours=1)
    TariffEdition.objects.filter(tariff__code="home").update(superseded_at=known)
    bill_month(APRIL)
    publish_tariff(document=HOME, now=CLOSE[APRIL] + timedelta(hours=1))
    assert_sound(bill_month(MAY))
    caught_up = charged()
    utility()
    for month in (MARCH, APRIL, MAY):
        bill_month(month)
    assert caught_up.equals(charged())


def test_a_move_corrects_no_month_before_it(utility):
    """Cutting an agreement records its earlier part anew; what was posted for that part stays where it is."""
    utility()
    bill_month(MARCH)
    moved = date(2021, 4, 11)
    line = rows(
        """
        SELECT l.agreement_id, l.service_point_id, b.account_id
        FROM billing_billline l JOIN billing_bill b ON b.month = l.month AND b.id = l.bill_id
        JOIN metering_usagemonth u ON u.month = l.month AND u.service_point_id = l.service_point_id
        WHERE l.quantity_micro > 0 AND u.quality !~ '[FCN]' ORDER BY l.bill_id LIMIT 1
        """
    ).row(0, named=True)
    withdraw_facts(
        model=Agreement,
        subject={"service_point_id": line["service_point_id"]},
        valid_from=moved,
        now=datetime(2021, 4, 12, tzinfo=UTC),
    )
    assert not Agreement.objects.filter(pk=line["agreement_id"], superseded_at=None).exists()
    bill_month(APRIL)
    posted = rows(
        f"""
        SELECT l.agreement_id, l.service_month, l.to_date
        FROM billing_billline l JOIN billing_bill b ON b.month = l.month AND b.id = l.bill_id
        WHERE l.month = '2021-04-01' AND b.account_id = {line["account_id"]}
        """
    )
    assert posted["service_month"].unique().to_list() == [APRIL]
    assert posted["agreement_id"].unique().to_list() == [line["agreement_id"]]
    assert posted["to_date"].max() == moved
    results = [replay_batch(batch) for batch in list_batches()]
    assert [difference for result in results for difference in result.differences] == []
