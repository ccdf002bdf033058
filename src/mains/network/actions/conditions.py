"""Dated conditions of supply at service points that tariffs read: suspended heat, a measured room temperature."""

from datetime import date, datetime

from django.db import models

from mains.base.dated import record_fact
from mains.engine.tariff import names_fact
from mains.kernel.errors import MainsError
from mains.network.models import PointCondition
from mains.network.values import FILLED_ATTRIBUTES

_LENGTH_MAX = 40
_PROOF_LENGTH_MAX = 200
_MICRO_BELOW = 10**15


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
    if not names_fact(name) or len(name) > _LENGTH_MAX:
        message = f"No tariff can read {name or 'a condition without a name'}."
        remedy = f"Use the name of the tariff's attribute: letters, digits and _, at most {_LENGTH_MAX}."
        raise _unable(service_point_id, "condition-name", message, "name", remedy)
    if name in FILLED_ATTRIBUTES:
        message = f"What tariffs read as {name} comes from another record."
        remedy = "Record it there: of the premise, the node, the agreement or the meter."
        raise _unable(service_point_id, "condition-filled", message, "name", remedy)
    word, number = (value, None) if isinstance(value, str) else ("", value)
    if number is not None and not -_MICRO_BELOW < number < _MICRO_BELOW:
        message = "The number is a thousand million or more."
        raise _unable(
            service_point_id, "condition-value", message, "value", "Correct the number, such as 16.5."
        )
    if value is not None and number is None and not 0 < len(word) <= _LENGTH_MAX:
        message = f"A word has 1 to {_LENGTH_MAX} characters."
        remedy = "Use one of the values that the tariff lists."
        raise _unable(service_point_id, "condition-word", message, "value", remedy)
    if not proof or len(proof) > _PROOF_LENGTH_MAX:
        message = "The proof is too long." if proof else "No document proves the condition."
        remedy = "Name the document, so that an auditor finds it."
        raise _unable(service_point_id, "condition-proof", message, "proof", remedy)
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


def _unable(
    service_point_id: int, code: str, message: str, field: str, remedy: str
) -> UnableToRecordCondition:
    return UnableToRecordCondition(
        code=code,
        message=message,
        place=f"service point {service_point_id}",
        remedy=remedy,
        params={"field": field},
    )
