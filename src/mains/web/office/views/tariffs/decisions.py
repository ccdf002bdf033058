"""Differences of a draft from the edition in force, and what two people decide about it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.billing.queries.whatif.records import list_whatifs_of_draft
from mains.kernel.errors import MainsError
from mains.staff.values import Permission
from mains.tariffs.actions.decisions import publish_draft, refuse_draft, submit_draft
from mains.tariffs.actions.drafts import rebase_draft, resume_draft, withdraw_draft
from mains.tariffs.queries.drafts import find_step_document, list_draft_steps, review_draft
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.tariff_pages.wording import change_groups, text_differences
from mains.web.office.views.tariffs.opening import TRIERS, draft_context, open_draft, require_everywhere


@needs(Permission.SEE_TARIFF_DRAFTS)
def draft_changes(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """By meaning, and line by line; with everything that stands in the way of publication."""
    draft = open_draft(request, draft_id)
    review = review_draft(draft=draft, today=request.today)
    steps = list_draft_steps(draft_id=draft_id)
    submitted = next((step for step in steps if step.kind == "submitted"), None)
    context = draft_context(request, draft, current="draft_changes") | {
        "review": review,
        "groups": change_groups(review.changes, today=request.today),
        "lines": text_differences(draft.document_in_force or "", draft.document),
        "failed": [outcome.case.name for outcome in review.outcomes if not outcome.is_passed],
        "submitted": submitted,
        "trials": _trials(request, draft_id),
        "trial_currency": currency_of_utility(),
        "note": request.session.pop(f"draft-{draft_id}-note", ""),
        "past_reason": request.session.pop(f"draft-{draft_id}-past", draft.past_reason),
    }
    return render(request, "office/tariffs/changes.html", context)


@dataclass(frozen=True)
class Trial:
    """A what-if of the draft: what it came to, once it is done."""

    id: int
    month_from: date
    month_to: date
    status: str
    revision: int
    bills: int | None
    change_minor: int | None


def _trials(request: OfficeRequest, draft_id: int) -> list[Trial]:
    """The latest what-ifs of the draft that the person may see."""
    if request.rights.permissions.isdisjoint(TRIERS):
        return []
    found = list_whatifs_of_draft(draft_id=draft_id, scope=request.rights.scope(*TRIERS))
    return [
        Trial(
            one.pk,
            one.month_from,
            one.month_to,
            one.status,
            next(draft["revision"] for draft in one.drafts if draft.get("draft_id") == draft_id),
            one.result["bills"] if one.result else None,
            one.result["after_minor"] - one.result["before_minor"] if one.result else None,
        )
        for one in found
    ]


@needs(Permission.SEE_TARIFF_DRAFTS)
def draft_history(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """Every step with person, time and reason; `step` in the address shows the text that was saved there."""
    draft = open_draft(request, draft_id)
    wanted = request.GET.get("step", "")
    step_id = int(wanted) if wanted.isdecimal() and len(wanted) < 18 else 0
    then = find_step_document(draft_id=draft_id, step_id=step_id) if step_id else None
    context = draft_context(request, draft, current="draft_history") | {
        "steps": list_draft_steps(draft_id=draft_id),
        "shown": step_id if then is not None else None,
        "text": then,
        "lines": text_differences(then, draft.document) if then is not None else [],
    }
    return render(request, "office/tariffs/history.html", context)


@require_POST
@needs(Permission.DRAFT_TARIFFS)
def submit(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """Give the draft to a second person."""
    require_everywhere(request, Permission.DRAFT_TARIFFS)
    revision = request.POST.get("revision", "")
    note, past = request.POST.get("note", ""), request.POST.get("past_reason", "")

    def act() -> None:
        submit_draft(
            draft_id=draft_id,
            revision=int(revision) if revision.isdecimal() and len(revision) < 10 else 0,
            note=note,
            past_reason=past,
            today=request.today,
            actor=request.user,
            now=now(),
        )

    if not _decide(request, draft_id, act, done=_("The draft is submitted. Another person publishes it.")):
        # What was typed comes back with the page that says what stands in the way.
        request.session[f"draft-{draft_id}-note"] = note[:500]
        request.session[f"draft-{draft_id}-past"] = past[:500]
    return redirect("office:draft_changes", draft_id=draft_id)


@require_POST
@needs(Permission.PUBLISH_TARIFFS)
def decide(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """Publish a submitted draft, or refuse it with the reason."""
    require_everywhere(request, Permission.PUBLISH_TARIFFS)
    reason = request.POST.get("reason", "")

    def publish() -> None:
        publish_draft(draft_id=draft_id, reason=reason, today=request.today, actor=request.user, now=now())

    def refuse() -> None:
        refuse_draft(draft_id=draft_id, reason=reason, actor=request.user, now=now())

    if request.POST.get("decision") == "publish":
        _decide(request, draft_id, publish, done=_("The tariff is published. The next bill run uses it."))
    else:
        _decide(request, draft_id, refuse, done=_("The draft is refused; its author sees the reason."))
    return redirect("office:draft_changes", draft_id=draft_id)


@require_POST
@needs(Permission.DRAFT_TARIFFS)
def move(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """Withdraw a draft, take it up again, or let it follow the edition in force now."""
    require_everywhere(request, Permission.DRAFT_TARIFFS)
    draft = open_draft(request, draft_id)
    wanted = request.POST.get("do", "")
    actor, instant = request.user, now()
    actions: dict[str, tuple[Callable[[], None], str]] = {
        "withdraw": (
            lambda: withdraw_draft(
                draft_id=draft_id, reason=request.POST.get("reason", ""), actor=actor, now=instant
            ),
            _("The draft is withdrawn."),
        ),
        "resume": (
            lambda: resume_draft(draft_id=draft_id, actor=actor, now=instant),
            _("The draft is open for writing again."),
        ),
        "rebase": (
            lambda: rebase_draft(
                draft_id=draft_id, edition_id=draft.edition_in_force_id or 0, actor=actor, now=instant
            ),
            _("The draft follows the edition in force now."),
        ),
    }
    if wanted in actions:
        act, done = actions[wanted]
        _decide(request, draft_id, act, done=done)
    return redirect("office:draft_changes", draft_id=draft_id)


def _decide(request: OfficeRequest, draft_id: int, act: Callable[[], None], *, done: str) -> bool:
    """Do it and say so, or say what stands in the way."""
    open_draft(request, draft_id)
    try:
        act()
    except MainsError as error:
        messages.error(request, error_text(error))
        return False
    messages.success(request, done)
    return True
