"""Files of readings: every fault by line and field, all or nothing, the same file twice."""

from datetime import date

import pytest

from mains.metering.actions.reading_files import ReadingFile, import_readings
from mains.metering.actions.readings import decide_exception, withdraw_reading
from mains.metering.models import Reading, ReadingException
from mains.metering.values import ReadingSource
from metering_cast import NOW, MeterCast

GOOD = "serial,reading_date,value\nE-1,2021-02-28,350\nW-1,2021-02-28,112.345\n"
FAULTY = """serial;model;service_point;zone;reading_date;value;source;evidence
E-1;;;;2021-01-31;250;sms;
E-1;;;;2021-02-30;350;sms;
E-1;;;noon;2021-02-28;350;pigeon;
;;;;2021-02-28;350;;
E-1;;;;2021-02-28;35O;;
E-7;;;;2021-02-28;350;;
E-1;;;;2021-07-01;350;;
;;SP-2;total;2021-02-28;112.5;receipt;slip 12
E-1;;;;2021-03-31
E-1;;;;2021-04-30;;;
E-1;;;;2021-04-30;240;;
"""


def send(cast: MeterCast, text: str | bytes, *, is_partial: bool = False) -> ReadingFile:
    content = text.encode() if isinstance(text, str) else text
    return import_readings(
        content=content, file_name="april.csv", is_partial=is_partial, actor=cast.rita, now=NOW
    )


def test_a_clean_file_is_taken(cast: MeterCast) -> None:
    done = send(cast, GOOD)
    assert (done.lines, done.accepted, done.is_stored, done.faults) == (2, 2, True, [])
    reading = Reading.objects.get(register=cast.water, reading_date=date(2021, 2, 28))
    assert (reading.value_micro, reading.source, reading.recorded_by) == (
        112_345_000,
        ReadingSource.FILE,
        cast.rita,
    )
    assert reading.evidence == {"file": "april.csv", "line": 3, "note": ""}


def test_the_same_file_twice_changes_nothing(cast: MeterCast) -> None:
    text = f"{GOOD}E-1,2021-03-31,340\n"
    send(cast, text)
    before = (Reading.objects.count(), ReadingException.objects.count())
    again = send(cast, text)
    assert (again.accepted, again.known, again.queued, again.faults) == (0, 2, 1, [])
    assert (Reading.objects.count(), ReadingException.objects.count()) == before


def test_the_same_file_brings_back_nothing_that_a_person_decided(cast: MeterCast) -> None:
    text = f"{GOOD}E-1,2021-03-31,340\n"
    send(cast, text)
    waiting = ReadingException.objects.get()
    decide_exception(exception_id=waiting.pk, is_accepted=False, actor=cast.sam, now=NOW)
    withdrawn = Reading.objects.get(register=cast.water, reading_date=date(2021, 2, 28))
    withdraw_reading(reading_id=withdrawn.pk, proof="Wrong flat", actor=cast.sam, now=NOW)
    again = send(cast, text)
    assert (again.accepted, again.known) == (0, 2)
    assert not ReadingException.objects.filter(resolved_at=None).exists()
    assert [value for _day, value in cast.believed(cast.water)] == [100]


def test_every_fault_is_told_by_line_and_field_and_nothing_is_stored(cast: MeterCast) -> None:
    before = Reading.objects.count()
    done = send(cast, FAULTY)
    assert [(fault.line, fault.field, fault.code) for fault in done.faults] == [
        (3, "reading_date", "date-invalid"),
        (4, "source", "source-unknown"),
        (4, "zone", "zone-unknown"),
        (5, "serial", "meter-missing"),
        (6, "value", "reading-not-a-number"),
        (7, "serial", "unknown-register"),
        (8, "reading_date", "future-reading"),
        (10, "", "line-width"),
        (11, "value", "field-empty"),
    ]
    assert done.faults[5].message == "Nobody knows meter E-7, zone total."
    assert all(fault.remedy for fault in done.faults)
    assert not done.is_stored
    assert (Reading.objects.count(), ReadingException.objects.count()) == (before, 0)


def test_the_good_lines_of_a_faulty_file(cast: MeterCast) -> None:
    done = send(cast, FAULTY, is_partial=True)
    assert (done.lines, done.accepted, done.queued, done.refused, done.is_stored) == (11, 2, 1, 8, True)
    assert cast.believed()[1:] == [(date(2021, 1, 31), 250)]
    listed = ReadingException.objects.order_by("code").values_list("code", flat=True)
    assert list(listed) == ["future-reading", "lower-than-last", "reading-not-a-number", "unknown-register"]
    again = send(cast, FAULTY, is_partial=True)
    assert (again.accepted, again.known) == (0, 2)
    assert ReadingException.objects.count() == 4


@pytest.mark.parametrize(
    ("content", "line", "code"),
    [
        (b"", 0, "file-empty"),
        (b"serial,reading_date,value\n", 0, "file-empty"),
        ("serial,reading_date,value\nÜ".encode("latin-1"), 2, "file-encoding"),
        (b"serial,value\nE-1,350\n", 1, "header-column"),
        (b"serial,reading_date,value,value\nE-1,2021-02-28,3,4\n", 1, "header-column"),
        (b"serial,reading_date,value,colour\nE-1,2021-02-28,3,red\n", 1, "header-unknown"),
        (b'serial,reading_date,value\n"E-1,2021-02-28,350\n', 2, "line-quotes"),
    ],
)
def test_files_that_are_none(cast: MeterCast, content: bytes, line: int, code: str) -> None:
    done = send(cast, content)
    assert (done.faults[0].line, done.faults[0].code) == (line, code)
    assert not done.is_stored


def test_lines_of_one_file_see_each_other(cast: MeterCast) -> None:
    done = send(
        cast, "serial,reading_date,value\nE-1,2021-03-31,340\nE-1,2021-02-28,350\nE-1,2021-02-28,350\n"
    )
    assert (done.accepted, done.queued, done.known) == (1, 1, 1)
    assert cast.believed()[1:] == [(date(2021, 2, 28), 350)]
