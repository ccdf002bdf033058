"""One person proposes, another decides: for money that is given up or moved, and for closed days."""

from datetime import date, datetime

from django.db import models, transaction
from django.utils import timezone

from mains.base.dated import end_fact, record_fact
from mains.kernel.errors import MainsError
from mains.staff.models import ApprovalLimit, Assignment, Decision, Proposal, Role
from mains.staff.queries.approvals import limit_of
from mains.staff.values import EVERYTHING, ProposalKind, Scope

_TEXT_MAX = 200


class UnableToPropose(MainsError):
    """The proposal is incomplete; nothing was kept."""


class UnableToDecide(MainsError):
    """This person does not decide this proposal, or somebody has; nothing was changed."""


def propose(
    *,
    kind: ProposalKind,
    subject_id: int,
    reason: str,
    now: datetime,
    actor_id: int | None,
    organisation_id: int | None = None,
    amount_minor: int = 0,
    document: str = "",
) -> Proposal:
    """Keep what a person proposes; it waits for another's decision. Raises UnableToPropose without a reason."""
    reason, document = " ".join(reason.split()), " ".join(document.split())
    if not reason or max(len(reason), len(document)) > _TEXT_MAX:
        raise UnableToPropose(
            code="proposal-reason",
            message="A proposal needs a reason; reason and document have at most 200 characters each.",
            place=f"proposal {kind}",
            remedy="Say why, so that whoever decides understands it.",
        )
    return Proposal.objects.create(
        kind=kind,
        subject_id=subject_id,
        organisation_id=organisation_id,
        amount_minor=amount_minor,
        reason=reason,
        document=document,
        asked_at=now,
        asked_by_id=actor_id,
    )


def decide(
    *, proposal_id: int, agrees: bool, now: datetime, actor_id: int | None, note: str = "",
    scope: Scope = EVERYTHING,
) -> Proposal:  # fmt: skip
    """Approve a proposal or refuse it; the caller carries out what was approved, in the same database transaction.

    Whoever proposed may refuse, which withdraws it, and never approves. Raises UnableToDecide: unknown, out of `scope`,
    decided already, own, or above the limit of the person's roles.
    """
    with transaction.atomic():
        proposal = Proposal.objects.select_for_update().filter(pk=proposal_id).first()
        if proposal is None or not _within(proposal, scope):
            raise _refusal("proposal-unknown", "There is no such proposal.", proposal_id, "Look at the list.")
        if Decision.objects.filter(proposal=proposal).exists():
            raise _refusal(
                "proposal-decided", "Somebody has decided this already.", proposal_id, "Nothing was changed."
            )
        if agrees:
            _check_person(proposal, actor_id, on_date=timezone.localdate(now))
        Decision.objects.create(
            proposal=proposal,
            agrees=agrees,
            note=" ".join(note.split())[:_TEXT_MAX],
            decided_at=now,
            decided_by_id=actor_id,
        )
        return proposal


def state_limit(
    *, role: str, kind: ProposalKind, amount_minor: int, valid_from: date, valid_to: date | None = None, proof: str,
    actor: models.Model | None, now: datetime,
) -> ApprovalLimit:  # fmt: skip
    """State up to which amount a role approves a kind, from a day on. Raises UnableToPropose: unknown role, a negative
    amount."""
    with transaction.atomic():
        found = Role.objects.select_for_update().filter(code=role).first()
        if found is None or amount_minor < 0:
            raise UnableToPropose(
                code="approval-limit",
                message="A limit is a role of the utility and an amount, not below zero.",
                place=f"role {role}",
                remedy="Give the code of a role.",
            )
        return record_fact(
            model=ApprovalLimit,
            subject={"role_id": found.pk, "kind": kind},
            values={"amount_minor": amount_minor},
            valid_from=valid_from,
            valid_to=valid_to,
            actor=actor,
            now=now,
            proof=proof,
        )


def check_gains_nothing(*, role: str, actor_id: int | None, on_date: date) -> None:
    """Nobody moves a limit that is their own. Raises UnableToPropose."""
    if actor_id is None:
        return
    held = Assignment.objects.filter(role__code=role, user_id=actor_id, superseded_at=None)
    if held.filter(valid__contains=on_date).exists():
        raise UnableToPropose(
            code="approval-limit-own",
            message="Nobody moves the limit of a role that they hold.",
            place=f"role {role}",
            remedy="Ask somebody who does not hold the role.",
        )


def end_limit(*, limit_id: int, first_free_day: date, now: datetime) -> None:
    """Let a limit end from a day on. Raises UnableToWithdrawFact."""
    end_fact(
        model=ApprovalLimit,
        fact_id=limit_id,
        subject=("role_id", "kind"),
        first_free_day=first_free_day,
        now=now,
    )


def _within(proposal: Proposal, scope: Scope) -> bool:
    if proposal.organisation_id is None:
        return scope.organisation_ids is None
    return scope.covers(proposal.organisation_id)


def _check_person(proposal: Proposal, actor_id: int | None, *, on_date: date) -> None:
    if actor_id is None or actor_id == proposal.asked_by_id:
        raise _refusal(
            "proposal-own",
            "Nobody approves what they proposed themselves.",
            proposal.pk,
            "Ask a colleague who may approve it.",
        )
    limit = limit_of(user_id=actor_id, kind=ProposalKind(proposal.kind), on_date=on_date)
    if limit is not None and proposal.amount_minor > limit:
        raise _refusal(
            "proposal-limit",
            "The amount is above what your role approves.",
            proposal.pk,
            "Ask somebody whose limit is higher.",
        )


def _refusal(code: str, message: str, proposal_id: int, remedy: str) -> UnableToDecide:
    return UnableToDecide(code=code, message=message, place=f"proposal {proposal_id}", remedy=remedy)
