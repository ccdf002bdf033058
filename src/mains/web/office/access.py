"""Every page names the permission it needs, or several of which one is enough; the person's scope for it limits
everything the page reads."""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any, Concatenate

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from mains.base.masking import CONTACTS, NAMES, masking
from mains.staff.queries.rights import Rights, rights_of
from mains.staff.values import Permission, Scope
from mains.web.office.clock import demo_day, today
from mains.web.office.looking import ReasonNeeded
from mains.web.office.sign_in.limits import proved_second_factor, redirect_to_factor


class OfficeRequest(HttpRequest):
    """A request that passed the gate of a page."""

    user: Any  # never anonymous here; the model stands behind the doors of staff
    rights: Rights
    scope: Scope
    today: date
    demo_day: date | None
    htmx: Any


# What shows customers; who may do any of these where names or contacts are not theirs to see gets them masked.
_SHOWING_CUSTOMERS = frozenset(Permission) - {
    Permission.SEE_NAMES,
    Permission.SEE_CONTACTS,
    Permission.SEE_TARIFF_DRAFTS,
    Permission.DRAFT_TARIFFS,
    Permission.PUBLISH_TARIFFS,
    Permission.SEE_AUDIT,
    Permission.ADMINISTER,
}


def _masks(rights: Rights) -> frozenset[str]:
    """Masked everywhere unless the right to see reaches all that the person sees: one page may mix units."""
    shown = rights.scope(*_SHOWING_CUSTOMERS)
    kinds = ((NAMES, Permission.SEE_NAMES), (CONTACTS, Permission.SEE_CONTACTS))
    return frozenset(kind for kind, permission in kinds if not rights.scope(permission).contains(shown))


def sees(request: "OfficeRequest", permission: Permission) -> None:
    """For documents, which cannot be masked: refuse those who may not see names or contacts."""
    if not request.rights.scope(permission).contains(request.rights.scope(*_SHOWING_CUSTOMERS)):
        raise PermissionDenied(f"This document needs the permission {permission}.")


def is_unmasked(request: "OfficeRequest") -> bool:
    """Whether nothing is masked for the person: scans and photos show names, phones and identity numbers alike."""
    return not _masks(request.rights)


type_of_view = Callable[Concatenate[OfficeRequest, ...], HttpResponseBase]


def needs(*permissions: Permission) -> Callable[[type_of_view], type_of_view]:
    """Opens the view to people who hold one of `permissions` in at least one unit and gives it their scope: everywhere
    where they hold any of them.

    The test of all addresses reads `view.permissions` and fails on a view without it.
    """

    def gate(view: type_of_view) -> type_of_view:
        @wraps(view)
        def gated(request: OfficeRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            request.demo_day = demo_day()
            request.today = today()
            request.rights = rights_of(user=request.user, on_date=request.today)
            if not request.rights.permissions & set(permissions):
                raise PermissionDenied(f"This page needs the permission {' or '.join(permissions)}.")
            if request.rights.demands_second_factor and not proved_second_factor(request):
                return redirect_to_factor(request)
            request.scope = request.rights.scope(*permissions)
            try:
                with masking(_masks(request.rights)):
                    return view(request, *args, **kwargs)
            except ReasonNeeded as needed:
                return redirect(
                    f"{reverse('office:say_why', args=[needed.number])}?{urlencode({'next': request.get_full_path()})}"
                )

        gated.__dict__["permissions"] = frozenset(permissions)
        return gated

    return gate
