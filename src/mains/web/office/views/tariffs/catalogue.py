"""The tariffs of the utility, and one of them: its versions on a line of time, its document, drafts and editions."""

from dataclasses import dataclass
from datetime import date

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from mains.customers.queries.records import count_agreements_by_tariff
from mains.staff.values import Permission
from mains.tariffs.queries.cases import list_cases
from mains.tariffs.queries.drafts import DraftRecord, list_drafts
from mains.tariffs.queries.records import (
    TariffRecord,
    find_tariff,
    list_editions_of,
    list_tariffs,
    tariff_of_edition,
    title_of,
)
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.parts import Crumb
from mains.web.office.tariff_pages.timeline import Timeline, tariff_timeline


@dataclass(frozen=True)
class TariffLine:
    """A row of the list. `title` is in the reader's language; `changes_on` is the day of the next version;
    `agreements` None: not for this person."""

    tariff: TariffRecord
    title: str
    since: date | None
    changes_on: date | None
    drafts: int
    agreements: int


@needs(Permission.SEE_ACCOUNTS)
def tariffs(request: OfficeRequest) -> HttpResponse:
    """Every tariff with what is in force, what comes next, and drafts of tariffs that are not published yet."""
    drafts = list_drafts(scope=request.rights.scope(Permission.SEE_TARIFF_DRAFTS), is_open=True)
    agreements = count_agreements_by_tariff(scope=request.scope, on_date=request.today)
    lines = [_line(request, one, drafts, agreements) for one in list_tariffs()]
    context = {
        "lines": sorted(lines, key=lambda line: (line.title, line.tariff.code)),
        "drafts": drafts,
        "may_see_drafts": Permission.SEE_TARIFF_DRAFTS in request.rights.permissions,
        "may_draft": may_everywhere(request, Permission.DRAFT_TARIFFS),
    }
    return render(request, "office/tariffs/list.html", context)


@needs(Permission.SEE_ACCOUNTS)
def tariff(request: OfficeRequest, code: str) -> HttpResponse:
    """The edition in force, its versions, cases, drafts, and the editions before it."""
    found = find_tariff(code=code)
    if found is None:
        raise Http404(_("There is no tariff %(code)s.") % {"code": code})
    checked = tariff_of_edition(edition_id=found.edition_id)
    drafts = list_drafts(scope=request.rights.scope(Permission.SEE_TARIFF_DRAFTS), code=code)
    title = title_of(found, language=request.LANGUAGE_CODE)
    context = {
        "tariff": found,
        "title": title,
        "timeline": tariff_timeline(checked, today=request.today),
        "editions": list_editions_of(code=code),
        "drafts": drafts,
        "cases": list_cases(code=code),
        "agreements": count_agreements_by_tariff(scope=request.scope, on_date=request.today).get(code, 0),
        "may_see_drafts": Permission.SEE_TARIFF_DRAFTS in request.rights.permissions,
        "may_draft": may_everywhere(request, Permission.DRAFT_TARIFFS),
        "crumbs": [Crumb(_("Tariffs"), reverse("office:tariffs")), Crumb(title)],
    }
    return render(request, "office/tariffs/tariff.html", context)


def may_everywhere(request: OfficeRequest, permission: Permission) -> bool:
    """Whether the person may do this for the whole utility: a tariff is never a matter of one branch."""
    return (
        permission in request.rights.permissions and request.rights.scope(permission).organisation_ids is None
    )


def _line(
    request: OfficeRequest, one: TariffRecord, drafts: list[DraftRecord], agreements: dict[str, int]
) -> TariffLine:
    timeline: Timeline = tariff_timeline(tariff_of_edition(edition_id=one.edition_id), today=request.today)
    return TariffLine(
        tariff=one,
        title=title_of(one, language=request.LANGUAGE_CODE),
        since=timeline.present.valid_from if timeline.present else None,
        changes_on=timeline.following.valid_from if timeline.following else None,
        drafts=sum(draft.code == one.code for draft in drafts),
        agreements=agreements.get(one.code, 0),
    )
