"""Four eyes: one person submits a draft, another publishes or refuses it."""

from datetime import date, datetime

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from mains.kernel.errors import MainsError
from mains.staff.values import EVERYTHING
from mains.tariffs.actions.drafts import lock_draft, note_step
from mains.tariffs.actions.publish import publish_tariff
from mains.tariffs.models import Tariff, TariffCase, TariffDraft, TariffEdition
from mains.tariffs.queries.drafts import authors_of, get_draft, review_draft
from mains.tariffs.values import DraftState, DraftStepKind


class UnableToDecide(MainsError):
    """The draft is not in the state for this, or the person may not decide on it."""


class UnableToPass(MainsError):
    """Something stands in the way of publication: a fault, a failing case, prices of the past without a reason."""


@transaction.atomic
def submit_draft(
    *,
    draft_id: int,
    revision: int,
    note: str,
    past_reason: str,
    today: date,
    actor: AbstractUser,
    now: datetime,
) -> None:
    """Give the draft to a second person. `note` says what it is for, `past_reason` why prices of days gone by change.

    Raises UnableToDecide when it is not the open draft of that revision, UnableToPass with what stands in the way.
    """
    draft = lock_draft(draft_id)
    _require(draft, DraftState.DRAFT)
    if draft.revision != revision:
        raise UnableToDecide(
            code="draft-conflict",
            message="Somebody else saved this draft since you opened it.",
            place=f"draft {draft_id}",
            remedy="Look at it as it is now, then submit it.",
        )
    if not note.strip():
        raise UnableToDecide(
            code="note-missing",
            message="The note is missing.",
            place="note",
            remedy="Say what changes and on which order or decision it rests.",
        )
    draft.past_reason = past_reason.strip()[:500]
    _check(draft, today=today)
    draft.state, draft.changed_at = DraftState.SUBMITTED, now
    draft.save(update_fields=["state", "past_reason", "changed_at"])
    note_step(draft, DraftStepKind.SUBMITTED, actor=actor, now=now, reason=note)


@transaction.atomic
def publish_draft(
    *, draft_id: int, reason: str, today: date, actor: AbstractUser, now: datetime
) -> TariffEdition:
    """Make the submitted draft the edition in force, and its cases the tariff's.

    The publisher is nobody who wrote or submitted any of it. Everything is checked again. Raises UnableToDecide,
    UnableToPass, or UnableToPublishTariff.
    """
    draft = lock_draft(draft_id)
    _require(draft, DraftState.SUBMITTED)
    _require_another(draft, actor)
    Tariff.objects.select_for_update().filter(code=draft.code).first()
    _check(draft, today=today)
    submitted = draft.steps.filter(kind=DraftStepKind.SUBMITTED).order_by("-id").first()
    edition = publish_tariff(
        document=draft.document,
        now=now,
        published_by_id=actor.pk,
        proof=(submitted.reason if submitted else "")[:200],
    )
    draft.state, draft.edition, draft.changed_at = DraftState.PUBLISHED, edition, now
    draft.save(update_fields=["state", "edition", "changed_at"])
    _hand_over_cases(draft, now=now)
    note_step(draft, DraftStepKind.PUBLISHED, actor=actor, now=now, reason=reason)
    return edition


@transaction.atomic
def refuse_draft(*, draft_id: int, reason: str, actor: AbstractUser, now: datetime) -> None:
    """Send a submitted draft back with the reason. Raises UnableToDecide."""
    draft = lock_draft(draft_id)
    _require(draft, DraftState.SUBMITTED)
    if not reason.strip():
        raise UnableToDecide(
            code="reason-missing",
            message="The reason is missing.",
            place="reason",
            remedy="Say what is to be changed before it can be published.",
        )
    draft.state, draft.changed_at = DraftState.REFUSED, now
    draft.save(update_fields=["state", "changed_at"])
    note_step(draft, DraftStepKind.REFUSED, actor=actor, now=now, reason=reason)


def _require(draft: TariffDraft, state: DraftState) -> None:
    if draft.state != state:
        raise UnableToDecide(
            code="draft-state",
            message="The draft is no longer in the state that you saw.",
            place=f"draft {draft.pk}",
            remedy="Reload the page and look at its history.",
        )


def _require_another(draft: TariffDraft, actor: AbstractUser) -> None:
    if actor.pk in authors_of(draft_id=draft.pk):
        raise UnableToDecide(
            code="four-eyes",
            message="Who wrote or submitted a draft cannot publish it.",
            place=f"draft {draft.pk}",
            remedy="Ask another person who may publish tariffs.",
        )


def _check(draft: TariffDraft, *, today: date) -> None:
    record = get_draft(draft_id=draft.pk, scope=EVERYTHING)
    if record.is_outdated:
        raise UnableToPass(
            code="draft-outdated",
            message="Another edition of the tariff was published since this draft was begun.",
            place=f"draft {draft.pk}",
            remedy="Compare the draft with the edition in force and let it follow that one.",
        )
    review = review_draft(draft=record, today=today)
    if review.checked.faults:
        first = review.checked.faults[0]
        raise UnableToPass(
            code="draft-faulty",
            message=f"The document has faults: {len(review.checked.faults)}.",
            place=f"line {first.line}" if first.line else first.clause,
            remedy=" ".join(filter(None, (first.message, first.remedy))),
        )
    failed = [outcome.case.name for outcome in review.outcomes if not outcome.is_passed]
    if failed:
        raise UnableToPass(
            code="case-failing",
            message=f"Test cases fail: {', '.join(failed)}.",
            place=f"draft {draft.pk}",
            remedy="Correct the tariff, or the case when its bill was wrong.",
        )
    if review.past and not draft.past_reason:
        raise UnableToPass(
            code="past-without-reason",
            message="Prices of days gone by change, and nothing says why.",
            place=f"draft {draft.pk}",
            remedy="State the reason; bills of those days will be recalculated.",
        )


def _hand_over_cases(draft: TariffDraft, *, now: datetime) -> None:
    """What the draft says about cases counts for the tariff from now on."""
    for case in draft.cases.filter(superseded_at=None).order_by("id"):
        TariffCase.objects.filter(code=draft.code, draft=None, name=case.name, superseded_at=None).update(
            superseded_at=now
        )
        if not case.is_dropped:
            TariffCase.objects.create(
                code=draft.code,
                name=case.name,
                document=case.document,
                recorded_at=now,
                recorded_by_id=case.recorded_by_id,
                proof=f"draft {draft.pk}",
            )
