"""A draft as its pages open it: what it is, what the person may do with it, and the tabs of its views."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from mains.staff.values import Permission
from mains.tariffs.queries.cases import list_cases
from mains.tariffs.queries.checking import Checked, check_document
from mains.tariffs.queries.drafts import DraftRecord, UnableToFindDraft, authors_of, get_draft
from mains.tariffs.values import Fault
from mains.web.office.access import OfficeRequest
from mains.web.office.parts import Crumb, Tab
from mains.web.office.tariff_pages.fields import field_id
from mains.web.office.views.tariffs.catalogue import may_everywhere

TRIERS = frozenset({Permission.RUN_BILLING, Permission.DRAFT_TARIFFS})
"""Who may try a tariff over the utility: one of these is enough."""


@dataclass(frozen=True)
class ShownFault:
    """A fault with the addresses of its place in the text and in the form."""

    fault: Fault
    field_id: str


def open_draft(request: OfficeRequest, draft_id: int) -> DraftRecord:
    """The draft for a page; 404 when the person may see none."""
    try:
        return get_draft(draft_id=draft_id, scope=request.rights.scope(Permission.SEE_TARIFF_DRAFTS))
    except UnableToFindDraft as error:
        raise Http404(_("There is no such draft that you may see.")) from error


def require_everywhere(request: OfficeRequest, permission: Permission) -> None:
    """Refuse a person of one branch: tariffs are of the whole utility."""
    if not may_everywhere(request, permission):
        raise PermissionDenied("Tariffs are written and published by people of the whole utility.")


def draft_context(request: OfficeRequest, draft: DraftRecord, *, current: str) -> dict[str, Any]:
    """What every page of a draft shows: heading, state, tabs, and who may do what."""
    may_write = draft.is_editable and may_everywhere(request, Permission.DRAFT_TARIFFS)
    is_author = request.user.pk in authors_of(draft_id=draft.id)
    may_publish = may_everywhere(request, Permission.PUBLISH_TARIFFS)
    cases = list_cases(code=draft.code, draft_id=draft.id)
    tabs = [
        ("draft", _("Form"), "adjustments", None),
        ("draft_text", _("Text"), "file-text", None),
        ("try_draft", _("Try it"), "calculator", None),
        ("draft_cases", _("Test cases"), "circle-check", sum(not case.is_dropped for case in cases)),
        ("draft_changes", _("Differences"), "scale", None),
        ("draft_history", _("History"), "history", None),
    ]
    tariff_url = reverse("office:tariff", args=[draft.code]) if draft.edition_in_force_id else ""
    return {
        "draft": draft,
        "may_write": may_write,
        "may_draft": may_everywhere(request, Permission.DRAFT_TARIFFS),
        "may_publish": may_publish and not is_author,
        "is_author": is_author and may_publish,
        "may_try": not request.rights.permissions.isdisjoint(TRIERS),
        "tabs": [
            Tab(label, reverse(f"office:{name}", args=[draft.id]), name == current, icon, count)
            for name, label, icon, count in tabs
        ],
        "crumbs": [
            Crumb(_("Tariffs"), reverse("office:tariffs")),
            Crumb(draft.code, tariff_url),
            Crumb(draft.title),
        ],
    }


def checked_context(text: str, *, code: str) -> dict[str, Any]:
    """The faults of a text, or what it comes to."""
    checked: Checked = check_document(text, code=code)
    tariff = checked.tariff
    return {
        "faults": [ShownFault(fault, field_id(fault.path) if fault.path else "") for fault in checked.faults],
        "tariff_read": tariff,
        "version_count": len(tariff.versions) if tariff else 0,
        "component_count": len(tariff.printed_order) if tariff else 0,
        "checked_text": text,
    }
