"""Instalment plans: the list, one plan with its course, and making one with a preview."""

import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.base.wording import error_text
from mains.debt.actions.plans import cancel_plan, propose_plan
from mains.debt.queries.open_debts import list_open_debts
from mains.debt.queries.plan_drafts import Draft, draft_plan, months_later
from mains.debt.queries.plans import (
    PlanFilter,
    PlanRecord,
    count_plans,
    find_plan,
    list_plan_debts,
    list_plan_notes,
    list_plan_terms,
    list_plans,
)
from mains.debt.values import PlanKind, PlanState
from mains.kernel.errors import MainsError
from mains.reporting.queries.plan_paper import plan_pdf
from mains.staff.queries.organisations import list_units
from mains.staff.queries.rights import subtree_of
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs, sees
from mains.web.office.clock import now
from mains.web.office.parts import Crumb
from mains.web.office.plan_forms import PlanForm
from mains.web.office.views.account import Book, book_page, open_book
from mains.web.office.views.banks import is_key

PAGE = 50
CSV_ROWS = 20_000
_KEPT = ("state", "kind", "unit", "q")
_REMEMBERED = "plan_filters"


@needs(Permission.SEE_MONEY)
def plans(request: OfficeRequest) -> HttpResponse:
    """The list. Its filters live in the address and are remembered until they are changed."""
    given = {name: request.GET[name] for name in _KEPT if request.GET.get(name)}
    remembered = request.session.get(_REMEMBERED)
    if not request.GET and remembered:
        return redirect(f"{reverse('office:plans')}?{urlencode(remembered)}")
    request.session[_REMEMBERED] = given
    after = request.GET.get("after", "")
    found = list_plans(
        scope=request.scope,
        chosen=_chosen(request),
        today=request.today,
        after_id=int(after) if is_key(after) else None,
        limit=PAGE + 1,
    )
    kept = urlencode(given)
    context = {
        "plans": found[:PAGE],
        "counts": count_plans(scope=request.scope),
        "chosen": {name: request.GET.get(name, "") for name in _KEPT},
        "states": PlanState.choices,
        "kinds": PlanKind.choices,
        "units": list_units(scope=request.scope, on_date=request.today),
        "terms": list_plan_terms(),
        "currency": currency_of_utility(),
        "csv_url": f"{reverse('office:plans_csv')}?{kept}",
        "next_url": f"?{kept}&after={found[PAGE - 1].id}" if len(found) > PAGE else "",
    }
    return render(request, "office/plans.html", context)


