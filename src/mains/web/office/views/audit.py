"""The audit log: who changed what, with the values before and after."""

from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render

from mains.staff.queries.audit import AuditFilter, list_entries, list_operations
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.page_names import sentence_of

PAGE = 50


@needs(Permission.SEE_AUDIT)
def audit(request: OfficeRequest) -> HttpResponse:
    """A page of the log, the latest first; it is of the whole utility."""
    if request.scope.organisation_ids is not None:
        raise PermissionDenied("The audit log is for people of the whole utility.")
    chosen = {name: request.GET.get(name, "")[:200] for name in ("person", "operation", "path", "changes")}
    before = request.GET.get("before", "")
    found = list_entries(
        chosen=AuditFilter(
            person=chosen["person"],
            operation=chosen["operation"],
            path=chosen["path"],
            has_changes=chosen["changes"] == "1",
            before=int(before) if before.isdecimal() and len(before) < 18 else None,
        ),
        limit=PAGE + 1,
    )
    kept = {name: value for name, value in chosen.items() if value}
    context = {
        "entries": [(entry, sentence_of(entry.operation)) for entry in found[:PAGE]],
        "operations": sorted(
            ((name, sentence_of(name)) for name in list_operations()), key=lambda pair: str(pair[1])
        ),
        "chosen": chosen,
        "next_url": "?" + urlencode(kept | {"before": found[PAGE - 1].id}) if len(found) > PAGE else "",
    }
    return render(request, "office/audit.html", context)
