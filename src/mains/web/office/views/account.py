"""The subscriber book: one account's whole life on a few pages that need no training to read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import polars as pl
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.balance.queries.losses import list_shares
from mains.base.units import UNIT_OF_SERVICE
from mains.billing.queries.openings import list_balance_places, list_carried, list_openings
from mains.billing.queries.records import BillRecord, list_bills, list_corrections
from mains.customers.queries.records import (
    AccountRecord,
    AgreementRecord,
    find_account,
    list_agreements,
    list_officers,
    list_payers,
)
from mains.debt.queries.plans import list_plans_of
from mains.ledger.queries.current_account import CurrentAccount, current_account
from mains.ledger.queries.deferrals import due_parts
from mains.ledger.queries.open_items import open_items
from mains.metering.queries.findings import FindingRecord, list_findings
from mains.metering.queries.interval_records import IntervalDayRecord, list_interval_days
from mains.metering.queries.photos import photos_of_readings
from mains.metering.queries.records import MeterRecord, UsageRecord, list_meters, list_readings, list_usage
from mains.network.queries.absences import list_absences
from mains.network.queries.conditions import list_conditions
from mains.network.queries.records import (
    find_premise,
    list_feeding_nodes,
    list_neighbours,
    list_point_figures,
    list_premise_states,
)
from mains.payments.queries.receipts import list_receipts
from mains.staff.queries.organisations import path_of
from mains.staff.values import EVERYTHING, Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.conditions import told_by_conditions
from mains.web.office.fact_forms import (
    AbsenceForm,
    ConditionForm,
    MeterErrorForm,
    OpeningBalanceForm,
    UnmeteredUseForm,
)
from mains.web.office.interval_pictures import hours_chart, month_of_intervals_chart
from mains.web.office.looking import note_opening
from mains.web.office.parts import Crumb, Tab
from mains.web.office.pictures import days_chart, months_chart, premise_map
from mains.web.office.readings import ReadingForm, reading_form

MONTHS_SHOWN = 15


@dataclass
class Book:
    """What the pages of one account share; each part is read once, when a page asks for it."""

    request: OfficeRequest
    account: AccountRecord

    @cached_property
    def agreements(self) -> list[AgreementRecord]:
        return list_agreements(account=self.account)

    @cached_property
    def current(self) -> AgreementRecord | None:
        """The agreement in force today, else the latest."""
        today = self.request.today
        in_force = [
            a for a in self.agreements if a.valid_from <= today and (a.valid_to is None or today < a.valid_to)
        ]
        return next(iter(in_force or self.agreements), None)

    @cached_property
    def point_ids(self) -> list[int]:
        return sorted({agreement.service_point_id for agreement in self.agreements})

    @property
    def points(self) -> list[tuple[int, str]]:
        """The account's service points with their services."""
        return sorted({(agreement.service_point_id, agreement.service) for agreement in self.agreements})

    @cached_property
    def findings(self) -> list[FindingRecord]:
        """Found errors of the account's meters while they hung there, and acts at its points while it paid there."""
        found = list_findings(
            register_ids=sorted({meter.register_id for meter in self.meters}),
            service_point_ids=self.point_ids,
        )
        return [finding for finding in found if self._concerns(finding)]

    def _concerns(self, finding: FindingRecord) -> bool:
        if finding.is_error:
            periods = [
                (meter.installed_from, meter.installed_to)
                for meter in self.meters
                if meter.register_id == finding.register_id
            ]
        else:
            periods = [
                (agreement.valid_from, agreement.valid_to)
                for agreement in self.agreements
                if agreement.service_point_id == finding.service_point_id
            ]
        return any(
            (finding.valid_to is None or start < finding.valid_to)
            and (end is None or finding.valid_from < end)
            for start, end in periods
        )

    @property
    def may_record(self) -> bool:
        return self.request.rights.may(Permission.RECORD_READINGS, self.account.organisation_id)

    @property
    def may_recalculate(self) -> bool:
        return self.request.rights.may(Permission.SEE_REPORTS, self.account.organisation_id)

    @cached_property
    def meters(self) -> list[MeterRecord]:
        """Registers at the account's points, within the time in which the account paid there."""
        held: dict[int, list[tuple[date, date | None]]] = {}
        for agreement in self.agreements:
            held.setdefault(agreement.service_point_id, []).append((agreement.valid_from, agreement.valid_to))
        return [
            meter
            for meter in list_meters(service_point_ids=self.point_ids)
            if any(
                (end is None or meter.installed_from < end)
                and (meter.installed_to is None or start < meter.installed_to)
                for start, end in held[meter.service_point_id]
            )
        ]

    @cached_property
    def usage(self) -> list[UsageRecord]:
        """Daily use of the last months in which the account paid for the point."""
        latest = max((bill.month for bill in self.bills), default=None) or self.request.today.replace(day=1)
        rows = list_usage(service_point_ids=self.point_ids, month_from=months_before(latest, MONTHS_SHOWN))
        return [row for row in rows if self._paid_in(row)]

    def interval_days(self, month: date) -> list[IntervalDayRecord]:
        """Days of interval data of the month on which the account paid for the point."""
        held = [(each.service_point_id, each.valid_from, each.valid_to) for each in self.agreements]
        return [
            record
            for record in list_interval_days(service_point_ids=self.point_ids, month=month)
            if any(
                point == record.service_point_id and start <= record.day and (end is None or record.day < end)
                for point, start, end in held
            )
        ]

    def _paid_in(self, row: UsageRecord) -> bool:
        following = months_before(row.month, -1)
        return any(
            agreement.service_point_id == row.service_point_id
            and agreement.valid_from < following
            and (agreement.valid_to is None or agreement.valid_to > row.month)
            for agreement in self.agreements
        )

    @cached_property
    def bills(self) -> list[BillRecord]:
        return list_bills(account_id=self.account.id, scope=self.request.scope)

    @cached_property
    def money(self) -> CurrentAccount:
        return current_account(account_id=self.account.id)

    @cached_property
    def may_see_money(self) -> bool:
        return self.request.rights.may(Permission.SEE_MONEY, self.account.organisation_id)

    @property
    def currency(self) -> str:
        return self.current.currency if self.current else currency_of_utility()

    @property
    def unit(self) -> str:
        return UNIT_OF_SERVICE[self.current.service] if self.current else ""

    @property
    def usage_months(self) -> list[date]:
        return sorted({row.month for row in self.usage}, reverse=True)


