"""What must always hold between receipts and the ledger."""

from mains.ledger.queries.invariants import Breach, ask

CHECKS: dict[str, str] = {
    # Everything received is in the bank, register by register.
    "receipts-equal-bank": """
        SELECT 'register ' || register_id, sum(minor)
        FROM (
            SELECT register_id, amount_minor AS minor FROM payments_receipt WHERE register_id IS NOT NULL
            UNION ALL
            SELECT t.source_id, -p.amount_minor
            FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
            WHERE p.control = 'bank' AND t.kind = 'payment_register'
        ) both_sides GROUP BY register_id HAVING sum(minor) <> 0
    """,
    # So is everything that a bank's statement brought.
    "statement-receipts-equal-bank": """
        SELECT 'statement ' || statement_id, sum(minor)
        FROM (
            SELECT b.statement_id, c.amount_minor AS minor
            FROM payments_receipt c JOIN payments_banktransaction b ON b.id = c.bank_transaction_id
            UNION ALL
            SELECT t.source_id, -p.amount_minor
            FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
            WHERE p.control = 'bank' AND t.kind = 'bank_statement'
        ) both_sides GROUP BY statement_id HAVING sum(minor) <> 0
    """,
    # What is to be returned is what was decided less what the bank sent back.
    "returns-equal-control": """
        SELECT 'returns', sum(minor)
        FROM (
            SELECT c.amount_minor AS minor
            FROM payments_receiptidentification i JOIN payments_receipt c ON c.id = i.receipt_id
            WHERE i.account_id IS NULL
              AND NOT EXISTS (SELECT FROM payments_bankbooking k WHERE k.receipt_id = c.id)
            UNION ALL
            SELECT amount_minor FROM ledger_posting WHERE control = 'returns'
        ) both_sides HAVING sum(minor) <> 0
    """,
    # What nobody has identified is exactly what the suspense account holds.
    "open-receipts-equal-suspense": """
        SELECT 'suspense', sum(minor)
        FROM (
            SELECT c.amount_minor AS minor FROM payments_receipt c
            WHERE c.account_id IS NULL
              AND NOT EXISTS (SELECT FROM payments_receiptidentification i WHERE i.receipt_id = c.id)
              AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = c.id)
            UNION ALL
            SELECT amount_minor FROM ledger_posting WHERE control = 'suspense'
        ) both_sides HAVING sum(minor) <> 0
    """,
    # A receipt taken back is owed again, whole, by the account that it had reached, and left where it was taken.
    "reversals-equal-receipts": """
        SELECT 'receipt ' || receipt_id, sum(minor)
        FROM (
            SELECT c.id AS receipt_id, c.amount_minor AS minor
            FROM payments_receipt c JOIN payments_receiptreversal v ON v.receipt_id = c.id
            UNION ALL
            SELECT t.source_id, p.amount_minor
            FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
            WHERE p.control NOT IN ('receivable', 'suspense', 'advances') AND t.kind = 'receipt_reversed'
            UNION ALL
            SELECT v.receipt_id, e.minor - coalesce(i.amount_minor, c.amount_minor)
            FROM payments_receiptreversal v JOIN payments_receipt c ON c.id = v.receipt_id
            LEFT JOIN payments_receiptidentification i ON i.receipt_id = c.id
            JOIN (
                SELECT document_id, account_id, sum(amount_minor) AS minor FROM ledger_entry
                WHERE kind = 'reversal' GROUP BY 1, 2
            ) e ON e.document_id = c.id AND e.account_id = coalesce(c.account_id, i.account_id)
        ) both_sides GROUP BY receipt_id HAVING sum(minor) <> 0
    """,
    # Cash on its way is what was handed in less what arrived, slip by slip.
    "deposits-equal-transit": """
        SELECT 'in transit', sum(minor)
        FROM (
            SELECT d.amount_minor AS minor FROM payments_deposit d
            WHERE NOT EXISTS (SELECT FROM payments_depositarrival a WHERE a.deposit_id = d.id)
            UNION ALL
            SELECT -amount_minor FROM ledger_posting WHERE control = 'in_transit'
        ) both_sides HAVING sum(minor) <> 0
    """,
    # What channels collected, less what was taken back and what they passed on, is what they owe.
    "channels-equal-control": """
        SELECT 'agents', sum(minor)
        FROM (
            SELECT c.amount_minor AS minor FROM payments_receipt c
            WHERE c.channel_id IS NOT NULL
              AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = c.id)
            UNION ALL
            SELECT -amount_minor - fee_minor FROM payments_payout
            UNION ALL
            SELECT p.amount_minor FROM payments_payoutpart p JOIN payments_acquirerdue d ON d.id = p.due_id
            JOIN payments_receipt c ON c.id = d.receipt_id WHERE c.money_control = 'cards'
            UNION ALL
            SELECT -amount_minor FROM ledger_posting WHERE control = 'agents'
        ) both_sides HAVING sum(minor) <> 0
    """,
    # Cards taken at desks, less what was taken back and what acquirers paid of them, is what waits at acquirers.
    "cards-equal-control": """
        SELECT 'cards', sum(minor)
        FROM (
            SELECT c.amount_minor AS minor FROM payments_receipt c
            WHERE c.money_control = 'cards'
              AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = c.id)
            UNION ALL
            SELECT -p.amount_minor FROM payments_payoutpart p JOIN payments_acquirerdue d ON d.id = p.due_id
            JOIN payments_receipt c ON c.id = d.receipt_id WHERE c.money_control = 'cards'
            UNION ALL
            SELECT -amount_minor FROM ledger_posting WHERE control = 'cards'
        ) both_sides HAVING sum(minor) <> 0
    """,
    # No part of a card payment is paid twice, and no payout pays more than it brought.
    "card-parts-within-dues": """
        SELECT 'card payment part ' || d.id, sum(p.amount_minor) - d.amount_minor
        FROM payments_payoutpart p JOIN payments_acquirerdue d ON d.id = p.due_id
        GROUP BY d.id HAVING sum(p.amount_minor) > d.amount_minor
    """,
    "card-parts-within-payouts": """
        SELECT 'payout ' || o.id, sum(p.amount_minor) - o.amount_minor - o.fee_minor
        FROM payments_payoutpart p JOIN payments_payout o ON o.id = p.payout_id
        GROUP BY o.id HAVING sum(p.amount_minor) > o.amount_minor + o.fee_minor
    """,
    # A payment by machine was posted once, whole, as due from its channel.
    "machine-receipts-equal-postings": """
        SELECT 'receipt ' || receipt_id, sum(minor)
        FROM (
            SELECT id AS receipt_id, amount_minor AS minor FROM payments_receipt WHERE channel_id IS NOT NULL
            UNION ALL
            SELECT t.source_id, -p.amount_minor
            FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
            WHERE p.control = 'agents' AND t.kind = 'online_payment'
        ) both_sides GROUP BY receipt_id HAVING sum(minor) <> 0
    """,
    # What was identified as an advance came in as one.
    "receipts-equal-advances": """
        SELECT 'receipt ' || receipt_id, sum(minor)
        FROM (
            SELECT c.id AS receipt_id, i.advance_id, c.amount_minor AS minor
            FROM payments_receipt c JOIN payments_receiptidentification i ON i.receipt_id = c.id
            WHERE i.advance_id IS NOT NULL
            UNION ALL
            SELECT t.source_id, m.advance_id, -m.amount_minor
            FROM ledger_advancemovement m JOIN ledger_transaction t ON t.id = m.transaction_id
            WHERE m.kind = 'paid'
        ) both_sides GROUP BY receipt_id, advance_id HAVING sum(minor) <> 0
    """,
    # Each receipt reached its account, or its accounts in their shares, whole.
    "receipts-equal-payments": """
        SELECT 'receipt ' || receipt_id, sum(minor)
        FROM (
            SELECT c.id AS receipt_id, coalesce(c.account_id, i.account_id) AS account_id,
                   coalesce(i.amount_minor, c.amount_minor) AS minor
            FROM payments_receipt c LEFT JOIN payments_receiptidentification i ON i.receipt_id = c.id
            WHERE coalesce(c.account_id, i.account_id) IS NOT NULL AND i.advance_id IS NULL
            UNION ALL
            SELECT document_id, account_id, amount_minor FROM ledger_entry WHERE kind = 'payment'
        ) both_sides GROUP BY receipt_id, account_id HAVING sum(minor) <> 0
    """,
}


def find_breaches() -> list[Breach]:
    """Every breach, as `mains.ledger.queries.invariants.find_breaches` gives them."""
    return [breach for check, statement in CHECKS.items() for breach in ask(check, statement)]
