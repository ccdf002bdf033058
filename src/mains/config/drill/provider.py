"""A provider of payments that charges and then says nothing, calls back three times at once, late, with old or wrong
amounts, and refunds in silence: every order's money is in the books once, or a person sees the order."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from mains.config.chance import Repeatable
from mains.config.drill.at_once import call_at_once
from mains.config.drill.counts import DrillCounts, book_losses, count
from mains.integrations.payment_providers.simulator import SimulatedOrder, WeChatDialect, serve_simulator
from mains.kernel.errors import MainsError
from mains.payments.actions.channels import secret_name, state_channel
from mains.payments.actions.order_notices import take_callback
from mains.payments.actions.orders import create_order, refund_order, tend_orders
from mains.payments.models import PaymentChannel, PaymentOrder

_CODE = "drill-wallet"
_NOW = datetime(2022, 1, 11, 9, tzinfo=UTC)
_EXPIRED = timedelta(minutes=31)
_STALE = timedelta(minutes=6)
_AGAIN = timedelta(minutes=61)
_CALLS_AT_ONCE = 4


class _Shop:
    """A channel and its provider, and what may go wrong between them."""

    def __init__(self, *, dialect: WeChatDialect, numbers: list[str], seed: int) -> None:
        self.dialect = dialect
        self.numbers = numbers
        self.chance = Repeatable(seed)
        self.now = _NOW
        self.counts: Counter[str] = Counter()

    def charged_in_silence(self) -> None:
        """The money is taken as the order arrives, and no answer comes; the call-back may come later."""
        self.dialect.orders.charges_at_start = True
        self.dialect.orders.silent["start"] = 1
        order = self._order()
        self.dialect.orders.charges_at_start = False
        if self.chance.random() < 0.5:
            self._ask_on()
        self._call(self._there(order))

    def called_at_once(self) -> None:
        """The same call-back several times at one moment, while we ask ourselves."""
        order = self._order()
        paid = self.dialect.orders.pay(order.number)
        PaymentOrder.objects.filter(pk=order.pk).update(next_try_at=self.now)
        calls: list[Callable[[], object]] = [lambda: self._call(paid) for _ in range(_CALLS_AT_ONCE)]
        said = call_at_once([*calls, lambda: tend_orders(now=self.now)])
        self.counts["call-backs refused without need"] += sum(one is not True for one in said[:-1])

    def paid_late(self) -> None:
        """The order has expired when the customer pays."""
        order = self._order()
        self.now += _EXPIRED
        tend_orders(now=self.now)
        paid = self.dialect.orders.pay(order.number)
        for _ in range(2):
            self._call(paid)

    def called_stale(self) -> None:
        """The signature is too old; the provider signs anew."""
        paid = self.dialect.orders.pay(self._order().number)
        self.counts["call-backs taken that are stale"] += self._call(paid, at=self._clock() - _STALE)
        self._call(paid)

    def called_with_another_amount(self) -> None:
        """What the provider calls back differs from the order; what it says when asked counts."""
        paid = self.dialect.orders.pay(self._order().number)
        self.counts["call-backs taken with another amount"] += self._call(paid, amount_minor=1)
        self._ask_on()

    def silent_when_asked(self) -> None:
        """No call-back comes, and the first questions have no answer."""
        self.dialect.orders.pay(self._order().number)
        self.dialect.orders.silent["query"] = self.chance.randint(1, 3)
        self._ask_on()

    def refunded_in_silence(self) -> None:
        """The refund is made, its answer is lost, and the old call-back comes again."""
        order = self._order()
        paid = self.dialect.orders.pay(order.number)
        self._call(paid)
        self.dialect.orders.silent["refund"] = 1
        refund_order(order_id=order.pk, reason="drill", now=self.now)
        self._ask_on()
        self._call(paid)

    def _order(self) -> PaymentOrder:
        self.now += timedelta(minutes=1)
        return create_order(
            channel_code=_CODE,
            account_number=self.chance.choice(self.numbers),
            amount_minor=self.chance.randint(1_00, 90_000_00),
            notify_base="https://pay.example",
            now=self.now,
        )

    def _there(self, order: PaymentOrder) -> SimulatedOrder:
        return self.dialect.orders.by_number[order.number]

    def _clock(self) -> datetime:
        return datetime.now(UTC)

    def _call(
        self, paid: SimulatedOrder, *, at: datetime | None = None, amount_minor: int | None = None
    ) -> bool:
        """Send a call-back; whether it was taken."""
        clock = self._clock()
        headers, body = self.dialect.callback(paid, at=at or clock, amount_minor=amount_minor)
        said = take_callback(
            channel_code=_CODE,
            headers={name.lower(): value for name, value in headers.items()},
            body=body,
            now=self.now,
            clock=clock,
        )
        return said.status == 200

    def _ask_on(self) -> None:
        """Hours in which we ask about what is not settled."""
        for _ in range(5):
            self.now += _AGAIN
            tend_orders(now=self.now)


_KINDS: Mapping[str, Callable[[_Shop], None]] = {
    "charged in silence": _Shop.charged_in_silence,
    "called at once": _Shop.called_at_once,
    "paid late": _Shop.paid_late,
    "called stale": _Shop.called_stale,
    "called with another amount": _Shop.called_with_another_amount,
    "silent when asked": _Shop.silent_when_asked,
    "refunded in silence": _Shop.refunded_in_silence,
}


def misuse_provider(*, numbers: list[str], orders: int, seed: int, currency: str) -> DrillCounts:
    """Orders at a provider on a port of this machine, each misused in one of the ways, in turn; then its own account of
    the money is compared with the books."""
    dialect = WeChatDialect()
    kinds = list(_KINDS)
    raised = 0
    with _channel(dialect, currency):
        shop = _Shop(dialect=dialect, numbers=numbers, seed=seed)
        for place in range(orders):
            try:
                _KINDS[kinds[place % len(kinds)]](shop)
            except MainsError:
                raised += 1
    there = {one.number: one for one in dialect.orders.by_number.values()}
    kept = {number: one.amount_minor for number, one in there.items() if one.status == "paid"}
    booked = _booked()
    wrong = sum(booked.get(number, (0, 0)) != (1, minor) for number, minor in kept.items())
    return DrillCounts(
        name="provider",
        seed=seed,
        counts={
            "orders": orders,
            "refunded": sum(one.status == "refunded" for one in there.values()),
            "in the books": sum(times for times, _ in booked.values()),
        },
        losses={
            "orders whose money is not there once": wrong,
            "money in the books that the provider has not": sum(
                minor for number, (_, minor) in booked.items() if number not in kept
            ),
            "orders unsettled and not listed": count(
                "SELECT count(*) FROM payments_paymentorder o WHERE state IN ('open', 'unclear', 'refunding')"
                " AND NOT EXISTS (SELECT FROM payments_deadletter l WHERE l.subject = o.number AND l.state = 'open')"
            ),
            "refusals that nobody expected": raised,
            **{name: shop.counts[name] for name in sorted(shop.counts)},
            **book_losses(),
        },
    )


def _booked() -> dict[str, tuple[int, int]]:
    """By order: how many receipts, and how much of them was not taken back."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.number, count(*), coalesce(sum(c.amount_minor) FILTER (WHERE NOT EXISTS ("
            " SELECT FROM payments_receiptreversal r WHERE r.receipt_id = c.id)), 0)::bigint"
            " FROM payments_receipt c JOIN payments_paymentorder o ON o.id = c.order_id GROUP BY 1"
        )
        return {number: (times, minor) for number, times, minor in cursor.fetchall()}


@contextmanager
def _channel(dialect: WeChatDialect, currency: str) -> Iterator[PaymentChannel]:
    """A wallet whose provider is the simulator; its secrets and host are known to this process meanwhile."""
    with serve_simulator(dialect) as base:
        told = {secret_name(_CODE, name): value for name, value in dialect.secrets().items()}
        told["MAINS_PAYMENT_HOSTS"] = urlsplit(base).netloc
        before = {name: os.environ.get(name) for name in told}
        os.environ.update(told)
        try:
            yield state_channel(
                code=_CODE,
                title="Drill",
                kind="wallet",
                adapter="wechat",
                currency=currency,
                settings=dialect.settings(base),
                now=_NOW,
            )
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
