"""A reading at the door: taken, queued or refused, always with the reason."""

from datetime import date, datetime, timedelta

import pytest

from mains.metering.actions.readings import (
    UnableToRecordReading,
    correct_reading,
    find_register,
    record_reading,
    withdraw_reading,
)
from mains.metering.models import Reading, ReadingException
from mains.metering.values import ReadingSource
from metering_cast import NOW, MeterCast

FEBRUARY = date(2021, 2, 28)
OPENING = (date(2020, 12, 31), 100)


def test_a_good_reading_becomes_a_fact_with_author_source_and_evidence(cast: MeterCast) -> None:
    outcome = cast.tell("350", FEBRUARY, source=ReadingSource.FIELD, evidence={"photo": "a.jpg"})
    assert (outcome.decision, outcome.code, outcome.use_micro) == ("accept", "accepted", 250_000_000)
    reading = Reading.objects.get(pk=outcome.reading_id)
    assert (reading.value_micro, reading.bucket, reading.recorded_by) == (
        350_000_000,
        cast.flat.bucket,
        cast.rita,
    )
    assert reading.evidence == {"photo": "a.jpg"}
    assert not ReadingException.objects.exists()


@pytest.mark.parametrize(
    ("text", "day", "code"),
    [
        ("35O", FEBRUARY, "reading-not-a-number"),
        ("", FEBRUARY, "reading-empty"),
        ("-350", FEBRUARY, "reading-negative"),
        ("350000", FEBRUARY, "reading-too-many-digits"),
        ("350.5", FEBRUARY, "reading-too-many-decimals"),
        ("350", date(2021, 6, 8), "future-reading"),
        ("350", date(2020, 12, 30), "before-installation"),
    ],
)
def test_an_impossible_reading_is_refused_and_listed_with_reason_and_remedy(
    cast: MeterCast, text: str, day: date, code: str
) -> None:
    outcome = cast.tell(text, day)
    assert (outcome.code, outcome.decision) == (code, "refuse")
    listed = ReadingException.objects.get(pk=outcome.exception_id)
    assert (listed.text_value, listed.reading_date, listed.raised_by) == (text, day, cast.rita)
    assert listed.message
    assert listed.remedy
    assert cast.believed() == [OPENING]


def test_a_reading_lower_than_the_last_waits_for_a_person(cast: MeterCast) -> None:
    cast.tell("350", FEBRUARY)
    outcome = cast.tell("340", date(2021, 3, 31))
    assert (outcome.decision, outcome.code) == ("queue", "lower-than-last")
    assert "340 is lower than 350 of 2021-02-28" in outcome.message
    assert cast.believed() == [OPENING, (FEBRUARY, 350)]


def test_a_reading_of_a_removed_meter_is_refused(cast: MeterCast) -> None:
    cast.register.meter.installations.update(superseded_at=NOW)
    assert cast.tell("350", FEBRUARY).code == "unknown-register"


def test_an_unknown_meter_is_named_in_the_work_list(cast: MeterCast) -> None:
    assert find_register(serial="E-9", zone=0, reading_date=FEBRUARY) is None
    outcome = record_reading(
        register_id=None,
        reading_date=FEBRUARY,
        text_value="350",
        source=ReadingSource.SMS,
        actor=None,
        now=NOW,
        named="meter E-9, zone total",
    )
    assert (outcome.decision, outcome.code) == ("refuse", "unknown-register")
    assert ReadingException.objects.get().message == "Nobody knows meter E-9, zone total."


def test_a_register_is_found_by_serial_or_by_service_point(cast: MeterCast) -> None:
    assert find_register(serial="E-1", zone=0, reading_date=FEBRUARY) == cast.register.pk
    assert find_register(serial="", service_point="SP-2", zone=0, reading_date=FEBRUARY) == cast.water.pk
    assert find_register(serial="E-1", zone=2, reading_date=FEBRUARY) is None
    twin = cast.register.meter.__class__.objects.create(serial="E-1", model="Model Y", service="electricity")
    twin.registers.create(zone=0, digits=5)
    with pytest.raises(UnableToRecordReading, match="2 meters"):
        find_register(serial="E-1", zone=0, reading_date=FEBRUARY)
    assert find_register(serial="E-1", model="Model X", zone=0, reading_date=FEBRUARY) == cast.register.pk


def test_decimals_count_only_where_the_register_has_them(cast: MeterCast) -> None:
    outcome = cast.tell("00112,345", FEBRUARY, register=cast.water)
    assert Reading.objects.get(pk=outcome.reading_id).value_micro == 112_345_000


