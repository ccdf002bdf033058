"""Opening a page of an account leaves a trace, and where the utility wants it, takes a reason first."""

from django.conf import settings
from django.http import HttpRequest

from mains.base.clock import read_clock
from mains.staff.actions.looks import note_look
from mains.web.office.sign_in.addresses import client_address

_WHY = "why_looked"
_KEPT = 200


class ReasonNeeded(Exception):
    """The person says why they look at this account before they see it."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


def note_opening(request: HttpRequest, *, account_id: int, number: str) -> None:
    """Note that the person opened a page of the account. Raises ReasonNeeded where reasons are asked for."""
    reason = str(request.session.get(_WHY, {}).get(number, ""))
    if settings.ASK_WHY and not reason:
        raise ReasonNeeded(number)
    match = request.resolver_match
    note_look(
        user_id=request.user.pk or 0,
        account_id=account_id,
        page=match.url_name or "" if match else "",
        address=client_address(request),
        at=read_clock(),
        reason=reason,
    )


def keep_reason(request: HttpRequest, *, number: str, reason: str) -> None:
    """Remember for this session why the person looks at the account."""
    kept = dict(request.session.get(_WHY, {}))
    kept[number] = " ".join(reason.split())[:200]
    request.session[_WHY] = dict(list(kept.items())[-_KEPT:])
