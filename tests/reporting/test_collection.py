"""Collection by month and unit agrees with the turnover statement, and ageing sums to what is owed."""

from datetime import date

import pytest

from mains.ledger.actions.allocation import allocate_credits
from mains.ledger.values import Age
from mains.reporting.actions.ageing import rebuild_ageing
from mains.reporting.models import AgeingFigure
from mains.reporting.queries.collection import (
    CollectionUnit,
    collection_by_month,
    collection_by_unit,
    find_ageing,
)
from mains.reporting.queries.turnover import turnover
from mains.staff.values import EVERYTHING, Scope
from money_cast import NOW, Cast

MARCH, APRIL, MAY, JUNE = (date(2021, month, 1) for month in (3, 4, 5, 6))


@pytest.fixture
def story(cast: Cast) -> Cast:
    cast.bill("anna", 10_000, on=date(2021, 3, 31), due=date(2021, 4, 10))
    cast.bill("anna", 8_000, on=date(2021, 5, 31), due=date(2021, 6, 10))
    cast.bill("dilek", 3_000, on=date(2021, 3, 31), due=date(2021, 4, 10))
    cast.pay(("anna", "2021-04-20", "25.00", "R-1"), ("boris", "2021-05-20", "5.00", "R-2"))
    return cast


def test_months_without_movement_are_there_too(story: Cast) -> None:
    months = collection_by_month(scope=EVERYTHING, month_from=date(2021, 2, 1), month_to=JUNE)
    assert [(m.month.month, m.billed_minor, m.collected_minor, m.owed_minor) for m in months] == [
        (2, 0, 0, 0),
        (3, 13_000, 0, 13_000),
        (4, 0, 2_500, 10_500),
        (5, 8_000, 500, 18_000),
    ]
    later = collection_by_month(scope=EVERYTHING, month_from=MAY, month_to=JUNE)
    assert later == months[-1:]


def test_units_agree_with_the_statement(story: Cast) -> None:
    units = {
        unit.code: unit for unit in collection_by_unit(scope=EVERYTHING, month_from=MARCH, month_to=JUNE)
    }
    assert (units["north"].billed_minor, units["north"].collected_minor, units["north"].owed_minor) == (
        18_000,
        3_000,
        15_000,
    )
    assert (units["north"].rate_percent, units["south"].rate_percent) == (16, 0)
    total = turnover(scope=EVERYTHING, month_from=MARCH, month_to=JUNE).total
    assert sum(unit.owed_minor for unit in units.values()) == total.closing_minor
    south = Scope(organisation_ids=frozenset({story.units["South"]}), permissions=frozenset())
    months = collection_by_month(scope=south, month_from=MARCH, month_to=APRIL)
    assert months[0].owed_minor == units["south"].owed_minor


def test_nothing_billed_has_no_rate() -> None:
    unit = CollectionUnit(
        organisation_id=1, code="x", name="X", billed_minor=0, collected_minor=5, owed_minor=-5
    )
    assert unit.rate_percent is None


def test_ageing_tells_how_old_the_debt_is(story: Cast) -> None:
    assert find_ageing(scope=EVERYTHING) is None
    rebuild_ageing(on_date=date(2021, 5, 31), now=NOW)
    found = find_ageing(scope=EVERYTHING)
    assert found is not None
    shares = {share.age: (share.amount_minor, share.accounts) for share in found.shares}
    assert shares == dict.fromkeys(Age, (0, 0)) | {
        Age.CREDIT: (-500, 1),
        Age.NOT_DUE: (8_000, 1),
        Age.DAYS_60: (10_500, 2),  # due 10 April: 51 days
    }
    assert (
        found.total_minor == turnover(scope=EVERYTHING, month_from=MARCH, month_to=JUNE).total.closing_minor
    )


def test_ageing_is_kept_by_date_and_replaced_whole(story: Cast) -> None:
    rebuild_ageing(on_date=date(2021, 4, 15), now=NOW)
    rebuild_ageing(on_date=date(2021, 6, 30), now=NOW)
    early = find_ageing(scope=EVERYTHING, on_date=date(2021, 5, 1))
    assert early is not None
    # On 15 April nothing was paid yet, whatever was allocated later.
    assert (early.on_date, early.total_minor) == (date(2021, 4, 15), 13_000)
    story.pay(("dilek", "2021-06-01", "30.00", "R-3"))
    allocate_credits(now=NOW)
    rows = AgeingFigure.objects.count()
    rebuild_ageing(on_date=date(2021, 6, 30), now=NOW)
    assert AgeingFigure.objects.count() == rows - 1
    south = Scope(organisation_ids=frozenset({story.units["South"]}), permissions=frozenset())
    late = find_ageing(scope=south)
    assert late is not None
    assert late.total_minor == 0


@pytest.mark.parametrize(
    ("on_date", "age"),
    [
        (date(2021, 4, 10), Age.NOT_DUE),
        (date(2021, 4, 11), Age.DAYS_30),
        (date(2021, 5, 10), Age.DAYS_30),
        (date(2021, 5, 11), Age.DAYS_60),
        (date(2021, 7, 9), Age.DAYS_90),
        (date(2021, 7, 10), Age.DAYS_180),
        (date(2022, 4, 10), Age.DAYS_365),
        (date(2022, 4, 11), Age.OLDER),
    ],
)
def test_age_classes_begin_and_end_on_their_days(cast: Cast, on_date: date, age: Age) -> None:
    cast.bill("anna", 100, on=date(2021, 3, 31), due=date(2021, 4, 10))
    rebuild_ageing(on_date=on_date, now=NOW)
    assert list(AgeingFigure.objects.values_list("age", "amount_minor", "accounts")) == [(age, 100, 1)]
