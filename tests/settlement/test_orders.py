"""Parties are settled with, orders take two people, and the bank's statement books them."""

from datetime import date, timedelta

import pytest
from lxml import etree

from bank_samples import status_report
from mains.customers.models import Party
from mains.integrations.bank_files.intake import take_bank_file
from mains.integrations.payment_orders.settlement_orders import write_settlement_orders
from mains.integrations.payment_orders.status_reports import take_status_report
from mains.ledger.models import Posting
from mains.payments.actions.bank_acceptance import accept_bank_file
from mains.payments.actions.bank_accounts import add_bank_account
from mains.payments.actions.reversals import reverse_receipt
from mains.payments.models import BankBooking, Receipt
from mains.settlement.actions.contracts import UnableToStateContract, state_payee
from mains.settlement.actions.orders import UnableToDecideOrder, approve_order, refuse_order
from mains.settlement.actions.settling import UnableToSettle, settle
from mains.settlement.models import OrderEvent, PaymentOrder
from mains.settlement.queries import invariants
from mains.settlement.queries.statements import list_settlements
from mains.staff.models import User
from money_cast import NOW, Cast
from settlement_cast import contract

MAY = date(2021, 5, 31)
OURS, THEIRS = "DE89370400440532013000", "GB82WEST12345698765432"


@pytest.fixture
def people(db) -> tuple[int, int]:
    return tuple(User.objects.create(username=name).pk for name in ("vera", "oleg"))


def payee(cast: Cast, party: str, *, minimum_minor: int = 0, cycle: str = "monthly") -> None:
    state_payee(
        party=party, cycle=cycle, minimum_minor=minimum_minor, holder=party.title(), account=THEIRS, bank_code="",
        valid_from=date(2021, 1, 1), proof="Contract", actor=None, now=NOW,
    )  # fmt: skip


def paid(cast: Cast, amount: str, reference: str, day: str = "2021-05-04") -> None:
    cast.pay(("boris", day, amount, reference))


def waiting(party_id: int) -> int:
    return -sum(
        Posting.objects.filter(control="payable", provider_id=party_id).values_list("amount_minor", flat=True)
    )


def test_money_goes_from_payable_by_the_bank_to_paid(cast: Cast, people) -> None:
    contract("power:60; grid:40")
    payee(cast, "power")
    payee(cast, "grid", cycle="daily")
    paid(cast, "100.00", "b-1")
    made = settle(through=MAY, now=NOW, actor_id=people[0])
    assert [(one.due_minor, one.ordered_minor) for one in made] == [(58_50, 58_50), (39_00, 39_00)]
    order = PaymentOrder.objects.get(party_id=cast.parties["power"])
    with pytest.raises(UnableToDecideOrder, match="another person"):
        approve_order(order_id=order.pk, execute_on=NOW.date(), now=NOW, actor_id=people[0])
    approve_order(order_id=order.pk, execute_on=NOW.date(), now=NOW, actor_id=people[1])
    assert waiting(cast.parties["power"]) == 0
    Party.objects.filter(code="water").update(bank_account=OURS, kind="utility")
    file = write_settlement_orders(currency="EUR")
    assert file == write_settlement_orders(currency="EUR")
    xml = etree.fromstring(file)
    assert xml.findtext(".//{*}InstdAmt") == "58.50"
    assert xml.findtext(".//{*}EndToEndId") == order.end_to_end_id
    add_bank_account(number=OURS, title="Bank", currency="EUR")
    statement = take_bank_file(content=mt940(order.end_to_end_id), file_name="s.sta", now=NOW)
    accept_bank_file(file_id=statement, now=NOW)
    assert OrderEvent.objects.get(order=order, state="booked").bank_transaction_id
    assert BankBooking.objects.get().control == "transit"
    assert sum(Posting.objects.filter(control="transit").values_list("amount_minor", flat=True)) == 0
    assert invariants.find_breaches() == []
    assert {one.state for one in list_settlements()} == {"booked", "prepared"}


def test_an_order_that_the_bank_refuses_is_payable_again(cast: Cast, people) -> None:
    contract("power:100", fee="0")
    payee(cast, "power")
    paid(cast, "100.00", "b-1")
    settle(through=MAY, now=NOW, actor_id=people[0])
    order = PaymentOrder.objects.get()
    approve_order(order_id=order.pk, execute_on=NOW.date(), now=NOW, actor_id=people[1])
    report = status_report(f"MAINS-{order.pk}-{order.pk}-1", group="RJCT")
    assert take_status_report(content=report, file_name="r.xml", now=NOW).rejected == 1
    assert waiting(cast.parties["power"]) == 100_00
    assert sum(Posting.objects.filter(control="transit").values_list("amount_minor", flat=True)) == 0
    assert {one.state for one in list_settlements()} == {"returned"}
    later = NOW + timedelta(days=30)
    (again,) = settle(through=date(2021, 6, 30), now=later, actor_id=people[0])
    assert again.ordered_minor == 100_00
    assert invariants.find_breaches() == []


