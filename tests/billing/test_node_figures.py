"""Gas is billed as energy by the dated figures of the network's nodes: in runs, corrections, explanations, replay.

A station carries the calorific value, 36 MJ/m3, of two regulators. One has a correction factor, 1.02 and from 16 March
1.05; the other has none, so that the tariff's default holds, and from 16 March a calorific value of its own, 39.6.
At each hangs one account that uses 10 m3 a day, at 3 roubles a kilowatt-hour and VAT of 20 %.
"""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest

from billing.population import LONG_AGO, OPENED
from billing.prosumers import NET, add_account
from billing.test_recalculation import LATER, causes_of, recalculated, replayed_differences
from billing.test_replay import slip_in
from billing.test_runs import APRIL, MARCH, MAY, assert_sound, bill_month
from mains.base.dated import withdraw_facts
from mains.billing.actions.recalculations import preview_account, recalculate
from mains.billing.models import Bill, BillException, BillLine, BillRun
from mains.billing.queries import attributes
from mains.billing.queries.explain import explain_bill, explain_change
from mains.billing.queries.explain.cause_kinds import NODE_FIGURE
from mains.billing.queries.replay import batch_of, replay_batch
from mains.billing.values import COMMON_USE, FED_IN
from mains.metering.values import Zone
from mains.network.actions.figures import record_node_figure
from mains.network.actions.registry import add_node, place_node
from mains.network.models import Node, NodeFigure
from mains.network.values import FILLED_ATTRIBUTES
from mains.reporting.queries.bill_paper.cause_wording import tell_cause
from mains.reporting.queries.bill_paper.change_wording import change_rows

FACTORED, OWN_VALUE, NET_METERED = 8001, 8002, 8003
MIDDLE = date(2021, 3, 16)
FOUND = LATER - timedelta(hours=1)
SCHEMA = Path(__file__).parents[2] / "docs/schemas/bill-explanation.schema.json"

GAS = """
tariff: gas-energy
service: gas
currency: RUB
unit: m3
attributes:
  correction: {type: number, default: 1}
  calorific: MJ/m3
versions:
  - valid_from: 2020-01-01
    prices: {price: 3.00 RUB/kWh, vat: 20 %}
    components:
      - name: energy
        kind: quantity
        unit: kWh
        formula: usage * correction * calorific / 3.6 [MJ/kWh]
        round: 0.001
      - {name: gas, formula: energy * price, quantity: energy}
      - {name: vat, kind: tax, formula: prices.vat * charges}
"""


def gas_node(code: str, parent: Node | None = None) -> Node:
    return add_node(
        service="gas", kind="feeder", code=code, name=code.title(), parent=parent, valid_from=OPENED, actor=None,
        now=LONG_AGO,
    )  # fmt: skip


def tell(
    node: Node,
    name: str,
    value: int | None,
    since: date = OPENED,
    until: date | None = None,
    *,
    proof: str = "passport 5",
    now: datetime = LONG_AGO,
) -> NodeFigure:
    return record_node_figure(
        node=node, name=name, value_micro=value, valid_from=since, valid_to=until, proof=proof, actor=None, now=now
    )  # fmt: skip


@pytest.fixture
def nodes(utility) -> dict[str, Node]:
    utility(20)
    station = gas_node("station")
    first, second = gas_node("first", station), gas_node("second", station)
    tell(station, "calorific", 36_000_000)
    tell(first, "correction", 1_020_000)
    tell(first, "correction", 1_050_000, MIDDLE, now=LONG_AGO + timedelta(days=1))
    tell(second, "calorific", 39_600_000, MIDDLE, proof="certificate 7")
    for number, node in ((FACTORED, first), (OWN_VALUE, second)):
        add_account(
            number, tariff=GAS, months=[(310,), (300,), (310,)], first_month=MARCH, zones=(Zone.TOTAL,),
            gas_node_id=node.pk,
        )  # fmt: skip
    return {"station": station, "first": first, "second": second}


@pytest.fixture
def billed(nodes) -> dict[str, Node]:
    for month in (MARCH, APRIL, MAY):
        assert_sound(bill_month(month))
    return nodes


def amounts(month: date, account: int) -> dict[str, int]:
    bill = Bill.objects.get(month=month, account_id=account)
    found: dict[str, int] = {}
    for line in BillLine.objects.filter(month=month, bill_id=bill.id):
        found[line.component] = found.get(line.component, 0) + line.amount_minor
    return found


def corrected(run: BillRun) -> dict[int, int]:
    return dict(Bill.objects.filter(run_id=run.pk).values_list("account_id", "amount_minor"))


