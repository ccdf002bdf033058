"""Errors of meters, acts, absences, conditions in the subscriber book: recorded, refused, listed, withdrawn."""

from datetime import UTC, date, datetime

import pytest

from billing.prosumers import agree
from mains.customers.models import Account
from mains.metering.models import MeterError, Register, UnmeteredUse
from mains.network.models import Absence, PointCondition, PremiseState

APRIL = {"first_day": "2021-04-01", "last_day": "2021-04-30"}


def point_of(number: str) -> int:
    return Account.objects.get(number=number).agreements.latest("valid").service_point_id


def register_of(number: str) -> Register:
    installed = {
        "meter__installations__service_point_id": point_of(number),
        "meter__installations__superseded_at": None,
    }
    return Register.objects.filter(
        **installed, meter__installations__valid__contains=date(2021, 4, 1)
    ).first()


def error_of(number: str, **changes: str) -> dict[str, str]:
    told = {"register": str(register_of(number).pk), "percent": "−3,25", "proof": "certificate 8", **APRIL}
    return told | changes


def test_an_error_is_recorded_listed_and_withdrawn_with_its_reason(own_office) -> None:
    client, book = own_office.sign_in("clerk"), f"/accounts/{own_office.central}"
    answer = client.post(f"{book}/meter-errors/", error_of(own_office.central), follow=True)
    assert "The error is recorded." in answer.content.decode()
    error = MeterError.objects.latest("pk")
    assert (error.percent_hundredths, error.proof) == (-325, "certificate 8")
    assert (str(error.valid.lower), str(error.valid.upper)) == ("2021-04-01", "2021-05-01")
    consumption = client.get(f"{book}/consumption/?month=2021-04").content.decode()
    assert "counted wrongly" in consumption
    withdraw = f"{book}/meter-errors/{error.pk}/withdraw/"
    refused = client.post(withdraw, {"reason": " "}, follow=True).content.decode()
    assert "The reason is missing." in refused
    page = client.post(withdraw, {"reason": "the wrong meter"}, follow=True).content.decode()
    assert "It is withdrawn." in page
    assert "the wrong meter" in page
    history = client.get(f"{book}/history/?kind=findings").content.decode()
    assert "certificate 8" in history
    assert "counted wrongly" not in client.get(f"{book}/consumption/?month=2021-04").content.decode()


def test_an_act_is_recorded_at_a_zone_that_is_counted_there(own_office) -> None:
    client, number = own_office.sign_in("clerk"), own_office.central
    place = f"{point_of(number)}:{register_of(number).zone}"
    told = {"place": place, "quantity": "12,5", "reason": "bypass", "proof": "act 9", **APRIL}
    client.post(f"/accounts/{number}/unmetered-use/", told)
    act = UnmeteredUse.objects.latest("pk")
    assert (act.amount_micro, act.reason, act.service_point_id) == (12_500_000, "bypass", point_of(number))
    again = client.post(f"/accounts/{number}/unmetered-use/", told)
    assert again.status_code == 200
    text = again.content.decode()
    assert f"Act {act.pk} (act 9) speaks of days from 1 Apr 2021 already." in text
    assert 'value="12,5"' in text, "What was typed stays."
    page = client.get(f"/accounts/{number}/meters/").content.decode()
    assert "12.5\N{NO-BREAK SPACE}kWh" in page or "12.5 kWh" in page
    client.post(f"/accounts/{number}/unmetered-use/{act.pk}/withdraw/", {"reason": "a mistake"})
    assert UnmeteredUse.objects.get(pk=act.pk).superseded_at is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"percent": "-100"}, "lies above"),
        ({"percent": "three"}, "Enter a number."),
        ({"proof": ""}, "This field is required."),
        ({"first_day": "1990-01-01"}, "not installed at one place"),
        ({"register": "999999999"}, "Select a valid choice"),
    ],
)
def test_a_refused_error_says_why_beside_the_field(own_office, changes: dict[str, str], said: str) -> None:
    client, known = own_office.sign_in("clerk"), MeterError.objects.count()
    answer = client.post(
        f"/accounts/{own_office.central}/meter-errors/", error_of(own_office.central, **changes)
    )
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert MeterError.objects.count() == known


def test_an_absence_is_told_with_the_days_that_count(own_office) -> None:
    client, number = own_office.sign_in("clerk"), own_office.central
    premise_id = Account.objects.get(number=number).agreements.latest("valid").service_point.premise_id
    living = PremiseState.objects.filter(premise_id=premise_id, superseded_at=None).latest("valid").residents
    assert living, "Somebody lives there."
    told = {
        "residents": "1",
        "reason": "travel",
        "left_on": "2021-05-01",
        "returned_on": "2021-05-07",
        "proof": "tickets",
    }
    short = client.post(f"/accounts/{number}/absences/", told).content.decode()
    assert "An absence counts from 6 full days in a row on." in short
    page = client.post(f"/accounts/{number}/absences/", told | {"returned_on": "2021-05-12"}, follow=True)
    text = page.content.decode()
    assert "The absence is recorded: 10 full days count, 2 May 2021 – 11 May 2021." in text
    absence = Absence.objects.get(premise_id=premise_id, superseded_at=None)
    many = told | {"residents": str(living), "returned_on": "2021-05-12"}
    assert "are absent already" in client.post(f"/accounts/{number}/absences/", many).content.decode()
    client.post(f"/accounts/{number}/absences/{absence.pk}/withdraw/", {"reason": "they stayed"})
    assert "they stayed" in client.get(f"/accounts/{number}/premise/").content.decode()


