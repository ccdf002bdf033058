"""Bill runs: what was billed, how far a run is, and what it found odd."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from mains.base.formats import month_text
from mains.billing.queries.hashes import run_hash
from mains.billing.queries.records import count_exceptions, find_run, list_exceptions, list_runs
from mains.reporting.queries.overview import remember
from mains.staff.values import EVERYTHING, Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.parts import Crumb

PAGE = 50
HASHED_ACCOUNTS = 20_000


@needs(Permission.SEE_MONEY)
def runs(request: OfficeRequest) -> HttpResponse:
    """Runs and recalculations, latest first. Totals are of the whole utility: for people of the whole utility."""
    context = {
        "runs": list_runs(),
        "currency": currency_of_utility(),
        "sees_all": request.scope.organisation_ids is None,
    }
    return render(request, "office/runs.html", context)


@needs(Permission.SEE_MONEY)
def run(request: OfficeRequest, run_id: int) -> HttpResponse:
    """One run with its exceptions within the person's scope."""
    found = find_run(run_id=run_id)
    if found is None:
        raise Http404(_("There is no such bill run."))
    after = request.GET.get("after", "")
    lines = list_exceptions(
        scope=request.scope,
        run_id=run_id,
        after=int(after) if after.isdecimal() and len(after) < 18 else 0,
        limit=PAGE + 1,
    )
    sees_all = request.scope.organisation_ids is None
    # Hashing reads every row of the run: at once for a small utility, else by `mains bill status`.
    is_small = found.status == "posted" and found.accounts <= HASHED_ACCOUNTS and sees_all
    context = {
        "run": found,
        "currency": currency_of_utility(),
        "sees_all": sees_all,
        "checksum": remember(f"run-hash:{run_id}", EVERYTHING, lambda: run_hash(run_id)) if is_small else "",
        "exceptions": lines[:PAGE],
        "exception_count": count_exceptions(scope=request.scope, run_id=run_id),
        "next_url": f"?after={lines[PAGE - 1].id}" if len(lines) > PAGE else "",
        "buckets": found.parts,
        "crumbs": [
            Crumb(_("Bills and runs"), reverse("office:runs")),
            Crumb(month_text(found.month, language=request.LANGUAGE_CODE)),
        ],
    }
    return render(request, "office/run.html", context)
