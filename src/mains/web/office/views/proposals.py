"""What waits for a second person, refunds on their way out, and debts that are doubtful or nearly time-barred."""

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from mains.debt.actions.decisions import decide_proposal
from mains.debt.actions.movements import undo_movement
from mains.debt.actions.provisions import propose_provision
from mains.debt.actions.refunds import pay_in_cash
from mains.debt.queries.movements import (
    MovementRecord,
    find_refund_file,
    list_movements_by_id,
    list_refunds_ordered,
    list_refunds_to_pay,
)
from mains.debt.queries.open_debts import list_barred
from mains.debt.queries.provisions import list_provisions
from mains.debt.queries.terms import (
    list_key_rates,
    list_limitation_terms,
    list_provision_terms,
    list_terms,
)
from mains.debt.values import RefundWay
from mains.integrations.payment_orders.refunds import order_refunds
from mains.integrations.payment_orders.values import BankParty
from mains.network.values import Service
from mains.staff.queries.approvals import find_proposal, list_limits, list_proposals
from mains.staff.values import Permission, ProposalKind
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.acting import act_and_return, check_whole
from mains.web.office.clock import now
from mains.web.office.fact_forms import DayField

DAYS_AHEAD = 90


PAGE = "office:proposals"


class OrderForm(forms.Form):
    """From which account refunds are paid, and when."""

    name = forms.CharField(label=gettext_lazy("Name of the utility at the bank"), max_length=70)
    iban = forms.CharField(label=gettext_lazy("Account that pays (IBAN)"), max_length=40)
    bic = forms.CharField(label=gettext_lazy("BIC"), max_length=11, required=False)
    day = DayField(label=gettext_lazy("Pay on"))


class ProvisionForm(forms.Form):
    day = DayField(label=gettext_lazy("At the end of"))
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)


class BarredForm(forms.Form):
    """Which debts that are nearly time-barred are shown."""

    by = DayField(required=False)
    service = forms.ChoiceField(choices=[("", ""), *Service.choices], required=False)


@needs(Permission.PROPOSE_MONEY, Permission.APPROVE_MONEY, Permission.CLOSE_BOOKS)
def proposals(request: OfficeRequest) -> HttpResponse:
    """Proposals that wait, refunds to be paid, and what was decided."""
    return _page(request)


@require_POST
@needs(Permission.APPROVE_MONEY, Permission.CLOSE_BOOKS)
def decide(request: OfficeRequest, proposal_id: int) -> HttpResponse:
    """Approve what a colleague proposed, or refuse it."""
    proposal = find_proposal(proposal_id=proposal_id, scope=request.scope)
    if proposal is None or proposal.kind is ProposalKind.RIGHTS:
        raise Http404(_("There is no such proposal that you may see."))
    needed = Permission.CLOSE_BOOKS if proposal.kind is ProposalKind.REOPENING else Permission.APPROVE_MONEY
    if needed not in request.rights.permissions:
        raise PermissionDenied(f"This needs the permission {needed}.")
    agrees = request.POST.get("decision") == "agree"
    return act_and_return(
        request,
        lambda: decide_proposal(
            proposal_id=proposal_id,
            agrees=agrees,
            note=request.POST.get("note", ""),
            now=now(),
            actor_id=request.user.pk,
            scope=request.rights.scope(needed),
        ),
        done=_("Approved and posted.") if agrees else _("The proposal is refused."),
        page=PAGE,
    )


@require_POST
@needs(Permission.APPROVE_MONEY)
def undo(request: OfficeRequest, movement_id: int) -> HttpResponse:
    """Post a movement back."""
    return act_and_return(
        request,
        lambda: undo_movement(
            movement_id=movement_id,
            reason=request.POST.get("reason", ""),
            now=now(),
            actor_id=request.user.pk,
            scope=request.scope,
        ),
        done=_("It is posted back."),
        page=PAGE,
    )


@require_POST
@needs(Permission.APPROVE_MONEY)
def pay_cash(request: OfficeRequest, movement_id: int) -> HttpResponse:
    """Book that a refund was handed over in cash."""
    return act_and_return(
        request,
        lambda: pay_in_cash(
            movement_id=movement_id, now=now(), actor_id=request.user.pk, scope=request.scope
        ),
        done=_("The refund is paid."),
        page=PAGE,
    )


@require_POST
@needs(Permission.APPROVE_MONEY)
def order(request: OfficeRequest) -> HttpResponse:
    """Write payment orders for the refunds that wait; the file is downloaded from the list."""
    check_whole(request)
    form = OrderForm(request.POST)
    if not form.is_valid():
        return _page(request, order_form=form)
    told = form.cleaned_data
    return act_and_return(
        request,
        lambda: order_refunds(
            debtor=BankParty(name=told["name"], iban=told["iban"], bic=told["bic"]),
            execute_on=told["day"],
            now=now(),
            actor_id=request.user.pk,
            scope=request.scope,
        ),
        done=_("The payment orders are written. Give the file to the bank."),
        page=PAGE,
    )


