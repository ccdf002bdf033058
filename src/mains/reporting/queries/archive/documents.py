"""Documents: the list with its search, one with its links, those of an account."""

from dataclasses import dataclass
from datetime import date, datetime

from mains.base.folding import fold_text
from mains.base.rows import fetch_row, fetch_rows
from mains.documents.values import FileKind, Source, SubjectKind, TextState
from mains.metering.queries.records import NAME_OF_USER
from mains.reporting.queries.archive.scope import (
    ACCOUNTS_OF_LINK,
    DOCUMENT_SEEN,
    LINK_SEEN,
    ArchiveReader,
)
from mains.reporting.queries.archive.subjects import SUBJECT_TEXT, SUBJECTS_OF_ACCOUNT

WORDS_ASKED_MAX = 8


@dataclass(frozen=True)
class DocumentRecord:
    """A document of the archive; `state` tells how its text was read, empty once it is disposed of."""

    id: int
    sha256: str
    file_code: str
    size_bytes: int
    title: str
    kind_code: str
    document_date: date
    source_code: str
    recorded_at: datetime
    recorded_by: str
    disposed_at: datetime | None
    state: str
    hold_reason: str
    held_by: str
    is_linked: bool

    @property
    def file_kind(self) -> FileKind:
        return FileKind(self.file_code)

    @property
    def source(self) -> Source:
        return Source(self.source_code)

    @property
    def text_state(self) -> TextState | None:
        return TextState(self.state) if self.state else None


@dataclass(frozen=True)
class LinkRecord:
    """What a document proves something about, with its text, the account that it leads to, and how it ended."""

    id: int
    subject_kind: str
    subject_id: int
    text: str
    account_id: int | None
    account_number: str
    recorded_at: datetime
    recorded_by: str
    superseded_at: datetime | None
    withdrawn_by: str
    withdrawal_reason: str

    @property
    def kind(self) -> SubjectKind:
        return SubjectKind(self.subject_kind)


@dataclass(frozen=True)
class DocumentFilter:
    """What the list shows: words of title and text, kind, days of the documents, or only what is linked to nothing."""

    text: str = ""
    kind_code: str = ""
    from_date: date | None = None
    to_date: date | None = None
    is_unfiled: bool = False


_SELECT = f"""
SELECT d.id, f.sha256, f.kind, f.size_bytes, t.title, t.kind_code, t.document_date, d.source, d.recorded_at,
       {NAME_OF_USER}, d.superseded_at, coalesce(w.state, ''), coalesce(h.proof, ''),
       coalesce(nullif(trim(k.first_name || ' ' || k.last_name), ''), k.username, ''),
       EXISTS (SELECT FROM documents_documentlink l WHERE l.document_id = d.id AND l.superseded_at IS NULL)
FROM documents_document d
JOIN documents_storedfile f ON f.id = d.file_id
JOIN documents_documentdescription t ON t.document_id = d.id AND t.superseded_at IS NULL
LEFT JOIN documents_documentwords w ON w.document_id = d.id
LEFT JOIN documents_legalhold h ON h.document_id = d.id AND h.superseded_at IS NULL
LEFT JOIN staff_user u ON u.id = d.recorded_by_id
LEFT JOIN staff_user k ON k.id = h.recorded_by_id
"""
_JOINS = {
    "w.": "JOIN documents_documentwords w ON w.document_id = d.id",
    "t.": "JOIN documents_documentdescription t ON t.document_id = d.id AND t.superseded_at IS NULL",
}


