"""Who wants to know when money moved: packages above register here when they start.

They are called in the database transaction of what happened, so all is kept or nothing.
"""

from collections.abc import Callable
from datetime import datetime

Subscriber = Callable[[datetime], None]

_money_moved: list[Subscriber] = []
_bank_file_accepted: list[Subscriber] = []


def on_money_moved(subscriber: Subscriber) -> None:
    """Call `subscriber(now)` after receipts were booked on accounts or taken back."""
    _register(_money_moved, subscriber)


def on_bank_file_accepted(subscriber: Subscriber) -> None:
    """Call `subscriber(now)` after a bank file was accepted, with its lines that wait for the accountant."""
    _register(_bank_file_accepted, subscriber)


def money_moved(*, now: datetime) -> None:
    """Receipts were booked on accounts, or taken back."""
    for subscriber in _money_moved:
        subscriber(now)


def bank_file_accepted(*, now: datetime) -> None:
    """A bank file was accepted."""
    for subscriber in _bank_file_accepted:
        subscriber(now)


def _register(subscribers: list[Subscriber], subscriber: Subscriber) -> None:
    if subscriber not in subscribers:
        subscribers.append(subscriber)
