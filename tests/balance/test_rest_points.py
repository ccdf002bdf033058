"""What is over the cap of a house is billed to its managing company: explained, proved, corrected, and never lost."""

from datetime import timedelta

import polars as pl
import pytest
from django.utils import translation

from balance.houses import (
    APRIL,
    CLOSE,
    KWH,
    LONG_AGO,
    MARCH,
    OPENED,
    POINTS,
    RULES,
    add_house_meters,
    add_rest_point,
    agree_on_rest,
    bill_month,
)
from balance.test_house_balances import differences, late_reading, latest
from billing.test_runs import assert_sound, rows
from mains.balance.actions.rules import import_rules, set_balance_rule
from mains.balance.models import BalanceRule, ShareMonth
from mains.balance.queries.losses import find_node_days, list_losses
from mains.balance.values import UnableToSetRule
from mains.billing.actions.recalculations import recalculate, recalculate_account
from mains.billing.models import BillException, BillRun
from mains.billing.queries.explain import explain_bill, explain_change
from mains.metering.actions.registry import RegisterSpec, UnableToInstallMeter, add_meter, install_meter
from mains.network.actions.registry import UnableToConnectServicePoint, connect_service_point
from mains.network.models import Node, Premise, ServicePoint
from mains.reporting.queries.bill_paper.content import get_content
from mains.reporting.queries.bill_paper.wording import calculation
from mains.staff.values import EVERYTHING, Scope

HOUSE, OTHER_HOUSE = 11, 14
FLAT = 80
"""A flat of house 11 with a meter."""


@pytest.fixture
def houses(utility):
    utility(POINTS)
    add_house_meters()
    return add_rest_point()


def rest_lines() -> pl.DataFrame:
    return rows(
        "SELECT bill_id, month, service_month, quantity_micro, amount_minor FROM billing_billline"
        " WHERE component = 'over_norm' ORDER BY month, service_month"
    )


def test_the_rest_is_billed_to_the_managing_company_and_proved(houses):
    account = agree_on_rest(houses)
    run = bill_month(MARCH)
    assert_sound(run)
    balance = latest(MARCH, HOUSE)
    assert balance.over_cap_micro > 0
    assert balance.rest_micro == balance.over_cap_micro
    assert balance.allocated_micro + balance.rest_micro == balance.remainder_micro
    (line,) = rest_lines().iter_rows(named=True)
    assert line["quantity_micro"] == balance.rest_micro
    assert line["amount_minor"] == round(balance.rest_micro * 319 / KWH)
    days = ShareMonth.objects.get(month=MARCH, service_point_id=houses.pk).days_micro
    shared = latest(MARCH, HOUSE).allocated_days
    used = zip(balance.node_days, balance.member_days, strict=True)
    # One floor each: a day's part of the cap and of the rest are together its remainder to a millionth.
    assert all(
        abs(node - member - share - rest) <= 1
        for (node, member), share, rest in zip(used, shared, days, strict=True)
    )
    assert rows(f"SELECT 1 AS one FROM billing_bill WHERE account_id = {account.pk}").height == 1
    assert differences() == []


def test_the_point_is_a_member_of_no_balance(houses):
    """It neither counts as a consumer of its house nor gets a share of it, though it hangs there without a meter."""
    agree_on_rest(houses)
    bill_month(MARCH)
    balance = latest(MARCH, HOUSE)
    members = ServicePoint.objects.filter(node_id=HOUSE, measures_node=False, takes_rest=False)
    assert balance.points == members.count() == 8
    sharers = ShareMonth.objects.filter(month=MARCH, node_id=HOUSE).exclude(service_point_id=houses.pk)
    assert {share.service_point_id for share in sharers} == {point.pk for point in members}
    assert sum(share.total_micro for share in sharers) == balance.allocated_micro


def test_a_late_reading_of_a_member_corrects_the_rest(houses):
    """Flat 80 of house 11 used more than was known: less is over the cap, and the company gets the difference back."""
    agree_on_rest(houses)
    march = bill_month(MARCH)
    before = latest(MARCH, HOUSE)
    late_reading(FLAT)
    april = bill_month(APRIL)
    after = latest(MARCH, HOUSE)
    assert after.allocated_micro == before.allocated_micro == 600 * KWH, "the cap still holds"
    assert after.rest_micro < before.rest_micro
    corrected = rest_lines().filter(pl.col("service_month") < pl.col("month"))
    assert corrected["quantity_micro"].to_list() == [after.rest_micro - before.rest_micro]
    for run in (march, april):
        assert_sound(run)
    assert differences() == []


