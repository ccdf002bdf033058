"""Errors of meters and acts of unmetered use: what is taken, what is refused, what is withdrawn."""

from datetime import date, timedelta
from typing import Any

import pytest

from mains.base.dated import UnableToWithdrawFact
from mains.kernel.errors import MainsError
from mains.metering.actions.finding_files import import_meter_errors, import_unmetered_use
from mains.metering.actions.findings import (
    UnableToRecordMeterError,
    UnableToRecordUnmeteredUse,
    record_meter_error,
    record_unmetered_use,
    withdraw_meter_error,
    withdraw_unmetered_use,
)
from mains.metering.models import Installation, MeterError, UnmeteredUse
from mains.metering.queries.findings import list_findings
from mains.network.models import ServicePoint
from metering_cast import INSTALLED, NOW, MeterCast

MARCH, APRIL = date(2021, 3, 1), date(2021, 4, 1)


def find_error(cast: MeterCast, **changes: Any) -> MeterError:
    told: dict[str, Any] = {
        "register_id": cast.register.pk,
        "percent_hundredths": -325,
        "valid_from": MARCH,
        "valid_to": APRIL,
        "proof": "certificate 17 of 2 April",
        "actor": cast.rita,
        "now": NOW,
    }
    return record_meter_error(**told | changes)


def find_use(cast: MeterCast, **changes: Any) -> UnmeteredUse:
    told: dict[str, Any] = {
        "service_point_id": cast.flat.pk,
        "amount_micro": 90_000_000,
        "reason": "bypass",
        "valid_from": MARCH,
        "valid_to": APRIL,
        "proof": "act 4 of 1 April",
        "actor": cast.rita,
        "now": NOW,
    }
    return record_unmetered_use(**told | changes)


