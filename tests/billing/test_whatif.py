"""A draft is tried over the utility by the engine that bills, and nothing of it is posted."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from django.db import connection

from billing.population import HOME
from mains.base.db import adbc_connect, read_frame
from mains.billing.actions.runs import plan_run, post_run
from mains.billing.actions.whatif import UnableToComputeWhatIf, cancel_whatif, compute_whatif, plan_whatif
from mains.billing.models import WhatIf
from mains.billing.queries.whatif.drafts import UnableToTryTariff
from mains.billing.queries.whatif.totals import percentiles
from mains.billing.values import WhatIfStatus
from mains.engine.tariff import UnableToReadTariff
from mains.staff.values import EVERYTHING, Scope
from mains.tariffs.actions.publish import publish_tariff

MARCH, APRIL, MAY, JULY = date(2021, 3, 1), date(2021, 4, 1), date(2021, 5, 1), date(2021, 7, 1)
MARCH_CLOSE, APRIL_CLOSE = datetime(2021, 4, 4, tzinfo=UTC), datetime(2021, 5, 4, tzinfo=UTC)
DEARER = HOME.replace("price: 4.47", "price: 4.97").replace("value: 12.50", "value: 10.00")


def bill(month: date, now: datetime) -> None:
    run = plan_run(month=month, now=now, accounts_per_slice=200)
    post_run(run_id=run.pk, now=now, processes=1)


def tried(
    document: str | None,
    *,
    first: date = MARCH,
    last: date | None = None,
    now: datetime = MARCH_CLOSE,
    **options,
):
    scope = options.pop("scope", EVERYTHING)
    documents = [("draft.yaml", document)] if document is not None else []
    planned = plan_whatif(documents=documents, month_from=first, month_to=last or first, scope=scope, now=now)
    return compute_whatif(whatif_id=planned.pk, now=now, **options).result


def rows(statement: str) -> pl.DataFrame:
    with adbc_connect() as connection:
        return read_frame(statement, connection=connection)


def posted_by_home(month: date) -> pl.DataFrame:
    """What the agreements of tariff 1 were billed for the month by bills of the month, by account."""
    return rows(
        f"""
        SELECT b.account_id, sum(l.amount_minor)::bigint AS amount_minor
        FROM billing_bill b JOIN billing_billline l ON l.month = b.month AND l.bill_id = b.id
        JOIN customers_agreement a ON a.id = l.agreement_id
        WHERE b.month = '{month}' AND l.service_month = '{month}' AND l.kind <> 'tax_included' AND a.tariff_id = 1
        GROUP BY 1 ORDER BY 1
        """
    )


def test_before_is_what_the_run_bills_and_after_is_what_it_bills_once_the_draft_is_published(utility):
    utility()
    bill(MARCH, MARCH_CLOSE)
    result = tried(DEARER)
    assert result["before_minor"] == posted_by_home(MARCH)["amount_minor"].sum()
    before = posted_by_home(MARCH)
    utility()
    publish_tariff(document=DEARER, now=datetime(2021, 4, 1, tzinfo=UTC))
    bill(MARCH, MARCH_CLOSE)
    after = posted_by_home(MARCH)
    assert result["after_minor"] == after["amount_minor"].sum()
    assert result["after_minor"] > result["before_minor"]
    change = before.join(after, on="account_id").with_columns(
        change=pl.col("amount_minor_right") - pl.col("amount_minor")
    )
    assert result["bills"] == before.height
    assert result["directions"]["more"]["bills"] == change.filter(pl.col("change") > 0).height
    worst = change.sort("change", "account_id", descending=[True, False]).head(100)
    assert [row["account_id"] for row in result["worst"]] == worst["account_id"].to_list()
    assert [row["change_minor"] for row in result["worst"]] == worst["change"].to_list()
    best = change.filter(pl.col("change") < 0).sort("change", "account_id").head(100)
    assert best.height > 0
    assert [row["account_id"] for row in result["best"]] == best["account_id"].to_list()


def test_every_part_sums_to_the_whole(utility):
    utility()
    bill(MARCH, MARCH_CLOSE)
    bill(APRIL, APRIL_CLOSE)
    result = tried(DEARER, last=APRIL, now=APRIL_CLOSE)
    for part in ("months", "classes", "units", "components"):
        for side in ("before_minor", "after_minor"):
            assert sum(row[side] for row in result[part]) == result[side], part
    assert sum(row["bills"] for row in result["money"]) == result["bills"]
    assert sum(row["bills"] for row in result["percent"]) + result["newly_charged"] == result["bills"]
    assert sum(part["bills"] for part in result["directions"].values()) == result["bills"]
    change = sum(part["change_minor"] for part in result["directions"].values())
    assert change == result["after_minor"] - result["before_minor"]
    assert [row["is_projected"] for row in result["months"]] == [False, False]
    assert {row["category"] for row in result["classes"]} == {"household", "large_family"}


def test_processes_and_units_do_not_matter(utility):
    utility()
    bill(MARCH, MARCH_CLOSE)
    whole = tried(DEARER)
    assert tried(DEARER, processes=2) == whole
    north, south = (
        tried(DEARER, scope=Scope(organisation_ids=frozenset({unit}), permissions=frozenset()))
        for unit in (2, 3)
    )
    assert north["after_minor"] + south["after_minor"] == whole["after_minor"]
    assert north["bills"] + south["bills"] == whole["bills"]
    assert [row["organisation_id"] for row in north["units"]] == [2]


def test_nothing_is_posted(utility):
    utility()
    tables = ("billing_billrun", "billing_bill", "billing_billline", "metering_usagemonth", "ledger_entry",
              "tariffs_tariffedition", "billing_billexception")  # fmt: skip
    counts = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in tables)
    before = rows(counts)
    tried(DEARER, last=JULY)
    assert rows(counts).equals(before)


def test_a_month_that_is_not_billed_is_rated_on_the_use_that_its_run_would_compute(utility):
    utility()
    expected = tried(DEARER)
    assert [row["is_projected"] for row in expected["months"]] == [True]
    bill(MARCH, MARCH_CLOSE)
    after_run = tried(DEARER)
    assert [row["is_projected"] for row in after_run["months"]] == [False]
    for name in ("bills", "before_minor", "after_minor", "quantity_micro", "worst"):
        assert expected[name] == after_run[name]


def test_a_future_month_is_rated_on_forecast_use(utility):
    utility()
    bill(MARCH, MARCH_CLOSE)
    result = tried(DEARER, last=JULY)
    assert [row["is_projected"] for row in result["months"]] == [False, True, True, True, True]
    march, july = result["months"][0], result["months"][-1]
    assert july["bills"] >= march["bills"]
    assert 0.5 < july["quantity_micro"] / march["quantity_micro"] < 2


OCTOBER, AUGUST = date(2021, 10, 1), date(2021, 8, 1)


def plant_use(point: int, *, after: date, kwh: int) -> None:
    """Let the point's meter show so much more from a day on."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE metering_reading DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE metering_reading SET value_micro = (value_micro + %s) %% 100000000000 WHERE register_id IN"
            " (SELECT r.id FROM metering_register r JOIN metering_installation i ON i.meter_id = r.meter_id"
            "  WHERE i.service_point_id = %s) AND reading_date > %s",
            [kwh * 1_000_000, point, after],
        )
        cursor.execute("ALTER TABLE metering_reading ENABLE TRIGGER USER")


