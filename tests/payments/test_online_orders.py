"""Wallets and cards against a provider that behaves badly: money is booked once, or a person sees it."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from urllib.parse import urlsplit

import pytest

from mains.integrations.payment_providers.simulator import (
    AlipayDialect,
    Dialect,
    RedirectDialect,
    SimulatedOrder,
    WeChatDialect,
    serve_simulator,
)
from mains.ledger.queries import invariants as ledger_invariants
from mains.ledger.queries.current_account import balance_of
from mains.payments.actions.channels import UnableToStateChannel, secret_name, state_channel
from mains.payments.actions.order_notices import take_callback
from mains.payments.actions.orders import TRIES_MAX, ask_about, create_order, refund_order, tend_orders
from mains.payments.actions.payouts import UnableToRecordPayout, record_payout
from mains.payments.actions.resending import UnableToResend, close_letter, resend_letter
from mains.payments.models import (
    AcquirerDue,
    DeadLetter,
    PaymentChannel,
    PaymentOrder,
    Receipt,
    ReceiptReversal,
)
from mains.payments.queries import invariants as payment_invariants
from mains.payments.queries.acquirer_dues import list_due_parts
from mains.payments.queries.online import owed_by_channel
from mains.payments.queries.receipts import sum_suspense
from mains.payments.values.online import ProviderRefusal
from money_cast import NOW, Cast

CLOCK = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
DIALECTS: dict[str, type] = {"wechat": WeChatDialect, "alipay": AlipayDialect, "redirect": RedirectDialect}


@dataclass
class Shop:
    """A channel, its provider on a port, and the verbs of the stories."""

    cast: Cast
    channel: PaymentChannel
    dialect: Dialect

    def order(self, name: str = "anna", amount_minor: int = 10_000, **more) -> PaymentOrder:
        made = create_order(
            channel_code=self.channel.code,
            account_number=self.cast.numbers[name],
            amount_minor=amount_minor,
            notify_base="https://pay.example",
            now=NOW,
            **more,
        )
        if isinstance(self.dialect, RedirectDialect):
            self.dialect.open_page(made.pay_url)
        return made

    def pay(self, order: PaymentOrder) -> SimulatedOrder:
        return self.dialect.orders.pay(order.number)

    def call(
        self, paid: SimulatedOrder, *, at: datetime = CLOCK, amount_minor=None, now=NOW, spoil=False
    ) -> bool:
        """Send a call-back; whether it was taken."""
        headers, body = self.dialect.callback(paid, at=at, amount_minor=amount_minor)
        return self.send(headers, body.replace(b"1", b"2") if spoil else body, now=now)

    def send(self, headers, body: bytes, *, now=NOW) -> bool:
        said = take_callback(
            channel_code=self.channel.code,
            headers={name.lower(): value for name, value in headers.items()},
            body=body,
            now=now,
            clock=CLOCK,
        )
        return said.status == 200 and said.body != b"fail"


@pytest.fixture(params=list(DIALECTS))
def shop(request, cast: Cast, monkeypatch) -> Iterator[Shop]:
    with ExitStack() as stack:
        yield _open_shop(request.param, cast, monkeypatch, stack)
        assert ledger_invariants.find_breaches() == []
        assert payment_invariants.find_breaches() == []


@pytest.fixture
def cards(cast: Cast, monkeypatch) -> Iterator[Shop]:
    with ExitStack() as stack:
        yield _open_shop("redirect", cast, monkeypatch, stack)
        assert ledger_invariants.find_breaches() == []
        assert payment_invariants.find_breaches() == []


def _open_shop(adapter: str, cast: Cast, monkeypatch, stack: ExitStack) -> Shop:
    dialect = DIALECTS[adapter]()
    base = stack.enter_context(serve_simulator(dialect))
    monkeypatch.setenv("MAINS_PAYMENT_HOSTS", urlsplit(base).netloc)
    code = f"{adapter}-{os.getpid()}-{id(dialect) % 10**6}"[:20]
    for name, value in dialect.secrets().items():
        monkeypatch.setenv(secret_name(code, name), value)
    terms = {"instalments": [1, 3], "first_days": 30, "every_days": 30} if adapter == "redirect" else {}
    channel = state_channel(
        code=code,
        title=adapter,
        kind="card" if adapter == "redirect" else "wallet",
        adapter=adapter,
        currency="CNY",
        settings=dialect.settings(base) | terms,
        now=NOW,
    )
    return Shop(cast, channel, dialect)


def receipts() -> list[int]:
    return list(Receipt.objects.order_by("pk").values_list("amount_minor", flat=True))


def letters() -> list[tuple[str, str, int]]:
    return list(
        DeadLetter.objects.filter(state="open").values_list("operation", "reason", "times").order_by("pk")
    )


def test_call_backs_three_times_shuffled_are_one_payment_each(shop: Shop) -> None:
    shop.cast.bill("anna", 25_000, on=date(2021, 4, 30))
    paid = [shop.pay(shop.order("anna", amount)) for amount in (10_000, 5_000, 7_500)]
    calls = [one for one in paid for _ in range(3)]
    Random(7).shuffle(calls)
    assert all(shop.call(one) for one in calls)
    assert sorted(receipts()) == [5_000, 7_500, 10_000]
    assert balance_of(account_id=shop.cast.accounts["anna"]) == 2_500
    assert set(PaymentOrder.objects.values_list("state", flat=True)) == {"paid"}
    assert owed_by_channel(channel_id=shop.channel.pk) == 22_500
    assert letters() == []


def test_wrong_signatures_and_old_call_backs_book_nothing_and_are_listed(shop: Shop) -> None:
    paid = shop.pay(shop.order())
    assert not shop.call(paid, spoil=True)
    assert not shop.call(paid, spoil=True)
    assert not shop.call(paid, at=CLOCK - timedelta(days=3))
    assert not shop.call(paid, at=CLOCK + timedelta(hours=1))
    assert not shop.send({}, b"\xff\x00[[[[")
    assert receipts() == []
    reasons = {reason: times for _, reason, times in letters()}
    assert reasons["callback-stale"] == 2
    assert sum(reasons.values()) == 5
    assert "SECRET" not in repr(list(DeadLetter.objects.values()))


def test_another_amount_is_refused_listed_and_settled_by_asking(shop: Shop) -> None:
    order = shop.order()
    paid = shop.pay(order)
    assert not shop.call(paid, amount_minor=1)
    assert not shop.call(paid, amount_minor=1)
    assert receipts() == []
    assert letters() == [("callback", "amount-not-ordered", 2)]
    letter = resend_letter(letter_id=DeadLetter.objects.get().pk, now=NOW)
    assert (letter.state, receipts()) == ("settled", [10_000])
    assert shop.call(paid)
    # The same number of the provider with another amount never replaces what is booked.
    assert not shop.call(paid, amount_minor=9_999)
    assert receipts() == [10_000]
    with pytest.raises(UnableToResend):
        resend_letter(letter_id=letter.pk, now=NOW)


def test_money_after_the_order_expired_is_still_booked(shop: Shop) -> None:
    order = shop.order()
    late = NOW + timedelta(hours=2)
    assert tend_orders(now=late) == 1
    order.refresh_from_db()
    assert (order.state, order.next_try_at) == ("expired", None)
    assert shop.call(shop.pay(order), now=late)
    order.refresh_from_db()
    assert (order.state, receipts()) == ("paid", [10_000])


def test_charged_and_then_silent_is_resolved_by_asking_and_never_doubled(shop: Shop) -> None:
    if isinstance(shop.dialect, RedirectDialect):
        order = shop.order()
        shop.pay(order)
        order.next_try_at = NOW
        order.save()
    else:
        shop.dialect.orders.silent["start"] = 1
        shop.dialect.orders.charges_at_start = True
        order = shop.order()
        assert order.state == "unclear"
    shop.dialect.orders.silent["query"] = 2
    now, states = NOW, []
    for _ in range(4):
        now += timedelta(minutes=10)
        tend_orders(now=now)
        order.refresh_from_db()
        states.append(order.state)
    assert states == ["unclear", "unclear", "paid", "paid"]
    assert shop.call(shop.dialect.orders.by_number[order.number])
    assert receipts() == [10_000]


def test_a_provider_that_stays_silent_is_listed_for_a_person_who_sends_again(shop: Shop) -> None:
    order = shop.order()
    shop.pay(order)
    shop.dialect.orders.silent["query"] = TRIES_MAX
    now = NOW + timedelta(hours=1)
    for _ in range(TRIES_MAX + 3):
        tend_orders(now=now)
        now += timedelta(hours=2)
    assert letters() == [("query", "provider-silent", 1)]
    assert receipts() == []
    resend_letter(letter_id=DeadLetter.objects.get().pk, now=now)
    assert (letters(), receipts()) == ([], [10_000])


def test_money_of_an_order_that_nobody_knows_waits_in_suspense(shop: Shop) -> None:
    stray = SimulatedOrder(
        number="stray0001",
        amount_minor=4_200,
        currency="CNY",
        notify_url="",
        status="paid",
        payment="T-stray",
    )
    assert shop.call(stray)
    assert shop.call(stray)
    assert (sum_suspense().count, sum_suspense().amount_minor) == (1, 4_200)


def test_a_refund_that_ends_in_silence_is_asked_again_and_made_once(shop: Shop) -> None:
    shop.cast.bill("anna", 10_000, on=date(2021, 4, 30))
    order = shop.order()
    assert shop.call(shop.pay(order))
    shop.dialect.orders.silent["refund"] = 1
    assert refund_order(order_id=order.pk, reason="paid twice", now=NOW).state == "refunding"
    assert ReceiptReversal.objects.count() == 0
    tend_orders(now=NOW + timedelta(minutes=2))
    order.refresh_from_db()
    assert (order.state, ReceiptReversal.objects.count()) == ("refunded", 1)
    assert shop.dialect.orders.by_number[order.number].refunds == {f"R{order.number[:31]}"}
    assert balance_of(account_id=shop.cast.accounts["anna"]) == 10_000
    assert owed_by_channel(channel_id=shop.channel.pk) == 0
    # A call-back of the payment that arrives after the refund changes nothing.
    shop.call(shop.dialect.orders.by_number[order.number])
    order.refresh_from_db()
    assert order.state == "refunded"


def test_an_order_paid_twice_is_booked_twice_and_listed(cards: Shop) -> None:
    order = cards.order()
    paid = cards.pay(order)
    assert cards.call(paid)
    paid.payment = "another"
    assert cards.call(paid)
    assert receipts() == [10_000, 10_000]
    assert letters() == [("callback", "order-paid-again", 1)]
    letter = DeadLetter.objects.get()
    with pytest.raises(UnableToResend):
        resend_letter(letter_id=letter.pk, now=NOW)
    with pytest.raises(UnableToResend):
        close_letter(letter_id=letter.pk, note=" ", now=NOW)
    close_letter(letter_id=letter.pk, note="refunded at the acquirer", now=NOW)
    assert letters() == []


def test_instalments_are_due_by_the_schedule_and_payouts_meet_them_oldest_first(cards: Shop) -> None:
    assert cards.call(cards.pay(cards.order("anna", 10_000, instalments=3)))
    today = NOW.date()
    parts = list(AcquirerDue.objects.order_by("part").values_list("part", "due_on", "amount_minor"))
    assert parts == [
        (1, today + timedelta(days=30), 3_334),
        (2, today + timedelta(days=60), 3_333),
        (3, today + timedelta(days=90), 3_333),
    ]
    code = cards.channel.code
    first = {"channel_code": code, "reference": "PO-1", "paid_on": today + timedelta(days=31), "now": NOW}
    record_payout(amount_minor=3_900, fee_minor=100, **first)
    with pytest.raises(UnableToRecordPayout):
        record_payout(amount_minor=3_900, fee_minor=100, **first)
    left = list_due_parts(code=code, on_date=today + timedelta(days=61))
    assert [(one.part, one.paid_minor, one.left_minor) for one in left] == [(2, 666, 2_667), (3, 0, 3_333)]
    assert owed_by_channel(channel_id=cards.channel.pk) == 6_000


def test_only_hosts_on_the_list_are_called(cards: Shop, monkeypatch) -> None:
    monkeypatch.setenv("MAINS_PAYMENT_HOSTS", "acquirer.example")
    with pytest.raises(ProviderRefusal) as error:
        cards.order()
    assert error.value.code == "host-refused"
    order = PaymentOrder.objects.get()
    assert order.state == "failed"
    with pytest.raises(ProviderRefusal):
        ask_about(order_id=order.pk, now=NOW)


def test_secrets_do_not_go_into_settings(cast: Cast) -> None:
    with pytest.raises(UnableToStateChannel):
        state_channel(
            code="leaky",
            title="Leaky",
            kind="wallet",
            adapter="wechat",
            currency="CNY",
            settings={"apiv3_key": "x" * 32},
            now=NOW,
        )
