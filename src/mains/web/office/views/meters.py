"""A meter's places and readings, one reading, and recording a new one."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mains.balance.queries.seen_nodes import get_node_path
from mains.balance.values import UnableToShowBalance
from mains.base.wording import error_text, sentences, translate_message
from mains.customers.queries.records import list_payers
from mains.kernel.errors import MainsError
from mains.metering.actions.readings import record_reading
from mains.metering.queries.photos import photos_of_readings
from mains.metering.queries.records import (
    MeterRecord,
    find_reading,
    list_meters,
    list_places_of_meter,
    list_readings,
    points_of_register,
)
from mains.network.queries.records import find_measured_node
from mains.staff.values import Permission
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.clock import now
from mains.web.office.parts import Crumb
from mains.web.office.readings import ReadingForm
from mains.web.office.uploads import was_cut
from mains.web.office.views.account import meters_page, open_book


@needs(Permission.SEE_ACCOUNTS)
def meter(request: OfficeRequest, meter_id: int) -> HttpResponse:
    """Where the meter is and was, with its readings; only of places whose payer the person may see."""
    places = list_places_of_meter(meter_id=meter_id)
    payers = list_payers(
        service_point_ids=sorted({place.service_point_id for place in places}), scope=request.scope
    )
    if not payers:
        return _node_meter(request, places)
    seen = {agreement.service_point_id for agreement, _number, _name in payers}
    places = [place for place in places if place.service_point_id in seen]
    context = {
        "meter": places[0],
        "places": [
            (place, next((p for p in payers if p[0].service_point_id == place.service_point_id), None))
            for place in places
        ],
        **_readings_with_photos(places),
        "crumbs": [
            Crumb(payers[0][1], reverse("office:account_meters", args=[payers[0][1]])),
            Crumb(places[0].serial),
        ],
    }
    return render(request, "office/meter.html", context)


def _node_meter(request: OfficeRequest, places: list[MeterRecord]) -> HttpResponse:
    """A meter for which nobody pays: the node's that it measures, seen by those who see the node."""
    node_id = find_measured_node(service_point_ids=[place.service_point_id for place in places])
    path = _path_of_node(request, node_id)
    if not path:
        raise Http404(_("There is no such meter that you may see."))
    context = {
        "meter": places[0],
        "places": [(place, None) for place in places],
        "node": path[-1],
        **_readings_with_photos(places),
        "crumbs": [
            Crumb(path[-1][1], f"{reverse('office:losses')}?node={path[-1][0]}"),
            Crumb(places[0].serial),
        ],
    }
    return render(request, "office/meter.html", context)


def _readings_with_photos(places: list[MeterRecord]) -> dict[str, object]:
    readings = list_readings(register_ids=sorted({place.register_id for place in places}), limit=300)
    return {"readings": readings, "photos": photos_of_readings(reading_ids=[one.id for one in readings])}


def _path_of_node(request: OfficeRequest, node_id: int | None) -> list[tuple[int, str]]:
    """The way down to a node; empty without one, or when the person does not see it."""
    if node_id is None:
        return []
    try:
        return get_node_path(scope=request.scope, month=request.today.replace(day=1), node_id=node_id)
    except UnableToShowBalance:
        return []


@needs(Permission.SEE_ACCOUNTS)
def reading(request: OfficeRequest, reading_id: int) -> HttpResponse:
    """From a formula tree to the reading: opens the account's readings at that line."""
    found = find_reading(reading_id=reading_id)
    points = points_of_register(register_id=found.register_id) if found else []
    payers = list_payers(service_point_ids=points, scope=request.scope)
    if found is not None and find_measured_node(service_point_ids=points):
        places = list_meters(service_point_ids=points)
        meter_id = next(place.meter_id for place in places if place.register_id == found.register_id)
        return redirect(f"{reverse('office:meter', args=[meter_id])}#reading-{reading_id}")
    if found is None or not payers:
        raise Http404(_("There is no such reading that you may see."))
    then = [number for agreement, number, _name in payers if agreement.valid_from <= found.reading_date]
    address = reverse("office:account_meters", args=[then[0] if then else payers[-1][1]])
    return redirect(f"{address}#reading-{reading_id}")


def is_reading_seen(request: OfficeRequest, reading_id: int) -> bool:
    """Whether the person sees an account that ever paid where the reading was taken, or the node that it measures."""
    found = find_reading(reading_id=reading_id)
    points = points_of_register(register_id=found.register_id) if found else []
    if list_payers(service_point_ids=points, scope=request.scope):
        return True
    return bool(_path_of_node(request, find_measured_node(service_point_ids=points)))


@require_POST
@needs(Permission.RECORD_READINGS)
def record(request: OfficeRequest, number: str) -> HttpResponse:
    """Judge and record a reading: taken, held for a second look, or refused with the reason."""
    book = open_book(request, number)
    form = ReadingForm(request.POST, request.FILES, meters=book.meters, today=request.today)
    if was_cut(request):
        form.add_error("photo", _("The file is too large. Nothing was recorded."))
    if not form.is_valid():
        return meters_page(book, form=form)
    told = form.cleaned_data
    try:
        outcome = record_reading(
            register_id=told["register"],
            reading_date=told["reading_date"],
            text_value=told["value"],
            source=told["source"],
            evidence={"note": told["evidence"]} if told["evidence"] else None,
            photo=told["photo"].chunks() if told["photo"] else None,
            actor=request.user,
            now=now(),
        )
    except MainsError as error:
        named = str(error.params.get("field", "value"))
        form.add_error(named if named in form.fields else "value", error_text(error))
        return meters_page(book, form=form)
    if outcome.decision == "accept":
        messages.success(request, _("The reading is recorded. The next bill run uses it."))
    elif outcome.decision == "queue":
        messages.warning(
            request,
            _("The reading is held for a second look: %(reason)s")
            % {"reason": translate_message(outcome.message)},
        )
    elif outcome.known_reading_id and told["photo"]:
        messages.success(request, _("The reading was known already. Its photo is kept with it."))
    else:
        why = sentences(translate_message(outcome.message), translate_message(outcome.remedy))
        form.add_error("value", why)
        return meters_page(book, form=form)
    return redirect("office:account_meters", number=number)
