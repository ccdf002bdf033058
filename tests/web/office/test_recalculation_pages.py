"""A supervisor sees what late facts change, and why, before posting it; nobody posts what nobody has seen."""

import re
from datetime import UTC, date, datetime

from mains.billing.models import Bill, BillRun
from mains.customers.models import Account
from mains.metering.actions.readings import correct_reading
from mains.metering.models import Installation, Reading


def late_correction(number: str) -> Reading:
    """A reading of April turns out to have been lower; recorded on the demo's own day."""
    points = Account.objects.get(number=number).agreements.values_list("service_point_id", flat=True)
    meters = Installation.objects.filter(service_point_id__in=points).values_list("meter_id", flat=True)
    months = {"reading_date__gte": date(2021, 4, 1), "reading_date__lt": date(2021, 5, 1)}
    reading = Reading.objects.filter(register__meter_id__in=meters, superseded_at=None, **months).latest(
        "reading_date"
    )
    value = reading.value_micro // 1_000_000 - 1
    outcome = correct_reading(
        reading_id=reading.pk,
        text_value=str(value),
        proof="act 17",
        actor=None,
        now=datetime(2021, 6, 7, tzinfo=UTC),
    )
    assert outcome.decision == "accept", outcome
    return reading


def hidden(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found, f"The page has no field {name}."
    return found[1]


def test_what_late_facts_change_is_seen_and_then_posted(own_office) -> None:
    client = own_office.sign_in("supervisor_central")
    account = f"/accounts/{own_office.central}"
    assert "Nothing to recalculate" in client.get(f"{account}/recalculation/").content.decode()
    assert f"{account}/recalculation/" in client.get(f"{account}/money/").content.decode()
    reading = late_correction(own_office.central)
    page = client.get(f"{account}/recalculation/").content.decode()
    assert f"instead of {reading.pk}." in page
    assert "April 2021" in page
    assert not BillRun.objects.filter(kind="recalculation").exists()
    answer = client.post(f"{account}/recalculation/post/", {"seen": hidden(page, "seen")}, follow=True)
    posted = answer.content.decode()
    assert "Recalculation posted in June 2021" in posted
    assert f"instead of {reading.pk}." in posted
    (run,) = BillRun.objects.filter(kind="recalculation")
    (bill,) = Bill.objects.filter(run_id=run.pk)
    assert str(bill.amount_minor) == hidden(page, "seen")
    assert run.created_by.username == own_office.people["supervisor_central"]
    runs = client.get("/bill-runs/").content.decode()
    assert f"/accounts/{own_office.central}/" in runs
    assert "Nothing to recalculate" in client.get(f"{account}/recalculation/").content.decode()


def test_nothing_unseen_is_posted(own_office) -> None:
    client = own_office.sign_in("supervisor_central")
    late_correction(own_office.central)
    address = f"/accounts/{own_office.central}/recalculation/post/"
    for seen in ({}, {"seen": "soon"}, {"seen": "1"}):
        answer = client.post(address, seen)
        assert answer["Location"] == f"/accounts/{own_office.central}/recalculation/"
    assert not BillRun.objects.filter(kind="recalculation").exists()


def test_a_clerk_sees_no_button(own_office) -> None:
    page = own_office.sign_in("clerk").get(f"/accounts/{own_office.central}/money/").content.decode()
    assert f"/accounts/{own_office.central}/recalculation/" not in page