def test_findings_are_listed_with_author_and_proof(cast: MeterCast) -> None:
    error, act = find_error(cast), find_use(cast)
    found = list_findings(register_ids=[cast.register.pk], service_point_ids=[cast.flat.pk])
    assert {(each.id, each.is_error, each.amount) for each in found} == {
        (act.pk, False, 90_000_000),
        (error.pk, True, -325),
    }
    assert {(each.recorded_by, each.last_day) for each in found} == {("rita", date(2021, 3, 31))}


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"percent_hundredths": -10_000}, "error-percent", "percent"),
        ({"percent_hundredths": 100_001}, "error-percent", "percent"),
        ({"percent_hundredths": 0}, "error-percent", "percent"),
        ({"proof": " "}, "error-proof", "proof"),
        ({"valid_to": MARCH}, "error-dates", "valid_from"),
        ({"valid_from": NOW.date() + timedelta(days=1), "valid_to": None}, "error-dates", "valid_from"),
        ({"valid_from": INSTALLED - timedelta(days=1)}, "error-outside", "valid_from"),
        ({"register_id": 99}, "register-unknown", "register"),
    ],
)
def test_impossible_errors_are_refused(
    cast: MeterCast, changes: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(UnableToRecordMeterError) as refused:
        find_error(cast, **changes)
    assert (refused.value.code, refused.value.params["field"]) == (code, field)
    assert not MeterError.objects.exists()


def test_an_error_ends_with_its_installation(cast: MeterCast) -> None:
    Installation.objects.filter(meter=cast.register.meter).update(superseded_at=NOW)
    Installation.objects.create(
        meter=cast.register.meter, service_point=cast.flat, valid=(INSTALLED, APRIL), recorded_at=NOW
    )
    assert find_error(cast).valid.upper == APRIL
    for end in (None, APRIL + timedelta(days=1)):
        with pytest.raises(UnableToRecordMeterError, match="not installed at one place"):
            find_error(cast, valid_to=end)


def test_errors_of_one_register_do_not_meet_until_one_is_withdrawn(cast: MeterCast) -> None:
    error = find_error(cast)
    with pytest.raises(UnableToRecordMeterError) as refused:
        find_error(cast, valid_from=date(2021, 3, 31), valid_to=None)
    assert refused.value.code == "error-overlaps"
    assert find_error(cast, valid_from=APRIL, valid_to=None).pk
    withdraw_meter_error(error_id=error.pk, reason="another meter", actor=cast.sam, now=NOW)
    again = find_error(cast, percent_hundredths=500)
    latest = {each.id: each for each in list_findings(register_ids=[cast.register.pk], service_point_ids=[])}
    assert (latest[error.pk].withdrawn_by, latest[error.pk].withdrawal_reason) == ("sam", "another meter")
    assert latest[error.pk].superseded_at == NOW
    assert latest[again.pk].superseded_at is None


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"amount_micro": 0}, "act-amount", "quantity"),
        ({"amount_micro": 10**15}, "act-amount", "quantity"),
        ({"reason": "because"}, "act-reason", "reason"),
        ({"proof": ""}, "act-proof", "proof"),
        ({"valid_to": MARCH}, "act-dates", "valid_to"),
        ({"valid_to": NOW.date() + timedelta(days=2)}, "act-dates", "valid_to"),
        ({"valid_from": date(2010, 1, 1)}, "act-dates", "valid_to"),
        ({"valid_from": date(2019, 12, 31)}, "act-outside", "valid_from"),
        ({"zone": 1}, "act-zone", "zone"),
    ],
)
def test_impossible_acts_are_refused(cast: MeterCast, changes: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(UnableToRecordUnmeteredUse) as refused:
        find_use(cast, **changes)
    assert (refused.value.code, refused.value.params["field"]) == (code, field)
    assert not UnmeteredUse.objects.exists()


def test_nobody_is_charged_twice_by_two_acts_of_the_same_days(cast: MeterCast) -> None:
    act = find_use(cast)
    with pytest.raises(UnableToRecordUnmeteredUse) as refused:
        find_use(cast, valid_from=date(2021, 3, 31), valid_to=date(2021, 4, 5))
    assert refused.value.code == "act-overlaps"
    withdraw_unmetered_use(act_id=act.pk, reason="the wrong flat", actor=cast.sam, now=NOW)
    with pytest.raises(UnableToWithdrawFact, match="withdrawn already"):
        withdraw_unmetered_use(act_id=act.pk, reason="again", actor=cast.sam, now=NOW)
    act = find_use(cast)
    with pytest.raises(UnableToWithdrawFact, match="reason is missing"):
        withdraw_unmetered_use(act_id=act.pk, reason=" ", actor=cast.sam, now=NOW)
    assert UnmeteredUse.objects.get(pk=act.pk).superseded_at is None


def test_an_act_belongs_to_who_used_not_to_a_node(cast: MeterCast) -> None:
    node_point = ServicePoint.objects.create(
        code="N-1", service="electricity", node=cast.flat.node, bucket=1, connected_on=date(2020, 1, 1),
        measures_node=True,
    )  # fmt: skip
    with pytest.raises(UnableToRecordUnmeteredUse) as refused:
        find_use(cast, service_point_id=node_point.pk)
    assert refused.value.code == "act-at-node"
    with pytest.raises(MainsError):
        find_use(cast, service_point_id=99_999)


ERRORS = """serial,model,zone,percent,valid_from,valid_to,proof
E-1,,total,+5,2021-03-01,2021-04-01,certificate 1
W-1,Model X,,"-3,25",2021-03-01,,certificate 2
"""


def test_a_file_of_errors_is_taken_whole(cast: MeterCast) -> None:
    done = import_meter_errors(content=ERRORS.encode(), actor=cast.rita, now=NOW)
    assert done.is_stored, done.faults
    told = MeterError.objects.order_by("pk").values_list("register_id", "percent_hundredths", "proof")
    assert list(told) == [
        (cast.register.pk, 500, "certificate 1"),
        (cast.water.pk, -325, "certificate 2"),
    ]


def test_every_fault_of_a_file_is_named_and_nothing_is_written(cast: MeterCast) -> None:
    content = """serial,zone,percent,valid_from,valid_to,proof
E-1,total,5.001,2021-03-01,,c
E-9,total,5,2021-03-01,,c
E-1,peak,5,2021-03-01,,c
E-1,total,-100,2021-03-01,,c
E-1,total,5,2021-03-01,,
E-1,total,5,2021-03-01,,c
"""
    done = import_meter_errors(content=content.encode(), actor=cast.rita, now=NOW)
    assert [(fault.line, fault.field) for fault in done.faults] == [
        (2, "percent"),
        (3, "serial"),
        (4, "zone"),
        (5, "percent"),
        (6, "proof"),
    ]
    assert not MeterError.objects.exists()


def test_a_file_of_acts(cast: MeterCast) -> None:
    content = """service_point,quantity,reason,valid_from,valid_to,proof
SP-1,120.5,illegal,2021-03-01,2021-04-01,act 9
SP-2,3,temporary,2021-03-01,2021-03-08,act 10
"""
    done = import_unmetered_use(content=content.encode(), actor=None, now=NOW)
    assert done.is_stored, done.faults
    assert list(UnmeteredUse.objects.order_by("pk").values_list("zone", "amount_micro", "reason")) == [
        (0, 120_500_000, "illegal"),
        (0, 3_000_000, "temporary"),
    ]
