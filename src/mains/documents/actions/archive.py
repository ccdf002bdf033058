"""The archive: file documents, describe them, link them to what they prove and withdraw that, hold them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, models, transaction

from mains.base.jobs import enqueue
from mains.documents.actions.files import keep_file
from mains.documents.actions.words import index_words
from mains.documents.models import (
    Document,
    DocumentDescription,
    DocumentKind,
    DocumentLink,
    DocumentLinkWithdrawal,
    DocumentWords,
    LegalHold,
    LegalHoldRelease,
)
from mains.documents.values import ARCHIVED, TITLE_LENGTH, FileKind, Source, Subject, TextState
from mains.kernel.errors import MainsError

_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")
REASON_LENGTH = 200


class UnableToFileDocument(MainsError):
    """The document is not described, of no known kind, disposed of, or the reason is missing."""


@dataclass(frozen=True, kw_only=True)
class Described:
    """What is said about a document."""

    title: str
    kind_code: str
    document_date: date


@dataclass(frozen=True)
class Filed:
    """A document that is in the archive; `is_new` False when the same file was there before, under its own title."""

    id: int
    is_new: bool


def title_of_file(name: str) -> str:
    """A title from a file's name as a sender gives it: without folders, ending and letters that are not seen."""
    last = re.split(r"[/\\]", _UNSEEN.sub("", name))[-1].strip(" .")
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", last).strip(" .")
    return (stem or last)[:TITLE_LENGTH]


def file_document(
    *,
    chunks: Iterable[bytes],
    described: Described,
    subjects: Iterable[Subject] = (),
    source: Source = Source.UPLOAD,
    unit_id: int | None = None,
    actor: models.Model | None,
    now: datetime,
) -> Filed:
    """Keep a file in the archive and link it; the same bytes again are the same document, linked to more.

    Raises UnableToKeepFile and UnableToFileDocument, and then nothing is recorded.
    """
    described = _checked(described)
    with transaction.atomic():
        kept = keep_file(chunks=chunks, actor=actor, now=now, kinds=ARCHIVED)
        document, is_new = _document(kept.id, source=source, unit_id=unit_id, actor=actor, now=now)
        if is_new:
            _describe(document, described, actor=actor, now=now)
            has_text = kept.kind in (FileKind.PDF, FileKind.TEXT)
            state = TextState.WAITING if has_text else TextState.NONE
            DocumentWords.objects.create(document=document, words="", text_words="", state=state)
            index_words(document_id=document.pk)
            if has_text:
                enqueue(
                    "mains.documents.jobs.read_text",
                    key=f"text of document {document.pk}",
                    document_id=document.pk,
                )
        for subject in subjects:
            link_document(document_id=document.pk, subject=subject, actor=actor, now=now)
    return Filed(id=document.pk, is_new=is_new)


def _document(
    file_id: int, *, source: Source, unit_id: int | None, actor: models.Model | None, now: datetime
) -> tuple[Document, bool]:
    """The document of the file, made unless it is there; of two that come at once one is made."""
    try:
        with transaction.atomic():
            made = Document.objects.create(
                file_id=file_id, source=source, unit_id=unit_id, recorded_at=now, recorded_by_id=_id(actor)
            )
    except IntegrityError:
        return Document.objects.get(file_id=file_id, superseded_at=None), False
    return made, True


def describe_document(
    *, document_id: int, described: Described, actor: models.Model | None, now: datetime
) -> None:
    """Say anew what a document is; what was said before stays readable. Raises UnableToFileDocument."""
    described = _checked(described)
    with transaction.atomic():
        document = _held_open(document_id)
        DocumentDescription.objects.filter(document=document, superseded_at=None).update(superseded_at=now)
        _describe(document, described, actor=actor, now=now)
        index_words(document_id=document_id)


def _describe(document: Document, told: Described, *, actor: models.Model | None, now: datetime) -> None:
    DocumentDescription.objects.create(
        document=document,
        title=told.title,
        kind_code=told.kind_code,
        document_date=told.document_date,
        recorded_at=now,
        recorded_by_id=_id(actor),
    )


