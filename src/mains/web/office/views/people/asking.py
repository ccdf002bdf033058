"""What the pages of administrators share: who asks, what became of it, the tabs."""

from typing import Any

from django.contrib import messages
from django.urls import reverse
from django.utils.translation import gettext as _

from mains.staff.actions.rights import Asking
from mains.web.office.access import OfficeRequest
from mains.web.office.clock import now
from mains.web.office.parts import Tab


def people_tabs(request: OfficeRequest) -> list[Tab]:
    """People and roles side by side."""
    return [
        Tab(label, url, is_current=request.path == url)
        for label, url in ((_("People"), reverse("office:people")), (_("Roles"), reverse("office:roles")))
    ]


def asking_of(request: OfficeRequest, reason: str) -> Asking:
    """Who asks, why, and how far they may administer."""
    return Asking(actor_id=request.user.pk, reason=reason, now=now(), scope=request.scope)


def say_what_became(request: Any, *, is_waiting: bool) -> None:
    """Say whether the change holds or waits."""
    if is_waiting:
        messages.info(request, _("It waits for a second administrator, because the role holds power."))
    else:
        messages.success(request, _("The change holds."))
