"""The map of the utility: crowds from afar, buildings coloured by debt from near."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from mains.base.formats import money_text
from mains.reporting.queries.places import (
    Box,
    CellOnMap,
    count_buildings,
    find_extent,
    list_buildings,
    list_cells,
)
from mains.staff.values import Permission
from mains.tariffs.queries.records import currency_of_utility
from mains.web.office.access import OfficeRequest, needs
from mains.web.office.parts import Place, PlaceMap

BUILDINGS_DRAWN = 390  # fewer than the front end crowds together by itself


@needs(Permission.SEE_ACCOUNTS)
def utility_map(request: OfficeRequest) -> HttpResponse:
    """The map of all buildings that the person may see; it asks `places` for what comes into view."""
    extent = find_extent(scope=request.scope)
    buildings = count_buildings(box=extent, scope=request.scope) if extent else 0
    places = _buildings(request, extent) if extent and buildings <= BUILDINGS_DRAWN else []
    context = {
        "map": PlaceMap(
            key="utility-map",
            title=_("Accounts on the map"),
            places=places,
            size="tall",
            url=reverse("office:map_places"),
            bounds=(extent.west, extent.south, extent.east, extent.north) if extent else None,
        ),
        "buildings": buildings,
    }
    return render(request, "office/map.html", context)


@needs(Permission.SEE_ACCOUNTS)
def map_places(request: OfficeRequest) -> HttpResponse:
    """GeoJSON of the box west, south, east, north (degrees): its buildings, or crowds when they are too many."""
    box = _box([request.GET.get(side, "") for side in ("west", "south", "east", "north")])
    if box is None:
        return JsonResponse({"detail": _("The part of the map is not on Earth.")}, status=400)
    if count_buildings(box=box, scope=request.scope) > BUILDINGS_DRAWN:
        collection = _crowds(list_cells(box=box, scope=request.scope))
    else:
        collection = PlaceMap(key="", title="", places=_buildings(request, box)).collection
    return JsonResponse(collection, content_type="application/geo+json")


def _box(sides: Sequence[str]) -> Box | None:
    try:
        west, south, east, north = (float(side) for side in sides)
    except ValueError:
        return None
    west, east, south, north = max(west, -180), min(east, 180), max(south, -90), min(north, 90)
    return Box(west, south, east, north) if west < east and south < north else None


def _buildings(request: OfficeRequest, box: Box) -> list[Place]:
    """Buildings in the colour of their debts, for those who may see money."""
    money_scope = request.rights.scope(Permission.SEE_MONEY)
    may_see_money = money_scope.organisation_ids in (None, request.scope.organisation_ids)
    found = list_buildings(box=box, scope=request.scope, limit=BUILDINGS_DRAWN)
    currency, language = currency_of_utility(), get_language() or "en"
    places = []
    for building in found:
        detail = ngettext("%(count)s account", "%(count)s accounts", building.accounts) % {
            "count": building.accounts
        }
        tone = ""
        if may_see_money:
            tone = "good"
            if building.debtors:
                owed = money_text(building.owed_minor, currency=currency, language=language)
                detail += ", " + _("%(amount)s owed by %(count)s") % {
                    "amount": owed,
                    "count": building.debtors,
                }
                tone = "bad" if building.debtors * 2 > building.accounts else "warn"
        places.append(
            Place.at(
                latitude=building.latitude,
                longitude=building.longitude,
                label=f"{building.street}, {building.house}",
                detail=detail,
                url=reverse("office:account", args=[building.first_number])
                if building.accounts == 1
                else f"{reverse('office:search')}?{urlencode({'q': f'{building.street} {building.house}'})}",
                tone=tone,
            )
        )
    return places


def _crowds(cells: Sequence[CellOnMap]) -> dict[str, Any]:
    """GeoJSON in which every point is a crowd: the browser draws `point_count` as its size."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [cell.longitude, cell.latitude]},
            "properties": {"point_count": cell.buildings, "point_count_abbreviated": str(cell.buildings)},
        }
        for cell in cells
    ]
    return {"type": "FeatureCollection", "features": features}
