"""Kinds of files that are kept as proof, recognised by their content and never by their name."""

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

    @property
    def is_picture(self) -> bool:
        return self is not FileKind.PDF

    @property
    def ending(self) -> str:
        return {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}.get(self.value, "pdf")


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
