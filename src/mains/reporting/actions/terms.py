"""Change contracts and rules from a day on: tried before it is asked for, carried out when it is agreed to.

Every kind is stated by the action of the context that owns it; here it is told which.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from django.db import models, transaction

from mains.debt.actions.terms import end_terms, state_interest, state_key_rate, state_limitation
from mains.debt.actions.terms_changes import UnableToChangeTerms, keep_change, keep_decision
from mains.debt.values import BY_TWO_PEOPLE, Interruption, TermsKind
from mains.reporting.actions.targets import end_target, state_target
from mains.settlement.actions.contracts import (
    ContractTerms,
    end_contract,
    end_payee,
    state_contract,
    state_payee,
)
from mains.staff.actions.approvals import check_gains_nothing, end_limit, state_limit
from mains.staff.queries.approvals import list_limits
from mains.staff.values import ProposalKind

Looked = TypeVar("Looked")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to hold over [valid_from, valid_to), in the fields of its form; or the fact that is to end on
    `valid_from`. `subject` says in words what it is about, `organisation_id` whose it is below the whole utility."""

    kind: TermsKind
    subject: str
    content: Mapping[str, str]
    valid_from: date
    valid_to: date | None = None
    ends_id: int | None = None
    organisation_id: int | None = None
    proof: str = ""


@transaction.atomic
def try_terms(
    *, wanted: Wanted, look: Callable[[], Looked], actor: models.Model | None, now: datetime
) -> Looked:
    """Do it, look, and undo it: what `look` sees then. Raises what carrying it out would raise; nothing is kept."""
    with transaction.atomic():
        _carry_out(wanted, actor=actor, now=now)
        seen = look()
        transaction.set_rollback(True)
    return seen


@transaction.atomic
def ask_for_terms(*, wanted: Wanted, actor: models.Model | None, now: datetime) -> bool:
    """Keep what is asked for; whether it holds already, because its kind needs no second person.

    Raises UnableToChangeTerms, and what the action of the kind raises: nothing is kept that could not be carried out.
    """
    try_terms(wanted=wanted, look=lambda: None, actor=actor, now=now)
    _check_own(wanted, actor=actor, now=now)
    change = keep_change(
        kind=wanted.kind,
        subject=wanted.subject,
        content=wanted.content,
        ends_id=wanted.ends_id,
        organisation_id=wanted.organisation_id,
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        proof=wanted.proof,
        now=now,
        actor_id=actor.pk if actor else None,
    )
    if wanted.kind in BY_TWO_PEOPLE:
        return False
    keep_decision(change_id=change.pk, agrees=True, now=now, actor_id=actor.pk if actor else None)
    _carry_out(wanted, actor=actor, now=now)
    return True


@transaction.atomic
def decide_terms(
    *, change_id: int, agrees: bool, note: str, actor: models.Model | None, now: datetime
) -> None:
    """Agree to a change, which carries it out, or refuse it.

    Raises UnableToChangeTerms, and what the action of the kind raises when facts have changed since.
    """
    change = keep_decision(
        change_id=change_id, agrees=agrees, note=note, now=now, actor_id=actor.pk if actor else None
    )
    if not agrees:
        return
    wanted = Wanted(
        kind=TermsKind(change.kind),
        subject=change.subject,
        content=change.content,
        valid_from=change.valid_from,
        valid_to=change.valid_to,
        ends_id=change.ends_id,
        proof=change.proof,
    )
    _check_own(wanted, actor=actor, now=now)
    _carry_out(wanted, actor=change.asked_by, now=now)


def _check_own(wanted: Wanted, *, actor: models.Model | None, now: datetime) -> None:
    """Who holds a role neither asks for its limit nor agrees to it. Raises UnableToPropose."""
    if wanted.kind is not TermsKind.LIMIT:
        return
    ended = (one.role_code for one in list_limits() if one.limit_id == wanted.ends_id)
    role = wanted.content["role"] if wanted.ends_id is None else next(ended, "")
    check_gains_nothing(role=role, actor_id=actor.pk if actor else None, on_date=now.date())


def _carry_out(wanted: Wanted, *, actor: models.Model | None, now: datetime) -> None:
    if wanted.ends_id is not None:
        _end(wanted.kind, wanted.ends_id, wanted.valid_from, now)
        return
    _STATED[wanted.kind](wanted, actor, now)


