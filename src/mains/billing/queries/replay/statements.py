"""What replay asks the database: its own way to the facts, which shares no query with the frames of bill runs."""

AGREEMENTS = """
SELECT a.account_id, a.id, a.service_point_id, a.tariff_id, a.provider_id, a.category, a.load_class,
       lower(a.valid), upper(a.valid), a.recorded_at, a.superseded_at,
       sp.code, sp.premise_id, sp.node_id, sp.service, sp.connected_on, sp.disconnected_on, p.kind
FROM customers_agreement a
JOIN network_servicepoint sp ON sp.id = a.service_point_id
JOIN network_premise p ON p.id = sp.premise_id
WHERE a.account_id = ANY(%(accounts)s::bigint[])
ORDER BY a.id
"""
PLACES = """
SELECT a.account_id, min(sp.node_id) AS node_id
FROM customers_agreement a JOIN network_servicepoint sp ON sp.id = a.service_point_id
WHERE a.account_id = ANY(%(accounts)s::bigint[])
GROUP BY a.account_id
ORDER BY node_id, a.account_id
"""
INSTALLED = """
SELECT i.service_point_id, i.id, i.meter_id, r.id, r.zone, r.digits, r.multiplier_micro,
       lower(i.valid), upper(i.valid), i.recorded_at, i.superseded_at
FROM metering_installation i
JOIN metering_register r ON r.meter_id = i.meter_id
WHERE i.service_point_id = ANY(%(points)s::bigint[])
ORDER BY i.valid, r.zone
"""
READINGS = """
SELECT id, register_id, reading_date, value_micro, source, (extract(epoch FROM recorded_at) * 1000000)::bigint,
       recorded_at, superseded_at
FROM metering_reading
WHERE register_id = ANY(%(registers)s::bigint[])
ORDER BY reading_date, id
"""
PREMISE_STATES = """
SELECT premise_id, residents, rooms, floor_area_m2_micro, heated_area_m2_micro, storey_height_mm,
       location, cooker, meter_possible, lower(valid), upper(valid), recorded_at, superseded_at
FROM network_premisestate
WHERE premise_id = ANY(%(premises)s::bigint[])
ORDER BY valid
"""
ABSENCES = """
SELECT premise_id, residents, lower(valid), upper(valid), recorded_at, superseded_at
FROM network_absence
WHERE premise_id = ANY(%(premises)s::bigint[])
ORDER BY valid, id
"""
ERRORS = """
SELECT id, register_id, lower(valid), upper(valid), percent_hundredths, proof, recorded_at, superseded_at
FROM metering_metererror
WHERE register_id = ANY(%(registers)s::bigint[])
ORDER BY id
"""
ACTS = """
SELECT id, service_point_id, zone, lower(valid), upper(valid), amount_micro, recorded_at, superseded_at
FROM metering_unmetereduse
WHERE service_point_id = ANY(%(points)s::bigint[])
ORDER BY id
"""
PLACEMENTS = """
SELECT node_id, parent_id, lower(valid), upper(valid), recorded_at, superseded_at
FROM network_nodeplacement
WHERE node_id = ANY(%(nodes)s::bigint[])
"""
NODE_STATES = """
SELECT node_id, nullif(band, ''), supply_hours_day, lower(valid), upper(valid), recorded_at, superseded_at
FROM network_nodestate
WHERE node_id = ANY(%(nodes)s::bigint[])
"""
NODE_FIGURES = """
SELECT node_id, name, value_micro, lower(valid), upper(valid), recorded_at, superseded_at
FROM network_nodefigure
WHERE node_id = ANY(%(nodes)s::bigint[]) AND value_micro IS NOT NULL
"""
CONDITIONS = """
SELECT service_point_id, id, name, word, value_micro, lower(valid), upper(valid), proof, recorded_at, superseded_at
FROM network_pointcondition
WHERE service_point_id = ANY(%(points)s::bigint[]) AND (word <> '' OR value_micro IS NOT NULL)
"""
STORED = """
SELECT service_point_id, month, zone, revision, recorded_at, days_micro, quality
FROM metering_usagemonth
WHERE month = ANY(%(months)s::date[]) AND service_point_id = ANY(%(points)s::bigint[])
ORDER BY revision
"""
EDITIONS = """
SELECT tariff_id, document::text, recorded_at, superseded_at
FROM tariffs_tariffedition
WHERE tariff_id = ANY(%(tariffs)s::bigint[])
"""
BILLS = """
SELECT account_id, month, id, run_id, amount_minor
FROM billing_bill
WHERE account_id = ANY(%(accounts)s::bigint[])
ORDER BY month, id
"""
LINES = """
SELECT l.bill_id, l.month, l.agreement_id, l.service_month, l.component, l.kind, l.amount_minor
FROM billing_bill b
JOIN billing_billline l ON l.month = b.month AND l.bill_id = b.id
WHERE b.account_id = ANY(%(accounts)s::bigint[])
"""
KEPT = """
SELECT account_id, month, agreement_id, service_point_id, balance, unit, to_date, value_micro, run_id, recorded_at
FROM billing_carriedbalance
WHERE account_id = ANY(%(accounts)s::bigint[])
ORDER BY month, revision
"""
OPENINGS = """
SELECT account_id, month, service_point_id, balance, unit, value_micro, recorded_at, superseded_at
FROM billing_openingbalance
WHERE account_id = ANY(%(accounts)s::bigint[])
"""
