"""Keeping files: streamed to disk, measured and recognised on the way, stored once by their content."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection, models, transaction

from mains.base.places import private_folder
from mains.documents.models import StoredFile
from mains.documents.queries.files import (
    INCOMING,
    UnableToOpenFile,
    draw_small,
    files_folder,
    path_of,
    small_path_of,
)
from mains.documents.values import (
    FILE_BYTES_MAX,
    HEAD_BYTES,
    PROOFS,
    FileKind,
    is_heic,
    is_plain_text,
    kind_of,
)
from mains.kernel.errors import MainsError

_KINDS = "Send a JPEG, PNG or WebP picture or a PDF."


class UnableToKeepFile(MainsError):
    """The file is empty, too large, damaged, or of no kind that is kept; or the disk does not take it."""


@dataclass(frozen=True)
class KeptFile:
    """A file that is in its place. `sha256` is that of its bytes as they came."""

    id: int
    sha256: str
    kind: FileKind


def keep_file(
    *,
    chunks: Iterable[bytes],
    actor: models.Model | None,
    now: datetime,
    kinds: frozenset[FileKind] = PROOFS,
) -> KeptFile:
    """Store the bytes under their hash, unless they are stored already; the kind is told by the content, and is one of
    `kinds`.

    The bytes are on disk before the row is written, so a row without its file is never seen; bytes whose transaction is
    rolled back lie there unnamed until the same file comes again. Raises UnableToKeepFile.
    """
    try:
        incoming = private_folder(private_folder(files_folder()) / INCOMING)
        with tempfile.NamedTemporaryFile(dir=incoming, delete=False) as file:
            written = Path(file.name)
        try:
            sha256, kind, size = _write(written, chunks, kinds)
            small = _small_picture(written, kind)
            if small is not None and not small_path_of(sha256).exists():
                _put_small(small, incoming, small_path_of(sha256))
            _put(written, path_of(sha256))
            row = StoredFile(
                sha256=sha256,
                kind=kind,
                size_bytes=size,
                recorded_at=now,
                recorded_by_id=actor.pk if actor else None,
            )
            return KeptFile(id=_record(row, written), sha256=sha256, kind=kind)
        finally:
            written.unlink(missing_ok=True)
    except OSError as error:
        raise _unable(
            "file-not-written",
            f"The file cannot be kept: {error.strerror}.",
            "Look at the disk of MAINS_HOME.",
        ) from error


def _record(row: StoredFile, written: Path) -> int:
    """Write the row unless it is there; its id. Somebody may have disposed of the bytes a moment ago: from the lock on
    nobody does, as long as the caller's transaction lasts, and what is missing by then is put again."""
    with transaction.atomic():
        StoredFile.objects.bulk_create([row], ignore_conflicts=True)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM documents_storedfile WHERE sha256 = %s FOR KEY SHARE", [row.sha256]
            )
            (found,) = cursor.fetchone()
        if written.exists():
            _put(written, path_of(row.sha256))
        return int(found)


def _put_small(small: bytes, incoming: Path, place: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=incoming, delete=False) as file:
        file.write(small)
    _put(Path(file.name), place)
    Path(file.name).unlink(missing_ok=True)


def _write(path: Path, chunks: Iterable[bytes], kinds: frozenset[FileKind]) -> tuple[str, FileKind, int]:
    """Hash, kind and size of what was written."""
    digest, size, head = hashlib.sha256(), 0, b""
    with path.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > FILE_BYTES_MAX:
                raise _unable(
                    "file-too-large",
                    f"The file is larger than {FILE_BYTES_MAX // 1024**2} MB.",
                    "Make the picture smaller, or scan with fewer dots.",
                )
            if len(head) < HEAD_BYTES:
                head = (head + chunk)[:HEAD_BYTES]
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), _kind(head, path, kinds), size


def _kind(head: bytes, path: Path, kinds: frozenset[FileKind]) -> FileKind:
    kind = kind_of(head)
    if kind is None and FileKind.TEXT in kinds and is_plain_text(path.read_bytes()):
        kind = FileKind.TEXT
    if kind is not None and kind in kinds:
        return kind
    if not head:
        raise _unable("file-empty", "The file is empty.", "Choose it again.")
    if is_heic(head):
        raise _unable(
            "file-heic",
            "The picture is in the HEIC format, which most programs cannot show.",
            "Set the camera to “Most compatible”, or save the picture as JPEG.",
        )
    if FileKind.TEXT in kinds:
        raise _unable(
            "file-kind-archive",
            "This is neither a picture nor a PDF nor plain text.",
            "Save it as PDF. Web pages, drawings with markup and packed files are not kept.",
        )
    raise _unable("file-kind", "This is neither a picture nor a PDF.", _KINDS)


def _small_picture(path: Path, kind: FileKind) -> bytes | None:
    """The small picture, which proves too that the file is whole; None of a document."""
    if not kind.is_picture:
        return None
    with path.open("rb") as file:
        try:
            return draw_small(file, kind=kind)
        except UnableToOpenFile as error:
            raise _unable(error.code, error.message, error.remedy) from error


def _put(written: Path, place: Path) -> None:
    """Move a whole file to its place; a file of the same bytes may lie there already."""
    if place.exists():
        os.utime(place)  # young files are not swept away
        return
    private_folder(place.parent)
    written.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _unable(code: str, message: str, remedy: str) -> UnableToKeepFile:
    return UnableToKeepFile(
        code=code, message=message, place="file", remedy=remedy, params={"field": "photo"}
    )
