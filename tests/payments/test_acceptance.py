"""An accepted register is booked whole: receipts, postings, oldest debts first, unknown money in suspense."""

from datetime import date

import pytest

from mains.ledger.actions import allocation
from mains.ledger.actions.allocation import allocate_credits
from mains.ledger.models import Allocation, Entry, Posting, Transaction
from mains.ledger.queries import invariants as ledger_invariants
from mains.ledger.queries.current_account import balance_of
from mains.ledger.queries.open_items import open_credits, open_items
from mains.payments.actions.acceptance import UnableToAcceptRegister, accept_register
from mains.payments.actions.suspense import UnableToIdentifyReceipt, identify_receipt
from mains.payments.models import PaymentRegisterRow, Receipt
from mains.payments.queries import invariants as payment_invariants
from mains.payments.queries.receipts import list_receipts, list_suspense, sum_suspense
from mains.payments.queries.registers import (
    find_register,
    has_accepted_register,
    list_register_rows,
    list_registers,
)
from mains.staff.values import EVERYTHING, Scope
from money_cast import NOW, Cast, register_text

MARCH, APRIL, MAY = date(2021, 3, 31), date(2021, 4, 30), date(2021, 5, 31)


@pytest.fixture(autouse=True)
def sound_books(db: None):
    """After every story of this file the books are sound."""
    yield
    assert ledger_invariants.find_breaches() == []
    assert payment_invariants.find_breaches() == []


def sums_of_control() -> dict[str, int]:
    found: dict[str, int] = {}
    for posting in Posting.objects.all():
        found[posting.control] = found.get(posting.control, 0) + posting.amount_minor
    return found


def test_money_pays_the_oldest_debts_and_the_rest_stays_as_credit(cast: Cast) -> None:
    old, new = cast.bill("anna", 10_000, on=MARCH), cast.bill("anna", 5_000, on=APRIL)
    cast.bill("boris", 7_000, on=MARCH)
    done = cast.pay(("anna", "2021-05-03", "120.00", "R-1"), ("boris", "2021-05-04", "100.00", "R-2"))
    assert (done.receipt_count, done.received_minor, done.allocated_minor, done.advance_minor) == (
        2,
        22_000,
        19_000,
        3_000,
    )
    assert dict(Allocation.objects.filter(item_id__in=[old, new]).values_list("item_id", "amount_minor")) == {
        old: 10_000,
        new: 2_000,
    }
    assert [balance_of(account_id=cast.accounts[name]) for name in ("anna", "boris")] == [3_000, -3_000]
    assert sums_of_control() == {"receivable": 0, "revenue": -22_000, "bank": 22_000}


def test_each_day_of_a_register_is_a_transaction_of_its_own_date(cast: Cast) -> None:
    cast.pay(("anna", "2021-04-30", "1.00", "R-1"), ("anna", "2021-05-01", "2.00", "R-2"))
    days = Transaction.objects.order_by("part").values_list("part", "business_date")
    assert list(days) == [(0, date(2021, 4, 30)), (1, date(2021, 5, 1))]
    assert list(Entry.objects.order_by("month").values_list("month", "amount_minor")) == [
        (date(2021, 4, 1), -100),
        (date(2021, 5, 1), -200),
    ]


def test_a_payment_is_split_by_provider_and_service(cast: Cast) -> None:
    cast.bill("chen", 4_000, on=MARCH, service="cold_water")
    cast.bill("chen", 6_000, on=APRIL)
    cast.pay(("chen", "2021-05-03", "120.00", "R-1"))
    parts = Entry.objects.filter(kind="payment").values_list("service", "provider_id", "amount_minor")
    # 20.00 are left over; they belong to Chen's first agreement, electricity.
    assert sorted(parts) == [
        ("cold_water", cast.parties["water"], -4_000),
        ("electricity", cast.parties["power"], -8_000),
    ]
    credit = open_credits(account_ids=[cast.accounts["chen"]])
    assert credit.select("service", "available_minor").rows() == [("electricity", 2_000)]


def test_money_without_any_agreement_is_still_booked(cast: Cast) -> None:
    cast.pay(("emre", "2021-05-03", "5.00", "R-1"))
    assert list(Entry.objects.values_list("service", "provider_id", "amount_minor")) == [("", 0, -500)]


def test_credit_covers_the_next_bill_of_its_provider_only(cast: Cast) -> None:
    cast.pay(("chen", "2021-03-03", "100.00", "R-1"))
    water = cast.bill("chen", 3_000, on=APRIL, service="cold_water")
    power = cast.bill("chen", 6_000, on=APRIL)
    made = allocate_credits(now=NOW)
    assert (made.count, made.amount_minor) == (1, 6_000)
    assert Allocation.objects.get().item_id == power
    assert Allocation.objects.get().business_date == APRIL
    assert open_items(account_ids=[cast.accounts["chen"]])["item_id"].to_list() == [water]
    assert allocate_credits(now=NOW).count == 0


