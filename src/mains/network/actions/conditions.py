"""Dated conditions of supply at service points that tariffs read: suspended heat, a measured room temperature."""

from datetime import date, datetime

from django.db import models

from mains.base.dated import record_fact
from mains.kernel.errors import MainsError
from mains.network.actions.named_facts import MICRO_BELOW, Refusal, refuse_name, refuse_proof
from mains.network.models import PointCondition

_WORD_LENGTH_MAX = 40


class UnableToRecordCondition(MainsError):
    """No tariff can read the name, the value is out of bounds, or no document is named."""


def record_condition(
    *,
    service_point_id: int,
    name: str,
    value: int | str | None,
    valid_from: date,
    valid_to: date | None = None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> PointCondition:
    """Say of a service point over [valid_from, valid_to) what tariffs read as the attribute `name`, before any figure
    of the network.

    A word, or a number in millionths of the unit that the tariff declares; None: there is no such condition, and the
    network's figure or the tariff's default counts. `proof` names the document. Raises UnableToRecordCondition,
    UnableToRecordFact.
    """
    name, proof = name.strip(), proof.strip()
    word, number = (value, None) if isinstance(value, str) else ("", value)
    refusal = refuse_name(name, what="condition")
    if refusal is None and number is not None and not -MICRO_BELOW < number < MICRO_BELOW:
        message = "The number is a thousand million or more."
        refusal = Refusal("value", message, "value", "Correct the number, such as 16.5.")
    if refusal is None and isinstance(value, str) and not 0 < len(word) <= _WORD_LENGTH_MAX:
        message = f"A word has 1 to {_WORD_LENGTH_MAX} characters."
        refusal = Refusal("word", message, "value", "Use one of the values that the tariff lists.")
    refusal = refusal or refuse_proof(proof, missing="No document proves the condition.")
    if refusal is not None:
        raise UnableToRecordCondition(
            code=f"condition-{refusal.code}",
            message=refusal.message,
            place=f"service point {service_point_id}",
            remedy=refusal.remedy,
            params={"field": refusal.field},
        )
    return record_fact(
        model=PointCondition,
        subject={"service_point_id": service_point_id, "name": name},
        values={"word": word, "value_micro": number},
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof,
    )
