"""The completeness page: days by state, holes by cause, an act that explains a hole; within the person's scope."""

from datetime import UTC, date, datetime

import pytest

from mains.base.dated import withdraw_facts
from mains.customers.models import Account, Agreement
from mains.network.models import IdlePeriod
from mains.reporting.actions.completeness import check_completeness
from mains.reporting.models import CompletenessHole
from web.office.conftest import TODAY

PAGE = "/reports/completeness/"
NOW = datetime(2021, 6, 7, 14, tzinfo=UTC)


@pytest.fixture
def with_hole(own_office):
    """The central account's agreement ends on 20 May; the check has found it."""
    account = Account.objects.get(number=own_office.central)
    agreement = account.agreements.filter(superseded_at=None).latest("id")
    withdraw_facts(
        model=Agreement,
        subject={"service_point_id": agreement.service_point_id},
        valid_from=date(2021, 5, 20),
        now=datetime(2021, 6, 7, 13, tzinfo=UTC),
    )
    check_completeness(on_date=TODAY, now=NOW)
    return own_office, agreement.service_point


def test_the_demo_utility_is_complete(own_office) -> None:
    check = check_completeness(on_date=TODAY, now=NOW)
    assert check.hole_count == 0
    client = own_office.sign_in("supervisor")
    client.cookies["django_language"] = "en"
    assert "Every day is accounted for." in client.get(PAGE).content.decode()


def test_a_hole_is_shown_to_its_district_and_explained_there(with_hole) -> None:
    office, point = with_hole
    client = office.sign_in("supervisor_central")
    assert point.code in client.get(PAGE).content.decode()
    assert point.code in client.get(f"{PAGE}?cause=no-agreement").content.decode()
    assert point.code not in client.get(f"{PAGE}?cause=no-line").content.decode()
    hole = CompletenessHole.objects.filter(service_point_id=point.pk).order_by("month")[0]
    assert (hole.month, hole.day_count) == (date(2021, 5, 1), 12)
    answer = client.post(f"{PAGE}holes/{hole.pk}/", {"reason": "vacant", "proof": "act 12 of 2 June"})
    assert answer.status_code == 302
    idle = IdlePeriod.objects.get(service_point=point)
    assert (idle.valid.lower, idle.valid.upper) == (date(2021, 5, 20), date(2021, 6, 1))
    assert idle.recorded_by.username == office.people["supervisor_central"]
    again = check_completeness(on_date=TODAY, now=datetime(2021, 6, 8, tzinfo=UTC))
    assert [one.month for one in again.holes.filter(service_point_id=point.pk)] == [date(2021, 6, 1)]


def test_another_district_neither_sees_nor_explains_it(with_hole) -> None:
    office, point = with_hole
    client = office.sign_in("supervisor_northern")
    assert point.code not in client.get(PAGE).content.decode()
    hole = CompletenessHole.objects.filter(service_point_id=point.pk)[0]
    assert client.post(f"{PAGE}holes/{hole.pk}/", {"reason": "vacant", "proof": "x"}).status_code == 404
    assert not IdlePeriod.objects.filter(service_point=point).exists()


@pytest.mark.parametrize("sent", [{"reason": "vacant", "proof": " "}, {"reason": "moon", "proof": "act 1"}])
def test_an_explanation_without_act_or_reason_is_refused(with_hole, sent) -> None:
    office, point = with_hole
    hole = CompletenessHole.objects.filter(service_point_id=point.pk)[0]
    office.sign_in("supervisor").post(f"{PAGE}holes/{hole.pk}/", sent)
    assert not IdlePeriod.objects.filter(service_point=point).exists()