def mt940(reference: str) -> bytes:
    return (
        ":20:STARTUMSE\r\n:25:" + OURS + "\r\n:28C:00001/001\r\n:60F:C210607EUR1000,00\r\n"
        ":61:2106070607DR58,50NTRFNONREF//77\r\n:86:116?00Transfer?20EREF+" + reference + "?32Power\r\n"
        ":62F:C210607EUR941,50\r\n-\r\n"
    ).encode()


def test_what_is_taken_back_later_is_carried_to_the_next_settlement(cast: Cast, people) -> None:
    contract("power:100", fee="0")
    payee(cast, "power")
    paid(cast, "100.00", "b-1")
    (first,) = settle(through=MAY, now=NOW, actor_id=people[0])
    approve_order(order_id=PaymentOrder.objects.get().pk, execute_on=NOW.date(), now=NOW, actor_id=people[1])
    reverse_receipt(
        receipt_id=Receipt.objects.get().pk, reason="Bounced", business_date=date(2021, 6, 10),
        now=NOW + timedelta(days=5),
    )  # fmt: skip
    july, august = NOW + timedelta(days=30), NOW + timedelta(days=60)
    (second,) = settle(through=date(2021, 6, 30), now=july, actor_id=people[0])
    assert (second.due_minor, second.ordered_minor) == (-100_00, 0)
    cast.pay(("anna", "2021-07-04", "130.00", "a-1"), now=july)
    (third,) = settle(through=date(2021, 7, 31), now=august, actor_id=people[0])
    assert (third.due_minor, third.ordered_minor) == (30_00, 30_00)
    assert list_settlements()[0].opening_minor == -100_00
    assert invariants.find_breaches() == []
    assert first.settlement_id != third.settlement_id


def test_less_than_the_minimum_and_a_refused_order_are_carried(cast: Cast, people) -> None:
    contract("power:100", fee="0")
    payee(cast, "power", minimum_minor=50_00)
    paid(cast, "40.00", "b-1")
    (small,) = settle(through=MAY, now=NOW, actor_id=people[0])
    assert (small.due_minor, small.ordered_minor) == (40_00, 0)
    later = NOW + timedelta(days=30)
    paid(cast, "20.00", "b-2", "2021-06-04")
    (whole,) = settle(through=date(2021, 6, 30), now=later, actor_id=people[0])
    assert whole.ordered_minor == 60_00
    with pytest.raises(UnableToSettle, match="waits for approval"):
        settle(through=date(2021, 7, 1), now=later, party_ids=(cast.parties["power"],))
    refuse_order(order_id=PaymentOrder.objects.get().pk, reason="Other bank", now=later, actor_id=people[1])
    (again,) = settle(
        through=date(2021, 7, 1), now=later, party_ids=(cast.parties["power"],), actor_id=people[0]
    )
    assert again.ordered_minor == 60_00
    assert waiting(cast.parties["power"]) == 60_00


@pytest.mark.parametrize(
    ("account", "bank_code", "words"),
    [
        ("DE89370400440532013001", "", "neither an IBAN"),
        ("40702810800000000001", "", "needs the BIK"),
        ("40702810800000000002", "043500001", "control key"),
    ],
)
def test_an_account_that_cannot_be_is_refused(cast: Cast, account, bank_code, words) -> None:
    with pytest.raises(UnableToStateContract, match=words):
        state_payee(
            party="power", cycle="monthly", minimum_minor=0, holder="P", account=account, bank_code=bank_code,
            valid_from=MAY, proof="c", actor=None, now=NOW,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"shares": "power:60; grid:39"}, "do not sum"),
        ({"shares": "power:100", "fee": "101"}, "not a percentage"),
        ({"shares": "power:100", "fee": "1.23456"}, "at most 4 decimals"),
        ({"shares": "nobody:100"}, "no party"),
        ({"shares": "power:100", "through": True}, "not named"),
    ],
)
def test_a_contract_that_cannot_be_is_refused(cast: Cast, given, words) -> None:
    with pytest.raises(UnableToStateContract, match=words):
        contract(given.pop("shares"), **given)


def test_settling_again_or_before_the_day_is_over_is_refused(cast: Cast, people) -> None:
    contract("power:100")
    payee(cast, "power")
    paid(cast, "40.00", "b-1")
    with pytest.raises(UnableToSettle, match="not over"):
        settle(through=NOW.date(), now=NOW)
    settle(through=MAY, now=NOW)
    assert settle(through=MAY, now=NOW) == [], "who is settled with is left out"
    with pytest.raises(UnableToSettle, match="settled with"):
        settle(through=MAY, now=NOW, party_ids=(cast.parties["power"],))
