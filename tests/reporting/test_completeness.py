"""Every service-point-day is billed, waits for its run or is explained; each planted hole is found, with its days."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from psycopg.types.range import DateRange

from billing.conftest import CLOSES
from mains.base.dated import withdraw_facts
from mains.billing.actions.runs import plan_run, post_run
from mains.customers.models import Account, Agreement
from mains.network.actions.idle import record_idle_period
from mains.network.models import ServicePoint
from mains.reporting.actions.completeness import UnableToCheckCompleteness, check_completeness
from mains.reporting.models import CompletenessCheck
from mains.reporting.queries.completeness.records import find_last_check, list_causes, list_holes
from mains.staff.values import EVERYTHING, Scope
from mains.tariffs.models import TariffEdition

MARCH, APRIL, MAY = date(2021, 3, 1), date(2021, 4, 1), date(2021, 5, 1)
NOW = datetime(2021, 6, 9, tzinfo=UTC)
TODAY = date(2021, 6, 8)
POINTS = 400


def checked(**options) -> CompletenessCheck:
    return check_completeness(on_date=TODAY, now=NOW, **options)


def holes(check: CompletenessCheck) -> list[tuple[int, str, str]]:
    """Point, cause and days as `03-05..31` of each hole."""
    return sorted(
        (hole.service_point_id, hole.cause, ", ".join(f"{a:%m-%d}..{b:%d}" for a, b in hole.stretches))
        for hole in list_holes(scope=EVERYTHING, check_id=check.pk, limit=10_000)
    )


@contextmanager
def tampering(*tables: str) -> Iterator[None]:
    """Rows disappear as no client of the database could make them disappear: with the guards off."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def without(statement: str, *tables: str) -> None:
    with tampering(*tables), connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.rowcount > 0


def test_a_billed_utility_has_no_hole_and_every_day_is_counted_once(billed_utility):
    check = checked()
    assert holes(check) == []
    found = find_last_check(scope=EVERYTHING)
    march_to_may, june = 31 + 30 + 31, 8
    assert found.days == {"billed": POINTS * march_to_may, "waiting": POINTS * june}


def test_slices_and_processes_do_not_matter(billed_utility, monkeypatch):
    withdraw_facts(
        model=Agreement, subject={"service_point_id": 9}, valid_from=date(2021, 4, 3), now=CLOSES[MAY]
    )
    alone = checked()
    expected = alone.counts, holes(alone)
    monkeypatch.setattr("mains.reporting.actions.completeness.count_slices", lambda _accounts: 7)
    again = checked(processes=2)
    assert (again.counts, holes(again)) == expected


def test_a_gap_between_agreements(billed_utility):
    withdraw_facts(
        model=Agreement,
        subject={"service_point_id": 9},
        valid_from=date(2021, 4, 3),
        valid_to=date(2021, 5, 5),
        now=CLOSES[MAY],
    )
    assert holes(checked()) == [(9, "no-agreement", "04-03..30"), (9, "no-agreement", "05-01..04")]
    assert holes(checked(month=MAY)) == [(9, "no-agreement", "05-01..04")]


def test_an_act_explains_a_gap(billed_utility):
    withdraw_facts(
        model=Agreement, subject={"service_point_id": 9}, valid_from=date(2021, 4, 3), now=CLOSES[MAY]
    )
    record_idle_period(
        service_point_id=9,
        reason="vacant",
        valid_from=date(2021, 4, 3),
        valid_to=date(2021, 6, 5),
        proof="act 17",
        actor=None,
        now=CLOSES[MAY],
    )
    check = checked()
    assert holes(check) == [(9, "no-agreement", "06-05..08")]
    assert find_last_check(scope=EVERYTHING).days["explained"] == 28 + 31 + 4


def test_an_account_in_no_cycle(billed_utility):
    account = Account.objects.get(pk=9)
    account.cycle = "forgotten"
    account.save()
    without(
        "DELETE FROM billing_billline WHERE service_point_id = 9 AND month = '2021-05-01'", "billing_billline"
    )
    assert holes(checked()) == [(9, "no-cycle", "05-01..31"), (9, "no-cycle", "06-01..08")]


def test_a_tariff_without_price(billed_utility):
    edition = TariffEdition.objects.get(tariff_id=2, superseded_at=None)
    edition.superseded_at = CLOSES[APRIL]
    edition.save()
    without(
        "DELETE FROM billing_billline WHERE service_point_id = 11 AND month = '2021-05-01'",
        "billing_billline",
    )
    found = [row for row in holes(checked(month=MAY)) if row[0] == 11]
    assert found == [(11, "no-tariff", "05-01..31")]


