"""Sessions end when nobody uses them, and at the latest after a working day; roles may demand a second factor."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from mains.base.clock import read_clock
from mains.staff.actions.sign_in import note_seen
from mains.staff.queries.sign_in import has_second_factor

_BEGAN, _SEEN = "began_at", "seen_at"
_NOTED_EVERY_S = 60


class SessionLimits:
    """Signs out whoever was idle too long or signed in too long ago; notes once a minute that a session is in use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            _keep_limits(request)
        return self.get_response(request)


def proved_second_factor(request: HttpRequest) -> bool:
    """Whether this session was signed in with a second factor or a passkey. That the utility's own provider asked for
    one is not known here, so single sign-on alone is one factor."""
    person: Any = request.user  # signed in wherever this is asked
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, person))


def redirect_to_factor(request: HttpRequest) -> HttpResponseBase:
    """To the page of one's own sign-in: a role demands a second factor that this session has not shown."""
    if has_second_factor(user_id=request.user.pk or 0):
        # The factor is there but this session began without it, as when a role was changed during the day.
        messages.warning(request, _("Your role demands a second factor. Confirm it."))
        address = reverse("account_reauthenticate") + "?" + urlencode({"next": request.get_full_path()})
    else:
        messages.warning(request, _("Your role demands a second factor. Set one up to go on."))
        address = reverse("mfa_index")
    if getattr(request, "htmx", False):
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = address
        return answer
    return redirect(address)


def _keep_limits(request: HttpRequest) -> None:
    now = read_clock()
    at = now.timestamp()
    began, seen = request.session.get(_BEGAN, at), request.session.get(_SEEN, at)
    idle = at - seen > timedelta(minutes=settings.SESSION_IDLE_MINUTES).total_seconds()
    if idle or at - began > timedelta(hours=settings.SESSION_HOURS).total_seconds():
        logout(request)
        messages.info(request, _("You were signed out because the session was too long or unused."))
        return
    if _BEGAN not in request.session or at - seen >= _NOTED_EVERY_S:
        request.session[_BEGAN], request.session[_SEEN] = began, at
        note_seen(session_key=request.session.session_key or "", now=now)
