"""Opening balances in the subscriber book: stated, seen with what they change, refused in words, withdrawn."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from mains.billing.models import OpeningBalance
from mains.customers.models import Account, Agreement
from mains.tariffs.actions.publish import publish_tariff
from mains.tariffs.queries.records import find_tariff

CARRIES = """balances: {credit: kWh}
components:
  - {name: credit, kind: balance, title: {en: Carried energy, de: Übertragene Energie}, formula: "max(credit - 10, 0)"}
  - {name: used_up, kind: subsidy, formula: "-min(credit, 10) * 2 [RUB/kWh]"}
"""


@pytest.fixture
def holder(own_office) -> str:
    """Number of an account of the central district whose tariff carries a balance from now on."""
    found = find_tariff(code="ru-electricity-one-rate")
    assert found
    publish_tariff(
        document=found.document.replace("components:\n", CARRIES, 1), now=datetime(2021, 6, 6, tzinfo=UTC)
    )
    account = Account.objects.get(number=own_office.central)
    agreement = Agreement.objects.filter(account=account, superseded_at=None).latest("valid")
    assert agreement.tariff.code == found.code
    return account.number


def shown(client: Client, path: str) -> str:
    """The page with plain spaces."""
    return client.get(path).content.decode().replace("\N{NO-BREAK SPACE}", " ")


def told(number: str, **changes: str) -> dict[str, str]:
    point = (
        Agreement.objects.filter(account__number=number, superseded_at=None).latest("valid").service_point_id
    )
    return {
        "place": f"{point}:credit",
        "month": "2021-03",
        "value": "40,5",
        "proof": "file of the old system",
    } | changes


def state(client: Client, number: str, **changes: str):
    """See what it changes, and record it from there."""
    address, asked = f"/accounts/{number}/openings/", told(number, **changes)
    seen = client.post(address, asked)
    return client.post(address, asked | {"mark": seen.context["opening_preview"]["mark"]}, follow=True)


def test_it_is_stated_shown_and_withdrawn_with_its_reason(own_office, holder) -> None:
    client, book = own_office.sign_in("clerk"), f"/accounts/{holder}"
    assert "Carried energy, kWh" in shown(client, f"{book}/money/")
    answer = state(client, holder)
    assert answer.redirect_chain[-1][0] == f"{book}/money/"
    assert "The opening balance is recorded." in answer.content.decode()
    opening = OpeningBalance.objects.get()
    assert (opening.value_micro, opening.unit, str(opening.month)) == (40_500_000, "kWh", "2021-03-01")
    assert "40.5 kWh" in shown(client, f"{book}/money/")
    assert "file of the old system" in client.get(f"{book}/history/?kind=openings").content.decode()
    missing = client.post(f"{book}/openings/{opening.pk}/withdraw/", {"reason": ""}, follow=True)
    assert "The reason is missing." in missing.content.decode()
    client.post(f"{book}/openings/{opening.pk}/withdraw/", {"reason": "another account's"})
    opening.refresh_from_db()
    assert opening.superseded_at is not None
    page = client.get(f"{book}/money/").content.decode()
    assert "another account&#x27;s" in page
    assert "/withdraw/" not in page


def test_a_supervisor_sees_at_once_what_it_changes_and_posts_it(own_office, holder) -> None:
    client, book = own_office.sign_in("supervisor"), f"/accounts/{holder}"
    page = state(client, holder)
    assert page.redirect_chain[-1][0] == f"{book}/recalculation/"
    # Ten kilowatt-hours of the forty at two roubles in each of the three billed months.
    assert page.context["total_minor"] == -3 * 2000
    client.post(f"{book}/recalculation/post/", {"seen": str(page.context["total_minor"])})
    assert "10.5 kWh" in shown(client, f"{book}/money/")


def test_what_it_changes_is_seen_before_anything_is_recorded(own_office, holder) -> None:
    client = own_office.sign_in("clerk")
    answer = client.post(f"/accounts/{holder}/openings/", told(holder))
    assert not OpeningBalance.objects.exists()
    page = answer.content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert "60.00" in page.split("Billed months change by")[1][:40]
    assert answer.context["opening_preview"]["total_minor"] == -3 * 2000
    # Of the month to be billed next: its bill with it and without.
    answer = client.post(f"/accounts/{holder}/openings/", told(holder, month="2021-06"))
    bill = answer.context["opening_preview"]["bill"]
    assert bill.is_unknown_before, "nobody knows what it opens with"
    assert [line.after_minor for line in bill.lines if line.component == "used_up"] == [-2000]
    assert not OpeningBalance.objects.exists()
    # Another value than was seen is shown again.
    mark = answer.context["opening_preview"]["mark"]
    again = client.post(
        f"/accounts/{holder}/openings/", told(holder, month="2021-06", value="1") | {"mark": mark}
    )
    assert again.status_code == 200
    assert not OpeningBalance.objects.exists()
    later = client.post(f"/accounts/{holder}/openings/", told(holder, month="2021-09"))
    assert "Months before it are billed first" in later.content.decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"month": "soon"}, "Write the month as 2021-05."),
        ({"month": "1990-01"}, "carries a balance credit"),
        ({"value": "much"}, "Enter a number."),
        ({"value": "123456789012"}, "9 digits before the decimal point"),
        ({"proof": ""}, "This field is required."),
        ({"place": "1:credit"}, "Select a valid choice"),
    ],
)
def test_a_refused_one_says_why_beside_the_field(
    own_office, holder, changes: dict[str, str], said: str
) -> None:
    client = own_office.sign_in("clerk")
    answer = client.post(f"/accounts/{holder}/openings/", told(holder, **changes))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not OpeningBalance.objects.exists()


def test_nobody_states_or_withdraws_outside_the_own_district_or_without_the_right(own_office, holder) -> None:
    supervisor = own_office.sign_in("supervisor_northern")
    assert supervisor.post(f"/accounts/{holder}/openings/", told(holder)).status_code == 404
    assert (
        own_office.sign_in("cashier").post(f"/accounts/{holder}/openings/", told(holder)).status_code == 403
    )
    state(own_office.sign_in("clerk"), holder)
    opening = OpeningBalance.objects.get()
    # Not by way of an account of the own district either.
    supervisor.post(f"/accounts/{own_office.northern}/openings/{opening.pk}/withdraw/", {"reason": "because"})
    opening.refresh_from_db()
    assert opening.superseded_at is None


def test_an_account_without_such_a_tariff_has_no_form(office) -> None:
    client = office.sign_in("clerk")
    assert "opening balance" not in client.get(f"/accounts/{office.central}/money/").content.decode()
    assert client.post(f"/accounts/{office.central}/openings/", told(office.central)).status_code == 404
