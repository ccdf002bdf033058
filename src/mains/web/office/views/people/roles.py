"""Roles: what each may do, in sentences, up to which amounts, and who has it."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.kernel.errors import MainsError
from mains.staff.actions.rights import change_role
from mains.staff.queries.people import (
    find_role,
    list_changes,
    list_holders,
    list_role_limits,
    list_roles_with_people,
)
from mains.staff.values import PERMISSION_GROUPS, POWERFUL, Permission, ProposalKind
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.parts import Crumb
from mains.web.office.views.people.asking import asking_of, people_tabs, say_what_became


@needs(Permission.ADMINISTER)
def roles(request: OfficeRequest) -> HttpResponse:
    """All roles, and the limits up to which they approve."""
    return _list(request)


@require_POST
@needs(Permission.ADMINISTER)
def add_role(request: OfficeRequest) -> HttpResponse:
    """Found a role of the utility's own; it may do nothing until permissions are stated."""
    code = request.POST.get("code", "").strip()
    if find_role(code=code, on_date=request.today):
        messages.error(request, _("There is a role of this code already."))
        return redirect("office:roles")
    try:
        change_role(
            role_code=code,
            name=request.POST.get("name", ""),
            permissions=[],
            demands_second_factor=False,
            asking=asking_of(request, request.POST.get("reason", "")),
        )
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect("office:roles")
    messages.success(request, _("The role is there; state what it may do."))
    return redirect("office:role", code=code)


@needs(Permission.ADMINISTER)
def role(request: OfficeRequest, code: str) -> HttpResponse:
    """What the role may do, and who has it; a post states its permissions anew."""
    found = find_role(code=code, on_date=request.today)
    if found is None:
        raise Http404(_("There is no such role."))
    if request.method == "POST":
        try:
            asked = change_role(
                role_code=code,
                permissions=request.POST.getlist("permissions"),
                demands_second_factor=request.POST.get("demands_second_factor") == "1",
                asking=asking_of(request, request.POST.get("reason", "")),
            )
        except MainsError as error:
            messages.error(request, error_text(error))
        else:
            say_what_became(request, is_waiting=asked.is_waiting)
        return redirect("office:role", code=code)
    limits = list_role_limits(on_date=request.today).get(code, {})
    context = {
        "role": found,
        "groups": [
            (
                group,
                [
                    (each.value, each.label, sentence, each.value in found.permissions, each in POWERFUL)
                    for each, sentence in sentences
                ],
            )
            for group, sentences in PERMISSION_GROUPS
        ],
        "may_change": request.scope.organisation_ids is None,
        "holders": list_holders(role_code=code, scope=request.scope, on_date=request.today),
        "limits": [(ProposalKind(kind).label, amount) for kind, amount in limits.items()],
        "changes": list_changes(scope=request.scope, role_code=code),
        "currency": currency_of_utility(),
        "crumbs": [
            Crumb(_("People"), reverse("office:people")),
            Crumb(_("Roles"), reverse("office:roles")),
            Crumb(found.name),
        ],
    }
    return render(request, "office/people/role.html", context)


def _list(request: OfficeRequest) -> HttpResponse:
    found = list_roles_with_people(on_date=request.today)
    limits = list_role_limits(on_date=request.today)
    names = {each.code: each.name for each in found}
    context = {
        "roles": found,
        "limits": [
            (names.get(code, code), code, ProposalKind(kind).label, amount)
            for code, by_kind in sorted(limits.items())
            for kind, amount in by_kind.items()
        ],
        "may_change": request.scope.organisation_ids is None,
        "currency": currency_of_utility(),
        "tabs": people_tabs(request),
    }
    return render(request, "office/people/roles.html", context)
