"""What waits for a person: held readings, odd bills, accounts without an officer, money in suspense."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.billing.queries.records import count_exceptions, list_exceptions
from mains.customers.queries.records import AccountFilter, count_unmapped, list_accounts
from mains.kernel.errors import MainsError
from mains.metering.actions.readings import decide_exception
from mains.payments.queries.receipts import list_suspense, sum_suspense
from mains.reporting.queries.worklists import count_held_readings, find_held_reading, list_held_readings
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.parts import Tab

PAGE = 50


@needs(Permission.SEE_ACCOUNTS)
def exceptions(request: OfficeRequest) -> HttpResponse:
    """One worklist at a time; `show` in the address says which."""
    held = request.rights.permissions
    scopes = {name: request.rights.scope(name) for name in (Permission.SEE_MONEY, Permission.IMPORT_PAYMENTS)}
    counts = {
        "readings": (_("Readings held"), count_held_readings(scope=request.scope), "gauge"),
        "unmapped": (
            _("Without an officer"),
            count_unmapped(scope=request.scope, on_date=request.today),
            "user",
        ),
    }
    if Permission.SEE_MONEY in held:
        odd = count_exceptions(scope=scopes[Permission.SEE_MONEY])
        counts["bills"] = (_("Bills to look at"), odd, "file-invoice")
    if Permission.IMPORT_PAYMENTS in held:
        counts["suspense"] = (_("Suspense"), sum_suspense().count, "cash")
    show = request.GET.get("show", "readings")
    show = show if show in counts else "readings"
    rows, next_key = _rows(request, show)
    address = reverse("office:exceptions")
    context = {
        "show": show,
        "rows": rows,
        "next_url": f"?show={show}&after={next_key}" if next_key else "",
        "currency": currency_of_utility(),
        "may_decide": Permission.RECORD_READINGS in held,
        "tabs": [
            Tab(label, f"{address}?show={name}", is_current=name == show, icon=icon, count=count)
            for name, (label, count, icon) in counts.items()
        ],
    }
    return render(request, "office/exceptions.html", context)


def _rows(request: OfficeRequest, show: str) -> tuple[list[Any], str]:
    """A page of the worklist and the key of the next one, empty at the end."""
    after = request.GET.get("after", "")
    key = int(after) if after.isdecimal() and len(after) < 18 else 0
    rows: list[Any]
    if show == "unmapped":
        chosen = AccountFilter(is_unmapped=True)
        found = list_accounts(
            scope=request.scope, chosen=chosen, on_date=request.today, after=after, limit=PAGE + 1
        )
        return list(found[:PAGE]), found[PAGE - 1].number if len(found) > PAGE else ""
    if show == "suspense":
        scope = request.rights.scope(Permission.IMPORT_PAYMENTS)
        rows = list(list_suspense(scope=scope, after_id=key, limit=PAGE + 1))
    elif show == "bills":
        rows = list(
            list_exceptions(scope=request.rights.scope(Permission.SEE_MONEY), after=key, limit=PAGE + 1)
        )
    else:
        rows = list(list_held_readings(scope=request.scope, after_id=key, limit=PAGE + 1))
    return rows[:PAGE], str(rows[PAGE - 1].id) if len(rows) > PAGE else ""


@require_POST
@needs(Permission.RECORD_READINGS)
def decide(request: OfficeRequest, exception_id: int) -> HttpResponse:
    """Take or refuse a held reading."""

    if find_held_reading(exception_id=exception_id, scope=request.scope) is None:
        raise Http404(_("There is no such reading that you may decide on."))
    is_accepted = request.POST.get("decision") == "accept"
    try:
        decide_exception(exception_id=exception_id, is_accepted=is_accepted, now=now(), actor=request.user)
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(
            request, _("The reading was taken.") if is_accepted else _("The reading was refused.")
        )
    return redirect(reverse("office:exceptions") + "?show=readings")
