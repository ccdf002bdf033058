"""Every writing request leaves one entry in the audit log: who, what, why, from where, and what it changed."""

from collections.abc import Callable
from uuid import uuid4

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve

from mains.base.clock import read_clock
from mains.staff.actions.audit import append_entry, noting_changes, stop_noting
from mains.staff.queries.audit import Told
from mains.web.office.sign_in.addresses import client_address

_READING = {"GET", "HEAD", "OPTIONS", "TRACE"}
# Comes back by GET and signs a person in.
WRITE_BY_READING = {"openid_connect_callback"}
_COMES_BACK = "/sign-in/with/"
# Posted because they are long, and they keep nothing: checks while one types, previews, the language of a device.
WRITE_NOTHING = {
    "office:check_draft",
    "office:draft_form",
    "office:try_draft",
    "set_language",
}


class AuditLog:
    """Stands inside of everything that knows the person, outside of everything that acts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_reading = request.method in _READING
        if is_reading and not request.path.startswith(_COMES_BACK):
            return self.get_response(request)
        operation = _operation_of(request)
        if not operation or operation in WRITE_NOTHING or (is_reading and operation not in WRITE_BY_READING):
            return self.get_response(request)
        request_id, person, began_at = uuid4(), _person_of(request), read_clock()
        with noting_changes(request_id):
            response = self.get_response(request)
            # Whoever signed in is known only now.
            user_id, username = person if person[0] else _person_of(request)
            if user_id is None and operation.startswith("office:"):
                stop_noting()  # sent to the sign-in page: nobody acted
                return response
            append_entry(
                Told(
                    request_id=request_id,
                    at=began_at,
                    user_id=user_id,
                    person=username,
                    channel="api" if request.path.startswith("/api/") else "office",
                    operation=operation,
                    path=request.path,
                    status=response.status_code,
                    reason=_reason_of(request),
                    address=client_address(request),
                )
            )
        return response


def _operation_of(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""


def _reason_of(request: HttpRequest) -> str:
    try:
        return str(request.POST.get("reason") or request.POST.get("note") or "")
    except (SuspiciousOperation, OSError):  # a form that was too large or cut off, and refused for it
        return ""


def _person_of(request: HttpRequest) -> tuple[int | None, str]:
    user = request.user
    return (user.pk, user.get_username()) if user.is_authenticated else (None, "")