def list_documents(
    *, reader: ArchiveReader, chosen: DocumentFilter, after_id: int | None = None, limit: int = 50
) -> list[DocumentRecord]:
    """What the person sees of what is asked for, latest first; after the one of `after_id`."""
    words = _asked(chosen.text)
    if chosen.text.strip() and not words:
        return []  # signs alone find nothing
    asked = {
        "w.words @@ %(words)s::tsquery": words,
        "t.kind_code = %(kind)s": chosen.kind_code,
        "t.document_date >= %(from)s": chosen.from_date,
        "t.document_date <= %(to)s": chosen.to_date,
        "NOT w.is_filed": chosen.is_unfiled,
        "d.id < %(after)s": after_id is not None,
    }
    conditions = [condition for condition, told in asked.items() if told]
    joins = [join for alias, join in _JOINS.items() if any(alias in condition for condition in conditions)]
    # The page's ids first: what is shown of them is then read for these alone.
    statement = f"""
        WITH page AS MATERIALIZED (
            SELECT d.id FROM documents_document d {" ".join(joins)}
            WHERE {" AND ".join(["d.superseded_at IS NULL", *conditions, DOCUMENT_SEEN])}
            ORDER BY d.id DESC LIMIT %(limit)s)
        {_SELECT} JOIN page ON page.id = d.id ORDER BY d.id DESC
    """
    params = {
        "words": words, "kind": chosen.kind_code, "from": chosen.from_date, "to": chosen.to_date, "after": after_id,
        "limit": limit,
    }  # fmt: skip
    return fetch_rows(DocumentRecord, statement, {**params, **reader.params})


def _asked(text: str) -> str:
    """The query of the words: all of them, each maybe unfinished; folded words are letters and digits only."""
    return " & ".join(f"'{token}':*" for token in fold_text(text)[:WORDS_ASKED_MAX])


def find_document(*, document_id: int, reader: ArchiveReader) -> DocumentRecord | None:
    """One document that the person sees, disposed of or not."""
    statement = f"{_SELECT} WHERE d.id = %(id)s AND {DOCUMENT_SEEN}"
    return fetch_row(DocumentRecord, statement, {"id": document_id, **reader.params})


def list_documents_of_account(*, account_id: int, sees_money: bool) -> list[DocumentRecord]:
    """What proves something of the account or of what belongs to it, latest first; the caller has checked its scope."""
    statement = f"""
        WITH s (kind, id) AS MATERIALIZED ({SUBJECTS_OF_ACCOUNT}),
        page AS MATERIALIZED (
            SELECT DISTINCT d.id FROM s
            JOIN documents_documentlink l ON l.subject_kind = s.kind AND l.subject_id = s.id AND l.superseded_at IS NULL
            JOIN documents_document d ON d.id = l.document_id AND d.superseded_at IS NULL
            WHERE %(money)s OR l.subject_kind <> 'payment'
            ORDER BY d.id DESC LIMIT 500)
        {_SELECT} JOIN page ON page.id = d.id ORDER BY d.id DESC
    """
    return fetch_rows(DocumentRecord, statement, {"account": account_id, "money": sees_money})


def list_links(*, document_id: int, reader: ArchiveReader) -> list[LinkRecord]:
    """The links of a document that the person sees, withdrawn ones among them; those of other units stay out."""
    statement = f"""
        SELECT l.id, l.subject_kind, l.subject_id, {SUBJECT_TEXT}, n.id, coalesce(n.number, ''), l.recorded_at,
               {NAME_OF_USER}, l.superseded_at,
               coalesce(nullif(trim(k.first_name || ' ' || k.last_name), ''), k.username, ''), coalesce(x.reason, '')
        FROM documents_documentlink l
        LEFT JOIN documents_documentlinkwithdrawal x ON x.fact_id = l.id
        LEFT JOIN staff_user u ON u.id = l.recorded_by_id
        LEFT JOIN staff_user k ON k.id = x.withdrawn_by_id
        LEFT JOIN LATERAL (
            SELECT a.id, a.number FROM ({ACCOUNTS_OF_LINK}) o JOIN customers_account a ON a.id = o.account_id
            WHERE %(all_units)s OR a.organisation_id = ANY(%(units)s) ORDER BY a.id LIMIT 1) n ON true
        WHERE l.document_id = %(id)s AND {LINK_SEEN}
        ORDER BY l.superseded_at IS NOT NULL, l.id
    """
    return fetch_rows(LinkRecord, statement, {"id": document_id, **reader.params})
