"""Who takes over a supply may pay by another tariff or category: a business after a household, say.

The cast of `test_settlement`: account 14, a household, moves out on 20 June, account 15 takes over.
"""

from datetime import timedelta

import pytest
from django.db import connection

from billing.prosumers import PLAIN, publish_id
from billing.test_node_figures import GAS
from billing.test_recalculation import replayed_differences
from billing.test_runs import assert_sound, bill_month, rows
from billing.test_settlement import DAY, JUNE, JUNE_CLOSE, LAST, NOW, final, metered, order, used
from mains.billing.actions.settlements import UnableToSettle, preview_settlement, settle
from mains.customers.actions.moves import NewPayer, NextTerms, UnableToMove
from mains.customers.models import Agreement


def agreed(point: int = 14) -> list[tuple[int, object, str, str]]:
    believed = Agreement.objects.filter(service_point_id=point, superseded_at=None).order_by("valid")
    return [(row.account_id, row.valid.lower, row.tariff.code, row.category) for row in believed]


def test_a_business_takes_over_a_home(billed_utility):
    plain = publish_id(PLAIN)
    asked = order(
        readings=(final(),),
        next_account_id=15,
        next_terms=NextTerms(tariff_ids=(plain,), category="commercial"),
    )
    seen = preview_settlement(order=asked, now=NOW)
    assert seen.following.terms == (("SP14", "plain", "commercial"),)
    done = settle(order=asked, now=NOW, actor=None, expected_minor=seen.amount_minor)
    assert agreed()[1:] == [(15, LAST + DAY, "plain", "commercial")]
    assert agreed()[0][2:] == ("home", "household")
    again = settle(order=asked, now=NOW + timedelta(hours=1), actor=None)
    assert (again.run_id, again.following) == (None, done.following)
    assert len(agreed()) == 2
    assert_sound(bill_month(JUNE, now=JUNE_CLOSE))
    (line,) = rows(
        """
        SELECT l.quantity_micro, l.amount_minor FROM billing_billline l
        JOIN billing_bill b ON b.month = l.month AND b.id = l.bill_id
        WHERE b.account_id = 15 AND l.service_point_id = 14 AND l.component = 'energy'
        """
    ).iter_rows()
    rest = metered() - used(14)
    assert line == (rest, round(rest * 400 / 1_000_000))
    assert replayed_differences() == []


def test_without_terms_all_stays_as_it_was(billed_utility):
    done = settle(order=order(readings=(final(),), next_account_id=15), now=NOW, actor=None)
    assert done.following.terms == (("SP14", "home", "household"),)
    assert agreed()[1:] == [(15, LAST + DAY, "home", "household")]


def test_terms_are_corrected_with_the_day(billed_utility):
    """Agreed on the wrong category first, then on another day: the next one's own terms stay unless told otherwise."""
    settle(order=order(readings=(final(),), next_account_id=15), now=NOW, actor=None)
    other = order(is_estimate=True, next_terms=NextTerms(category="large_family"))
    settle(order=other, now=NOW + timedelta(hours=1), actor=None)
    assert agreed()[1:] == [(15, LAST + DAY, "home", "large_family")]
    settle(order=order(last_date=LAST - 4 * DAY, is_estimate=True), now=NOW + timedelta(hours=2), actor=None)
    assert {row[2:] for row in agreed()[1:]} == {("home", "large_family")}
    assert agreed()[1][:2] == (15, LAST - 3 * DAY)


def test_a_new_customer_gets_the_terms(billed_utility):
    with connection.cursor() as cursor:  # the population numbers its customers itself
        for table in ("customers_customer", "customers_account"):
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 20000000)", [table])
    payer = NewPayer(name="Bakery", kind="organisation")
    asked = order(is_estimate=True, next_payer=payer, next_terms=NextTerms(category="commercial"))
    done = settle(order=asked, now=NOW, actor=None)
    (last,) = [row for row in agreed() if row[0] not in (14, 15)]
    assert last[2:] == ("home", "commercial")
    assert done.next_number


def test_terms_that_fit_nothing_are_refused(billed_utility):
    gas, plain = publish_id(GAS), publish_id(PLAIN)
    for tariffs in ((gas,), (plain, plain)):
        with pytest.raises(UnableToSettle) as refused:
            settle(
                order=order(is_estimate=True, next_account_id=15, next_terms=NextTerms(tariff_ids=tariffs)),
                now=NOW,
                actor=None,
            )
        assert refused.value.code == "tariff-service"
    with pytest.raises(UnableToMove) as refused:
        settle(
            order=order(is_estimate=True, next_terms=NextTerms(category="commercial")), now=NOW, actor=None
        )
    assert refused.value.code == "terms-for-nobody"
    assert len(agreed()) == 1


PRICED = """
tariff: homes-only
service: electricity
currency: RUB
unit: kWh
attributes:
  category: {type: text}
versions:
  - valid_from: 2020-01-01
    prices: {energy: {unit: RUB/kWh, by: category, household: 4.00, large_family: 2.80}}
    components:
      - {name: energy, formula: usage * prices.energy}
"""


def test_a_category_without_a_price_is_told_before_anything_is_posted(billed_utility):
    """Homes have a price, businesses have none: the next bill could not be made."""
    tariff = publish_id(PRICED)
    business = NextTerms(tariff_ids=(tariff,), category="commercial")
    asked = order(readings=(final(),), next_account_id=15, next_terms=business)
    (told,) = preview_settlement(order=asked, now=NOW).unpriced
    assert (told.point_code, told.tariff) == ("SP14", "homes-only")
    assert told.message == "The table energy has no value for commercial."
    home = NextTerms(tariff_ids=(tariff,), category="household")
    asked = order(readings=(final(),), next_account_id=15, next_terms=home)
    assert preview_settlement(order=asked, now=NOW).unpriced == ()
    assert preview_settlement(order=order(readings=(final(),)), now=NOW).unpriced == (), "nobody comes next"