def test_a_month_to_come_follows_the_same_month_a_year_before(utility):
    """Point 28 used 3,100 kWh more from 2 October to 1 November 2020: October 2021 is forecast higher by 30 days of it,
    other months to come are not."""
    utility()
    bill(MARCH, MARCH_CLOSE)
    before = {month: tried(DEARER, first=month)["quantity_micro"] for month in (AUGUST, OCTOBER)}
    plant_use(28, after=date(2020, 10, 2), kwh=3_100)
    after = {month: tried(DEARER, first=month)["quantity_micro"] for month in (AUGUST, OCTOBER)}
    assert abs(after[OCTOBER] - before[OCTOBER] - 3_000 * 1_000_000) <= 1
    assert after[AUGUST] == before[AUGUST]


def test_the_season_is_the_same_from_stored_use_and_from_readings(utility):
    """May 2022 follows May 2021, whether a run has kept its use or not, in any number of processes."""
    may_close, may_2022 = datetime(2021, 6, 7, tzinfo=UTC), date(2022, 5, 1)
    utility()
    computed = tried(DEARER, first=may_2022, now=may_close)
    for month, now in ((MARCH, MARCH_CLOSE), (APRIL, APRIL_CLOSE), (MAY, may_close)):
        bill(month, now)
    stored = tried(DEARER, first=may_2022, now=may_close)
    assert stored["quantity_micro"] == computed["quantity_micro"] > 0
    assert stored["worst"] == computed["worst"]
    named = [row["account_id"] for row in stored["best"]]
    assert len(named) == len(set(named)) == 100, "all change alike, and each is named once"
    assert tried(DEARER, first=may_2022, now=may_close, processes=2) == stored


