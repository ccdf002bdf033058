"""What must always hold between payments, splits, orders and the ledger, in SQL that shares nothing with writing."""

from mains.ledger.queries.invariants import Breach, ask

CHECKS: dict[str, str] = {
    # A payment is split whole, less what went back, wherever a contract covers its day; never more.
    "splits-equal-payments": """
        SELECT 'payment ' || s.credit_id, s.minor - s.net
        FROM (
            SELECT x.credit_id, x.minor,
                   -e.amount_minor - coalesce((
                       SELECT sum(a.amount_minor) FROM ledger_allocation a
                       JOIN ledger_entry r ON r.account_id = a.account_id AND r.id = a.item_id
                       LEFT JOIN debt_movement m ON m.id = r.document_id AND r.kind IN ('transfer', 'offset')
                       WHERE a.credit_id = e.id AND a.id <= (SELECT max(last_allocation_id) FROM settlement_batch)
                         AND (r.kind IN ('reversal', 'refund', 'advance')
                              OR (m.id IS NOT NULL AND m.item_id IS NULL))), 0) AS net,
                   EXISTS (
                       SELECT FROM settlement_contract k JOIN settlement_route t ON t.id = k.route_id
                       WHERE k.superseded_at IS NULL AND t.manager_id IS NULL AND t.provider_id = e.provider_id
                         AND t.service IN ('', e.service) AND k.valid @> e.business_date
                         AND k.recorded_at <= (SELECT max(facts_seen_at) FROM settlement_batch)) AS is_covered
            FROM (SELECT account_id, credit_id, sum(amount_minor) AS minor FROM settlement_split GROUP BY 1, 2) x
            JOIN ledger_entry e ON e.account_id = x.account_id AND e.id = x.credit_id
        ) s WHERE s.minor < 0 OR s.minor > s.net OR (s.is_covered AND s.minor <> s.net)
    """,
    "tallies-equal-splits": """
        SELECT format('batch %%s, payee %%s', batch_id, payee_id), sum(minor)
        FROM (
            SELECT batch_id, payee_id, kind, amount_minor AS minor FROM settlement_split
            UNION ALL SELECT batch_id, payee_id, kind, -amount_minor FROM settlement_tally
        ) both_sides GROUP BY batch_id, payee_id, kind HAVING sum(minor) <> 0
    """,
    "splits-equal-controls": """
        SELECT format('batch %%s, %%s', batch_id, control), sum(minor)
        FROM (
            SELECT batch_id, 'collected' AS control, -amount_minor AS minor FROM settlement_split
            UNION ALL
            SELECT batch_id, CASE kind WHEN 'fee' THEN 'fee' ELSE 'payable' END, amount_minor FROM settlement_split
            UNION ALL
            SELECT t.source_id, p.control, p.amount_minor
            FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
            WHERE t.kind = 'settlement_split'
        ) both_sides GROUP BY batch_id, control HAVING sum(minor) <> 0
    """,
    "orders-equal-transit": """
        SELECT 'payee ' || party_id, sum(minor)
        FROM (
            SELECT o.party_id, o.amount_minor AS minor FROM settlement_paymentorder o
            WHERE EXISTS (SELECT FROM settlement_orderevent e WHERE e.order_id = o.id AND e.state = 'approved')
              AND NOT EXISTS (SELECT FROM settlement_orderevent e WHERE e.order_id = o.id
                              AND e.state IN ('booked', 'returned'))
            UNION ALL SELECT provider_id, amount_minor FROM ledger_posting WHERE control = 'transit'
        ) both_sides GROUP BY party_id HAVING sum(minor) <> 0
    """,
    # Who prepared an order has not approved it.
    "orders-by-two-people": """
        SELECT 'payment order ' || a.order_id, 0
        FROM settlement_orderevent a JOIN settlement_orderevent p ON p.order_id = a.order_id AND p.state = 'prepared'
        WHERE a.state = 'approved' AND (a.recorded_by_id IS NULL OR a.recorded_by_id = p.recorded_by_id)
    """,
    # Money received for others is paid on, the agent's fee, or waiting: payable, or on its way at a bank.
    "received-is-paid-on-fee-or-waiting": """
        SELECT 'all payees', sum(minor)
        FROM (
            SELECT amount_minor AS minor FROM settlement_split
            UNION ALL SELECT amount_minor FROM ledger_posting WHERE control IN ('fee', 'payable', 'transit')
            UNION ALL
            SELECT b.amount_minor FROM settlement_orderevent e
            JOIN payments_banktransaction b ON b.id = e.bank_transaction_id WHERE e.state = 'booked'
        ) both_sides HAVING sum(minor) <> 0
    """,
}


def find_breaches() -> list[Breach]:
    """Every breach, as `mains.ledger.queries.invariants.find_breaches` gives them."""
    return [breach for check, statement in CHECKS.items() for breach in ask(check, statement)]
