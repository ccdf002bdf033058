"""Completeness of billing: what became of every service-point-day, and the days of which nothing did."""

from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.invoicing.queries.intervals import list_waiting_spans
from mains.kernel.errors import MainsError
from mains.network.actions.idle import record_idle_period
from mains.network.values import IdleReason
from mains.reporting.actions.completeness import start_completeness_check
from mains.reporting.queries.completeness.records import find_hole, find_last_check, list_causes, list_holes
from mains.reporting.values import DayState, HoleCause
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now

PAGE = 50


@needs(Permission.SEE_REPORTS)
def completeness(request: OfficeRequest) -> HttpResponse:
    """The last check within the person's scope, and the way down to the service point."""
    check = find_last_check(scope=request.scope)
    context: dict[str, object] = {"check": check}
    if check is not None:
        cause = request.GET.get("cause", "")
        cause = cause if cause in HoleCause.values else ""
        skipped = request.GET.get("after", "")
        offset = int(skipped) if skipped.isdecimal() and len(skipped) < 9 else 0
        holes = list_holes(scope=request.scope, check_id=check.id, cause=cause, offset=offset, limit=PAGE + 1)
        context |= {
            "states": [(state.label, check.days.get(state.value, 0), state.value) for state in DayState],
            "causes": list_causes(scope=request.scope, check_id=check.id),
            "cause": cause,
            "holes": holes[:PAGE],
            "next_url": f"?cause={cause}&after={offset + PAGE}" if len(holes) > PAGE else "",
            "waiting": list_waiting_spans(scope=request.scope),
            "may_explain": Permission.RECORD_READINGS in request.rights.permissions,
            "reasons": IdleReason.choices,
        }
    return render(request, "office/completeness.html", context)


@require_POST
@needs(Permission.SEE_REPORTS)
def check(request: OfficeRequest) -> HttpResponse:
    """Let a worker check anew; the page shows the result when it is there."""
    if start_completeness_check(on_date=request.today, now=now()):
        messages.success(request, _("A worker checks it now; open the page again in a moment."))
    else:
        messages.info(request, _("A check waits already."))
    return redirect("office:completeness")


@require_POST
@needs(Permission.RECORD_READINGS)
def explain(request: OfficeRequest, hole_id: int) -> HttpResponse:
    """Record why nobody has to pay on the days of a hole; it leaves the list with the next check."""
    hole = find_hole(scope=request.scope, hole_id=hole_id)
    if hole is None:
        raise Http404(_("There is no such hole that you may explain."))
    try:
        for first, last in hole.stretches:
            record_idle_period(
                service_point_id=hole.service_point_id,
                reason=request.POST.get("reason", ""),
                valid_from=first,
                valid_to=last + timedelta(days=1),
                proof=request.POST.get("proof", "")[:200],
                actor=request.user,
                now=now(),
            )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(
            request, _("Recorded for %(code)s; check again to see it.") % {"code": hole.service_point_code}
        )
    return redirect("office:completeness")
