"""What debt does when payments tell of a bank's file."""

from datetime import datetime

from mains.debt.actions.refunds import book_returned_refunds


def book_what_came_back(now: datetime) -> None:
    """Book refunds that banks sent back, in the database transaction of the acceptance."""
    book_returned_refunds(now=now)
