"""Absences: which days count, and that no more are absent than live there."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from mains.network.actions.absences import (
    AbsenceRule,
    UnableToRecordAbsence,
    record_absence,
    withdraw_absence,
)
from mains.network.actions.registry import add_premise, record_premise_state
from mains.network.actions.registry_files import import_absences
from mains.network.models import Absence, Premise
from mains.network.queries.absences import cut_absent, list_absences

NOW = datetime(2021, 6, 7, 9, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def flat() -> Premise:
    """Three live there, two from May on."""
    premise = add_premise(
        city="Lumen", street="Gorky", house="7", latitude=44.9, longitude=34.1, kind="flat", flat="1"
    )
    for residents, since in ((3, date(2020, 1, 1)), (2, date(2021, 5, 1))):
        record_premise_state(
            premise=premise, residents=residents, rooms=2, floor_area_m2_micro=54_000_000,
            heated_area_m2_micro=54_000_000, location="urban", cooker="gas", valid_from=since, actor=None, now=NOW,
        )  # fmt: skip
    return premise


def leave(flat: Premise, **changes: Any) -> Absence:
    told: dict[str, Any] = {
        "premise_id": flat.pk,
        "residents": 1,
        "reason": "travel",
        "left_on": date(2021, 3, 1),
        "returned_on": date(2021, 3, 12),
        "proof": "tickets",
        "actor": None,
        "now": NOW,
    }
    return record_absence(**told | changes)


def test_full_days_count_without_leaving_and_return(flat: Premise) -> None:
    absence = leave(flat)
    assert (absence.valid.lower, absence.valid.upper) == (date(2021, 3, 2), date(2021, 3, 12))
    (listed,) = list_absences(premise_id=flat.pk)
    assert (listed.days, listed.residents, listed.superseded_at) == (10, 1, None)


def test_five_full_days_are_too_few_and_six_are_enough(flat: Premise) -> None:
    """PP RF 354, paragraph 86: more than 5 full calendar days in a row."""
    with pytest.raises(UnableToRecordAbsence) as refused:
        leave(flat, returned_on=date(2021, 3, 7))
    assert refused.value.code == "absence-short"
    assert leave(flat, returned_on=date(2021, 3, 8)).valid.upper == date(2021, 3, 8)
    rule = AbsenceRule(days_min=1)
    assert leave(flat, left_on=date(2021, 4, 1), returned_on=date(2021, 4, 3), rule=rule).pk


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"residents": 4}, "absence-of-too-many"),
        ({"residents": 3, "returned_on": date(2021, 5, 3)}, "absence-of-too-many"),
        ({"residents": 0}, "absence-nobody"),
        ({"left_on": date(2019, 12, 1), "returned_on": date(2020, 1, 15)}, "absence-of-too-many"),
        ({"returned_on": NOW.date() + timedelta(days=185)}, "absence-ahead"),
        ({"reason": "because"}, "absence-reason"),
        ({"proof": " "}, "absence-proof"),
        ({"premise_id": 99_999}, "premise-unknown"),
    ],
)
def test_impossible_absences_are_refused(flat: Premise, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(UnableToRecordAbsence) as refused:
        leave(flat, **changes)
    assert refused.value.code == code
    assert not Absence.objects.exists()


def test_absences_add_up_to_all_residents(flat: Premise) -> None:
    first = leave(flat, residents=2)
    with pytest.raises(UnableToRecordAbsence, match="of whom 2 are absent"):
        leave(flat, residents=2, left_on=date(2021, 3, 10), returned_on=date(2021, 3, 20))
    withdraw_absence(absence_id=first.pk, reason="they stayed", actor=None, now=NOW)
    assert leave(flat, residents=2, left_on=date(2021, 3, 10), returned_on=date(2021, 3, 20)).pk
    withdrawn = {each.id: each for each in list_absences(premise_id=flat.pk)}[first.pk]
    assert (withdrawn.superseded_at, withdrawn.withdrawal_reason) == (NOW, "they stayed")


def test_states_are_cut_where_absences_begin_and_end() -> None:
    """Three live there until the 15th, then one; of two absences that overlap the one who is left is absent."""
    dated = {"premise_id": pl.Int64, "valid_from": pl.Date, "valid_to": pl.Date}
    found = cut_absent(
        states=pl.DataFrame(
            [(7, date(2021, 1, 1), date(2021, 3, 15), 3), (7, date(2021, 3, 15), None, 1)],
            schema=dated | {"residents": pl.Int64},
            orient="row",
        ),
        absences=pl.DataFrame(
            [(7, date(2021, 3, 2), date(2021, 3, 20), 1), (7, date(2021, 3, 10), date(2021, 4, 1), 1)],
            schema=dated | {"absent": pl.Int64},
            orient="row",
        ),
    )
    assert found.sort("valid_from").select("valid_from", "valid_to", "residents", "absent").rows() == [
        (date(2021, 1, 1), date(2021, 3, 2), 3, 0),
        (date(2021, 3, 2), date(2021, 3, 10), 3, 1),
        (date(2021, 3, 10), date(2021, 3, 15), 3, 2),
        (date(2021, 3, 15), date(2021, 3, 20), 1, 1),
        (date(2021, 3, 20), date(2021, 4, 1), 1, 1),
        (date(2021, 4, 1), None, 1, 0),
    ]


def test_a_file_of_absences(flat: Premise) -> None:
    content = """city,street,house,flat,residents,reason,left_on,returned_on,proof
Lumen,Gorky,7,1,1,hospital,2021-03-01,2021-03-12,discharge 4
"""
    done = import_absences(content=content.encode(), actor=None, now=NOW)
    assert done.is_stored, done.faults
    assert Absence.objects.get().proof == "discharge 4"
    again = import_absences(
        content=content.replace(",1,hospital", ",3,hospital").encode(), actor=None, now=NOW
    )
    assert [(fault.line, fault.field) for fault in again.faults] == [(2, "residents")]
