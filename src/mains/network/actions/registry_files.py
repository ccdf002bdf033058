"""Files of network nodes, premises with their absences, and service points."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models

from mains.base.staged_rows import (
    Field,
    StagedRows,
    choice,
    day,
    degrees,
    import_rows,
    micro,
    reference,
    whole,
    yes_or_no,
)
from mains.kernel.errors import MainsError
from mains.network.actions.absences import record_absence
from mains.network.actions.figures import record_node_figure
from mains.network.actions.registry import (
    UnableToPlaceNode,
    add_node,
    add_premise,
    connect_node_point,
    connect_service_point,
    record_premise_state,
    set_node_state,
)
from mains.network.models import Node, Premise
from mains.network.values import AbsenceReason, Cooker, Location, NodeKind, PremiseKind, Service

ADDRESS = (
    Field("city"),
    Field("street"),
    Field("house"),
    Field("entrance", is_needed=False, default=""),
    Field("flat", is_needed=False, default=""),
)
PREMISES = (
    *ADDRESS,
    Field("postal_code", is_needed=False, default=""),
    Field("latitude", degrees(most=90)),
    Field("longitude", degrees(most=180)),
    Field("kind", choice(PremiseKind)),
    Field("riser", is_needed=False, default=""),
    Field("floor", whole(least=-5, most=200), is_needed=False),
    Field("residents", whole(least=0, most=1000)),
    Field("rooms", whole(least=0, most=1000)),
    Field("floor_area_m2", micro),
    Field("heated_area_m2", micro, is_needed=False),
    Field("storey_height_mm", whole(least=1000, most=20_000), is_needed=False, default=2700),
    Field("location", choice(Location)),
    Field("cooker", choice(Cooker)),
    Field("meter_possible", yes_or_no, is_needed=False, default=True),
    Field("valid_from", day),
)


class UnableToFindPremise(MainsError):
    """There is no premise at the address."""


def import_premises(
    *, content: bytes, actor: models.Model | None, now: datetime, proof: str, is_trial: bool = False
) -> StagedRows:
    """Add the premises of a CSV file (columns PREMISES) with what holds for each from `valid_from` on."""

    def write(row: Mapping[str, Any]) -> None:
        named = (
            "city",
            "street",
            "house",
            "entrance",
            "flat",
            "postal_code",
            "latitude",
            "longitude",
            "kind",
        )
        premise = add_premise(**{name: row[name] for name in (*named, "riser", "floor")})
        heated = row["heated_area_m2"]
        record_premise_state(
            premise=premise,
            residents=row["residents"],
            rooms=row["rooms"],
            floor_area_m2_micro=row["floor_area_m2"],
            heated_area_m2_micro=row["floor_area_m2"] if heated is None else heated,
            storey_height_mm=row["storey_height_mm"],
            location=row["location"],
            cooker=row["cooker"],
            meter_possible=row["meter_possible"],
            valid_from=row["valid_from"],
            actor=actor,
            now=now,
            proof=proof,
        )

    return import_rows(content=content, fields=PREMISES, write=write, is_trial=is_trial)


def import_absences(
    *, content: bytes, actor: models.Model | None, now: datetime, is_trial: bool = False
) -> StagedRows:
    """Record the absences of a CSV file: the premise's address, residents, reason, left_on, returned_on, proof."""
    fields = (
        *ADDRESS,
        Field("residents", whole(least=1, most=1000)),
        Field("reason", choice(AbsenceReason)),
        Field("left_on", day),
        Field("returned_on", day),
        Field("proof"),
    )

    def write(row: Mapping[str, Any]) -> None:
        record_absence(
            premise_id=_premise_at(row).pk,
            actor=actor,
            now=now,
            **{name: row[name] for name in ("residents", "reason", "left_on", "returned_on", "proof")},
        )

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def import_nodes(
    *, content: bytes, actor: models.Model | None, now: datetime, proof: str, is_trial: bool = False
) -> StagedRows:
    """Add the network nodes of a CSV file, parents before what they feed: service, kind, code, name, parent (none for a
    source), valid_from, latitude, longitude, band, supply_hours_day."""
    fields = (
        Field("service", choice(Service)),
        Field("kind", choice(NodeKind)),
        Field("code"),
        Field("name"),
        Field("parent", is_needed=False),
        Field("valid_from", day),
        Field("latitude", degrees(most=90), is_needed=False),
        Field("longitude", degrees(most=180), is_needed=False),
        Field("band", is_needed=False, default=""),
        Field("supply_hours_day", whole(least=0, most=24), is_needed=False),
    )

    def write(row: Mapping[str, Any]) -> None:
        # A parent may stand in a line above, so it is looked up as each line is written.
        parent = Node.objects.filter(code=row["parent"]).first() if row["parent"] else None
        if row["parent"] and parent is None:
            raise UnableToPlaceNode(
                code="parent-unknown",
                message=f"There is no node {row['parent']} yet.",
                remedy="Put the parent in a line above.",
                params={"field": "parent"},
            )
        written: dict[str, Any] = {
            "valid_from": row["valid_from"],
            "actor": actor,
            "now": now,
            "proof": proof,
        }
        named = ("service", "kind", "code", "name", "latitude", "longitude")
        node = add_node(parent=parent, **{name: row[name] for name in named}, **written)
        if row["band"] or row["supply_hours_day"] is not None:
            set_node_state(node=node, band=row["band"], supply_hours_day=row["supply_hours_day"], **written)

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def import_node_figures(
    *, content: bytes, actor: models.Model | None, now: datetime, is_trial: bool = False
) -> StagedRows:
    """Record the figures of nodes of a CSV file: node, name, value (none: the node has no such figure), valid_from,
    valid_to, proof."""
    fields = (
        Field("node", reference(lambda code: Node.objects.filter(code=code).first(), name="node")),
        Field("name"),
        Field("value", micro, is_needed=False),
        Field("valid_from", day),
        Field("valid_to", day, is_needed=False),
        Field("proof"),
    )

    def write(row: Mapping[str, Any]) -> None:
        record_node_figure(
            node=row["node"],
            name=row["name"],
            value_micro=row["value"],
            actor=actor,
            now=now,
            **{name: row[name] for name in ("valid_from", "valid_to", "proof")},
        )

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def import_points(*, content: bytes, is_trial: bool = False) -> StagedRows:
    """Connect the service points of a CSV file: code, the premise's address, service, node, connected_on,
    takes_rest."""
    fields = (
        Field("code"),
        *ADDRESS,
        Field("service", choice(Service)),
        Field("node", reference(lambda code: Node.objects.filter(code=code).first(), name="node")),
        Field("connected_on", day),
        Field("takes_rest", yes_or_no, is_needed=False, default=False),
    )

    def write(row: Mapping[str, Any]) -> None:
        connect_service_point(
            code=row["code"],
            premise=_premise_at(row),
            service=row["service"],
            node=row["node"],
            connected_on=row["connected_on"],
            takes_rest=row["takes_rest"],
        )

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def import_node_points(*, content: bytes, is_trial: bool = False) -> StagedRows:
    """Add the points of a CSV file at which meters count what flows into nodes: code, node, connected_on."""
    fields = (
        Field("code"),
        Field("node", reference(lambda code: Node.objects.filter(code=code).first(), name="node")),
        Field("connected_on", day),
    )

    def write(row: Mapping[str, Any]) -> None:
        connect_node_point(code=row["code"], node=row["node"], connected_on=row["connected_on"])

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def _premise_at(row: Mapping[str, Any]) -> Premise:
    found = Premise.objects.filter(
        building__city=row["city"],
        building__street=row["street"],
        building__house=row["house"],
        entrance=row["entrance"],
        flat=row["flat"],
    ).first()
    if found is None:
        raise UnableToFindPremise(
            code="premise-unknown",
            message=f"There is no premise {row['flat']} at {row['street']} {row['house']}, {row['city']}.",
            remedy="Correct the address, or import the premises first.",
            params={"field": "house"},
        )
    return found
