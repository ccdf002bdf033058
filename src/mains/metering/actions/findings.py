"""What inspections find: meters that counted wrongly, and use that no meter counted. By an act, never overwritten."""

from datetime import date, datetime, timedelta

from django.db import models, transaction
from django.utils import timezone

from mains.base.dated import add_fact, withdraw_fact
from mains.engine.usage.frames import HUNDRED_PERCENT, PERCENT_MAX
from mains.kernel.errors import MainsError
from mains.metering.actions.intake import lock_registers
from mains.metering.models import (
    Installation,
    MeterError,
    MeterErrorWithdrawal,
    Register,
    UnmeteredUse,
    UnmeteredUseWithdrawal,
)
from mains.metering.values import UnmeteredReason, Zone
from mains.network.queries.points import PointRecord, get_point

DAY = timedelta(days=1)
AMOUNT_MICRO_MAX = 10**15
"""A thousand million units: more is a slip of the pen."""
DAYS_MAX = 3_653
"""An act speaks of ten years at most; limitation is far shorter everywhere."""


class UnableToRecordMeterError(MainsError):
    """The percentage or the dates are impossible, the act is not named, or another error holds already."""


class UnableToRecordUnmeteredUse(MainsError):
    """The quantity or the dates are impossible, the act is not named, or another act speaks of the same days."""


