"""The rows behind an item of a bill, as they were believed at an instant, in SQL; see `evidence`."""

KNOWN = "{0}.recorded_at <= %(as_of)s AND ({0}.superseded_at IS NULL OR {0}.superseded_at > %(as_of)s)"

AGREEMENTS = f"""
SELECT a.id AS agreement_id, a.account_id, a.service_point_id, a.tariff_id, a.provider_id, a.category, a.load_class,
       lower(a.valid) AS valid_from, upper(a.valid) AS valid_to, a.recorded_at, a.proof,
       sp.code AS point_code, sp.premise_id, sp.node_id, sp.service, sp.connected_on, sp.disconnected_on,
       p.kind AS premise_kind
FROM customers_agreement a
JOIN network_servicepoint sp ON sp.id = a.service_point_id
JOIN network_premise p ON p.id = sp.premise_id
WHERE a.account_id = ANY(%(accounts)s) AND a.valid && daterange(%(from)s, %(to)s) AND {KNOWN.format("a")}
"""
METER_POINT = """
SELECT code AS point_code, node_id, connected_on, disconnected_on FROM network_servicepoint WHERE id = ANY(%(points)s)
"""
OLDEST = """
SELECT account_id, service_point_id, tariff_id, provider_id, min(id) AS oldest_id
FROM customers_agreement
WHERE account_id = ANY(%(accounts)s) AND valid && daterange(%(from)s, %(to)s) AND recorded_at <= %(as_of)s
GROUP BY account_id, service_point_id, tariff_id, provider_id
"""
REGISTERS = """
SELECT i.id AS installation_id, i.service_point_id, i.meter_id, r.id AS register_id, r.zone, r.digits,
       r.multiplier_micro, m.serial, m.model, lower(i.valid) AS valid_from, upper(i.valid) AS valid_to,
       i.recorded_at, i.superseded_at
FROM metering_installation i
JOIN metering_register r ON r.meter_id = i.meter_id
JOIN metering_meter m ON m.id = i.meter_id
WHERE i.service_point_id = ANY(%(points)s) AND i.recorded_at <= %(as_of)s
ORDER BY i.valid, r.zone
"""
READINGS = """
SELECT DISTINCT i.service_point_id, d.id AS reading_id, d.register_id, d.reading_date, d.value_micro, d.source,
       d.recorded_at, d.superseded_at, d.evidence, u.username AS recorded_by, m.serial, r.zone,
       (SELECT string_agg(p.id || ' ' || f.sha256, ',' ORDER BY p.id) FROM metering_readingphoto p
        JOIN documents_storedfile f ON f.id = p.file_id WHERE p.reading_id = d.id) AS photos
FROM metering_reading d
JOIN metering_register r ON r.id = d.register_id
JOIN metering_meter m ON m.id = r.meter_id
JOIN metering_installation i ON i.meter_id = m.id AND i.service_point_id = ANY(%(points)s)
LEFT JOIN staff_user u ON u.id = d.recorded_by_id
WHERE d.register_id = ANY(%(registers)s) AND d.recorded_at <= %(as_of)s
ORDER BY d.reading_date, reading_id
"""
PREMISE_STATES = f"""
SELECT s.id, s.premise_id, s.residents, s.rooms, s.floor_area_m2_micro, s.heated_area_m2_micro, s.storey_height_mm,
       s.location, s.cooker, s.meter_possible, lower(s.valid) AS valid_from, upper(s.valid) AS valid_to, s.recorded_at
FROM network_premisestate s
WHERE s.premise_id = ANY(%(premises)s) AND s.valid && daterange(%(from)s, %(to)s) AND {KNOWN.format("s")}
ORDER BY s.valid
"""
ABSENCES = f"""
SELECT a.id, a.premise_id, a.residents, lower(a.valid) AS valid_from, upper(a.valid) AS valid_to, a.recorded_at, a.proof
FROM network_absence a
WHERE a.premise_id = ANY(%(premises)s) AND a.valid && daterange(%(from)s, %(to)s) AND {KNOWN.format("a")}
ORDER BY a.valid, a.id
"""
CONDITIONS = f"""
SELECT c.id, c.service_point_id, c.name, c.word, c.value_micro, lower(c.valid) AS valid_from,
       upper(c.valid) AS valid_to, c.recorded_at, c.proof
FROM network_pointcondition c
WHERE c.service_point_id = ANY(%(points)s) AND (c.word <> '' OR c.value_micro IS NOT NULL)
  AND c.valid && daterange(%(from)s, %(to)s) AND {KNOWN.format("c")}
ORDER BY c.valid, c.id
"""
ERRORS = """
SELECT e.id, e.register_id, e.percent_hundredths, lower(e.valid) AS valid_from, upper(e.valid) AS valid_to,
       e.recorded_at, e.superseded_at, e.proof
FROM metering_metererror e
WHERE e.register_id = ANY(%(registers)s) AND e.recorded_at <= %(as_of)s
ORDER BY e.id
"""
ACTS = """
SELECT u.id, u.service_point_id, u.zone, u.amount_micro, lower(u.valid) AS valid_from, upper(u.valid) AS valid_to,
       u.recorded_at, u.superseded_at, u.proof, u.reason
FROM metering_unmetereduse u
WHERE u.service_point_id = ANY(%(points)s) AND u.recorded_at <= %(as_of)s
ORDER BY u.id
"""
PLACEMENTS = f"""
SELECT n.node_id, n.parent_id, lower(n.valid) AS valid_from, upper(n.valid) AS valid_to
FROM network_nodeplacement n
WHERE n.node_id = ANY(%(nodes)s) AND n.valid && daterange(%(from)s, %(to)s) AND {KNOWN.format("n")}
"""
NODE_STATES = f"""
SELECT s.id, s.node_id, nullif(s.band, '') AS band, s.supply_hours_day, lower(s.valid) AS valid_from,
       upper(s.valid) AS valid_to, s.recorded_at, o.name AS node_name
FROM network_nodestate s JOIN network_node o ON o.id = s.node_id
WHERE s.node_id = ANY(%(nodes)s) AND s.valid && daterange(%(from)s, %(to)s) AND {KNOWN.format("s")}
"""
NODE_FIGURES = f"""
SELECT s.id, s.node_id, s.name, s.value_micro, lower(s.valid) AS valid_from, upper(s.valid) AS valid_to, s.recorded_at,
       s.proof, o.name AS node_name
FROM network_nodefigure s JOIN network_node o ON o.id = s.node_id
WHERE s.node_id = ANY(%(nodes)s) AND s.value_micro IS NOT NULL
  AND s.valid && daterange(%(from)s, %(to)s) AND {KNOWN.format("s")}
"""
USAGE = """
SELECT DISTINCT ON (service_point_id, zone) service_point_id, zone, revision, recorded_at, days_micro, quality
FROM metering_usagemonth
WHERE month = %(from)s AND service_point_id = ANY(%(points)s) AND recorded_at <= %(as_of)s
ORDER BY service_point_id, zone, revision DESC
"""
EDITIONS = f"""
SELECT e.id, e.tariff_id, t.code, t.name, e.document
FROM tariffs_tariffedition e JOIN tariffs_tariff t ON t.id = e.tariff_id
WHERE e.tariff_id = ANY(%(tariffs)s) AND {KNOWN.format("e")}
"""