def link_document(*, document_id: int, subject: Subject, actor: models.Model | None, now: datetime) -> None:
    """Let a document prove something of a subject; the same again changes nothing. The caller has checked that the
    subject exists and that the person sees it. Raises UnableToFileDocument."""
    with transaction.atomic():
        document = _held_open(document_id)
        DocumentLink.objects.bulk_create(
            [
                DocumentLink(
                    document=document,
                    subject_kind=subject.kind,
                    subject_id=subject.id,
                    recorded_at=now,
                    recorded_by_id=_id(actor),
                )
            ],
            ignore_conflicts=True,
        )
        DocumentWords.objects.filter(document=document).update(is_filed=True)


def withdraw_link(*, link_id: int, reason: str, actor: models.Model | None, now: datetime) -> None:
    """Say that a document proves nothing of something after all. Raises UnableToFileDocument."""
    reason = _reason(reason)
    with transaction.atomic():
        document = _held_open(DocumentLink.objects.get(pk=link_id).document_id)
        links = DocumentLink.objects.filter(document=document, superseded_at=None)
        if not links.filter(pk=link_id).update(superseded_at=now):
            raise _unable("link-gone", "The link is withdrawn already.", "Look at the document anew.")
        DocumentWords.objects.filter(document=document).update(is_filed=links.exists())
        DocumentLinkWithdrawal.objects.create(
            fact_id=link_id, reason=reason, withdrawn_at=now, withdrawn_by_id=_id(actor)
        )


def hold_document(*, document_id: int, reason: str, actor: models.Model | None, now: datetime) -> None:
    """Keep a document from disposal until the hold is lifted. Raises UnableToFileDocument."""
    reason = _reason(reason)
    with transaction.atomic():
        document = _held_open(document_id)
        if LegalHold.objects.filter(document=document, superseded_at=None).exists():
            raise _unable("hold-there", "The document is on hold already.", "Lift that hold first.")
        LegalHold.objects.create(document=document, proof=reason, recorded_at=now, recorded_by_id=_id(actor))


def release_hold(*, document_id: int, reason: str, actor: models.Model | None, now: datetime) -> None:
    """Lift the hold of a document. Raises UnableToFileDocument."""
    reason = _reason(reason)
    with transaction.atomic():
        _held_open(document_id)
        hold = LegalHold.objects.filter(document_id=document_id, superseded_at=None).first()
        if hold is None:
            raise _unable("hold-gone", "The document is not on hold.", "Look at the document anew.")
        LegalHold.objects.filter(pk=hold.pk).update(superseded_at=now)
        LegalHoldRelease.objects.create(
            fact=hold, reason=reason, withdrawn_at=now, withdrawn_by_id=_id(actor)
        )


def _held_open(document_id: int) -> Document:
    """The document, locked: it is not disposed of, described or held by others meanwhile."""
    found = Document.objects.select_for_update(no_key=True).filter(pk=document_id, superseded_at=None).first()
    if found is None:
        raise _unable("document-gone", "The document is disposed of.", "Send the file again if you have it.")
    return found


def _checked(told: Described) -> Described:
    title = _UNSEEN.sub(" ", told.title).strip()
    if not 1 <= len(title) <= TITLE_LENGTH:
        raise _unable(
            "document-title", f"A title has 1 to {TITLE_LENGTH} characters.", "Say what the document is."
        )
    if not DocumentKind.objects.filter(code=told.kind_code, superseded_at=None).exists():
        raise _unable("document-kind", "There is no such kind of documents.", "Choose one of the list.")
    if not date(1900, 1, 1) <= told.document_date <= date(2199, 12, 31):
        raise _unable("document-date", "The date of the document lies in another age.", "Check the year.")
    return Described(title=title, kind_code=told.kind_code, document_date=told.document_date)


def _reason(text: str) -> str:
    reason = text.strip()
    if not 1 <= len(reason) <= REASON_LENGTH:
        raise _unable(
            "document-reason", f"A reason has 1 to {REASON_LENGTH} characters.", "Say why, in a few words."
        )
    return reason


def _id(actor: models.Model | None) -> int | None:
    return actor.pk if actor else None


def _unable(code: str, message: str, remedy: str) -> UnableToFileDocument:
    return UnableToFileDocument(code=code, message=message, place="document", remedy=remedy)
