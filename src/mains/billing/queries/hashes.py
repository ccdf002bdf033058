"""One number over everything that a run wrote: equal numbers mean equal bills, lines, ledger rows and daily use."""

import hashlib

from mains.base.db import adbc_connect, read_frame
from mains.billing.queries.plans import get_run
from mains.ledger.values import TransactionKind

# A row's text is hashed to 64 bits and the hashes are added up, so that the order of rows does not matter and nothing
# has to be sorted. Identities that the database draws (postings, exceptions) and clock times are left out.
_PARTS = {
    "bills": "SELECT b::text AS row FROM billing_bill b WHERE b.month = %(month)s AND b.run_id = %(run)s",
    "lines": """
        SELECT l::text AS row FROM billing_billline l
        WHERE l.month = %(month)s AND l.bill_id >= %(first_bill)s AND l.bill_id < %(next_bill)s
    """,
    "entries": """
        SELECT e::text AS row FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id
        WHERE e.month = %(month)s AND t.kind = %(kind)s AND t.source_id = %(run)s
    """,
    "postings": """
        SELECT concat_ws(',', t.part, t.business_date, p.control, p.organisation_id, p.provider_id, p.service,
                         p.amount_minor, p.correction_minor) AS row
        FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
        WHERE t.kind = %(kind)s AND t.source_id = %(run)s
    """,
    "usage": "SELECT u::text AS row FROM metering_usagemonth u WHERE u.recorded_at = %(as_of)s",
    "balances": "SELECT n::text AS row FROM balance_nodemonth n WHERE n.recorded_at = %(as_of)s",
    "shares": "SELECT s::text AS row FROM balance_sharemonth s WHERE s.recorded_at = %(as_of)s",
    "carried": "SELECT c::text AS row FROM billing_carriedbalance c WHERE c.run_id = %(run)s",
    "exceptions": """
        SELECT concat_ws(',', account_id, service_point_id, code, message, blocking) AS row
        FROM billing_billexception WHERE run_id = %(run)s
    """,
    "buckets": """
        SELECT concat_ws(',', stage, bucket, rows_written, amount_minor) AS row
        FROM billing_billrunbucket WHERE run_id = %(run)s
    """,
}


def run_hash(run_id: int) -> str:
    """SHA-256, in hexadecimal, over the rows of a run. Reads all of them: some seconds for a large utility."""
    run = get_run(run_id=run_id)
    params = {
        "run": run.pk,
        "month": run.month,
        "kind": TransactionKind.BILL_RUN.value,
        "as_of": run.facts_as_of,
        "first_bill": run.first_bill_id,
        "next_bill": run.first_bill_id + run.accounts,
    }
    total = hashlib.sha256()
    with adbc_connect() as connection:
        for name, rows in _PARTS.items():
            found = read_frame(
                f"""
                SELECT count(*) AS rows, coalesce(sum(hashtextextended(row, 0)::numeric), 0)::text AS hash
                FROM ({rows}) AS part
                """,
                params,
                connection=connection,
            )
            total.update(f"{name} {found['rows'][0]} {found['hash'][0]}\n".encode())
    return total.hexdigest()
