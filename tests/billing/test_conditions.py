"""Conditions of supply at a service point reach bills, corrections, explanations and replay: heat by area, suspended,
not delivered, refunded by band of the measured room temperature, and a figure of the point before the network's.

The flat has 50 m2 at 2 roubles a square metre and day: 100 roubles a day. While suspended 30 % of it is charged,
nothing on days without delivery. Of days with a measured temperature below 18 degrees half is refunded, below 14 all.
"""

import json
from datetime import date, timedelta
from pathlib import Path

import jsonschema
import pytest

from billing.population import LONG_AGO, OPENED
from billing.prosumers import add_account
from billing.test_node_figures import GAS, gas_node, tell
from billing.test_recalculation import LATER, causes_of, recalculated, replayed_differences
from billing.test_runs import APRIL, MARCH, MAY, assert_sound, bill_month
from mains.billing.actions.conditions import UnableToTellCondition, import_conditions, tell_condition
from mains.billing.actions.recalculations import recalculate
from mains.billing.models import Bill, BillLine
from mains.billing.queries.explain import explain_bill
from mains.billing.queries.explain.cause_kinds import CONDITION
from mains.metering.values import Zone
from mains.network.models import PointCondition, PremiseState, ServicePoint
from mains.reporting.queries.bill_paper.cause_wording import tell_cause

HEATED, GASSED = 8101, 8102
FOUND = LATER - timedelta(hours=1)
SCHEMA = Path(__file__).parents[2] / "docs/schemas/bill-explanation.schema.json"

HEAT = """
tariff: heat-by-area
service: electricity
currency: RUB
unit: kWh
attributes:
  heated_area_m2: m2
  supply: {type: text, values: [supplied, suspended, not_delivered], default: supplied}
  room_temperature: {type: number, default: 20}
  exempt: {type: yes/no, default: false}
versions:
  - valid_from: 2020-01-01
    prices:
      daily: 2.00 RUB/m2/day
      part: {unit: "%", by: supply, supplied: {value: 100}, suspended: {value: 30}, not_delivered: {value: 0}}
      refunded: {unit: "%", limit_unit: number, tiers: [[14, 100], [18, 50], [null, 0]]}
    components:
      - {name: heat, formula: "heated_area_m2 * daily * days * part", when: not exempt}
      - name: refund
        kind: subsidy
        formula: "-heated_area_m2 * daily * days * part * step(room_temperature, refunded, limits: exclusive)"
"""


def say(name: str, text: str, first: date, last: date | None = None, **more) -> int:
    return tell_condition(
        service_point_id=more.pop("point", HEATED), name=name, text=text, valid_from=first,
        valid_to=None if last is None else last + timedelta(days=1), proof=more.pop("proof", "act 7"), actor=None,
        **({"now": FOUND} | more),
    )  # fmt: skip


@pytest.fixture
def flat(utility) -> int:
    utility(20)
    add_account(HEATED, tariff=HEAT, months=[(0,), (0,), (0,)], first_month=MARCH, zones=(Zone.TOTAL,))
    premise = ServicePoint.objects.get(pk=HEATED).premise_id
    assert {state.heated_area_m2_micro for state in PremiseState.objects.filter(premise_id=premise)} == {
        50_000_000
    }
    return HEATED


def amounts(month: date) -> dict[str, int]:
    found: dict[str, int] = {}
    for bill in Bill.objects.filter(account_id=HEATED, month=month):
        for line in BillLine.objects.filter(month=month, bill_id=bill.id):
            found[line.component] = found.get(line.component, 0) + line.amount_minor
    return found


def test_heat_is_suspended_missing_and_refunded_by_day(flat):
    """March: 5 days suspended, 2 not delivered, 10 at 16 degrees, 3 at 13.5; one of them at exactly 18 is not cold."""
    say("supply", "suspended", date(2021, 3, 1), date(2021, 3, 5), now=LONG_AGO)
    say("supply", "not_delivered", date(2021, 3, 6), date(2021, 3, 7), now=LONG_AGO)
    say("room_temperature", "16", date(2021, 3, 11), date(2021, 3, 20), now=LONG_AGO)
    say("room_temperature", "13,5", date(2021, 3, 21), date(2021, 3, 23), now=LONG_AGO)
    say("room_temperature", "18", date(2021, 3, 24), date(2021, 3, 24), now=LONG_AGO)
    assert_sound(bill_month(MARCH))
    assert amounts(MARCH) == {"heat": (24 * 100 + 5 * 30) * 100, "refund": -(10 * 50 + 3 * 100) * 100}
    assert replayed_differences() == []
    bill = Bill.objects.get(month=MARCH, account_id=HEATED)
    told = {
        (step.label, step.value, step.source)
        for line in explain_bill(month=MARCH, bill_id=bill.id).lines
        for step in line.tree.walk()
    }
    cold = PointCondition.objects.get(value_micro=13_500_000)
    source = f"condition of supply {cold.pk}, 2021-03-21 to 2021-03-23, recorded 2020-01-01, act 7"
    assert source in {source for _label, _value, source in told}


