"""What is asked of the database to find the facts that a correction comes from."""

from mains.base.changes import CHANGED, KNOWN, KNOWN_BEFORE

# Facts about the month, each with whether it was believed at the two instants, and its days within the month.
_DATED = f"""
    f.id, f.recorded_at, lower(f.valid) AS valid_from,
    CASE WHEN f.superseded_at <= %(as_of)s THEN f.superseded_at END AS ended_at,
    ({KNOWN_BEFORE.format("f")}) AS was_known, ({KNOWN.format("f")}) AS is_known,
    greatest(lower(f.valid), %(month)s::date) AS from_day,
    least(coalesce(upper(f.valid), %(next)s::date), %(next)s::date) AS to_day
"""
_IN_MONTH = """
    f.valid && daterange(%(month)s::date, %(next)s::date) AND f.recorded_at <= %(as_of)s
    AND (f.superseded_at IS NULL OR f.superseded_at > %(known_since)s)
"""
INTERVALS = """
    SELECT min(v.id) AS id, min(v.day) AS first_day, max(v.recorded_at) AS recorded_at, m.serial
    FROM metering_intervalday v JOIN metering_meter m ON m.id = v.meter_id
    WHERE v.service_point_id = %(point)s AND v.month <= %(month)s AND v.day >= %(first)s
      AND v.recorded_at > %(known_since)s AND v.recorded_at <= %(as_of)s
    GROUP BY m.serial ORDER BY 1
"""
INSTALLATIONS = f"""
    SELECT {_DATED}, f.meter_id, m.serial AS name
    FROM metering_installation f JOIN metering_meter m ON m.id = f.meter_id
    WHERE f.service_point_id = %(point)s AND {_IN_MONTH} ORDER BY f.id
"""
AGREEMENTS = f"""
    SELECT {_DATED}, f.account_id, f.tariff_id, f.provider_id, f.category, f.load_class, '' AS name
    FROM customers_agreement f WHERE f.service_point_id = %(point)s AND {_IN_MONTH} ORDER BY f.id
"""
PREMISE_STATES = f"""
    SELECT {_DATED}, '' AS name, f.residents, f.rooms, f.floor_area_m2_micro AS floor_area_m2,
           f.heated_area_m2_micro AS heated_area_m2, f.storey_height_mm AS storey_height_m, f.location, f.cooker,
           f.meter_possible
    FROM network_premisestate f
    WHERE f.premise_id = (SELECT premise_id FROM network_servicepoint WHERE id = %(point)s) AND {_IN_MONTH}
    ORDER BY f.id
"""
METER_ERRORS = f"""
    SELECT DISTINCT {_DATED}, m.serial AS name
    FROM metering_installation i
    JOIN metering_register r ON r.meter_id = i.meter_id
    JOIN metering_meter m ON m.id = i.meter_id
    JOIN metering_metererror f ON f.register_id = r.id
    WHERE i.service_point_id = %(point)s AND i.recorded_at <= %(as_of)s AND {CHANGED.format("f")}
      AND lower(f.valid) < %(next)s::date
      AND (f.valid && daterange(%(month)s::date, %(next)s::date) OR EXISTS (
        SELECT FROM metering_usagemonth u
        WHERE u.month = %(month)s AND u.service_point_id = %(point)s AND u.recorded_at > %(known_since)s
          AND u.recorded_at <= %(as_of)s AND upper(u.quality) ~ '[FC]'))
    ORDER BY f.id
"""
UNMETERED = f"""
    SELECT {_DATED}, f.proof AS name FROM metering_unmetereduse f
    WHERE f.service_point_id = %(point)s AND {_IN_MONTH} ORDER BY f.id
"""
ABSENCES = f"""
    SELECT {_DATED}, f.proof AS name FROM network_absence f
    WHERE f.premise_id = (SELECT premise_id FROM network_servicepoint WHERE id = %(point)s) AND {_IN_MONTH}
    ORDER BY f.id
"""
CONDITIONS = f"""
    SELECT {_DATED}, f.name, f.word, f.value_micro FROM network_pointcondition f
    WHERE f.service_point_id = %(point)s AND {_IN_MONTH} ORDER BY f.id
"""
_ABOVE = """
    WITH RECURSIVE above AS (
        SELECT node_id AS id FROM network_servicepoint WHERE id = %(point)s
        UNION
        SELECT p.parent_id FROM above a JOIN network_nodeplacement p ON p.node_id = a.id WHERE p.parent_id IS NOT NULL
    )
"""
NODE_STATES = f"""
    {_ABOVE}
    SELECT {_DATED}, f.node_id, f.band, f.supply_hours_day, o.name
    FROM network_nodestate f JOIN network_node o ON o.id = f.node_id
    WHERE f.node_id IN (SELECT id FROM above) AND {_IN_MONTH} ORDER BY f.id
"""
NODE_FIGURES = f"""
    {_ABOVE}
    SELECT {_DATED}, f.node_id, f.name AS figure, f.value_micro, f.name || ', ' || o.name AS name
    FROM network_nodefigure f JOIN network_node o ON o.id = f.node_id
    WHERE f.node_id IN (SELECT id FROM above) AND {_IN_MONTH} ORDER BY f.id
"""
PLACEMENTS = f"""
    {_ABOVE}
    SELECT {_DATED}, f.node_id, f.parent_id, o.name
    FROM network_nodeplacement f JOIN network_node o ON o.id = f.node_id
    WHERE f.node_id IN (SELECT id FROM above) AND {_IN_MONTH} ORDER BY f.id
"""
SHARES = """
    SELECT s.node_id, s.recorded_at, o.name
    FROM (SELECT DISTINCT ON (node_id) node_id, recorded_at FROM balance_sharemonth
          WHERE month = %(month)s AND service_point_id = %(point)s AND recorded_at <= %(as_of)s
          ORDER BY node_id, revision DESC) s
    JOIN network_node o ON o.id = s.node_id
    WHERE s.recorded_at > %(known_since)s ORDER BY s.node_id
"""
CHANGED_OPENINGS = f"""
    SELECT f.id, f.balance, f.month, f.recorded_at,
           CASE WHEN f.superseded_at <= %(as_of)s THEN f.superseded_at END AS ended_at
    FROM billing_openingbalance f
    WHERE f.account_id = %(account)s AND f.service_point_id = %(point)s AND f.month = %(month)s
      AND {CHANGED.format("f")}
    ORDER BY f.recorded_at
"""
# What ended as the month began or within it: its items opened with that.
CARRIED = """
    SELECT n.balance, n.month, n.recorded_at
    FROM (SELECT DISTINCT ON (month, agreement_id, balance) * FROM billing_carriedbalance
          WHERE account_id = %(account)s AND recorded_at <= %(as_of)s
            AND month IN ((%(month)s::date - interval '1 month')::date, %(month)s::date)
          ORDER BY month, agreement_id, balance, revision DESC) AS n
    JOIN (SELECT DISTINCT ON (month, agreement_id, balance) * FROM billing_carriedbalance
          WHERE account_id = %(account)s AND recorded_at <= %(known_since)s
            AND month IN ((%(month)s::date - interval '1 month')::date, %(month)s::date)
          ORDER BY month, agreement_id, balance, revision DESC) AS b USING (month, agreement_id, balance)
    WHERE n.service_point_id = %(point)s AND n.value_micro IS DISTINCT FROM b.value_micro
      AND greatest(n.to_date, b.to_date) >= %(month)s AND least(n.to_date, b.to_date) < %(next)s
    ORDER BY n.month, n.balance
"""
EDITIONS = f"""
    SELECT e.id, e.recorded_at, e.document, t.name, b.document AS replaced
    FROM tariffs_tariff t
    JOIN tariffs_tariffedition e ON e.tariff_id = t.id AND {KNOWN.format("e")}
    LEFT JOIN tariffs_tariffedition b ON b.tariff_id = t.id AND {KNOWN_BEFORE.format("b")}
    WHERE e.id IS DISTINCT FROM b.id AND t.id IN (
        SELECT f.tariff_id FROM customers_agreement f
        WHERE f.service_point_id = %(point)s AND f.account_id = %(account)s
          AND f.valid && daterange(%(month)s::date, %(next)s::date) AND f.recorded_at <= %(as_of)s)
    ORDER BY e.id
"""
CHANGED_PRICES = """
    SELECT min(id) AS id, min(day) AS first_day, max(recorded_at) AS recorded_at, series
    FROM tariffs_hourlyprices
    WHERE recorded_at > %(known_since)s AND recorded_at <= %(as_of)s AND day >= %(month)s AND day < %(next)s
    GROUP BY series ORDER BY series
"""
DOCUMENTS = f"""
    SELECT e.document FROM tariffs_tariffedition e
    WHERE {KNOWN.format("e")} AND e.tariff_id IN (
        SELECT f.tariff_id FROM customers_agreement f
        WHERE f.service_point_id = %(point)s AND f.account_id = %(account)s
          AND f.valid && daterange(%(month)s::date, %(next)s::date) AND f.recorded_at <= %(as_of)s)
"""
CHANGED_READINGS = f"""
    SELECT DISTINCT f.id, f.register_id, f.reading_date, f.recorded_at, m.serial,
           CASE WHEN f.superseded_at <= %(as_of)s THEN f.superseded_at END AS ended_at
    FROM metering_installation i
    JOIN metering_register r ON r.meter_id = i.meter_id
    JOIN metering_meter m ON m.id = i.meter_id
    JOIN metering_reading f ON f.register_id = r.id
    WHERE i.service_point_id = %(point)s AND i.recorded_at <= %(as_of)s AND {CHANGED.format("f")}
    ORDER BY f.reading_date, f.id
"""
# The month's use as it was kept at either instant, with the readings that its days come from.
USED_READINGS = """
    SELECT u.is_before, u.span_opening || u.span_closing AS numbers,
           u.days_micro IS DISTINCT FROM o.days_micro AS differs
    FROM (SELECT DISTINCT ON (zone) TRUE AS is_before, zone, days_micro, span_opening, span_closing
          FROM metering_usagemonth
          WHERE month = %(month)s AND service_point_id = %(point)s AND recorded_at <= %(known_since)s
          ORDER BY zone, revision DESC) AS u
    LEFT JOIN (SELECT DISTINCT ON (zone) zone, days_micro FROM metering_usagemonth
               WHERE month = %(month)s AND service_point_id = %(point)s AND recorded_at <= %(as_of)s
               ORDER BY zone, revision DESC) AS o ON o.zone = u.zone
    UNION ALL
    SELECT * FROM (SELECT DISTINCT ON (zone) FALSE AS is_before, span_opening || span_closing AS numbers,
                          FALSE AS differs
                   FROM metering_usagemonth
                   WHERE month = %(month)s AND service_point_id = %(point)s AND recorded_at <= %(as_of)s
                   ORDER BY zone, revision DESC) AS n
"""
CORRECTED = """
    SELECT DISTINCT l.service_month, l.service_point_id FROM billing_billline l
    WHERE l.month = %(month)s AND l.bill_id = %(bill)s AND (l.service_month < %(month)s OR EXISTS (
        SELECT FROM billing_billrun r JOIN billing_billline s
            ON s.month = r.month AND s.bill_id = r.first_bill_id AND s.service_month = r.month
        WHERE r.kind IN ('settlement', 'on_site') AND r.account_id = %(account)s AND r.month = %(month)s
          AND r.facts_as_of < %(as_of)s AND s.agreement_id = l.agreement_id))
    ORDER BY 1, 2
"""
RUNS_BEFORE = """
    SELECT r.facts_as_of, EXISTS (SELECT FROM billing_billexception e WHERE e.run_id = r.id
                                  AND e.account_id = %(account)s AND e.blocking) AS blocked
    FROM billing_billrun r JOIN customers_account c ON c.id = %(account)s AND c.cycle = r.cycle
    WHERE r.status = 'posted' AND r.facts_as_of < %(as_of)s
      AND (r.kind = 'monthly' OR EXISTS (SELECT FROM billing_billrunaccount l
                                         WHERE l.run_id = r.id AND l.account_id = %(account)s))
    ORDER BY r.facts_as_of DESC
"""
