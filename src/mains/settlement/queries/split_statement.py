"""The statement that splits payments: one set, whether it is one payment or a month of the whole utility.

What is wanted follows from entries, allocations, agreements and contracts; what is held is the sum of the splits; the
difference is written. A payment's money is whose debts it covers: the contract of the day of the debt counts, of an
advance that of the payment's own day, and where none was in force, that of the payment's day. Money that went back
covers its own reversal or refund and is nobody's; a credit that is moved to another account, service or provider is
money there and none here. A movement without an item moves a credit, one with an item a debt. An advance is others'
money when a bill uses it; a use that is owed again has been split, so what pays it is not split once more.
"""

_KINDS = "('payment', 'advance', 'transfer', 'offset')"
# The credits to look at. Each branch is driven by an index; `everything` reads all payments.
EVERYTHING = f"""
    SELECT account_id, id AS credit_id FROM ledger_entry
    WHERE kind IN {_KINDS} AND amount_minor < 0
"""
SINCE = f"""
    SELECT account_id, id AS credit_id FROM ledger_entry
    WHERE transaction_id > %(after_transaction)s AND kind IN {_KINDS} AND amount_minor < 0
    UNION SELECT account_id, credit_id FROM ledger_allocation WHERE id > %(after_allocation)s
"""
# Another manager, provider or service point: the houses' chains may have changed for what was paid before.
OF_CHANGED_AGREEMENTS = f"""
    UNION SELECT e.account_id, e.id FROM ledger_entry e
    WHERE e.kind IN {_KINDS} AND e.amount_minor < 0 AND e.account_id IN (
        SELECT account_id FROM customers_agreement WHERE recorded_at >= %(since)s OR superseded_at >= %(since)s)
"""
OF_CHANGED_CONTRACTS = f"""
    UNION SELECT e.account_id, e.id FROM ledger_entry e
    WHERE e.kind IN {_KINDS} AND e.amount_minor < 0
      AND e.provider_id = ANY(%(changed_providers)s)
"""

# How the big tables are read: whole and hashed for a month of a utility, row by row through their indexes for what a
# register or a call-back brings. Sets of this statement are always hashed (`enable_nestloop` is off): the planner takes
# them for a few rows, and nested loops over 20,000 never end.
WHOLE = {
    "entries": "JOIN ledger_entry e ON e.account_id = t.account_id AND e.id = t.credit_id",
    "allocations": "JOIN ledger_allocation a ON a.credit_id = c.id",
    "items": "JOIN ledger_entry i ON i.account_id = v.account_id AND i.id = v.item_id",
    "agreements": """
        JOIN customers_agreement g ON g.account_id = c.account_id AND g.superseded_at IS NULL
        JOIN network_servicepoint p ON p.id = g.service_point_id
        LEFT JOIN network_premise h ON h.id = p.premise_id""",
    "splits": "JOIN settlement_split s ON s.account_id = c.account_id AND s.credit_id = c.id",
}
BY_INDEX = {
    "entries": """CROSS JOIN LATERAL (
        SELECT * FROM ledger_entry x WHERE x.account_id = t.account_id AND x.id = t.credit_id OFFSET 0) e""",
    "allocations": """CROSS JOIN LATERAL (
        SELECT * FROM ledger_allocation x WHERE x.credit_id = c.id OFFSET 0) a""",
    "items": """CROSS JOIN LATERAL (
        SELECT * FROM ledger_entry x WHERE x.account_id = v.account_id AND x.id = v.item_id OFFSET 0) i""",
    "agreements": """
        CROSS JOIN LATERAL (
            SELECT * FROM customers_agreement x
            WHERE x.account_id = c.account_id AND x.superseded_at IS NULL OFFSET 0) g
        CROSS JOIN LATERAL (SELECT * FROM network_servicepoint x WHERE x.id = g.service_point_id OFFSET 0) p
        LEFT JOIN LATERAL (SELECT * FROM network_premise x WHERE x.id = p.premise_id OFFSET 0) h ON true""",
    "splits": """CROSS JOIN LATERAL (
        SELECT * FROM settlement_split x WHERE x.account_id = c.account_id AND x.credit_id = c.id OFFSET 0) s""",
}

