"""Proposals and who may approve them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q

from mains.base.dated import holds_on
from mains.staff.models import ApprovalLimit, Assignment, Proposal, User
from mains.staff.values import ProposalKind, Scope


@dataclass(frozen=True, kw_only=True)
class ProposalRecord:
    """A proposal; `agrees` is None while nobody has decided it."""

    proposal_id: int
    kind: ProposalKind
    subject_id: int
    organisation_name: str
    amount_minor: int
    reason: str
    document: str
    asked_at: datetime
    asked_by_id: int | None
    asked_by: str
    agrees: bool | None
    note: str
    decided_at: datetime | None
    decided_by: str


@dataclass(frozen=True, kw_only=True)
class LimitRecord:
    """Up to which amount a role approves a kind, over [valid_from, valid_to)."""

    limit_id: int
    role_code: str
    role: str
    kind: ProposalKind
    amount_minor: int
    valid_from: date
    valid_to: date | None
    proof: str


def list_proposals(
    *, scope: Scope, is_waiting: bool, kinds: Sequence[ProposalKind] = tuple(ProposalKind), limit: int = 200
) -> list[ProposalRecord]:
    """Proposals of the scope, those that wait oldest first, the decided ones latest first."""
    found = Proposal.objects.filter(kind__in=list(kinds), decision__isnull=is_waiting)
    if scope.organisation_ids is not None:
        found = found.filter(organisation_id__in=scope.organisation_ids)
    found = found.select_related("organisation", "asked_by", "decision__decided_by")
    return [_record(one) for one in found.order_by("id" if is_waiting else "-decision__id")[:limit]]


def find_proposal(*, proposal_id: int, scope: Scope) -> ProposalRecord | None:
    """The proposal, where the scope reaches it; those of the whole utility only for people of all of it."""
    found = Proposal.objects.filter(pk=proposal_id).select_related(
        "organisation", "asked_by", "decision__decided_by"
    )
    one = found.first()
    if one is None:
        return None
    is_seen = scope.organisation_ids is None or (
        one.organisation_id is not None and scope.covers(one.organisation_id)
    )
    return _record(one) if is_seen else None


def find_waiting(*, kind: ProposalKind, subject_id: int) -> int | None:
    """Id of the proposal of this subject that nobody has decided."""
    return (
        Proposal.objects.filter(kind=kind, subject_id=subject_id, decision__isnull=True)
        .values_list("pk", flat=True)
        .first()
    )


def limit_of(*, user_id: int, kind: ProposalKind, on_date: date) -> int | None:
    """The highest amount in minor units that the person's roles approve; None without limit.

    While no role has a limit for the kind, the permission alone decides; once one has, roles without one approve
    nothing.
    """
    limits = ApprovalLimit.objects.filter(holds_on(on_date), kind=kind)
    if not limits.exists() or User.objects.filter(pk=user_id, is_superuser=True).exists():
        return None
    held = Assignment.objects.filter(Q(user_id=user_id) & holds_on(on_date)).values("role_id")
    return max(limits.filter(role_id__in=held).values_list("amount_minor", flat=True), default=0)


def list_limits() -> list[LimitRecord]:
    """The limits believed now, by kind and role."""
    found = ApprovalLimit.objects.filter(superseded_at__isnull=True).select_related("role")
    return [
        LimitRecord(
            limit_id=one.pk,
            role_code=one.role.code,
            role=one.role.name,
            kind=ProposalKind(one.kind),
            amount_minor=one.amount_minor,
            valid_from=one.valid.lower,
            valid_to=one.valid.upper,
            proof=one.proof,
        )
        for one in found.order_by("kind", "role__code", "valid")
    ]


def _record(one: Proposal) -> ProposalRecord:
    decision = getattr(one, "decision", None)
    return ProposalRecord(
        proposal_id=one.pk,
        kind=ProposalKind(one.kind),
        subject_id=one.subject_id,
        organisation_name=one.organisation.name if one.organisation else "",
        amount_minor=one.amount_minor,
        reason=one.reason,
        document=one.document,
        asked_at=one.asked_at,
        asked_by_id=one.asked_by_id,
        asked_by=_name(one.asked_by),
        agrees=decision.agrees if decision else None,
        note=decision.note if decision else "",
        decided_at=decision.decided_at if decision else None,
        decided_by=_name(decision.decided_by) if decision else "",
    )


def _name(person: User | None) -> str:
    return (person.get_full_name() or person.username) if person else ""
