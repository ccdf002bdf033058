"""The test cases of a draft: run, added, changed, left out."""

from dataclasses import dataclass
from pathlib import PurePath

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import translate_message
from mains.engine.case import Mismatch
from mains.engine.exact import show_short
from mains.kernel.errors import MainsError
from mains.staff.values import Permission
from mains.tariffs.actions.draft_cases import drop_case, keep_case, restore_case
from mains.tariffs.queries.cases import CASE_CHARACTERS_MAX, CaseOutcome, CaseRecord, list_cases, run_cases
from mains.tariffs.queries.checking import check_document
from mains.tariffs.queries.drafts import DraftRecord
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.views.tariffs.opening import draft_context, open_draft, require_everywhere

SKELETON = """\
facts:
  period: 2024-05
  usage: 350
expect:
  total: 115.91
"""


@dataclass(frozen=True)
class CaseRow:
    """A case with how it went; `outcome` None: it is left out, or the document has faults."""

    case: CaseRecord
    outcome: CaseOutcome | None
    differences: list[tuple[str, str, str]]
    problem: str


@needs(Permission.SEE_TARIFF_DRAFTS)
def draft_cases(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """Every case with its result."""
    return _cases_page(request, open_draft(request, draft_id))


@require_POST
@needs(Permission.DRAFT_TARIFFS)
def add_case(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """Store a case: typed, from the page that tries the draft, or a file."""
    require_everywhere(request, Permission.DRAFT_TARIFFS)
    draft = open_draft(request, draft_id)
    name, text = request.POST.get("name", ""), request.POST.get("text", "")
    file = request.FILES.get("file")
    try:
        if file is not None:
            name = name.strip() or PurePath(file.name or "").stem
            text = file.read(CASE_CHARACTERS_MAX * 4 + 1).decode("utf-8-sig")
        keep_case(draft_id=draft_id, name=name, case_text=text, actor=request.user, now=now())
    except UnicodeDecodeError:
        return _cases_page(
            request, draft, name=name, problem=_("The file is not UTF-8 text. Save it as UTF-8.")
        )
    except MainsError as error:
        told = [error.place, translate_message(error.message), translate_message(error.remedy)]
        problem = " ".join(filter(None, told))
        return _cases_page(request, draft, name=name, text=text, problem=problem)
    messages.success(request, _("The case is kept."))
    return redirect("office:draft_cases", draft_id=draft_id)


@require_POST
@needs(Permission.DRAFT_TARIFFS)
def drop(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """Leave a case out, or let the tariff's case count again."""
    require_everywhere(request, Permission.DRAFT_TARIFFS)
    open_draft(request, draft_id)
    name = request.POST.get("name", "")
    try:
        if request.POST.get("do") == "restore":
            restore_case(draft_id=draft_id, name=name, now=now())
        else:
            drop_case(draft_id=draft_id, name=name, actor=request.user, now=now())
    except MainsError as error:
        messages.error(request, translate_message(error.message))
    return redirect("office:draft_cases", draft_id=draft_id)


def _cases_page(
    request: OfficeRequest,
    draft: DraftRecord,
    *,
    name: str = "",
    text: str = "",
    problem: str = "",
) -> HttpResponse:
    cases = list_cases(code=draft.code, draft_id=draft.id)
    checked = check_document(draft.document, code=draft.code)
    outcomes = run_cases(document=draft.document, cases=cases) if checked.tariff else []
    by_id = {outcome.case.id: outcome for outcome in outcomes}
    rows = [_row(case, by_id.get(case.id)) for case in cases]
    context = draft_context(request, draft, current="draft_cases") | {
        "rows": rows,
        "is_faulty": checked.tariff is None,
        "passed": sum(outcome.is_passed for outcome in outcomes),
        "failed": sum(not outcome.is_passed for outcome in outcomes),
        "name": name,
        "text": text or SKELETON,
        "problem": problem,
    }
    return render(request, "office/tariffs/cases.html", context)


def _row(case: CaseRecord, outcome: CaseOutcome | None) -> CaseRow:
    differences, problem = [], ""
    if outcome is not None and outcome.result is not None:
        differences = [_difference(mismatch) for mismatch in outcome.result.mismatches]
    if outcome is not None and outcome.error is not None:
        told = [outcome.error.place, translate_message(outcome.error.message), outcome.error.remedy]
        problem = " ".join(filter(None, told))
    return CaseRow(case, outcome, differences, problem)


def _difference(mismatch: Mismatch) -> tuple[str, str, str]:
    found = show_short(mismatch.found) if mismatch.found is not None else "–"
    return translate_message(mismatch.what), show_short(mismatch.expected), found
