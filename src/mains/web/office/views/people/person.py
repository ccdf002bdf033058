"""One person: roles with their dates, what they see with them, how they sign in."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.customers.queries.records import AccountFilter, list_accounts
from mains.kernel.errors import MainsError
from mains.reporting.queries.overview import count_open_accounts
from mains.staff.actions.rights import (
    Asked,
    Asking,
    ask_for_password,
    bring_back,
    end_role_of,
    give_role,
    reset_factors,
    suspend,
)
from mains.staff.actions.sign_in import end_sessions, lift_lock
from mains.staff.queries.people import (
    PersonRecord,
    find_person,
    list_changes,
    list_past_roles,
    units_of,
)
from mains.staff.queries.rights import Rights, rights_of, rights_with
from mains.staff.queries.sign_in import list_factors, list_locks, list_sessions, user_by_id
from mains.staff.values import PERMISSION_GROUPS, Permission, Scope
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.navigation import list_links
from mains.web.office.parts import Crumb
from mains.web.office.password_links import password_link
from mains.web.office.views.people.asking import asking_of, say_what_became
from mains.web.office.views.people.forms import EndForm, GrantForm, ReasonForm

_SHOWN = 5


@needs(Permission.ADMINISTER)
def person(request: OfficeRequest, person_id: int) -> HttpResponse:
    """The person's roles, changes and sign-in."""
    return _page(request, _person(request, person_id))


@never_cache
@require_POST
@needs(Permission.ADMINISTER)
def link_to_password(request: OfficeRequest, person_id: int) -> HttpResponse:
    """Make a link by which the person sets their own password; it is shown this one time."""
    found = _other(request, person_id)
    try:
        asked = ask_for_password(user_id=found.id, asking=_asking_for_sign_in(request))
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect("office:person", person_id=found.id)
    if asked.is_waiting:
        say_what_became(request, is_waiting=True)
        return redirect("office:person", person_id=found.id)
    return show_link(request, found.id)


@require_POST
@needs(Permission.ADMINISTER)
def give(request: OfficeRequest, person_id: int) -> HttpResponse:
    """Give a role in a unit."""
    found = _person(request, person_id)
    form = GrantForm(request.POST, request=request)
    if not form.is_valid():
        return _page(request, found, grant_form=form)
    told = form.cleaned_data
    return _after(
        request,
        found,
        lambda: give_role(
            user_id=found.id,
            unit_id=told["unit"],
            role_code=told["role"],
            valid_from=told["valid_from"],
            valid_to=told["valid_to"],
            asking=asking_of(request, told["reason"]),
        ),
    )


@require_POST
@needs(Permission.ADMINISTER)
def end(request: OfficeRequest, person_id: int, assignment_id: int) -> HttpResponse:
    """End a role from a day on."""
    found = _person(request, person_id)
    form = EndForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give the first day without the role, and a reason."))
        return redirect("office:person", person_id=found.id)
    return _after(
        request,
        found,
        lambda: end_role_of(
            assignment_id=assignment_id,
            end_date=form.cleaned_data["end_date"],
            asking=asking_of(request, form.cleaned_data["reason"]),
        ),
    )


@require_POST
@needs(Permission.ADMINISTER)
def change_state(request: OfficeRequest, person_id: int) -> HttpResponse:
    """Suspend a person, or bring them back."""
    found = _other(request, person_id)
    act = suspend if found.is_active else bring_back
    done = _after(
        request,
        found,
        lambda: act(user_id=found.id, asking=asking_of(request, request.POST.get("reason", ""))),
    )
    if found.is_active:
        end_sessions(user_id=found.id)
    return done


@require_POST
@needs(Permission.ADMINISTER)
def sign_out(request: OfficeRequest, person_id: int) -> HttpResponse:
    """End all sessions of a person."""
    found = _person(request, person_id)
    end_sessions(user_id=found.id)
    messages.success(request, _("The person is signed out everywhere."))
    return redirect("office:person", person_id=found.id)


@require_POST
@needs(Permission.ADMINISTER)
def unlock(request: OfficeRequest, person_id: int) -> HttpResponse:
    """Let a person try again before the delay is over."""
    found = _other(request, person_id)
    lift_lock(username=found.username)
    messages.success(request, _("The person may try again."))
    return redirect("office:person", person_id=found.id)


@require_POST
@needs(Permission.ADMINISTER)
def drop_second_factor(request: OfficeRequest, person_id: int) -> HttpResponse:
    """A lost phone or key: forget the person's second factors and sign them out; they set up new ones."""
    found = _other(request, person_id)
    return _after(
        request, found, lambda: reset_factors(user_id=found.id, asking=_asking_for_sign_in(request))
    )


