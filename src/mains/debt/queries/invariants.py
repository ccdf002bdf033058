"""What must always hold between movements, interest and the ledger; SQL that shares nothing with the posting."""

from mains.ledger.queries.invariants import Breach, ask

CHECKS: dict[str, str] = {
    # Interest of a run's lines is what its transactions posted, account by account.
    "interest-lines-equal-entries": """
        SELECT format('interest run %%s, account %%s, service %%s', run_id, account_id, service), sum(minor)
        FROM (
            SELECT run_id, account_id, provider_id, service, amount_minor AS minor FROM debt_interestline
            UNION ALL
            SELECT document_id, account_id, provider_id, service, -amount_minor FROM ledger_entry
            WHERE kind = 'interest'
        ) both_sides GROUP BY run_id, account_id, provider_id, service HAVING sum(minor) <> 0
    """,
    # All of it stands on the control account of penalties.
    "interest-equals-control": """
        SELECT 'penalty', sum(minor)
        FROM (
            SELECT amount_minor AS minor FROM debt_interestline
            UNION ALL SELECT amount_minor FROM ledger_posting WHERE control = 'penalty'
        ) both_sides HAVING sum(minor) <> 0
    """,
    # Refunds approved, not posted back and not paid are what the control account waits to pay.
    "open-refunds-equal-control": """
        SELECT 'refunds', sum(minor)
        FROM (
            SELECT m.amount_minor AS minor FROM debt_movement m
            WHERE m.kind = 'refund'
              AND EXISTS (SELECT FROM debt_movementposting p WHERE p.movement_id = m.id AND NOT p.is_counter)
              AND NOT EXISTS (SELECT FROM debt_movementposting p WHERE p.movement_id = m.id AND p.is_counter)
              AND NOT EXISTS (SELECT FROM debt_refundpayment r WHERE r.movement_id = m.id)
            UNION ALL SELECT amount_minor FROM ledger_posting WHERE control = 'refunds'
        ) both_sides HAVING sum(minor) <> 0
    """,
    # Every movement in the ledger was approved by somebody else than who proposed it.
    "movements-approved-by-another": """
        SELECT 'movement ' || m.id, m.amount_minor
        FROM debt_movementposting p JOIN debt_movement m ON m.id = p.movement_id
        LEFT JOIN staff_proposal q ON q.kind = m.kind AND q.subject_id = m.id
        LEFT JOIN staff_decision d ON d.proposal_id = q.id
        WHERE d.id IS NULL OR NOT d.agrees OR d.decided_by_id IS NOT DISTINCT FROM q.asked_by_id
    """,
    # What it moved is what it says, and nothing once it is posted back.
    "movements-equal-entries": """
        SELECT format('movement %%s, account %%s', id, account_id), sum(minor)
        FROM (
            SELECT m.id, m.account_id,
                   CASE WHEN m.kind = 'write_off' OR m.item_id IS NOT NULL THEN -m.amount_minor ELSE m.amount_minor END
                   * CASE WHEN p.is_counter THEN -1 ELSE 1 END AS minor
            FROM debt_movement m JOIN debt_movementposting p ON p.movement_id = m.id
            UNION ALL
            SELECT m.id, m.to_account_id,
                   CASE WHEN m.item_id IS NOT NULL THEN m.amount_minor ELSE -m.amount_minor END
                   * CASE WHEN p.is_counter THEN -1 ELSE 1 END
            FROM debt_movement m JOIN debt_movementposting p ON p.movement_id = m.id
            WHERE m.to_account_id IS NOT NULL
            UNION ALL
            SELECT document_id, account_id, -amount_minor FROM ledger_entry
            WHERE kind IN ('write_off', 'refund', 'transfer', 'offset')
        ) both_sides GROUP BY id, account_id HAVING sum(minor) <> 0
    """,
}


def find_breaches() -> list[Breach]:
    """Every breach, as `mains.ledger.queries.invariants.find_breaches` gives them."""
    return [breach for check, statement in CHECKS.items() for breach in ask(check, statement)]
