"""One line of a bank statement, for whoever books it."""

from dataclasses import dataclass
from datetime import date

from mains.payments.models import BankTransaction


@dataclass(frozen=True, kw_only=True)
class BankLine:
    """A line of a statement; money out is below zero, in minor units."""

    amount_minor: int
    booked_on: date
    end_to_end_id: str


def find_bank_line(*, transaction_id: int) -> BankLine | None:
    """The line of this id."""
    line = BankTransaction.objects.filter(pk=transaction_id).first()
    if line is None:
        return None
    return BankLine(
        amount_minor=line.amount_minor, booked_on=line.booked_on, end_to_end_id=line.end_to_end_id
    )