def test_a_recalculation_reaches_the_managing_company(houses):
    account = agree_on_rest(houses)
    bill_month(MARCH)
    before = latest(MARCH, HOUSE)
    now = late_reading(FLAT)
    summary = recalculate(now=now, processes=1)
    assert_sound(BillRun.objects.get(pk=summary.run_id))
    corrected = rest_lines().filter(pl.col("service_month") < pl.col("month"))
    assert corrected["quantity_micro"].to_list() == [latest(MARCH, HOUSE).rest_micro - before.rest_micro]
    assert differences() == []
    again = recalculate_account(account_id=account.pk, now=now + timedelta(hours=1))
    assert again is None or again.lines.is_empty()


def test_the_cap_is_changed_with_effect_in_the_past(houses):
    """A higher cap from March on, known in April: consumers are asked for more, the company for that much less."""
    agree_on_rest(houses)
    bill_month(MARCH)
    before = latest(MARCH, HOUSE)
    set_balance_rule(
        node_id=HOUSE, norm_person_micro=25 * KWH, rest_point_id=houses.pk, valid_from=MARCH, actor=None,
        now=CLOSE[MARCH] + timedelta(days=1), proof="court", **RULES[HOUSE] | {"cap_norm_m2_micro": 3 * KWH},
    )  # fmt: skip
    assert_sound(bill_month(APRIL))
    after = latest(MARCH, HOUSE)
    assert after.allocated_micro - before.allocated_micro == 300 * KWH
    # A late reading of a member changes the remainder of March besides.
    changed = after.remainder_micro - before.remainder_micro
    assert after.rest_micro - before.rest_micro == changed - 300 * KWH
    assert differences() == []


def test_a_rule_that_no_longer_names_the_point_takes_its_share_away(houses):
    agree_on_rest(houses)
    bill_month(MARCH)
    set_balance_rule(
        node_id=HOUSE, norm_person_micro=25 * KWH, valid_from=MARCH, actor=None,
        now=CLOSE[MARCH] + timedelta(days=1), proof="court", **RULES[HOUSE],
    )  # fmt: skip
    assert_sound(bill_month(APRIL))
    assert latest(MARCH, HOUSE).rest_micro == 0 < latest(MARCH, HOUSE).over_cap_micro
    assert rest_lines()["quantity_micro"].sum() == 0
    assert differences() == []


def test_without_an_agreement_the_run_says_that_nobody_pays(houses):
    run = bill_month(MARCH)
    found = BillException.objects.get(run_id=run.pk, service_point_id=houses.pk)
    assert (found.code, found.blocking) == ("agreement-gap", False)
    assert found.message == (
        "Nobody pays what is over the cap of the house on 31 of 31 days. Agree on it with the managing company."
    )
    assert latest(MARCH, HOUSE).rest_micro > 0
    # Agreed later with effect from the beginning: the next run catches the month up.
    agree_on_rest(houses, now=CLOSE[MARCH] + timedelta(days=2))
    assert_sound(bill_month(APRIL))
    assert set(rest_lines()["service_month"]) == {MARCH, APRIL}
    assert differences() == []


def test_the_bill_explains_the_rest(houses):
    agree_on_rest(houses)
    run = bill_month(MARCH)
    (line,) = rest_lines().iter_rows(named=True)
    found = explain_bill(month=run.month, bill_id=line["bill_id"])
    steps = [step for each in found.lines for step in each.tree.walk()]
    (rest,) = {step for step in steps if step.label == "over the cap of transformer-11"}
    whole, cap, shared = rest.children
    assert (whole.label, cap.label, shared.label) == (
        "remainder of the month",
        "cap by the norm",
        "what is shared",
    )
    assert rest.value == whole.value + shared.value
    assert cap.value == -shared.value == 600
    assert rest.value * KWH == latest(MARCH, HOUSE).rest_micro


def test_the_losses_tell_what_is_billed(houses):
    agree_on_rest(houses)
    bill_month(MARCH)
    days = find_node_days(month=MARCH, node_id=HOUSE)
    assert (days.rest_micro, days.rest_point) == (latest(MARCH, HOUSE).rest_micro, houses.code)
    rows_below = list_losses(scope=EVERYTHING, month=MARCH, node_id=4)
    assert {row.node_id: row.rest_micro for row in rows_below} == {HOUSE: days.rest_micro, 13: 0}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cap_norm_m2_micro": None, "common_area_m2_micro": None}, "rest-without-cap"),
        ({"node_id": OTHER_HOUSE}, "rest-point-elsewhere"),
        ({"rest_point_id": 60}, "rest-point-ordinary"),
    ],
)
def test_a_rule_names_only_a_point_that_can_take_the_rest(houses, change, code):
    told = {"node_id": HOUSE, "rest_point_id": houses.pk, **RULES[HOUSE], **change}
    with pytest.raises(UnableToSetRule) as failed:
        set_balance_rule(valid_from=MARCH, actor=None, now=CLOSE[MARCH], proof="x", **told)
    assert (failed.value.code, failed.value.params["field"]) == (code, "rest_point")
    assert failed.value.remedy


