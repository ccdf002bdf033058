"""The words by which documents are found: folded as names are, those of the title and those of the text."""

from django.db import connection

from mains.base.folding import fold_word, split_words
from mains.documents.models import DocumentDescription, DocumentWords
from mains.documents.queries.files import UnableToOpenFile, open_file, path_of
from mains.documents.queries.pdf_text import read_pdf_text
from mains.documents.values import WORDS_MAX, FileKind, TextState

_STORE_TEXT = """
    UPDATE documents_documentwords SET text_words = array_to_tsvector(%(words)s::text[]), state = %(state)s
    WHERE document_id = %(document)s
"""
_STORE = """
    UPDATE documents_documentwords SET words = array_to_tsvector(%(words)s::text[]) || text_words
    WHERE document_id = %(document)s
"""


def folded_words(text: str) -> list[str]:
    """The different words of a text, folded, at most WORDS_MAX of them."""
    found: dict[str, None] = {}
    for word in dict.fromkeys(split_words(text)):
        token = fold_word(word)
        if token:
            found[token] = None
        if len(found) >= WORDS_MAX:
            break
    return list(found)


def index_words(*, document_id: int) -> None:
    """Let the document be found by its title and by what is known of its text."""
    title = DocumentDescription.objects.get(document_id=document_id, superseded_at=None).title
    with connection.cursor() as cursor:
        cursor.execute(_STORE, {"words": folded_words(title), "document": document_id})


def read_document_text(*, document_id: int) -> TextState:
    """Read the text of a document's file once more; a damaged file is kept, and its state says so."""
    row = DocumentWords.objects.select_related("document__file").get(document_id=document_id)
    file = row.document.file
    text, state = _text(file.sha256, FileKind(file.kind))
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE_TEXT, {"words": folded_words(text), "state": state.value, "document": document_id}
        )
    index_words(document_id=document_id)
    return state


def read_waiting_texts(*, limit: int = 1000) -> int:
    """Read the texts that wait, and say how many there were: for when no worker runs."""
    waiting = DocumentWords.objects.filter(state=TextState.WAITING, document__superseded_at=None)
    ids = list(waiting.order_by("document_id").values_list("document_id", flat=True)[:limit])
    for document_id in ids:
        read_document_text(document_id=document_id)
    return len(ids)


def _text(sha256: str, kind: FileKind) -> tuple[str, TextState]:
    if kind.is_picture:
        return "", TextState.NONE
    try:
        with open_file(sha256=sha256) as file:
            if kind is FileKind.PDF:
                return read_pdf_text(path_of(sha256))
            return file.read().decode("utf-8-sig", errors="replace"), TextState.READ
    except UnableToOpenFile:
        return "", TextState.BROKEN
