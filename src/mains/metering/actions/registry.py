"""Meters from purchase to removal: every change of place comes with its readings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from mains.base.dated import record_fact, withdraw_facts
from mains.engine.usage.values import UnableToReadValue, parse_reading_value
from mains.kernel.errors import MainsError
from mains.metering.actions.intake import ENTRIES, REPEATED, judge_entries, keep_taken, lock_registers
from mains.metering.models import Installation, Meter, Reading, Register
from mains.metering.values import ReadingSource, Zone
from mains.network.queries.points import PointRecord, get_point

DAY = timedelta(days=1)
CONFIRMABLE = ("rollover-possible", "far-above-usual")
"""Doubts about a closing reading that whoever stands before the meter can dispel."""


class UnableToAddMeter(MainsError):
    """A meter of this serial and model is known already, or it has no register."""


class UnableToInstallMeter(MainsError):
    """The meter hangs elsewhere, the place is taken, or an opening reading is missing or impossible."""


class UnableToRemoveMeter(MainsError):
    """The meter is not installed, or a closing reading is missing or contradicts the ones before it."""


@dataclass(frozen=True, kw_only=True)
class RegisterSpec:
    """A display of a new meter: digits before the decimal point, decimals after it, multiplier × 10^6."""

    zone: int = Zone.TOTAL
    digits: int = 5
    decimals: int = 0
    multiplier_micro: int = 1_000_000


@transaction.atomic
def add_meter(
    *,
    serial: str,
    model: str,
    service: str,
    registers: Sequence[RegisterSpec],
    made_year: int | None = None,
    verified_on: date | None = None,
    verify_by: date | None = None,
) -> Meter:
    """Add a meter with its registers. Raises UnableToAddMeter."""
    zones = [spec.zone for spec in registers]
    drawn = {*zones} - {Zone.EXPORT}
    if not drawn or len(set(zones)) < len(zones) or (Zone.TOTAL in drawn and len(drawn) > 1):
        raise _unable_to_add(
            serial, "registers-wrong", "A meter has a total register or one for each zone.", "zones"
        )
    try:
        with transaction.atomic():
            meter = Meter.objects.create(
                serial=serial,
                model=model,
                service=service,
                made_year=made_year,
                verified_on=verified_on,
                verify_by=verify_by,
            )
            for spec in registers:
                Register.objects.create(
                    meter=meter,
                    zone=spec.zone,
                    digits=spec.digits,
                    decimals=spec.decimals,
                    multiplier_micro=spec.multiplier_micro,
                )
    except IntegrityError as error:
        if "one_meter_per_serial" in str(error):
            message = f"There is a {model} with serial {serial} already."
            raise _unable_to_add(serial, "meter-known", message, "serial") from error
        message = "Digits are 1 to 10, decimals 0 to 6, the multiplier is above zero."
        raise _unable_to_add(serial, "register-scale", message, "digits") from error
    return meter


@transaction.atomic
def install_meter(
    *,
    meter: Meter,
    service_point_id: int,
    installed_from: date,
    opening: Mapping[int, str],
    seal_number: str = "",
    source: int = ReadingSource.FIELD,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> Installation:
    """Hang a meter at a service point from `installed_from` on, the first day whose use it counts.

    `opening` gives for each zone the text of what the register shows as the day before ends. A meter may come from
    another place once it is removed there. Raises UnableToInstallMeter, UnableToRecordFact.
    """
    point = get_point(point_id=service_point_id)
    registers = _locked_registers(meter)
    _check_place(meter, registers, point=point, installed_from=installed_from, today=timezone.localdate(now))
    missing = [Zone(register.zone).label for register in registers if register.zone not in opening]
    if missing:
        message = f"The opening reading of {missing[0]} is missing."
        raise _unable_to_install(meter, "opening-missing", message, "Read all registers.", "opening")
    installation = record_fact(
        model=Installation,
        subject={"meter": meter},
        values={"service_point_id": service_point_id, "seal_number": seal_number},
        valid_from=installed_from,
        actor=actor,
        now=now,
        proof=proof,
    )
    for register in registers:
        text = opening[register.zone]
        try:
            value_micro = parse_reading_value(text, digits=register.digits, decimals=register.decimals)
        except UnableToReadValue as error:
            message = f"{Zone(register.zone).label}: {error.message}"
            raise _unable_to_install(meter, error.code, message, error.remedy, "opening") from error
        # The same register may close another place on this very day; each place has its own row, in its own bucket.
        Reading.objects.create(
            register=register,
            bucket=point.bucket,
            reading_date=installed_from - DAY,
            value_micro=value_micro,
            source=source,
            evidence={"opening": proof},
            recorded_at=now,
            recorded_by_id=actor.pk if actor else None,
        )
    return installation


@transaction.atomic
def remove_meter(
    *,
    meter: Meter,
    last_day: date,
    closing: Mapping[int, str],
    is_confirmed: bool = False,
    source: int = ReadingSource.FIELD,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> None:
    """Take a meter off its place at the end of `last_day`, with what each zone's register shows then.

    A closing reading is judged as any other. A rollover and a use far above the usual are taken only when
    `is_confirmed`; one that contradicts another reading is not taken: set the wrong one aside first.
    Raises UnableToRemoveMeter.
    """
    registers = _locked_registers(meter)
    installation = meter.installations.filter(superseded_at=None, valid__contains=last_day).first()
    if installation is None:
        raise _unable_to_remove(
            meter, "not-installed", f"It is installed nowhere on {last_day}.", "Check the date."
        )
    later = Reading.objects.filter(register__in=registers, superseded_at=None, reading_date__gt=last_day)
    if later.exists():
        message = f"It was read after {last_day}."
        raise _unable_to_remove(meter, "read-later", message, "Withdraw those readings, or check the date.")
    missing = [Zone(register.zone).label for register in registers if register.zone not in closing]
    if missing:
        message = f"The closing reading of {missing[0]} is missing."
        raise _unable_to_remove(meter, "closing-missing", message, "Read all registers.")
    _take_closing(
        meter,
        registers,
        closing=closing,
        last_day=last_day,
        source=source,
        is_confirmed=is_confirmed,
        actor=actor,
        now=now,
        proof=proof,
    )
    end = last_day + DAY
    if installation.valid.upper is None or installation.valid.upper > end:
        withdraw_facts(model=Installation, subject={"meter": meter}, valid_from=end, now=now)


@transaction.atomic
def exchange_meter(
    *,
    old: Meter,
    new: Meter,
    day: date,
    closing: Mapping[int, str],
    opening: Mapping[int, str],
    seal_number: str = "",
    is_confirmed: bool = False,
    source: int = ReadingSource.FIELD,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> Installation:
    """Take the old meter off and hang the new one in its place on `day`, whose use both have.

    Raises UnableToRemoveMeter, UnableToInstallMeter; then nothing is changed.
    """
    place = old.installations.filter(superseded_at=None, valid__contains=day).first()
    if place is None:
        raise _unable_to_remove(old, "not-installed", f"It is installed nowhere on {day}.", "Check the date.")
    remove_meter(
        meter=old,
        last_day=day,
        closing=closing,
        is_confirmed=is_confirmed,
        source=source,
        actor=actor,
        now=now,
        proof=proof,
    )
    return install_meter(
        meter=new,
        service_point_id=place.service_point_id,
        installed_from=day,
        opening=opening,
        seal_number=seal_number,
        source=source,
        actor=actor,
        now=now,
        proof=proof,
    )


@transaction.atomic
def seal_meter(
    *, meter: Meter, day: date, seal_number: str, actor: models.Model | None, now: datetime, proof: str = ""
) -> Installation:
    """Put a new seal on an installed meter. The installation's dates stay: a seal does not interrupt the count.

    Which seal was known when is read from the superseded rows. Raises UnableToInstallMeter.
    """
    _locked_registers(meter)
    installation = meter.installations.filter(superseded_at=None, valid__contains=day).first()
    if installation is None:
        message = f"It is installed nowhere on {day}."
        raise _unable_to_install(meter, "not-installed", message, "Check the date.", "day")
    return record_fact(
        model=Installation,
        subject={"meter": meter},
        values={"service_point_id": installation.service_point_id, "seal_number": seal_number},
        valid_from=installation.valid.lower,
        valid_to=installation.valid.upper,
        actor=actor,
        now=now,
        proof=f"Sealed on {day}. {proof}".strip()[:200],
    )


def _locked_registers(meter: Meter) -> list[Register]:
    lock_registers([register.pk for register in meter.registers.all()])
    return list(meter.registers.order_by("zone"))


def _check_place(
    meter: Meter, registers: Sequence[Register], *, point: PointRecord, installed_from: date, today: date
) -> None:
    if point.service != meter.service:
        message = f"The meter counts {meter.service}, the service point supplies {point.service}."
        raise _unable_to_install(
            meter, "meter-service", message, "Choose another meter or place.", "service_point"
        )
    if installed_from - DAY > today:
        message = f"The opening reading would be dated {installed_from - DAY}, later than {today}."
        raise _unable_to_install(
            meter, "install-later", message, "Install it when the day has come.", "installed_from"
        )
    if point.takes_rest:
        message = f"Service point {point.code} takes what is over the cap of a house and has no meter."
        raise _unable_to_install(
            meter, "place-takes-rest", message, "Hang it at a service point of a premise.", "service_point"
        )
    elsewhere = meter.installations.filter(superseded_at=None, valid__overlap=(installed_from, None)).first()
    if elsewhere:
        message = f"It hangs at service point {elsewhere.service_point.code} since {elsewhere.valid.lower}."
        raise _unable_to_install(meter, "meter-hangs", message, "Remove it there first.", "serial")
    # On the day of an exchange both meters count; beyond it, one register of a zone at a time.
    rivals = Installation.objects.filter(
        service_point_id=point.id,
        superseded_at=None,
        valid__overlap=(installed_from + DAY, None),
        meter__registers__zone__in=[register.zone for register in registers],
    )
    rival = rivals.select_related("meter").first()
    if rival:
        message = f"Meter {rival.meter.serial} counts there."
        raise _unable_to_install(
            meter, "place-taken", message, "Exchange it, or remove it first.", "service_point"
        )


def _take_closing(
    meter: Meter,
    registers: Sequence[Register],
    *,
    closing: Mapping[int, str],
    last_day: date,
    source: int,
    is_confirmed: bool,
    actor: models.Model | None,
    now: datetime,
    proof: str,
) -> None:
    evidence = json.dumps({"closing": proof}, ensure_ascii=False)
    rows = [
        (register.pk, register.pk, meter.serial, last_day, closing[register.zone], int(source), evidence)
        for register in registers
    ]
    judged = judge_entries(
        pl.DataFrame(rows, schema=ENTRIES, orient="row"),
        today=timezone.localdate(now),
    )
    confirmed = pl.lit(is_confirmed) & pl.col("code").is_in(CONFIRMABLE)
    judged = judged.with_columns(decision=pl.when(confirmed).then(pl.lit("accept")).otherwise("decision"))
    wrong = judged.filter((pl.col("decision") != "accept") & (pl.col("code") != REPEATED))
    for told in wrong.iter_rows(named=True):
        remedy = "Read it again, or confirm it." if told["code"] in CONFIRMABLE else told["remedy"]
        raise _unable_to_remove(meter, told["code"], told["message"], remedy)
    keep_taken(judged, actor_id=actor.pk if actor else None, now=now)


def _unable_to_add(serial: str, code: str, message: str, field: str) -> UnableToAddMeter:
    return UnableToAddMeter(
        code=code, message=message, place=f"meter {serial}", remedy="Correct it.", params={"field": field}
    )


def _unable_to_install(
    meter: Meter, code: str, message: str, remedy: str, field: str
) -> UnableToInstallMeter:
    return UnableToInstallMeter(
        code=code, message=message, place=f"meter {meter.serial}", remedy=remedy, params={"field": field}
    )


def _unable_to_remove(meter: Meter, code: str, message: str, remedy: str) -> UnableToRemoveMeter:
    return UnableToRemoveMeter(
        code=code, message=message, place=f"meter {meter.serial}", remedy=remedy, params={"field": "closing"}
    )
