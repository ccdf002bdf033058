"""Money received: what still waits in suspense, and what an account paid."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from mains.staff.values import Permission, Scope

_RECEIPT = """
    c.id, c.register_id, coalesce(r.file_name, ''), c.account_number, c.payer, c.reference, c.paid_on,
    c.amount_minor
"""
_SUSPENSE = """
    FROM payments_receipt c
    LEFT JOIN payments_paymentregister r ON r.id = c.register_id
    WHERE c.account_id IS NULL
      AND NOT EXISTS (SELECT FROM payments_receiptidentification i WHERE i.receipt_id = c.id)
"""
_OF_ACCOUNT = """
    SELECT c.id, c.register_id, coalesce(r.file_name, ''), c.account_number, c.payer, c.reference, c.paid_on,
           c.amount_minor, i.recorded_at
    FROM payments_receipt c
    LEFT JOIN payments_paymentregister r ON r.id = c.register_id
    LEFT JOIN payments_receiptidentification i ON i.receipt_id = c.id
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
    suspense.
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
