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
from mains.billing.queries.watch import count_waiting
from mains.customers.actions.worklist import give_account_to_officer
from mains.customers.queries.records import AccountFilter, find_account, list_accounts
from mains.kernel.errors import MainsError
from mains.metering.actions.readings import decide_exception
from mains.metering.queries.photos import photos_of_exceptions
from mains.payments.queries.receipts import list_suspense, sum_suspense
from mains.reporting.actions.figures import rebuild_account_figures
from mains.reporting.queries.overview import count_open_accounts
from mains.reporting.queries.worklists import count_held_readings, find_held_reading, list_held_readings
from mains.staff.queries.officers import officers_of_units
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
            count_open_accounts(scope=request.scope, on_date=request.today).unmapped,
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
        "recalculation_waits": _recalculation_waits(request),
        "rows": rows,
        "photos": photos_of_exceptions(exception_ids=[row.id for row in rows]) if show == "readings" else {},
        "next_url": f"?show={show}&after={next_key}" if next_key else "",
        "currency": currency_of_utility(),
        "may_decide": Permission.RECORD_READINGS in held,
        "officers": _officers(request, rows) if show == "unmapped" else {},
        "tabs": [
            Tab(label, f"{address}?show={name}", is_current=name == show, icon=icon, count=count)
            for name, (label, count, icon) in counts.items()
        ],
    }
    return render(request, "office/exceptions.html", context)


def _recalculation_waits(request: OfficeRequest) -> bool:
    """Whether recalculation by itself waits for one of the people who may post it."""
    scope = request.rights.scope(Permission.RUN_BILLING)
    is_theirs = Permission.RUN_BILLING in request.rights.permissions and scope.organisation_ids is None
    return is_theirs and count_waiting() > 0


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


def _officers(request: OfficeRequest, rows: list[Any]) -> dict[int, list[tuple[int, str]]]:
    """Whom the accounts of the page can be given to, by unit; nobody for those who may not give them."""
    mine = request.rights.scope(Permission.RECORD_READINGS)
    if Permission.SEE_REPORTS not in request.rights.permissions:
        return {}
    units = sorted({row.organisation_id for row in rows if mine.covers(row.organisation_id)})
    return officers_of_units(organisation_ids=units, on_date=request.today)


@require_POST
@needs(Permission.SEE_REPORTS)
def give_to_officer(request: OfficeRequest, number: str) -> HttpResponse:
    """Give an account that nobody answers for to a field officer of its unit, from today on.

    It takes a supervisor: whoever sees reports and may record readings there.
    """
    account = find_account(number=number, scope=request.scope, on_date=request.today)
    if account is None or not request.rights.may(Permission.RECORD_READINGS, account.organisation_id):
        raise Http404(_("There is no account %(number)s that you may see.") % {"number": number})
    wanted = request.POST.get("officer", "")
    unit = account.organisation_id
    offered = dict(officers_of_units(organisation_ids=[unit], on_date=request.today)[unit])
    name = offered.get(int(wanted)) if wanted.isdecimal() and len(wanted) < 18 else None
    if name is None:
        messages.error(request, _("Choose a field officer of the unit."))
        return redirect(reverse("office:exceptions") + "?show=unmapped")
    instant = now()
    try:
        give_account_to_officer(
            number=number,
            scope=request.scope,
            officer_id=int(wanted),
            valid_from=request.today,
            actor=request.user,
            now=instant,
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        rebuild_account_figures(on_date=request.today, now=instant, organisation_id=unit)
        messages.success(
            request,
            _("%(officer)s answers for account %(number)s now.") % {"officer": name, "number": number},
        )
    return redirect(reverse("office:exceptions") + "?show=unmapped")
