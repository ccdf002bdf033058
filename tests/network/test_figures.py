"""Figures of nodes: what is refused, one of a name at a time, and files of them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from mains.base.dated import holds_on
from mains.network.actions.figures import UnableToRecordNodeFigure, record_node_figure
from mains.network.actions.registry import add_node
from mains.network.actions.registry_files import import_node_figures
from mains.network.models import Node, NodeFigure
from mains.network.queries.records import list_point_figures

NOW = datetime(2021, 6, 7, 9, 0, tzinfo=UTC)
OPENED, MARCH, APRIL = date(2020, 1, 1), date(2021, 3, 1), date(2021, 4, 1)

pytestmark = pytest.mark.django_db


def node(code: str, parent: Node | None = None) -> Node:
    return add_node(
        service="gas", kind="feeder", code=code, name=code, parent=parent, valid_from=OPENED, actor=None, now=NOW
    )  # fmt: skip


def figure(of: Node, value: int | None = 39_200_000, **more: Any) -> NodeFigure:
    told: dict[str, Any] = {"name": "calorific", "valid_from": MARCH, "proof": "passport 5"}
    return record_node_figure(node=of, value_micro=value, **(told | {"actor": None, "now": NOW} | more))


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"name": "calorific value"}, "figure-name"),
        ({"name": ""}, "figure-name"),
        ({"name": "usage"}, "figure-name"),
        ({"name": "season"}, "figure-name"),
        ({"name": "n" * 41}, "figure-name"),
        ({"name": "residents"}, "figure-filled"),
        ({"name": "band"}, "figure-filled"),
        ({"value": -1}, "figure-value"),
        ({"value": 10**15}, "figure-value"),
        ({"proof": " "}, "figure-proof"),
        ({"proof": "p" * 201}, "figure-proof"),
    ],
)
def test_what_no_tariff_can_read_is_refused(told: dict[str, Any], code: str) -> None:
    regulator = node("R")
    with pytest.raises(UnableToRecordNodeFigure) as refused:
        figure(regulator, **told)
    assert (refused.value.code, refused.value.place) == (code, "R")
    assert refused.value.remedy
    assert not NodeFigure.objects.exists()


def test_one_figure_of_a_name_at_a_time() -> None:
    regulator = node("R")
    figure(regulator)
    figure(regulator, 1_022_640, name="correction")
    figure(regulator, 39_600_000, valid_from=date(2021, 3, 16), now=NOW + timedelta(hours=1))

    def values(day: date, **known: Any) -> dict[str, int | None]:
        return dict(NodeFigure.objects.filter(holds_on(day, **known)).values_list("name", "value_micro"))

    assert values(date(2021, 3, 15)) == {"calorific": 39_200_000, "correction": 1_022_640}
    assert values(date(2021, 3, 16)) == {"calorific": 39_600_000, "correction": 1_022_640}
    assert values(date(2021, 3, 16), known_at=NOW)["calorific"] == 39_200_000
    with pytest.raises(IntegrityError, match="one_figure_of_a_name_at_a_time"), transaction.atomic():
        NodeFigure.objects.create(
            node=regulator, name="calorific", value_micro=1, valid=(MARCH, None), proof="p", recorded_at=NOW
        )
    with pytest.raises(IntegrityError, match="mains: a fact"), transaction.atomic():
        NodeFigure.objects.update(value_micro=1)


def test_a_point_has_the_nearest_figures() -> None:
    source = node("S")
    regulator = node("R", source)
    figure(source)
    figure(source, 1_010_000, name="correction")
    figure(regulator, 1_022_640, name="correction", valid_to=APRIL)

    def nearest(day: date) -> dict[str, tuple[int, int]]:
        found = list_point_figures(node_id=regulator.pk, on_date=day)
        return {each.name: (each.node_id, each.value_micro) for each in found}

    assert nearest(MARCH) == {"calorific": (source.pk, 39_200_000), "correction": (regulator.pk, 1_022_640)}
    assert nearest(APRIL)["correction"] == (source.pk, 1_010_000)
    figure(regulator, None, name="correction", now=NOW + timedelta(hours=1))
    assert nearest(MARCH)["correction"] == (source.pk, 1_010_000)


def test_a_file_of_figures_is_written_whole_or_not_at_all() -> None:
    node("R")
    header = "node,name,value,valid_from,valid_to,proof\n"
    right = "R,calorific,39.2,2021-03-01,2021-03-16,passport 5\nR,correction,1.02264,2021-03-01,,passport 6\n"
    wrong = (
        "X,calorific,39.2,2021-03-01,,p\nR,calorific,39.2345678,2021-03-01,,p\nR,residents,1,2021-03-01,,p\n"
        "R,calorific,39.2,2021-03-01,2021-03-01,p\n"
    )
    told: dict[str, Any] = {"actor": None, "now": NOW}
    done = import_node_figures(content=(header + right + wrong).encode(), **told)
    assert not done.is_stored
    assert [(fault.line, fault.field, fault.code) for fault in done.faults] == [
        (4, "node", "value-wrong"),
        (5, "value", "value-wrong"),
        (6, "name", "figure-filled"),
        (7, "", "fact-dates"),
    ]
    assert all(fault.remedy for fault in done.faults)
    assert not NodeFigure.objects.exists()
    assert import_node_figures(content=(header + right).encode(), **told).is_stored
    withdrawn = header + "R,calorific,,2021-03-10,2021-03-12,letter 7\n"
    later = {"actor": None, "now": NOW + timedelta(hours=1)}
    assert import_node_figures(content=withdrawn.encode(), **later).is_stored
    told_now = NodeFigure.objects.filter(superseded_at=None, name="calorific").order_by("valid")
    assert [each.value_micro for each in told_now] == [39_200_000, None, 39_200_000]
