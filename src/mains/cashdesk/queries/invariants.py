"""What must always hold between cash desks and the ledger."""

from mains.ledger.queries.invariants import Breach, ask

_CASH_OF_DESKS = """
    SELECT p.desk_id, l.amount_minor AS minor
    FROM cashdesk_deskpayment p JOIN cashdesk_deskpaymentline l ON l.payment_id = p.id
    WHERE p.means = 'cash' AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = l.receipt_id)
    UNION ALL
    SELECT desk_id, CASE WHEN kind IN ('from_safe', 'over') THEN amount_minor ELSE -amount_minor END
    FROM cashdesk_cashmovement WHERE desk_id IS NOT NULL
"""
CHECKS: dict[str, str] = {
    # Cash in the till is what the ledger has there, desk by desk.
    "tills-equal-ledger": f"""
        SELECT 'cash desk ' || desk_id, sum(minor)
        FROM (
            {_CASH_OF_DESKS}
            UNION ALL
            SELECT p.desk_id, -g.amount_minor
            FROM ledger_posting g JOIN ledger_transaction t ON t.id = g.transaction_id
            JOIN cashdesk_deskpayment p ON p.id = t.source_id
            WHERE g.control = 'cash_desk' AND t.kind = 'desk_payment'
            UNION ALL
            SELECT p.desk_id, -g.amount_minor
            FROM ledger_posting g JOIN ledger_transaction t ON t.id = g.transaction_id
            JOIN cashdesk_deskpaymentline l ON l.receipt_id = t.source_id
            JOIN cashdesk_deskpayment p ON p.id = l.payment_id
            WHERE g.control = 'cash_desk' AND t.kind = 'receipt_reversed'
            UNION ALL
            SELECT m.desk_id, -g.amount_minor
            FROM ledger_posting g JOIN ledger_transaction t ON t.id = g.transaction_id
            JOIN cashdesk_cashmovement m ON m.id = t.source_id
            WHERE g.control = 'cash_desk' AND t.kind = 'cash_movement'
        ) both_sides GROUP BY desk_id HAVING sum(minor) <> 0
    """,
    # And nothing else is on that account.
    "tills-are-all-cash": f"""
        SELECT 'tills', sum(minor)
        FROM (
            SELECT minor FROM ({_CASH_OF_DESKS}) of_desks
            UNION ALL
            SELECT -amount_minor FROM ledger_posting WHERE control = 'cash_desk'
        ) both_sides HAVING sum(minor) <> 0
    """,
    "safes-equal-ledger": """
        SELECT 'safe of unit ' || organisation_id, sum(minor)
        FROM (
            SELECT organisation_id,
                   CASE WHEN kind IN ('to_safe', 'safe_brought') THEN amount_minor ELSE -amount_minor END AS minor
            FROM cashdesk_cashmovement WHERE kind IN ('to_safe', 'from_safe', 'safe_brought', 'safe_to_bank')
            UNION ALL
            SELECT organisation_id, -amount_minor FROM ledger_posting WHERE control = 'cash_safe'
        ) both_sides GROUP BY organisation_id HAVING sum(minor) <> 0
    """,
    "no-till-or-safe-below-nothing": """
        SELECT control || ' of unit ' || organisation_id, sum(amount_minor)
        FROM ledger_posting WHERE control IN ('cash_desk', 'cash_safe')
        GROUP BY control, organisation_id HAVING sum(amount_minor) < 0
    """,
    # Card payments are claims on the acquirer, payment by payment, less what was taken back.
    "cards-equal-ledger": """
        SELECT 'cards of cash desk ' || desk_id, sum(minor)
        FROM (
            SELECT p.desk_id, l.amount_minor AS minor
            FROM cashdesk_deskpayment p JOIN cashdesk_deskpaymentline l ON l.payment_id = p.id
            WHERE p.means = 'card'
              AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = l.receipt_id)
            UNION ALL
            SELECT p.desk_id, -g.amount_minor
            FROM ledger_posting g JOIN ledger_transaction t ON t.id = g.transaction_id
            JOIN cashdesk_deskpayment p ON p.id = t.source_id
            WHERE g.control = 'cards' AND t.kind = 'desk_payment'
            UNION ALL
            SELECT p.desk_id, -g.amount_minor
            FROM ledger_posting g JOIN ledger_transaction t ON t.id = g.transaction_id
            JOIN cashdesk_deskpaymentline l ON l.receipt_id = t.source_id
            JOIN cashdesk_deskpayment p ON p.id = l.payment_id
            WHERE g.control = 'cards' AND t.kind = 'receipt_reversed'
        ) both_sides GROUP BY desk_id HAVING sum(minor) <> 0
    """,
    # A payment is the sum of its lines, and each line is its receipt.
    "desk-payments-equal-receipts": """
        SELECT 'desk payment ' || payment_id, sum(minor)
        FROM (
            SELECT id AS payment_id, 2 * amount_minor AS minor FROM cashdesk_deskpayment
            UNION ALL SELECT payment_id, -amount_minor FROM cashdesk_deskpaymentline
            UNION ALL
            SELECT l.payment_id, -c.amount_minor
            FROM cashdesk_deskpaymentline l JOIN payments_receipt c ON c.id = l.receipt_id
              AND c.account_id = l.account_id
        ) both_sides GROUP BY payment_id HAVING sum(minor) <> 0
    """,
    # What a count found more or less than expected is booked as such.
    "counts-equal-expected": """
        SELECT 'shift ' || s.id, s.counted_minor - s.expected_minor - coalesce(m.minor, 0)
        FROM cashdesk_shift s LEFT JOIN (
            SELECT shift_id, sum(CASE kind WHEN 'over' THEN amount_minor ELSE -amount_minor END) AS minor
            FROM cashdesk_cashmovement WHERE key = 'shift:' || shift_id || ':closing' GROUP BY 1
        ) m ON m.shift_id = s.id
        WHERE s.closed_at IS NOT NULL AND s.counted_minor - s.expected_minor <> coalesce(m.minor, 0)
    """,
}


def find_breaches() -> list[Breach]:
    """Every breach, as `mains.ledger.queries.invariants.find_breaches` gives them."""
    return [breach for check, statement in CHECKS.items() for breach in ask(check, statement)]
