"""What must always hold between direct debits, receipts and the ledger; SQL that shares nothing with the posting."""

from mains.ledger.queries.invariants import Breach, ask

CHECKS: dict[str, str] = {
    # What a bank collected is one receipt of that account and amount.
    "debits-equal-receipts": """
        SELECT 'direct debit ' || i.end_to_end_id, i.amount_minor - coalesce(c.amount_minor, 0)
        FROM directdebit_itemevent e JOIN directdebit_collectionitem i ON i.id = e.item_id
        LEFT JOIN payments_receipt c ON c.id = e.receipt_id AND c.account_id = i.account_id
        WHERE e.kind = 'collected' AND c.amount_minor IS DISTINCT FROM i.amount_minor
    """,
    # Every direct debit that was returned has its receipt taken back.
    "returns-taken-back": """
        SELECT 'direct debit ' || i.end_to_end_id, i.amount_minor
        FROM directdebit_itemevent e JOIN directdebit_collectionitem i ON i.id = e.item_id
        WHERE e.kind = 'returned'
          AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = e.receipt_id)
    """,
    # A collection is the sum of its direct debits.
    "collections-equal-debits": """
        SELECT 'collection ' || c.id, c.amount_minor - coalesce(sum(i.amount_minor), 0)
        FROM directdebit_collection c LEFT JOIN directdebit_collectionitem i ON i.collection_id = c.id
        GROUP BY c.id
        HAVING c.amount_minor <> coalesce(sum(i.amount_minor), 0) OR c.item_count <> count(i.id)
    """,
}


def find_breaches() -> list[Breach]:
    """Every breach, as `mains.ledger.queries.invariants.find_breaches` gives them."""
    return [breach for check, statement in CHECKS.items() for breach in ask(check, statement)]
