"""Premises, service points and the two trees: what is refused, and what was known when."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mains.base.dated import holds_on
from mains.kernel.identifiers import bucket_of
from mains.network.actions.registry import (
    UnableToAddPremise,
    UnableToConnectServicePoint,
    UnableToPlaceNode,
    UnableToRecordPremiseState,
    add_node,
    add_premise,
    connect_service_point,
    disconnect_service_point,
    place_node,
    record_premise_state,
    set_node_state,
)
from mains.network.models import Building, Node, Premise, PremiseState
from mains.network.queries.records import list_feeding_nodes
from mains.staff.actions.registry import UnableToPlaceUnit, found_unit, place_unit

NOW = datetime(2021, 6, 7, 9, 0, tzinfo=UTC)
OPENED = date(2020, 1, 1)
WRITTEN: dict[str, Any] = {"actor": None, "now": NOW}

pytestmark = pytest.mark.django_db


def node(code: str, parent: Node | None = None, service: str = "electricity") -> Node:
    return add_node(
        service=service, kind="feeder", code=code, name=code, parent=parent, valid_from=OPENED, **WRITTEN
    )


def premise(flat: str = "1", house: str = "7") -> Premise:
    return add_premise(
        city="Lumen", street="Gorky", house=house, latitude=44.9, longitude=34.1, kind="flat", flat=flat
    )


def state(
    of: Premise, residents: int, valid_from: date, valid_to: date | None = None, **more: Any
) -> PremiseState:
    values = {
        "rooms": 2,
        "floor_area_m2_micro": 54_000_000,
        "heated_area_m2_micro": 50_000_000,
        "location": "urban",
        "cooker": "gas",
    }
    return record_premise_state(
        premise=of, residents=residents, valid_from=valid_from, valid_to=valid_to, **values | WRITTEN | more
    )


def test_a_node_is_fed_by_another_parent_from_a_day_on() -> None:
    source, first, second = node("S"), node("A"), node("B")
    place_node(node=first, parent=source, valid_from=OPENED, **WRITTEN)
    place_node(node=second, parent=source, valid_from=OPENED, **WRITTEN)
    place_node(node=second, parent=first, valid_from=date(2021, 5, 1), **WRITTEN)
    set_node_state(node=first, band="A", supply_hours_day=20, valid_from=OPENED, **WRITTEN)
    april = list_feeding_nodes(node_id=second.pk, on_date=date(2021, 4, 30))
    may = list_feeding_nodes(node_id=second.pk, on_date=date(2021, 5, 1))
    assert [found.code for found in april] == ["S", "B"]
    assert [(found.code, found.band) for found in may] == [("S", ""), ("A", "A"), ("B", "")]


def test_no_node_is_fed_by_itself_on_any_day() -> None:
    source = node("S")
    middle = node("M", source)
    leaf = node("L", middle)
    with pytest.raises(UnableToPlaceNode, match="fed by itself on 2021-01-01"):
        place_node(node=source, parent=leaf, valid_from=date(2021, 1, 1), **WRITTEN)
    with pytest.raises(UnableToPlaceNode, match="fed by itself"):
        place_node(node=source, parent=source, valid_from=OPENED, **WRITTEN)
    place_node(node=leaf, parent=None, valid_from=date(2021, 1, 1), valid_to=date(2021, 3, 1), **WRITTEN)
    with pytest.raises(UnableToPlaceNode, match="on 2021-03-01"):
        place_node(node=source, parent=leaf, valid_from=date(2021, 2, 1), **WRITTEN)
    place_node(node=source, parent=leaf, valid_from=date(2021, 2, 1), valid_to=date(2021, 3, 1), **WRITTEN)


def test_nodes_that_are_refused() -> None:
    pump = node("P", service="cold_water")
    with pytest.raises(UnableToPlaceNode, match="carries cold_water"):
        node("A", pump)
    with pytest.raises(UnableToPlaceNode, match="already"):
        node("P")
    with pytest.raises(UnableToPlaceNode, match="25 hours"):
        set_node_state(node=pump, band="A", supply_hours_day=25, valid_from=OPENED, **WRITTEN)


def test_the_organisation_has_no_circle() -> None:
    top = found_unit(code="T", name="Top", kind="utility", parent=None, valid_from=OPENED, **WRITTEN)
    branch = found_unit(code="B", name="Branch", kind="branch", parent=top, valid_from=OPENED, **WRITTEN)
    with pytest.raises(UnableToPlaceUnit, match="below itself"):
        place_unit(unit=top, parent=branch, valid_from=date(2021, 1, 1), **WRITTEN)
    with pytest.raises(UnableToPlaceUnit, match="unit T already"):
        found_unit(code="T", name="Twin", kind="branch", parent=top, valid_from=OPENED, **WRITTEN)


def test_premises_of_one_building() -> None:
    first, second = premise("1"), premise("2")
    assert first.building == second.building
    with pytest.raises(UnableToAddPremise, match="premise 1 at Gorky 7 already"):
        premise("1")
    with pytest.raises(UnableToAddPremise, match="no place on earth"):
        add_premise(city="Lumen", street="Gorky", house="9", latitude=344.9, longitude=34.1, kind="flat")
    assert Building.objects.count() == 1


def test_a_past_stretch_is_corrected_and_what_was_known_stays_readable() -> None:
    flat = premise()
    state(flat, 2, OPENED)
    later = NOW + timedelta(days=1)
    state(flat, 3, date(2021, 3, 1), date(2021, 5, 1), now=later, proof="letter 5")

    def residents(day: date, *, known_at: datetime | None = None) -> int:
        return PremiseState.objects.filter(premise=flat).get(holds_on(day, known_at=known_at)).residents

    days = [date(2021, 2, 28), date(2021, 3, 1), date(2021, 4, 30), date(2021, 5, 1)]
    assert [residents(day) for day in days] == [2, 3, 3, 2]
    assert [residents(day, known_at=NOW) for day in days] == [2, 2, 2, 2]


def test_impossible_attributes_are_refused() -> None:
    flat = premise()
    with pytest.raises(UnableToRecordPremiseState, match="not negative"):
        state(flat, -1, OPENED)
    with pytest.raises(UnableToRecordPremiseState, match="larger than the floor area"):
        state(flat, 1, OPENED, heated_area_m2_micro=60_000_000)


def test_service_points() -> None:
    feeder, flat = node("F"), premise()
    point = connect_service_point(
        code="SP-1", premise=flat, service="electricity", node=feeder, connected_on=OPENED
    )
    assert point.bucket == bucket_of(point.pk)
    with pytest.raises(UnableToConnectServicePoint, match="SP-1 already"):
        connect_service_point(
            code="SP-1", premise=flat, service="electricity", node=feeder, connected_on=OPENED
        )
    with pytest.raises(UnableToConnectServicePoint, match="carries electricity"):
        connect_service_point(code="SP-2", premise=flat, service="gas", node=feeder, connected_on=OPENED)
    with pytest.raises(UnableToConnectServicePoint, match="was connected on 2020-01-01"):
        disconnect_service_point(point=point, disconnected_on=OPENED)
    disconnect_service_point(point=point, disconnected_on=date(2021, 1, 1))
    point.refresh_from_db()
    assert point.disconnected_on == date(2021, 1, 1)
