"""What settlement does when payments tell of money."""

from datetime import datetime

from mains.settlement.actions.bank import book_paid_orders
from mains.settlement.actions.splitting import split_payments


def split_what_moved(now: datetime) -> None:
    """Split money in the database transaction that booked it or took it back."""
    split_payments(now=now, look_at_facts=False)


def book_orders_of_bank(now: datetime) -> None:
    """Book the orders that an accepted bank file shows as paid."""
    book_paid_orders(now=now)
