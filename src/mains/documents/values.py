"""Kinds of files that are kept as proof, recognised by their content and never by their name; what a document can
prove, and how its text was read."""

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

FILE_BYTES_MAX = 12 * 1024 * 1024
"""A photo of any phone, a scanned act; what is larger is no proof of a single fact."""

PIXELS_MAX = 60_000_000
"""More than any phone's camera has: a picture that would need gigabytes when unpacked is refused."""

HEAD_BYTES = 32
"""So many first bytes tell the kind."""


class FileKind(TextChoices):
    """The stored code is the media type with which the file is served."""

    JPEG = "image/jpeg", _("JPEG picture")
    PNG = "image/png", _("PNG picture")
    WEBP = "image/webp", _("WebP picture")
    PDF = "application/pdf", _("PDF document")
    TEXT = "text/plain", _("Text")

    @property
    def is_picture(self) -> bool:
        return self in PICTURES

    @property
    def ending(self) -> str:
        return _ENDINGS[self.value]


_ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "text/plain": "txt",
}
PICTURES = frozenset({FileKind.JPEG, FileKind.PNG, FileKind.WEBP})
PROOFS = PICTURES | {FileKind.PDF}
"""What proves a reading."""

ARCHIVED = PROOFS | {FileKind.TEXT}
"""What the archive keeps. Containers (ZIP and what is built on it) are not kept, so nothing is ever unpacked."""


def kind_of(head: bytes) -> FileKind | None:
    """The kind of a file by its first `HEAD_BYTES`; None for what is not kept."""
    if head.startswith(b"\xff\xd8\xff"):
        return FileKind.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return FileKind.PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return FileKind.WEBP
    if head.startswith(b"%PDF-"):
        return FileKind.PDF
    return None


def is_plain_text(content: bytes) -> bool:
    """Whether it is text in UTF-8 and no markup: HTML, SVG and XML may carry scripts."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    if any(ord(letter) < ord(" ") and letter not in "\t\n\r\f" for letter in text):
        return False
    lowered = text.lower()
    return bool(text.strip()) and not any(
        sign in lowered for sign in ("<!doctype", "<?xml", "<svg", "<html", "<script", "<body", "<iframe")
    )


def is_heic(head: bytes) -> bool:
    """Whether it is a picture as iPhones keep them, which browsers and printers cannot show."""
    return head[4:8] == b"ftyp" and head[8:12] in (
        b"heic",
        b"heix",
        b"heim",
        b"heis",
        b"hevc",
        b"mif1",
        b"msf1",
    )


class SubjectKind(TextChoices):
    """What a document can prove something about; the id is that of its row."""

    ACCOUNT = "account", _("Account")
    CUSTOMER = "customer", _("Customer")
    PREMISE = "premise", _("Premise")
    AGREEMENT = "agreement", _("Agreement")
    METER = "meter", _("Meter")
    FINDING = "finding", _("Found error of a meter")
    ACT = "act", _("Act of unmetered use")
    PAYMENT = "payment", _("Payment")


@dataclass(frozen=True)
class Subject:
    """Something that a document proves."""

    kind: SubjectKind
    id: int


class TextState(TextChoices):
    """How the text of a file was read, for the search."""

    WAITING = "waiting", _("Text is being read")
    READ = "read", _("Text is searched")
    NONE = "none", _("No text in it")
    LOCKED = "locked", _("Locked by a password: its text is not searched")
    BROKEN = "broken", _("Damaged: kept as it came, its text is not searched")
    TOO_MUCH = "too_much", _("Too long to read: its text is not searched")


class Source(TextChoices):
    """How a document came in."""

    UPLOAD = "upload", _("Sent in the office")
    MAIL = "mail", _("E-mail")


TITLE_LENGTH = 200
WORDS_MAX = 20_000
"""So many different words of one document are searched."""
