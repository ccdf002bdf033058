"""Shifts: the count at both ends, what is short or over, where the cash goes, and payments taken back meanwhile."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from desk_cast import Desks, on_control, refused
from mains.cashdesk.actions.movements import deposit_from_safe, fill_safe
from mains.cashdesk.actions.voids import decide_void, void_payment
from mains.cashdesk.models import CashMovement, DeskVoid, Shift
from mains.cashdesk.queries.till import safe_minor, till_minor
from mains.cashdesk.values import Means
from mains.ledger.queries.current_account import balance_of
from mains.payments.actions.deposits import UnableToHandIn
from mains.payments.actions.reversals import UnableToReverseReceipt, reverse_receipt
from mains.payments.models import Deposit, Receipt, ReceiptReversal

MAY = date(2021, 5, 31)


def test_a_day_from_float_to_bank(desks: Desks, sound) -> None:
    desks.open(pieces={10_000: 10}, from_safe_minor=100_000)
    desks.take("nora", ("anna", 40_000), ("boris", 1_550))
    desks.take("nora", ("chen", 8_000), means=Means.CARD, slip="12")
    # 141,550 should be there: the cashier gave ten too much change.
    count = {50_000: 2, 10_000: 4, 500: 3, 50: 0}
    refused("difference", desks.close, "nora", count)
    refused("till-less", desks.close, "nora", count, reason="?", to_bank_minor=200_000, slip="B-1")
    closed = desks.close(
        "nora", count, reason="Change given wrongly", to_bank_minor=100_000, slip="B-1", to_safe_minor=11_500
    )
    assert (closed.expected_minor, closed.counted_minor) == (141_550, 141_500)
    assert closed.counted == {"50000": 2, "10000": 4, "500": 3}
    assert till_minor(desk_id=desks.north.pk) == on_control("cash_desk") == 30_000
    assert (on_control("in_transit"), on_control("cash_differences"), on_control("cards")) == (
        100_000,
        50,
        8_000,
    )
    assert safe_minor(organisation_id=desks.north.organisation_id) == 411_500
    assert Deposit.objects.get().slip == "B-1"
    report = closed.report
    assert [(one["means"], one["count"], one["amount_minor"]) for one in report["means"]] == [
        ("cash", 1, 41_550),
        ("card", 1, 8_000),
    ]
    assert report["left_minor"] == 30_000
    # The next cashier counts what was left.
    assert desks.open(pieces={10_000: 3}).number == 2
    assert sound() == []


def test_the_next_count_books_what_is_missing_over_night(desks: Desks, sound) -> None:
    desks.open(pieces={10_000: 10}, from_safe_minor=100_000)
    desks.close("nora", {10_000: 10})
    refused("difference", desks.open, pieces={10_000: 9})
    assert Shift.objects.count() == 1
    desks.open(pieces={10_000: 9}, reason="A note is missing")
    assert till_minor(desk_id=desks.north.pk) == 90_000
    assert CashMovement.objects.get(kind="short").reason == "A note is missing"
    assert sound() == []


def test_a_till_has_one_cashier_and_a_cashier_one_till(desks: Desks) -> None:
    desks.open()
    refused("shift-open", desks.open, "uma", desk_id=desks.north.pk)
    refused("unknown", desks.open, desk_id=desks.south.pk)
    refused("not-yours", desks.close, "nora", {}, by="sam")
    desks.close("nora", {}, by="uma")
    assert Shift.objects.get().closed_by_id == desks.people["uma"]
    with pytest.raises(IntegrityError, match="closed or decided"), transaction.atomic():
        Shift.objects.update(counted_minor=1)


def test_counts_and_safes_hold_only_what_there_is(desks: Desks) -> None:
    refused("count", desks.open, pieces={12_345: 1})
    refused("count", desks.open, pieces={10_000: -1})
    refused("safe-less", desks.open, pieces={10_000: 60}, from_safe_minor=600_000)
    assert not Shift.objects.exists()


def test_a_payment_is_taken_back_in_its_shift(desks: Desks, sound) -> None:
    desks.cast.bill("anna", 30_000, on=MAY)
    desks.open()
    payment = desks.take("nora", ("anna", 30_000), ("boris", 5_000)).payment
    void = void_payment(
        payment_id=payment.pk, reason="Wrong person", now=desks.tick(), actor_id=desks.people["nora"]
    )
    assert void.state == "done"
    assert balance_of(account_id=desks.cast.accounts["anna"]) == 30_000
    assert balance_of(account_id=desks.cast.accounts["boris"]) == 0
    assert till_minor(desk_id=desks.north.pk) == on_control("cash_desk") == 0
    assert ReceiptReversal.objects.count() == 2
    told = {"payment_id": payment.pk, "reason": "Again", "actor_id": desks.people["nora"]}
    refused("void-known", void_payment, now=desks.tick(), **told)
    assert sound() == []


def test_above_the_limit_a_supervisor_agrees_and_not_who_asked(desks: Desks, sound) -> None:
    desks.open()
    payment = desks.take("nora", ("anna", 60_000)).payment
    told = {"payment_id": payment.pk, "actor_id": desks.people["nora"]}
    refused("void-reason", void_payment, reason=" ", now=desks.tick(), **told)
    asked = void_payment(reason="Typed wrongly", now=desks.tick(), **told)
    assert (asked.state, till_minor(desk_id=desks.north.pk)) == ("asked", 60_000)
    decide = {"void_id": asked.pk, "agrees": True, "supervised": desks.scope("North")}
    refused("void-own", decide_void, now=desks.tick(), actor_id=desks.people["nora"], **decide)
    other = {**decide, "supervised": desks.scope("South")}
    refused("void-unknown", decide_void, now=desks.tick(), actor_id=desks.people["uma"], **other)
    decide_void(now=desks.tick(), actor_id=desks.people["uma"], **decide)
    assert (till_minor(desk_id=desks.north.pk), DeskVoid.objects.get().state) == (0, "done")
    refused("void-decided", decide_void, now=desks.tick(), actor_id=desks.people["uma"], **decide)
    assert sound() == []


def test_a_wish_that_nobody_decided_ends_with_the_shift(desks: Desks) -> None:
    desks.open()
    payment = desks.take("nora", ("anna", 60_000)).payment
    told = {"payment_id": payment.pk, "reason": "Typed wrongly", "actor_id": desks.people["nora"]}
    void_payment(now=desks.tick(), **told)
    desks.close("nora", {50_000: 1, 10_000: 1})
    assert DeskVoid.objects.get().state == "refused"
    refused("shift-closed", void_payment, now=desks.tick(), **told)


def test_a_card_slip_may_come_again_once_its_payment_is_taken_back(desks: Desks, sound) -> None:
    desks.open()
    payment = desks.take("nora", ("anna", 5_000), means=Means.CARD, slip="77").payment
    void_payment(payment_id=payment.pk, reason="Boris paid", now=desks.tick(), actor_id=desks.people["nora"])
    desks.take("nora", ("boris", 5_000), means=Means.CARD, slip="77")
    assert on_control("cards") == 5_000
    assert sound() == []


def test_the_office_gives_no_cash_back_that_the_till_has_not(desks: Desks, sound) -> None:
    desks.open()
    desks.take("nora", ("anna", 10_000))
    desks.close("nora", {10_000: 1}, to_bank_minor=10_000, slip="B-2")
    told = {"receipt_id": Receipt.objects.get().pk, "reason": "Disputed", "business_date": desks.clock.date()}
    with pytest.raises(UnableToReverseReceipt, match="less cash"):
        reverse_receipt(now=desks.tick(), **told)
    assert sound() == []


def test_the_safe_goes_to_the_bank_under_a_slip_once(desks: Desks, sound) -> None:
    unit = desks.north.organisation_id
    told = {"organisation_id": unit, "amount_minor": 100_000, "slip": "B-9", "actor_id": None}
    first = deposit_from_safe(key="form-1", now=desks.tick(), **told)
    assert deposit_from_safe(key="form-1", now=desks.tick(), **told).pk == first.pk
    refused("key-other", deposit_from_safe, key="form-1", now=desks.tick(), **(told | {"amount_minor": 1}))
    with pytest.raises(UnableToHandIn, match="before"):
        deposit_from_safe(key="form-2", now=desks.tick(), **told)
    with pytest.raises(UnableToHandIn, match="number"):
        deposit_from_safe(key="form-3", now=desks.tick(), **(told | {"slip": " "}))
    refused(
        "amount",
        fill_safe,
        organisation_id=unit,
        amount_minor=0,
        key="k",
        now=desks.tick(),
        reason="",
        actor_id=None,
    )
    assert (safe_minor(organisation_id=unit), on_control("in_transit")) == (400_000, 100_000)
    assert sound() == []
