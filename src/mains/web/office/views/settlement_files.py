"""Files of settlement: payment orders for the bank, statements of payees and of houses."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from mains.base.wording import error_text
from mains.integrations.payment_orders.settlement_orders import write_russian_orders, write_settlement_orders
from mains.kernel.errors import MainsError
from mains.reporting.queries.settlement_files import settlement_csv, settlement_pdf, settlement_xlsx
from mains.reporting.queries.settlement_houses import house_table, houses_table
from mains.settlement.queries.statements import find_settlement
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.acting import SPREADSHEET, check_whole, file_response, table_response
from mains.web.office.views.settlement import asked_span, find_house, party_name


@needs(Permission.SETTLE)
def orders_file(request: OfficeRequest) -> HttpResponse:
    """The approved orders that no bank statement has shown yet, as pain.001."""
    check_whole(request)
    return _orders(
        request,
        lambda: write_settlement_orders(currency=currency_of_utility()),
        "payment-orders.xml",
        "application/xml",
    )


@needs(Permission.SETTLE)
def russian_orders_file(request: OfficeRequest) -> HttpResponse:
    """The same orders as 1C's client bank takes them."""
    check_whole(request)
    return _orders(request, write_russian_orders, "payment-orders.txt", "text/plain; charset=windows-1251")


def _orders(request: OfficeRequest, write: Callable[[], bytes], name: str, kind: str) -> HttpResponse:
    try:
        content = write()
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect("office:settlement")
    return file_response(content, name, kind)


@needs(Permission.SEE_REPORTS, Permission.SETTLE)
def statement(request: OfficeRequest, settlement_id: int, form: str) -> HttpResponse:
    """A settlement as it was drawn up: pdf, xlsx or csv, the same bytes each time."""
    check_whole(request)
    found = find_settlement(settlement_id=settlement_id)
    if found is None or form not in ("pdf", "xlsx", "csv"):
        raise Http404(_("There is no such settlement."))
    name = f"settlement-{settlement_id}.{form}"
    if form == "pdf":
        return file_response(settlement_pdf(found, currency=currency_of_utility()), name, "application/pdf")
    if form == "xlsx":
        return file_response(settlement_xlsx(found), name, SPREADSHEET)
    return file_response(settlement_csv(found), name, "text/csv; charset=utf-8")


@needs(Permission.SEE_REPORTS, Permission.SETTLE)
def houses_file(request: OfficeRequest, party_id: int, form: str) -> HttpResponse:
    """All houses of a party in the days asked for: csv, xlsx or pdf."""
    asked = asked_span(request)
    table = houses_table(scope=request.scope, span=asked.span, party_id=party_id, party=party_name(party_id))
    return table_response(table, form, f"settlement-{party_id}-houses")


@needs(Permission.SEE_REPORTS, Permission.SETTLE)
def house_file(request: OfficeRequest, party_id: int, building_id: int, form: str) -> HttpResponse:
    """The statement of one house: the accounts that paid for a party, as csv, xlsx or pdf."""
    asked, name = asked_span(request), party_name(party_id)
    line = find_house(request, asked, party_id, building_id)
    table = house_table(
        scope=request.scope,
        span=asked.span,
        party_id=party_id,
        party=name,
        building_id=building_id,
        house=line.title or _("No house"),
    )
    return table_response(table, form, f"settlement-{party_id}-house-{building_id}")
