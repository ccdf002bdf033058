"""Write a tariff: begin a draft, save it, take it back or up again."""

from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from mains.kernel.errors import MainsError
from mains.tariffs.models import TariffDraft, TariffDraftStep, TariffEdition
from mains.tariffs.queries.checking import too_long
from mains.tariffs.values import DOCUMENT_CHARACTERS_MAX, DraftState, DraftStepKind


class UnableToBeginDraft(MainsError):
    """The code is no name for a tariff, or is taken."""


class UnableToSaveDraft(MainsError):
    """The draft is not open for writing, or somebody saved it since; `params` carry the revision that is stored."""


@transaction.atomic
def begin_draft(*, code: str, title: str, document: str, actor: AbstractUser, now: datetime) -> TariffDraft:
    """A draft of the tariff of that code, new or published; it counts from the edition in force.

    The document may still have faults. Raises UnableToBeginDraft.
    """
    code = code.strip()
    if not code or len(code) > 80 or not code.isprintable() or any(sign in code for sign in " /\\\"'?#%&<>"):
        raise UnableToBeginDraft(
            code="tariff-code-invalid",
            message="This cannot be the code of a tariff.",
            place="code",
            remedy="Use letters, digits, - and _, such as household-2025.",
        )
    base = TariffEdition.objects.filter(tariff__code=code, superseded_at=None).first()
    draft = TariffDraft.objects.create(
        code=code,
        title=title.strip()[:200] or code,
        base_edition=base,
        document=_tidy(document),
        changed_at=now,
    )
    note_step(draft, DraftStepKind.BEGUN, actor=actor, now=now, keeps_document=True)
    return draft


@transaction.atomic
def save_draft(
    *, draft_id: int, revision: int, document: str, actor: AbstractUser, now: datetime
) -> TariffDraft:
    """Store the text, faults and all. `revision` is the one that the author started from.

    Saving what is stored already changes nothing. Raises UnableToSaveDraft (code `draft-conflict` when somebody saved
    since).
    """
    draft = lock_draft(draft_id)
    document = _tidy(document)
    if draft.state != DraftState.DRAFT:
        raise UnableToSaveDraft(
            code="draft-closed",
            message="This draft is not open for writing.",
            place=f"draft {draft_id}",
            remedy="Take it up again, or begin another one.",
        )
    if draft.document == document:
        return draft
    if draft.revision != revision:
        raise UnableToSaveDraft(
            code="draft-conflict",
            message="Somebody else saved this draft since you opened it.",
            place=f"draft {draft_id}",
            remedy="Compare the two versions; your text is kept.",
            params={"revision": draft.revision},
        )
    draft.document, draft.revision, draft.changed_at = document, draft.revision + 1, now
    draft.save(update_fields=["document", "revision", "changed_at"])
    note_step(draft, DraftStepKind.SAVED, actor=actor, now=now, keeps_document=True)
    return draft


@transaction.atomic
def withdraw_draft(*, draft_id: int, reason: str, actor: AbstractUser, now: datetime) -> None:
    """Take an open draft back; it can be taken up again. Raises UnableToSaveDraft."""
    draft = lock_draft(draft_id)
    _require(draft, (DraftState.DRAFT, DraftState.SUBMITTED))
    _move(draft, DraftState.WITHDRAWN, now)
    note_step(draft, DraftStepKind.WITHDRAWN, actor=actor, now=now, reason=reason)


@transaction.atomic
def resume_draft(*, draft_id: int, actor: AbstractUser, now: datetime) -> None:
    """Go on writing a draft that was withdrawn or refused. Raises UnableToSaveDraft."""
    draft = lock_draft(draft_id)
    _require(draft, (DraftState.WITHDRAWN, DraftState.REFUSED))
    _move(draft, DraftState.DRAFT, now)
    note_step(draft, DraftStepKind.RESUMED, actor=actor, now=now)


@transaction.atomic
def rebase_draft(*, draft_id: int, edition_id: int, actor: AbstractUser, now: datetime) -> None:
    """The author compared the draft with the edition in force, which came after it was begun, and wants it to follow.

    `edition_id` is the edition that was compared. Raises UnableToSaveDraft.
    """
    draft = lock_draft(draft_id)
    _require(draft, (DraftState.DRAFT,))
    edition = TariffEdition.objects.filter(pk=edition_id, tariff__code=draft.code, superseded_at=None).first()
    if edition is None:
        raise UnableToSaveDraft(
            code="edition-superseded",
            message="That edition is no longer in force.",
            place=f"draft {draft_id}",
            remedy="Compare the draft with the edition in force now.",
        )
    draft.base_edition, draft.changed_at = edition, now
    draft.save(update_fields=["base_edition", "changed_at"])
    note_step(draft, DraftStepKind.REBASED, actor=actor, now=now)


def lock_draft(draft_id: int) -> TariffDraft:
    """The draft, locked for the transaction. Raises UnableToSaveDraft when there is none."""
    draft = TariffDraft.objects.select_for_update().filter(pk=draft_id).first()
    if draft is None:
        raise UnableToSaveDraft(
            code="draft-unknown",
            message="There is no such draft.",
            place=f"draft {draft_id}",
            remedy="Look at the list of tariffs for the drafts that are open.",
        )
    return draft


def note_step(
    draft: TariffDraft,
    kind: DraftStepKind,
    *,
    actor: AbstractUser,
    now: datetime,
    reason: str = "",
    keeps_document: bool = False,
) -> None:
    """Keep what happened to the draft."""
    TariffDraftStep.objects.create(
        draft=draft,
        kind=kind,
        at=now,
        by_id=actor.pk,
        reason=reason.strip()[:500],
        revision=draft.revision,
        document=draft.document if keeps_document else "",
    )


def _require(draft: TariffDraft, states: tuple[DraftState, ...]) -> None:
    if draft.state not in states:
        raise UnableToSaveDraft(
            code="draft-state",
            message="The draft is no longer in the state that you saw.",
            place=f"draft {draft.pk}",
            remedy="Reload the page and look at its history.",
        )


def _move(draft: TariffDraft, state: DraftState, now: datetime) -> None:
    draft.state, draft.changed_at = state, now
    draft.save(update_fields=["state", "changed_at"])


def _tidy(document: str) -> str:
    """Line ends as one sign, a break at the end, no byte order mark. Raises UnableToSaveDraft when it is too long."""
    if len(document) > DOCUMENT_CHARACTERS_MAX:
        fault = too_long(document)
        raise UnableToSaveDraft(code=fault.code, message=fault.message, remedy=fault.remedy)
    if "\x00" in document:
        raise UnableToSaveDraft(
            code="document-syntax",
            message="The document has a sign that no text has.",
            remedy="Write it anew, or save the file as UTF-8.",
        )
    text = document.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").replace("\r\n", "\n").replace("\r", "\n")
    return text.rstrip() + "\n"