def test_volume_becomes_energy_by_the_nearest_figures(billed):
    """March: 150 m3 by 1.02 and 160 m3 by 1.05 at 10 kWh/m3; 150 m3 at 10 and 160 m3 at 11 kWh/m3."""
    assert amounts(MARCH, FACTORED) == {"gas": (1530 + 1680) * 300, "vat": (1530 + 1680) * 60}
    assert amounts(MARCH, OWN_VALUE) == {"gas": (1500 + 1760) * 300, "vat": (1500 + 1760) * 60}
    assert amounts(APRIL, FACTORED) == {"gas": 3150 * 300, "vat": 3150 * 60}
    assert amounts(APRIL, OWN_VALUE) == {"gas": 3300 * 300, "vat": 3300 * 60}
    assert replayed_differences() == []


def test_a_corrected_figure_posts_only_the_difference(billed):
    """From 16 to 31 March 1.06 instead of 1.05: 160 m3 are 16 kWh more."""
    figure = tell(billed["first"], "correction", 1_060_000, MIDDLE, APRIL, proof="act 9", now=FOUND)
    preview = preview_account(account_id=FACTORED, now=LATER)
    run = recalculated()
    assert_sound(run)
    assert corrected(run) == {FACTORED: 16 * 360}
    assert preview.amount_minor == 16 * 360
    bill = Bill.objects.get(run_id=run.pk)
    lines = BillLine.objects.filter(month=bill.month, bill_id=bill.id)
    assert {line.service_month for line in lines} == {MARCH}
    assert causes_of(run, FACTORED) == {(NODE_FIGURE, figure.pk)}
    explained = explain_bill(month=bill.month, bill_id=bill.id)
    jsonschema.validate(explained.to_data(), json.loads(SCHEMA.read_text()))
    (told,) = {tell_cause(cause, language="en") for line in explained.lines for cause in line.causes}
    assert f"Correction factor, First from 16 Mar 2021, record {figure.pk}" in told
    assert replayed_differences() == []
    assert recalculate(now=LATER + timedelta(hours=1), processes=1) is None


def test_a_figure_is_taken_away_and_another_stands_further_up(billed):
    """Without the regulator's own value the station's counts from 16 March on: 10 instead of 11 kWh/m3."""
    tell(billed["second"], "calorific", None, MIDDLE, proof="letter 3", now=FOUND)
    run = recalculated()
    assert_sound(run)
    assert corrected(run) == {OWN_VALUE: -(160 + 300 + 310) * 360}
    assert replayed_differences() == []
    # What the station says reaches both, 0.1 kWh/m3 more: 310 m3 by 1.05, and 310 m3. Nobody else reads it.
    later = LATER + timedelta(hours=1)
    tell(billed["station"], "calorific", 36_360_000, MAY, now=later - timedelta(minutes=1))
    again = recalculated(later)
    assert corrected(again) == {FACTORED: 11_718, OWN_VALUE: 31 * 360}
    assert replayed_differences() == []


def test_what_is_told_again_cuts_nothing(nodes):
    """The value of 16 to 31 March in three records: 160 m3 at 39.512345 / 3.6 kWh/m3 are 1756.104 kWh as one; in three
    parts, each rounded, they would be 1756.105."""
    tell(nodes["second"], "calorific", 39_512_345, MIDDLE, now=LONG_AGO + timedelta(days=1))
    again = {"proof": "certificate 8", "now": LONG_AGO + timedelta(days=2)}
    tell(nodes["second"], "calorific", 39_512_345, date(2021, 3, 20), date(2021, 3, 25), **again)
    place_node(
        node=nodes["second"], parent=nodes["first"], valid_from=date(2021, 3, 28), valid_to=date(2021, 3, 29),
        actor=None, now=LONG_AGO + timedelta(days=2),
    )  # fmt: skip
    tell(nodes["first"], "correction", None, date(2021, 3, 28), date(2021, 3, 29), **again)
    bill_month(MARCH)
    assert amounts(MARCH, OWN_VALUE) == {"gas": 9768_31, "vat": 1953_66}
    assert replayed_differences() == []
    bill = Bill.objects.get(month=MARCH, account_id=OWN_VALUE)
    explained = explain_bill(month=MARCH, bill_id=bill.id)
    assert [line.amount_minor for line in explained.lines] == [9768_31, 1953_66]


def test_a_node_fed_by_another_takes_its_figures(billed):
    place_node(
        node=billed["second"], parent=billed["first"], valid_from=APRIL, valid_to=MAY, actor=None, now=FOUND
    )
    run = recalculated()
    assert corrected(run) == {OWN_VALUE: 165 * 360}  # 300 m3 at 11 kWh/m3, 5 % more
    assert replayed_differences() == []