def test_the_same_reading_twice_changes_nothing(cast: MeterCast) -> None:
    cast.tell("350", FEBRUARY)
    again = cast.tell("350", FEBRUARY, source=ReadingSource.SMS)
    assert (again.decision, again.code, again.exception_id) == ("refuse", "duplicate", None)
    assert cast.believed() == [OPENING, (FEBRUARY, 350)]
    assert not ReadingException.objects.exists()


def test_the_same_doubtful_reading_twice_waits_once(cast: MeterCast) -> None:
    first = cast.tell("90", FEBRUARY)
    assert cast.tell("90", FEBRUARY).exception_id == first.exception_id
    assert ReadingException.objects.count() == 1


def test_a_stronger_source_speaks_on_a_day_that_has_a_reading_and_a_weaker_one_waits(cast: MeterCast) -> None:
    cast.tell("350", FEBRUARY, source=ReadingSource.SMS)
    assert cast.tell("345", FEBRUARY, source=ReadingSource.PORTAL).decision == "accept"
    assert cast.tell("347", FEBRUARY, source=ReadingSource.FILE).code == "differs-same-day"
    assert cast.tell("346", FEBRUARY, source=ReadingSource.CONTROL_VISIT).decision == "accept"
    assert cast.believed()[1:] == [(FEBRUARY, 346), (FEBRUARY, 345), (FEBRUARY, 350)]


def test_a_use_far_above_the_usual_waits(cast: MeterCast) -> None:
    cast.tell("200", FEBRUARY)
    outcome = cast.tell("2000", date(2021, 3, 31))
    assert (outcome.decision, outcome.code) == ("queue", "far-above-usual")
    assert outcome.use_micro == 1_800_000_000


def test_the_last_day_of_february_in_a_leap_year(cast: MeterCast) -> None:
    leap = datetime(2024, 3, 1, 9, tzinfo=NOW.tzinfo)
    assert cast.tell("350", date(2024, 2, 29), now=leap).decision == "accept"
    assert cast.tell("349", date(2024, 3, 1), now=leap).code == "lower-than-last"
    assert cast.believed()[-1] == (date(2024, 2, 29), 350)


def test_a_correction_supersedes_and_keeps_what_was_known(cast: MeterCast) -> None:
    wrong = cast.tell("530", FEBRUARY)
    later = NOW + timedelta(hours=1)
    assert wrong.reading_id
    right = correct_reading(
        reading_id=wrong.reading_id, text_value="350", proof="act 7", actor=cast.sam, now=later
    )
    assert right.decision == "accept"
    assert cast.believed() == [OPENING, (FEBRUARY, 350)]
    old, new = Reading.objects.filter(reading_date=FEBRUARY).order_by("pk")
    assert (old.value_micro, old.superseded_at) == (530_000_000, later)
    assert (new.proof, new.recorded_by, new.source) == ("act 7", cast.sam, old.source)
    with pytest.raises(UnableToRecordReading, match="replaced or withdrawn already"):
        correct_reading(reading_id=old.pk, text_value="351", proof="", actor=cast.sam, now=later)
    with pytest.raises(UnableToRecordReading, match="says this already"):
        correct_reading(reading_id=new.pk, text_value="350", proof="", actor=cast.sam, now=later)


def test_a_doubtful_correction_leaves_the_old_reading(cast: MeterCast) -> None:
    wrong = cast.tell("530", FEBRUARY)
    assert wrong.reading_id
    outcome = correct_reading(reading_id=wrong.reading_id, text_value="53", proof="", actor=cast.sam, now=NOW)
    assert outcome.decision == "queue"
    assert cast.believed() == [OPENING, (FEBRUARY, 530)]


def test_a_withdrawn_reading_says_who_and_why(cast: MeterCast) -> None:
    wrong = cast.tell("530", FEBRUARY)
    assert wrong.reading_id
    withdraw_reading(reading_id=wrong.reading_id, proof="Wrong flat", actor=cast.sam, now=NOW)
    assert cast.believed() == [OPENING]
    note = ReadingException.objects.get()
    assert (note.text_value, note.message, note.resolved_by) == ("530", "Wrong flat", cast.sam)
    assert note.resolved_at
    assert cast.tell("350", FEBRUARY).decision == "accept"
    with pytest.raises(UnableToRecordReading, match="no such reading"):
        withdraw_reading(reading_id=0, proof="", actor=None, now=NOW)
