"""The network and the places it supplies, one object at a time. Every dated attribute is a fact."""

from datetime import date, datetime
from typing import Any

from django.db import connection, models, transaction

from mains.base.dated import record_fact
from mains.base.trees import first_day_below_itself
from mains.kernel.errors import MainsError
from mains.kernel.identifiers import bucket_of
from mains.network.models import Building, Node, NodePlacement, NodeState, Premise, PremiseState, ServicePoint
from mains.network.values import PremiseKind


class UnableToPlaceNode(MainsError):
    """The node's code is taken, it would be fed by itself, or the parent belongs to another service."""


class UnableToAddPremise(MainsError):
    """The building or premise is there already, or its coordinates are impossible."""


class UnableToRecordPremiseState(MainsError):
    """The attributes contradict each other or are out of bounds."""


class UnableToConnectServicePoint(MainsError):
    """The service point's code is taken, its node feeds another service, or the dates are wrong."""


@transaction.atomic
def add_node(
    *,
    service: str,
    kind: str,
    code: str,
    name: str,
    parent: Node | None,
    valid_from: date,
    latitude: float | None = None,
    longitude: float | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> Node:
    """Create a node of a service's network, fed by `parent` (None: a source). Raises UnableToPlaceNode."""
    if Node.objects.filter(code=code).exists():
        raise UnableToPlaceNode(
            code="node-code-taken",
            message=f"There is a node {code} already.",
            place=code,
            remedy="Choose another code.",
            params={"field": "code"},
        )
    node = Node.objects.create(
        service=service, kind=kind, code=code, name=name, latitude=latitude, longitude=longitude
    )
    place_node(node=node, parent=parent, valid_from=valid_from, actor=actor, now=now, proof=proof)
    return node


@transaction.atomic
def place_node(
    *,
    node: Node,
    parent: Node | None,
    valid_from: date,
    valid_to: date | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> NodePlacement:
    """Feed a node from `parent` over [valid_from, valid_to). Raises UnableToPlaceNode, UnableToRecordFact."""
    if parent and parent.service != node.service:
        raise _unable_to_place(
            node, "node-service", f"{parent.name} carries {parent.service}, not {node.service}."
        )
    with connection.cursor() as cursor:
        # Two placements that are right one by one may close a circle together: one writer at a time, to the commit.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('network_nodeplacement'))")
    circle = parent and first_day_below_itself(
        table="network_nodeplacement",
        child_id=node.pk,
        parent_id=parent.pk,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    if circle:
        raise _unable_to_place(node, "node-below-itself", f"{node.name} would be fed by itself on {circle}.")
    return record_fact(
        model=NodePlacement,
        subject={"node": node},
        values={"parent": parent},
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof,
    )


def set_node_state(
    *,
    node: Node,
    band: str,
    supply_hours_day: int | None,
    valid_from: date,
    valid_to: date | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> NodeState:
    """Set the service band and hours of supply of a node and all below it. Raises UnableToPlaceNode."""
    if supply_hours_day is not None and not 0 <= supply_hours_day <= 24:
        raise _unable_to_place(node, "hours-impossible", f"A day has no {supply_hours_day} hours.")
    return record_fact(
        model=NodeState,
        subject={"node": node},
        values={"band": band, "supply_hours_day": supply_hours_day},
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof,
    )


@transaction.atomic
def add_premise(
    *,
    city: str,
    street: str,
    house: str,
    latitude: float,
    longitude: float,
    kind: str,
    postal_code: str = "",
    node: Node | None = None,
    entrance: str = "",
    riser: str = "",
    floor: int | None = None,
    flat: str = "",
) -> Premise:
    """Add a premise at an address, and the building when it is new; a known one keeps its own coordinates.

    Coordinates in degrees (WGS 84). Raises UnableToAddPremise.
    """
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise UnableToAddPremise(
            code="coordinates-impossible",
            message=f"{latitude}, {longitude} is no place on earth.",
            place=f"{street} {house}",
            remedy="Give latitude and longitude in degrees.",
            params={"field": "latitude"},
        )
    building, _is_new = Building.objects.get_or_create(
        city=city,
        street=street,
        house=house,
        defaults={"postal_code": postal_code, "latitude": latitude, "longitude": longitude, "node": node},
    )
    Building.objects.select_for_update(no_key=True).get(pk=building.pk)
    place = {"entrance": entrance, "flat": flat}
    if Premise.objects.filter(building=building, **place).exists():
        raise UnableToAddPremise(
            code="premise-known",
            message=f"There is a premise {flat or 'without a flat number'} at {street} {house} already.",
            place=f"{city}, {street} {house}",
            remedy="Check the flat and the entrance.",
            params={"field": "flat"},
        )
    return Premise.objects.create(building=building, kind=kind, riser=riser, floor=floor, **place)


def record_premise_state(
    *,
    premise: Premise,
    residents: int,
    rooms: int,
    floor_area_m2_micro: int,
    heated_area_m2_micro: int,
    location: str,
    cooker: str,
    storey_height_mm: int = 2700,
    meter_possible: bool = True,
    valid_from: date,
    valid_to: date | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> PremiseState:
    """Record what holds for a premise over [valid_from, valid_to); a past stretch may be corrected too.

    What was recorded about other dates stays. Raises UnableToRecordPremiseState, UnableToRecordFact.
    """
    if min(residents, rooms, floor_area_m2_micro, heated_area_m2_micro) < 0 or storey_height_mm <= 0:
        raise _unable_to_record(premise, "sizes-negative", "Sizes and counts are not negative.", "residents")
    if heated_area_m2_micro > floor_area_m2_micro:
        message = "The heated area is larger than the floor area."
        raise _unable_to_record(premise, "heated-too-large", message, "heated_area_m2")
    values: dict[str, Any] = {
        "residents": residents,
        "rooms": rooms,
        "floor_area_m2_micro": floor_area_m2_micro,
        "heated_area_m2_micro": heated_area_m2_micro,
        "storey_height_mm": storey_height_mm,
        "location": location,
        "cooker": cooker,
        "meter_possible": meter_possible,
    }
    return record_fact(
        model=PremiseState,
        subject={"premise": premise},
        values=values,
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof,
    )


@transaction.atomic
def connect_service_point(
    *, code: str, premise: Premise, service: str, node: Node, connected_on: date, takes_rest: bool = False
) -> ServicePoint:
    """Supply a service at a premise from a node. Raises UnableToConnectServicePoint.

    `takes_rest`: it has no meter and takes what is over the cap of the node's balance; a balance rule names it.
    """
    if takes_rest and premise.kind != PremiseKind.COMMON:
        message = "A point that takes what is over the cap stands at the common areas of its house."
        raise _unable_to_connect(code, "rest-not-common", message, "takes_rest")
    if node.service != service:
        message = f"{node.name} carries {node.service}, not {service}."
        raise _unable_to_connect(code, "node-service", message, "node")
    if ServicePoint.objects.filter(code=code).exists():
        raise _unable_to_connect(
            code, "point-code-taken", f"There is a service point {code} already.", "code"
        )
    identifier = _next_id(ServicePoint)
    return ServicePoint.objects.create(
        id=identifier,
        code=code,
        premise=premise,
        service=service,
        node=node,
        bucket=bucket_of(identifier),
        connected_on=connected_on,
        takes_rest=takes_rest,
    )


@transaction.atomic
def connect_node_point(*, code: str, node: Node, connected_on: date) -> ServicePoint:
    """Add the point at which a meter counts all that flows into a node. Raises UnableToConnectServicePoint."""
    if ServicePoint.objects.filter(code=code).exists():
        raise _unable_to_connect(
            code, "point-code-taken", f"There is a service point {code} already.", "code"
        )
    Node.objects.select_for_update(no_key=True).get(pk=node.pk)
    if ServicePoint.objects.filter(node=node, measures_node=True, disconnected_on=None).exists():
        message = f"{node.name} has a point that measures it already."
        raise _unable_to_connect(code, "node-measured", message, "node")
    identifier = _next_id(ServicePoint)
    return ServicePoint.objects.create(
        id=identifier,
        code=code,
        premise=None,
        service=node.service,
        node=node,
        bucket=bucket_of(identifier),
        connected_on=connected_on,
        measures_node=True,
    )


@transaction.atomic
def disconnect_service_point(*, point: ServicePoint, disconnected_on: date) -> None:
    """End the supply of a service point; `disconnected_on` is the first day without it.

    Raises UnableToConnectServicePoint.
    """
    held = ServicePoint.objects.select_for_update().get(pk=point.pk)
    if disconnected_on <= held.connected_on:
        message = f"It was connected on {held.connected_on}, not before {disconnected_on}."
        raise _unable_to_connect(held.code, "disconnected-early", message, "disconnected_on")
    held.disconnected_on = disconnected_on
    held.save(update_fields=["disconnected_on"])


def _next_id(model: type[models.Model]) -> int:
    """An id of its own before the row exists: the bucket follows from it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [model._meta.db_table])
        (identifier,) = cursor.fetchone()
    return int(identifier)


def _unable_to_place(node: Node, code: str, message: str) -> UnableToPlaceNode:
    return UnableToPlaceNode(
        code=code,
        message=message,
        place=node.code,
        remedy="Look at the tree: mains registry tree network.",
        params={"field": "parent"},
    )


def _unable_to_record(premise: Premise, code: str, message: str, field: str) -> UnableToRecordPremiseState:
    return UnableToRecordPremiseState(
        code=code,
        message=message,
        place=f"premise {premise.pk}",
        remedy="Correct it.",
        params={"field": field},
    )


def _unable_to_connect(point: str, code: str, message: str, field: str) -> UnableToConnectServicePoint:
    return UnableToConnectServicePoint(
        code=code, message=message, place=point, remedy="Correct it.", params={"field": field}
    )