# Products of amounts and millionths are taken apart, so that they stay within 64 bits:
# x·w/M = (x div M)·w + (x mod M)·w/M.
STATEMENT = """
WITH touched AS MATERIALIZED ({touched}),
credits AS MATERIALIZED (
    SELECT e.id, e.account_id, e.organisation_id, e.provider_id, e.service, -e.amount_minor AS minor,
           e.business_date, CASE e.kind WHEN 'payment' THEN e.document_id ELSE 0 END AS document_id
    FROM touched t {entries}
    WHERE e.amount_minor < 0 AND (e.kind IN ('payment', 'advance') OR (e.kind IN ('transfer', 'offset') AND EXISTS (
            SELECT FROM debt_movement m WHERE m.id = e.document_id AND m.item_id IS NULL)))
      AND e.provider_id IN (SELECT provider_id FROM settlement_route)
),
covers AS MATERIALIZED (
    SELECT a.credit_id, a.account_id, a.item_id, sum(a.amount_minor)::bigint AS minor,
           max(a.business_date) AS changed_on
    FROM credits c {allocations} GROUP BY 1, 2, 3
),
used AS MATERIALIZED (
    SELECT credit_id, sum(minor)::bigint AS minor, max(changed_on) AS changed_on FROM covers GROUP BY 1
),
pieces AS (
    SELECT v.credit_id, i.business_date AS owed_on, v.minor
    FROM covers v {items}
    WHERE v.minor > 0 AND i.kind NOT IN ('reversal', 'refund', 'advance')
      AND NOT (i.kind IN ('transfer', 'offset') AND EXISTS (
        SELECT FROM debt_movement m WHERE m.id = i.document_id AND m.item_id IS NULL))
    UNION ALL
    SELECT c.id, c.business_date, c.minor - coalesce(u.minor, 0)
    FROM credits c LEFT JOIN used u ON u.credit_id = c.id WHERE c.minor > coalesce(u.minor, 0)
),
supplies AS MATERIALIZED (
    SELECT g.account_id, g.provider_id, p.service, lower(g.valid) AS since,
           coalesce(g.manager_id, 0) AS manager_id,
           coalesce(h.building_id, 0) AS building_id, g.id
    FROM (SELECT DISTINCT account_id FROM credits) c {agreements}
),
placed AS MATERIALIZED (
    SELECT DISTINCT ON (b.credit_id, b.owed_on) b.credit_id, b.owed_on, b.minor, c.provider_id, c.service,
           c.business_date AS paid_on, coalesce(s.manager_id, 0) AS manager_id,
           coalesce(s.building_id, 0) AS building_id
    FROM (SELECT credit_id, owed_on, sum(minor)::bigint AS minor FROM pieces GROUP BY 1, 2) b
    JOIN credits c ON c.id = b.credit_id
    LEFT JOIN supplies s
        ON s.account_id = c.account_id AND s.provider_id = c.provider_id AND s.service = c.service
    ORDER BY b.credit_id, b.owed_on, s.since <= b.owed_on DESC NULLS LAST, s.since DESC, s.id
),
asked AS MATERIALIZED (SELECT DISTINCT provider_id, service, manager_id, owed_on, paid_on FROM placed),
chosen AS MATERIALIZED (
    SELECT q.*, x.id AS contract_id, x.route_id
    FROM asked q CROSS JOIN LATERAL (
        SELECT k.id, k.route_id
        FROM settlement_contract k JOIN settlement_route r ON r.id = k.route_id
        WHERE k.superseded_at IS NULL AND r.provider_id = q.provider_id AND r.service IN ('', q.service)
          AND (r.manager_id IS NULL OR r.manager_id = q.manager_id)
          AND (k.valid @> q.owed_on OR k.valid @> q.paid_on)
        ORDER BY k.valid @> q.owed_on DESC, r.manager_id IS NULL, r.service = '', k.id LIMIT 1
    ) x
),
parts AS (
    SELECT d.credit_id, h.contract_id, max(d.building_id) AS building_id, sum(d.minor)::bigint AS minor
    FROM placed d JOIN chosen h ON h.provider_id = d.provider_id AND h.service = d.service
         AND h.manager_id = d.manager_id AND h.owed_on = d.owed_on AND h.paid_on = d.paid_on
    GROUP BY 1, 2
),
contracts AS MATERIALIZED (
    SELECT k.id AS contract_id, k.route_id, k.fee_ppm::bigint AS fee_ppm, k.fee_rounding,
           coalesce(r.manager_id, r.provider_id) AS holder_id,
           CASE WHEN k.passes_through THEN r.manager_id END AS through_id, k.shares
    FROM settlement_contract k JOIN settlement_route r ON r.id = k.route_id
    WHERE k.id IN (SELECT contract_id FROM chosen)
),
shares AS MATERIALIZED (
    SELECT k.contract_id, s.position, (s.share ->> 0)::bigint AS party_id, (s.share ->> 1)::bigint AS weight_ppm
    FROM contracts k CROSS JOIN LATERAL jsonb_array_elements(k.shares) WITH ORDINALITY AS s(share, position)
),
fees AS (
    SELECT p.credit_id, p.building_id, p.minor, k.contract_id, k.route_id, k.through_id,
           coalesce(k.through_id, (SELECT party_id FROM shares s WHERE s.contract_id = k.contract_id
                                   ORDER BY s.position LIMIT 1)) AS holder_id,
           m.whole + CASE k.fee_rounding
               WHEN 'half_up' THEN (2 * m.over >= 1000000)::int
               WHEN 'half_even' THEN (2 * m.over > 1000000 OR (2 * m.over = 1000000 AND m.whole %% 2 = 1))::int
               WHEN 'up' THEN (m.over > 0)::int
               ELSE 0 END AS fee_minor
    FROM parts p JOIN contracts k ON k.contract_id = p.contract_id
    CROSS JOIN LATERAL (
        SELECT (p.minor / 1000000) * k.fee_ppm + ((p.minor %% 1000000) * k.fee_ppm) / 1000000 AS whole,
               ((p.minor %% 1000000) * k.fee_ppm) %% 1000000 AS over
    ) m
),
shared AS (
    SELECT f.credit_id, f.building_id, f.contract_id, f.route_id, s.party_id,
           coalesce(f.through_id, s.party_id) AS payee_id, m.whole,
           f.minor - f.fee_minor - sum(m.whole) OVER w AS left_over,
           row_number() OVER (PARTITION BY f.credit_id, f.contract_id ORDER BY m.over DESC, s.position) AS rank
    FROM fees f JOIN shares s ON s.contract_id = f.contract_id
    CROSS JOIN LATERAL (
        SELECT ((f.minor - f.fee_minor) / 1000000) * s.weight_ppm
               + (((f.minor - f.fee_minor) %% 1000000) * s.weight_ppm) / 1000000 AS whole,
               (((f.minor - f.fee_minor) %% 1000000) * s.weight_ppm) %% 1000000 AS over
    ) m
    WINDOW w AS (PARTITION BY f.credit_id, f.contract_id)
),
sides AS (
    SELECT credit_id, route_id, building_id, 'fee' AS kind, holder_id AS payee_id, holder_id AS party_id,
           fee_minor AS minor, false AS is_held FROM fees
    UNION ALL
    SELECT credit_id, route_id, building_id, 'share', payee_id, party_id,
           whole + (rank <= left_over)::int, false FROM shared
    UNION ALL
    SELECT s.credit_id, s.route_id, s.building_id, s.kind, s.payee_id, s.party_id, -s.amount_minor, true
    FROM credits c {splits}
),
changed AS (
    SELECT credit_id, route_id, building_id, kind, payee_id, party_id, sum(minor)::bigint AS minor
    FROM sides GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(minor) <> 0
),
split_before AS MATERIALIZED (SELECT DISTINCT credit_id FROM sides WHERE is_held),
written AS (
    INSERT INTO settlement_split (month, batch_id, account_id, credit_id, document_id, route_id, organisation_id,
        building_id, provider_id, service, kind, payee_id, party_id, amount_minor, business_date, recorded_at)
    SELECT %(month)s, %(batch_id)s, c.account_id, c.id, c.document_id, x.route_id, c.organisation_id, x.building_id,
           c.provider_id, c.service, x.kind, x.payee_id, x.party_id, x.minor,
           greatest(c.business_date, CASE WHEN b.credit_id IS NOT NULL THEN u.changed_on END, %(first_open)s::date),
           %(now)s
    FROM changed x JOIN credits c ON c.id = x.credit_id
    LEFT JOIN split_before b ON b.credit_id = c.id LEFT JOIN used u ON u.credit_id = c.id
    RETURNING *
)
INSERT INTO settlement_tally (batch_id, organisation_id, building_id, provider_id, service, kind, payee_id, party_id,
                              amount_minor, taken_minor, split_count, business_date, recorded_at)
SELECT batch_id, organisation_id, building_id, provider_id, service, kind, payee_id, party_id,
       sum(amount_minor), coalesce(sum(amount_minor) FILTER (WHERE amount_minor < 0), 0), count(*),
       business_date, recorded_at
FROM written
GROUP BY batch_id, organisation_id, building_id, provider_id, service, kind, payee_id, party_id, business_date,
         recorded_at
ORDER BY business_date, building_id, payee_id
"""