def test_nobody_records_or_withdraws_outside_the_own_district(own_office) -> None:
    own, other = f"/accounts/{own_office.central}", f"/accounts/{own_office.northern}"
    place = f"{point_of(own_office.northern)}:{register_of(own_office.northern).zone}"
    told = {"place": place, "quantity": "7", "reason": "bypass", "proof": "act 2", **APRIL}
    client = own_office.sign_in("supervisor_central")
    known = UnmeteredUse.objects.count()
    assert client.post(f"{other}/unmetered-use/", told).status_code == 404
    # Not by way of an account of the own district either.
    assert client.post(f"{own}/unmetered-use/", told).status_code == 200
    assert UnmeteredUse.objects.count() == known
    own_office.sign_in("administrator").post(f"{other}/unmetered-use/", told)
    act = UnmeteredUse.objects.latest("pk")
    assert UnmeteredUse.objects.count() == known + 1
    client.post(f"{own}/unmetered-use/{act.pk}/withdraw/", {"reason": "because"})
    assert UnmeteredUse.objects.get(pk=act.pk).superseded_at is None


def test_who_may_only_look_gets_no_forms(own_office) -> None:
    page = own_office.sign_in("cashier").get(f"/accounts/{own_office.central}/meters/").content.decode()
    assert "Record an act of unmetered use" not in page


HEAT = """
tariff: heat-by-area
service: electricity
currency: RUB
unit: kWh
attributes:
  heated_area_m2: m2
  supply: {type: text, values: [supplied, suspended], default: supplied}
  room_temperature: {type: number, default: 20}
versions:
  - valid_from: 2020-01-01
    prices:
      daily: {unit: RUB/m2/day, by: supply, supplied: 2.00, suspended: 0.60}
      warm: {unit: number, limit_unit: number, tiers: [[18, 0.5], [null, 1]]}
    components:
      - {name: heat, formula: "heated_area_m2 * daily * days * step(room_temperature, warm)"}
"""


def test_a_condition_is_recorded_where_a_tariff_reads_it(own_office) -> None:
    number = own_office.central
    client, page = own_office.sign_in("clerk"), f"/accounts/{number}/premise/"
    assert "Conditions of supply" not in client.get(page).content.decode()
    point, account = point_of(number), Account.objects.get(number=number)
    agree(
        point, tariff=HEAT, since=date(2021, 6, 1), now=datetime(2021, 5, 20, tzinfo=UTC), account=account.pk
    )
    assert "Nothing out of the ordinary" in client.get(page).content.decode()
    told = {
        "what": f"{point}:supply", "value": "off", "first_day": "2021-06-03", "last_day": "2021-06-05",
        "proof": "application 5",
    }  # fmt: skip
    refused = client.post(f"/accounts/{number}/conditions/", told).content.decode()
    assert "off is no value of supply." in refused
    assert "Allowed are: supplied, suspended." in refused
    cold = told | {"what": f"{point}:room_temperature", "value": "cold"}
    assert "cold is not a number." in client.post(f"/accounts/{number}/conditions/", cold).content.decode()
    done = client.post(f"/accounts/{number}/conditions/", told | {"value": "suspended"}, follow=True)
    shown = done.content.decode()
    assert "The condition is recorded." in shown
    assert "application 5" in shown
    history = client.get(f"/accounts/{number}/history/?kind=findings").content.decode()
    assert "Supply: suspended" in history
    client.post(f"/accounts/{number}/conditions/", cold | {"value": "16,5"})
    kept = dict(PointCondition.objects.values_list("name", "word"))
    assert kept == {"supply": "suspended", "room_temperature": ""}
    assert PointCondition.objects.get(name="room_temperature").value_micro == 16_500_000
    assert "Record a condition" not in own_office.sign_in("cashier").get(page).content.decode()


def test_a_condition_of_another_districts_point_is_refused(own_office) -> None:
    client = own_office.sign_in("supervisor_central")
    told = {"what": f"{point_of(own_office.northern)}:supply", "value": "suspended", "proof": "act 2"} | APRIL
    assert client.post(f"/accounts/{own_office.northern}/conditions/", told).status_code == 404
    assert client.post(f"/accounts/{own_office.central}/conditions/", told).status_code == 200
    assert not PointCondition.objects.exists()
