"""Attach test cases to a draft, change them, leave them out."""

from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from mains.kernel.errors import MainsError
from mains.tariffs.actions.drafts import lock_draft
from mains.tariffs.models import TariffCase, TariffDraft
from mains.tariffs.queries.cases import check_case
from mains.tariffs.queries.checking import check_document
from mains.tariffs.values import DraftState

CASES_MAX = 200


class UnableToKeepCase(MainsError):
    """The case cannot belong to this draft."""


@transaction.atomic
def keep_case(*, draft_id: int, name: str, case_text: str, actor: AbstractUser, now: datetime) -> TariffCase:
    """Store a case for the draft, in the place of the one of that name if there is one.

    It need not pass, but must be readable under the document and expect something. Raises UnableToKeepCase,
    UnableToReadTestCase, or what the engine finds wrong with it.
    """
    draft = _open_draft(draft_id)
    name = " ".join(name.split())[:120]
    if not name:
        raise UnableToKeepCase(
            code="case-name-missing",
            message="The case has no name.",
            place="name",
            remedy="Say in a few words whose bill it is, such as: 350 kWh, two zones.",
        )
    if draft.cases.filter(superseded_at=None).exclude(name=name).count() >= CASES_MAX:
        raise UnableToKeepCase(
            code="too-many-cases",
            message=f"A draft has at most {CASES_MAX} cases.",
            remedy="Leave one out first.",
        )
    text = case_text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").replace("\r\n", "\n").rstrip() + "\n"
    is_readable = not check_document(draft.document, code=draft.code).faults
    check_case(case_text=text, document=draft.document if is_readable else None)
    return _store(draft, name, text, is_dropped=False, actor=actor, now=now)


@transaction.atomic
def drop_case(*, draft_id: int, name: str, actor: AbstractUser, now: datetime) -> None:
    """Leave a case out: a case of the draft ends, a case of the tariff no longer counts once the draft is published.

    Raises UnableToKeepCase.
    """
    draft = _open_draft(draft_id)
    is_of_tariff = TariffCase.objects.filter(
        code=draft.code, draft=None, name=name, superseded_at=None
    ).exists()
    if is_of_tariff:
        _store(draft, name, "", is_dropped=True, actor=actor, now=now)
    else:
        draft.cases.filter(name=name, superseded_at=None).update(superseded_at=now)


@transaction.atomic
def restore_case(*, draft_id: int, name: str, now: datetime) -> None:
    """Let the tariff's case of that name count again. Raises UnableToKeepCase."""
    _open_draft(draft_id).cases.filter(name=name, superseded_at=None).update(superseded_at=now)


def _open_draft(draft_id: int) -> TariffDraft:
    draft = lock_draft(draft_id)
    if draft.state != DraftState.DRAFT:
        raise UnableToKeepCase(
            code="draft-closed",
            message="This draft is not open for writing.",
            place=f"draft {draft_id}",
            remedy="Take it up again, or begin another one.",
        )
    return draft


def _store(
    draft: TariffDraft, name: str, document: str, *, is_dropped: bool, actor: AbstractUser, now: datetime
) -> TariffCase:
    draft.cases.filter(name=name, superseded_at=None).update(superseded_at=now)
    return TariffCase.objects.create(
        code=draft.code,
        draft=draft,
        name=name,
        document=document,
        is_dropped=is_dropped,
        recorded_at=now,
        recorded_by_id=actor.pk,
    )
