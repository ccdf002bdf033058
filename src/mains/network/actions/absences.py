"""Residents who are absent for a time: on which days it counts, and that no more are absent than live there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import models, transaction
from django.utils import timezone

from mains.base.dated import add_fact, withdraw_fact
from mains.kernel.errors import MainsError
from mains.network.models import Absence, AbsenceWithdrawal, Premise, PremiseState
from mains.network.values import AbsenceReason

DAY = timedelta(days=1)


class UnableToRecordAbsence(MainsError):
    """Too short, too far ahead, of more people than live there, or without a proof."""


@dataclass(frozen=True, kw_only=True)
class AbsenceRule:
    """Which days of an absence count.

    Full days only, without the day of leaving and the day of return, and only if there are at least `days_min` of them
    in a row; at most `ahead_days_max` days ahead. The defaults are those of the Rules of PP RF 354 of 6 May 2011,
    section VIII: more than 5 full calendar days (paragraph 86), at most six months on one application.
    """

    days_min: int = 6
    ahead_days_max: int = 184

    def days(self, *, left_on: date, returned_on: date) -> tuple[date, date]:
        """The days that count, half-open; of no day where the absence is too short."""
        first, end = left_on + DAY, returned_on
        return (first, end) if (end - first).days >= self.days_min else (first, first)


RULE = AbsenceRule()


@transaction.atomic
def record_absence(
    *,
    premise_id: int,
    residents: int,
    reason: str,
    left_on: date,
    returned_on: date,
    proof: str,
    actor: models.Model | None,
    now: datetime,
    rule: AbsenceRule = RULE,
) -> Absence:
    """Say that residents left a premise on one day and come back on another; the fact holds on the days that count.

    `proof` names the document. Absences that overlap add up. Raises UnableToRecordAbsence, UnableToRecordFact.
    """
    # One writer at a time, or two absences could each leave room for the other.
    premise = Premise.objects.select_for_update(no_key=True).filter(pk=premise_id).first()
    if premise is None:
        raise _unable(premise_id, "premise-unknown", "There is no such premise.", "house")
    if reason not in AbsenceReason.values:
        remedy = f"Choose one of {', '.join(AbsenceReason.values)}."
        raise _unable(
            premise_id, "absence-reason", f"{reason} is no reason for an absence.", "reason", remedy
        )
    if not proof.strip():
        remedy = "Name the document, so that an auditor finds it."
        raise _unable(premise_id, "absence-proof", "No document proves the absence.", "proof", remedy)
    first, end = rule.days(left_on=left_on, returned_on=returned_on)
    if first >= end:
        message = f"An absence counts from {rule.days_min} full days in a row on."
        remedy = "The day of leaving and the day of return are no full days of absence."
        raise _unable(premise_id, "absence-short", message, "returned_on", remedy)
    latest = timezone.localdate(now) + timedelta(days=rule.ahead_days_max)
    if returned_on > latest:
        message = f"The return lies after {latest}."
        remedy = "Record the first half year, and the rest when it has passed."
        raise _unable(premise_id, "absence-ahead", message, "returned_on", remedy)
    _check_residents(premise_id, residents, first, end)
    return add_fact(
        model=Absence,
        values={"premise": premise, "residents": residents, "reason": reason},
        valid_from=first,
        valid_to=end,
        actor=actor,
        now=now,
        proof=proof.strip(),
    )


def withdraw_absence(*, absence_id: int, reason: str, actor: models.Model | None, now: datetime) -> Absence:
    """Stop believing an absence. To correct one, withdraw it and record it anew. Raises UnableToWithdrawFact."""
    return withdraw_fact(
        model=Absence,
        fact_id=absence_id,
        withdrawal=AbsenceWithdrawal,
        reason=reason,
        actor=actor,
        now=now,
    )


def _check_residents(premise_id: int, residents: int, first: date, end: date) -> None:
    """On every day there live as many as are absent with these."""
    about = {"premise_id": premise_id, "superseded_at": None, "valid__overlap": (first, end)}
    states = list(PremiseState.objects.filter(**about))
    absences = list(Absence.objects.filter(**about))
    if residents < 1:
        message = "At least one resident is absent."
        raise _unable(premise_id, "absence-nobody", message, "residents")
    for day in _days(first, end):
        living = sum(state.residents for state in states if _holds(state, day))
        away = sum(absence.residents for absence in absences if _holds(absence, day))
        if away + residents > living:
            message = f"On {day} {living} residents live there, of whom {away} are absent already."
            remedy = "Give fewer residents or other days, or correct the premise's residents first."
            raise _unable(premise_id, "absence-of-too-many", message, "residents", remedy)


def _days(first: date, end: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((end - first).days))


def _holds(fact: PremiseState | Absence, day: date) -> bool:
    return bool(fact.valid.lower <= day and (fact.valid.upper is None or day < fact.valid.upper))


def _unable(
    premise_id: int, code: str, message: str, field: str, remedy: str = "Correct it."
) -> UnableToRecordAbsence:
    return UnableToRecordAbsence(
        code=code,
        message=message,
        place=f"premise {premise_id}",
        remedy=remedy,
        params={"field": field},
    )
