"""What direct debit does when payments tell of a bank's file."""

from datetime import datetime

from mains.directdebit.actions.bank import book_bank_lines


def book_what_banks_show(now: datetime) -> None:
    """Note what was collected, and take back what banks returned, in the database transaction of the acceptance."""
    book_bank_lines(now=now)
