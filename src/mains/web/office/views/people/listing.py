"""The people of the utility, and changes of rights that wait for a second administrator."""

from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.kernel.errors import MainsError
from mains.staff.actions.rights import add_person, decide_rights, give_role
from mains.staff.queries.approvals import find_proposal
from mains.staff.queries.organisations import list_units
from mains.staff.queries.people import PeopleFilter, list_changes, list_people, list_roles_with_people
from mains.staff.queries.rights import subtree_of
from mains.staff.queries.sign_in import people_with_second_factor
from mains.staff.values import Permission, ProposalKind, RightsChangeKind
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.parts import Crumb
from mains.web.office.views.people.asking import asking_of, people_tabs, say_what_became
from mains.web.office.views.people.forms import PersonForm
from mains.web.office.views.people.person import show_link

PAGE = 50


@needs(Permission.ADMINISTER)
def people(request: OfficeRequest) -> HttpResponse:
    """A page of people by user name, with filters that live in the address."""
    chosen = {name: request.GET.get(name, "")[:150] for name in ("q", "role", "unit", "state")}
    unit = chosen["unit"]
    units = (
        subtree_of(organisation_ids=[int(unit)], on_date=request.today)
        if unit.isdecimal() and len(unit) < 18
        else None
    )
    found = list_people(
        scope=request.scope,
        on_date=request.today,
        chosen=PeopleFilter(
            text=chosen["q"],
            role_code=chosen["role"],
            unit_ids=units,
            state=chosen["state"] or "active",
            after=request.GET.get("after", "")[:150],
        ),
        limit=PAGE + 1,
    )
    shown = found[:PAGE]
    kept = {name: value for name, value in chosen.items() if value}
    context = {
        "people": shown,
        "second_factors": people_with_second_factor(user_ids=[person.id for person in shown]),
        "waiting": list_changes(scope=request.scope, is_waiting=True),
        "roles": list_roles_with_people(on_date=request.today),
        "units": list_units(scope=request.scope, on_date=request.today),
        "chosen": chosen,
        "states": [
            ("active", _("At work")),
            ("suspended", _("Suspended")),
            ("all", _("All")),
        ],
        "next_url": "?" + urlencode(kept | {"after": shown[-1].username}) if len(found) > PAGE else "",
        "is_later": bool(request.GET.get("after")),
        "tabs": people_tabs(request),
        "currency": currency_of_utility(),
    }
    return render(request, "office/people/list.html", context)


@needs(Permission.ADMINISTER)
def new_person(request: OfficeRequest) -> HttpResponse:
    """Somebody new, with their first role; nothing is kept when the role cannot be given."""
    form = PersonForm(request.POST or None, request=request, initial={"valid_from": request.today})
    if request.method == "POST" and form.is_valid():
        told = dict(form.cleaned_data)
        try:
            with transaction.atomic():
                person = add_person(
                    **{
                        name: told[name]
                        for name in ("username", "first_name", "last_name", "phone", "email", "language")
                    }
                )
                asked = give_role(
                    user_id=person.pk,
                    unit_id=told["unit"],
                    role_code=told["role"],
                    valid_from=told["valid_from"],
                    valid_to=told["valid_to"],
                    asking=asking_of(request, told["reason"]),
                )
        except MainsError as error:
            field = error.params.get("field") if error.params else None
            form.add_error(field if field in form.fields else None, error_text(error))
        else:
            say_what_became(request, is_waiting=asked.is_waiting)
            return redirect("office:person", person_id=person.pk)
    crumbs = [Crumb(_("People"), reverse("office:people")), Crumb(_("New person"))]
    context = {"form": form, "crumbs": crumbs}
    return render(request, "office/people/new.html", context, status=400 if form.is_bound else 200)


@require_POST
@needs(Permission.ADMINISTER)
def decide_change(request: OfficeRequest, proposal_id: int) -> HttpResponse:
    """Agree to what a colleague asked for, or refuse it."""
    proposal = find_proposal(proposal_id=proposal_id, scope=request.scope)
    if proposal is None or proposal.kind is not ProposalKind.RIGHTS:
        raise Http404(_("There is no such proposal that you may see."))
    agrees = request.POST.get("decision") == "agree"
    try:
        change = decide_rights(
            proposal_id=proposal_id,
            agrees=agrees,
            note=request.POST.get("note", ""),
            now=now(),
            actor_id=request.user.pk,
            scope=request.scope,
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        if agrees and change.kind == RightsChangeKind.PASSWORD and change.user_id:
            return show_link(request, change.user_id)
        messages.success(request, _("The change holds.") if agrees else _("The change is refused."))
    return redirect("office:people")
