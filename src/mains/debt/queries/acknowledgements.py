"""Acknowledgements of debts as people read them."""

from dataclasses import dataclass
from datetime import date, datetime

from mains.base.rows import fetch_rows


@dataclass(frozen=True)
class AcknowledgementRecord:
    """An acknowledgement: of one debt, due on `item_due`, or of all of a service, or of all."""

    id: int
    acknowledged_on: date
    item_id: int | None
    item_due: date | None
    service: str
    document: str
    recorded_at: datetime
    recorded_by: str


def list_acknowledgements(*, account_id: int) -> list[AcknowledgementRecord]:
    """What the customer of an account acknowledged and nobody withdrew, the latest first."""
    return fetch_rows(
        AcknowledgementRecord,
        """
        SELECT a.id, a.acknowledged_on, a.item_id, e.due_date, coalesce(e.service, a.service), a.document,
               a.recorded_at, coalesce(u.username, '')
        FROM debt_acknowledgement a
        LEFT JOIN ledger_entry e ON e.id = a.item_id AND e.account_id = a.account_id
        LEFT JOIN staff_user u ON u.id = a.recorded_by_id
        WHERE a.account_id = %(account)s AND a.superseded_at IS NULL ORDER BY a.acknowledged_on DESC, a.id DESC
        """,
        {"account": account_id},
    )
