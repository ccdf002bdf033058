"""A bill whose every amount opens its formula tree, down to readings and the clause of the tariff."""

from collections.abc import Mapping
from datetime import date
from itertools import groupby
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.base.units import UNIT_OF_SERVICE
from mains.billing.queries.openings import list_left_by
from mains.billing.queries.records import BillRecord, LineRecord, find_bill, list_bills, list_lines
from mains.billing.queries.settled import has_shares_to_come
from mains.billing.values import UnableToReadBillNumber, bill_number, parse_bill_number
from mains.customers.queries.records import AccountRecord, account_numbers, find_account, list_agreements
from mains.invoicing.queries.intervals import find_asking
from mains.ledger.queries.current_account import current_account
from mains.reporting.queries.bill_paper import bill_pdf as make_pdf
from mains.reporting.queries.bill_paper import protocol_pdf as make_protocol
from mains.staff.values import Permission
from mains.tariffs.queries.records import names_of_editions
from mains.web.office.access import OfficeRequest, needs, sees
from mains.web.office.explanations import explain_line
from mains.web.office.looking import note_opening
from mains.web.office.parts import Crumb
from mains.web.office.steps import causes_by_month, facts_by_month, find_steps


def open_bill(request: OfficeRequest, number: str) -> BillRecord:
    """The bill of a number, when the reader may see it; else Http404."""
    try:
        month, bill_id = parse_bill_number(number)
    except UnableToReadBillNumber as error:
        raise Http404(str(error)) from error
    found = find_bill(month=month, bill_id=bill_id, scope=request.scope)
    if found is None:
        raise Http404(_("There is no bill %(number)s that you may see.") % {"number": number})
    return found


def account_of(request: OfficeRequest, found: BillRecord) -> AccountRecord:
    """The account of a bill, when the reader may see it; else Http404."""
    numbers = account_numbers(account_ids=[found.account_id], scope=request.scope)
    number = numbers.get(found.account_id, ("", ""))[0]
    account = find_account(number=number, scope=request.scope, on_date=request.today)
    if account is None:
        raise Http404(_("The account of this bill is not yours to see."))
    note_opening(request, account_id=account.id, number=account.number)
    return account


@needs(Permission.SEE_MONEY)
def bill(request: OfficeRequest, number: str) -> HttpResponse:
    """The bill: this month by component, then recalculations of earlier months by month."""
    found = open_bill(request, number)
    account = account_of(request, found)
    lines = list_lines(bill=found)
    editions = names_of_editions(
        edition_ids=sorted({line.tariff_edition_id for line in lines}), language=get_language() or "en"
    )
    # By the supply and not by the agreement: what is left of one that was cut at a move is recorded anew.
    supplies = {agreement.service_point_id: agreement for agreement in list_agreements(account=account)}
    some = next(
        (supplies[line.service_point_id] for line in lines if line.service_point_id in supplies), None
    )
    bills = list_bills(account_id=account.id, scope=request.scope)
    # In the order of posting: recalculations lie between the months' bills.
    place = next((place for place, one in enumerate(bills) if one.id == found.id), 0)
    currency = some.currency if some else ""
    unit = UNIT_OF_SERVICE[some.service] if some else ""
    context = {
        "bill": found,
        "number": bill_number(found.month, found.id),
        "account": account,
        "address": some.address if some else "",
        "currency": currency,
        "steps": find_steps(found, currency=currency, unit=unit) if currency else None,
        "unit": unit,
        "groups": _groups(
            found,
            lines,
            causes=causes_by_month(found, unit=unit),
            facts=facts_by_month(found),
            is_settled=any(
                (one.is_settlement or one.is_on_site)
                and one.month == found.month
                and one.recorded_at < found.recorded_at
                for one in bills
            ),
        ),
        "balance_minor": _balance_with(found) if found.is_settlement else None,
        "asked_for": find_asking(month=found.month, bill_id=found.id, account_id=account.id),
        "waits_for_shares": found.is_settlement and has_shares_to_come(bill=found),
        "editions": editions,
        "carried": list_left_by(bill=found, scope=request.scope),
        "previous": next(iter(bills[place + 1 :]), None),
        "following": bills[place - 1] if place else None,
        "crumbs": [
            Crumb(account.number, reverse("office:account", args=[account.number])),
            Crumb(_("Bills and payments"), reverse("office:account_money", args=[account.number])),
            Crumb(bill_number(found.month, found.id)),
        ],
    }
    return render(request, "office/bill.html", context)


def _balance_with(found: BillRecord) -> int:
    """What the account owed with the bill; negative is a credit."""
    return current_account(account_id=found.account_id, as_of=found.recorded_at).closing_minor


def _groups(
    found: BillRecord,
    lines: list[LineRecord],
    *,
    causes: Mapping[date, list[list[str]]],
    facts: Mapping[date, list[str]],
    is_settled: bool,
) -> list[dict[str, Any]]:
    """Lines by month of use, the bill's own month first; included tax is shown but adds nothing. `is_settled`: of the
    bill's own month a final bill came before."""
    ordered = sorted(
        lines, key=lambda line: (line.service_month != found.month, line.service_month, line.line)
    )
    groups = []
    for month, members in groupby(ordered, key=lambda line: line.service_month):
        rows = list(members)
        groups.append(
            {
                "month": month,
                "is_correction": month < found.month,
                "is_rest": is_settled and month == found.month,
                "causes": causes.get(month, []),
                "facts": facts.get(month, []),
                "lines": rows,
                "total_minor": sum(line.amount_minor for line in rows if line.kind != "tax_included"),
            }
        )
    return groups


@needs(Permission.SEE_MONEY)
def line(request: OfficeRequest, number: str, place: int) -> HttpResponse:
    """The formula tree of one line: a part of the bill's page, or a page of its own without scripts."""
    found = open_bill(request, number)
    chosen = next((line for line in list_lines(bill=found) if line.line == place), None)
    if chosen is None:
        raise Http404(_("The bill has no such line."))
    explained = explain_line(bill=found, line=chosen, reader=request.rights.scope(Permission.SEE_ACCOUNTS))
    template = "office/partials/explained.html" if request.htmx else "office/bill_line.html"
    context = {"bill": found, "number": number, "line": chosen, "explained": explained}
    return render(request, template, context)


@needs(Permission.SEE_MONEY)
def bill_pdf(request: OfficeRequest, number: str) -> HttpResponse:
    """The bill as PDF, in the customer's language."""
    sees(request, Permission.SEE_NAMES)
    found = open_bill(request, number)
    return _pdf(make_pdf(month=found.month, bill_id=found.id), f"{number}.pdf")


@needs(Permission.SEE_MONEY)
def protocol(request: OfficeRequest, number: str) -> HttpResponse:
    """The calculation protocol as PDF, in the reader's language."""
    sees(request, Permission.SEE_NAMES)
    found = open_bill(request, number)
    language = get_language() or "en"
    content = make_protocol(month=found.month, bill_id=found.id, language=language)
    return _pdf(content, f"{number}-protocol.pdf")


def _pdf(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response