@transaction.atomic
def record_meter_error(
    *,
    register_id: int,
    percent_hundredths: int,
    valid_from: date,
    valid_to: date | None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> MeterError:
    """Say that a register counted so many hundredths of a percent too much (negative: too little) over
    [valid_from, valid_to), without an end as long as it hangs there.

    The dates lie within one installation of its meter. `proof` names the certificate or act. Raises
    UnableToRecordMeterError, UnableToRecordFact.
    """
    lock_registers([register_id])
    register = Register.objects.select_related("meter").filter(pk=register_id).first()
    if register is None:
        raise _no_error(
            f"register {register_id}", "register-unknown", "There is no such register.", "register"
        )
    place = f"meter {register.meter.serial}, {Zone(register.zone).label}"
    if not -HUNDRED_PERCENT < percent_hundredths <= PERCENT_MAX or percent_hundredths == 0:
        message = "The error lies above -100 % and is at most +1000 %, and is not nought."
        raise _no_error(
            place, "error-percent", message, "percent",
            remedy="Give what the meter counted too much, in percent; too little is negative.",
        )  # fmt: skip
    if not proof.strip():
        message = "The certificate or act is not named."
        raise _no_error(
            place,
            "error-proof",
            message,
            "proof",
            remedy="Give its number and date, so that an auditor finds it.",
        )
    today = timezone.localdate(now)
    if valid_from > today or (valid_to is not None and valid_to <= valid_from):
        message = "The error begins by today and has at least one day."
        raise _no_error(place, "error-dates", message, "valid_from")
    _check_life(register, place, valid_from, valid_to)
    rival = MeterError.objects.filter(
        register=register, superseded_at=None, valid__overlap=(valid_from, valid_to)
    ).first()
    if rival is not None:
        message = f"Error {rival.pk} of this register holds from {rival.valid.lower} already."
        raise _no_error(
            place,
            "error-overlaps",
            message,
            "valid_from",
            remedy="Withdraw that one first, or choose other days.",
        )
    return add_fact(
        model=MeterError,
        values={"register": register, "percent_hundredths": percent_hundredths},
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof.strip(),
    )


@transaction.atomic
def record_unmetered_use(
    *,
    service_point_id: int,
    zone: int = Zone.TOTAL,
    amount_micro: int,
    reason: str,
    valid_from: date,
    valid_to: date,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> UnmeteredUse:
    """Add use that no meter counted over [valid_from, valid_to), evenly, in 10^-6 of the service's unit.

    `zone` is one that the point's meters count on these days; without a meter it is the total. `proof` names the act.
    Raises UnableToRecordUnmeteredUse, UnableToFindServicePoint, UnableToRecordFact.
    """
    point = get_point(point_id=service_point_id)
    if not 0 < amount_micro < AMOUNT_MICRO_MAX:
        message = "The quantity is above nought and below a thousand million units."
        raise _no_act(point.code, "act-amount", message, "quantity")
    if reason not in UnmeteredReason.values:
        message = f"{reason} is no reason for use without a meter."
        remedy = f"Choose one of {', '.join(UnmeteredReason.values)}."
        raise _no_act(point.code, "act-reason", message, "reason", remedy=remedy)
    if not proof.strip():
        remedy = "Give its number and date, so that an auditor finds it."
        raise _no_act(point.code, "act-proof", "The act is not named.", "proof", remedy=remedy)
    _check_days(point, valid_from, valid_to, today=timezone.localdate(now))
    _check_zone(point, zone, valid_from, valid_to)
    rival = UnmeteredUse.objects.filter(
        service_point_id=point.id, zone=zone, superseded_at=None, valid__overlap=(valid_from, valid_to)
    ).first()
    if rival is not None:
        message = f"Act {rival.pk} ({rival.proof}) speaks of days from {rival.valid.lower} already."
        remedy = "Withdraw that one first, or choose other days."
        raise _no_act(point.code, "act-overlaps", message, "valid_from", remedy=remedy)
    return add_fact(
        model=UnmeteredUse,
        values={
            "service_point_id": point.id,
            "zone": zone,
            "amount_micro": amount_micro,
            "reason": reason,
        },
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof.strip(),
    )


def withdraw_meter_error(
    *, error_id: int, reason: str, actor: models.Model | None, now: datetime
) -> MeterError:
    """Stop believing a found error. To correct one, withdraw it and record it anew. Raises UnableToWithdrawFact."""
    return withdraw_fact(
        model=MeterError,
        fact_id=error_id,
        withdrawal=MeterErrorWithdrawal,
        reason=reason,
        actor=actor,
        now=now,
    )


def withdraw_unmetered_use(
    *, act_id: int, reason: str, actor: models.Model | None, now: datetime
) -> UnmeteredUse:
    """Stop believing an act. To correct one, withdraw it and record it anew. Raises UnableToWithdrawFact."""
    return withdraw_fact(
        model=UnmeteredUse,
        fact_id=act_id,
        withdrawal=UnmeteredUseWithdrawal,
        reason=reason,
        actor=actor,
        now=now,
    )


def _check_life(register: Register, place: str, valid_from: date, valid_to: date | None) -> None:
    """One installation holds all the days; one without an end holds those of an error without an end."""
    held = Installation.objects.filter(
        meter=register.meter, superseded_at=None, valid__contains=valid_from
    ).first()
    end = held.valid.upper if held else None
    if held is None or (end is not None and (valid_to is None or valid_to > end)):
        message = "The meter is not installed at one place on all of these days."
        raise _no_error(
            place, "error-outside", message, "valid_to" if held else "valid_from",
            remedy="Look at its installations and give days of one of them.",
        )  # fmt: skip


def _check_days(point: PointRecord, valid_from: date, valid_to: date, *, today: date) -> None:
    if not 1 <= (valid_to - valid_from).days <= DAYS_MAX or valid_to > today + DAY:
        message = "An act speaks of one day at least, of ten years at most, and of no day to come."
        raise _no_act(point.code, "act-dates", message, "valid_to")
    if not point.is_connected(valid_from) or not point.is_connected(valid_to - DAY):
        message = "The service point is not connected on all of these days."
        raise _no_act(point.code, "act-outside", message, "valid_from")
    if point.measures_node or point.takes_rest:
        message = "Nobody uses anything at this point: it measures a node or takes its rest."
        remedy = "Record the act at the service point of whoever used it."
        raise _no_act(point.code, "act-at-node", message, "service_point", remedy=remedy)


def _check_zone(point: PointRecord, zone: int, valid_from: date, valid_to: date) -> None:
    counted = Register.objects.filter(
        meter__installations__service_point_id=point.id,
        meter__installations__superseded_at=None,
        meter__installations__valid__overlap=(valid_from, valid_to),
    )
    # What is fed in is no use.
    zones = sorted(set(counted.values_list("zone", flat=True)) - {Zone.EXPORT}) or [int(Zone.TOTAL)]
    if zone not in zones:
        names = ", ".join(Zone(each).name.lower() for each in zones)
        remedy = f"Choose one of {names}."
        message = "No meter of the point counts this zone on these days."
        raise _no_act(point.code, "act-zone", message, "zone", remedy=remedy)


def _no_error(
    place: str, code: str, message: str, field: str, *, remedy: str = "Correct it."
) -> UnableToRecordMeterError:
    return UnableToRecordMeterError(
        code=code, message=message, place=place, remedy=remedy, params={"field": field}
    )


def _no_act(
    place: str, code: str, message: str, field: str, *, remedy: str = "Correct it."
) -> UnableToRecordUnmeteredUse:
    return UnableToRecordUnmeteredUse(
        code=code,
        message=message,
        place=f"service point {place}",
        remedy=remedy,
        params={"field": field},
    )