@needs(Permission.SEE_MONEY)
def plans_csv(request: OfficeRequest) -> HttpResponse:
    """The same rows, all of them, as CSV."""
    found = list_plans(scope=request.scope, chosen=_chosen(request), today=request.today, limit=CSV_ROWS)
    response = HttpResponse(_csv(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="plans-{request.today}.csv"'
    return response


@needs(Permission.SEE_MONEY)
def plan(request: OfficeRequest, plan_id: int) -> HttpResponse:
    """One plan: instalments with what was paid, the debts that it covers, how it stood when."""
    found = _find(request, plan_id)
    schedule = found.course.rows if found.course else ()
    context = {
        "plan": found,
        "rows": schedule,
        "debts": list_plan_debts(plan_id=plan_id),
        "notes": list_plan_notes(plan_id=plan_id),
        "currency": currency_of_utility(),
        "total_minor": found.debt_minor + found.interest_minor,
        "may_propose": request.rights.may(Permission.PROPOSE_MONEY, found.organisation_id),
        "crumbs": [
            Crumb(_("Instalment plans"), reverse("office:plans")),
            Crumb(_("Plan %(number)s") % {"number": plan_id}),
        ],
    }
    return render(request, "office/plan.html", context)


@needs(Permission.SEE_MONEY)
def agreement(request: OfficeRequest, plan_id: int) -> HttpResponse:
    """The agreement as PDF, in the customer's language."""
    sees(request, Permission.SEE_NAMES)
    _find(request, plan_id)
    try:
        content = plan_pdf(plan_id=plan_id, today=request.today, scope=request.scope)
    except MainsError as error:
        messages.error(request, error_text(error))
        return redirect("office:plan", plan_id=plan_id)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="plan-{plan_id}.pdf"'
    return response


@require_POST
@needs(Permission.PROPOSE_MONEY)
def cancel(request: OfficeRequest, plan_id: int) -> HttpResponse:
    """End a plan today."""
    try:
        cancel_plan(
            plan_id=plan_id,
            reason=request.POST.get("reason", ""),
            now=now(),
            actor_id=request.user.pk,
            scope=request.scope,
        )
    except MainsError as error:
        if error.code == "plan-unknown":
            raise Http404(error.message) from error
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("The plan is cancelled. What is left is due as before."))
    return redirect("office:plan", plan_id=plan_id)


@needs(Permission.PROPOSE_MONEY)
def make(request: OfficeRequest, number: str) -> HttpResponse:
    """Make a plan: fill in, look at the instalments, agree. `?replaces=` names the plan that it takes over."""
    book = open_book(request, number)
    if not book.may_see_money:
        raise PermissionDenied("This page needs the permission see_money.")
    replaced = _replaced(request, book)
    form = _form(request, book, replaced)
    draft: Draft | None = None
    if request.method == "POST" and form.is_valid():
        wanted = form.wanted(account_id=book.account.id, replaces_id=replaced.id if replaced else None)
        try:
            draft = draft_plan(wanted)
            if "agree" in request.POST:
                made = propose_plan(
                    wanted=wanted,
                    reason=form.cleaned_data["reason"],
                    document=form.cleaned_data["document"],
                    now=now(),
                    actor_id=request.user.pk,
                    scope=request.scope,
                )
                messages.success(
                    request,
                    _("Proposed. A colleague who may approve it decides.")
                    if draft.needs_approval
                    else _("The plan holds."),
                )
                return redirect("office:plan", plan_id=made.pk)
        except MainsError as error:
            form.add_error(None, error_text(error))
    return book_page(
        book, "office/account/plan.html", "account_money", form=form, draft=draft, replaced=replaced
    )


def _form(request: OfficeRequest, book: Book, replaced: PlanRecord | None) -> PlanForm:
    debts = list_open_debts(account_id=book.account.id, today=request.today)
    data: Any = request.POST if request.method == "POST" else None
    covered = {one.item_id for one in list_plan_debts(plan_id=replaced.id)} if replaced else None
    initial = {
        "kind": replaced.kind if replaced else PlanKind.ORDINARY.value,
        "debts": [
            one.item_id
            for one in debts
            if (one.item_id in covered if covered is not None else one.due_date <= request.today)
        ],
        "start": request.today,
        "first": months_later(request.today + timedelta(days=1), 1).replace(day=10),
        "count": 6,
    }
    language = get_language() or "en"
    return PlanForm(data, initial=initial, debts=debts, currency=book.currency, language=language)


def _replaced(request: OfficeRequest, book: Book) -> PlanRecord | None:
    told = request.GET.get("replaces", "")
    if not told:
        return None
    found = find_plan(plan_id=int(told), scope=request.scope, today=request.today) if is_key(told) else None
    if found is None or found.account_id != book.account.id:
        raise Http404(_("There is no such plan that you may see."))
    return found


def _find(request: OfficeRequest, plan_id: int) -> PlanRecord:
    found = find_plan(plan_id=plan_id, scope=request.scope, today=request.today)
    if found is None:
        raise Http404(_("There is no such plan that you may see."))
    return found


def _chosen(request: OfficeRequest) -> PlanFilter:
    unit = request.GET.get("unit", "")
    state, kind = request.GET.get("state", ""), request.GET.get("kind", "")
    return PlanFilter(
        state=state if state in PlanState.values else "",
        kind=kind if kind in PlanKind.values else "",
        organisation_ids=tuple(subtree_of(organisation_ids=[int(unit)], on_date=request.today))
        if is_key(unit)
        else None,
        text=request.GET.get("q", "").strip()[:100],
    )


def _csv(found: Sequence[PlanRecord]) -> str:
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(
        ["plan", "account", "customer", "unit", "kind", "state", "since", "from", "instalments", "debt", "interest",
         "paid", "left", "late", "next_due", "document"]
    )  # fmt: skip
    for one in found:
        course = one.course
        upcoming = course.next_due if course else None
        texts = [one.customer_name, one.organisation_name, one.document]
        # What a spreadsheet would compute stays text.
        customer, unit, document = [
            f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text for text in texts
        ]
        figures = [one.debt_minor, one.interest_minor, course.paid_minor if course else 0,
                   course.left_minor if course else one.debt_minor, one.late_minor]  # fmt: skip
        writer.writerow(
            [one.id, one.number, customer, unit, one.kind, one.state.value, one.since.isoformat(),
             one.start_date.isoformat(), one.count, *(f"{minor // 100}.{minor % 100:02}" for minor in figures),
             upcoming.part.due_date.isoformat() if upcoming else "", document]
        )  # fmt: skip
    return out.getvalue()