def test_what_becomes_known_later_posts_the_difference(flat):
    """Suspended from 20 March to 9 April: 12 and 9 days at 70 roubles less. The heat was on again from 5 April on."""
    for month in (MARCH, APRIL, MAY):
        assert_sound(bill_month(month))
    fact = say("supply", "suspended", date(2021, 3, 20), date(2021, 4, 9))
    run = recalculated()
    assert_sound(run)
    assert dict(Bill.objects.filter(run_id=run.pk).values_list("account_id", "amount_minor")) == {
        HEATED: -(12 + 9) * 7000
    }
    assert causes_of(run, HEATED) == {(CONDITION, fact)}
    bill = Bill.objects.get(run_id=run.pk)
    explained = explain_bill(month=bill.month, bill_id=bill.id)
    jsonschema.validate(explained.to_data(), json.loads(SCHEMA.read_text()))
    (told,) = {tell_cause(cause, language="en") for line in explained.lines for cause in line.causes}
    assert told.startswith(f"Condition {fact} from 20 Mar 2021, Supply,")
    assert replayed_differences() == []
    later = LATER + timedelta(hours=1)
    say("supply", "", date(2021, 4, 5), date(2021, 4, 9), now=later - timedelta(minutes=1))
    again = recalculated(later)
    assert dict(Bill.objects.filter(run_id=again.pk).values_list("account_id", "amount_minor")) == {
        HEATED: 5 * 7000
    }
    assert replayed_differences() == []
    assert recalculate(now=later + timedelta(hours=1), processes=1) is None


def test_yes_and_no_are_told_too(flat):
    say("exempt", "yes", date(2021, 3, 11), now=LONG_AGO)
    say("exempt", "no", date(2021, 3, 21), now=LONG_AGO + timedelta(days=1))
    assert_sound(bill_month(MARCH))
    assert amounts(MARCH) == {"heat": 21 * 100 * 100, "refund": 0}
    assert replayed_differences() == []


def test_a_figure_of_the_point_goes_before_those_of_the_network(flat):
    """150 m3 in March by the station's 10 kWh/m3, 160 m3 by 11; from 11 to 20 March the point's own 12."""
    station = gas_node("station")
    tell(station, "calorific", 36_000_000)
    tell(station, "calorific", 39_600_000, date(2021, 3, 16), now=LONG_AGO + timedelta(days=1))
    add_account(
        GASSED, tariff=GAS, months=[(310,)], first_month=MARCH, zones=(Zone.TOTAL,), gas_node_id=station.pk
    )
    say("calorific", "43.2", date(2021, 3, 11), date(2021, 3, 20), point=GASSED, now=LONG_AGO)
    assert_sound(bill_month(MARCH))
    bill = Bill.objects.get(account_id=GASSED, month=MARCH)
    lines = dict(
        BillLine.objects.filter(month=MARCH, bill_id=bill.id).values_list("component", "amount_minor")
    )
    assert lines["gas"] == (100 * 10 + 100 * 12 + 110 * 11) * 300
    assert replayed_differences() == []
    explain_bill(month=MARCH, bill_id=bill.id)


@pytest.mark.parametrize(
    ("told", "code", "field"),
    [
        ({"name": "suply"}, "condition-unread", "name"),
        ({"name": "heated_area_m2"}, "condition-unread", "name"),
        ({"text": "off"}, "condition-value", "value"),
        ({"name": "room_temperature", "text": "cold"}, "condition-value", "value"),
        ({"name": "exempt", "text": "true"}, "condition-value", "value"),
    ],
)
def test_what_no_tariff_reads_is_refused(flat, told, code, field):
    with pytest.raises(UnableToTellCondition) as refused:
        say(told.get("name", "supply"), told.get("text", "suspended"), MARCH)
    assert (refused.value.code, refused.value.params["field"]) == (code, field)
    assert refused.value.remedy
    assert not PointCondition.objects.exists()


def test_a_file_is_written_whole_or_not_at_all(flat):
    head = "service_point,name,value,valid_from,valid_to,proof\n"
    good = f"SP{HEATED},supply,suspended,2021-03-01,2021-03-06,application 5\n"
    wrong = f"SP{HEATED},room_temperature,16.x,2021-03-01,,act 3\nSPX,supply,suspended,2021-03-01,,act 3\n"
    done = import_conditions(content=(head + good + wrong).encode(), actor=None, now=FOUND)
    assert [(fault.line, fault.field) for fault in done.faults] == [(3, "value"), (4, "service_point")]
    assert not PointCondition.objects.exists()
    done = import_conditions(content=(head + good).encode(), actor=None, now=FOUND)
    assert done.is_stored
    (kept,) = PointCondition.objects.all()
    assert (kept.word, kept.valid.lower, kept.valid.upper, kept.proof) == (
        "suspended", date(2021, 3, 1), date(2021, 3, 6), "application 5",
    )  # fmt: skip
    assert kept.valid.lower > OPENED
