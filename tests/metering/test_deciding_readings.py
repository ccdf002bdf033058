"""A supervisor decides on readings that wait: taken with what follows from it, or put away."""

import threading
from datetime import date

import pytest
from django.db import connection

from mains.metering.actions.readings import (
    ReadingOutcome,
    UnableToDecideReading,
    decide_exception,
    withdraw_reading,
)
from mains.metering.models import Reading, ReadingException
from mains.metering.values import ReadingSource
from metering_cast import NOW, MeterCast, build_meter_cast

FEBRUARY = date(2021, 2, 28)
MARCH = date(2021, 3, 31)


def decide(cast: MeterCast, outcome: ReadingOutcome, *, accept: bool) -> ReadingOutcome:
    assert outcome.exception_id
    return decide_exception(exception_id=outcome.exception_id, is_accepted=accept, actor=cast.sam, now=NOW)


def test_refusing_puts_it_away(cast: MeterCast) -> None:
    waiting = cast.tell("90", FEBRUARY)
    assert decide(cast, waiting, accept=False).decision == "refuse"
    listed = ReadingException.objects.get()
    assert (listed.resolution, listed.resolved_by, listed.resolved_at) == ("refused", cast.sam, NOW)
    assert len(cast.believed()) == 1
    with pytest.raises(UnableToDecideReading, match="refused already"):
        decide(cast, waiting, accept=True)


def test_a_decided_reading_told_again_waits_again(cast: MeterCast) -> None:
    waiting = cast.tell("90", FEBRUARY)
    decide(cast, waiting, accept=False)
    assert cast.tell("90", FEBRUARY).exception_id != waiting.exception_id


def test_accepting_a_rollover_keeps_both_readings(cast: MeterCast) -> None:
    cast.tell("99900", FEBRUARY)
    waiting = cast.tell("150", MARCH)
    assert waiting.code == "rollover-possible"
    taken = decide(cast, waiting, accept=True)
    assert (taken.decision, taken.use_micro) == ("accept", 250_000_000)
    assert cast.believed()[1:] == [(FEBRUARY, 99_900), (MARCH, 150)]


def test_accepting_a_lower_reading_withdraws_the_one_it_contradicts(cast: MeterCast) -> None:
    cast.tell("530", FEBRUARY)
    waiting = cast.tell("380", MARCH)
    taken = decide(cast, waiting, accept=True)
    assert cast.believed()[1:] == [(MARCH, 380)]
    assert Reading.objects.get(pk=taken.reading_id).proof == "Accepted: lower-than-last"
    assert ReadingException.objects.get(code="withdrawn").text_value == "530"


def test_a_rollover_that_nobody_was_asked_about_is_not_confirmed_by_the_way(cast: MeterCast) -> None:
    cast.tell("60000", date(2021, 1, 31))
    cast.tell("50100", FEBRUARY)
    waiting = cast.tell("45000", MARCH)
    assert waiting.code == "lower-than-last"
    withdrawn = Reading.objects.get(register=cast.register, reading_date=date(2021, 1, 31))
    withdraw_reading(reading_id=withdrawn.pk, proof="Wrong flat", actor=cast.sam, now=NOW)
    assert cast.tell("99000", FEBRUARY).decision == "accept"
    with pytest.raises(UnableToDecideReading, match="rolled over"):
        decide(cast, waiting, accept=True)


def test_accepting_the_other_reading_of_a_day(cast: MeterCast) -> None:
    cast.tell("350", FEBRUARY, source=ReadingSource.FIELD)
    waiting = cast.tell("355", FEBRUARY, source=ReadingSource.SMS)
    decide(cast, waiting, accept=True)
    assert cast.believed()[1:] == [(FEBRUARY, 355)]


def test_a_reading_that_contradicts_several_days_is_not_taken_by_a_click(cast: MeterCast) -> None:
    cast.tell("300", date(2021, 1, 31))
    cast.tell("350", FEBRUARY)
    waiting = cast.tell("290", MARCH)
    with pytest.raises(UnableToDecideReading, match="2021-02-28 and 2021-01-31"):
        decide(cast, waiting, accept=True)
    assert len(cast.believed()) == 3
    assert ReadingException.objects.get().resolved_at is None


def test_a_refused_reading_cannot_be_taken(cast: MeterCast) -> None:
    refused = cast.tell("letters", FEBRUARY)
    with pytest.raises(UnableToDecideReading, match="cannot be taken"):
        decide(cast, refused, accept=True)
    with pytest.raises(UnableToDecideReading, match="no such reading"):
        decide_exception(exception_id=0, is_accepted=True, actor=None, now=NOW)


def test_a_queued_reading_is_judged_by_what_is_known_when_it_is_accepted(cast: MeterCast) -> None:
    waiting = cast.tell("90", FEBRUARY)
    cast.register.meter.installations.update(superseded_at=NOW)
    with pytest.raises(UnableToDecideReading, match="never installed"):
        decide(cast, waiting, accept=True)


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once() -> None:
    cast = build_meter_cast()
    gate = threading.Barrier(8)
    outcomes: list[ReadingOutcome] = []

    def tell(text: str) -> None:
        gate.wait()
        try:
            outcomes.append(cast.tell(text, FEBRUARY))
        finally:
            connection.close()

    # Four clerks type 350, four 360: one reading becomes the fact, one differing waits, the rest is known.
    threads = [threading.Thread(target=tell, args=(text,)) for text in ("350", "360") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome.code for outcome in outcomes) == [
        "accepted",
        *["differs-same-day"] * 4,
        *["duplicate"] * 3,
    ]
    assert len(cast.believed()) == 2
    assert ReadingException.objects.count() == 1
