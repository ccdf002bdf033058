"""From the last bill's balance to this one's: what was owed, paid, billed and corrected."""

from dataclasses import dataclass
from datetime import date, datetime

from mains.billing.queries.records import BillRecord
from mains.ledger.queries.current_account import current_account
from mains.ledger.values import EntryKind


@dataclass(frozen=True, kw_only=True)
class Statement:
    """Minor units, positive when the customer owes: opening − paid + billed + corrected = closing.

    `billed_minor` is this bill without its corrections. `opening_minor` has with it what was shared among payers since.
    `payments` are what came in since the last bill, by day.
    """

    opening_minor: int
    paid_minor: int
    billed_minor: int
    corrected_minor: int
    closing_minor: int
    payments: tuple[tuple[date, int], ...]

    @property
    def earlier_minor(self) -> int:
        """What is still owed of earlier bills, as corrected."""
        return self.opening_minor - self.paid_minor + self.corrected_minor


def get_statement(*, bill: BillRecord, known_at: datetime, known_before: datetime | None) -> Statement:
    """The account as known when the bill was computed, since `known_before`, when its last bill was.

    Without a last bill it begins with the balance brought forward.
    """
    rows = current_account(account_id=bill.account_id, as_of=known_at).rows
    before = [
        row
        for row in rows
        if (row.kind == EntryKind.OPENING if known_before is None else row.recorded_at <= known_before)
    ]
    later = [row for row in rows if row not in before]
    # What other payers took over, or this one of others' bills, is neither paid nor billed here.
    moved = [row for row in later if row.kind in (EntryKind.SHARE, EntryKind.SHARED)]
    since = [row for row in later if row not in moved and row.kind != EntryKind.BILL]
    return Statement(
        opening_minor=sum(row.amount_minor for row in (*before, *moved)),
        paid_minor=-sum(row.amount_minor for row in since),
        billed_minor=bill.amount_minor - bill.correction_minor,
        corrected_minor=bill.correction_minor,
        closing_minor=sum(row.amount_minor for row in rows),
        payments=tuple((row.business_date, -row.amount_minor) for row in since),
    )
