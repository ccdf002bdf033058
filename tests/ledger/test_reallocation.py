"""Allocations follow from entries and policies alone: whatever came first, the same debts are open in the end."""

from datetime import date, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mains.ledger.actions.allocation import allocate_credits
from mains.ledger.actions.policies import UnableToStatePolicy, state_policy
from mains.ledger.actions.reallocation import reallocate
from mains.ledger.models import Allocation, Entry
from mains.ledger.queries import invariants as ledger_invariants
from mains.ledger.queries.current_account import balance_of
from mains.ledger.queries.open_items import held_allocations, open_items
from mains.payments.actions.reversals import UnableToReverseReceipt, reverse_receipt
from mains.payments.actions.suspense import UnableToIdentifyReceipt, identify_receipt
from mains.payments.models import Receipt
from mains.payments.queries import invariants as payment_invariants
from mains.payments.queries.receipts import list_receipts, sum_suspense
from money_cast import NOW, Cast

MARCH, APRIL, MAY = date(2021, 3, 31), date(2021, 4, 30), date(2021, 5, 31)


def open_of(cast: Cast, name: str = "anna") -> dict[tuple[str, date], int]:
    rows = open_items(account_ids=[cast.accounts[name]]).iter_rows(named=True)
    return {(row["service"], row["due_date"]): row["outstanding_minor"] for row in rows}


def sound() -> bool:
    return ledger_invariants.find_breaches() == [] and payment_invariants.find_breaches() == []


def test_a_payment_that_comes_late_takes_its_place(cast: Cast) -> None:
    march = cast.bill("anna", 5_000, on=MARCH)
    cast.bill("anna", 4_000, on=APRIL)
    cast.pay(("anna", "2021-05-10", "50.00", "LATER"))
    cast.pay(("anna", "2021-04-10", "30.00", "EARLIER"))
    paid = dict(Entry.objects.filter(kind="payment").values_list("amount_minor", "id"))
    held = held_allocations(account_ids=[cast.accounts["anna"]])
    covered = {(row["item_id"], row["credit_id"]): row["amount_minor"] for row in held.iter_rows(named=True)}
    assert covered[march, paid[-3_000]] == 3_000
    assert covered[march, paid[-5_000]] == 2_000
    assert Allocation.objects.filter(amount_minor__lt=0).exists(), "reversed, not edited"
    assert open_of(cast) == {("electricity", APRIL): 1_000}
    assert sound()


def test_doing_it_again_changes_nothing(cast: Cast) -> None:
    cast.bill("anna", 5_000, on=MARCH)
    cast.pay(("anna", "2021-05-10", "70.00", "R-1"))
    cast.bill("anna", 4_000, on=APRIL)
    reallocate(account_ids=[cast.accounts["anna"]], now=NOW)
    assert reallocate(account_ids=[cast.accounts["anna"]], now=NOW).count == 0


def test_a_receipt_taken_back_is_owed_again_and_others_move_up(cast: Cast) -> None:
    cast.bill("anna", 5_000, on=MARCH)
    cast.bill("anna", 4_000, on=APRIL)
    cast.pay(("anna", "2021-04-10", "50.00", "BOUNCED"), ("anna", "2021-05-10", "40.00", "GOOD"))
    receipt = Receipt.objects.get(reference="BOUNCED")
    reverse_receipt(receipt_id=receipt.pk, reason="Returned by the bank", business_date=MAY, now=NOW)
    assert balance_of(account_id=cast.accounts["anna"]) == 5_000
    assert open_of(cast) == {("electricity", MARCH): 1_000, ("electricity", APRIL): 4_000}
    assert sound()
    assert [row.reversed_on for row in list_receipts(account_id=cast.accounts["anna"])] == [None, MAY]
    with pytest.raises(UnableToReverseReceipt) as refusal:
        reverse_receipt(receipt_id=receipt.pk, reason="Again", business_date=MAY, now=NOW)
    assert refusal.value.code == "receipt-reversed"


def test_money_goes_back_out_of_suspense(cast: Cast) -> None:
    cast.pay(("999", "2021-04-10", "7.50", "STRANGE"))
    receipt = Receipt.objects.get()
    reverse_receipt(receipt_id=receipt.pk, reason="Sent back", business_date=APRIL, now=NOW)
    assert sum_suspense().count == 0
    assert sound()
    with pytest.raises(UnableToIdentifyReceipt):
        identify_receipt(
            receipt_id=receipt.pk, account_number=cast.numbers["anna"], business_date=APRIL, now=NOW
        )


