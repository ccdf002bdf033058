"""The one box: results as one types, and as a page for those without scripts."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from mains.reporting.queries.search import Found, find_accounts
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.parts import SearchGroup, SearchHit

SHOWN = 20


@needs(Permission.SEE_ACCOUNTS)
def search(request: OfficeRequest) -> HttpResponse:
    """Accounts for `q`. A single hit of a whole page opens at once."""
    query = request.GET.get("q", "").strip()[:100]
    found = find_accounts(text=query, scope=request.scope, limit=SHOWN)
    if request.htmx:
        hits = [_hit(one) for one in found]
        groups = [SearchGroup(_("Accounts"), hits)] if hits else []
        return render(request, "office/partials/search_results.html", {"groups": groups, "query": query})
    if len(found) == 1:
        return redirect("office:account", number=found[0].number)
    return render(
        request, "office/search.html", {"query": query, "found": found, "is_cut": len(found) == SHOWN}
    )


def _hit(found: Found) -> SearchHit:
    detail = " · ".join(part for part in (found.number, found.place, found.serial) if part)
    if found.is_closed:
        detail += " · " + _("closed")
    return SearchHit(found.customer, reverse("office:account", args=[found.number]), detail=detail)
