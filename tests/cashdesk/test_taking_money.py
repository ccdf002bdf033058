"""Money at the desk: once a key, for several accounts, on the till or the acquirer, and only what the cashier saw."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from desk_cast import Desks, on_control, refused
from mains.cashdesk.models import DeskPayment, DeskPaymentLine
from mains.cashdesk.queries.till import safe_minor, till_minor
from mains.cashdesk.values import Means
from mains.ledger.queries.current_account import balance_of
from mains.ledger.queries.open_items import open_items
from mains.payments.models import Receipt

MAY = date(2021, 5, 31)


def test_one_payment_pays_several_accounts_and_lies_in_the_till(desks: Desks, sound) -> None:
    cast = desks.cast
    cast.bill("anna", 30_000, on=MAY)
    cast.bill("chen", 12_345, on=MAY)
    desks.open(pieces={10_000: 20}, from_safe_minor=200_000)
    taken = desks.take("nora", ("anna", 30_000, 30_000), ("chen", 12_345, 12_345), tendered=50_000)
    payment = taken.payment
    assert (payment.number, payment.amount_minor, payment.tendered_minor) == (1, 42_345, 50_000)
    assert [balance_of(account_id=cast.accounts[name]) for name in ("anna", "chen")] == [0, 0]
    assert open_items(account_ids=list(cast.accounts.values())).is_empty()
    receipts = Receipt.objects.order_by("id")
    assert [(one.amount_minor, one.money_control, one.reference) for one in receipts] == [
        (30_000, "cash_desk", "N-1-1"),
        (12_345, "cash_desk", "N-1-1"),
    ]
    assert till_minor(desk_id=desks.north.pk) == on_control("cash_desk") == 242_345
    assert safe_minor(organisation_id=desks.north.organisation_id) == on_control("cash_safe") == 300_000
    assert on_control("bank") == 0
    assert sound() == []


def test_the_same_form_twice_is_one_payment(desks: Desks, sound) -> None:
    desks.open()
    first = desks.take("nora", ("anna", 10_000), key="form-0001")
    again = desks.take("nora", ("anna", 10_000), key="form-0001")
    assert (again.payment.pk, again.was_known, first.was_known) == (first.payment.pk, True, False)
    other = refused("key-other", desks.take, "nora", ("anna", 9_000), key="form-0001")
    assert other.params["payment"] == first.payment.pk
    desks.close("nora", {10_000: 1})
    assert desks.take("nora", ("anna", 10_000), key="form-0001").was_known, (
        "also when the shift is closed since"
    )
    assert Receipt.objects.count() == 1
    assert sound() == []


def test_a_card_payment_is_a_claim_on_the_acquirer(desks: Desks, sound) -> None:
    desks.open()
    payment = desks.take("nora", ("anna", 10_000), means=Means.CARD, slip=" 0017 ").payment
    assert (payment.slip, payment.tendered_minor) == ("0017", None)
    assert (on_control("cards"), on_control("cash_desk"), till_minor(desk_id=desks.north.pk)) == (
        10_000,
        0,
        0,
    )
    refused("slip-known", desks.take, "nora", ("boris", 500), means=Means.CARD, slip="0017")
    refused("slip", desks.take, "nora", ("boris", 500), means=Means.CARD)
    assert sound() == []


@pytest.mark.parametrize(
    ("code", "lines", "changed"),
    [
        ("lines", (), {}),
        ("amount-nothing", (("anna", 0),), {}),
        ("amount-nothing", (("anna", -5),), {}),
        ("amount-nothing", (("anna", 10**15),), {}),
        ("account-twice", (("anna", 5), ("anna", 5)), {}),
        ("tendered", (("anna", 500),), {"tendered": 499}),
        ("change", (("anna", 500),), {"tendered": 1_000_501}),
        ("account", (("dilek", 500),), {}),
        ("key", (("anna", 500),), {"key": "x"}),
    ],
)
def test_what_cannot_be_right_is_refused_and_nothing_is_kept(desks: Desks, code, lines, changed) -> None:
    desks.open()
    refused(code, desks.take, "nora", *lines, **changed)
    assert not Receipt.objects.exists()
    assert not DeskPayment.objects.exists()


def test_what_another_desk_took_meanwhile_is_said(desks: Desks) -> None:
    desks.cast.bill("anna", 30_000, on=MAY)
    desks.open()
    desks.take("nora", ("anna", 10_000, 30_000))
    said = refused("owes-other", desks.take, "nora", ("anna", 30_000, 30_000))
    assert desks.cast.numbers["anna"] in said.message
    desks.take("nora", ("anna", 20_000, 20_000))
    assert balance_of(account_id=desks.cast.accounts["anna"]) == 0


def test_a_clock_set_back_books_nothing(desks: Desks) -> None:
    desks.open()
    desks.take("nora", ("anna", 10_000))
    refused("clock", desks.take, "nora", ("anna", 10_000), now=desks.clock - timedelta(hours=1))
    desks.close("nora", {10_000: 1})
    desks.clock -= timedelta(days=1)
    refused("clock", desks.open, pieces={10_000: 1})


def test_a_closed_shift_and_anothers_take_nothing(desks: Desks) -> None:
    desks.open()
    desks.shifts["uma"] = desks.shifts["nora"]
    refused("not-yours", desks.take, "uma", ("anna", 500))
    desks.close("nora", {})
    refused("shift-closed", desks.take, "nora", ("anna", 500))
    with pytest.raises(IntegrityError, match="is closed"), transaction.atomic():
        DeskPayment.objects.create(
            shift=desks.shifts["nora"], desk=desks.north, number=9, key="by-hand-1", request="", means="cash",
            amount_minor=1, paid_on=MAY, recorded_at=desks.clock,
        )  # fmt: skip


def test_payments_are_numbered_without_a_gap_and_never_changed(desks: Desks) -> None:
    desks.open()
    desks.take("nora", ("anna", 500))
    refused("tendered", desks.take, "nora", ("anna", 500), tendered=1)
    desks.take("nora", ("anna", 500))
    assert list(DeskPayment.objects.order_by("id").values_list("number", flat=True)) == [1, 2]
    for table in (DeskPayment, DeskPaymentLine):
        with pytest.raises(IntegrityError), transaction.atomic():
            table.objects.update(amount_minor=1)
