"""Documents past their time: their kind is kept for so many years, nothing open needs them, nobody holds them."""

from dataclasses import dataclass
from datetime import date

from mains.base.rows import fetch_rows
from mains.reporting.queries.archive.scope import ACCOUNTS_OF_LINK


@dataclass(frozen=True)
class PastRecord:
    """A document past its time, and since when."""

    id: int
    title: str
    kind_code: str
    document_date: date
    keep_until: date


# `ended`: when the last account closed to which the document leads; infinity while one is open.
_PAST = f"""
SELECT d.id, t.title, t.kind_code, t.document_date,
       (greatest(t.document_date, CASE WHEN k.keeps_while_open THEN e.ended END)
        + make_interval(years => k.keep_years))::date AS keep_until
FROM documents_document d
JOIN documents_documentdescription t ON t.document_id = d.id AND t.superseded_at IS NULL
JOIN documents_documentkind k ON k.code = t.kind_code AND k.superseded_at IS NULL AND k.keep_years IS NOT NULL
CROSS JOIN LATERAL (
    SELECT max(coalesce(a.closed_on, 'infinity'::date)) AS ended
    FROM documents_documentlink l CROSS JOIN LATERAL ({ACCOUNTS_OF_LINK}) o
    JOIN customers_account a ON a.id = o.account_id
    WHERE l.document_id = d.id AND l.superseded_at IS NULL) e
WHERE d.superseded_at IS NULL
  AND NOT EXISTS (SELECT FROM documents_legalhold h WHERE h.document_id = d.id AND h.superseded_at IS NULL)
  AND EXISTS (SELECT FROM documents_documentlink l WHERE l.document_id = d.id)
  AND (NOT k.keeps_while_open OR e.ended IS NULL OR e.ended < 'infinity'::date)
"""


def list_past(*, today: date) -> list[PastRecord]:
    """All documents that may be disposed of today, oldest first; what was never filed is not among them."""
    statement = f"""
        SELECT * FROM ({_PAST}) p
        WHERE p.keep_until < %(today)s ORDER BY p.keep_until, p.id
    """
    return fetch_rows(PastRecord, statement, {"today": today})
