"""What must always hold in the ledger, asked in SQL that shares nothing with the posting code."""

from dataclasses import dataclass

from django.db import connection

MAX_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Breach:
    """One row that breaks an invariant: the check's code, where, and by how many minor units."""

    check: str
    place: str
    off_by_minor: int


CHECKS: dict[str, str] = {
    "debits-equal-credits": """
        SELECT 'transaction ' || t.id, sum(p.amount_minor)
        FROM ledger_transaction t JOIN ledger_posting p ON p.transaction_id = t.id
        GROUP BY t.id HAVING sum(p.amount_minor) <> 0
    """,
    "entries-equal-receivable-control": """
        SELECT format('transaction %%s, organisation %%s, provider %%s, service %%s',
                      transaction_id, organisation_id, provider_id, service), sum(minor)
        FROM (
            SELECT transaction_id, organisation_id, provider_id, service, amount_minor AS minor
            FROM ledger_entry
            UNION ALL
            SELECT transaction_id, organisation_id, provider_id, service, -amount_minor
            FROM ledger_posting WHERE control = 'receivable'
        ) both_sides GROUP BY transaction_id, organisation_id, provider_id, service HAVING sum(minor) <> 0
    """,
    "corrections-equal-receivable-control": """
        SELECT format('transaction %%s, organisation %%s, provider %%s, service %%s',
                      transaction_id, organisation_id, provider_id, service), sum(minor)
        FROM (
            SELECT transaction_id, organisation_id, provider_id, service, correction_minor AS minor
            FROM ledger_entry
            UNION ALL
            SELECT transaction_id, organisation_id, provider_id, service, -correction_minor
            FROM ledger_posting WHERE control = 'receivable'
        ) both_sides GROUP BY transaction_id, organisation_id, provider_id, service HAVING sum(minor) <> 0
    """,
    "entries-dated-as-their-transaction": """
        SELECT 'entry ' || e.id, e.amount_minor
        FROM ledger_entry e LEFT JOIN ledger_transaction t ON t.id = e.transaction_id
        WHERE t.id IS NULL OR t.business_date <> e.business_date OR t.recorded_at <> e.recorded_at
    """,
    "allocations-within-items": """
        SELECT 'item ' || a.item_id, a.minor - coalesce(e.amount_minor, 0)
        FROM (SELECT item_id, account_id, sum(amount_minor) AS minor FROM ledger_allocation GROUP BY 1, 2) a
        LEFT JOIN ledger_entry e ON e.id = a.item_id AND e.account_id = a.account_id
        WHERE a.minor < 0 OR a.minor > greatest(coalesce(e.amount_minor, 0), 0)
    """,
    "advances-equal-control": """
        SELECT format('transaction %%s, organisation %%s, provider %%s, service %%s',
                      transaction_id, organisation_id, provider_id, service), sum(minor)
        FROM (
            SELECT transaction_id, organisation_id, provider_id, service, amount_minor AS minor
            FROM ledger_advancemovement
            UNION ALL
            SELECT transaction_id, organisation_id, provider_id, service, amount_minor
            FROM ledger_posting WHERE control = 'advances'
        ) both_sides GROUP BY transaction_id, organisation_id, provider_id, service HAVING sum(minor) <> 0
    """,
    # Nobody uses more of an advance than was paid in.
    "advances-within-payments": """
        SELECT 'advance ' || advance_id, sum(amount_minor)
        FROM ledger_advancemovement GROUP BY advance_id HAVING sum(amount_minor) < 0
    """,
    # What was used stands on the customer's account, to the same amount.
    "advances-used-equal-entries": """
        SELECT 'transaction ' || transaction_id, sum(minor)
        FROM (
            SELECT transaction_id, amount_minor AS minor FROM ledger_advancemovement WHERE kind = 'drawn'
            UNION ALL
            SELECT transaction_id, -amount_minor FROM ledger_entry WHERE kind = 'advance' AND amount_minor < 0
        ) both_sides GROUP BY transaction_id HAVING sum(minor) <> 0
    """,
    # A bill that is shared moves between accounts and comes to nothing.
    "shares-come-to-nothing": """
        SELECT 'transaction ' || t.id, sum(e.amount_minor)
        FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id
        WHERE t.kind = 'bill_shared' GROUP BY t.id HAVING sum(e.amount_minor) <> 0
    """,
    "allocations-within-credits": """
        SELECT 'credit ' || a.credit_id, a.minor + coalesce(e.amount_minor, 0)
        FROM (SELECT credit_id, account_id, sum(amount_minor) AS minor FROM ledger_allocation GROUP BY 1, 2) a
        LEFT JOIN ledger_entry e ON e.id = a.credit_id AND e.account_id = a.account_id
        WHERE a.minor < 0 OR a.minor > greatest(-coalesce(e.amount_minor, 0), 0)
    """,
    # A write-off covers its debt and a counter posting what it undoes, whatever else was entered since.
    "fixed-allocations-hold": """
        SELECT format('item %%s, credit %%s', item_id, credit_id), sum(minor)
        FROM (
            SELECT item_id, credit_id, amount_minor AS minor FROM ledger_fixedallocation
            UNION ALL
            SELECT a.item_id, a.credit_id, -a.amount_minor FROM ledger_allocation a
            WHERE (a.item_id, a.credit_id) IN (
                SELECT item_id, credit_id FROM ledger_fixedallocation GROUP BY 1, 2 HAVING sum(amount_minor) <> 0
            )
        ) both_sides GROUP BY item_id, credit_id HAVING sum(minor) <> 0
    """,
    # What one service or provider gives, another one gets.
    "offsets-sum-to-nothing": """
        SELECT 'transaction ' || transaction_id, sum(amount_minor) FROM ledger_posting
        WHERE control = 'offset' GROUP BY transaction_id HAVING sum(amount_minor) <> 0
    """,
}


def find_breaches() -> list[Breach]:
    """Every breach, at most `MAX_SHOWN` of each check. It reads the whole ledger."""
    return [breach for check, statement in CHECKS.items() for breach in ask(check, statement)]


def ask(check: str, statement: str) -> list[Breach]:
    """Run one check: a query for (place, difference in minor units) of what breaks it."""
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} LIMIT {MAX_SHOWN}", {})
        return [
            Breach(check=check, place=place, off_by_minor=int(off_by)) for place, off_by in cursor.fetchall()
        ]
