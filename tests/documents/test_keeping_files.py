"""Files by their content: kept once, recognised by what they are, small pictures without secrets, damage seen."""

import io
import zlib
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, transaction
from PIL import Image

from mains.documents.actions.files import UnableToKeepFile, keep_file
from mains.documents.models import StoredFile
from mains.documents.queries.files import (
    UnableToOpenFile,
    open_file,
    path_of,
    read_small_picture,
    small_path_of,
)
from mains.documents.values import FILE_BYTES_MAX, FileKind
from photo_cast import CAMERA, REMARK, files_home, photo

NOW = datetime(2021, 6, 7, 9, 0, tzinfo=UTC)
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("files_home")]
__all__ = ["files_home"]


def keep(content: bytes, *, chunk: int = 1000):
    chunks = (content[start : start + chunk] for start in range(0, len(content), chunk))
    return keep_file(chunks=chunks, actor=None, now=NOW)


def test_the_same_bytes_are_kept_once_and_come_back_as_they_were(files_home) -> None:
    content = photo()
    first, second = keep(content), keep(content, chunk=7)
    assert first == second
    assert StoredFile.objects.count() == 1
    with open_file(sha256=first.sha256) as file:
        assert file.read() == content
    lying = [path for path in (files_home / "files").rglob("*") if path.is_file()]
    assert sorted(lying) == sorted([path_of(first.sha256), small_path_of(first.sha256)])
    assert path_of(first.sha256).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (photo(), FileKind.JPEG),
        (photo(kind="PNG"), FileKind.PNG),
        (photo(kind="WEBP"), FileKind.WEBP),
        (PDF, FileKind.PDF),
    ],
)
def test_the_content_tells_the_kind(content: bytes, kind: FileKind) -> None:
    assert keep(content, chunk=3).kind == kind


def png_of(width: int, height: int) -> bytes:
    """A tiny file that unpacks to a picture of that size."""

    def part(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"")) + part(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file-empty"),
        (b"<script>alert(1)</script>", "file-kind"),
        (b"GIF89a" + bytes(40), "file-kind"),
        (b"MZ" + bytes(100), "file-kind"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "file-heic"),
        (b"\xff\xd8\xff\xe0<script>alert(1)</script>", "picture-unreadable"),
        (photo()[:4000], "picture-unreadable"),
        (photo(kind="PNG")[:900], "picture-unreadable"),
        (png_of(40_000, 40_000), "picture-too-large"),
    ],
)
def test_what_is_no_whole_picture_or_document_is_refused_and_leaves_nothing(
    files_home, content, code
) -> None:
    with pytest.raises(UnableToKeepFile) as refused:
        keep(content)
    assert refused.value.code == code
    assert refused.value.remedy
    assert not StoredFile.objects.exists()
    assert [path for path in files_home.rglob("*") if path.is_file()] == []


def test_a_large_file_is_refused_before_it_is_read_to_its_end() -> None:
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 2**20
            yield b"%PDF-".ljust(2**20)

    with pytest.raises(UnableToKeepFile, match="12 MB"):
        keep_file(chunks=endless(), actor=None, now=NOW)
    assert read <= FILE_BYTES_MAX + 2**20


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_a_small_picture_is_upright_and_tells_neither_place_nor_camera(kind: str) -> None:
    content = photo(kind=kind)
    assert CAMERA.encode() in content
    kept = keep(content)
    small = read_small_picture(sha256=kept.sha256, kind=kept.kind)
    assert CAMERA.encode() not in small
    assert REMARK.encode() not in small
    with Image.open(io.BytesIO(small)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (480, 640))
        assert not picture.getexif()
        assert not picture.info.get("comment")
    with open_file(sha256=kept.sha256) as file:
        assert CAMERA.encode() in file.read()


def test_a_lost_small_picture_is_drawn_again() -> None:
    kept = keep(photo())
    small = read_small_picture(sha256=kept.sha256, kind=kept.kind)
    small_path_of(kept.sha256).unlink()
    assert read_small_picture(sha256=kept.sha256, kind=kept.kind) == small


def test_a_flipped_byte_and_a_lost_file_are_seen_and_a_lost_one_comes_back() -> None:
    content = photo()
    kept = keep(content)
    place = path_of(kept.sha256)
    place.write_bytes(content[:-20] + b"?" + content[-19:])
    with pytest.raises(UnableToOpenFile, match="not what it was"):
        open_file(sha256=kept.sha256)
    place.unlink()
    with pytest.raises(UnableToOpenFile, match="not in its place"):
        open_file(sha256=kept.sha256)
    assert keep(content).id == kept.id
    with open_file(sha256=kept.sha256) as file:
        assert file.read() == content


def test_rows_of_files_are_never_changed() -> None:
    kept = keep(PDF)
    with pytest.raises(DatabaseError), transaction.atomic():
        StoredFile.objects.filter(pk=kept.id).update(kind=FileKind.PNG)
    with pytest.raises(DatabaseError), transaction.atomic():
        StoredFile.objects.filter(pk=kept.id).delete()
