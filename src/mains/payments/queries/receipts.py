"""Money received: what still waits in suspense, and what an account paid."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from django.db import connection

from mains.base.rows import fetch_row, fetch_rows
from mains.ledger.values import Control
from mains.staff.values import Permission, Scope

_RECEIPT = """
    c.id, c.register_id, coalesce(r.file_name, f.file_name, h.title, ''), c.account_number, mains_name(c.payer),
    c.reference, c.paid_on, c.amount_minor
"""
_SUSPENSE = """
    FROM payments_receipt c
    LEFT JOIN payments_paymentregister r ON r.id = c.register_id
    LEFT JOIN payments_banktransaction t ON t.id = c.bank_transaction_id
    LEFT JOIN payments_bankstatement s ON s.id = t.statement_id
    LEFT JOIN payments_bankfile f ON f.id = s.file_id
    LEFT JOIN payments_paymentchannel h ON h.id = c.channel_id
    WHERE c.account_id IS NULL
      AND NOT EXISTS (SELECT FROM payments_receiptidentification i WHERE i.receipt_id = c.id)
      AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = c.id)
"""
_OF_ACCOUNT = """
    SELECT c.id, c.register_id, coalesce(r.file_name, f.file_name, h.title, ''), c.account_number, mains_name(c.payer),
           c.reference, c.paid_on, coalesce(i.amount_minor, c.amount_minor), i.recorded_at, v.business_date
    FROM payments_receipt c
    LEFT JOIN payments_paymentregister r ON r.id = c.register_id
    LEFT JOIN payments_banktransaction t ON t.id = c.bank_transaction_id
    LEFT JOIN payments_bankstatement s ON s.id = t.statement_id
    LEFT JOIN payments_bankfile f ON f.id = s.file_id
    LEFT JOIN payments_paymentchannel h ON h.id = c.channel_id
    LEFT JOIN payments_receiptidentification i ON i.receipt_id = c.id AND i.account_id = %(account_id)s
    LEFT JOIN payments_receiptreversal v ON v.receipt_id = c.id
    WHERE c.id IN (
        SELECT id FROM payments_receipt WHERE account_id = %(account_id)s
        UNION ALL
        SELECT receipt_id FROM payments_receiptidentification WHERE account_id = %(account_id)s
    )
    ORDER BY c.paid_on DESC, c.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True)
class ReceiptRecord:
    """Money received. `account_number` is as the sender wrote it; `identified_at` is set when it left
    suspense, `reversed_on` when it was taken back.
    """

    id: int
    register_id: int | None
    file_name: str
    account_number: str
    payer: str
    reference: str
    paid_on: date
    amount_minor: int
    identified_at: datetime | None = None
    reversed_on: date | None = None


@dataclass(frozen=True)
class Suspense:
    """How much waits in suspense: the number of receipts and their sum in minor units."""

    count: int
    amount_minor: int


def list_suspense(*, scope: Scope, after_id: int = 0, limit: int = 50) -> list[ReceiptRecord]:
    """Receipts that wait for their account, oldest first, keyset-paged by `after_id`.

    They belong to no unit yet, so everybody who may import payments or see money sees all of them.
    """
    if not (scope.may(Permission.SEE_MONEY) or scope.may(Permission.IMPORT_PAYMENTS)):
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_RECEIPT} {_SUSPENSE} AND c.id > %(after_id)s ORDER BY c.id LIMIT %(limit)s",
            {"after_id": after_id, "limit": limit},
        )
        return [ReceiptRecord(*row) for row in cursor.fetchall()]


def sum_suspense() -> Suspense:
    """What waits in suspense in all."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), coalesce(sum(c.amount_minor), 0)::bigint {_SUSPENSE}")
        return Suspense(*cursor.fetchone())


def list_receipts(*, account_id: int, limit: int = 100) -> list[ReceiptRecord]:
    """What an account paid, latest first, money identified later included. The caller has checked the
    account's scope.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OF_ACCOUNT, {"account_id": account_id, "limit": limit})
        return [ReceiptRecord(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, kw_only=True)
class ReceiptDetail:
    """A receipt with the account that it reached: `number` and `organisation_id` are None while it is in suspense."""

    receipt_id: int
    account_id: int | None
    number: str | None
    organisation_id: int | None
    payer: str
    reference: str
    file_name: str
    paid_on: date
    amount_minor: int
    reversed_on: date | None
    reversal_reason: str
    money_control: str

    @property
    def is_of_desk(self) -> bool:
        """Whether it was taken at a cash desk, where a supervisor has a say in taking it back."""
        return self.money_control in (Control.CASH_DESK, Control.CARDS)


@dataclass(frozen=True, kw_only=True)
class Covered:
    """A debt that a receipt pays now: its kind, whole amount, and how much of it the receipt pays."""

    due_date: date
    kind: str
    service: str
    item_minor: int
    amount_minor: int


def find_receipt(*, receipt_id: int, scope: Scope) -> ReceiptDetail | None:
    """A receipt, if its account lies within the scope; money in suspense is seen by all who see money."""
    found = fetch_row(_detail, _DETAIL, {"receipt_id": receipt_id})
    if found is None or (found.organisation_id is not None and not scope.covers(found.organisation_id)):
        return None
    return found


def list_covered(*, receipt_id: int, account_id: int | None) -> list[Covered]:
    """The debts that a receipt pays now, by the day they fell due. The caller has checked the account's scope."""
    params = {"receipt_id": receipt_id, "account_id": account_id or 0}
    return fetch_rows(_covered, _COVERED, params)


def _detail(*row: Any) -> ReceiptDetail:
    names = [field.name for field in fields(ReceiptDetail)]
    return ReceiptDetail(**dict(zip(names, row, strict=True)))


def _covered(due_date: date, kind: str, service: str, item_minor: int, amount_minor: int) -> Covered:
    return Covered(
        due_date=due_date, kind=kind, service=service, item_minor=item_minor, amount_minor=amount_minor
    )


_DETAIL = """
    SELECT c.id, a.id, a.number, a.organisation_id, mains_name(c.payer), c.reference,
           coalesce(r.file_name, f.file_name, h.title, ''), c.paid_on, c.amount_minor, v.business_date,
           coalesce(v.reason, ''), c.money_control
    FROM payments_receipt c
    LEFT JOIN payments_paymentregister r ON r.id = c.register_id
    LEFT JOIN payments_banktransaction t ON t.id = c.bank_transaction_id
    LEFT JOIN payments_bankstatement s ON s.id = t.statement_id
    LEFT JOIN payments_bankfile f ON f.id = s.file_id
    LEFT JOIN payments_paymentchannel h ON h.id = c.channel_id
    LEFT JOIN payments_receiptidentification i ON i.receipt_id = c.id
    LEFT JOIN payments_receiptreversal v ON v.receipt_id = c.id
    LEFT JOIN customers_account a ON a.id = coalesce(c.account_id, i.account_id)
    WHERE c.id = %(receipt_id)s ORDER BY i.part LIMIT 1
"""
_COVERED = """
    SELECT coalesce(e.due_date, e.business_date), e.kind, e.service, e.amount_minor, sum(l.amount_minor)::bigint
    FROM ledger_entry p
    JOIN ledger_allocation l ON l.credit_id = p.id AND l.account_id = p.account_id
    JOIN ledger_entry e ON e.id = l.item_id AND e.account_id = p.account_id
    WHERE p.account_id = %(account_id)s AND p.kind = 'payment' AND p.document_id = %(receipt_id)s
    GROUP BY e.id, 1, 2, 3, 4 HAVING sum(l.amount_minor) <> 0
    ORDER BY 1, e.id
"""
