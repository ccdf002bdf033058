"""Contracts and rules: what holds when, and stating it from a day on; by two people where money moves by it."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.formats import money_text
from mains.base.wording import error_text
from mains.debt.queries.terms_changes import find_terms_change, list_terms_changes
from mains.debt.values import BY_TWO_PEOPLE, TermsKind
from mains.kernel.errors import MainsError
from mains.reporting.actions.terms import Wanted, ask_for_terms, decide_terms, minor_of, try_terms
from mains.reporting.queries.terms_effects import effect_of
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.parts import Tab
from mains.web.office.terms.forms import TermsForm
from mains.web.office.terms.kinds import KINDS, KindOfTerms
from mains.web.office.terms.versions import Seen, timelines


@needs(*{permission for kind in KINDS for permission in (*kind.seen_by, *kind.stated_by)})
def terms(request: OfficeRequest) -> HttpResponse:
    """The first kind that the person may see."""
    for kind in KINDS:
        if _may_see(request, kind):
            return redirect(f"office:terms_{kind.code}")
    raise PermissionDenied("These are for people of the whole utility.")


def addresses() -> list[URLPattern]:
    """The pages of every kind: list and form, end, decision."""
    found = []
    for kind in KINDS:
        seen = needs(*dict.fromkeys((*kind.seen_by, *kind.stated_by)))
        stated = needs(*kind.stated_by)
        place = f"terms/{kind.code}"
        found += [
            path(f"{place}/", seen(_bound(_list, kind)), name=f"terms_{kind.code}"),
            path(f"{place}/state/", require_POST(stated(_bound(_state, kind))), name=f"state_{kind.code}"),
            path(f"{place}/end/", require_POST(stated(_bound(_end, kind))), name=f"end_{kind.code}"),
            path(
                f"{place}/<int:change_id>/decide/",
                require_POST(stated(_bound(_decide, kind))),
                name=f"decide_{kind.code}",
            ),
        ]
    return found


def _bound(view: Callable[..., HttpResponse], kind: KindOfTerms) -> Callable[..., HttpResponse]:
    def of_kind(request: OfficeRequest, **given: Any) -> HttpResponse:
        if not _may_see(request, kind):
            raise PermissionDenied("These are for people of the whole utility.")
        return view(request, kind, **given)

    of_kind.__doc__ = view.__doc__
    of_kind.__name__ = f"{view.__name__.strip('_')}_{kind.code}"
    return of_kind


def _list(request: OfficeRequest, kind: KindOfTerms) -> HttpResponse:
    """What holds when, what waits for a second person, and a form."""
    return _page(request, kind)


def _state(request: OfficeRequest, kind: KindOfTerms) -> HttpResponse:
    """Show what a change would do; ask for it, or make it, when the person has seen that."""
    _check_may_state(request, kind)
    form = kind.form(request.POST, request=request)
    if not form.is_valid():
        return _page(request, kind, form=form)
    wanted = Wanted(
        kind=kind.kind,
        subject=form.subject(),
        content=form.content(),
        valid_from=form.cleaned_data["valid_from"],
        valid_to=form.cleaned_data["valid_to"],
        organisation_id=form.organisation_id(),
        proof=form.cleaned_data["proof"],
    )
    try:
        if "seen" not in request.POST:
            return _page(request, kind, form=form, preview=_preview(request, kind, wanted))
        return _asked(request, kind, wanted)
    except MainsError as error:
        form.refuse(error)
        return _page(request, kind, form=form)


def _end(request: OfficeRequest, kind: KindOfTerms) -> HttpResponse:
    """Let something stated end on a day."""
    _check_may_state(request, kind)
    fact = request.POST.get("fact", "")
    shown = kind.versions(_seen(request))
    version = next((one for one in shown if str(one.fact_id) == fact), None)
    if version is None:
        raise Http404(_("It has been stated anew. Look at the list."))
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        messages.error(request, _("Give the first day on which it no longer holds."))
        return redirect(f"office:terms_{kind.code}")
    wanted = Wanted(
        kind=kind.kind,
        subject=version.subject,
        content={},
        valid_from=day,
        ends_id=version.fact_id,
        organisation_id=version.organisation_id,
        proof=request.POST.get("proof", ""),
    )
    try:
        return _asked(request, kind, wanted)
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect(f"office:terms_{kind.code}")


def _decide(request: OfficeRequest, kind: KindOfTerms, change_id: int) -> HttpResponse:
    """Agree to what a colleague asked for, or refuse it."""
    _check_may_state(request, kind)
    found = find_terms_change(change_id=change_id)
    if found is None or found.kind is not kind.kind or not _is_own(request, found.organisation_id):
        raise Http404(_("There is no such change."))
    agrees = request.POST.get("decision") == "agree"
    try:
        decide_terms(
            change_id=change_id,
            agrees=agrees,
            note=request.POST.get("note", ""),
            actor=request.user,
            now=now(),
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("It holds from its day on.") if agrees else _("The change is refused."))
    return redirect(f"office:terms_{kind.code}")


def _asked(request: OfficeRequest, kind: KindOfTerms, wanted: Wanted) -> HttpResponse:
    holds = ask_for_terms(wanted=wanted, actor=request.user, now=now())
    told = _("It holds from its day on.") if holds else _("Asked. A colleague who may state it decides.")
    messages.success(request, told)
    return redirect(f"office:terms_{kind.code}")


def _preview(request: OfficeRequest, kind: KindOfTerms, wanted: Wanted) -> dict[str, Any]:
    """What holds now and would not, what would hold instead, and what else that touches."""
    seen = _seen(request)
    before = kind.versions(seen)
    after = try_terms(wanted=wanted, look=lambda: kind.versions(seen), actor=request.user, now=now())
    content = dict(wanted.content)
    if kind.kind is TermsKind.LIMIT:
        content["amount_minor"] = str(minor_of(content["amount"]))
    effect = effect_of(
        kind=kind.kind,
        content=content,
        first=wanted.valid_from,
        last=wanted.valid_to,
        today=request.today,
    )
    told = ""
    if effect is not None and kind.effect is not None:
        amount = money_text(effect.amount_minor, currency=currency_of_utility(), language=seen.language)
        told = kind.effect % {"count": effect.count, "amount": amount}
    kept = {one.fact_id for one in before} & {one.fact_id for one in after}
    return {
        "replaced": [one for one in before if one.fact_id not in kept],
        "stated": sorted((one for one in after if one.fact_id not in kept), key=lambda one: one.valid_from),
        "told": told,
    }


def _page(
    request: OfficeRequest,
    kind: KindOfTerms,
    *,
    form: TermsForm | None = None,
    preview: dict[str, Any] | None = None,
) -> HttpResponse:
    may_state = kind.may_state(request)
    context = {
        "kind": kind,
        "tabs": [
            Tab(str(each.title), reverse(f"office:terms_{each.code}"), is_current=each is kind)
            for each in KINDS
            if _may_see(request, each)
        ],
        "timelines": timelines(kind.versions(_seen(request)), today=request.today),
        "waiting": list_terms_changes(kind=kind.kind, scope=request.scope, is_waiting=True),
        "decided": list_terms_changes(kind=kind.kind, scope=request.scope, is_waiting=False, limit=20),
        "form": form
        or (kind.form(initial={"valid_from": request.today}, request=request) if may_state else None),
        "preview": preview,
        "may_state": may_state,
        "by_two": kind.kind in BY_TWO_PEOPLE,
        "state_url": reverse(f"office:state_{kind.code}"),
        "end_url": reverse(f"office:end_{kind.code}"),
        "decide_name": f"office:decide_{kind.code}",
        "tomorrow": request.today,
    }
    return render(request, "office/terms.html", context)


def _may_see(request: OfficeRequest, kind: KindOfTerms) -> bool:
    permissions = (*kind.seen_by, *kind.stated_by)
    if not request.rights.permissions & set(permissions):
        return False
    return kind.of_units or request.rights.scope(*permissions).organisation_ids is None


def _is_own(request: OfficeRequest, organisation_id: int | None) -> bool:
    if organisation_id is None:
        return request.scope.organisation_ids is None
    return request.scope.covers(organisation_id)


def _check_may_state(request: OfficeRequest, kind: KindOfTerms) -> None:
    if not kind.may_state(request):
        raise PermissionDenied("These are for people of the whole utility.")


def _seen(request: OfficeRequest) -> Seen:
    return Seen(scope=request.scope, language=get_language() or "en")
