"""Record that nobody has to pay for a connected service point over some dates, and on what act."""

from datetime import date, datetime

from django.db import models

from mains.base.dated import record_fact
from mains.kernel.errors import MainsError
from mains.network.models import IdlePeriod
from mains.network.values import IdleReason


class UnableToRecordIdlePeriod(MainsError):
    """No such reason, or no act is named."""


def record_idle_period(
    *,
    service_point_id: int,
    reason: str,
    valid_from: date,
    valid_to: date | None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> IdlePeriod:
    """Say why nobody pays for the point over [valid_from, valid_to); `proof` names the act.

    Raises UnableToRecordIdlePeriod, UnableToRecordFact.
    """
    if reason not in IdleReason.values:
        raise UnableToRecordIdlePeriod(
            code="idle-reason",
            message=f"{reason} is no reason for which nobody pays.",
            place=f"service point {service_point_id}",
            remedy=f"Choose one of {', '.join(IdleReason.values)}.",
            params={"field": "reason"},
        )
    if not proof.strip():
        raise UnableToRecordIdlePeriod(
            code="idle-proof",
            message="The act is not named.",
            place=f"service point {service_point_id}",
            remedy="Give number and date of the act, so that an auditor finds it.",
            params={"field": "proof"},
        )
    return record_fact(
        model=IdlePeriod,
        subject={"service_point_id": service_point_id},
        values={"reason": reason},
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof.strip(),
    )
