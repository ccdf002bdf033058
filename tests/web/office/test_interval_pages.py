"""Interval data in the subscriber book: by day and month, as a file, and no other payer's."""

from datetime import UTC, date, datetime

import pytest

from mains.customers.models import Account
from mains.metering.actions.interval_files import import_intervals
from mains.metering.models import Installation


@pytest.fixture
def told(own_office):
    """The central account's meter tells the half-hours of 3 May 2021, four of them missing."""
    point = Account.objects.get(number=own_office.central).agreements.first().service_point_id
    meter = (
        Installation.objects.filter(
            service_point_id=point, superseded_at=None, valid__contains=date(2021, 5, 3)
        )
        .latest("valid")
        .meter
    )
    lines = [
        f"{meter.serial},{meter.model},2021-05-03T{place // 2:02}:{place % 2 * 30:02}+03:00,30 min,"
        f"{10.5 if place == 22 else 1},kWh"
        for place in range(48)
        if not 30 <= place < 34
    ]
    done = import_intervals(
        content="\n".join(["meter,model,start,length,value,unit", *lines]).encode(),
        file_name="half-hours.csv",
        clock="Europe/Simferopol",
        actor=None,
        now=datetime(2021, 6, 6, 12, tzinfo=UTC),
    )
    assert done.is_stored, done.faults
    return own_office


def test_the_consumption_tab_shows_the_intervals_of_a_day(told) -> None:
    page = told.sign_in("supervisor").get(f"/accounts/{told.central}/consumption/?month=2021-05&day=3")
    text = page.content.decode()
    assert page.context["day"] == date(2021, 5, 3)
    told_of_day = page.context["hours_chart"].finding.replace("\N{NO-BREAK SPACE}", " ")
    assert told_of_day == "Highest mean power: 21 kW, from 11:00 on. Intervals missing: 4."
    shown = text.replace("\N{NO-BREAK SPACE}", " ").replace("&nbsp;", " ")
    assert shown.count("10.5 kWh") >= 2  # in the table behind the chart and in the table of values
    assert "half-hours.csv, line 2" in text
    assert "11:00 MSK" in text


def test_a_month_without_intervals_shows_none(told) -> None:
    text = told.sign_in("supervisor").get(f"/accounts/{told.central}/consumption/?month=2021-04").content
    assert b'id="intervals"' not in text


def test_the_month_comes_as_a_file(told) -> None:
    answer = told.sign_in("supervisor").get(f"/accounts/{told.central}/intervals.csv?month=2021-05")
    lines = answer.content.decode("utf-8-sig").split("\r\n")
    assert answer["Content-Type"].startswith("text/csv")
    assert lines[0] == "meter,quantity,start,length,value,unit,quality"
    assert len(lines) == 1 + 44 + 1
    assert "2021-05-03T11:00+03:00,30 min,10.500000,kWh,measured" in lines[23]


def test_a_month_that_is_none_is_not_found(told) -> None:
    assert (
        told.sign_in("supervisor").get(f"/accounts/{told.central}/intervals.csv?month=x").status_code == 404
    )
