"""Keep what entries come to by node, tariff, class and officer, so that statements read few rows."""

from dataclasses import dataclass

from django.db import connection, transaction

_NEW = """
    CREATE TEMPORARY TABLE new_transactions ON COMMIT DROP AS
    SELECT t.id FROM ledger_transaction t
    WHERE NOT EXISTS (SELECT FROM reporting_talliedtransaction d WHERE d.transaction_id = t.id)
"""
# Nearly every account has had one agreement for a service and one officer; the others are looked at entry by entry.
_TALLY = """
WITH entries AS MATERIALIZED (
    SELECT e.* FROM ledger_entry e
    WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.transaction_id IN (SELECT id FROM new_transactions)
),
supplies AS MATERIALIZED (
    SELECT g.id, g.account_id, g.provider_id, p.service, p.node_id, g.tariff_id, g.category, g.valid, g.recorded_at,
           g.superseded_at, count(*) OVER (PARTITION BY g.account_id, g.provider_id, p.service) AS versions
    FROM customers_agreement g JOIN network_servicepoint p ON p.id = g.service_point_id
    {of_accounts}
),
chosen AS MATERIALIZED (
    SELECT DISTINCT ON (e.id) e.id AS entry_id, s.node_id, s.tariff_id, s.category
    FROM entries e JOIN supplies s ON s.account_id = e.account_id AND s.provider_id = e.provider_id
         AND s.service = e.service AND s.versions > 1
    ORDER BY e.id, s.recorded_at <= e.recorded_at DESC,
             coalesce(s.superseded_at > e.recorded_at, true) DESC,
             s.valid @> e.business_date DESC, lower(s.valid) <= e.business_date DESC, lower(s.valid) DESC, s.id
),
officers AS MATERIALIZED (
    SELECT g.id, g.account_id, g.officer_id, g.valid, g.recorded_at, g.superseded_at,
           count(*) OVER (PARTITION BY g.account_id) AS versions
    FROM customers_responsibility g {of_accounts}
),
answering AS MATERIALIZED (
    SELECT DISTINCT ON (e.id) e.id AS entry_id, o.officer_id
    FROM entries e JOIN officers o ON o.account_id = e.account_id AND o.versions > 1
    ORDER BY e.id, o.recorded_at <= e.recorded_at DESC,
             coalesce(o.superseded_at > e.recorded_at, true) DESC,
             o.valid @> e.business_date DESC, lower(o.valid) <= e.business_date DESC, lower(o.valid) DESC, o.id
)
INSERT INTO reporting_turnovertally (month, recorded_at, organisation_id, node_id, officer_id, tariff_id, category,
    provider_id, service, opening_minor, accrued_minor, recalculated_minor, paid_minor)
SELECT e.month, e.recorded_at, e.organisation_id, coalesce(s.node_id, c.node_id, 0),
       coalesce(o.officer_id, r.officer_id, 0), coalesce(s.tariff_id, c.tariff_id, 0),
       coalesce(s.category, c.category, ''), e.provider_id, e.service,
       coalesce(sum(e.amount_minor) FILTER (WHERE e.kind = 'opening'), 0),
       coalesce(sum(e.amount_minor - e.correction_minor)
                FILTER (WHERE e.kind IN ('bill', 'interest', 'plan_int')), 0),
       coalesce(sum(e.correction_minor) FILTER (WHERE e.kind IN ('bill', 'interest', 'plan_int')), 0),
       coalesce(-sum(e.amount_minor) FILTER (WHERE e.kind NOT IN ('opening', 'bill', 'interest', 'plan_int')), 0)
FROM entries e
LEFT JOIN supplies s ON s.account_id = e.account_id AND s.provider_id = e.provider_id AND s.service = e.service
     AND s.versions = 1
LEFT JOIN chosen c ON c.entry_id = e.id
LEFT JOIN officers o ON o.account_id = e.account_id AND o.versions = 1
LEFT JOIN answering r ON r.entry_id = e.id
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
"""
_FEW = 200
_OF_ACCOUNTS = "WHERE g.account_id IN (SELECT account_id FROM entries)"


@dataclass(frozen=True, kw_only=True)
class Tallied:
    """How many transactions were added to the tallies."""

    transactions: int


def refresh_turnover() -> Tallied:
    """Add the transactions of the ledger that are not in the tallies yet; doing it again adds nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('reporting_turnover'))")
        cursor.execute(_NEW)
        cursor.execute("SELECT count(*), min(id), max(id) FROM new_transactions")
        count, first, last = cursor.fetchone()
        if not count:
            return Tallied(transactions=0)
        cursor.execute("ANALYZE new_transactions")
        # Rows of common table expressions are guessed as few: sets are hashed, whatever the guess.
        cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '256MB'")
        of_accounts = _OF_ACCOUNTS if count < _FEW else ""
        cursor.execute(_TALLY.format(of_accounts=of_accounts), {"first": first, "last": last})
        cursor.execute("RESET enable_nestloop; RESET work_mem")
        cursor.execute("INSERT INTO reporting_talliedtransaction SELECT id FROM new_transactions")
        cursor.execute("DROP TABLE new_transactions")
        return Tallied(transactions=count)


def rebuild_turnover() -> Tallied:
    """Compute all tallies anew from the ledger."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('reporting_turnover'))")
        cursor.execute("TRUNCATE reporting_turnovertally, reporting_talliedtransaction")
        return refresh_turnover()