def test_what_the_draft_cannot_price_is_listed_and_left_out_of_both_sides(utility):
    utility()
    bill(MARCH, MARCH_CLOSE)
    whole = tried(DEARER)
    result = tried(
        DEARER.replace(
            '        "*": {tiers: [{upto: 150, price: 2.19}',
            "        single: {tiers: [{upto: 150, price: 2.19}",
            1,
        )
    )
    assert result["refused_bills"] == 0, "nobody is a large family before 11 April"
    bill(APRIL, APRIL_CLOSE)
    whole = tried(DEARER, first=APRIL, now=APRIL_CLOSE)
    part = tried(
        DEARER.replace(
            '        "*": {tiers: [{upto: 150, price: 2.19}',
            "        single: {tiers: [{upto: 150, price: 2.19}",
            1,
        ),
        first=APRIL,
        now=APRIL_CLOSE,
    )
    assert part["refused_bills"] > 0
    assert part["bills"] + part["refused_bills"] == whole["bills"]
    assert {row["side"] for row in part["refused"]} == {"after"}
    assert part["before_minor"] < whole["before_minor"]


@pytest.mark.parametrize(
    ("document", "options", "error", "code"),
    [
        (HOME.replace("tariff: home", "tariff: castle"), {}, UnableToTryTariff, "whatif-no-tariff"),
        (HOME.replace("service: electricity", "service: gas"), {}, UnableToTryTariff, "whatif-other-service"),
        (HOME, {"first": APRIL, "last": MARCH}, UnableToTryTariff, "whatif-months"),
        (HOME, {"last": date(2031, 3, 1)}, UnableToTryTariff, "whatif-too-long"),
        (HOME.replace("standing * months", "standing * mouths"), {}, UnableToReadTariff, None),
        (None, {}, UnableToTryTariff, "whatif-nothing"),
    ],
)
def test_a_draft_that_cannot_be_tried_is_refused_and_not_kept(utility, document, options, error, code):
    utility()
    with pytest.raises(error) as caught:
        tried(document, **options)
    assert code in (None, caught.value.code)
    assert caught.value.remedy
    assert not WhatIf.objects.exists()


def test_a_cancelled_one_stops_and_a_finished_one_is_kept(utility):
    utility()
    planned = plan_whatif(
        documents=[("draft.yaml", DEARER)],
        month_from=MARCH,
        month_to=MARCH,
        scope=EVERYTHING,
        now=MARCH_CLOSE,
    )
    assert cancel_whatif(whatif_id=planned.pk, now=MARCH_CLOSE)
    with pytest.raises(UnableToComputeWhatIf):
        compute_whatif(whatif_id=planned.pk, now=MARCH_CLOSE)
    assert WhatIf.objects.get().status == WhatIfStatus.CANCELLED
    planned = plan_whatif(
        documents=[("draft.yaml", DEARER)],
        month_from=MARCH,
        month_to=MARCH,
        scope=EVERYTHING,
        now=MARCH_CLOSE,
    )
    first = compute_whatif(whatif_id=planned.pk, now=MARCH_CLOSE)
    again = compute_whatif(whatif_id=planned.pk, now=APRIL_CLOSE)
    assert (again.finished_at, again.result) == (first.finished_at, first.result)
    assert not cancel_whatif(whatif_id=planned.pk, now=APRIL_CLOSE)


def test_percentiles_are_those_of_the_sorted_bills():
    counted = pl.DataFrame({"change_minor": [-5, 0, 10, 400], "bills": [10, 40, 45, 5]})
    bills = sorted([-5] * 10 + [0] * 40 + [10] * 45 + [400] * 5)
    for p, value in percentiles(counted).items():
        assert value == bills[-(-len(bills) * int(p) // 100) - 1], p
