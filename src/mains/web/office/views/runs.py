"""Bill runs: what was billed, how far a run is, and what it found odd."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.clock import read_clock
from mains.base.formats import month_text
from mains.base.wording import error_text
from mains.billing.actions.recalculations import list_cycles
from mains.billing.actions.recalculations.watching import agree, look_now
from mains.billing.queries.hashes import run_hash
from mains.billing.queries.records import count_exceptions, find_run, list_exceptions, list_runs
from mains.billing.queries.watch import list_watches, read_limit, read_schedule
from mains.kernel.errors import MainsError
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
    sees_all = request.scope.organisation_ids is None
    shown = request.GET.get("show", "")
    context = {
        "runs": list_runs(is_settlement=shown == "settlements"),
        "show": shown,
        "currency": currency_of_utility(),
        "sees_all": sees_all,
        "may_run": _may_run(request),
    }
    if sees_all:
        context |= _by_itself()
    return render(request, "office/runs.html", context)


@require_POST
@needs(Permission.RUN_BILLING)
def look(request: OfficeRequest) -> HttpResponse:
    """Let a worker look at once for accounts that late facts touch."""
    _check_whole(request)
    if look_now(cycle=_cycle(request)):
        messages.success(request, _("A worker looks now; open the page again in a moment."))
    else:
        messages.info(request, _("A worker is about to look already."))
    return redirect("office:runs")


@require_POST
@needs(Permission.RUN_BILLING)
def agree_to_recalculate(request: OfficeRequest) -> HttpResponse:
    """Let a worker post the recalculation that waits, as it was seen."""
    _check_whole(request)
    seen = request.POST.get("touched", "")
    try:
        agree(
            cycle=_cycle(request),
            touched=int(seen) if seen.isdecimal() and len(seen) < 10 else -1,
            actor_id=request.user.pk,
            now=read_clock(),
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("A worker posts the recalculation; open the page again in a moment."))
    return redirect("office:runs")


def _by_itself() -> dict[str, Any]:
    """How recalculation by itself is set and stands, or what is wrong with its setting."""
    try:
        return {
            "schedule": read_schedule(),
            "limit": read_limit(),
            "watches": list_watches(now=read_clock()),
        }
    except MainsError as error:
        return {"setting_problem": error}


def _may_run(request: OfficeRequest) -> bool:
    """Posting to the whole utility is for people of the whole utility."""
    is_allowed = Permission.RUN_BILLING in request.rights.permissions
    return is_allowed and request.rights.scope(Permission.RUN_BILLING).organisation_ids is None


def _check_whole(request: OfficeRequest) -> None:
    if not _may_run(request):
        raise PermissionDenied("Only people of the whole utility post a recalculation of everybody.")


def _cycle(request: OfficeRequest) -> str:
    """The cycle that the form names; one that is billed."""
    named = request.POST.get("cycle", "")
    if named not in list_cycles():
        raise Http404(_("There is no such billing cycle."))
    return named


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
