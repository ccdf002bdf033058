"""A payment booked by itself leaves the same rows as the way of registers, whatever happened before."""

from datetime import date, timedelta
from itertools import count

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mains.ledger.actions.periods import close_through
from mains.ledger.actions.policies import state_policy
from mains.ledger.models import Allocation, Entry, Posting, Transaction
from mains.ledger.queries import invariants as ledger_invariants
from mains.ledger.values import Book
from mains.payments.actions import single_receipt
from mains.payments.actions.machine_receipts import UnableToReceive, receive_by_machine
from mains.payments.models import PaymentChannel, Receipt
from mains.payments.queries import invariants as payment_invariants
from money_cast import NOW, Cast

START = date(2021, 3, 1)
names = st.sampled_from(["anna", "chen", "emre"])
bills = st.tuples(
    st.just("bill"),
    names,
    st.integers(-5_000, 20_000).filter(bool),
    st.integers(0, 60),
    st.sampled_from(["electricity", "cold_water"]),
)
payments = st.tuples(st.just("pay"), names, st.integers(1, 30_000), st.integers(0, 60))
policies = st.tuples(
    st.just("policy"),
    st.sampled_from(["by_service", "proportional"]),
    st.sampled_from(["by_date", "principal_first", "penalty_first"]),
    st.integers(0, 60),
)
closings = st.tuples(st.just("close"), st.integers(0, 30))
stories = st.tuples(
    st.lists(policies, max_size=1),
    st.lists(st.one_of(bills, payments), min_size=1, max_size=8),
    st.lists(closings, max_size=1),
    st.lists(payments, min_size=1, max_size=3),
)


@pytest.fixture
def kiosk(cast: Cast) -> PaymentChannel:
    return PaymentChannel.objects.create(
        code="kiosk", title="Kiosks", kind="agent", currency="RUB", recorded_at=NOW
    )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories)
def test_both_ways_leave_the_same_rows(cast: Cast, kiosk, monkeypatch, story) -> None:
    quick = _told(cast, kiosk, story)
    with monkeypatch.context() as patched:
        patched.setattr(single_receipt, "_is_plain", lambda *_: False)
        usual = _told(cast, kiosk, story)
    assert quick == usual


def _told(cast: Cast, kiosk: PaymentChannel, story) -> list[list[tuple]]:
    cast.runs = count(1)
    with transaction.atomic():
        for step, (verb, *what) in enumerate([*story[0], *story[1], *story[2], *story[3]]):
            if verb == "bill":
                name, amount, day, service = what
                if name == "emre" and service == "cold_water":
                    service = "electricity"
                cast.bill(name, amount, on=START + timedelta(days=day), service=service)
            elif verb == "policy":
                rule, penalty, day = what
                state_policy(
                    rule=rule,
                    penalty=penalty,
                    services=["cold_water"] if rule == "by_service" else [],
                    valid_from=START + timedelta(days=day),
                    proof="order 1",
                    actor=None,
                    now=NOW,
                )
            elif verb == "close":
                close_through(book=Book.MONEY, day=START + timedelta(days=what[0]), now=NOW)
            else:
                name, amount, day = what
                receive_by_machine(
                    channel_id=kiosk.pk,
                    channel_code=kiosk.code,
                    external_id=f"P-{step}",
                    account_number=cast.numbers[name],
                    amount_minor=amount,
                    paid_on=START + timedelta(days=day),
                    now=NOW,
                )
        assert ledger_invariants.find_breaches() == []
        assert payment_invariants.find_breaches() == []
        rows = _rows()
        transaction.set_rollback(True)
    return rows


def _rows() -> list[list[tuple]]:
    """Everything in the books, with places instead of ids: both ways draw other numbers."""
    key_of = dict(Receipt.objects.values_list("pk", "idempotency_key"))
    source = {
        one.pk: (
            one.kind,
            key_of[one.source_id] if one.kind == "online_payment" else one.source_id,
            one.part,
            one.business_date,
            one.narrative,
        )
        for one in Transaction.objects.all()
    }
    entries = {
        entry.id: (
            entry.month, source[entry.transaction_id], entry.account_id, entry.organisation_id, entry.provider_id,
            entry.service, entry.kind, entry.amount_minor, entry.correction_minor, entry.business_date, entry.due_date,
        )
        for entry in Entry.objects.all()
    }  # fmt: skip
    order = {entry_id: place for place, entry_id in enumerate(sorted(entries))}
    postings = [
        (source[one.transaction_id], one.control, one.organisation_id, one.provider_id, one.service,
         one.amount_minor, one.correction_minor)
        for one in Posting.objects.all()
    ]  # fmt: skip
    allocations = [
        (one.account_id, order[one.item_id], order[one.credit_id], one.amount_minor, one.business_date)
        for one in Allocation.objects.all()
    ]
    return [
        sorted(source.values(), key=str),
        [entries[entry_id] for entry_id in sorted(entries)],
        sorted(postings, key=str),
        sorted(allocations),
    ]


def test_a_key_is_received_once_and_another_amount_is_refused(cast: Cast, kiosk) -> None:
    cast.bill("anna", 10_000, on=START)

    def receive(name: str, amount_minor: int):
        return receive_by_machine(
            channel_id=kiosk.pk,
            channel_code=kiosk.code,
            external_id="P-1",
            account_number=cast.numbers.get(name, name),
            amount_minor=amount_minor,
            paid_on=START,
            now=NOW,
        )

    first, again = receive("anna", 4_000), receive("anna", 4_000)
    assert (first.is_new, again.is_new, again.receipt_id) == (True, False, first.receipt_id)
    with pytest.raises(UnableToReceive) as error:
        receive("anna", 5_000)
    assert error.value.code == "amount-differs"
    with pytest.raises(UnableToReceive) as error:
        receive("boris", 4_000)
    assert error.value.code == "account-differs"
    assert Receipt.objects.count() == Transaction.objects.filter(kind="online_payment").count() == 1