def test_an_identified_receipt_is_taken_back_too(cast: Cast) -> None:
    cast.bill("anna", 500, on=MARCH)
    cast.pay(("999", "2021-04-10", "7.50", "STRANGE"))
    receipt = Receipt.objects.get()
    identify_receipt(receipt_id=receipt.pk, account_number=cast.numbers["anna"], business_date=APRIL, now=NOW)
    reverse_receipt(receipt_id=receipt.pk, reason="Wrong account", business_date=MAY, now=NOW)
    assert open_of(cast) == {("electricity", MARCH): 500}
    assert sound()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"receipt_id": 10**9}, "receipt-unknown"),
        ({"reason": " "}, "reversal-reason"),
        ({"business_date": MARCH}, "reversal-before-payment"),
    ],
)
def test_what_cannot_be_taken_back(cast: Cast, change: dict[str, object], code: str) -> None:
    cast.pay(("anna", "2021-04-10", "7.50", "R-1"))
    told = {"receipt_id": Receipt.objects.get().pk, "reason": "Returned", "business_date": MAY, "now": NOW}
    with pytest.raises(UnableToReverseReceipt) as refusal:
        reverse_receipt(**(told | change))
    assert refusal.value.code == code
    assert sound()


def test_services_come_first_from_the_day_of_the_policy(cast: Cast) -> None:
    for service in ("electricity", "cold_water"):
        cast.bill("chen", 1_000, on=MARCH, service=service)
        cast.bill("chen", 1_000, on=APRIL, service=service)
    state_policy(
        rule="by_service",
        services=["cold_water"],
        valid_from=date(2021, 5, 1),
        proof="Order 7",
        actor=None,
        now=NOW,
    )
    cast.pay(("chen", "2021-04-20", "5.00", "BEFORE"), ("chen", "2021-05-02", "15.00", "AFTER"))
    assert open_of(cast, "chen") == {
        ("electricity", MARCH): 500,
        ("electricity", APRIL): 1_000,
        ("cold_water", APRIL): 500,
    }
    assert sound()


def test_a_payment_is_divided_among_services_by_what_they_are_owed(cast: Cast) -> None:
    cast.bill("chen", 3_000, on=MARCH)
    cast.bill("chen", 1_000, on=APRIL, service="cold_water")
    state_policy(rule="proportional", valid_from=MARCH, proof="Order 8", actor=None, now=NOW)
    cast.pay(("chen", "2021-05-02", "20.00", "R-1"))
    assert open_of(cast, "chen") == {("electricity", MARCH): 1_500, ("cold_water", APRIL): 500}
    assert sound()


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"rule": "by_luck"}, "policy-rule"),
        ({"rule": "by_service"}, "policy-services"),
        ({"rule": "by_service", "services": ["heat", "heat"]}, "policy-services"),
        ({"rule": "proportional", "services": ["heat"]}, "policy-services"),
        ({"rule": "proportional", "proof": " "}, "policy-proof"),
    ],
)
def test_a_policy_that_cannot_be_followed_is_refused(db: None, told: dict[str, object], code: str) -> None:
    with pytest.raises(UnableToStatePolicy) as refusal:
        state_policy(**({"valid_from": MARCH, "proof": "Order", "actor": None, "now": NOW} | told))
    assert refusal.value.code == code


events = st.lists(
    st.one_of(
        st.tuples(st.just("bill"), st.integers(-3_000, 9_000).filter(bool), st.integers(0, 60)),
        st.tuples(st.just("pay"), st.integers(1, 9_000), st.integers(0, 60)),
        st.tuples(st.just("back"), st.integers(0, 5), st.just(0)),
    ),
    min_size=1,
    max_size=9,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=events)
def test_any_order_of_events_leaves_the_same_open_debts(
    cast: Cast, events: list[tuple[str, int, int]]
) -> None:
    """Payments and bills told in the order of their dates at once, or one after another as they came."""
    opened = []
    for told in (events, sorted((e for e in events if e[0] != "back"), key=lambda e: e[2])):
        with transaction.atomic():
            _tell(cast, told, with_reversals=told is events)
            if told is events:
                gone = set(Receipt.objects.exclude(reversal=None).values_list("reference", flat=True))
            reallocate(account_ids=[cast.accounts["anna"]], now=NOW)
            assert sound()
            if told is not events:
                for receipt in Receipt.objects.filter(reference__in=gone):
                    reverse_receipt(receipt_id=receipt.pk, reason="Back", business_date=MAY, now=NOW)
            opened.append(sorted(open_of(cast).values()))
            assert reallocate(account_ids=[cast.accounts["anna"]], now=NOW).count == 0
            transaction.set_rollback(True)
    assert opened[0] == opened[1]


def _tell(cast: Cast, events: list[tuple[str, int, int]], *, with_reversals: bool) -> None:
    for number, (verb, amount, days) in enumerate(events):
        day = MARCH + timedelta(days)
        if verb == "bill":
            cast.bill("anna", amount, on=day)
            allocate_credits(account_ids=[cast.accounts["anna"]], now=NOW)
        elif verb == "pay":
            reference = f"R-{amount}-{days}"
            if not Receipt.objects.filter(reference=reference).exists():
                cast.pay(("anna", str(day), f"{amount // 100}.{amount % 100:02d}", reference))
        elif with_reversals:
            known = list(Receipt.objects.filter(reversal=None).order_by("id"))
            if known:
                reverse_receipt(
                    receipt_id=known[amount % len(known)].pk,
                    reason="Returned",
                    business_date=MAY + timedelta(number),
                    now=NOW,
                )
