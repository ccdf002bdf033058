"""The first page: the latest billed month in a few figures, and what waits for a person."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from mains.billing.queries.records import count_exceptions, list_runs
from mains.customers.queries.records import count_accounts, count_unmapped
from mains.network.values import UNIT_OF_SERVICE, Service
from mains.payments.queries.receipts import sum_suspense
from mains.reporting.queries.collection import (
    CollectionMonth,
    collection_by_month,
    collection_by_unit,
    find_ageing,
)
from mains.reporting.queries.overview import ledger_state, list_month_use, remember
from mains.reporting.queries.worklists import count_held_readings
from mains.staff.values import Permission, Scope
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.pictures import ageing_chart, money_chart, use_chart

UNIT = UNIT_OF_SERVICE[Service.ELECTRICITY.value]
FRESH_S = 60  # counts of what waits may be a minute old


@needs(Permission.SEE_ACCOUNTS)
def dashboard(request: OfficeRequest) -> HttpResponse:
    """Figures of the latest billed month within the person's scope; money only for those who may see it."""
    scope, permissions = request.scope, request.rights.permissions
    use = list_month_use(scope=scope)
    currency = currency_of_utility()
    context = {
        "currency": currency,
        "unit": UNIT,
        "accounts": remember("accounts", scope, lambda: count_accounts(scope=scope), seconds=FRESH_S),
        "use": use[-1] if use else None,
        "use_chart": use_chart(months=use, unit=UNIT) if use else None,
        "runs": list_runs(limit=4) if Permission.SEE_MONEY in permissions else [],
        "unmapped": remember(
            "unmapped", scope, lambda: count_unmapped(scope=scope, on_date=request.today), seconds=FRESH_S
        ),
        "held_readings": remember("held", scope, lambda: count_held_readings(scope=scope), seconds=FRESH_S),
    }
    if Permission.SEE_MONEY in permissions:
        context |= _money(request.rights.scope(Permission.SEE_MONEY), currency)
    return render(request, "office/dashboard.html", context)


def _money(scope: Scope, currency: str) -> dict[str, Any]:
    """Billed, collected and owed by month and unit; everything is remembered until the ledger moves."""
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
    ageing = find_ageing(scope=scope)
    return {
        "may_see_money": True,
        "months": months,
        "billed": next((row for row in reversed(months) if row.billed_minor), None),
        "owed_minor": months[-1].owed_minor if months else 0,
        "collected_minor": sum(row.collected_minor for row in months),
        "collection_rate": _rate(months),
        "units": units,
        "suspense": sum_suspense(),
        "odd_bills": count_exceptions(scope=scope),
        "money_chart": money_chart(months=months, currency=currency),
        "ageing_chart": ageing_chart(ageing=ageing, currency=currency) if ageing else None,
    }


def _rate(months: list[CollectionMonth]) -> Decimal | None:
    """Collected as a share of billed over the months shown."""
    billed = sum(row.billed_minor for row in months)
    collected = sum(row.collected_minor for row in months)
    return (Decimal(collected) / Decimal(billed)).quantize(Decimal("0.0001")) if billed > 0 else None
