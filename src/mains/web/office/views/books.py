"""The books: through which day they are closed, reopening by two people, and the chart of accounts."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from mains.ledger.actions.chart import state_account
from mains.ledger.actions.periods import ask_to_reopen, decide_reopening
from mains.ledger.actions.policies import state_policy
from mains.ledger.queries.chart import read_chart
from mains.ledger.queries.periods import closed_books, list_period_events
from mains.ledger.queries.policies import list_policies
from mains.ledger.values import Book, Control, PenaltyOrder, PolicyRule
from mains.reporting.actions.closing import close_books
from mains.reporting.queries.closing import look_before_closing
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.acting import act_and_return, check_whole
from mains.web.office.clock import now
from mains.web.office.fact_forms import DayField

PAGE = "office:books"


class DaysForm(forms.Form):
    """A book and a day, to close or to reopen."""

    book = forms.ChoiceField(label=gettext_lazy("Book"), choices=Book.choices)
    day = DayField(label=gettext_lazy("Through"))


class ReopenForm(DaysForm):
    day = DayField(label=gettext_lazy("Open from"))
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy("What has to be posted, and on whose word."),
    )


class PolicyForm(forms.Form):
    """Which debts payments cover first, from a day on."""

    rule = forms.ChoiceField(label=gettext_lazy("Payments cover"), choices=PolicyRule.choices)
    services = forms.CharField(
        label=gettext_lazy("Services in order"),
        required=False,
        help_text=gettext_lazy("For service by service only, divided by commas."),
    )
    penalty = forms.ChoiceField(label=gettext_lazy("Late interest"), choices=PenaltyOrder.choices)
    day = DayField(label=gettext_lazy("From"))
    proof = forms.CharField(
        label=gettext_lazy("Document"),
        max_length=200,
        help_text=gettext_lazy("The order or the article of law."),
    )


class ChartForm(forms.Form):
    control = forms.ChoiceField(label=gettext_lazy("Control account"), choices=Control.choices)
    service = forms.CharField(
        label=gettext_lazy("Service"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("Empty: for all services."),
    )
    code = forms.CharField(label=gettext_lazy("Number"), max_length=20)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100, required=False)


@needs(Permission.SEE_REPORTS, Permission.CLOSE_BOOKS)
def books(request: OfficeRequest) -> HttpResponse:
    """What is closed, and before closing what is open about the days."""
    check_whole(request)
    return _page(request)


@require_POST
@needs(Permission.CLOSE_BOOKS)
def close(request: OfficeRequest) -> HttpResponse:
    """Show what is open about the days; close them when the person has seen that."""
    check_whole(request)
    form = DaysForm(request.POST)
    if not form.is_valid():
        return _page(request, close_form=form)
    book, day = Book(form.cleaned_data["book"]), form.cleaned_data["day"]
    if "seen" not in request.POST:
        return _page(
            request, close_form=form, before=look_before_closing(book=book, day=day), book=book, day=day
        )
    return act_and_return(
        request,
        lambda: close_books(book=book, day=day, now=now(), actor_id=request.user.pk),
        done=_("The days are closed."),
        page=PAGE,
    )


@require_POST
@needs(Permission.CLOSE_BOOKS)
def ask(request: OfficeRequest) -> HttpResponse:
    """Ask that days take transactions again."""
    check_whole(request)
    form = ReopenForm(request.POST)
    if not form.is_valid():
        return _page(request, reopen_form=form)
    told = form.cleaned_data
    return act_and_return(
        request,
        lambda: ask_to_reopen(
            book=Book(told["book"]),
            from_day=told["day"],
            reason=told["reason"],
            now=now(),
            actor_id=request.user.pk,
        ),
        done=_("Asked. A colleague who may close the books decides."),
        page=PAGE,
    )


@require_POST
@needs(Permission.CLOSE_BOOKS)
def decide(request: OfficeRequest, event_id: int) -> HttpResponse:
    """Agree to a reopening, or refuse it."""
    check_whole(request)
    agree = request.POST.get("decision") == "agree"
    return act_and_return(
        request,
        lambda: decide_reopening(request_id=event_id, agree=agree, now=now(), actor_id=request.user.pk),
        done=_("The days are open again.") if agree else _("The request is refused."),
        page=PAGE,
    )


@require_POST
@needs(Permission.CLOSE_BOOKS)
def state_chart(request: OfficeRequest) -> HttpResponse:
    """Number a control account as the utility's accountants do."""
    check_whole(request)
    form = ChartForm(request.POST)
    if not form.is_valid():
        return _page(request, chart_form=form)
    return act_and_return(
        request,
        lambda: state_account(**form.cleaned_data),
        done=_("The account is numbered."),
        page=PAGE,
    )


@require_POST
@needs(Permission.CLOSE_BOOKS)
def state_rule(request: OfficeRequest) -> HttpResponse:
    """State which debts payments cover first from a day on."""
    check_whole(request)
    form = PolicyForm(request.POST)
    if not form.is_valid():
        return _page(request, policy_form=form)
    told = form.cleaned_data
    return act_and_return(
        request,
        lambda: state_policy(
            rule=told["rule"],
            services=told["services"].split(","),
            penalty=told["penalty"],
            valid_from=told["day"],
            proof=told["proof"],
            actor=request.user,
            now=now(),
        ),
        done=_("Payments from that day on follow it."),
        page=PAGE,
    )


def _page(request: OfficeRequest, **given: Any) -> HttpResponse:
    yesterday: date = request.today - timedelta(days=1)
    events = list_period_events()
    context = {
        "closed": closed_books().items(),
        "events": events,
        "last": next((event for event in events if event.balances), None),
        "chart": read_chart().rows.values(),
        "close_form": DaysForm(initial={"book": Book.MONEY, "day": yesterday}),
        "reopen_form": ReopenForm(initial={"book": Book.MONEY}),
        "policies": list_policies(),
        "policy_form": PolicyForm(initial={"day": request.today}),
        "chart_form": ChartForm(),
        "may_close": Permission.CLOSE_BOOKS in request.rights.permissions,
        "currency": currency_of_utility(),
    }
    return render(request, "office/books.html", context | given)
