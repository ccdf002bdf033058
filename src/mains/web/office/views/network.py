"""The network, node by node from the sources down, and the figures that tariffs read of a node."""

from datetime import date

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.balance.queries.seen_nodes import (
    SeenNode,
    Supplied,
    count_supplied,
    get_node_path,
    list_nodes_below,
)
from mains.balance.values import UnableToShowBalance
from mains.base.wording import error_text
from mains.kernel.errors import MainsError
from mains.network.actions.figures import state_node_figure, withdraw_node_figure
from mains.network.queries.records import find_node, list_point_figures, list_stated_figures
from mains.network.values import FILLED_ATTRIBUTES
from mains.staff.values import Permission, Scope
from mains.tariffs.queries.records import list_figure_names
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.fact_forms import NodeFigureForm, day_after, micro_of
from mains.web.office.figure_pictures import figure_charts
from mains.web.office.parts import Crumb


@needs(Permission.SEE_REPORTS)
def network(request: OfficeRequest) -> HttpResponse:
    """The sources of the networks that the person sees."""
    return render(request, "office/network.html", {"below": _below(request, None)})


@needs(Permission.SEE_REPORTS)
def node(request: OfficeRequest, node_id: int) -> HttpResponse:
    """A node: its figures over time, what it has from above, the nodes below, and the form that states a figure."""
    return _page(request, node_id, None)


@require_POST
@needs(Permission.RECORD_READINGS)
def add_node_figure(request: OfficeRequest, node_id: int) -> HttpResponse:
    """State a figure of the node from a day on."""
    _refuse_outsiders(request, node_id)
    form = NodeFigureForm(request.POST)
    if form.is_valid():
        told = form.cleaned_data
        try:
            state_node_figure(
                node_id=node_id,
                name=told["figure"],
                value_micro=micro_of(told["value"]),
                valid_from=told["first_day"],
                valid_to=day_after(told["last_day"]),
                proof=told["proof"],
                actor=request.user,
                now=now(),
            )
        except MainsError as error:
            form.refuse(error)
        else:
            messages.success(
                request,
                _("The figure is recorded. The next recalculation corrects what was billed by another one."),
            )
            return redirect("office:node", node_id=node_id)
    return _page(request, node_id, form)


@require_POST
@needs(Permission.RECORD_READINGS)
def drop_node_figure(request: OfficeRequest, node_id: int, fact_id: int) -> HttpResponse:
    """Withdraw a figure of the node with the reason sent."""
    _refuse_outsiders(request, node_id)
    if fact_id not in {figure.id for figure in list_stated_figures(node_id=node_id)}:
        messages.error(request, _("There is no such record that you may see."))
        return redirect("office:node", node_id=node_id)
    try:
        withdraw_node_figure(
            figure_id=fact_id, reason=request.POST.get("reason", ""), actor=request.user, now=now()
        )
    except MainsError as error:
        messages.error(request, error_text(error))
    else:
        messages.success(request, _("It is withdrawn. The next recalculation takes it back."))
    return redirect("office:node", node_id=node_id)


def _page(request: OfficeRequest, node_id: int, form: NodeFigureForm | None) -> HttpResponse:
    path = _path(request, node_id)
    shown = find_node(node_id=node_id)
    assert shown is not None, "A node with a path is there."
    figures = list_stated_figures(node_id=node_id)
    supplied = _supplied(request, node_id)
    may_record = _may_record(request, supplied)
    inherited = list_point_figures(node_id=node_id, on_date=request.today)
    context = {
        "node": shown,
        "figures": figures,
        "charts": figure_charts(figures=figures, today=request.today),
        "inherited": [figure for figure in inherited if figure.node_id != node_id],
        "supplied": supplied,
        "below": _below(request, node_id),
        "may_record": may_record,
        "is_shared": supplied.outside and Permission.RECORD_READINGS in request.rights.permissions,
        "form": (form or NodeFigureForm()) if may_record else None,
        "names": [name for name in list_figure_names(service=shown.service) if name not in FILLED_ATTRIBUTES],
        "crumbs": [
            Crumb(_("Network"), reverse("office:network")),
            *(Crumb(name, reverse("office:node", args=[key])) for key, name in path[:-1]),
            Crumb(path[-1][1]),
        ],
    }
    return render(request, "office/node.html", context)


def _below(request: OfficeRequest, node_id: int | None) -> list[SeenNode]:
    return list_nodes_below(scope=_seen(request), month=_month(request), node_id=node_id)


def _path(request: OfficeRequest, node_id: int) -> list[tuple[int, str]]:
    try:
        return get_node_path(scope=_seen(request), month=_month(request), node_id=node_id)
    except UnableToShowBalance as error:
        raise Http404(_("There is no such node that you may see.")) from error


def _seen(request: OfficeRequest) -> Scope:
    return request.rights.scope(Permission.SEE_REPORTS)


def _month(request: OfficeRequest) -> date:
    return request.today.replace(day=1)


def _supplied(request: OfficeRequest, node_id: int) -> Supplied:
    """The accounts below the node, and those of them for which the person records nothing."""
    recorded = request.rights.scope(Permission.RECORD_READINGS)
    return count_supplied(scope=recorded, month=_month(request), node_id=node_id)


def _may_record(request: OfficeRequest, supplied: Supplied) -> bool:
    """A figure prices everybody below the node: whoever states one sees reports and records facts for all of them."""
    needed = {Permission.SEE_REPORTS, Permission.RECORD_READINGS}
    return request.rights.permissions >= needed and not supplied.outside


def _refuse_outsiders(request: OfficeRequest, node_id: int) -> None:
    if Permission.SEE_REPORTS not in request.rights.permissions:
        raise PermissionDenied("Figures of nodes are stated by those who see reports.")
    _path(request, node_id)
    if not _may_record(request, _supplied(request, node_id)):
        raise PermissionDenied(
            "Figures of a node are stated by whoever records facts for all accounts below it."
        )
