"""Keep who asked for terms to change and who decided. `reporting/actions/terms.py` carries them out."""

from collections.abc import Mapping
from datetime import date, datetime

from django.db import transaction

from mains.debt.models import TermsChange, TermsDecision
from mains.debt.values import BY_TWO_PEOPLE, TermsKind
from mains.kernel.errors import MainsError

_TEXT_MAX = 200


class UnableToChangeTerms(MainsError):
    """The change is incomplete, or this person does not decide it; nothing was changed."""


def keep_change(
    *,
    kind: TermsKind,
    subject: str,
    content: Mapping[str, str],
    ends_id: int | None,
    organisation_id: int | None,
    valid_from: date,
    valid_to: date | None,
    proof: str,
    now: datetime,
    actor_id: int | None,
) -> TermsChange:
    """Keep what is asked for. Raises UnableToChangeTerms without a document."""
    proof = " ".join(proof.split())
    if not proof or len(proof) > _TEXT_MAX:
        raise _unable("terms-proof", "A change of terms needs its document, in at most 200 characters.", "proof",
                      "Name the contract, the order or the article of law.")  # fmt: skip
    return TermsChange.objects.create(
        kind=kind,
        subject=subject[:_TEXT_MAX],
        content=dict(content),
        ends_id=ends_id,
        organisation_id=organisation_id,
        valid_from=valid_from,
        valid_to=valid_to,
        proof=proof,
        asked_at=now,
        asked_by_id=actor_id,
    )


@transaction.atomic
def keep_decision(
    *, change_id: int, agrees: bool, note: str = "", now: datetime, actor_id: int | None
) -> TermsChange:
    """Keep a decision, once; the caller carries out what was agreed to in the same database transaction.

    Whoever asked may refuse, which withdraws it. Raises UnableToChangeTerms: unknown, decided already, or agreed to by
    who asked where two people are needed.
    """
    change = TermsChange.objects.select_for_update().filter(pk=change_id).first()
    if change is None:
        raise _unable("terms-unknown", "There is no such change.", "change", "Look at the list.")
    if TermsDecision.objects.filter(change=change).exists():
        raise _unable("terms-decided", "Somebody has decided this already.", "change", "Nothing was changed.")
    if agrees and change.kind in BY_TWO_PEOPLE and (actor_id is None or actor_id == change.asked_by_id):
        raise _unable("terms-own", "Nobody approves what they proposed themselves.", "change",
                      "Ask a colleague who may approve it.")  # fmt: skip
    TermsDecision.objects.create(
        change=change,
        agrees=agrees,
        note=" ".join(note.split())[:_TEXT_MAX],
        decided_at=now,
        decided_by_id=actor_id,
    )
    return change


def _unable(code: str, message: str, field: str, remedy: str) -> UnableToChangeTerms:
    return UnableToChangeTerms(
        code=code, message=message, place=f"terms, {field}", remedy=remedy, params={"field": field}
    )
