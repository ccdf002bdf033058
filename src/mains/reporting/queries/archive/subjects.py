"""What belongs to an account and can be proved, and how people call it."""

from dataclasses import dataclass

from mains.base.rows import fetch_rows
from mains.documents.values import Subject, SubjectKind

SUBJECTS_OF_ACCOUNT = """
    SELECT 'account'::text, %(account)s::bigint
    UNION SELECT 'customer', customer_id FROM customers_account WHERE id = %(account)s
    UNION SELECT 'agreement', id FROM customers_agreement WHERE account_id = %(account)s
    UNION SELECT 'premise', s.premise_id FROM customers_agreement g
        JOIN network_servicepoint s ON s.id = g.service_point_id AND s.premise_id IS NOT NULL
        WHERE g.account_id = %(account)s AND g.superseded_at IS NULL
    UNION SELECT 'meter', i.meter_id FROM customers_agreement g
        JOIN metering_installation i ON i.service_point_id = g.service_point_id AND i.superseded_at IS NULL
            AND i.valid && g.valid
        WHERE g.account_id = %(account)s AND g.superseded_at IS NULL
    UNION SELECT 'finding', e.id FROM customers_agreement g
        JOIN metering_installation i ON i.service_point_id = g.service_point_id AND i.superseded_at IS NULL
            AND i.valid && g.valid
        JOIN metering_register r ON r.meter_id = i.meter_id
        JOIN metering_metererror e ON e.register_id = r.id AND e.valid && g.valid AND e.valid && i.valid
        WHERE g.account_id = %(account)s AND g.superseded_at IS NULL
    UNION SELECT 'act', e.id FROM customers_agreement g
        JOIN metering_unmetereduse e ON e.service_point_id = g.service_point_id AND e.valid && g.valid
        WHERE g.account_id = %(account)s AND g.superseded_at IS NULL
    UNION SELECT 'payment', id FROM payments_receipt WHERE account_id = %(account)s
    UNION SELECT 'payment', receipt_id FROM payments_receiptidentification WHERE account_id = %(account)s
"""
"""Kind and id of all that belongs to the account, as those who see the account see it."""

SUBJECT_TEXT = """coalesce(CASE l.subject_kind
    WHEN 'account' THEN (SELECT a.number FROM customers_account a WHERE a.id = l.subject_id)
    WHEN 'customer' THEN (SELECT mains_name(c.name) FROM customers_customer c WHERE c.id = l.subject_id)
    WHEN 'agreement' THEN (SELECT concat_ws(' ', nullif(g.contract_number, ''), s.code, lower(g.valid))
        FROM customers_agreement g JOIN network_servicepoint s ON s.id = g.service_point_id WHERE g.id = l.subject_id)
    WHEN 'premise' THEN (SELECT concat_ws(' ', b.street, b.house, nullif(p.flat, ''))
        FROM network_premise p JOIN network_building b ON b.id = p.building_id WHERE p.id = l.subject_id)
    WHEN 'meter' THEN (SELECT concat_ws(' ', m.model, m.serial) FROM metering_meter m WHERE m.id = l.subject_id)
    WHEN 'finding' THEN (SELECT concat_ws(' ', m.serial, lower(e.valid), e.proof) FROM metering_metererror e
        JOIN metering_register r ON r.id = e.register_id JOIN metering_meter m ON m.id = r.meter_id
        WHERE e.id = l.subject_id)
    WHEN 'act' THEN (SELECT concat_ws(' ', lower(e.valid), e.proof) FROM metering_unmetereduse e
        WHERE e.id = l.subject_id)
    WHEN 'payment' THEN (SELECT concat_ws(' ', p.paid_on, p.reference) FROM payments_receipt p
        WHERE p.id = l.subject_id)
    END, '')"""
"""How people call the subject of a link `l`; data only, nothing to translate."""

PAYMENTS_OFFERED = 20


@dataclass(frozen=True)
class SubjectRecord:
    """Something that a document may be linked to."""

    kind_code: str
    id: int
    text: str

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind(self.kind_code), self.id)

    @property
    def code(self) -> str:
        """As a form sends it."""
        return f"{self.kind_code}:{self.id}"


def list_subjects(*, account_id: int, sees_money: bool) -> list[SubjectRecord]:
    """What the account's documents may prove, the account first, only its latest payments; the caller has checked its
    scope."""
    statement = f"""
        SELECT l.subject_kind, l.subject_id, {SUBJECT_TEXT}
        FROM ({SUBJECTS_OF_ACCOUNT}) l (subject_kind, subject_id)
        WHERE %(money)s OR l.subject_kind <> 'payment'
        ORDER BY array_position(%(kinds)s::text[], l.subject_kind), l.subject_id DESC
    """
    params = {"account": account_id, "money": sees_money, "kinds": list(SubjectKind.values)}
    found = fetch_rows(SubjectRecord, statement, params)
    payments = [one for one in found if one.kind_code == SubjectKind.PAYMENT]
    return [one for one in found if one not in payments] + payments[:PAYMENTS_OFFERED]


def list_missing(*, account_id: int, language: str) -> list[tuple[str, str]]:
    """Where a kind of documents is demanded and there is none: the subject and the kind, as people call them.

    Agreements that ended are past asking.
    """
    statement = f"""
        SELECT {SUBJECT_TEXT}, coalesce(k.names ->> %(language)s, k.names ->> 'en')
        FROM ({SUBJECTS_OF_ACCOUNT}) l (subject_kind, subject_id)
        JOIN documents_documentkind k ON k.demanded_of = l.subject_kind AND k.superseded_at IS NULL
        WHERE NOT EXISTS (SELECT FROM documents_documentlink o
                JOIN documents_document d ON d.id = o.document_id AND d.superseded_at IS NULL
                JOIN documents_documentdescription t ON t.document_id = d.id AND t.superseded_at IS NULL
                WHERE o.subject_kind = l.subject_kind AND o.subject_id = l.subject_id
                    AND o.superseded_at IS NULL AND t.kind_code = k.code)
            AND NOT (l.subject_kind = 'agreement' AND EXISTS (SELECT FROM customers_agreement g
                WHERE g.id = l.subject_id AND (g.superseded_at IS NOT NULL OR upper(g.valid) IS NOT NULL)))
            AND NOT (l.subject_kind = 'finding' AND EXISTS (SELECT FROM metering_metererror e
                WHERE e.id = l.subject_id AND e.superseded_at IS NOT NULL))
            AND NOT (l.subject_kind = 'act' AND EXISTS (SELECT FROM metering_unmetereduse e
                WHERE e.id = l.subject_id AND e.superseded_at IS NOT NULL))
        ORDER BY k.code, l.subject_id LIMIT 20
    """
    return fetch_rows(lambda *row: row, statement, {"account": account_id, "language": language})