def test_a_bill_names_the_node_the_days_and_the_proof(billed):
    bill = Bill.objects.get(month=MARCH, account_id=OWN_VALUE)
    explained = explain_bill(month=MARCH, bill_id=bill.id)
    told = {step.source for line in explained.lines for step in line.tree.walk() if step.label == "calorific"}
    own = NodeFigure.objects.get(node=billed["second"])
    above = NodeFigure.objects.get(node=billed["station"])
    assert told == {
        f"Station {above.pk}, since 2020-01-01, recorded 2020-01-01, passport 5",
        f"Second {own.pk}, since 2021-03-16, recorded 2020-01-01, certificate 7",
    }
    (energy,) = [step for step in explained.lines[0].tree.walk() if step.label == "energy"]
    parts = {step.label: step.value for step in energy.children}
    assert parts == {"energy, 2021-03-01 – 2021-03-15": 1500, "energy, 2021-03-16 – 2021-03-31": 1760}
    assert (energy.value, energy.formula) == (3260, "sum of its parts")
    bill = Bill.objects.get(month=MARCH, account_id=FACTORED)
    explained = explain_bill(month=MARCH, bill_id=bill.id)
    told = {
        step.source for line in explained.lines for step in line.tree.walk() if step.label == "correction"
    }
    cut = NodeFigure.objects.get(node=billed["first"], superseded_at=None, value_micro=1_020_000)
    assert f"First {cut.pk}, 2020-01-01 to 2021-03-15, recorded 2020-01-02, passport 5" in told


def test_a_wrong_amount_is_found(billed):
    bill = Bill.objects.get(month=MARCH, account_id=FACTORED)
    slip_in(
        "UPDATE billing_billline SET amount_minor = amount_minor + 1"
        f" WHERE month = '{MARCH}' AND bill_id = {bill.id} AND component = 'gas' AND service_month = '{MARCH}'"
    )
    result = replay_batch(batch_of(month=MARCH, bill_id=bill.id))
    assert {difference.account_id for difference in result.differences} == {FACTORED}


def test_what_a_tariff_needs_and_no_node_has_is_listed(nodes):
    tell(nodes["station"], "calorific", None, now=LONG_AGO + timedelta(days=1), proof="letter 3")
    bill_month(MARCH)
    assert not Bill.objects.filter(account_id=FACTORED).exists()
    (listed,) = BillException.objects.filter(account_id=FACTORED, blocking=True)
    assert (listed.code, listed.message) == ("attribute-missing", "The attribute calorific is missing.")


def test_a_figure_is_not_what_a_bill_leaves(nodes):
    """A figure that is called like a balance of another tariff does not open that tariff's items."""
    account = add_account(NET_METERED, tariff=NET, months=[(100, 0)], first_month=MARCH)
    source = Node.objects.get(code="source")
    tell(source, "credit", 60_000_000)
    add_account(
        NET_METERED + 1, tariff=GAS.replace("correction", "credit").replace("gas-energy", "gas-credit"),
        months=[(310,)], first_month=MARCH, zones=(Zone.TOTAL,), gas_node_id=nodes["first"].pk,
    )  # fmt: skip
    tell(nodes["first"], "credit", 1_100_000)
    bill_month(MARCH)
    (refused,) = BillException.objects.filter(account_id=account, blocking=True)
    assert refused.code == "opening-balance-missing"
    assert amounts(MARCH, NET_METERED + 1)["gas"] == 3410 * 300
    assert replayed_differences() == []


def test_names_that_are_told_otherwise_are_those_that_runs_fill():
    filled = {
        *attributes._OF_PREMISE, attributes._ABSENT, *attributes._OF_NODE, *attributes._OF_AGREEMENT,
        *attributes._OF_METER,
    }  # fmt: skip
    assert {name.removesuffix("_micro") for name in filled} | {COMMON_USE, FED_IN} == FILLED_ATTRIBUTES


def test_the_weather_is_told_apart_in_the_change_of_a_bill(nodes):
    """620 degree days in March and 300 in April, told of the station: at the same use of gas a degree day April would
    have cost less; what was used beyond it is use."""
    station = nodes["station"]
    tell(station, "degree_days", 620_000_000, MARCH, APRIL, now=LONG_AGO)
    tell(station, "degree_days", 300_000_000, APRIL, MAY, now=LONG_AGO)
    for month in (MARCH, APRIL):
        bill_month(month)
    bill = Bill.objects.get(month=APRIL, account_id=FACTORED)
    change = explain_change(month=APRIL, bill_id=bill.id)
    steps = {step.cause: step for step in change.steps}
    assert (steps["weather"].before, steps["weather"].now) == (620, 300)
    assert steps["weather"].amount_minor < 0 < steps["use"].amount_minor
    assert steps["use"].name == "weather_apart"
    assert change.after.amount_minor - change.before.amount_minor == sum(s.amount_minor for s in change.steps)
    (label, *_rest) = [
        row for row in change_rows(change, unit="m3", language="en") if row[0].startswith("Weather")
    ]
    assert label[0] == "Weather, degree days: 620 → 300"
    # Of a month without the figure nothing is told.
    withdraw_facts(
        model=NodeFigure, subject={"node_id": station.pk, "name": "degree_days"}, valid_from=APRIL, valid_to=MAY,
        now=LONG_AGO + timedelta(days=1),
    )  # fmt: skip
    steps = {step.cause for step in explain_change(month=APRIL, bill_id=bill.id).steps}
    assert "weather" not in steps
