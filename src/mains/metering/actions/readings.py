"""Readings one by one: record, correct, withdraw, and decide on the ones that wait."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from django.db import models, transaction
from django.utils import timezone

from mains.kernel.errors import MainsError
from mains.metering.actions.intake import (
    ENTRIES,
    REPEATED,
    TEXT_MAX,
    judge_entries,
    keep_doubted,
    lock_registers,
)
from mains.metering.actions.photos import attach_photo, keep_photo, pass_photos_on
from mains.metering.models import Reading, ReadingException
from mains.metering.queries.readings import find_registers

ROLLOVER = "rollover-possible"
CONTRADICTIONS = ("lower-than-last", "higher-than-next", "differs-same-day")
"""A reading doubted for these says that another one is wrong: accepting it sets that other one aside."""


class UnableToRecordReading(MainsError):
    """There is no such reading to correct or withdraw, or it is not believed any more."""


class UnableToDecideReading(MainsError):
    """The doubted reading is decided already, or cannot be taken at all."""


@dataclass(frozen=True, kw_only=True)
class ReadingOutcome:
    """What became of a reading: `decision` is accept, queue or refuse, with the reason in words.

    `reading_id` is the fact when it was accepted; `exception_id` the line of the work list when it was not, None for a
    reading that is known already, whose fact is `known_reading_id`. `use_micro`: use since the reading before,
    multiplier applied.
    """

    decision: str
    code: str
    message: str
    remedy: str
    reading_id: int | None = None
    exception_id: int | None = None
    known_reading_id: int | None = None
    use_micro: int | None = None


def find_register(
    *, serial: str, zone: int, reading_date: date, model: str = "", service_point: str = ""
) -> int | None:
    """The register of a meter's serial and zone, or the one installed at a service point's code on the day.

    None when there is none. Raises UnableToRecordReading when several meters bear the serial.
    """
    line = pl.DataFrame(
        {
            "entry_id": [0],
            "serial": [serial],
            "model": [model],
            "service_point": [service_point],
            "zone": [zone],
            "reading_date": [reading_date],
        },
        schema_overrides={"zone": pl.Int16},
    )
    found = find_registers(line)["register_id"].to_list()
    if len(found) > 1:
        raise UnableToRecordReading(
            code="register-ambiguous",
            message=f"{len(found)} meters answer to this description.",
            place=serial or service_point,
            remedy="Name the meter by its serial and model.",
        )
    return found[0] if found else None


@transaction.atomic
def record_reading(
    *,
    register_id: int | None,
    reading_date: date,
    text_value: str,
    source: int,
    evidence: Mapping[str, Any] | None = None,
    photo: Iterable[bytes] | None = None,
    actor: models.Model | None,
    now: datetime,
    named: str = "this meter",
) -> ReadingOutcome:
    """Judge what a register showed at the end of `reading_date` and take it as a fact, or list it with the reason.

    `text_value` is the text as told; `source` a ReadingSource; `evidence` anything that JSON holds. With no register,
    `named` says which one was meant. A reading that is known already changes nothing. `photo` are the bytes of a
    picture or scan that shows it; it is kept with the reading, also with one that waits or was known already. Raises
    UnableToKeepFile.
    """
    entry = _entry(register_id, reading_date, text_value, source, evidence, named)
    file = keep_photo(chunks=photo, actor=actor, now=now)
    lock_registers([register_id] if register_id else [])
    (judged,) = judge_entries(entry, today=timezone.localdate(now)).iter_rows(named=True)
    if judged["decision"] == "accept":
        outcome = _taken(judged, actor=actor, now=now)
    else:
        outcome = _doubted(judged, entry=entry, actor=actor, now=now)
    attach_photo(
        file=file,
        reading_id=outcome.reading_id or outcome.known_reading_id,
        exception_id=outcome.exception_id,
        actor=actor,
        now=now,
    )
    return outcome


@transaction.atomic
def correct_reading(
    *,
    reading_id: int,
    text_value: str,
    evidence: Mapping[str, Any] | None = None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> ReadingOutcome:
    """Replace what a reading says; day and source stay. The old one stays readable, superseded.

    The new value is judged as if the old one were not there; when it is not accepted the old one stands.
    Raises UnableToRecordReading.
    """
    old = _believed(reading_id)
    entry = _entry(old.register_id, old.reading_date, text_value, old.source, evidence, "")
    (judged,) = judge_entries(entry, today=timezone.localdate(now), without=[old.pk]).iter_rows(named=True)
    if judged["decision"] != "accept":
        return _doubted(judged, entry=entry, actor=actor, now=now)
    if judged["value_micro"] == old.value_micro:
        raise _unable(old, "reading-unchanged", "The reading says this already.", "Nothing was changed.")
    Reading.objects.filter(pk=old.pk).update(superseded_at=now)
    return _taken(judged, actor=actor, now=now, proof=proof)


@transaction.atomic
def withdraw_reading(*, reading_id: int, proof: str, actor: models.Model | None, now: datetime) -> None:
    """Stop believing a reading. Who did it and why is kept as a decided line of the work list.

    Raises UnableToRecordReading.
    """
    _withdraw(_believed(reading_id), reason=proof, actor=actor, now=now)


@transaction.atomic
def decide_exception(
    *, exception_id: int, is_accepted: bool, actor: models.Model | None, now: datetime
) -> ReadingOutcome:
    """Take a doubted reading as a fact, or put it away for good.

    A queued reading can be taken: a possible rollover is thereby confirmed, a use far above the usual believed, and a
    reading that it contradicts withdrawn. It is judged again first, by what is known now. A refused one can only be
    put away. Raises UnableToDecideReading.
    """
    told = _undecided(exception_id)
    if not is_accepted:
        _resolve(told, "refused", actor=actor, now=now)
        return _told_outcome(told, decision="refuse")
    if told.decision != "queue" or told.register_id is None or told.reading_date is None:
        raise _undecidable(told, "not-takeable", "This reading cannot be taken.", told.remedy)
    lock_registers([told.register_id])
    entry = _entry(
        told.register_id, told.reading_date, told.text_value, told.source, {"exception": told.pk}, ""
    )
    judged = _judged_anew(told, entry, now=now)
    for other in judged["contradicted"]:
        _withdraw(other, reason=f"Contradicted by reading {told.pk} of the work list.", actor=actor, now=now)
    outcome = _taken(judged, actor=actor, now=now, proof=f"Accepted: {told.code}"[:200])
    assert outcome.reading_id is not None, "A reading that is taken is a fact."
    pass_photos_on(exception_id=told.pk, reading_id=outcome.reading_id)
    _resolve(told, "accepted", actor=actor, now=now)
    return outcome


def _entry(
    register_id: int | None,
    reading_date: date,
    text_value: str,
    source: int,
    evidence: Mapping[str, Any] | None,
    named: str,
) -> pl.DataFrame:
    proofs = json.dumps(dict(evidence), ensure_ascii=False) if evidence else None
    row = (0, register_id, named, reading_date, text_value, int(source), proofs)
    return pl.DataFrame([row], schema=ENTRIES, orient="row")


def _taken(
    judged: Mapping[str, Any], *, actor: models.Model | None, now: datetime, proof: str = ""
) -> ReadingOutcome:
    reading = Reading.objects.create(
        register_id=judged["register_id"],
        bucket=judged["bucket"],
        reading_date=judged["reading_date"],
        value_micro=judged["value_micro"],
        source=judged["source"],
        evidence=json.loads(judged["evidence"]) if judged["evidence"] else None,
        recorded_at=now,
        recorded_by_id=actor.pk if actor else None,
        proof=proof,
    )
    return ReadingOutcome(
        decision="accept",
        code=judged["code"],
        message=judged["message"],
        remedy="",
        reading_id=reading.pk,
        use_micro=judged["use_micro"],
    )


def _doubted(
    judged: Mapping[str, Any], *, entry: pl.DataFrame, actor: models.Model | None, now: datetime
) -> ReadingOutcome:
    listed = None
    if judged["code"] != REPEATED:
        verdict = entry.with_columns(
            pl.lit(judged[name], kind).alias(name)
            for name, kind in (
                ("service_point_id", pl.Int64),
                ("decision", pl.String),
                ("code", pl.String),
                ("message", pl.String),
                ("remedy", pl.String),
            )
        )
        keep_doubted(verdict, actor_id=actor.pk if actor else None, now=now)
        listed = (
            ReadingException.objects.filter(
                register_id=judged["register_id"],
                reading_date=judged["reading_date"],
                text_value=judged["text_value"][:TEXT_MAX],
                source=judged["source"],
            )
            .order_by("-pk")
            .first()
        )
    return ReadingOutcome(
        decision=judged["decision"],
        code=judged["code"],
        message=judged["message"],
        remedy=judged["remedy"],
        exception_id=listed.pk if listed else None,
        known_reading_id=judged["other_reading_id"] if judged["code"] == REPEATED else None,
        use_micro=judged["use_micro"],
    )


def _judged_anew(told: ReadingException, entry: pl.DataFrame, *, now: datetime) -> dict[str, Any]:
    """The verdict with `contradicted`: the readings of one day that must go for this one to stand."""
    contradicted: list[Reading] = []
    while True:
        (judged,) = judge_entries(
            entry, today=timezone.localdate(now), without=[other.pk for other in contradicted]
        ).iter_rows(named=True)
        if judged["decision"] == "refuse" or (judged["code"] == ROLLOVER and told.code != ROLLOVER):
            # A rollover that nobody was asked about is not confirmed by the way.
            raise _undecidable(told, judged["code"], judged["message"], judged["remedy"])
        if judged["code"] not in CONTRADICTIONS:
            return {**judged, "contradicted": contradicted}
        other = Reading.objects.get(pk=judged["other_reading_id"])
        if contradicted and contradicted[0].reading_date != other.reading_date:
            days = f"{contradicted[0].reading_date} and {other.reading_date}"
            raise _undecidable(
                told,
                "contradicts-several",
                f"It contradicts the readings of {days}.",
                "Withdraw the wrong ones first, or read the meter again.",
            )
        contradicted.append(other)


def _believed(reading_id: int) -> Reading:
    found = Reading.objects.filter(pk=reading_id).first()
    if found:
        lock_registers([found.register_id])
        found.refresh_from_db()
    if found is None or found.superseded_at is not None:
        raise UnableToRecordReading(
            code="reading-gone",
            message="The reading was replaced or withdrawn already."
            if found
            else "There is no such reading.",
            place=f"reading {reading_id}",
            remedy="Look at the meter's readings as they are now.",
        )
    return found


def _withdraw(reading: Reading, *, reason: str, actor: models.Model | None, now: datetime) -> None:
    Reading.objects.filter(pk=reading.pk).update(superseded_at=now)
    actor_id = actor.pk if actor else None
    whole, broken = divmod(reading.value_micro, 1_000_000)
    ReadingException.objects.create(
        register_id=reading.register_id,
        service_point_id=_point_of(reading),
        reading_date=reading.reading_date,
        text_value=f"{whole}.{broken:06d}".rstrip("0").rstrip("."),
        source=reading.source,
        code="withdrawn",
        message=reason,
        remedy="",
        decision="refuse",
        raised_at=now,
        raised_by_id=actor_id,
        resolved_at=now,
        resolved_by_id=actor_id,
        resolution="withdrawn",
    )


def _point_of(reading: Reading) -> int | None:
    installations = reading.register.meter.installations.filter(superseded_at=None).order_by("valid")
    on_day = installations.filter(valid__contains=reading.reading_date).first() or installations.last()
    return on_day.service_point_id if on_day else None


def _undecided(exception_id: int) -> ReadingException:
    told = ReadingException.objects.select_for_update().filter(pk=exception_id).first()
    if told is None:
        raise UnableToDecideReading(
            code="exception-unknown",
            message="There is no such reading in the work list.",
            place=f"number {exception_id}",
            remedy="List them: mains reading queue.",
        )
    if told.resolved_at is not None:
        raise _undecidable(
            told, "already-decided", f"It was {told.resolution} already.", "Nothing was changed."
        )
    return told


def _resolve(told: ReadingException, resolution: str, *, actor: models.Model | None, now: datetime) -> None:
    told.resolved_at, told.resolved_by_id, told.resolution = now, actor.pk if actor else None, resolution
    told.save(update_fields=["resolved_at", "resolved_by", "resolution"])


def _told_outcome(told: ReadingException, *, decision: str) -> ReadingOutcome:
    return ReadingOutcome(
        decision=decision, code=told.code, message=told.message, remedy=told.remedy, exception_id=told.pk
    )


def _undecidable(told: ReadingException, code: str, message: str, remedy: str) -> UnableToDecideReading:
    place = f"number {told.pk} of the work list, {told.text_value} of {told.reading_date}"
    return UnableToDecideReading(code=code, message=message, place=place, remedy=remedy)


def _unable(reading: Reading, code: str, message: str, remedy: str) -> UnableToRecordReading:
    place = f"reading {reading.pk} of {reading.reading_date}"
    return UnableToRecordReading(code=code, message=message, place=place, remedy=remedy)