def months_before(month: date, count: int) -> date:
    """The first day of the month `count` months before (after, when negative)."""
    index = month.year * 12 + month.month - 1 - count
    return date(index // 12, index % 12 + 1, 1)


def open_book(request: OfficeRequest, number: str) -> Book:
    """The book of the account; 404 when it does not exist or lies outside the person's scope."""
    account = find_account(number=number, scope=request.scope, on_date=request.today)
    if account is None:
        raise Http404(_("There is no account %(number)s that you may see.") % {"number": number})
    note_opening(request, account_id=account.id, number=number)
    return Book(request=request, account=account)


def book_page(book: Book, template: str, tab: str, **context: Any) -> HttpResponse:
    """A page of the book under its tabs, `tab` being the name of its address."""
    number = book.account.number
    titles = [("account", _("Overview"), "user"), ("account_use", _("Consumption"), "bolt")]
    if book.may_see_money:
        titles.append(("account_money", _("Bills and payments"), "receipt"))
        titles.append(("account_debts", _("Debts and credits"), "scale"))
        titles.append(("account_mandates", _("Direct debit"), "credit-card"))
    titles += [
        ("account_meters", _("Meters and readings"), "gauge"),
        ("account_premise", _("Premise"), "home-2"),
        ("account_documents", _("Documents"), "archive"),
        ("account_history", _("History"), "history"),
    ]
    if book.request.rights.may(Permission.SEE_LOOKS, book.account.organisation_id):
        titles.append(("account_looks", _("Who looked"), "user"))
    if book.request.rights.may(Permission.HANDLE_PERSONAL_DATA, book.account.organisation_id):
        titles.append(("personal_data", _("Personal data"), "lock"))
    tabs = [
        Tab(label, reverse(f"office:{name}", args=[number]), is_current=name == tab, icon=icon)
        for name, label, icon in titles
    ]
    path = path_of(organisation_id=book.account.organisation_id, on_date=book.request.today)
    crumbs = [
        Crumb(
            name, f"{reverse('office:accounts')}?unit={unit_id}" if book.request.scope.covers(unit_id) else ""
        )
        for unit_id, name in path
    ]
    may_move = book.may_see_money and book.request.rights.may(
        Permission.RECORD_READINGS, book.account.organisation_id
    )
    shared = {
        "may_move": may_move,
        "may_read": book.request.rights.may(Permission.RECORD_READINGS, book.account.organisation_id),
        "book": book,
        "account": book.account,
        "tabs": tabs,
        "crumbs": [*crumbs, Crumb(number)],
    }
    return render(book.request, template, shared | context)


@needs(Permission.SEE_ACCOUNTS)
def overview(request: OfficeRequest, number: str) -> HttpResponse:
    """Who, where, what is owed, the last months and what happened lately."""
    book = open_book(request, number)
    registers = sorted({meter.register_id for meter in book.meters})
    charts = {}
    if book.usage:
        charts = {
            "months_chart": months_chart(usage=book.usage, unit=book.unit),
            "days_chart": days_chart(usage=book.usage, month=book.usage_months[0], unit=book.unit),
        }
    money = book.money if book.may_see_money else None
    return book_page(
        book,
        "office/account/overview.html",
        "account",
        balance_minor=money.closing_minor if money else None,
        entries=money.rows[:-7:-1] if money else (),
        overdue_minor=_overdue(money, book.account.id, request.today) if money else 0,
        last_payment=next((row for row in reversed(money.rows) if row.kind == "payment"), None)
        if money
        else None,
        readings=list_readings(register_ids=registers, limit=6) if registers else [],
        installed=[meter for meter in book.meters if meter.installed_to is None],
        **charts,
    )


def _overdue(money: CurrentAccount, account_id: int, today: date) -> int:
    """What is owed beyond the bills and instalments that are not due yet; never negative."""
    parts = due_parts(open_items(account_ids=[account_id]), on_date=today)
    not_due = int(parts.filter(pl.col("due_date") >= pl.lit(today))["outstanding_minor"].sum())
    return max(0, money.closing_minor - max(0, not_due))


@needs(Permission.SEE_ACCOUNTS)
def consumption(request: OfficeRequest, number: str) -> HttpResponse:
    """Use by month and by day, with the quality of every day."""
    book = open_book(request, number)
    months = book.usage_months
    wanted = request.GET.get("month", "")
    chosen = next((month for month in months if f"{month:%Y-%m}" == wanted), months[0] if months else None)
    rows = [row for row in book.usage if row.month == chosen]
    told = book.interval_days(chosen) if chosen else []
    days_told = sorted({record.day for record in told})
    day = next((each for each in days_told if f"{each.day}" == request.GET.get("day", "")), None)
    day = day or (days_told[-1] if days_told else None)
    return book_page(
        book,
        "office/account/consumption.html",
        "account_use",
        chosen=chosen,
        months=months,
        rows=rows,
        findings=_findings_of(book, chosen) if chosen else [],
        shares=list_shares(service_point_ids=book.point_ids, month_from=min(months)) if months else [],
        may_see_losses=Permission.SEE_REPORTS in request.rights.permissions,
        days=_days(rows),
        months_chart=months_chart(usage=book.usage, unit=book.unit) if months else None,
        days_chart=days_chart(usage=book.usage, month=chosen, unit=book.unit) if chosen else None,
        days_told=days_told,
        day=day,
        intervals=[record for record in told if record.day == day],
        hours_chart=hours_chart(days=told, day=day, unit=book.unit) if day else None,
        intervals_chart=month_of_intervals_chart(days=told, unit=book.unit) if day else None,
    )


def _findings_of(book: Book, month: date) -> list[FindingRecord]:
    """What is believed to be found of days of the month."""
    return [
        finding
        for finding in book.findings
        if finding.superseded_at is None
        and finding.valid_from < months_before(month, -1)
        and (finding.valid_to is None or finding.valid_to > month)
    ]


def _days(rows: list[UsageRecord]) -> list[tuple[date, list[tuple[int, str]]]]:
    """Day, then use and quality per row (point and zone)."""
    if not rows:
        return []
    month = rows[0].month
    return [
        (month.replace(day=place + 1), [(row.days_micro[place], row.quality[place]) for row in rows])
        for place in range(len(rows[0].days_micro))
    ]


@needs(Permission.SEE_MONEY)
def money(request: OfficeRequest, number: str) -> HttpResponse:
    """Bills, recalculations, payments and the current account with its running balance."""
    return money_page(open_book(request, number))


def money_page(
    book: Book, *, form: OpeningBalanceForm | None = None, opening_preview: Mapping[str, object] | None = None
) -> HttpResponse:
    """The page of bills and payments with the form for an opening balance; shown again after a refusal, or with what
    the balance would change."""
    scope = book.request.scope
    return book_page(
        book,
        "office/account/money.html",
        "account_money",
        balance_minor=book.money.closing_minor,
        entries=book.money.rows[::-1],
        carried=list_carried(account_id=book.account.id, scope=scope),
        openings=list_openings(account_id=book.account.id, scope=scope),
        form=form or (opening_form(book) if book.may_record else None),
        opening_preview=opening_preview,
        corrections=list_corrections(bills=book.bills),
        may_recalculate=book.may_recalculate,
        receipts=list_receipts(account_id=book.account.id),
    )


def plans_of(book: Book) -> dict[str, object]:
    """What the card of instalment plans shows."""
    return {
        "plans": list_plans_of(account_id=book.account.id, scope=EVERYTHING, today=book.request.today),
        "may_plan": book.request.rights.may(Permission.PROPOSE_MONEY, book.account.organisation_id),
    }


def opening_form(book: Book, told: QueryDict | None = None) -> OpeningBalanceForm | None:
    """The form for an opening balance; None where no tariff of the account carries a balance."""
    places = list_balance_places(account_id=book.account.id, scope=book.request.scope)
    return OpeningBalanceForm(told, places=places, language=get_language() or "en") if places else None


@needs(Permission.SEE_ACCOUNTS)
def meters(request: OfficeRequest, number: str) -> HttpResponse:
    """Meters, seals and readings, and the form that records a reading."""
    book = open_book(request, number)
    return meters_page(book)


def meters_page(
    book: Book,
    *,
    form: ReadingForm | None = None,
    error_form: MeterErrorForm | None = None,
    act_form: UnmeteredUseForm | None = None,
) -> HttpResponse:
    """The page of meters with its forms; one that was refused is shown again as it was sent, with its errors."""
    registers = sorted({meter.register_id for meter in book.meters})
    readings = list_readings(register_ids=registers, limit=200) if registers else []
    forms: dict[str, object] = {}
    if book.may_record:
        forms = {
            "form": form or reading_form(book.meters, today=book.request.today),
            "error_form": error_form or (MeterErrorForm(meters=book.meters) if book.meters else None),
            "act_form": act_form
            or (UnmeteredUseForm(points=book.points, meters=book.meters) if book.points else None),
        }
    return book_page(
        book,
        "office/account/meters.html",
        "account_meters",
        **forms,
        readings=readings,
        photos=photos_of_readings(reading_ids=[reading.id for reading in readings]),
    )


@needs(Permission.SEE_ACCOUNTS)
def premise(request: OfficeRequest, number: str) -> HttpResponse:
    """The place: attributes over time, agreements, officers, the network that feeds it, the map."""
    return premise_page(open_book(request, number))


def premise_page(
    book: Book, *, form: AbsenceForm | None = None, condition_form: ConditionForm | None = None
) -> HttpResponse:
    """The page of the premise with the forms for absences and conditions; shown again with their errors after a
    refusal."""
    place = find_premise(premise_id=book.current.premise_id) if book.current else None
    context: dict[str, Any] = {}
    if place and book.current:
        node_id, today = book.current.node_id, book.request.today
        told = told_by_conditions(book.points, today=today) if book.may_record else []
        nodes = list_feeding_nodes(node_id=node_id, on_date=today)
        context = {
            "premise": place,
            "states": list_premise_states(premise_id=place.id),
            "absences": list_absences(premise_id=place.id),
            "form": (form or AbsenceForm()) if book.may_record else None,
            "conditions": list_conditions(service_point_ids=[point_id for point_id, _ in book.points]),
            "condition_form": condition_form or (ConditionForm(told=told) if told else None),
            "nodes": nodes,
            "service": book.current.service,
            "may_see_nodes": Permission.SEE_REPORTS in book.request.rights.permissions,
            "figures": list_point_figures(node_id=node_id, on_date=today),
            "map": premise_map(premise=place, neighbours=list_neighbours(premise=place), nodes=nodes),
            "payers": list_payers(service_point_ids=book.point_ids, scope=book.request.scope),
        }
    officers = list_officers(account=book.account)
    return book_page(book, "office/account/premise.html", "account_premise", officers=officers, **context)
