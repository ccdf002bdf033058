"""Try a draft: facts in, the bill with its formula tree out, beside the bill of the edition in force."""

from django.http import HttpResponse
from django.shortcuts import render

from mains.staff.values import Permission
from mains.tariffs.queries.cases import expected_text
from mains.tariffs.queries.checking import check_document
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.tariff_pages.bills import bill_rows, rate_for_page
from mains.web.office.tariff_pages.facts import case_text, fact_inputs
from mains.web.office.views.tariffs.drafts import typed_document
from mains.web.office.views.tariffs.opening import checked_context, draft_context, open_draft


@needs(Permission.SEE_TARIFF_DRAFTS)
def try_draft(request: OfficeRequest, draft_id: int) -> HttpResponse:
    """The draft as last saved, with the facts in the address, so that a bill can be shown to somebody else; or the
    text as it stands in the form or in the text view, unsaved, which is sent along.
    """
    draft = open_draft(request, draft_id)
    document, problem = draft.document, ""
    if "document" in request.POST:
        document, problem = typed_document(request)
    told = request.POST if request.method == "POST" else request.GET
    tariff = check_document(document, code=draft.code).tariff
    context = draft_context(request, draft, current="try_draft") | {
        "unsaved": document if document != draft.document else "",
        "problem": problem,
    }
    if tariff is None:
        context |= checked_context(document, code=draft.code)
    else:
        inputs = fact_inputs(tariff, told.dict(), today=request.today)
        text = case_text(inputs)
        rated = rate_for_page(document, text)
        in_force = rate_for_page(draft.document_in_force, text) if draft.document_in_force else None
        rows, total = bill_rows(rated, in_force, tariff)
        context |= {
            "inputs": inputs,
            "rated": rated,
            "in_force": in_force,
            "rows": rows,
            "total": total,
            "currency": tariff.currency,
            "case_text": text + expected_text(rated.result) if rated.result else text,
        }
    template = "office/tariffs/_tried.html" if request.htmx else "office/tariffs/try.html"
    return render(request, template, context)
