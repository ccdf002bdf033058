"""A what-if of months that were not balanced takes their shares from elsewhere, and says from where."""

from datetime import UTC, date, datetime

import pytest

from balance.houses import CLOSE, MARCH, POINTS, add_house_meters, bill_month, tariff_with_common_use
from mains.billing.actions.whatif import compute_whatif, plan_whatif
from mains.staff.values import EVERYTHING

DEARER = tariff_with_common_use().replace("common_price: 3.19", "common_price: 4.19")
JULY, MARCH_2022 = date(2021, 7, 1), date(2022, 3, 1)


@pytest.fixture
def houses(utility):
    utility(POINTS)
    return add_house_meters()


def tried(month: date, *, now: datetime = CLOSE[MARCH]):
    planned = plan_whatif(
        documents=[("draft", DEARER)], month_from=month, month_to=month, scope=EVERYTHING, now=now
    )
    result = compute_whatif(whatif_id=planned.pk, now=now, processes=1).result
    common = next((row for row in result["components"] if row["component"] == "common"), None)
    return result["months"][0], common


def test_own_shares_count_where_the_month_was_balanced(houses):
    bill_month(MARCH)
    month, common = tried(MARCH)
    assert (month["shares"], month["shares_of"]) == ("own", ["2021-03-01"])
    assert abs(common["after_minor"]) > abs(common["before_minor"]) > 0


def test_a_month_to_come_has_the_average_of_the_last_balanced_months(houses):
    bill_month(MARCH)
    _, own = tried(MARCH)
    month, common = tried(JULY)
    assert (month["shares"], month["shares_of"]) == ("average", ["2021-03-01"])
    assert (common["before_minor"], common["after_minor"]) == (own["before_minor"], own["after_minor"])


def test_the_same_month_a_year_before_goes_before_the_average(houses):
    for month in (MARCH, date(2021, 4, 1)):
        bill_month(month)
    _, own = tried(MARCH, now=CLOSE[date(2021, 4, 1)])
    month, common = tried(MARCH_2022, now=datetime(2021, 6, 7, tzinfo=UTC))
    assert (month["shares"], month["shares_of"]) == ("year_before", ["2021-03-01"])
    assert common["before_minor"] == own["before_minor"]


def test_where_nothing_was_balanced_it_is_said(houses):
    month, common = tried(MARCH)
    assert (month["shares"], month["shares_of"]) == ("none", [])
    assert common is None or common["before_minor"] == 0
