"""A tariff's document as published, for the clause at the end of a formula tree."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from mains.staff.values import Permission
from mains.tariffs.queries.records import find_tariff
from mains.web.office.access import OfficeRequest, needs


@needs(Permission.SEE_ACCOUNTS)
def tariff(request: OfficeRequest, code: str) -> HttpResponse:
    """The edition in force, line by line."""
    found = find_tariff(code=code)
    if found is None:
        raise Http404(_("There is no tariff %(code)s.") % {"code": code})
    return render(request, "office/tariff.html", {"tariff": found, "lines": found.document.splitlines()})
