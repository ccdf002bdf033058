"""Conditions of supply as people write them, checked by what the tariffs of the service point read."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import models

from mains.base.staged_rows import Field, StagedRows, day, import_rows, reference, signed_micro
from mains.billing.queries.declared import list_declared_attributes, list_demands_looked_back_at
from mains.billing.values import FLAG_WORDS
from mains.engine.tariff.model import AttributeType
from mains.kernel.errors import MainsError
from mains.network.actions.conditions import record_condition
from mains.network.queries.points import find_point_id


class UnableToTellCondition(MainsError):
    """No tariff of the service point reads the name, or the text is no value of it."""


def tell_condition(
    *,
    service_point_id: int,
    name: str,
    text: str,
    valid_from: date,
    valid_to: date | None = None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> int:
    """Record a condition of supply from a written value: a number where the tariffs of the point declare one, a listed
    word, or yes or no; the id of the fact. Nothing written ends the condition: what the network or the tariff says
    counts again.

    Under the name of a demand at which a ratchet looks back: the highest of each of these whole months, of which the
    utility's former system tells. Where a month has intervals of its own, what they say goes before.

    Raises UnableToTellCondition, UnableToRecordCondition, UnableToRecordFact.
    """
    place = f"service point {service_point_id}"
    declared = list_declared_attributes(
        service_point_id=service_point_id, valid_from=valid_from, valid_to=valid_to, at=now
    )
    demands = list_demands_looked_back_at(service_point_id=service_point_id, at=now)
    if name not in declared and name not in demands:
        raise UnableToTellCondition(
            code="condition-unread",
            message=f"No tariff of the service point reads {name} on these days.",
            place=place,
            remedy=f"What its tariffs read so: {', '.join([*declared, *demands]) or 'nothing'}.",
            params={"field": "name"},
        )
    if name in declared:
        value = _value(text.strip(), declared[name], place)
    else:
        value = _demand(text.strip(), (valid_from, valid_to), place)
    fact = record_condition(
        service_point_id=service_point_id,
        name=name,
        value=value,
        valid_from=valid_from,
        valid_to=valid_to,
        proof=proof,
        actor=actor,
        now=now,
    )
    return int(fact.pk)


def import_conditions(
    *, content: bytes, actor: models.Model | None, now: datetime, is_trial: bool = False
) -> StagedRows:
    """Record the conditions of a CSV file: service_point, name, value (none: it ends), valid_from, valid_to, proof."""
    fields = (
        Field("service_point", reference(lambda code: find_point_id(code=code), name="service point")),
        Field("name"),
        Field("value", is_needed=False, default=""),
        Field("valid_from", day),
        Field("valid_to", day, is_needed=False),
        Field("proof"),
    )

    def write(row: Mapping[str, Any]) -> None:
        tell_condition(
            service_point_id=row["service_point"],
            text=row["value"],
            actor=actor,
            now=now,
            **{name: row[name] for name in ("name", "valid_from", "valid_to", "proof")},
        )

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def _value(text: str, declared: AttributeType, place: str) -> int | str | None:
    """The value as it is kept: millionths of the declared unit, or a word."""
    if not text:
        return None
    if declared.kind == "number":
        return _number(text, place)
    allowed = tuple(FLAG_WORDS) if declared.kind == "flag" else declared.values
    if allowed and text not in allowed:
        raise _unable(f"{text} is no value of {declared.name}.", place, f"Allowed are: {', '.join(allowed)}.")
    return text


def _number(text: str, place: str) -> int:
    try:
        return signed_micro(text)
    except ValueError as error:
        remedy = "Write it as 16.5, with at most six decimals."
        raise _unable(f"{text} is not a number.", place, remedy) from error


def _demand(text: str, days: tuple[date, date | None], place: str) -> int | None:
    """The highest demand of each of some whole months, in millionths of its unit."""
    first, end = days
    if first.day != 1 or end is None or end.day != 1:
        raise UnableToTellCondition(
            code="demand-months",
            message="A past demand is that of whole months.",
            place=place,
            remedy="Give the first day of the first month and the last day of the last one.",
            params={"field": "valid_from" if first.day != 1 else "valid_to"},
        )
    value = _number(text, place) if text else None
    if value is not None and value < 0:
        raise _unable(f"{text} is below nought.", place, "Give the highest demand of the months.")
    return value


def _unable(message: str, place: str, remedy: str) -> UnableToTellCondition:
    return UnableToTellCondition(
        code="condition-value", message=message, place=place, remedy=remedy, params={"field": "value"}
    )
