"""Whose a document is: the accounts behind what it proves, and the units of these."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mains.staff.values import Scope

# The accounts behind a current link `l`; each branch is empty at once unless the link is of its kind. What is dated
# counts for those who paid on any of its days.
ACCOUNTS_OF_LINK = """
    SELECT l.subject_id AS account_id WHERE l.subject_kind = 'account'
    UNION ALL SELECT c.id FROM customers_account c
        WHERE l.subject_kind = 'customer' AND c.customer_id = l.subject_id
    UNION ALL SELECT g.account_id FROM customers_agreement g
        WHERE l.subject_kind = 'agreement' AND g.id = l.subject_id
    UNION ALL SELECT g.account_id FROM network_servicepoint s
        JOIN customers_agreement g ON g.service_point_id = s.id AND g.superseded_at IS NULL
        WHERE l.subject_kind = 'premise' AND s.premise_id = l.subject_id
    UNION ALL SELECT g.account_id FROM metering_installation i
        JOIN customers_agreement g ON g.service_point_id = i.service_point_id AND g.superseded_at IS NULL
            AND g.valid && i.valid
        WHERE l.subject_kind = 'meter' AND i.meter_id = l.subject_id AND i.superseded_at IS NULL
    UNION ALL SELECT g.account_id FROM metering_metererror e
        JOIN metering_register r ON r.id = e.register_id
        JOIN metering_installation i ON i.meter_id = r.meter_id AND i.superseded_at IS NULL AND i.valid && e.valid
        JOIN customers_agreement g ON g.service_point_id = i.service_point_id AND g.superseded_at IS NULL
            AND g.valid && i.valid AND g.valid && e.valid
        WHERE l.subject_kind = 'finding' AND e.id = l.subject_id
    UNION ALL SELECT g.account_id FROM metering_unmetereduse e
        JOIN customers_agreement g ON g.service_point_id = e.service_point_id AND g.superseded_at IS NULL
            AND g.valid && e.valid
        WHERE l.subject_kind = 'act' AND e.id = l.subject_id
    UNION ALL SELECT p.account_id FROM payments_receipt p
        WHERE l.subject_kind = 'payment' AND p.id = l.subject_id
    UNION ALL SELECT p.account_id FROM payments_receiptidentification p
        WHERE l.subject_kind = 'payment' AND p.receipt_id = l.subject_id
"""

LINK_SEEN = f"""EXISTS (
    SELECT FROM ({ACCOUNTS_OF_LINK}) o JOIN customers_account a ON a.id = o.account_id
    WHERE CASE WHEN l.subject_kind = 'payment' THEN %(all_money)s OR a.organisation_id = ANY(%(money_units)s)
        ELSE %(all_units)s OR a.organisation_id = ANY(%(units)s) END)"""

# One small look per document: as a condition of its own the planner would look at the links of all documents at once.
DOCUMENT_SEEN = f"""coalesce((
    SELECT bool_or({LINK_SEEN}) FROM documents_documentlink l WHERE l.document_id = d.id AND l.superseded_at IS NULL),
    %(all_units)s OR d.unit_id = ANY(%(units)s), false)"""


@dataclass(frozen=True)
class ArchiveReader:
    """Who looks: where they see accounts, and where money, which payments' documents need besides."""

    accounts: Scope
    money: Scope

    @property
    def params(self) -> Mapping[str, Any]:
        """What the conditions above ask for."""
        seen, paid = self.accounts.organisation_ids, self.money.organisation_ids
        has_money = bool(self.money.permissions)
        return {
            "all_units": seen is None,
            "units": sorted(seen or ()),
            "all_money": has_money and paid is None,
            "money_units": sorted(paid or ()) if has_money else [],
        }
