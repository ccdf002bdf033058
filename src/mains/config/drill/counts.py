"""What a drill counted, and what must be nought whatever was done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from django.db import connection


@dataclass(frozen=True, kw_only=True)
class DrillCounts:
    """Counts of a drill by name; it failed when one of `losses` is not nought."""

    name: str
    seed: int
    counts: Mapping[str, int | str]
    losses: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        return not any(self.losses.values())


def book_losses() -> dict[str, int]:
    """Breaches in the books: by `mains ledger check`, and again by sums of this module's own."""
    from mains.cashdesk.queries import invariants as of_desks
    from mains.debt.queries import invariants as of_debts
    from mains.directdebit.queries import invariants as of_debits
    from mains.invoicing.queries import invariants as of_invoices
    from mains.ledger.queries import invariants as of_ledger
    from mains.ledger.queries.seals import check_seals
    from mains.payments.queries import invariants as of_payments
    from mains.settlement.queries import invariants as of_settlement

    checked = (of_ledger, of_payments, of_debts, of_debits, of_desks, of_invoices, of_settlement)
    breaches = [breach for one in checked for breach in one.find_breaches()]
    return {
        "unbalanced transactions": count(
            "SELECT count(*) FROM (SELECT FROM ledger_posting GROUP BY transaction_id HAVING sum(amount_minor) <> 0) x"
        ),
        "sub-ledger less control": abs(
            count(
                "SELECT (SELECT coalesce(sum(amount_minor), 0) FROM ledger_entry)"
                " - (SELECT coalesce(sum(amount_minor), 0) FROM ledger_posting WHERE control = 'receivable')"
            )
        ),
        "breaches of invariants": len(breaches) + len(check_seals()),
    }


def count(statement: str) -> int:
    """The one number that a query gives."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [])
        return int(cursor.fetchall()[0][0])


def books_digest() -> str:
    """A short hash of what the books say, whatever ids and instants: accounts, days, kinds, amounts, and what covers
    what."""
    parts = (
        """
        SELECT string_agg(line, E'\n' ORDER BY line) FROM (
            SELECT concat_ws('|', a.number, e.business_date, e.kind, e.service, e.amount_minor, e.due_date) AS line
            FROM ledger_entry e JOIN customers_account a ON a.id = e.account_id) x
        """,
        """
        SELECT string_agg(line, E'\n' ORDER BY line) FROM (
            SELECT concat_ws('|', t.kind, t.business_date, p.control, sum(p.amount_minor)) AS line
            FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
            GROUP BY t.kind, t.business_date, p.control) x
        """,
        """
        SELECT string_agg(line, E'\n' ORDER BY line) FROM (
            SELECT concat_ws('|', account_id, business_date, sum(amount_minor)) AS line
            FROM ledger_allocation GROUP BY account_id, business_date) x
        """,
    )
    digest = sha256()
    with connection.cursor() as cursor:
        for part in parts:
            cursor.execute(part)
            digest.update(str(cursor.fetchall()[0][0]).encode())
    return digest.hexdigest()[:16]
