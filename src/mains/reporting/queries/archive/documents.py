"""Documents: the list with its search, one with its links, those of an account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

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


def list_documents(
    *, reader: ArchiveReader, chosen: DocumentFilter, after_id: int | None = None, limit: int = 50
) -> list[DocumentRecord]:
    """What the person sees of what is asked for, latest first; after the one of `after_id`."""
    conditions, params = ["d.superseded_at IS NULL"], dict(reader.params)
    words = _asked(chosen.text)
    if words:
        conditions.append("w.words @@ %(words)s::tsquery")
    elif chosen.text.strip():
        return []  # signs alone find nothing
    told: Mapping[str, Any] = {
        "words": words, "kind": chosen.kind_code, "from": chosen.from_date, "to": chosen.to_date, "after": after_id,
    }  # fmt: skip
    if chosen.kind_code:
        conditions.append("t.kind_code = %(kind)s")
    if chosen.from_date:
        conditions.append("t.document_date >= %(from)s")
    if chosen.to_date:
        conditions.append("t.document_date <= %(to)s")
    if chosen.is_unfiled:
        conditions.append(
            "NOT EXISTS (SELECT FROM documents_documentlink l WHERE l.document_id = d.id AND l.superseded_at IS NULL)"
        )
    if after_id is not None:
        conditions.append("d.id < %(after)s")
    statement = (
        f"{_SELECT} WHERE {' AND '.join(conditions)} AND {DOCUMENT_SEEN} ORDER BY d.id DESC LIMIT %(limit)s"
    )
    return fetch_rows(DocumentRecord, statement, params | dict(told) | {"limit": limit})


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
        WITH s (kind, id) AS ({SUBJECTS_OF_ACCOUNT})
        {_SELECT} WHERE d.superseded_at IS NULL AND d.id IN (
            SELECT l.document_id FROM s JOIN documents_documentlink l
                ON l.subject_kind = s.kind AND l.subject_id = s.id AND l.superseded_at IS NULL
            WHERE %(money)s OR l.subject_kind <> 'payment')
        ORDER BY d.id DESC LIMIT 500
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
