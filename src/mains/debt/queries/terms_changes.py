"""Changes of terms: what waits for a second person, and what was decided."""

from dataclasses import dataclass
from datetime import date, datetime

from mains.debt.models import TermsChange
from mains.debt.values import TermsKind
from mains.staff.values import Scope


@dataclass(frozen=True, kw_only=True)
class TermsChangeRecord:
    """A change as asked for; `agrees` is None while nobody has decided it."""

    change_id: int
    kind: TermsKind
    subject: str
    content: dict[str, str]
    ends_id: int | None
    organisation_id: int | None
    valid_from: date
    valid_to: date | None
    proof: str
    asked_at: datetime
    asked_by_id: int | None
    asked_by: str
    agrees: bool | None
    note: str
    decided_at: datetime | None
    decided_by: str


def list_terms_changes(
    *, kind: TermsKind, scope: Scope, is_waiting: bool, limit: int = 50
) -> list[TermsChangeRecord]:
    """Those that wait oldest first, the decided ones latest first; of a scope below the whole only its own units'."""
    found = TermsChange.objects.filter(kind=kind, decision__isnull=is_waiting)
    if scope.organisation_ids is not None:
        found = found.filter(organisation_id__in=scope.organisation_ids)
    found = found.select_related("asked_by", "decision__decided_by")
    return [_record(one) for one in found.order_by("id" if is_waiting else "-id")[:limit]]


def find_terms_change(*, change_id: int) -> TermsChangeRecord | None:
    """The change, decided or not."""
    one = TermsChange.objects.select_related("asked_by", "decision__decided_by").filter(pk=change_id).first()
    return None if one is None else _record(one)


def _record(one: TermsChange) -> TermsChangeRecord:
    decision = getattr(one, "decision", None)
    return TermsChangeRecord(
        change_id=one.pk,
        kind=TermsKind(one.kind),
        subject=one.subject,
        content=one.content,
        ends_id=one.ends_id,
        organisation_id=one.organisation_id,
        valid_from=one.valid_from,
        valid_to=one.valid_to,
        proof=one.proof,
        asked_at=one.asked_at,
        asked_by_id=one.asked_by_id,
        asked_by=str(one.asked_by.get_full_name() or one.asked_by.username) if one.asked_by else "",
        agrees=decision.agrees if decision else None,
        note=decision.note if decision else "",
        decided_at=decision.decided_at if decision else None,
        decided_by=str(decision.decided_by.get_full_name() or decision.decided_by.username)
        if decision and decision.decided_by
        else "",
    )