def _end(kind: TermsKind, fact_id: int, day: date, now: datetime) -> None:
    if kind is TermsKind.CONTRACT:
        end_contract(contract_id=fact_id, first_free_day=day, now=now)
    elif kind is TermsKind.PAYEE:
        end_payee(payee_id=fact_id, first_free_day=day, now=now)
    elif kind is TermsKind.LIMIT:
        end_limit(limit_id=fact_id, first_free_day=day, now=now)
    elif kind is TermsKind.TARGET:
        end_target(target_id=fact_id, first_free_day=day, now=now)
    else:
        end_terms(kind=kind, fact_id=fact_id, first_free_day=day, now=now)


def _contract(wanted: Wanted, actor: models.Model | None, now: datetime) -> None:
    told = wanted.content
    state_contract(
        terms=ContractTerms(
            provider=told["provider"],
            manager=told["manager"],
            service=told["service"],
            number=told["number"],
            fee_percent=told["fee_percent"] or "0",
            rounding=told["rounding"],
            shares=told["shares"],
            passes_through=told["passes_through"] == "yes",
        ),
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        proof=wanted.proof,
        actor=actor,
        now=now,
    )


def _payee(wanted: Wanted, actor: models.Model | None, now: datetime) -> None:
    told = wanted.content
    state_payee(
        party=told["party"],
        cycle=told["cycle"],
        minimum_minor=minor_of(told["minimum"] or "0", "minimum"),
        holder=told["holder"],
        account=told["account"],
        bank_code=told["bank_code"],
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        proof=wanted.proof,
        actor=actor,
        now=now,
    )


def _interest(wanted: Wanted, actor: models.Model | None, now: datetime) -> None:
    told = wanted.content
    state_interest(
        document=told["document"],
        key_rate=told["key_rate"],
        service=told["service"],
        category=told["category"],
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        proof=wanted.proof,
        actor=actor,
        now=now,
    )


def _rate(wanted: Wanted, actor: models.Model | None, now: datetime) -> None:
    state_key_rate(
        code=wanted.content["code"],
        percent=_number(wanted.content["percent"], "percent"),
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        proof=wanted.proof,
        actor=actor,
        now=now,
    )


def _limitation(wanted: Wanted, actor: models.Model | None, now: datetime) -> None:
    state_limitation(
        years=int(_number(wanted.content["years"], "years")),
        interruption=Interruption(wanted.content["interruption"]),
        service=wanted.content["service"],
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        proof=wanted.proof,
        actor=actor,
        now=now,
    )


def _limit(wanted: Wanted, actor: models.Model | None, now: datetime) -> None:
    state_limit(
        role=wanted.content["role"],
        kind=ProposalKind(wanted.content["what"]),
        amount_minor=minor_of(wanted.content["amount"], "amount"),
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        proof=wanted.proof,
        actor=actor,
        now=now,
    )


def _target(wanted: Wanted, actor: models.Model | None, now: datetime) -> None:
    told = wanted.content
    state_target(
        unit=told["unit"],
        person=told["person"],
        percent=told["percent"],
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        proof=wanted.proof,
        actor=actor,
        now=now,
    )


_STATED: dict[TermsKind, Callable[[Wanted, models.Model | None, datetime], None]] = {
    TermsKind.CONTRACT: _contract,
    TermsKind.PAYEE: _payee,
    TermsKind.INTEREST: _interest,
    TermsKind.RATE: _rate,
    TermsKind.LIMITATION: _limitation,
    TermsKind.LIMIT: _limit,
    TermsKind.TARGET: _target,
}


def minor_of(text: str, field: str = "amount") -> int:
    """Minor units of an amount with at most two decimals."""
    scaled = _number(text, field).scaleb(2)
    if scaled != scaled.to_integral_value() or scaled < 0 or scaled > 10**15:
        raise _no_number(text, field)
    return int(scaled)


def _number(text: str, field: str) -> Decimal:
    try:
        found = Decimal(text.strip().replace(",", ".").replace("\N{NO-BREAK SPACE}", "").replace(" ", ""))
    except InvalidOperation as error:
        raise _no_number(text, field) from error
    if not found.is_finite():
        raise _no_number(text, field)
    return found


def _no_number(text: str, field: str) -> UnableToChangeTerms:
    return UnableToChangeTerms(
        code="terms-number",
        message=f"{text.strip()[:40]} is not a number that can stand here.",
        place=f"terms, {field}",
        remedy="Write it as 1250.50, with at most two decimals for amounts.",
        params={"field": field},
    )
