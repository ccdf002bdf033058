"""What a simulated provider knows: its orders, and when it shall do as asked and then say nothing."""

import secrets
import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class SimulatedOrder:
    """An order at the provider; `status` is one of open, paid, closed, refunded."""

    number: str
    amount_minor: int
    currency: str
    notify_url: str
    status: str = "open"
    payment: str = ""
    refunds: set[str] = field(default_factory=set)


@dataclass(kw_only=True)
class SimulatedOrders:
    """Orders by number. `silent` counts per operation (start, query, refund) how often the provider does what it is
    asked and hangs up without an answer; `charges_at_start` takes the money as soon as an order arrives."""

    by_number: dict[str, SimulatedOrder] = field(default_factory=dict)
    silent: Counter[str] = field(default_factory=Counter)
    charges_at_start: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, number: str, *, amount_minor: int, currency: str, notify_url: str) -> SimulatedOrder:
        """The order of that number, made once."""
        with self.lock:
            order = self.by_number.setdefault(
                number,
                SimulatedOrder(
                    number=number, amount_minor=amount_minor, currency=currency, notify_url=notify_url
                ),
            )
        if self.charges_at_start:
            self.pay(number)
        return order

    def pay(self, number: str) -> SimulatedOrder:
        """The customer pays; a second time changes nothing."""
        with self.lock:
            order = self.by_number[number]
            if order.status in ("open", "closed"):
                order.status, order.payment = "paid", order.payment or f"T{secrets.token_hex(12)}"
            return order

    def refund(self, number: str, refund_number: str) -> SimulatedOrder | None:
        """All goes back, once per refund number; None for an order without money."""
        with self.lock:
            order = self.by_number.get(number)
            if order is None or order.status not in ("paid", "refunded"):
                return None
            order.refunds.add(refund_number)
            order.status = "refunded"
            return order

    def is_silent(self, operation: str) -> bool:
        """Whether this call ends without an answer."""
        with self.lock:
            if self.silent[operation] <= 0:
                return False
            self.silent[operation] -= 1
            return True