def test_a_blocked_account_is_listed_and_its_missing_price_is_a_hole(utility):
    utility(POINTS)
    edition = TariffEdition.objects.get(tariff_id=2, superseded_at=None)
    edition.superseded_at = datetime(2021, 3, 20, tzinfo=UTC)
    edition.save()
    run = plan_run(month=MARCH, now=CLOSES[MARCH])
    post_run(run_id=run.pk, now=CLOSES[MARCH], processes=1)
    check = check_completeness(on_date=date(2021, 3, 31), now=NOW)
    on_tariff = Agreement.objects.filter(tariff_id=2, superseded_at=None, valid__contains=MARCH).count()
    causes = list_causes(scope=EVERYTHING, check_id=check.pk)
    assert {cause.cause for cause in causes} == {"no-tariff"}
    assert sum(cause.points for cause in causes) == on_tariff > 0
    assert sum(cause.use_micro for cause in causes) > 0


def test_daily_use_that_is_missing(billed_utility):
    without(
        "DELETE FROM metering_usagemonth WHERE service_point_id = 9 AND month = '2021-04-01'",
        "metering_usagemonth",
    )
    assert holes(checked()) == [(9, "no-use", "04-01..30")]


def test_a_point_that_was_never_billed(billed_utility):
    point = ServicePoint.objects.create(
        pk=5_000_001,
        code="SPNEW",
        premise_id=1,
        service="electricity",
        node_id=11,
        bucket=5,
        connected_on=date(2021, 5, 10),
    )
    Agreement.objects.create(
        account_id=9, service_point=point, tariff_id=1, provider_id=1, category="household",
        valid=DateRange(date(2021, 5, 10), None), recorded_at=CLOSES[MAY],
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO metering_usagemonth
            SELECT month, %s, zone, revision, 5, recorded_at, total_micro, days_micro, quality, span_days, span_quality,
                   span_opening, span_closing
            FROM metering_usagemonth WHERE service_point_id = 9 AND month = '2021-05-01'
            """,
            [point.pk],
        )
    check = checked()
    assert holes(check) == [(point.pk, "never-billed", "05-10..31")]
    hole = list_holes(scope=EVERYTHING, check_id=check.pk)[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(d) FROM (SELECT DISTINCT ON (zone) days_micro FROM metering_usagemonth WHERE service_point_id"
            " = 9 AND month = '2021-05-01' ORDER BY zone, revision DESC) AS last, unnest(days_micro[10:]) AS d"
        )
        assert hole.use_micro == cursor.fetchone()[0] > 0


def test_a_bill_without_the_line(billed_utility):
    without(
        "DELETE FROM billing_billline WHERE service_point_id = 9 AND service_month = '2021-04-01'",
        "billing_billline",
    )
    assert holes(checked()) == [(9, "no-line", "04-01..30")]


def test_a_month_that_a_cycle_skipped(billed_utility):
    Account.objects.filter(pk=9).update(cycle="late")
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO billing_billrun (kind, month, cycle, status, facts_as_of, issued_on, due_on, created_at,
                first_bill_id, first_entry_id, entries_per_account, first_transaction_id, last_account_id, slice_count,
                accounts)
            VALUES ('monthly', '2021-05-01', 'late', 'posted', now(), '2021-06-07', '2021-06-21', now(), 900000000,
                1, 1, 1, 0, 1, 0)
            """
        )
    without(
        "DELETE FROM billing_billline WHERE service_point_id = 9 AND service_month = '2021-04-01'",
        "billing_billline",
    )
    assert (9, "no-run", "04-01..30") in holes(checked())


def test_holes_are_shown_within_the_scope(billed_utility):
    withdraw_facts(model=Agreement, subject={"service_point_id": 9}, valid_from=MAY, now=CLOSES[MAY])
    without(
        "DELETE FROM billing_billline WHERE service_point_id = 12 AND month = '2021-05-01'",
        "billing_billline",
    )
    check = checked(month=MAY)
    south, north = (Scope(organisation_ids=frozenset({unit}), permissions=frozenset()) for unit in (3, 2))
    assert [hole.service_point_id for hole in list_holes(scope=south, check_id=check.pk)] == [9]
    assert [hole.service_point_id for hole in list_holes(scope=north, check_id=check.pk)] == [12]


def test_a_new_check_takes_the_place_of_the_old_one(billed_utility):
    without(
        "DELETE FROM billing_billline WHERE service_point_id = 12 AND month = '2021-05-01'",
        "billing_billline",
    )
    checked()
    check = checked()
    assert CompletenessCheck.objects.get().pk == check.pk
    assert check.holes.count() == 1


def test_nothing_is_checked_before_the_first_run(utility):
    utility(POINTS)
    with pytest.raises(UnableToCheckCompleteness) as caught:
        checked()
    assert caught.value.code == "completeness-nothing-billed"


def test_a_month_outside_is_refused(billed_utility):
    with pytest.raises(UnableToCheckCompleteness) as caught:
        checked(month=date(2021, 2, 1))
    assert caught.value.code == "completeness-month"
