"""Payers that were learned, as people look at them."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from mains.payments.models import LearnedPayer
from mains.staff.values import Permission, Scope


@dataclass(frozen=True)
class LearnedRecord:
    """A learned payer and its account; `shown` is as the bank wrote it."""

    id: int
    kind: str
    shown: str
    number: str
    customer: str
    recorded_at: datetime
    recorded_by: str


def list_learned(*, scope: Scope, text: str = "", after_id: int = 0, limit: int = 100) -> list[LearnedRecord]:
    """Learned payers in use whose account the person may see, keyset-paged by `after_id`."""
    if not scope.may(Permission.IMPORT_PAYMENTS):
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT l.id, l.kind, mains_name(l.shown), a.number, mains_name(c.name), l.recorded_at,
                coalesce(u.username, '')
            FROM payments_learnedpayer l
            JOIN customers_account a ON a.id = l.account_id JOIN customers_customer c ON c.id = a.customer_id
            LEFT JOIN staff_user u ON u.id = l.recorded_by_id
            WHERE l.removed_at IS NULL AND l.id > %(after)s
              AND (%(everything)s OR a.organisation_id = ANY(%(reached)s))
              AND (%(text)s = '' OR position(lower(%(text)s) in lower(mains_name(l.shown))) > 0 OR a.number = %(text)s)
            ORDER BY l.id LIMIT %(limit)s
            """,
            {
                "after": after_id,
                "everything": scope.organisation_ids is None,
                "reached": sorted(scope.organisation_ids or ()),
                "text": text,
                "limit": limit,
            },
        )
        return [LearnedRecord(*row) for row in cursor.fetchall()]


def is_learned_within(*, learned_id: int, scope: Scope) -> bool:
    """Whether there is such a learned payer of an account that the person may see."""
    learned = LearnedPayer.objects.filter(pk=learned_id, removed_at__isnull=True).first()
    if learned is None or not scope.may(Permission.IMPORT_PAYMENTS):
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM customers_account WHERE id = %s", [learned.account_id])
        found = cursor.fetchone()
    return bool(found) and scope.covers(found[0])


def list_learned_of_accounts(*, account_ids: list[int]) -> list[int]:
    """Ids of the learned payers in use that point at the accounts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM payments_learnedpayer WHERE removed_at IS NULL AND account_id = ANY(%s)",
            [account_ids],
        )
        return [row[0] for row in cursor.fetchall()]
