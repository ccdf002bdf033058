"""Invariants of posted runs, checked in the database: what must add up, and what must never be."""

from dataclasses import dataclass

from mains.base.db import adbc_connect, read_frame
from mains.billing.queries.plans import get_run
from mains.billing.values import RunKind
from mains.kernel.identifiers import BUCKET_COUNT
from mains.ledger.values import TransactionKind


@dataclass(frozen=True, kw_only=True)
class Check:
    """An invariant and the number of rows that break it; `example` names one of them."""

    name: str
    broken: int
    example: str


# Each query gives one row per violation, with a text that names it.
_CHECKS = {
    "every bucket is marked in every stage": """
        SELECT s.stage || ' ' || b.bucket AS fault
        FROM (VALUES ('usage'), ('balance'), ('bills')) AS s (stage)
        CROSS JOIN generate_series(0, %(parts)s - 1) AS b (bucket)
        WHERE NOT EXISTS (SELECT FROM billing_billrunbucket m
                          WHERE m.run_id = %(run)s AND m.stage = s.stage AND m.bucket = b.bucket)
    """,
    "debits equal credits": """
        SELECT 'transaction ' || t.id AS fault
        FROM ledger_transaction t JOIN ledger_posting p ON p.transaction_id = t.id
        WHERE t.kind = %(kind)s AND t.source_id = %(run)s
        GROUP BY t.id HAVING sum(p.amount_minor) <> 0
    """,
    "entries equal receivable postings": """
        SELECT 'transaction ' || coalesce(e.transaction_id, p.transaction_id) AS fault
        FROM (SELECT e.transaction_id, e.organisation_id, e.provider_id, e.service,
                     sum(e.amount_minor) AS amount, sum(e.correction_minor) AS correction
              FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id
              WHERE t.kind = %(kind)s AND t.source_id = %(run)s AND e.month = %(month)s GROUP BY 1, 2, 3, 4) AS e
        FULL JOIN (SELECT p.transaction_id, p.organisation_id, p.provider_id, p.service,
                          sum(p.amount_minor) AS amount, sum(p.correction_minor) AS correction
                   FROM ledger_posting p JOIN ledger_transaction t ON t.id = p.transaction_id
                   WHERE t.kind = %(kind)s AND t.source_id = %(run)s AND p.control = 'receivable'
                   GROUP BY 1, 2, 3, 4) AS p
             USING (transaction_id, organisation_id, provider_id, service)
        WHERE (coalesce(e.amount, 0), coalesce(e.correction, 0)) <> (coalesce(p.amount, 0), coalesce(p.correction, 0))
    """,
    "bills equal entries": """
        SELECT 'bill ' || b.id AS fault
        FROM billing_bill b
        LEFT JOIN (SELECT document_id, sum(amount_minor) AS amount, sum(correction_minor) AS correction
                   FROM ledger_entry
                   WHERE month = %(month)s AND kind = 'bill' AND document_id >= %(first_bill)s
                     AND document_id < %(next_bill)s
                   GROUP BY 1) AS e ON e.document_id = b.id
        WHERE b.month = %(month)s AND b.run_id = %(run)s
          AND (b.amount_minor, b.correction_minor) <> (coalesce(e.amount, 0), coalesce(e.correction, 0))
    """,
    "lines equal bills": """
        SELECT 'bill ' || coalesce(b.id, l.bill_id) AS fault
        FROM (SELECT id, amount_minor, correction_minor, tax_minor FROM billing_bill
              WHERE month = %(month)s AND run_id = %(run)s) AS b
        FULL JOIN (SELECT bill_id,
                          sum(amount_minor) FILTER (WHERE kind <> 'tax_included') AS amount,
                          sum(amount_minor) FILTER (WHERE kind <> 'tax_included' AND service_month < month)
                              AS correction,
                          sum(amount_minor) FILTER (WHERE kind IN ('tax', 'tax_included')) AS tax
                   FROM billing_billline
                   WHERE month = %(month)s AND bill_id >= %(first_bill)s AND bill_id < %(next_bill)s
                   GROUP BY 1) AS l ON l.bill_id = b.id
        WHERE b.id IS NULL
           OR (b.amount_minor, b.correction_minor, b.tax_minor)
              <> (coalesce(l.amount, 0), coalesce(l.correction, 0), coalesce(l.tax, 0))
    """,
    "one bill per account": """
        SELECT 'account ' || account_id AS fault FROM billing_bill
        WHERE month = %(month)s AND run_id = %(run)s GROUP BY account_id HAVING count(*) > 1
    """,
    "shares of a balance sum to what it shares out, day by day": """
        SELECT 'node ' || n.node_id || ' in ' || n.month AS fault
        FROM balance_nodemonth n
        JOIN LATERAL unnest(n.allocated_days) WITH ORDINALITY AS a (micro, day) ON TRUE
        WHERE n.recorded_at = %(as_of)s
          AND n.revision = (SELECT max(l.revision) FROM balance_nodemonth l
                            WHERE l.month = n.month AND l.node_id = n.node_id AND l.recorded_at <= %(as_of)s)
          AND a.micro <> (SELECT coalesce(sum(s.days_micro[a.day]), 0)
                          FROM (SELECT DISTINCT ON (service_point_id) service_point_id, days_micro
                                FROM balance_sharemonth
                                WHERE month = n.month AND node_id = n.node_id AND recorded_at <= %(as_of)s
                                ORDER BY service_point_id, revision DESC) AS s
                          JOIN network_servicepoint sp ON sp.id = s.service_point_id AND NOT sp.takes_rest)
        GROUP BY n.node_id, n.month
    """,
    "what is over the cap is given to the point that takes it": """
        SELECT 'node ' || n.node_id || ' in ' || n.month AS fault
        FROM balance_nodemonth n
        WHERE n.recorded_at = %(as_of)s
          AND n.revision = (SELECT max(l.revision) FROM balance_nodemonth l
                            WHERE l.month = n.month AND l.node_id = n.node_id AND l.recorded_at <= %(as_of)s)
          AND n.rest_micro <> (SELECT coalesce(sum(s.total_micro), 0)
                               FROM (SELECT DISTINCT ON (service_point_id) service_point_id, total_micro
                                     FROM balance_sharemonth
                                     WHERE month = n.month AND node_id = n.node_id AND recorded_at <= %(as_of)s
                                     ORDER BY service_point_id, revision DESC) AS s
                               JOIN network_servicepoint sp ON sp.id = s.service_point_id AND sp.takes_rest)
    """,
    "days of use add up, and spans cover them": """
        SELECT 'service point ' || service_point_id || ' in ' || month AS fault
        FROM metering_usagemonth u
        WHERE u.recorded_at = %(as_of)s
          AND (u.total_micro <> (SELECT sum(d) FROM unnest(u.days_micro) AS d)
               OR length(u.quality) <> cardinality(u.days_micro)
               OR cardinality(u.days_micro) <> (SELECT sum(s) FROM unnest(u.span_days) AS s)
               OR cardinality(u.days_micro) <> date_part('day', u.month + interval '1 month - 1 day'))
    """,
}
_CHECKS_OF_KIND = {
    RunKind.MONTHLY: {
        "every account that has an agreement is billed or blocked": """
            SELECT DISTINCT 'account ' || c.id AS fault
            FROM customers_account c JOIN customers_agreement a ON a.account_id = c.id
            WHERE c.cycle = %(cycle)s AND c.id <= %(last_account)s
              AND a.valid && daterange(%(month)s::date, (%(month)s::date + interval '1 month')::date)
              AND a.recorded_at <= %(as_of)s AND (a.superseded_at IS NULL OR a.superseded_at > %(as_of)s)
              AND NOT EXISTS (SELECT FROM billing_bill b
                              WHERE b.account_id = c.id AND b.month = %(month)s AND b.run_id = %(run)s)
              AND NOT EXISTS (SELECT FROM billing_billexception e
                              WHERE e.run_id = %(run)s AND e.account_id = c.id AND e.blocking)
              AND NOT EXISTS (SELECT FROM billing_billrun s
                              WHERE s.account_id = c.id AND s.kind IN ('settlement', 'on_site') AND s.month = %(month)s
                                AND s.facts_as_of < %(as_of)s)
        """,
    },
    RunKind.SETTLEMENT: {
        "a settlement bills nobody but its account": """
            SELECT 'bill ' || b.id AS fault
            FROM billing_bill b JOIN billing_billrun r ON r.id = b.run_id
            WHERE b.month = %(month)s AND b.run_id = %(run)s
              AND (b.account_id <> r.account_id OR b.id <> %(first_bill)s)
        """,
    },
    RunKind.ON_SITE: {
        "an on-site bill bills nobody but its account, and no day after its last": """
            SELECT 'bill ' || b.id AS fault
            FROM billing_bill b JOIN billing_billrun r ON r.id = b.run_id
            WHERE b.month = %(month)s AND b.run_id = %(run)s
              AND (b.account_id <> r.account_id OR b.id <> %(first_bill)s
                   OR EXISTS (SELECT FROM billing_billline l
                              WHERE l.month = %(month)s AND l.bill_id = b.id AND l.service_month = %(month)s
                                AND l.to_date > r.billed_through + 1))
        """,
    },
    RunKind.RECALCULATION: {
        "a recalculation bills nothing but corrections of its own accounts, and what they were settled for": """
            SELECT 'bill ' || b.id AS fault FROM billing_bill b
            WHERE b.month = %(month)s AND b.run_id = %(run)s
              AND (EXISTS (SELECT FROM billing_billline l
                           WHERE l.month = %(month)s AND l.bill_id = b.id AND l.service_month >= %(month)s
                             AND NOT EXISTS (SELECT FROM billing_billrun s
                                             WHERE s.account_id = b.account_id AND s.kind = 'settlement'
                                               AND s.month = %(month)s AND s.facts_as_of < %(as_of)s))
                   OR NOT EXISTS (SELECT FROM billing_billrunaccount l
                                  WHERE l.run_id = %(run)s AND l.account_id = b.account_id
                                    AND b.id = %(first_bill)s + l.position))
        """,
    },
}


def check_run(run_id: int) -> list[Check]:
    """Every invariant of one posted run, in a fixed order; `broken` is 0 where it holds."""
    run = get_run(run_id=run_id)
    params = {
        "run": run.pk,
        "month": run.month,
        "cycle": run.cycle,
        "kind": TransactionKind.BILL_RUN.value,
        "as_of": run.facts_as_of,
        "last_account": run.last_account_id,
        "first_bill": run.first_bill_id,
        "parts": BUCKET_COUNT if run.kind == RunKind.MONTHLY else run.slice_count,
        "next_bill": run.first_bill_id + run.accounts,
    }
    with adbc_connect() as connection:
        checks = []
        for name, violations in (_CHECKS | _CHECKS_OF_KIND[RunKind(run.kind)]).items():
            found = read_frame(
                f"SELECT count(*) AS broken, coalesce(min(fault), '') AS example FROM ({violations}) AS faults",
                params,
                connection=connection,
            )
            checks.append(Check(name=name, broken=int(found["broken"][0]), example=str(found["example"][0])))
    return checks