@needs(Permission.APPROVE_MONEY)
def refund_file(request: OfficeRequest, file_id: int) -> HttpResponse:
    """The file of payment orders for the bank."""
    check_whole(request)
    found = find_refund_file(file_id=file_id)
    if found is None:
        raise Http404(_("There is no such file."))
    name, content = found
    headers = {"Content-Disposition": f'attachment; filename="{name}.xml"'}
    return HttpResponse(content, content_type="application/xml", headers=headers)


@needs(Permission.SEE_REPORTS, Permission.APPROVE_MONEY)
def doubtful(request: OfficeRequest) -> HttpResponse:
    """Debts whose limitation ends soon or has ended, provisions for doubtful debts, and the rules of both."""
    return _doubtful(request)


@require_POST
@needs(Permission.PROPOSE_MONEY)
def provide(request: OfficeRequest) -> HttpResponse:
    """Propose a provision for doubtful debts."""
    check_whole(request)
    form = ProvisionForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("A provision needs the day and the reason."))
        return redirect("office:doubtful_debts")
    told = form.cleaned_data
    return act_and_return(
        request,
        lambda: propose_provision(
            on_date=told["day"], reason=told["reason"], now=now(), actor_id=request.user.pk
        ),
        done=_("Proposed. A colleague who may approve it decides."),
        page=PAGE,
    )


def _doubtful(request: OfficeRequest) -> HttpResponse:
    chosen = BarredForm(request.GET)
    told = chosen.cleaned_data if chosen.is_valid() else {}
    by = told.get("by") or request.today + timedelta(days=DAYS_AHEAD)
    service = told.get("service", "")
    is_whole = request.scope.organisation_ids is None
    may_propose = is_whole and Permission.PROPOSE_MONEY in request.rights.permissions
    barred = list_barred(scope=request.scope, by=by, service=service)
    context = {
        "by": by,
        "service": service,
        "services": Service.choices,
        "barred": barred,
        "barred_minor": sum(one.outstanding_minor for one in barred),
        "provisions": list_provisions() if is_whole else [],
        "provision_form": ProvisionForm(initial={"day": request.today}) if may_propose else None,
        "interest_terms": list_terms(),
        "key_rates": list_key_rates(),
        "limitation_terms": list_limitation_terms(),
        "provision_terms": [
            (one, [(age.label, percent) for age, percent in one.percents.items()])
            for one in list_provision_terms()
        ],
        "currency": currency_of_utility(),
        "is_whole": is_whole,
    }
    return render(request, "office/doubtful.html", context)


def _page(request: OfficeRequest, order_form: OrderForm | None = None) -> HttpResponse:
    may = request.rights.permissions
    kinds = [
        kind
        for kind in ProposalKind
        if kind is not ProposalKind.RIGHTS  # decided among people and roles
        and (
            Permission.CLOSE_BOOKS in may
            or (
                kind is not ProposalKind.REOPENING
                and may & {Permission.PROPOSE_MONEY, Permission.APPROVE_MONEY}
            )
        )
    ]
    waiting = list_proposals(scope=request.scope, is_waiting=True, kinds=kinds)
    decided = list_proposals(scope=request.scope, is_waiting=False, kinds=kinds, limit=50)
    ids = [one.subject_id for one in (*waiting, *decided)]
    movements = list_movements_by_id(ids=ids, scope=request.scope)
    moved = {(movement.kind, key): movement for key, movement in movements.items()}
    may_order = request.scope.organisation_ids is None and Permission.APPROVE_MONEY in may
    tomorrow = request.today + timedelta(days=1)
    to_pay = list_refunds_to_pay(scope=request.scope)
    context = {
        "waiting": [(one, moved.get((one.kind.value, one.subject_id))) for one in waiting],
        "decided": [(one, moved.get((one.kind.value, one.subject_id))) for one in decided],
        "to_pay": to_pay,
        "ordered": list_refunds_ordered(scope=request.scope),
        "limits": [one for one in list_limits() if one.valid_to is None or one.valid_to > request.today],
        "may_limit": request.scope.organisation_ids is None,
        "may_approve": Permission.APPROVE_MONEY in may,
        "may_order": may_order,
        "order_form": order_form
        or (OrderForm(initial={"day": tomorrow}) if may_order and _any_by_bank(to_pay) else None),
        "currency": currency_of_utility(),
    }
    return render(request, "office/proposals.html", context)


def _any_by_bank(refunds: list[MovementRecord]) -> bool:
    return any(one.way == RefundWay.BANK for one in refunds)
