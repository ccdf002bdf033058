"""What must always hold between invoices, bills and the ledger."""

from mains.ledger.queries.invariants import Breach, ask

CHECKS: dict[str, str] = {
    "invoices-equal-parts": """
        SELECT 'invoice ' || i.id, i.amount_minor - coalesce(sum(p.amount_minor), 0)
        FROM invoicing_invoice i LEFT JOIN invoicing_invoicepart p ON p.invoice_id = i.id
        GROUP BY i.id, i.amount_minor HAVING i.amount_minor <> coalesce(sum(p.amount_minor), 0)
    """,
    # A collective invoice has each of its bills whole, as it was posted.
    "collective-invoices-equal-bills": """
        SELECT 'bill ' || bill_id, sum(minor)
        FROM (
            SELECT bill_id, amount_minor AS minor FROM invoicing_invoicepart WHERE is_collective
            UNION ALL
            SELECT e.document_id, -e.amount_minor FROM ledger_entry e
            WHERE e.kind = 'bill'
              AND e.document_id IN (SELECT bill_id FROM invoicing_invoicepart WHERE is_collective)
        ) both_sides GROUP BY bill_id HAVING sum(minor) <> 0
    """,
    # What a payer's invoice asks for is what the payer's account was debited.
    "shares-equal-invoices": """
        SELECT 'invoice ' || invoice_id, sum(minor)
        FROM (
            SELECT id AS invoice_id, account_id, amount_minor AS minor
            FROM invoicing_invoice WHERE kind = 'shared'
            UNION ALL
            SELECT document_id, account_id, -amount_minor FROM ledger_entry WHERE kind = 'share'
        ) both_sides GROUP BY invoice_id, account_id HAVING sum(minor) <> 0
    """,
    # What was passed on of a bill is what its account was credited, and no more than the bill.
    "shared-bills-equal-credits": """
        SELECT 'bill ' || bill_id, sum(minor)
        FROM (
            SELECT bill_id, account_id, shared_minor AS minor FROM invoicing_sharedbill
            UNION ALL
            SELECT document_id, account_id, amount_minor FROM ledger_entry WHERE kind = 'shared'
        ) both_sides GROUP BY bill_id, account_id HAVING sum(minor) <> 0
    """,
    # Money taken in by an invoice's number is the receipt, whole.
    "invoice-payments-equal-receipts": """
        SELECT 'receipt ' || p.receipt_id, p.amount_minor - c.amount_minor
        FROM invoicing_invoicepayment p JOIN payments_receipt c ON c.id = p.receipt_id
        WHERE p.amount_minor <> c.amount_minor
    """,
    # What is deferred without a plan is a debt of a bill that an invoice for several months asks for, whole or no more.
    "deferred-debts-are-of-deferred-bills": """
        SELECT 'entry ' || f.item_id, f.minor
        FROM (SELECT item_id, account_id, sum(amount_minor) AS minor FROM ledger_deferral
              WHERE plan_id IS NULL GROUP BY 1, 2) f
        LEFT JOIN ledger_entry e ON e.account_id = f.account_id AND e.id = f.item_id AND e.kind = 'bill'
        LEFT JOIN invoicing_deferredbill d ON d.bill_id = e.document_id
        WHERE d.id IS NULL OR f.minor NOT IN (0, e.amount_minor)
    """,
    # VAT of advances in the ledger is that of what is left of them, an hour after money came or was used.
    "advance-vat-equals-advances": """
        SELECT 'advance ' || advance_id, sum(minor)
        FROM (
            SELECT t.source_id AS advance_id, sum(p.amount_minor) AS minor
            FROM ledger_transaction t JOIN ledger_posting p ON p.transaction_id = t.id
            WHERE t.kind = 'advance_tax' AND p.control = 'advance_tax' GROUP BY 1
            UNION ALL
            SELECT m.advance_id, -round(sum(m.amount_minor)::numeric * max(i.vat_ppm) / (1000000 + max(i.vat_ppm)))
            FROM ledger_advancemovement m
            JOIN invoicing_invoicepart i ON i.invoice_id = m.advance_id AND i.vat_ppm > 0
            GROUP BY 1
        ) both_sides
        WHERE NOT EXISTS (SELECT FROM ledger_advancemovement n
                          WHERE n.advance_id = both_sides.advance_id AND n.recorded_at > now() - interval '1 hour')
        GROUP BY advance_id HAVING sum(minor) <> 0
    """,
    # An advance belongs to an advance invoice of its account.
    "advances-have-invoices": """
        SELECT 'advance ' || m.advance_id, sum(m.amount_minor)
        FROM ledger_advancemovement m
        LEFT JOIN invoicing_invoice i ON i.id = m.advance_id AND i.kind = 'advance' AND i.account_id = m.account_id
        WHERE i.id IS NULL GROUP BY m.advance_id
    """,
}


def find_breaches() -> list[Breach]:
    """Every breach, as `mains.ledger.queries.invariants.find_breaches` gives them."""
    return [breach for check, statement in CHECKS.items() for breach in ask(check, statement)]