def test_a_file_of_rules_names_the_point_by_its_code(houses):
    content = (
        b"node,key,negative,cap_norm_m2,common_area_m2,rest_point,valid_from\n"
        b"transformer-11,area,zero,2.5,300,CA11,2021-04-01\n"
        b"transformer-14,area,zero,2.5,300,CA11,2021-04-01\n"
    )
    found = import_rules(content=content, actor=None, now=CLOSE[MARCH], proof="file")
    assert not found.is_stored
    assert [(fault.line, fault.field) for fault in found.faults] == [(3, "rest_point")]
    found = import_rules(
        content=content.rsplit(b"transformer-14", 1)[0], actor=None, now=CLOSE[MARCH], proof="file"
    )
    assert found.is_stored
    assert BalanceRule.objects.get(proof="file").rest_point_id == houses.pk


def test_such_a_point_stands_at_common_areas_and_has_no_meter(houses):
    flat = Premise.objects.get(pk=1)
    with pytest.raises(UnableToConnectServicePoint) as failed:
        connect_service_point(
            code="X", premise=flat, service="electricity", node=Node.objects.get(pk=12), connected_on=OPENED,
            takes_rest=True,
        )  # fmt: skip
    assert failed.value.code == "rest-not-common"
    meter = add_meter(serial="Z1", model="Z", service="electricity", registers=[RegisterSpec(digits=6)])
    with pytest.raises(UnableToInstallMeter) as refused:
        install_meter(
            meter=meter, service_point_id=houses.pk, installed_from=MARCH, opening={0: "0"}, actor=None,
            now=LONG_AGO.replace(year=2021, month=4),
        )  # fmt: skip
    assert refused.value.code == "place-takes-rest"


def test_neighbours_are_one_sum_for_the_customer_and_named_within_a_scope(houses):
    run = bill_month(MARCH)
    line = rows(
        "SELECT bill_id FROM billing_billline WHERE component = 'common' AND amount_minor > 0 LIMIT 1"
    )
    bill_id = line["bill_id"][0]

    def members(reader):
        with translation.override("en"):
            found = explain_bill(month=run.month, bill_id=bill_id, reader=reader)
        steps = [step for each in found.lines for step in each.tree.walk()]
        return next(step for step in steps if step.label.startswith("members of"))

    private = members(None)
    own = rows(f"SELECT DISTINCT service_point_id FROM billing_billline WHERE bill_id = {bill_id}")
    (own_point,) = own["service_point_id"].to_list()
    count = ServicePoint.objects.filter(node_id=HOUSE, measures_node=False, takes_rest=False).count()
    assert [step.label for step in private.children] == [
        f"SP{own_point}",
        f"{count - 1} other service points",
    ]
    named = members(EVERYTHING)
    assert len(named.children) == count
    assert sum(step.value for step in named.children) == private.value == named.value
    north = members(Scope(organisation_ids=frozenset({2}), permissions=frozenset()))
    south = members(Scope(organisation_ids=frozenset({3}), permissions=frozenset()))
    nobody = members(Scope(organisation_ids=frozenset(), permissions=frozenset()))
    assert [step.label for step in nobody.children] == [step.label for step in private.children]
    singles = [
        {step.label for step in found.children if step.label.startswith("SP")} for found in (north, south)
    ]
    assert singles[0] | singles[1] == {step.label for step in named.children}
    assert singles[0] & singles[1] <= {f"SP{own_point}"}


def test_the_paper_and_the_change_speak_of_what_the_house_used(houses):
    agree_on_rest(houses)
    for month in (MARCH, APRIL):
        bill_month(month)
    number = rest_lines().filter(pl.col("month") == APRIL)["bill_id"][0]
    with translation.override("en"):
        told = " ".join(calculation(get_content(month=APRIL, bill_id=number), language="en"))
    assert "beyond the cap of its common-house needs" in told
    assert "norm of the tariff" not in told
    change = explain_change(month=APRIL, bill_id=number)
    (use,) = [step for step in change.steps if step.cause == "use"]
    assert use.now * 30 * KWH == latest(APRIL, HOUSE).rest_micro
    assert use.before > 0
