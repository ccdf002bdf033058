"""Files of interval data: stored whole as days, twice the same, refused with line and remedy."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from mains.metering.actions.interval_files import (
    IntervalFile,
    UnableToImportIntervals,
    import_intervals,
)
from mains.metering.models import IntervalDay, Meter, Register
from mains.metering.queries.interval_records import intervals_csv, list_interval_days
from metering_cast import MeterCast

CLOCK = "Europe/Berlin"
NOW = datetime(2021, 6, 7, 9, tzinfo=UTC)


def send(*lines: str, clock: str = CLOCK, now: datetime = NOW) -> IntervalFile:
    content = "\n".join(["meter,quantity,start,length,value,unit,quality", *lines])
    return import_intervals(content=content.encode(), file_name="load.csv", clock=clock, actor=None, now=now)


def codes(done: IntervalFile) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.field, fault.code) for fault in done.faults]


def test_a_day_is_kept_as_a_row_and_the_same_file_changes_nothing(cast: MeterCast) -> None:
    lines = [f"E-1,,2021-05-03T{hour:02}:00,60 min,{hour}.5,kWh,measured" for hour in range(24)]
    done = send(*lines)
    assert (done.is_stored, done.intervals, done.days, done.corrected, done.gaps) == (True, 24, 1, 0, 0)
    row = IntervalDay.objects.get()
    assert (row.service_point_id, row.day, row.clock) == (cast.flat.pk, date(2021, 5, 3), CLOCK)
    assert row.start_at == datetime(2021, 5, 2, 22, tzinfo=UTC)
    assert row.values_micro == [hour * 10**6 + 500_000 for hour in range(24)]
    assert (row.quality, row.proof) == ("M" * 24, "load.csv, line 2")
    again = send(*lines)
    assert (again.days, again.known, IntervalDay.objects.count()) == (0, 24, 1)


def test_what_comes_later_is_a_new_revision_and_nothing_is_overwritten(cast: MeterCast) -> None:
    send("E-1,,2021-05-03T00:00,60,1,kWh,", "E-1,,2021-05-03T03:00,60,4,kWh,estimated")
    done = send(
        "E-1,,2021-05-03T03:00,60,3,kWh,", "E-1,,2021-05-03T01:00,60,2,kWh,", now=NOW + timedelta(days=1)
    )
    assert (done.days, done.corrected, done.gaps) == (1, 1, 1)
    first, second = IntervalDay.objects.order_by("revision")
    assert first.values_micro[:4] == [1_000_000, None, None, 4_000_000]
    assert first.quality[:4] == "M--E"
    assert second.values_micro[:4] == [1_000_000, 2_000_000, None, 3_000_000]
    assert second.quality[:4] == "MM-M"
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE metering_intervalday SET step_minutes = 30")


def test_power_reactive_energy_and_whole_days_are_understood(cast: MeterCast) -> None:
    quarters = " ".join(["8"] * 96)
    done = send(
        f"E-1,usage,2021-05-03T00:00+02:00,15 min,{quarters},kW,",
        f"E-1,reactive,2021-05-02T22:00Z,15 min,{quarters},kvar,",
    )
    assert done.days == 2
    rows = {row.quantity: row for row in IntervalDay.objects.all()}
    assert rows["usage"].values_micro == rows["reactive"].values_micro == [2_000_000] * 96


def test_the_days_on_which_the_clock_jumps_have_23_and_25_hours(cast: MeterCast) -> None:
    hours = [" ".join(["1"] * count) for count in (23, 24, 25)]
    done = send(f"E-1,,2021-03-28T00:00,1 h,{hours[1]},kWh,")
    assert codes(done) == [(2, "value", "interval-count")]
    assert "has 23 of 60 min" in done.faults[0].message
    assert send(f"E-1,,2021-03-28T00:00,1 h,{hours[0]},kWh,").is_stored
    IntervalDay.objects.get(day=date(2021, 3, 28))
    later = datetime(2021, 11, 1, tzinfo=UTC)
    assert send(f"E-1,,2021-10-31T00:00,1 h,{hours[2]},kWh,", now=later).is_stored
    twice = send("E-1,,2021-10-31T02:00,1 h,7,kWh,", now=later)
    assert codes(twice) == [(2, "start", "time-twice")]
    assert "+02:00 and +01:00" in twice.faults[0].remedy
    assert send("E-1,,2021-10-31T02:00+01:00,1 h,7,kWh,", now=later).corrected == 1
    assert codes(send("E-1,,2021-03-28T02:30,30,1,kWh,")) == [(2, "start", "time-none")]


@pytest.mark.parametrize(
    ("line", "field", "code"),
    [
        ("X-9,,2021-05-03T00:00,60,1,kWh,", "meter", "meter-unknown"),
        ("E-1,,2020-12-03T00:00,60,1,kWh,", "meter", "meter-not-installed"),
        ("E-1,heat,2021-05-03T00:00,60,1,kWh,", "quantity", "quantity-unknown"),
        ("E-1,export,2021-05-03T00:00,60,1,kWh,", "quantity", "register-missing"),
        ("E-1,,2021-05-03T00:00,60,1,m3,", "unit", "unit-wrong"),
        ("E-1,reactive,2021-05-03T00:00,60,1,kWh,", "unit", "unit-wrong"),
        ("E-1,,2021-05-03T00:00,60,1,furlong,", "unit", "unit-unknown"),
        ("E-1,,2021-05-03T00:00,7 min,1,kWh,", "length", "interval-length"),
        ("E-1,,03.05.2021,60,1,kWh,", "start", "time-invalid"),
        ("E-1,,2021-05-03T00:10,15,1,kWh,", "start", "interval-misaligned"),
        ("E-1,,2021-06-07T11:00,60,1,kWh,", "start", "interval-future"),
        ("E-1,,2021-05-03T00:00,60,abc,kWh,", "value", "value-invalid"),
        ("E-1,,2021-05-03T00:00,60,-1,kWh,", "value", "value-negative"),
        ("E-1,,2021-05-03T00:00,60,0.0000001,kWh,", "value", "too-precise"),
        ("E-1,,2021-05-03T00:00,60,99999999,kWh,", "value", "too-large"),
        ("E-1,,2021-05-03T00:00,60,1,kWh,guessed", "quality", "quality-unknown"),
        ("E-1,,2021-05-03T00:00,60,1 2 3,kWh,", "value", "interval-count"),
    ],
)
def test_a_faulty_line_keeps_the_file_out(cast: MeterCast, line: str, field: str, code: str) -> None:
    done = send("E-1,,2021-05-04T00:00,60,1,kWh,", line)
    assert codes(done) == [(3, field, code)]
    assert done.faults[0].remedy
    assert not IntervalDay.objects.exists()


def test_overlaps_and_other_lengths_are_refused(cast: MeterCast) -> None:
    assert codes(send("E-1,,2021-05-03T00:00,60,1,kWh,", "E-1,,2021-05-02T22:00Z,60,1,kWh,")) == [
        (3, "start", "interval-twice")
    ]
    assert codes(send("E-1,,2021-05-03T00:00,60,1,kWh,", "E-1,,2021-05-03T01:00,30,1,kWh,")) == [
        (3, "length", "interval-length")
    ]
    assert send("E-1,,2021-05-03T00:00,60,1,kWh,").is_stored
    assert codes(send("E-1,,2021-05-03T01:00,30,1,kWh,")) == [(2, "length", "interval-length")]
    assert codes(send("E-1,,2021-05-03T00:00,60,1,kWh,", clock="UTC")) == [(2, "start", "clock-differs")]
    assert send(f"E-1,,2021-05-03T00:00,30,{' '.join(['1'] * 48)},kWh,").corrected == 1
    with pytest.raises(UnableToImportIntervals):
        send("E-1,,2021-05-03T00:00,60,1,kWh,", clock="Europe/Atlantis")


def test_an_export_register_counts_what_is_fed_in(cast: MeterCast) -> None:
    Register.objects.create(meter=Meter.objects.get(serial="E-1"), zone=5, digits=5)
    assert send("E-1,export,2021-05-03T00:00,60,1,kWh,").days == 1


def test_the_file_of_a_month_can_be_sent_again(cast: MeterCast) -> None:
    send("E-1,,2021-05-03T00:00,60,1.25,kWh,", "E-1,,2021-05-03T02:00,60,2,kWh,estimated")
    days = list_interval_days(service_point_ids=[cast.flat.pk], month=date(2021, 5, 1))
    content = intervals_csv(days)
    assert b"E-1,usage,2021-05-03T02:00+02:00,60 min,2.000000,kWh,estimated" in content
    again = import_intervals(content=content, file_name="again.csv", clock=CLOCK, actor=None, now=NOW)
    assert (again.is_stored, again.known, again.days) == (True, 2, 0)