@needs(Permission.ADMINISTER)
def preview(request: OfficeRequest, person_id: int) -> HttpResponse:
    """What the person sees, on a day and, if asked, with one more role."""
    found = _person(request, person_id)
    form = GrantForm(request.GET or None, request=request, initial={"valid_from": request.today})
    for name in ("reason", "valid_to"):
        del form.fields[name]
    for name in ("role", "unit"):
        form.fields[name].required = False
    form.fields["role"].choices = [("", _("No further role")), *form.fields["role"].choices]  # type: ignore[attr-defined]
    told = form.cleaned_data if form.is_bound and form.is_valid() else {}
    on_date = told.get("valid_from") or request.today
    rights = rights_of(user=user_by_id(found.id), on_date=on_date)
    if told.get("role") and told.get("unit"):
        rights = rights_with(rights=rights, role_code=told["role"], unit_id=told["unit"], on_date=on_date)
    context = _seen(request, rights) | {
        "person": found,
        "form": form,
        "on_date": on_date,
        "crumbs": [
            Crumb(_("People"), reverse("office:people")),
            Crumb(found.name, reverse("office:person", args=[found.id])),
            Crumb(_("What this person sees")),
        ],
    }
    return render(request, "office/people/preview.html", context)


def show_link(request: OfficeRequest, person_id: int) -> HttpResponse:
    """The person's page with a fresh link to set a password."""
    found = _other(request, person_id)
    link = request.build_absolute_uri(password_link(user_by_id(found.id)))
    return _page(request, found, link=link)


def _asking_for_sign_in(request: OfficeRequest) -> Asking:
    return asking_of(request, request.POST.get("reason", "") or _("The person asked for it."))


def _seen(request: OfficeRequest, rights: Rights) -> dict[str, Any]:
    accounts = rights.scope(Permission.SEE_ACCOUNTS)
    sees_accounts = Permission.SEE_ACCOUNTS in rights.permissions
    return {
        "links": list_links("", rights.permissions),
        "groups": [
            (group, may)
            for group, sentences in PERMISSION_GROUPS
            if (
                may := [
                    (text, _where(rights.scope(code)))
                    for code, text in sentences
                    if code in rights.permissions
                ]
            )
        ],
        "sees_names": Permission.SEE_NAMES in rights.permissions,
        "sees_contacts": Permission.SEE_CONTACTS in rights.permissions,
        "counts": count_open_accounts(scope=accounts, on_date=request.today).accounts
        if sees_accounts
        else None,
        "accounts": list_accounts(scope=accounts, chosen=AccountFilter(), on_date=request.today, limit=_SHOWN)
        if sees_accounts
        else [],
        "demands_second_factor": rights.demands_second_factor,
    }


def _where(scope: Scope) -> str:
    if scope.organisation_ids is None:
        return _("the whole utility")
    return ", ".join(units_of(scope.organisation_ids))


def _page(
    request: OfficeRequest, found: PersonRecord, *, grant_form: GrantForm | None = None, link: str = ""
) -> HttpResponse:
    is_own = found.id == request.user.pk
    context = {
        "person": found,
        "is_own": is_own,
        "link": link,
        "past": list_past_roles(user_id=found.id, on_date=request.today),
        "changes": list_changes(scope=request.scope, user_id=found.id),
        "grant_form": grant_form or GrantForm(request=request, initial={"valid_from": request.today}),
        "end_form": EndForm(initial={"end_date": request.today}, auto_id=False),
        "state_form": ReasonForm(auto_id="state_%s"),
        "sessions": list_sessions(user_id=found.id),
        "factors": list_factors(user_id=found.id),
        "locks": list_locks(username=found.username),
        "crumbs": [Crumb(_("People"), reverse("office:people")), Crumb(found.name)],
    }
    status = 400 if grant_form else 200
    return render(request, "office/people/person.html", context, status=status)


def _person(request: OfficeRequest, person_id: int) -> PersonRecord:
    found = find_person(user_id=person_id, scope=request.scope, on_date=request.today)
    if found is None:
        raise Http404(_("There is no such person that you may see."))
    return found


def _other(request: OfficeRequest, person_id: int) -> PersonRecord:
    """Somebody else: how administrators themselves sign in is changed by others, or by themselves when signed in."""
    if person_id == request.user.pk:
        raise Http404(_("Ask another administrator, or use the page of your own sign-in."))
    return _person(request, person_id)


def _after(request: OfficeRequest, found: PersonRecord, act: Callable[[], Asked]) -> HttpResponse:
    try:
        asked = act()
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        say_what_became(request, is_waiting=asked.is_waiting)
    return redirect("office:person", person_id=found.id)
