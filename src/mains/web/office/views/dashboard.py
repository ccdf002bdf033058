"""The first page: the latest billed month in a few figures, and what waits for a person."""

from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from mains.base.units import UNIT_OF_SERVICE
from mains.billing.queries.records import count_exceptions, list_runs
from mains.payments.queries.receipts import sum_suspense
from mains.reporting.queries.collection import (
    collection_by_month,
    collection_by_unit,
    find_ageing,
)
from mains.reporting.queries.overview import (
    FRESH_S,
    count_open_accounts,
    ledger_state,
    list_month_use,
    remember,
)
from mains.reporting.queries.worklists import count_held_readings
from mains.staff.values import Permission, Scope
from mains.tariffs.queries.records import currency_of_utility, service_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.findings import share
from mains.web.office.pictures import ageing_chart, money_chart, use_chart


@needs(Permission.SEE_ACCOUNTS)
def dashboard(request: OfficeRequest) -> HttpResponse:
    """Figures of the latest billed month within the person's scope; money only for those who may see it."""
    scope, permissions = request.scope, request.rights.permissions
    use = list_month_use(scope=scope)
    currency = currency_of_utility()
    unit = UNIT_OF_SERVICE.get(service_of_utility(), "")
    context = {
        "currency": currency,
        "unit": unit,
        "counts": count_open_accounts(scope=scope, on_date=request.today),
        "use": use[-1] if use else None,
        "use_chart": use_chart(months=use, unit=unit) if use else None,
        "runs": list_runs(limit=4) if Permission.SEE_MONEY in permissions else [],
        "held_readings": remember("held", scope, lambda: count_held_readings(scope=scope), seconds=FRESH_S),
    }
    if Permission.SEE_MONEY in permissions:
        last_run = use[-1].month if use else request.today
        context |= _money(request.rights.scope(Permission.SEE_MONEY), currency, request.today, last_run)
    return render(request, "office/dashboard.html", context)


def _money(scope: Scope, currency: str, today: date, last_run: date) -> dict[str, Any]:
    """Billed, collected and owed by month and unit; everything is remembered until the ledger moves.

    Late interest and bills at the door come in the open month too: figures of "billed" are those up to `last_run`.
    """
    state = ledger_state()
    if state is None:
        return {"suspense": sum_suspense(), "odd_bills": 0}
    after = (state.last_month + timedelta(days=32)).replace(day=1)
    first = max(state.first_month, date(after.year - 1, after.month, 1))
    key = f"{state.last_transaction_id}:{first}:{after}"
    months = remember(
        f"collection:{key}", scope, lambda: collection_by_month(scope=scope, month_from=first, month_to=after)
    )
    units = remember(
        f"units:{key}", scope, lambda: collection_by_unit(scope=scope, month_from=first, month_to=after)
    )
    ageing = find_ageing(scope=scope, on_date=today)
    billed = next((row for row in reversed(months) if row.billed_minor and row.month <= last_run), None)
    return {
        "may_see_money": True,
        "months": months,
        "billed": billed,
        "collection_rate": share(billed.collected_minor, billed.billed_minor) if billed else None,
        "owed_minor": months[-1].owed_minor if months else 0,
        "owed_on": min(today, after - timedelta(days=1)),
        "units_from": next((row.month for row in months if row.billed_minor or row.collected_minor), first),
        "units": units,
        "suspense": sum_suspense(),
        "odd_bills": remember("odd-bills", scope, lambda: count_exceptions(scope=scope), seconds=FRESH_S),
        "money_chart": money_chart(months=months, currency=currency),
        "ageing_chart": ageing_chart(ageing=ageing, currency=currency) if ageing else None,
        "ageing": ageing,
    }
