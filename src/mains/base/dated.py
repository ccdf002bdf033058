"""Writing dated facts: what is said about some dates replaces what was believed about them, no more."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Q

from mains.base.facts import DatedFact, Recorded, Withdrawal
from mains.kernel.errors import MainsError

Fact = TypeVar("Fact", bound=DatedFact)
Told = TypeVar("Told", bound=Recorded)


class UnableToRecordFact(MainsError):
    """The dates are empty, or someone else recorded a fact about the same dates at the same moment."""


class UnableToWithdrawFact(MainsError):
    """There is no such fact, it is withdrawn already, or no reason is given."""


@transaction.atomic
def record_fact(
    *,
    model: type[Fact],
    subject: Mapping[str, Any],
    values: Mapping[str, Any],
    valid_from: date,
    valid_to: date | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> Fact:
    """Make `values` hold for `subject` over [valid_from, valid_to) and return the new fact.

    Believed facts that overlap are superseded; the parts of them outside the dates are recorded again as they
    were, with their own author and proof, so that what was known at any earlier instant stays readable.
    Raises UnableToRecordFact.
    """
    valid = _checked_range(model=model, valid_from=valid_from, valid_to=valid_to)
    replaced = supersede_facts(model=model, subject=subject, valid=valid, now=now)
    fact = model(
        **subject,
        **values,
        valid=valid,
        recorded_at=now,
        recorded_by_id=actor.pk if actor else None,
        proof=proof,
    )
    parts = [part for old in replaced for part in _parts_outside(old, valid=valid, now=now)]
    _save_new(*parts, fact, model=model, valid_from=valid_from)
    return fact


@transaction.atomic
def add_fact(
    *,
    model: type[Fact],
    values: Mapping[str, Any],
    valid_from: date,
    valid_to: date | None,
    actor: models.Model | None,
    now: datetime,
    proof: str,
) -> Fact:
    """Record a fact that cuts no other: it says something of its dates as a whole, an amount or a percentage.

    Raises UnableToRecordFact: no days, or another fact that it may not meet.
    """
    valid = _checked_range(model=model, valid_from=valid_from, valid_to=valid_to)
    fact = model(
        **values, valid=valid, recorded_at=now, recorded_by_id=actor.pk if actor else None, proof=proof
    )
    _save_new(fact, model=model, valid_from=valid_from)
    return fact


@transaction.atomic
def withdraw_fact(
    *,
    model: type[Told],
    fact_id: int,
    withdrawal: type[Withdrawal],
    reason: str,
    actor: models.Model | None,
    now: datetime,
) -> Told:
    """Stop believing one fact and keep who said so and why, in `withdrawal`, whose key is the fact's.

    Raises UnableToWithdrawFact.
    """
    place = f"{model._meta.verbose_name} {fact_id}"
    fact = model._default_manager.select_for_update().filter(pk=fact_id).first()
    if fact is None or fact.superseded_at is not None:
        raise UnableToWithdrawFact(
            code="fact-not-believed",
            message="There is no such fact, or it is withdrawn already.",
            place=place,
            remedy="Look at what is recorded now.",
        )
    if not reason.strip():
        raise UnableToWithdrawFact(
            code="withdrawal-reason",
            message="The reason is missing.",
            place=place,
            remedy="Say why it does not hold, so that an auditor understands it.",
            params={"field": "reason"},
        )
    model._default_manager.filter(pk=fact_id).update(superseded_at=now)
    told = {"fact_id": fact.pk, "reason": reason.strip()[:200]}
    withdrawal(**told, withdrawn_at=now, withdrawn_by_id=actor.pk if actor else None).save(force_insert=True)
    return fact


@transaction.atomic
def withdraw_facts(
    *,
    model: type[DatedFact],
    subject: Mapping[str, Any],
    valid_from: date,
    valid_to: date | None = None,
    now: datetime,
) -> int:
    """Stop believing anything about `subject` over [valid_from, valid_to); how many facts this touched."""
    valid = _checked_range(model=model, valid_from=valid_from, valid_to=valid_to)
    replaced = supersede_facts(model=model, subject=subject, valid=valid, now=now)
    for old in replaced:
        model._default_manager.bulk_create(_parts_outside(old, valid=valid, now=now))
    return len(replaced)


@transaction.atomic
def end_fact(
    *, model: type[Fact], fact_id: int, subject: Sequence[str], first_free_day: date, now: datetime
) -> None:
    """Let a believed fact hold no longer from a day on; where it begins later it is believed no more at all. `subject`
    names the fields that tell whose fact it is. Raises UnableToWithdrawFact: there is none, or it ended before."""
    fact = model._default_manager.filter(pk=fact_id, superseded_at__isnull=True).first()
    upper = None if fact is None else fact.valid.upper
    if fact is None or (upper is not None and upper <= first_free_day):
        raise UnableToWithdrawFact(
            code="fact-not-in-force",
            message="It is not in force on that day, or has been stated anew.",
            place=f"{model._meta.verbose_name} {fact_id}",
            remedy="Look at what is recorded now.",
            params={"field": "ends"},
        )
    lower = fact.valid.lower
    withdraw_facts(
        model=model,
        subject={name: getattr(fact, name) for name in subject},
        valid_from=first_free_day if lower is None else max(lower, first_free_day),
        valid_to=upper,
        now=now,
    )


def supersede_facts(
    *, model: type[Fact], subject: Mapping[str, Any], valid: DateRange, now: datetime
) -> list[Fact]:
    """Close the system time of believed facts that overlap `valid`, locking them; the facts as they were."""
    believed = model._default_manager.filter(superseded_at__isnull=True, valid__overlap=valid, **subject)
    facts = list(believed.select_for_update().order_by("valid"))
    model._default_manager.filter(pk__in=[fact.pk for fact in facts]).update(superseded_at=now)
    return facts


def holds_on(day: date, *, known_at: datetime | None = None, prefix: str = "") -> Q:
    """Filter for the facts that hold on `day`, as believed now or as known at an instant."""
    on_day = Q(**{f"{prefix}valid__contains": day})
    if known_at is None:
        return on_day & Q(**{f"{prefix}superseded_at__isnull": True})
    return on_day & known(known_at, prefix=prefix)


def known(at: datetime, *, prefix: str = "") -> Q:
    """Filter for the facts that were believed at an instant."""
    return Q(**{f"{prefix}recorded_at__lte": at}) & (
        Q(**{f"{prefix}superseded_at__isnull": True}) | Q(**{f"{prefix}superseded_at__gt": at})
    )


def _save_new(*facts: DatedFact, model: type[DatedFact], valid_from: date) -> None:
    try:
        with transaction.atomic():
            for fact in facts:
                fact.save(force_insert=True)
    except IntegrityError as error:
        if "exclu" not in str(error):
            raise
        raise UnableToRecordFact(
            code="fact-collision",
            message="Another fact about the same dates was recorded at the same time.",
            place=f"{model._meta.verbose_name}, {valid_from}",
            remedy="Look at what is recorded now and repeat your change if it is still needed.",
        ) from error


def _checked_range(*, model: type[DatedFact], valid_from: date, valid_to: date | None) -> DateRange:
    if valid_to is not None and valid_to <= valid_from:
        raise UnableToRecordFact(
            code="fact-dates",
            message=f"The fact would hold from {valid_from} to {valid_to}, which is no day at all.",
            place=str(model._meta.verbose_name),
            remedy="Give an end date after the start; the end is the first day on which it no longer holds.",
        )
    return DateRange(valid_from, valid_to)


def _parts_outside(old: Fact, *, valid: DateRange, now: datetime) -> list[Fact]:
    stretches = []
    if valid.lower is not None and (old.valid.lower is None or old.valid.lower < valid.lower):
        stretches.append(DateRange(old.valid.lower, valid.lower))
    if valid.upper is not None and (old.valid.upper is None or old.valid.upper > valid.upper):
        stretches.append(DateRange(valid.upper, old.valid.upper))
    fields = {
        field.attname: getattr(old, field.attname)
        for field in old._meta.concrete_fields
        if not field.primary_key and field.name not in ("valid", "recorded_at", "superseded_at")
    }
    return [type(old)(**fields, valid=stretch, recorded_at=now) for stretch in stretches]