def test_allocation_in_chunks_is_the_same(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("anna", "boris", "dilek"):
        cast.pay((name, "2021-03-03", "10.00", f"R-{name}"))
        cast.bill(name, 700, on=APRIL)
    monkeypatch.setattr(allocation, "_CHUNK", 2)
    made = allocate_credits(now=NOW)
    assert (made.count, made.accounts, made.amount_minor) == (3, 3, 2_100)


def test_an_older_credit_goes_before_a_new_payment(cast: Cast) -> None:
    credit = cast.bill("anna", -2_000, on=MARCH, correction_minor=-2_000)
    bill = cast.bill("anna", 5_000, on=APRIL)
    done = cast.pay(("anna", "2021-05-03", "50.00", "R-1"))
    assert (done.allocated_minor, done.advance_minor) == (3_000, 2_000)
    first, second = Allocation.objects.order_by("id")
    assert (first.credit_id, first.item_id, first.amount_minor) == (credit, bill, 2_000)
    assert second.amount_minor == 3_000


def test_unknown_accounts_wait_in_suspense_and_are_seen(cast: Cast) -> None:
    register = cast.stage(
        register_text([("0310000017", "2021-05-03", "10.00", "R-1"), ("999999", "2021-05-03", "7.50", "R-2"),
                       ("no such", "2021-05-04", "1.25", "R-3"), ("", "2021-05-04", "0.25", "R-4")])
    )  # fmt: skip
    assert (register.row_count, register.unknown_count, register.unknown_minor) == (4, 3, 900)
    unknown = list_register_rows(register_id=register.pk, scope=EVERYTHING, unknown_only=True)
    assert [row.account_number for row in unknown] == ["999999", "nosuch", ""]
    done = accept_register(register_id=register.pk, now=NOW)
    assert (done.suspense_count, done.suspense_minor, done.advance_minor) == (3, 900, 1_000)
    assert sums_of_control() == {"bank": 1_900, "receivable": -1_000, "suspense": -900}
    assert [receipt.amount_minor for receipt in list_suspense(scope=EVERYTHING)] == [750, 125, 25]
    assert sum_suspense().amount_minor == 900


def test_a_register_of_unknown_accounts_only_is_accepted(cast: Cast) -> None:
    done = cast.pay(("999999", "2021-05-03", "7.50", "R-1"))
    assert (done.suspense_minor, done.allocated_minor, Entry.objects.count()) == (750, 0, 0)


def test_identified_money_leaves_suspense_for_the_oldest_debt(cast: Cast) -> None:
    bill = cast.bill("anna", 500, on=MARCH)
    cast.pay(("999999", "2021-05-03", "7.50", "R-1"))
    receipt = list_suspense(scope=EVERYTHING)[0]
    booked = identify_receipt(
        receipt_id=receipt.id, account_number=cast.numbers["anna"], business_date=date(2021, 6, 7), now=NOW
    )
    assert (booked.allocated_minor, booked.advance_minor) == (500, 250)
    assert Allocation.objects.get().item_id == bill
    assert sum_suspense().count == 0
    assert balance_of(account_id=cast.accounts["anna"]) == -250
    assert [item.id for item in list_receipts(account_id=cast.accounts["anna"])] == [receipt.id]
    assert sums_of_control() == {"bank": 750, "receivable": -250, "suspense": 0, "revenue": -500}
    with pytest.raises(UnableToIdentifyReceipt) as again:
        identify_receipt(
            receipt_id=receipt.id, account_number=cast.numbers["boris"], business_date=MAY, now=NOW
        )
    assert again.value.code == "not-in-suspense"


def test_money_of_a_known_account_cannot_be_identified(cast: Cast) -> None:
    cast.pay(("anna", "2021-05-03", "7.50", "R-1"))
    with pytest.raises(UnableToIdentifyReceipt, match="not in suspense"):
        identify_receipt(
            receipt_id=Receipt.objects.get().pk,
            account_number=cast.numbers["boris"],
            business_date=MAY,
            now=NOW,
        )


def test_a_clerk_identifies_only_within_reach(cast: Cast) -> None:
    cast.pay(("999999", "2021-05-03", "7.50", "R-1"))
    south = Scope(
        organisation_ids=frozenset({cast.units["South"]}), permissions=frozenset({"import_payments"})
    )
    with pytest.raises(UnableToIdentifyReceipt) as refusal:
        identify_receipt(
            receipt_id=list_suspense(scope=south)[0].id,
            account_number=cast.numbers["anna"],
            business_date=MAY,
            now=NOW,
            scope=south,
        )
    assert refusal.value.code == "account-unknown"
    assert sum_suspense().count == 1


def test_a_register_is_accepted_once(cast: Cast) -> None:
    done = cast.pay(("anna", "2021-05-03", "7.50", "R-1"))
    with pytest.raises(UnableToAcceptRegister) as refusal:
        accept_register(register_id=done.register_id, now=NOW)
    assert refusal.value.code == "register-accepted"
    with pytest.raises(UnableToAcceptRegister) as unknown:
        accept_register(register_id=10**9, now=NOW)
    assert unknown.value.code == "register-unknown"
    assert Receipt.objects.count() == 1


def test_registers_are_shown_to_those_who_may_see_them(cast: Cast) -> None:
    cast.pay(("anna", "2021-05-03", "7.50", "R-1"), ("dilek", "2021-05-03", "1.00", "R-2"))
    cast.stage("nonsense", name="second.csv")
    assert [register.file_name for register in list_registers(scope=EVERYTHING)] == [
        "second.csv",
        "april.csv",
    ]
    first = list_registers(scope=EVERYTHING)[1]
    assert (first.status, first.row_count, first.total_minor) == ("accepted", 2, 850)
    assert [item.id for item in list_registers(scope=EVERYTHING, before_id=first.id + 1)] == [first.id]
    south = Scope(organisation_ids=frozenset({cast.units["South"]}), permissions=frozenset({"see_money"}))
    assert [row.number for row in list_register_rows(register_id=first.id, scope=south)] == [
        cast.numbers["dilek"]
    ]
    nobody = Scope(organisation_ids=None, permissions=frozenset({"see_accounts"}))
    assert list_registers(scope=nobody) == []
    assert find_register(register_id=first.id, scope=nobody) is None
    assert list_register_rows(register_id=first.id, scope=nobody) == []
    assert list_suspense(scope=nobody) == []
    assert PaymentRegisterRow.objects.count() == 2
    assert [has_accepted_register(file_name=name) for name in ("april.csv", "second.csv")] == [True, False]
