"""The network page by page, and the figures of a node: stated, drawn, withdrawn, never for other people's accounts."""

import pytest

from mains.network.models import Node, NodeFigure
from web.office.test_losses import nodes_of

APRIL = {
    "figure": "calorific",
    "value": "39,2",
    "first_day": "2021-04-01",
    "last_day": "",
    "proof": "passport 5",
}


def house_of(number: str) -> Node:
    return Node.objects.get(pk=nodes_of(number)[0])


def test_one_goes_from_the_sources_down_to_a_house(office) -> None:
    client = office.sign_in("accountant")
    page = client.get("/network/").content.decode()
    path = nodes_of(office.central)[::-1]
    for above, below in zip([None, *path], path, strict=False):
        if above is not None:
            page = client.get(f"/network/{above}/").content.decode()
        assert f'href="/network/{below}/"' in page
    assert "accounts are supplied through it" in page


def test_a_figure_is_stated_drawn_and_withdrawn(own_office) -> None:
    client, house = own_office.sign_in("supervisor"), house_of(own_office.central)
    address = f"/network/{house.pk}/"
    assert "No figure is stated for this node" in client.get(address).content.decode()
    answer = client.post(f"{address}figures/", APRIL, follow=True)
    assert "The figure is recorded." in answer.content.decode()
    client.post(
        f"{address}figures/", APRIL | {"value": "39.45", "first_day": "2021-05-01", "proof": "passport 6"}
    )
    held = NodeFigure.objects.filter(node=house, superseded_at=None).order_by("valid")
    assert [(each.value_micro, str(each.valid.lower)) for each in held] == [
        (39_200_000, "2021-04-01"),
        (39_450_000, "2021-05-01"),
    ]
    page = client.get(address)
    (chart,) = page.context["charts"]
    assert chart.rows == [
        ("1 Apr 2021", ["39.2"]),
        ("1 May 2021", ["39.45"]),
        ("7 Jun 2021", ["39.45"]),
    ]
    premise = client.get(f"/accounts/{own_office.central}/premise/").content.decode()
    assert f'href="{address}"' in premise
    assert "passport 6" in premise
    client.post(f"{address}figures/{held[1].pk}/withdraw/", {"reason": "of another station"})
    text = client.get(address).content.decode()
    assert "of another station" in text
    assert list(NodeFigure.objects.filter(node=house, superseded_at=None)) == [held[0]]


def test_a_house_shows_what_it_has_from_above(own_office) -> None:
    client, path = own_office.sign_in("supervisor"), nodes_of(own_office.central)
    client.post(f"/network/{path[-1]}/figures/", APRIL)
    page = client.get(f"/network/{path[0]}/")
    (figure,) = page.context["inherited"]
    assert (figure.node_id, figure.value_micro) == (path[-1], 39_200_000)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"figure": "usage"}, "No tariff can read usage."),
        ({"figure": "residents"}, "comes from another record"),
        ({"value": "-1"}, "greater than or equal to 0"),
        ({"first_day": "2021-05-01", "last_day": "2021-04-01"}, "which is no day at all"),
        ({"proof": " "}, "This field is required."),
    ],
)
def test_a_refused_figure_says_why(own_office, changes: dict[str, str], said: str) -> None:
    address = f"/network/{house_of(own_office.central).pk}/figures/"
    answer = own_office.sign_in("supervisor").post(address, APRIL | changes)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not NodeFigure.objects.exists()


def test_another_district_is_neither_seen_nor_priced(own_office) -> None:
    foreign = house_of(own_office.northern)
    central = own_office.sign_in("supervisor_central")
    assert central.get(f"/network/{foreign.pk}/").status_code == 404
    assert central.post(f"/network/{foreign.pk}/figures/", APRIL).status_code == 404
    assert f'href="/network/{foreign.pk}/"' not in central.get("/network/").content.decode()
    assert own_office.sign_in("accountant").post(f"/network/{foreign.pk}/figures/", APRIL).status_code == 403
    assert own_office.sign_in("clerk").post(f"/network/{foreign.pk}/figures/", APRIL).status_code == 403
    assert not NodeFigure.objects.exists()


def test_a_node_that_supplies_other_districts_too_is_priced_by_those_who_answer_for_all(own_office) -> None:
    own = house_of(own_office.central)
    shared = Node.objects.get(pk=nodes_of(own_office.northern)[-1])
    # A feeder of the north that supplies a house of the centre as well.
    placement = own.placements.get(superseded_at=None)
    type(placement).objects.filter(pk=placement.pk).update(superseded_at="2021-06-06T00:00Z")
    type(placement).objects.create(
        node=own, parent=shared, valid=placement.valid, recorded_at="2021-06-06T00:00Z", proof="switched"
    )
    central = own_office.sign_in("supervisor_central")
    page = central.get(f"/network/{shared.pk}/").content.decode()
    assert "whoever records facts for all of them" in page
    assert central.post(f"/network/{shared.pk}/figures/", APRIL).status_code == 403
    assert central.post(f"/network/{own.pk}/figures/", APRIL).status_code == 302
