"""What must always hold between movements, interest and the ledger; SQL that shares nothing with the posting."""

from mains.ledger.queries.invariants import Breach, ask

CHECKS: dict[str, str] = {
    # The instalments of a plan are the debts that it covers.
    "plan-instalments-equal-debts": """
        SELECT 'plan ' || plan_id, sum(minor)
        FROM (
            SELECT plan_id, amount_minor AS minor FROM debt_planitem
            UNION ALL SELECT plan_id, -principal_minor FROM debt_instalment
        ) both_sides GROUP BY plan_id HAVING sum(minor) <> 0
    """,
    # While a plan holds the ledger defers just what it covers, item by item, and nothing when it holds no more.
    "plan-deferrals-equal-state": """
        SELECT format('plan %%s, item %%s', plan_id, item_id), sum(minor)
        FROM (
            SELECT i.plan_id, i.item_id, i.amount_minor AS minor
            FROM debt_planitem i JOIN LATERAL (
                SELECT state FROM debt_plannote n WHERE n.plan_id = i.plan_id ORDER BY n.id DESC LIMIT 1
            ) n ON n.state IN ('running', 'late', 'paid')
            UNION ALL SELECT plan_id, item_id, -amount_minor FROM ledger_deferral
            WHERE plan_id IS NOT NULL
        ) both_sides GROUP BY plan_id, item_id HAVING sum(minor) <> 0
    """,
    # Interest of plans stands on its control account, and each line is its entry.
    "plan-interest-equals-entries": """
        SELECT 'entry ' || entry_id, sum(minor)
        FROM (
            SELECT entry_id, amount_minor AS minor FROM debt_planinterestline
            UNION ALL SELECT id, -amount_minor FROM ledger_entry WHERE kind = 'plan_int'
        ) both_sides GROUP BY entry_id HAVING sum(minor) <> 0
    """,
    "plan-interest-equals-control": """
        SELECT 'interest of plans', sum(minor)
        FROM (
            SELECT amount_minor AS minor FROM debt_planinterestline
            UNION ALL SELECT amount_minor FROM ledger_posting WHERE control = 'plan_interest'
        ) both_sides HAVING sum(minor) <> 0
    """,
    # A plan above its limit, or ordered by a court, holds only when another person than who made it has approved.
    "plans-approved-by-another": """
        SELECT 'plan ' || p.id, 0
        FROM debt_instalmentplan p JOIN debt_planagreement a ON a.plan_id = p.id
        JOIN debt_planterms t ON t.id = p.terms_id
        LEFT JOIN staff_proposal q ON q.kind = 'instalment_plan' AND q.subject_id = p.id
        LEFT JOIN staff_decision d ON d.proposal_id = q.id AND d.agrees
            AND d.decided_by_id IS DISTINCT FROM q.asked_by_id
        WHERE d.id IS NULL AND (
            p.kind = 'enforcement'
            OR (SELECT sum(amount_minor) FROM debt_planitem i WHERE i.plan_id = p.id) > t.approval_above_minor
        )
    """,
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
    # Terms by which money moves hold because another than who asked agreed.
    "terms-agreed-by-another": """
        SELECT 'terms ' || c.id, 0::bigint FROM debt_termsdecision d JOIN debt_termschange c ON c.id = d.change_id
        WHERE d.agrees AND c.kind IN ('contract', 'payee', 'interest', 'rate', 'limit')
          AND (d.decided_by_id IS NULL OR d.decided_by_id IS NOT DISTINCT FROM c.asked_by_id)
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
