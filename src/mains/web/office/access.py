"""Every page names the permission it needs, or several of which one is enough; the person's scope for it limits
everything the page reads."""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any, Concatenate

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from mains.staff.queries.rights import Rights, rights_of
from mains.staff.values import Permission, Scope
from mains.web.office.clock import demo_day, today
from mains.web.office.sign_in.limits import proved_second_factor, redirect_to_factor


class OfficeRequest(HttpRequest):
    """A request that passed the gate of a page."""

    user: Any  # never anonymous here; the model stands behind the doors of staff
    rights: Rights
    scope: Scope
    today: date
    demo_day: date | None
    htmx: Any


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
            return view(request, *args, **kwargs)

        gated.__dict__["permissions"] = frozenset(permissions)
        return gated

    return gate
